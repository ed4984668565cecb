-- +goose Up
-- What an applicant told of a program in a marketplace. `no` counts the creator's applications there; `sent` is 0 for the
-- one draft, whose `body` may change; a sent one never does. `body` is the form as JSON, sealed under the creator's key.
CREATE TABLE application (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  no BIGINT NOT NULL,
  saved BIGINT NOT NULL,
  sent BIGINT NOT NULL,
  body BYTEA NOT NULL
);
CREATE UNIQUE INDEX application_no ON application (market, creator, program, no);
CREATE UNIQUE INDEX application_draft ON application (market, creator, program) WHERE sent = 0;
CREATE INDEX application_creator ON application (creator, id);
