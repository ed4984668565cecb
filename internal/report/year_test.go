package report_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/sums"
)

// A year of lines with all that package accrual keeps beside them, made in one go: what reports are held against, and
// measured on.

var (
	putMargins = db.Bulk("BIGINT TEXT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO margin_month (market, month, creator, category, sold, units, free, revenue, commission, promotion, fee) VALUES $ROWS`)
	putDays = db.Bulk("BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO creator_day (market, creator, day, orders, units, revenue, commission, first_lines, first_revenue, linear_revenue) VALUES $ROWS`)
	putVolumes = db.Bulk("BIGINT BIGINT TEXT BIGINT BIGINT BIGINT",
		`INSERT INTO volume_month (market, creator, month, base, extra, version) VALUES $ROWS`)
	putClaims = db.Bulk("BIGINT TEXT TEXT BYTEA BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT TEXT BIGINT",
		`INSERT INTO bounty_claim (market, id, action, customer, at, version, whole_version, offer, creator, program, tracking, reason, pending, earned,
			reversed, ripe, state, touched) VALUES $ROWS`)
	putCreators = db.Bulk("BIGINT TEXT TEXT BIGINT TEXT BYTEA",
		`INSERT INTO creator (id, name, handle, created, routing, personal) VALUES $ROWS`)
)

// purchase is a line as a report sees it.
type purchase struct {
	order    string
	at       time.Time
	creator  id.ID // whose report it stands in; 0: nobody's
	first    id.ID // of the first click; 0: there was none
	reason   string
	category string
	sold     int64
	units    int64
	amount   int64 // paid
	base     int64 // earned base
	cost     int64 // commission
	promo    int64
	fee      int64
}

type completion struct {
	at              time.Time
	creator         id.ID
	pending, earned int64
}

type year struct {
	lines    []purchase
	bounties []completion
	volumes  map[volumeKey]int64
}

type volumeKey struct {
	creator id.ID
	month   string
}

var (
	yearStart  = time.Date(2025, 12, 1, 5, 0, 0, 0, time.UTC) // 00:00 in New York
	yearEnd    = time.Date(2026, 12, 1, 5, 0, 0, 0, time.UTC)
	reasonsAll = []string{"no_touch", "expired", "session_ended", "self_purchase", "cancelled", "returned", "paid_ad", "rate_zero"}
	categories = treeOf(4, 5, 2)
)

// treeOf gives the leaves and some inner places of a tree.
func treeOf(tops, middles, leaves int) (paths []string) {
	for a := range tops {
		for b := range middles {
			path := fmt.Sprintf("Top %d > Middle %d", a, b)
			paths = append(paths, path)
			for c := range leaves {
				paths = append(paths, fmt.Sprintf("%s > Leaf %d", path, c))
			}
		}
	}
	return paths
}

// makeYear draws a year of so many lines: a tenth is the first creator's, the others share the rest unevenly; every
// fourth earns nothing.
func makeYear(seed uint64, lines, creators int) *year {
	random := rand.New(rand.NewPCG(seed, 0))
	y := &year{volumes: map[volumeKey]int64{}}
	someone := func() id.ID {
		if random.IntN(10) == 0 {
			return 1
		}
		part := random.Float64()
		return id.ID(1 + int(part*part*float64(creators)))
	}
	length := yearEnd.Sub(yearStart)
	for n := range lines {
		p := purchase{order: fmt.Sprintf("o%08d", n*7919%lines), at: yearStart.Add(time.Duration(float64(length) * float64(n) / float64(lines))).Truncate(time.Microsecond),
			creator: someone(), category: categories[random.IntN(len(categories))], sold: random.Int64N(2), units: 1 + random.Int64N(3),
			amount: random.Int64N(20_000)}
		p.first = p.creator
		if random.IntN(5) == 0 {
			p.first = someone()
		}
		p.base = p.amount
		if random.IntN(4) == 0 {
			p.reason = reasonsAll[random.IntN(len(reasonsAll))]
			if p.reason == "no_touch" {
				p.creator, p.first = 0, 0
			}
		} else {
			p.cost, p.promo = p.base*450/10_000, p.base*random.Int64N(2)*150/10_000
		}
		if p.sold == 1 {
			p.fee = p.base * (300 + random.Int64N(1200)) / 10_000
		}
		y.lines = append(y.lines, p)
	}
	for range lines / 20 {
		at := yearStart.Add(time.Duration(random.Int64N(int64(length)))).Truncate(time.Microsecond)
		c := completion{at: at, creator: someone()}
		c.pending, c.earned = random.Int64N(2)*1500, random.Int64N(2)*1500
		y.bounties = append(y.bounties, c)
	}
	for range creators {
		y.volumes[volumeKey{someone(), fmt.Sprintf("2026-%02d", 1+random.IntN(11))}] = random.Int64N(5000)
	}
	return y
}

// free makes a month of mostly given away units.
func (y *year) free(creator id.ID, at time.Time, free, paid int64) {
	y.lines = append(y.lines, purchase{order: fmt.Sprintf("free-%d-%d", creator, free), at: at, creator: creator, category: "Top 0", units: free},
		purchase{order: fmt.Sprintf("paid-%d-%d", creator, paid), at: at, creator: creator, category: "Top 0", units: paid, amount: 100, base: 100, cost: 4})
}

func (p purchase) month() string { return string(us.Month(p.at)) }

type dayKey struct {
	creator id.ID
	day     string
}

type marginKey struct {
	month    string
	creator  id.ID
	category string
	sold     int64
}

// save writes the lines with their sums.
func (y *year) save(t testing.TB, d *db.DB) {
	t.Helper()
	var rows [][]any
	margins, days := map[marginKey]*[6]int64{}, map[dayKey]*[7]int64{}
	day := func(c id.ID, at time.Time) *[7]int64 {
		key := dayKey{c, market.Day(at, us.Location())}
		if days[key] == nil {
			days[key] = &[7]int64{}
		}
		return days[key]
	}
	for _, p := range y.lines {
		rows = append(rows, y.row(p))
		credited := p.reason == "" && p.creator != 0
		if credited || p.sold == 1 {
			key := marginKey{p.month(), p.creator, p.category, p.sold}
			if !credited {
				key.creator = 0
			}
			if margins[key] == nil {
				margins[key] = &[6]int64{}
			}
			for i, part := range []int64{p.units, p.free(), p.base, p.cost, p.promo, p.fee} {
				margins[key][i] += part
			}
		}
		if credited {
			sum := day(p.creator, p.at)
			for i, part := range []int64{1, p.units, p.base, p.cost + p.promo} {
				sum[i] += part
			}
		}
		if p.first != 0 {
			sum := day(p.first, p.at)
			sum[4], sum[5], sum[6] = sum[4]+1, sum[5]+p.base, sum[6]+p.base
		}
	}
	tables := map[*db.BulkStmt][][]any{putLines: rows}
	var added sums.Sums
	for _, p := range y.lines {
		if p.reason != "" {
			added.AddNothing(sums.Nothing{Month: p.month(), Creator: p.creator, Reason: p.reason, Revenue: p.amount}, 1)
		}
	}
	write(t, d, func(tx *db.Tx) error { return added.Save(tx, 1) })
	for key, m := range margins {
		tables[putMargins] = append(tables[putMargins], []any{int64(1), key.month, int64(key.creator), key.category, key.sold, m[0], m[1], m[2], m[3], m[4], m[5]})
	}
	for key, s := range days {
		tables[putDays] = append(tables[putDays], []any{int64(1), int64(key.creator), key.day, s[0], s[1], s[2], s[3], s[4], s[5], s[6]})
	}
	names := map[id.ID]bool{}
	for _, p := range y.lines {
		names[p.creator], names[p.first] = true, true
	}
	for one := range names {
		tables[putCreators] = append(tables[putCreators], []any{int64(one), fmt.Sprintf("Creator %d", one), fmt.Sprintf("c%d", one), int64(0), "close", []byte{}})
	}
	for key, extra := range y.volumes {
		tables[putVolumes] = append(tables[putVolumes], []any{int64(1), int64(key.creator), key.month, extra * 100, extra, int64(1)})
	}
	for i, b := range y.bounties {
		tables[putClaims] = append(tables[putClaims], []any{int64(1), fmt.Sprintf("b%d", i), "signup", []byte{byte(i)}, b.at.UnixMicro(), int64(1), int64(1),
			int64(1), int64(b.creator), int64(1), int64(0), "", b.pending, b.earned, int64(0), int64(0), "{}", b.at.UnixMicro()})
	}
	for statement, rows := range tables {
		for len(rows) > 0 {
			n := min(len(rows), 5000)
			write(t, d, func(tx *db.Tx) error { _, err := tx.Bulk(statement, rows[:n]); return err })
			rows = rows[n:]
		}
	}
}

func (p purchase) free() int64 {
	if p.amount == 0 {
		return p.units
	}
	return 0
}

func (y *year) row(p purchase) []any {
	kept := fmt.Sprintf(`{"b":{"b":450},"m":{"t":%q,"c":%d,"k":%q,"s":%d,"u":%d,"f":%d,"v":%d,"m":%d,"p":%d,"e":%d}}`, p.month(), p.creator, p.category,
		p.sold, p.units, p.free(), p.base, p.cost, p.promo, p.fee)
	at := p.at.UnixMicro()
	return []any{int64(1), p.order, "1", at, "SKU", p.units, p.amount, int64(0), `{"category":"A > B"}`, int64(0), int64(1), int64(1),
		int64(p.creator), int64(1), int64(0), p.reason, int64(0), p.cost + p.promo, kept, at + 1_000_000}
}
