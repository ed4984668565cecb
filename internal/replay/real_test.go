package replay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/orderfile"
	"tributary/internal/orderfile/intake"
	"tributary/internal/replay"
	"tributary/internal/secret"
)

const (
	realMapping  = "../../examples/online-retail.json"
	realVariable = "TRIBUTARY_ONLINE_RETAIL"
	realBeside   = "../../../shared/data/online-retail-2010-12-to-2011-05.csv.gz" // in a folder beside the repository
)

// realFile is where the Online Retail file of the UCI Machine Learning Repository lies; empty where it is not here.
func realFile(t testing.TB) string {
	path := os.Getenv(realVariable)
	if path == "" {
		path = realBeside
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv(realVariable) != "" {
			t.Fatal(err)
		}
		t.Logf("the real file is not here, name it in %s: three cards are tried over invented orders only", realVariable)
		return ""
	}
	return path
}

// plainCard is a card as somebody would work with it who has never seen this program: rates in basis points by the start
// of the category's path, the longest first.
type plainCard struct {
	yaml     string
	rate     func(category, sku string) int64
	boosted  func(category string, rate int64) int64 // what the best promotion makes of a rate
	cap      func(category string) int64             // pence per unit; 0: none
	tiers    [][2]int64                              // from an amount on, basis points on top
	excluded func(category string) bool
}

func under(category, above string) bool {
	return category == above || strings.HasPrefix(category, above+" > ")
}

var plainCards = map[string]plainCard{
	"flat 4 %": {yaml: "offsite: {default: 4}", rate: func(string, string) int64 { return 400 }},
	"the shipped card": {yaml: "offsite:\n  default: 4\n  rates: {Home: 3, Home > Kitchen: 4.5, Garden: 3, Handmade: 5, Toys: 3, Beauty: 3, Gift Cards: 0}",
		rate: func(category, _ string) int64 {
			switch {
			case under(category, "Gift Cards"):
				return 0
			case under(category, "Handmade"):
				return 500
			case under(category, "Home > Kitchen"):
				return 450
			case under(category, "Home"), under(category, "Garden"), under(category, "Toys"), under(category, "Beauty"):
				return 300
			}
			return 400
		}},
	"tiers, caps, promotions": {
		yaml: "offsite:\n  default: 3.5\n  rates: {Fashion: 6, Home > Kitchen: {rate: 5, cap: 0.25}, Gift Cards: excluded}\n  products: {85123A: 8}\n" +
			"promotions:\n  - {name: Seasonal, from: 2030-01-01, until: 2030-12-31, categories: [Seasonal], multiply: 1.5}\n" +
			"  - {name: Candles, from: 2030-01-01, until: 2030-12-31, categories: [Home > Candles, Seasonal > Christmas], add: 1}\n" +
			"volume: {bands: [{above: 2000, extra: 0.5}, {above: 10000, extra: 1}]}",
		rate: func(category, sku string) int64 {
			switch {
			case sku == "85123A":
				return 800
			case under(category, "Fashion"):
				return 600
			case under(category, "Home > Kitchen"):
				return 500
			}
			return 350
		},
		boosted: func(category string, rate int64) int64 {
			best := rate
			if under(category, "Seasonal") {
				best = max(best, (rate*3+1)/2) // half up
			}
			if under(category, "Home > Candles") || under(category, "Seasonal > Christmas") {
				best = max(best, rate+100)
			}
			return best
		},
		cap: func(category string) int64 {
			if under(category, "Home > Kitchen") {
				return 25
			}
			return 0
		},
		tiers:    [][2]int64{{200000, 50}, {1000000, 100}},
		excluded: func(category string) bool { return under(category, "Gift Cards") },
	},
}

// plainLine is a line of the file as it stands in the books.
type plainLine struct {
	creator                    int64
	month, sku, category       string
	quantity, amount, returned int64
	credited                   bool
}

func (c plainCard) commission(l plainLine) (whole, promoted int64) {
	if c.excluded != nil && c.excluded(l.category) {
		return 0, 0
	}
	base := c.rate(l.category, l.sku)
	rate := base
	if c.boosted != nil {
		rate = c.boosted(l.category, base)
	}
	share := func(bps int64) int64 {
		sum := (l.left()*bps + 5000) / 10000
		if c.cap != nil && c.cap(l.category) > 0 {
			sum = min(sum, c.cap(l.category)*(l.quantity-l.returned))
		}
		return sum
	}
	return share(rate), share(rate) - share(base)
}

// left is what is left of the line's amount after its returns, which come without an amount.
func (l plainLine) left() int64 {
	if l.returned == l.quantity {
		return 0
	}
	return l.amount - (2*l.amount*l.returned+l.quantity)/(2*l.quantity)
}

