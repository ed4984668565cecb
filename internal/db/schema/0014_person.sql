-- +goose Up
-- One key per person, sealed under the installation's own keys. Of somebody who was erased the row stays, so that no second
-- key is ever made: `erased` says since when, and the key is overwritten with zeros.
CREATE TABLE person_key (
  person BIGINT PRIMARY KEY,
  key BYTEA NOT NULL,
  erased BIGINT NOT NULL
);

-- The audit log, numbered without gaps. `body` is the reason with the state before and after, as JSON, sealed under the
-- person's key where `person` is not 0; `hash` covers every other value of the row as it is stored, with the hash of the row
-- before in `prev`. Never changed.
CREATE TABLE journal (
  no BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  person BIGINT NOT NULL,
  body BYTEA NOT NULL,
  prev BYTEA NOT NULL,
  hash BYTEA NOT NULL
);
CREATE INDEX journal_subject ON journal (subject, no);
CREATE INDEX journal_person ON journal (person, no) WHERE person <> 0;

-- The newest entry: whoever adds one holds this row until the commit.
CREATE TABLE journal_head (
  id BIGINT PRIMARY KEY,
  no BIGINT NOT NULL,
  hash BYTEA NOT NULL
);

INSERT INTO journal_head (id, no, hash) VALUES (1, 0, CAST('' AS BYTEA));

-- How far the chain was verified, and what its last hash was then: a chain that was written anew since does not meet it.
-- `told` are the first of the problems that were found last, one to a line.
CREATE TABLE journal_check (
  id BIGINT PRIMARY KEY,
  no BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  at BIGINT NOT NULL,
  problems BIGINT NOT NULL,
  told TEXT NOT NULL
);

-- Handles and tags of people who were erased, as hashes: nobody else is given them.
CREATE TABLE retired_name (
  kind TEXT COLLATE "C" NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (kind, hash)
); -- clustered

-- An erasure that was begun: it is done again until `done` is set.
CREATE TABLE erasure (
  creator BIGINT PRIMARY KEY,
  asked_by TEXT NOT NULL,
  begun BIGINT NOT NULL,
  done BIGINT NOT NULL
);

-- What a creator says about a claim, and what it was opened with, is sealed under the creator's key from here on (1, in
-- base64): rows of before hold it as text (0).
ALTER TABLE claim ADD COLUMN sealed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE claim_step ADD COLUMN sealed BIGINT NOT NULL DEFAULT 0;
