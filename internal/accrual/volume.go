package accrual

import (
	"cmp"
	"slices"
	"strings"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
)

// Volume tiers are a component of their own per creator, marketplace and month (docs/spec.md §7): what lines change in a
// month's earned base brings its extra along, in the same transaction, as long as the month is open.

var (
	selectVolumeMonths = db.In(`SELECT creator, month, base, extra, version FROM volume_month WHERE market = $1 AND creator IN ($LIST)`)
	upsertVolumeMonths = db.Bulk("BIGINT BIGINT TEXT BIGINT BIGINT BIGINT",
		`INSERT INTO volume_month (market, creator, month, base, extra, version) VALUES $ROWS
		ON CONFLICT (market, creator, month) DO UPDATE SET base = excluded.base, extra = excluded.extra, version = excluded.version`)
)

type volumeKey struct {
	creator id.ID
	month   string
}

// volumeMonth is where a creator's month stands.
type volumeMonth struct{ base, extra, version int64 }

// addBases notes what a line adds to its creator's months, or takes from them.
func (g *group) addBases(creator id.ID, bases map[string]int64, sign int64) {
	for month, amount := range bases {
		g.out.volumes[volumeKey{creator, month}] += sign * amount
	}
}

// decideVolumes brings the extra of every month whose base changed to its target.
func (g *group) decideVolumes() error {
	var keys []volumeKey
	var creators []any
	for key, change := range g.out.volumes {
		if change != 0 {
			keys, creators = append(keys, key), append(creators, int64(key.creator))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.SortFunc(keys, func(a, b volumeKey) int {
		return cmp.Or(cmp.Compare(a.creator, b.creator), strings.Compare(a.month, b.month))
	})
	months := map[volumeKey]volumeMonth{}
	if err := g.tx.In(selectVolumeMonths, creators, func(scan func(...any) error) error {
		var key volumeKey
		var m volumeMonth
		var creator int64
		err := scan(&creator, &key.month, &m.base, &m.extra, &m.version)
		key.creator = id.ID(creator)
		months[key] = m
		return err
	}, g.lane()); err != nil {
		return fault.Wrap(err, "reading volume months")
	}
	for _, key := range keys {
		row, err := g.decideVolume(key, months[key], g.out.volumes[key])
		if err != nil {
			return err
		}
		g.out.volumeRows = append(g.out.volumeRows, row)
	}
	return nil
}

func (g *group) decideVolume(key volumeKey, m volumeMonth, change int64) ([]any, error) {
	d := decision.Volume{Creator: key.creator.Text(id.Creator), Month: key.month, Base: m.base + change, Extra: m.extra, Now: clock.Micro(g.now)}
	if g.book.market.Open(market.Month(key.month), g.now) {
		d.Extra = 0
		if v := g.book.rates.VolumeOf(key.month); v != nil {
			d.Volume, d.Number, d.Bands, d.Extra = v.ID, v.Number, v.Bands, v.Extra(d.Base)
		}
	}
	m.version++
	body, err := decision.Encode(d)
	if err != nil {
		return nil, err
	}
	subject := decision.VolumeSubject(key.creator, g.book.market.ID, key.month)
	g.out.decisions = append(g.out.decisions, []any{g.lane(), subject, m.version, g.tx.Turn(g.lane()), d.Now, body})
	for i, leg := range decision.VolumeLegs(key.creator, g.book.market.ID, key.month, d.Extra-m.extra) {
		g.out.transfers = append(g.out.transfers, ledger.Transfer{Subject: subject, Version: m.version, Component: leg.Component, Leg: i,
			Debit: leg.Debit, Credit: leg.Credit, Amount: leg.Amount, At: g.now})
	}
	return []any{g.lane(), int64(key.creator), key.month, d.Base, d.Extra, m.version}, nil
}

func (g *group) saveVolumes() error {
	_, err := g.tx.Bulk(upsertVolumeMonths, g.out.volumeRows)
	return fault.Wrap(err, "saving volume months")
}
