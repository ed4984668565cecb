package accrual

import (
	"cmp"
	"slices"
	"strings"

	"tributary/internal/clock"
	"tributary/internal/decision"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/sums"
)

// Volume tiers are a component of their own per creator, marketplace and month (docs/spec.md §7): what lines change in a
// month's earned base brings its extra along, in the same transaction, as long as the month is open.

// addBases notes what a line adds to its creator's months, or takes from them.
func (g *group) addBases(creator id.ID, bases map[string]int64, sign int64) {
	for month, amount := range bases {
		g.out.volumes[sums.VolumeKey{Creator: creator, Month: month}] += sign * amount
	}
}

// decideVolumes brings the extra of every month whose base changed to its target.
func (g *group) decideVolumes() error {
	var keys []sums.VolumeKey
	var creators []id.ID
	for key, change := range g.out.volumes {
		if change != 0 {
			keys, creators = append(keys, key), append(creators, key.Creator)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.SortFunc(keys, func(a, b sums.VolumeKey) int {
		return cmp.Or(cmp.Compare(a.Creator, b.Creator), strings.Compare(a.Month, b.Month))
	})
	months, err := sums.VolumesOf(g.tx, g.lane(), creators)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if months[key], err = g.decideVolume(key, months[key], g.out.volumes[key]); err != nil {
			return err
		}
	}
	g.out.volumeKeys, g.out.volumeMonths = keys, months
	return nil
}

func (g *group) decideVolume(key sums.VolumeKey, m sums.Volume, change int64) (sums.Volume, error) {
	d := decision.Volume{Creator: key.Creator.Text(id.Creator), Month: key.Month, Base: m.Base + change, Extra: m.Extra, Now: clock.Micro(g.now)}
	if g.book.market.Open(market.Month(key.Month), g.now) {
		d.Extra = 0
		if v := g.book.rates.VolumeOf(key.Month); v != nil {
			d.Volume, d.Number, d.Bands, d.Extra = v.ID, v.Number, v.Bands, v.Extra(d.Base)
		}
	}
	m.Version++
	subject := decision.VolumeSubject(key.Creator, g.book.market.ID, key.Month)
	legs := decision.VolumeLegs(key.Creator, g.book.market.ID, key.Month, d.Extra-m.Extra)
	m.Base, m.Extra = d.Base, d.Extra
	return m, g.record(subject, m.Version, d, legs, g.now)
}
