package audit

import (
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/sums"
)

// added is what all lines add up to, and where the decisions on volume tiers stand.
type added struct {
	sums.Sums
	order    string               // whose lines come now: they stand side by side
	credited map[sums.DayKey]bool // of that order: it counts once for each creator and day
	bases    map[monthKey]int64
	tiers    map[monthKey]tier
}

type monthKey struct {
	creator id.ID
	month   string
}

// tier is a creator's month under volume tiers.
type tier struct{ base, extra, version int64 }

func newAdded() added {
	return added{credited: map[sums.DayKey]bool{}, bases: map[monthKey]int64{}, tiers: map[monthKey]tier{}}
}

// line adds what a line says it added.
func (a *added) line(order string, s *decision.State) {
	if order != a.order {
		a.order = order
		clear(a.credited)
	}
	a.AddDay(s.Day, 1)
	a.AddJourney(s.Journey, 1)
	a.AddMargin(s.Margin, 1)
	a.AddNothing(s.Nothing, 1)
	if s.Day.Creator != 0 {
		if key := (sums.DayKey{Creator: s.Day.Creator, Date: s.Day.Day}); !a.credited[key] {
			a.credited[key] = true
			a.Day(key).Orders++
		}
	}
	for month, base := range s.Held.Bases {
		a.bases[monthKey{s.Basis.Creator, month}] += base
	}
}

var selectVolumes = db.Statement(`SELECT creator, month, base, extra, version FROM volume_month WHERE market = $1`)

// verifySums compares what pages read, and the months under volume tiers, with what the lines add up to and what was
// decided.
func (a *auditor) verifySums() error {
	if err := a.added.Verify(a.tx, a.lane, a.differ); err != nil {
		return err
	}
	compare := func(key monthKey, row tier) {
		lines, decided := a.added.bases[key], a.added.tiers[key]
		if row != decided || row.base != lines {
			a.tell("volume of %s in %s: the row says %d and %d on top, version %d; decided %d and %d, version %d, and the lines add up to %d",
				key.creator.Text(id.Creator), key.month, row.base, row.extra, row.version, decided.base, decided.extra, decided.version, lines)
		}
		delete(a.added.bases, key)
		delete(a.added.tiers, key)
	}
	if err := a.tx.Each(selectVolumes, func(scan func(...any) error) error {
		var key monthKey
		var row tier
		var creator int64
		if err := scan(&creator, &key.month, &row.base, &row.extra, &row.version); err != nil {
			return err
		}
		key.creator = id.ID(creator)
		compare(key, row)
		return nil
	}, a.lane); err != nil {
		return fault.Wrap(err, "reading volume months")
	}
	for key := range a.added.tiers {
		compare(key, tier{})
	}
	for key, base := range a.added.bases {
		if base != 0 {
			compare(key, tier{})
		}
	}
	return nil
}
