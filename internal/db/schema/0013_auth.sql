-- +goose Up
-- An agency or a brand: what a person may act for beside a creator.
CREATE TABLE team (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  created BIGINT NOT NULL
);

-- Who acts for which account (a creator or a team), and with which seat. Who left has no row.
CREATE TABLE seat (
  account BIGINT NOT NULL,
  principal BIGINT NOT NULL,
  kind TEXT NOT NULL,
  seat TEXT NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (account, principal)
); -- clustered
CREATE INDEX seat_principal ON seat (principal, since, account);

INSERT INTO seat (account, principal, kind, seat, since)
SELECT creator, id, 'creator', 'owner', created FROM principal WHERE creator <> 0 AND closed = 0;

-- A creator lets an agency's people act for them, with at most this seat.
CREATE TABLE agency_grant (
  creator BIGINT NOT NULL,
  agency BIGINT NOT NULL,
  seat TEXT NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (creator, agency)
); -- clustered
CREATE INDEX agency_grant_agency ON agency_grant (agency, creator);

-- Seats that are offered, by the hash of the text that takes them: gone once taken. hint is the name of whom it is meant for.
CREATE TABLE invitation (
  id BIGINT PRIMARY KEY,
  hash BYTEA NOT NULL UNIQUE,
  account BIGINT NOT NULL,
  kind TEXT NOT NULL,
  seat TEXT NOT NULL,
  hint TEXT NOT NULL,
  inviter BIGINT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX invitation_account ON invitation (account, id);

-- A browser in which somebody signed in. A session names its device; one that has ended opens nothing.
CREATE TABLE device (
  id BIGINT PRIMARY KEY,
  principal BIGINT NOT NULL,
  name TEXT NOT NULL,
  method TEXT NOT NULL,
  first_seen BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  ended BIGINT NOT NULL
);
CREATE INDEX device_principal ON device (principal, id);

-- API tokens: the day of the last use, an end of their own (0: none), who made them.
ALTER TABLE api_token ADD COLUMN last_used BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_token ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_token ADD COLUMN made_by BIGINT NOT NULL DEFAULT 0;
CREATE INDEX api_token_creator ON api_token (creator, id);

-- The addresses of people: one that is verified, and one that waits for it (verified = 0). Both the keyed hash, by which
-- somebody is found, and the sealed text. A verified address belongs to one person.
CREATE TABLE email (
  principal BIGINT NOT NULL,
  state TEXT NOT NULL,
  hash BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (principal, state)
); -- clustered
CREATE UNIQUE INDEX email_verified ON email (hash) WHERE state = 'verified';
CREATE INDEX email_hash ON email (hash, principal);

-- Codes that were mailed: one per person and purpose. link opens by itself; digits only where they were asked for (binding),
-- and only while few were wrong: tries counts those of this code, wrong those since wrong_since. expires is 0 once used.
CREATE TABLE mail_code (
  principal BIGINT NOT NULL,
  purpose TEXT NOT NULL,
  link BYTEA NOT NULL,
  digits BYTEA NOT NULL,
  binding BYTEA NOT NULL,
  expires BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  wrong BIGINT NOT NULL,
  wrong_since BIGINT NOT NULL,
  PRIMARY KEY (principal, purpose)
); -- clustered
CREATE UNIQUE INDEX mail_code_link ON mail_code (link);
CREATE INDEX mail_code_binding ON mail_code (binding, principal);

CREATE TABLE password (
  principal BIGINT PRIMARY KEY,
  hash TEXT NOT NULL,
  since BIGINT NOT NULL
);

-- Secrets of authenticator apps, sealed: the one in use and the one that is being set up, empty where there is none.
-- last_step is the last time step of which a code was used: none works twice.
CREATE TABLE totp (
  principal BIGINT PRIMARY KEY,
  sealed BYTEA NOT NULL,
  since BIGINT NOT NULL,
  last_step BIGINT NOT NULL,
  pending BYTEA NOT NULL,
  pending_since BIGINT NOT NULL
);

-- Recovery codes by their keyed hash: gone once used.
CREATE TABLE recovery_code (
  principal BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (principal, hash)
); -- clustered

-- What authenticators know a person by: random, so that it says nothing about anybody.
CREATE TABLE passkey_handle (
  principal BIGINT PRIMARY KEY,
  handle BYTEA NOT NULL UNIQUE
);

-- Passkeys by their credential id. body is the credential record as JSON; signs is its counter of signatures, and warned is
-- when it last ran backwards, as that of a copy does.
CREATE TABLE passkey (
  id BYTEA PRIMARY KEY,
  principal BIGINT NOT NULL,
  name TEXT NOT NULL,
  created BIGINT NOT NULL,
  used BIGINT NOT NULL,
  signs BIGINT NOT NULL,
  warned BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX passkey_principal ON passkey (principal, created);

-- Ceremonies with authenticators that have begun, by the hash of what the browser's session keeps. Each is finished once.
CREATE TABLE ceremony (
  hash BYTEA PRIMARY KEY,
  kind TEXT NOT NULL,
  principal BIGINT NOT NULL,
  body TEXT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX ceremony_expires ON ceremony (expires, hash);

-- Guesses that failed, by the keyed hash of what is guessed at or where from. level is the instant at which the last of them
-- is forgotten; last_failed is when the newest was made.
CREATE TABLE throttle (
  hash BYTEA PRIMARY KEY,
  level BIGINT NOT NULL,
  last_failed BIGINT NOT NULL
);
CREATE INDEX throttle_level ON throttle (level, hash);

-- What a creator says on the phone to be recognised.
CREATE TABLE phone_pin (
  creator BIGINT PRIMARY KEY,
  hash TEXT NOT NULL,
  since BIGINT NOT NULL
);
