package report

import (
	"cmp"
	"slices"
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// What creators get beside lines: volume tiers by the month of the earned base, bounties by the month in which they were
// completed. Both are small tables beside the lines.

var (
	volumeByMonth = db.Statement(`SELECT month, 0, COUNT(*), CAST(SUM(extra) AS BIGINT) FROM volume_month
		WHERE market = $1 AND creator >= $2 AND creator <= $3 AND month >= $4 AND month <= $5 AND extra <> 0
		GROUP BY month ORDER BY month`)
	volumeByCreator = db.Statement(`SELECT '', creator, COUNT(*), CAST(SUM(extra) AS BIGINT) FROM volume_month
		WHERE market = $1 AND creator >= $2 AND creator <= $3 AND month >= $4 AND month <= $5 AND extra <> 0
		GROUP BY creator ORDER BY creator`)
	bountiesOfAll = db.Statement(`SELECT at, creator, pending, earned FROM bounty_claim
		WHERE market = $1 AND at >= $2 AND at < $3 AND (pending <> 0 OR earned <> 0)`)
	bountiesOfOne = db.Statement(`SELECT at, creator, pending, earned FROM bounty_claim
		WHERE creator = $4 AND creator <> 0 AND +market = $1 AND at >= $2 AND at < $3 AND (pending <> 0 OR earned <> 0)`)
)

// readAsides adds what creators get beside lines: by creator where rows are creators, else by month.
func (r *Margin) readAsides(tx *db.Tx, m market.Market, ask MarginAsk) error {
	found := map[Aside]*Aside{} // by kind and what the row stands for
	add := func(key Aside, count, earned, pending int64) {
		if found[key] == nil {
			found[key] = &Aside{Kind: key.Kind, Month: key.Month, Creator: key.Creator}
		}
		sum := found[key]
		sum.Count, sum.Earned, sum.Pending = sum.Count+count, sum.Earned+earned, sum.Pending+pending
		r.Aside += earned
	}
	least, most, volume := int64(0), int64(never), volumeByMonth
	if ask.Creator != 0 {
		least, most = int64(ask.Creator), int64(ask.Creator)
	}
	if ask.By == ByCreator {
		volume = volumeByCreator
	}
	if err := tx.Each(volume, func(scan func(...any) error) error {
		key := Aside{Kind: AsideVolume}
		var creator, count, extra int64
		err := scan(&key.Month, &creator, &count, &extra)
		key.Creator = id.ID(creator)
		add(key, count, extra, 0)
		return err
	}, int64(m.No), least, most, string(ask.From), string(ask.To)); err != nil {
		return fault.Wrap(err, "reading extras of months")
	}
	months := ask.calendar(m)
	bounties, args := bountiesOfAll, []any{int64(m.No), months.first(), months.end()}
	if ask.Creator != 0 {
		bounties, args = bountiesOfOne, append(args, int64(ask.Creator))
	}
	err := tx.Each(bounties, func(scan func(...any) error) error {
		var at, creator, pending, earned int64
		if err := scan(&at, &creator, &pending, &earned); err != nil {
			return err
		}
		key := Aside{Kind: AsideBounty, Creator: id.ID(creator)}
		if ask.By != ByCreator {
			key.Creator, key.Month = 0, months.months[months.at(at)]
		}
		add(key, 1, earned, pending)
		return nil
	}, args...)
	for _, sum := range found {
		r.Asides = append(r.Asides, *sum)
	}
	slices.SortFunc(r.Asides, func(a, b Aside) int {
		return cmp.Or(strings.Compare(string(a.Month), string(b.Month)), cmp.Compare(a.Creator, b.Creator),
			strings.Compare(a.Kind, b.Kind))
	})
	return fault.Wrap(err, "reading bounties")
}
