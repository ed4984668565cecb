-- +goose Up
-- The last counting clicks of a signed-in customer (a keyed hash), by the store's own word: cross-device touches. The
-- token is kept sealed as it was presented. Bounded to the newest few per customer.
CREATE TABLE customer_touch (
  market BIGINT NOT NULL,
  customer BYTEA NOT NULL,
  at BIGINT NOT NULL,
  click BIGINT NOT NULL,
  bound BIGINT NOT NULL,
  token TEXT NOT NULL,
  PRIMARY KEY (market, customer, at, click)
); -- clustered
