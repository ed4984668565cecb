-- +goose Up
-- The seal of a row: the length of its other values and a checksum over them, 0 in rows of before. What nothing else in the
-- database repeats has one, so that an audit notices a value that has become another one (package db, seal.go).
ALTER TABLE decision ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE line ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bounty_claim ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE order_event ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE order_waiting ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE marketplace ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rate_card ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE promotion ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE contract ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE volume ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bounty ADD COLUMN seal BIGINT NOT NULL DEFAULT 0;

-- How many rows of before there are at most: whatever else has no seal has lost it.
INSERT INTO setting (name, value) SELECT 'unsealed', CAST(old.count AS TEXT) FROM (SELECT
  (SELECT COUNT(*) FROM decision) + (SELECT COUNT(*) FROM line) + (SELECT COUNT(*) FROM bounty_claim) +
  (SELECT COUNT(*) FROM orders) + (SELECT COUNT(*) FROM order_event) + (SELECT COUNT(*) FROM order_waiting) AS count) AS old
WHERE old.count > 0;
