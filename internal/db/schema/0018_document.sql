-- +goose Up
-- What creators agree to, as versions: a published row is never changed. principal is who published it, 0 where it came
-- with the product.
CREATE TABLE document (
  id BIGINT PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  summary TEXT NOT NULL,
  published BIGINT NOT NULL,
  effective BIGINT NOT NULL,
  principal BIGINT NOT NULL,
  UNIQUE (kind, number)
);

-- Who accepted which version, once.
CREATE TABLE document_acceptance (
  creator BIGINT NOT NULL,
  version BIGINT NOT NULL,
  principal BIGINT NOT NULL,
  accepted BIGINT NOT NULL,
  PRIMARY KEY (creator, version)
); -- clustered
