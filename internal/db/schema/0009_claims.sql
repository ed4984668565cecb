-- +goose Up
-- A creator who misses a commission asks, and a person answers by `due`, a local date of the marketplace. `subject` says
-- what is asked about (an order, or a date with a product): one open claim for each. `body` is the claim as it was sent,
-- with what the system knew then. The row holds where the claim stands; how it came there are its steps.
CREATE TABLE claim (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  state TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  correction BIGINT NOT NULL,
  opened BIGINT NOT NULL,
  due TEXT COLLATE "C" NOT NULL,
  closed BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX claim_open ON claim (creator, market, subject) WHERE state = 'open';
CREATE INDEX claim_due ON claim (due, id) WHERE state = 'open';
CREATE INDEX claim_creator ON claim (creator, id);

-- Who did what with a claim, and when. Never changed.
CREATE TABLE claim_step (
  claim BIGINT NOT NULL,
  no BIGINT NOT NULL,
  at BIGINT NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  words TEXT NOT NULL,
  PRIMARY KEY (claim, no)
); -- clustered

-- What a person decides about money: an adjustment, a disqualification of lines, or the reversal of one (`reverses`). `amount`
-- is what it moves, or what its lines came to when it was proposed. `content` is a hash of the proposal: the same id sent
-- twice is one correction.
CREATE TABLE correction (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  kind TEXT NOT NULL,
  creator BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  reason TEXT NOT NULL,
  reverses BIGINT NOT NULL,
  state TEXT NOT NULL,
  proposer BIGINT NOT NULL,
  second BIGINT NOT NULL,
  proposed BIGINT NOT NULL,
  decided BIGINT NOT NULL,
  posted BIGINT NOT NULL,
  content BYTEA NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX correction_waits ON correction (state, id) WHERE state = 'proposed' OR state = 'approved';
CREATE INDEX correction_creator ON correction (creator, market, id);

-- The lines of a disqualification or of its reversal, with what each came to when the first of them was proposed.
CREATE TABLE correction_line (
  correction BIGINT NOT NULL,
  market BIGINT NOT NULL,
  order_id TEXT COLLATE "C" NOT NULL,
  line_id TEXT COLLATE "C" NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (correction, order_id, line_id)
); -- clustered
CREATE INDEX correction_line_order ON correction_line (market, order_id, line_id, correction);

-- Who did what with a correction, and when. Never changed.
CREATE TABLE correction_step (
  correction BIGINT NOT NULL,
  no BIGINT NOT NULL,
  at BIGINT NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  words TEXT NOT NULL,
  PRIMARY KEY (correction, no)
); -- clustered
