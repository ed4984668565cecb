-- +goose Up
-- Accounts are paths (docs/spec.md §10); a balance is credits less debits.
CREATE TABLE account (
  path TEXT COLLATE "C" PRIMARY KEY,
  debits BIGINT NOT NULL,
  credits BIGINT NOT NULL
); -- clustered

-- Transfers are never changed. `turn` and `idx` number them in their lane in order of commit.
CREATE TABLE transfer (
  lane BIGINT NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  component TEXT NOT NULL,
  leg BIGINT NOT NULL,
  turn BIGINT NOT NULL,
  idx BIGINT NOT NULL,
  debit TEXT COLLATE "C" NOT NULL,
  credit TEXT COLLATE "C" NOT NULL,
  amount BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (lane, subject, version, component, leg)
); -- clustered

-- A decision is a row: what was decided about a subject, with the facts it was decided on. Never changed.
CREATE TABLE decision (
  lane BIGINT NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  turn BIGINT NOT NULL,
  at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (lane, subject, version)
); -- clustered

-- Ids of the store's events that were acknowledged, with a hash of their content.
CREATE TABLE order_event (
  market BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  hash BYTEA NOT NULL,
  received BIGINT NOT NULL,
  PRIMARY KEY (market, id)
); -- clustered

-- Events that are early: their order or line is not known yet. Listed while they wait.
CREATE TABLE order_waiting (
  market BIGINT NOT NULL,
  order_id TEXT COLLATE "C" NOT NULL,
  received BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (market, order_id, received, id)
); -- clustered

CREATE TABLE orders (
  market BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  received BIGINT NOT NULL,
  paid BIGINT NOT NULL,
  facts TEXT NOT NULL,
  PRIMARY KEY (market, id)
); -- clustered
CREATE INDEX orders_at ON orders (market, at);

-- Under which pseudonymous keys (clicks presented, customer, e-mail) an order is known.
CREATE TABLE order_key (
  market BIGINT NOT NULL,
  key BYTEA NOT NULL,
  at BIGINT NOT NULL,
  order_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (market, key, at, order_id)
); -- clustered

-- The present state of a line: what it is, who is credited, where its commission stands. Everything in it follows from
-- the events and the decisions; audit recomputes it.
CREATE TABLE line (
  market BIGINT NOT NULL,
  order_id TEXT COLLATE "C" NOT NULL,
  line_id TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  sku TEXT COLLATE "C" NOT NULL,
  quantity BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  digital BIGINT NOT NULL,
  terms TEXT NOT NULL,
  open_units BIGINT NOT NULL,
  version BIGINT NOT NULL,
  whole_version BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  tracking BIGINT NOT NULL,
  reason TEXT NOT NULL,
  pending BIGINT NOT NULL,
  earned BIGINT NOT NULL,
  state TEXT NOT NULL,
  touched BIGINT NOT NULL,
  PRIMARY KEY (market, order_id, line_id)
); -- clustered
CREATE INDEX line_creator ON line (creator, market, touched) WHERE creator <> 0;
CREATE INDEX line_open ON line (market, at) WHERE open_units > 0;

-- What a creator's day brought, kept with the money: pages read it, never the lines.
CREATE TABLE creator_day (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  day TEXT COLLATE "C" NOT NULL,
  orders BIGINT NOT NULL,
  units BIGINT NOT NULL,
  revenue BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  PRIMARY KEY (market, creator, day)
); -- clustered
