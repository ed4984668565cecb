-- +goose Up
-- What is priced beside the cards: promotions, creators' own rates, volume tiers. A row is never changed once it is in
-- force; what replaces it is a row of its own. `body` is the whole thing as JSON.
CREATE TABLE promotion (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  starts BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  published BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX promotion_market ON promotion (market, id);

CREATE TABLE contract (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  published BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX contract_market ON contract (market, id);

CREATE TABLE volume (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  number BIGINT NOT NULL,
  published BIGINT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (market, number)
);

-- A set of rates that somebody is still working on. `body` is the text of the file, as it was written; `published` is 0
-- until then, `effective` the last instant at which something of it takes effect, `outcome` what was published, as JSON.
CREATE TABLE rate_draft (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  name TEXT NOT NULL,
  author BIGINT NOT NULL,
  created BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  published BIGINT NOT NULL,
  effective BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX rate_draft_market ON rate_draft (market, id);

-- A coupon credits its owner where no click or view does (docs/spec.md §5.6). One code has one owner, for good.
CREATE TABLE coupon (
  market BIGINT NOT NULL,
  code TEXT COLLATE "C" NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  tracking BIGINT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (market, code)
); -- clustered
CREATE INDEX coupon_creator ON coupon (creator, market, code);

-- Clicks that were found invalid after they were answered, with the rule and the evidence.
CREATE TABLE click_verdict (
  market BIGINT NOT NULL,
  click BIGINT NOT NULL,
  rule TEXT NOT NULL,
  evidence TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (market, click)
); -- clustered

-- A creator's month under volume tiers: its earned base, and what was posted on top (docs/spec.md §7).
CREATE TABLE volume_month (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  month TEXT COLLATE "C" NOT NULL,
  base BIGINT NOT NULL,
  extra BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (market, creator, month)
); -- clustered

-- What lines brought and cost, by month of order, creator (0: nobody), category, and whether a seller sold them (1) or
-- the shop itself (0): the margin report reads it, never the lines.
CREATE TABLE margin_month (
  market BIGINT NOT NULL,
  month TEXT COLLATE "C" NOT NULL,
  creator BIGINT NOT NULL,
  category TEXT COLLATE "C" NOT NULL,
  sold BIGINT NOT NULL,
  units BIGINT NOT NULL,
  free BIGINT NOT NULL,
  revenue BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  promotion BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  PRIMARY KEY (market, month, creator, category, sold)
); -- clustered

-- The same lines as another model would share them: first click, and all clicks alike. For reports only.
ALTER TABLE creator_day ADD COLUMN first_lines BIGINT NOT NULL DEFAULT 0;
ALTER TABLE creator_day ADD COLUMN first_revenue BIGINT NOT NULL DEFAULT 0;
ALTER TABLE creator_day ADD COLUMN linear_revenue BIGINT NOT NULL DEFAULT 0;

-- Lines that earn nothing, or nothing any more, by month of order and reason.
CREATE TABLE reason_month (
  market BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  month TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  lines BIGINT NOT NULL,
  revenue BIGINT NOT NULL,
  PRIMARY KEY (market, creator, month, reason)
); -- clustered

-- A bounty is an action that pays a flat amount or a share of a value; the definitions are versions of one action.
CREATE TABLE bounty (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  published BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX bounty_market ON bounty (market, action, id);

-- A completed bounty as it stands, by the store's own id of it. `offer` is the version that applied, `reversed` when the
-- store took it back, `ripe` the last instant of its window while it is pending, else 0.
CREATE TABLE bounty_claim (
  market BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  customer BYTEA NOT NULL,
  at BIGINT NOT NULL,
  version BIGINT NOT NULL,
  whole_version BIGINT NOT NULL,
  offer BIGINT NOT NULL,
  creator BIGINT NOT NULL,
  program BIGINT NOT NULL,
  tracking BIGINT NOT NULL,
  reason TEXT NOT NULL,
  pending BIGINT NOT NULL,
  earned BIGINT NOT NULL,
  reversed BIGINT NOT NULL,
  ripe BIGINT NOT NULL,
  state TEXT NOT NULL,
  touched BIGINT NOT NULL,
  PRIMARY KEY (market, id)
); -- clustered
CREATE INDEX bounty_claim_customer ON bounty_claim (market, customer, action, at, id);
CREATE INDEX bounty_claim_creator ON bounty_claim (creator, market, touched) WHERE creator <> 0;
CREATE INDEX bounty_claim_ripe ON bounty_claim (market, ripe, id) WHERE ripe > 0;

-- Lines by the time of their order: what a what-if and a margin report run over.
CREATE INDEX line_at ON line (market, at, order_id, line_id);

-- Made anew behind it: of two indexes that fit alike, an engine without statistics takes the newer one, and the oldest
-- line that waits to be shipped is found in this one at once.
DROP INDEX line_open;
CREATE INDEX line_open ON line (market, at, order_id, line_id) WHERE open_units > 0;
CREATE INDEX customer_touch_click ON customer_touch (market, click);
