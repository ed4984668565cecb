-- +goose Up
-- A draft of rates or rules that somebody tried over past lines. `body` is the question as it was asked, `result` the answer
-- without its rows. `asked`, `began` and `ended` are business time; `beat` is wall time, by which a run whose process has
-- gone is known.
CREATE TABLE whatif_run (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  author BIGINT NOT NULL,
  state TEXT NOT NULL,
  asked BIGINT NOT NULL,
  began BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  lines_done BIGINT NOT NULL,
  lines_total BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  worker BIGINT NOT NULL,
  beat BIGINT NOT NULL,
  failure TEXT NOT NULL,
  body TEXT NOT NULL,
  result TEXT NOT NULL
);
CREATE INDEX whatif_run_market ON whatif_run (market, id);
CREATE INDEX whatif_run_open ON whatif_run (id) WHERE state = 'waiting' OR state = 'running';
CREATE INDEX whatif_run_asked ON whatif_run (asked, id);

-- The answer per creator and per category, the largest difference first. `was_…` is the present side, `would_…` the draft's.
CREATE TABLE whatif_row (
  run BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  no BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  lines BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  moved BIGINT NOT NULL,
  unsaid BIGINT NOT NULL,
  unsaid_held BIGINT NOT NULL,
  was_commission BIGINT NOT NULL,
  was_promotion BIGINT NOT NULL,
  was_volume BIGINT NOT NULL,
  was_fee BIGINT NOT NULL,
  would_commission BIGINT NOT NULL,
  would_promotion BIGINT NOT NULL,
  would_volume BIGINT NOT NULL,
  would_fee BIGINT NOT NULL,
  PRIMARY KEY (run, kind, no)
); -- clustered
