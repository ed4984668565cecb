package report

import (
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// FreeLimits say from when on a creator's month stands out by what was given away. Both must be reached.
type FreeLimits struct {
	Units int64 // given away
	Share int64 // of all units, basis points
}

// ShippedFreeLimits are those that the product comes with.
var ShippedFreeLimits = FreeLimits{Units: 20_000, Share: 8_000}

// reached tells whether a month stands out. Units are far below where the products would not fit.
func (l FreeLimits) reached(free, units int64) bool {
	return free >= l.Units && free > 0 && free*fullShare >= l.Share*units
}

// FreeFinding is a creator whose month was mostly free items. It is something to look at, and nothing follows from it by
// itself: who gives many samples away may do so with good reason.
type FreeFinding struct {
	Creator id.ID
	Name    string
	Units   int64
	Free    int64
	Share   int64 // of free units in all, basis points
	Revenue int64 // earned base of the month
}

var selectFree = db.Statement(`SELECT creator, CAST(SUM(units) AS BIGINT), CAST(SUM(free) AS BIGINT),
	CAST(SUM(revenue) AS BIGINT) FROM margin_month WHERE market = $1 AND month = $2 AND creator > 0 GROUP BY creator
	HAVING CAST(SUM(free) AS BIGINT) >= $3 ORDER BY 3 DESC, creator`)

// FreeWatch lists the creators whose month reached the limits, by units given away, the most first.
func FreeWatch(tx *db.Tx, m market.Market, month market.Month, limits FreeLimits) (found []FreeFinding, err error) {
	if err := (Span{month, month}).Check(); err != nil {
		return nil, err
	}
	err = tx.Each(selectFree, func(scan func(...any) error) error {
		var f FreeFinding
		var creator int64
		err := scan(&creator, &f.Units, &f.Free, &f.Revenue)
		if limits.reached(f.Free, f.Units) {
			f.Creator, f.Share = id.ID(creator), Share(f.Free, f.Units)
			found = append(found, f)
		}
		return err
	}, int64(m.No), string(month), max(limits.Units, 1))
	if err != nil {
		return nil, fault.Wrap(err, "looking for free items")
	}
	ids, into := make([]id.ID, len(found)), make([]*string, len(found))
	for i := range found {
		ids[i], into[i] = found[i].Creator, &found[i].Name
	}
	return found, names(tx, ids, into)
}
