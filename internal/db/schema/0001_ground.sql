-- +goose Up
-- One lane per marketplace: the row that a transaction on money takes first (package db).
CREATE TABLE lane (
  id BIGINT PRIMARY KEY,
  turn BIGINT NOT NULL,
  now BIGINT NOT NULL
);

-- Facts about the installation: which kind it is, the sandbox clock, the programs' own cursors.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
); -- clustered

-- What happened, for those who watch: numbered without gaps in each lane, in order of commit.
CREATE TABLE outbox (
  lane BIGINT NOT NULL,
  turn BIGINT NOT NULL,
  idx BIGINT NOT NULL,
  topic TEXT NOT NULL,
  creator BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (lane, turn, idx)
); -- clustered
