-- +goose Up
-- Versions of a rate card. A version is immutable once it is effective.
CREATE TABLE rate_card (
  id BIGINT PRIMARY KEY,
  market BIGINT NOT NULL,
  kind TEXT NOT NULL,
  version BIGINT NOT NULL,
  effective BIGINT NOT NULL,
  published BIGINT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (market, kind, version)
);

CREATE TABLE product (
  market BIGINT NOT NULL,
  sku TEXT COLLATE "C" NOT NULL,
  place BIGINT NOT NULL,
  parent TEXT NOT NULL,
  gtin TEXT COLLATE "C" NOT NULL,
  title TEXT NOT NULL,
  category TEXT NOT NULL,
  brand TEXT NOT NULL,
  seller TEXT NOT NULL,
  price BIGINT NOT NULL,
  image TEXT NOT NULL,
  digital BIGINT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (market, sku)
); -- clustered
CREATE INDEX product_place ON product (market, place);
CREATE INDEX product_gtin ON product (market, gtin) WHERE gtin <> '';
CREATE INDEX product_category ON product (market, category);
