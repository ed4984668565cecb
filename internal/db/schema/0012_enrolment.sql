-- +goose Up
-- A standing may end by itself: from `until` on the enrolment is closed, by the clock, whether or not anything has run
-- (docs/spec.md §9: 00:00 of day 181); 0: it lasts. `told` is 1 once everybody who is concerned was told of the standing,
-- `ended` 1 once they were told of its end; both are 1 in rows of before.
ALTER TABLE standing ADD COLUMN until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE standing ADD COLUMN told BIGINT NOT NULL DEFAULT 1;
ALTER TABLE standing ADD COLUMN ended BIGINT NOT NULL DEFAULT 1;
CREATE INDEX standing_untold ON standing (since, market, creator, program) WHERE told = 0;
CREATE INDEX standing_until ON standing (until, market, creator, program) WHERE ended = 0;
CREATE INDEX standing_creator ON standing (creator, market, program, since);

-- The lines and bounties that are withheld until their enrolment is approved: how they are found again then. What is held of
-- each stands in its own row and in its decisions.
CREATE TABLE withheld (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (market, creator, program, subject)
); -- clustered

-- What admission has done about an enrolment beside its standings: reminders, deadlines, questions, each once.
CREATE TABLE admission_step (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  since BIGINT NOT NULL,
  code TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (market, creator, program, since, code)
); -- clustered

-- What waits for a person, from `entered` on; `due` is a local date of the marketplace. Gone once it is decided.
CREATE TABLE review (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  entered BIGINT NOT NULL,
  due TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (market, creator, program)
); -- clustered

-- What reviewers decided: reasons as codes, and words to the applicant (sealed under the person's key).
CREATE TABLE review_verdict (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  at BIGINT NOT NULL,
  reviewer BIGINT NOT NULL,
  approved BIGINT NOT NULL,
  reasons TEXT NOT NULL,
  words BYTEA NOT NULL,
  PRIMARY KEY (market, creator, program, at)
); -- clustered
