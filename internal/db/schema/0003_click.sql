-- +goose Up
-- Clicks as the edges logged them, moved here by the shipper under the numbers they had in the log. `record` is the
-- whole record (package click); the columns are what is searched by. Never changed.
CREATE TABLE click (
  edge BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  record BYTEA NOT NULL,
  PRIMARY KEY (edge, epoch, sequence)
); -- clustered

-- One creator's newest clicks, and a click by its token, which names creator and time.
CREATE INDEX click_creator ON click (creator, at, id);

-- Up to which number each epoch of each edge is in the tables here: written with the rows, in the same transaction.
CREATE TABLE click_watermark (
  edge BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  PRIMARY KEY (edge, epoch)
); -- clustered

-- Rollups. gross is counted and filtered together; hour counts hours since 1970 in UTC, day counts days since 1970 in
-- the marketplace's time zone. Creator and tracking are 0 where the tag was unknown.
CREATE TABLE click_hour (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  tracking BIGINT NOT NULL,
  hour BIGINT NOT NULL,
  gross BIGINT NOT NULL,
  counted BIGINT NOT NULL,
  PRIMARY KEY (market, creator, tracking, hour)
); -- clustered

CREATE TABLE click_day (
  creator BIGINT NOT NULL,
  market BIGINT NOT NULL,
  day BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  gross BIGINT NOT NULL,
  counted BIGINT NOT NULL,
  PRIMARY KEY (creator, market, day, kind)
); -- clustered

CREATE TABLE click_market_day (
  market BIGINT NOT NULL,
  day BIGINT NOT NULL,
  verdict BIGINT NOT NULL,
  gross BIGINT NOT NULL,
  counted BIGINT NOT NULL,
  PRIMARY KEY (market, day, verdict)
); -- clustered

-- Clicks that no log could take (disk full) and whose tokens came back with an order: each id once. `number` is 0 while
-- it waits to be counted, then its sequence in `click` under edge 0, or -1 where the click was there already.
CREATE TABLE click_presented (
  id BIGINT PRIMARY KEY,
  number BIGINT NOT NULL,
  record BYTEA NOT NULL
);

CREATE INDEX click_presented_waiting ON click_presented (id) WHERE number = 0;
