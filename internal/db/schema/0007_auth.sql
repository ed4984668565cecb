-- +goose Up
-- Who may sign in: a creator (creator is set), or one of the operator's staff.
CREATE TABLE principal (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  creator BIGINT NOT NULL,
  created BIGINT NOT NULL,
  closed BIGINT NOT NULL
);
CREATE INDEX principal_creator ON principal (creator) WHERE creator <> 0;

-- Sessions by the hash of their cookie: whoever reads this table cannot sign in with it.
CREATE TABLE session (
  token TEXT COLLATE "C" PRIMARY KEY,
  data BYTEA NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX session_expires ON session (expires);

-- Login links by the hash of their token. One that is not reusable is gone once it was used.
CREATE TABLE login_link (
  hash BYTEA PRIMARY KEY,
  principal BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  reusable BIGINT NOT NULL
);

-- API tokens by their SHA-256; creator is 0 for those of the operator.
CREATE TABLE api_token (
  id BIGINT PRIMARY KEY,
  hash BYTEA NOT NULL UNIQUE,
  name TEXT NOT NULL,
  creator BIGINT NOT NULL,
  scopes TEXT NOT NULL,
  created BIGINT NOT NULL,
  revoked BIGINT NOT NULL
);
