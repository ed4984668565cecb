-- +goose Up
-- Sign-ins that were sent to an account elsewhere and have not come back: by the hash of their state. The nonce and the
-- verifier are sealed; browser is the hash of what the asking browser holds. A row is gone with its first use.
CREATE TABLE oidc_request (
  state BYTEA PRIMARY KEY,
  provider TEXT NOT NULL,
  browser BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX oidc_request_expires ON oidc_request (expires);

-- Accounts elsewhere by the keyed hash of issuer and subject, and who signs in with them. A principal has one per issuer.
CREATE TABLE identity (
  hash BYTEA PRIMARY KEY,
  issuer TEXT COLLATE "C" NOT NULL,
  principal BIGINT NOT NULL,
  created BIGINT NOT NULL,
  UNIQUE (principal, issuer)
);
