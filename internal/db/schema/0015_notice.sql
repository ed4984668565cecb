-- +goose Up
-- Work that waits its turn (package job). One row of a kind and key is open at a time; `again_due` says that it was asked for
-- once more while it ran. Times are the wall clock's.
CREATE TABLE job (
  id BIGINT PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  body BYTEA NOT NULL,
  due BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  lease_until BIGINT NOT NULL,
  worker TEXT NOT NULL,
  last_error TEXT NOT NULL,
  again_due BIGINT NOT NULL,
  again_body BYTEA NOT NULL,
  made BIGINT NOT NULL,
  done BIGINT NOT NULL
);
CREATE UNIQUE INDEX job_open ON job (kind, key) WHERE state = 'open';
CREATE INDEX job_due ON job (due, id) WHERE state = 'open';
CREATE INDEX job_over ON job (state, done, id) WHERE state <> 'open';

-- What somebody was told: a creator (all the people of the account read it) or a principal. `facts` are sealed under the
-- recipient's key.
CREATE TABLE notice (
  id BIGINT PRIMARY KEY,
  event TEXT COLLATE "C" NOT NULL,
  grp TEXT COLLATE "C" NOT NULL,
  creator BIGINT NOT NULL,
  principal BIGINT NOT NULL,
  market TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  facts BYTEA NOT NULL
);
CREATE UNIQUE INDEX notice_once ON notice (event, creator, principal, key);
CREATE INDEX notice_creator ON notice (creator, id) WHERE creator <> 0;
CREATE INDEX notice_principal ON notice (principal, id) WHERE principal <> 0;

-- Who has read which.
CREATE TABLE notice_read (
  principal BIGINT NOT NULL,
  notice BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (principal, notice)
); -- clustered

-- Where the mail of a notice to one person stands: waiting, digest (it goes with the one that is due `at`), sent, dropped, failed. `hash` is
-- that of the address, once it is known.
CREATE TABLE notice_mail (
  notice BIGINT NOT NULL,
  principal BIGINT NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  code TEXT NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (notice, principal)
); -- clustered
CREATE INDEX notice_mail_digest ON notice_mail (principal, notice) WHERE state = 'digest';
CREATE INDEX notice_mail_failed ON notice_mail (at, notice, principal) WHERE state = 'failed';

-- How somebody wishes to get the mail of a group; without a row it comes at once.
CREATE TABLE notice_switch (
  principal BIGINT NOT NULL,
  grp TEXT COLLATE "C" NOT NULL,
  mail TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (principal, grp)
); -- clustered

-- When somebody's next digest is due, by the business clock.
CREATE TABLE notice_digest (
  principal BIGINT PRIMARY KEY,
  due BIGINT NOT NULL
); -- clustered
CREATE INDEX notice_digest_due ON notice_digest (due, principal);

-- The operator's own wording of messages. An empty body is the one that came with the product. Never changed.
CREATE TABLE notice_template (
  event TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  body TEXT NOT NULL,
  by_whom BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (event, version)
); -- clustered

-- Addresses that mail came back from, by keyed hash.
CREATE TABLE mail_bounce (
  hash BYTEA PRIMARY KEY,
  count BIGINT NOT NULL,
  last BIGINT NOT NULL,
  stopped BIGINT NOT NULL
);

-- The mailbox of a sandbox: what would have been sent. All of it is sealed.
CREATE TABLE mailbox (
  id BIGINT PRIMARY KEY,
  creator BIGINT NOT NULL,
  principal BIGINT NOT NULL,
  at BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX mailbox_creator ON mailbox (creator, id) WHERE creator <> 0;
CREATE INDEX mailbox_principal ON mailbox (principal, id) WHERE principal <> 0;
