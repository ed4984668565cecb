-- +goose Up
CREATE TABLE marketplace (
  no BIGINT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version BIGINT NOT NULL,
  body TEXT NOT NULL
);

CREATE TABLE creator (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  handle TEXT COLLATE "C" NOT NULL UNIQUE,
  created BIGINT NOT NULL,
  routing TEXT NOT NULL,
  personal BYTEA NOT NULL
);

-- A creator's own facts, hashed like a shopper's, so that a purchase of one's own is seen.
CREATE TABLE creator_fact (
  kind TEXT NOT NULL,
  hash BYTEA NOT NULL,
  creator BIGINT NOT NULL,
  PRIMARY KEY (kind, hash, creator)
); -- clustered

-- The standing of an enrolment (creator, program, marketplace) from an instant on. The newest row before an instant
-- tells its standing then.
CREATE TABLE standing (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  since BIGINT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (market, creator, program, since)
); -- clustered

-- A tracking id (tag) belongs to one creator, program and marketplace, and is never used again for another.
CREATE TABLE tracking (
  id BIGINT PRIMARY KEY,
  tag TEXT COLLATE "C" NOT NULL UNIQUE,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  market BIGINT NOT NULL,
  name TEXT NOT NULL,
  created BIGINT NOT NULL,
  archived BIGINT NOT NULL
);
CREATE INDEX tracking_creator ON tracking (creator, market, id);

-- Short links: what was chosen at their making is baked in.
CREATE TABLE link (
  id BIGINT PRIMARY KEY,
  code TEXT COLLATE "C" NOT NULL UNIQUE,
  tracking BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  market BIGINT NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  created BIGINT NOT NULL
);
CREATE INDEX link_creator ON link (creator, market, created, id);

-- Changes of what the edge knows, numbered without gaps in order of commit: the edge follows them. The one row of
-- edge_turn numbers them; whoever announces a change holds it until the commit.
CREATE TABLE edge_turn (
  id BIGINT PRIMARY KEY,
  seq BIGINT NOT NULL
);

INSERT INTO edge_turn (id, seq) VALUES (1, 0);

CREATE TABLE edge_change (
  seq BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  body TEXT NOT NULL
);
