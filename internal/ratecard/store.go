package ratecard

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/product"
)

var (
	// Also the lock between two who publish at once: whoever comes second sees the first one's version.
	bumpMarket = db.Statement(`UPDATE marketplace SET version = version + 1 WHERE no = $1`)
	insertCard = db.Statement(`INSERT INTO rate_card (id, market, kind, version, effective, published, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	selectCards = db.Statement(`SELECT id, kind, version, effective, published, body FROM rate_card
		WHERE market = $1 ORDER BY kind, effective, version`)
)

// body is what a row holds beside its columns.
type body struct {
	Default int64   `json:"default"`
	Entries []Entry `json:"entries"`
}

// Load reads all versions of a marketplace, ready for lookups.
func Load(tx *db.Tx, market uint16) (Cards, error) {
	var cards Cards
	err := tx.Each(selectCards, func(scan func(...any) error) error {
		v := Version{Market: market}
		var effective, published int64
		var text string
		if err := scan(&v.ID, &v.Kind, &v.Number, &effective, &published, &text); err != nil {
			return err
		}
		var content body
		if err := json.Unmarshal([]byte(text), &content); err != nil {
			return fmt.Errorf("version %d: %w", v.Number, err)
		}
		v.Effective, v.Published = clock.FromMicro(effective), clock.FromMicro(published)
		v.Default, v.Entries = content.Default, content.Entries
		cards = append(cards, v.Indexed())
		return nil
	}, int64(market))
	return cards, fault.Wrap(err, "reading rate cards")
}

// Publish makes a card the next version of its marketplace and kind, and raises the marketplace's version so that
// caches reload. now is the business time. The first version of a kind may take effect at any instant; a later one not
// before now, since what was in force is never changed; and a cut not before noticeDays × 24 h are over.
func Publish(tx *db.Tx, market uint16, card Card, now time.Time, noticeDays int) (*Version, error) {
	card = card.Clean()
	card.Effective, now = card.Effective.UTC().Truncate(time.Microsecond), now.UTC().Truncate(time.Microsecond)
	if err := card.Check(); err != nil {
		return nil, err
	}
	if changed, err := tx.Exec(bumpMarket, int64(market)); err != nil {
		return nil, fault.Wrap(err, "raising the marketplace's version")
	} else if changed == 0 {
		return nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
	}
	cards, err := Load(tx, market)
	if err != nil {
		return nil, err
	}
	v := Version{ID: id.New(now), Market: market, Number: cards.next(card.Kind), Published: now, Card: card}.Indexed()
	before, after := cards.around(v)
	categories, err := categoriesOf(tx, market, v, before, after)
	if err != nil {
		return nil, err
	}
	if err := cards.admit(v, categories, noticeDays); err != nil {
		return nil, err
	}
	text, err := json.Marshal(body{card.Default, card.Entries})
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(insertCard, int64(v.ID), int64(market), string(v.Kind), v.Number,
		clock.Micro(v.Effective), clock.Micro(now), string(text))
	if err != nil {
		return nil, fault.Wrap(err, "publishing a rate card")
	}
	return v, nil
}

// categoriesOf looks up the products that versions name; nil is none.
func categoriesOf(tx *db.Tx, market uint16, versions ...*Version) (map[string]string, error) {
	var skus []string
	for _, v := range versions {
		if v == nil {
			continue
		}
		for _, entry := range v.Entries {
			if entry.SKU != "" {
				skus = append(skus, entry.SKU)
			}
		}
	}
	products, err := product.BySKU(tx, market, sortedOnce(skus))
	categories := make(map[string]string, len(products))
	for sku, p := range products {
		categories[sku] = p.Category
	}
	return categories, err
}

// next is the number of the version to come.
func (c Cards) next(kind Kind) int64 {
	last := int64(0)
	for _, v := range c {
		if v.Kind == kind {
			last = max(last, v.Number)
		}
	}
	return last + 1
}

// Sorted gives the versions of one kind, newest number first: the history that a page shows.
func (c Cards) Sorted(kind Kind) []*Version {
	var all []*Version
	for _, v := range c {
		if v.Kind == kind {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b *Version) int { return int(b.Number - a.Number) })
	return all
}
