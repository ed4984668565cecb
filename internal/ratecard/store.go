package ratecard

import (
	"encoding/json"
	"fmt"
	"slices"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
)

var selectCards = db.Statement(`SELECT id, kind, version, effective, published, body FROM rate_card
	WHERE market = $1 ORDER BY kind, effective, version`)

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