// Where the store sends no category, that of the product counts, as it was then: the decision tells.
var plainRows = db.Statement(`SELECT l.creator, l.reason, l.sku, l.quantity, l.amount, l.state, d.body FROM line l JOIN decision d
	ON d.lane = l.market AND d.subject = 'line/' || l.order_id || '/' || l.line_id AND d.version = 1 WHERE l.market = 1`)

// readPlain reads the lines without the product's own code.
func readPlain(tx *db.Tx) (lines []plainLine, err error) {
	err = tx.Each(plainRows, func(scan func(...any) error) error {
		var l plainLine
		var reason, state, body string
		if err := scan(&l.creator, &reason, &l.sku, &l.quantity, &l.amount, &state, &body); err != nil {
			return err
		}
		var decided struct {
			Facts struct {
				Category string `json:"category"`
			} `json:"facts"`
		}
		var s struct {
			Events []struct {
				Type     string `json:"t"`
				Quantity int64  `json:"q"`
				Month    string `json:"m"`
			} `json:"e"`
		}
		if err := json.Unmarshal([]byte(body), &decided); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(state), &s); err != nil {
			return err
		}
		l.category = decided.Facts.Category
		for _, e := range s.Events {
			switch e.Type {
			case "line.shipped":
				l.month = e.Month
			case "line.returned":
				l.returned += e.Quantity
			}
		}
		switch reason {
		case "", "rate_zero", "rounds_to_zero", "zero_price", "returned":
			l.credited = true
		}
		lines = append(lines, l)
		return nil
	})
	return lines, err
}

// The real file is imported, with half a year of months closing on the way, and rated anew under three cards: every total
// is what a plain sum over its lines gives.
func TestThreeCards(t *testing.T) {
	file := realFile(t)
	if file == "" || testing.Short() {
		return
	}
	raw, err := os.ReadFile(realMapping)
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := orderfile.ParseMapping(raw)
	if err != nil {
		t.Fatal(err)
	}
	d, now, ctx := dbtest.Open(t), clock.NewStopped(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), context.Background()
	job := &intake.Import{DB: d, Ring: secret.FixedRing("three"), Clock: now, Mapping: mapping, Path: file, Replay: true}
	if _, err := job.Run(ctx); err != nil {
		t.Fatal(err)
	}
	var lines []plainLine
	if err := d.Read(ctx, func(tx *db.Tx) (err error) { lines, err = readPlain(tx); return err }); err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(plainCards))
	for name := range plainCards {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		card := plainCards[name]
		q := replay.Question{Market: "uk", From: time.Date(2010, 12, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2011, 6, 1, 0, 0, 0, 0, time.UTC),
			Rates: "marketplace: uk\ncurrency: GBP\n" + card.yaml + "\n"}
		begun := clock.Wall()
		got, err := replay.Run(ctx, d, q, now.Now(), shown)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		took := clock.Since(begun)
		want, held := card.add(lines)
		if got.Total.Draft != want || got.Total.Lines != int64(len(lines)) || got.Total.Unsaid != 0 {
			t.Errorf("%s: %+v, and a plain sum gives %+v", name, got.Total, want)
		}
		t.Logf("%s: %s, at present %s; %d of %d lines change, %s in volume tiers, %s by promotions; %d credited; in %s", name, pounds(got.Total.Draft.Paid()),
			pounds(got.Total.Present.Paid()), got.Total.Changed, got.Total.Lines, pounds(got.Total.Draft.Volume), pounds(got.Total.Draft.Promotion), held, took)
		for _, top := range got.Tops {
			t.Logf("  %-12s %6d lines, from %s to %s", top.Key, top.Lines, pounds(top.Present.Paid()), pounds(top.Draft.Paid()))
		}
	}
}

// add is the plain sum.
func (c plainCard) add(lines []plainLine) (sum replay.Amounts, credited int) {
	months := map[string]int64{}
	for _, l := range lines {
		if !l.credited {
			continue
		}
		credited++
		whole, promoted := c.commission(l)
		sum.Commission += whole
		sum.Promotion += promoted
		// What earns nothing by its rate counts for no tier.
		full := l
		full.returned = 0
		if at, _ := c.commission(full); at > 0 {
			months[fmt.Sprint(l.creator, " ", l.month)] += l.left()
		}
	}
	for _, base := range months {
		for i, tier := range c.tiers {
			top := base
			if i+1 < len(c.tiers) {
				top = min(base, c.tiers[i+1][0])
			}
			if top > tier[0] {
				sum.Volume += ((top-tier[0])*tier[1] + 5000) / 10000
			}
		}
	}
	return sum, credited
}

func pounds(pence int64) string { return fmt.Sprintf("%d.%02d", pence/100, pence%100) }
