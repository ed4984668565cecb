-- +goose Up
-- What creators name as theirs. `root` is the host as it counts (no www), `key` with the path behind it; a site that was
-- removed stays. `report` is the newest report as JSON, or empty; `reported` its time.
CREATE TABLE site (
  id BIGINT PRIMARY KEY,
  creator BIGINT NOT NULL,
  address TEXT COLLATE "C" NOT NULL,
  root TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  method TEXT NOT NULL,
  token TEXT NOT NULL,
  added BIGINT NOT NULL,
  proved BIGINT NOT NULL,
  reported BIGINT NOT NULL,
  report TEXT NOT NULL,
  removed BIGINT NOT NULL
);
CREATE UNIQUE INDEX site_creator ON site (creator, key) WHERE removed = 0;
CREATE INDEX site_history ON site (creator, id);
CREATE INDEX site_root ON site (root, id) WHERE removed = 0;

-- Whose a site was proved to be: one creator's. Gone when the site is removed or rejected.
CREATE TABLE site_owner (
  key TEXT COLLATE "C" PRIMARY KEY,
  site BIGINT NOT NULL,
  creator BIGINT NOT NULL
); -- clustered

-- What the crawler saw, the newest few times of each site.
CREATE TABLE site_report (
  site BIGINT NOT NULL,
  at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (site, at)
); -- clustered
