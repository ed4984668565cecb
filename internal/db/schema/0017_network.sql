-- +goose Up
-- Somebody who was sent to a network and has not come back: known by the hash of the state that goes with them, bound to
-- creator and session. `verifier` is sealed. `expires` is wall time; the row goes with the first answer.
CREATE TABLE network_attempt (
  state BYTEA PRIMARY KEY,
  creator BIGINT NOT NULL,
  network TEXT COLLATE "C" NOT NULL,
  session BYTEA NOT NULL,
  verifier BYTEA NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX network_attempt_creator ON network_attempt (creator, expires);
CREATE INDEX network_attempt_expires ON network_attempt (expires);

-- A connected account. `number` is the network's own id of it. `tokens` is sealed, and empty unless the state is connected.
-- `version` rises with every change of the tokens or the state: whoever asked the network meanwhile writes nothing over it.
-- `snapshot` and `score` are the newest; earlier snapshots stand in network_snapshot.
CREATE TABLE network_account (
  id BIGINT PRIMARY KEY,
  creator BIGINT NOT NULL,
  network TEXT COLLATE "C" NOT NULL,
  number TEXT COLLATE "C" NOT NULL,
  handle TEXT NOT NULL,
  title TEXT NOT NULL,
  address TEXT NOT NULL,
  state TEXT NOT NULL,
  version BIGINT NOT NULL,
  connected BIGINT NOT NULL,
  checked BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  tokens BYTEA NOT NULL,
  snapshot TEXT NOT NULL,
  score TEXT NOT NULL
);
-- One account of a network belongs to one creator.
CREATE UNIQUE INDEX network_account_number ON network_account (network, number) WHERE state <> 'ended';
CREATE INDEX network_account_past ON network_account (network, number, creator);
CREATE INDEX network_account_creator ON network_account (creator, id);
CREATE INDEX network_account_stale ON network_account (checked, id) WHERE state = 'connected';

-- The newest snapshots of an account, as evidence for what was decided.
CREATE TABLE network_snapshot (
  account BIGINT NOT NULL,
  no BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (account, no)
); -- clustered
