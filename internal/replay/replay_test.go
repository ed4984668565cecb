package replay_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/replay"
	"tributary/internal/rerate"
)

func shown(int64, int64) error { return nil }

// ask answers over all that happened.
func (w *world) ask(q replay.Question) *replay.Difference {
	w.t.Helper()
	q.Market, q.From, q.Until = "us", begin.AddDate(-1, 0, 0), w.clock.Now().Add(time.Hour)
	d, err := replay.Run(context.Background(), w.db, q, w.clock.Now(), shown)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

var sumLines = db.Statement(`SELECT COUNT(*), CAST(COALESCE(SUM(pending + earned), 0) AS BIGINT) FROM line WHERE market = 1`)

// A what-if of what is changes nothing anywhere, and its present side is what the ledger holds.
func TestNothingChanges(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.live(150, 6)
	var lines, held int64
	w.read(func(tx *db.Tx) error { _, err := tx.One(sumLines, []any{&lines, &held}); return err })
	var file []byte
	w.read(func(tx *db.Tx) (err error) { file, err = ratefile.Export(tx, w.m, w.clock.Now()); return err })
	for name, d := range map[string]*replay.Difference{
		"no draft":            w.ask(replay.Question{}),
		"the rates as a file": w.ask(replay.Question{Rates: string(file)}),
		"dated":               w.ask(replay.Question{Rates: string(file), Dated: true}),
		"rules that hold":     w.ask(replay.Question{Rules: rules(t, "resale_units=4, lapse_days=180")}),
	} {
		if d.Total.Lines != lines || d.Total.Present.Commission != held || lines < 900 || held == 0 {
			t.Errorf("%s: %d lines with %d, and the ledger holds %d lines with %d", name, d.Total.Lines, d.Total.Present.Commission, lines, held)
		}
		if d.Total.Changed+d.Total.Moved+d.Total.Unsaid != 0 || d.Total.Present != d.Total.Draft || len(d.Rises)+len(d.Falls) > 0 {
			t.Errorf("%s: %+v", name, d.Total)
		}
	}
}

// Every line of the world, decided anew by the present book, comes to what it holds.
func TestDecidedAnew(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.live(120, 5)
	book := w.book()
	draft := rerate.New(book, book, rerate.Rules{})
	reasons := map[string]int{}
	w.read(func(tx *db.Tx) error {
		page, err := readPast(tx, begin.AddDate(-1, 0, 0), w.clock.Now())
		for _, p := range page {
			l := rerate.Line{Facts: p.Facts, Basis: p.Basis, Events: p.Events, Held: p.Held, Reason: p.Reason}
			again := draft.Anew(l, w.clock.Now())
			reasons[p.Reason]++
			if again.Basis != p.Basis || again.Commission != p.Held.Total || again.Promotion != p.Held.Promo || again.Fee != p.Held.Fee || again.Why != p.Reason {
				t.Errorf("%s: anew %+v, and it holds %+v %+v %s", p.Order, again, p.Basis, p.Held, p.Reason)
			}
		}
		return err
	})
	t.Log(reasons)
	for _, want := range []string{"", "self_purchase", "resale", "excluded_product", "rate_zero", "cancelled", "returned", "no_touch", "paid_ad",
		"expired", "session_ended", "in_cart_before_click"} {
		if reasons[want] == 0 {
			t.Errorf("no line of the world has the reason %q", want)
		}
	}
}

func readPast(tx *db.Tx, from, until time.Time) ([]explain.PastLine, error) {
	past, err := explain.OpenPast(tx, "us", from, until)
	if err != nil {
		return nil, err
	}
	page, err := past.Rows(tx, 100_000)
	if err != nil {
		return nil, err
	}
	lines := make([]*explain.PastLine, len(page))
	for i := range page {
		lines[i] = &page[i]
	}
	return page, past.Facts(tx, lines)
}

// pastLines reads all lines with their facts.
func (w *world) pastLines() (page []explain.PastLine) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) {
		page, err = readPast(tx, begin.AddDate(-1, 0, 0), w.clock.Now().Add(time.Hour))
		return err
	})
	return page
}

// What a what-if says of lines that were lived through under one policy is what the same lines came to in a world that
// lived under the other from its beginning: the proof of every rule that may be tried, and of what cannot be said.
func TestLivedUnder(t *testing.T) {
	all, worlds := t, map[string]*world{}
	for name, c := range map[string]struct {
		before, tried string
		unsaid        bool // some lines cannot be said
	}{
		"longer sessions":       {"", "session_hours=72", false},
		"shorter sessions":      {"", "session_hours=6", false},
		"shorter carts":         {"", "cart_days=1", false},
		"longer carts":          {"cart_days=1, resale_days=1", "cart_days=30", false},
		"units lapse sooner":    {"", "lapse_days=5", false},
		"paid traffic":          {"", "paid_earns=yes", false},
		"no resale rule":        {"", "resale_units=0", false},
		"another limit":         {"", "resale_units=9", false},
		"a shorter window":      {"resale_units=6", "resale_days=4", true},
		"a longer window":       {"resale_days=3, resale_units=5", "resale_days=20", true},
		"a resale rule at last": {"resale_units=0", "resale_units=4", true},
		"no business accounts":  {"", "business_out=yes", false},
		"coupons first":         {"coupons_first=no", "coupons_first=yes", false},
		"longer views":          {"", "view_seconds=20", false},
		"views of a category":   {"", "view_scope=category", false},
		"views of variations":   {"", "view_scope=variation", false},
		"the card of the click": {"", "rate_at=click", false},
		"that of the shipment":  {"", "rate_at=shipment", false},
		"of the order again":    {"rate_at=shipment", "rate_at=order", false},
		"several":               {"", "session_hours=12, cart_days=2, paid_earns=on, view_scope=category, rate_at=click, coupons_first=no", false},
	} {
		t.Run(name, func(t *testing.T) {
			before, tried := rules(t, c.before), rules(t, c.tried)
			here := worlds[c.before]
			if here == nil {
				here = newWorld(all, 3, before.Apply)
				here.live(50, 6)
				worlds[c.before] = here
			}
			there := newWorld(t, 3, func(p policy.Policy) policy.Policy { return tried.Apply(before.Apply(p)) })
			there.live(50, 6)
			if _, err := there.taker.Lapse(context.Background(), 1); err != nil { // what is due by the clock and not posted yet
				t.Fatal(err)
			}
			book := here.book()
			draft := rerate.New(book, book, tried)
			lived, changed, unsaids, byRow := there.pastLines(), 0, 0, 0
			for i, p := range here.pastLines() {
				l := rerate.Line{Facts: p.Facts, Basis: p.Basis, Events: p.Events, Held: p.Held, Reason: p.Reason}
				was, would, unsaid := draft.Line(l, here.clock.Now())
				if wasByRow, wouldByRow, known := draft.Row(byRowOf(p), here.clock.Now()); known {
					if byRow++; unsaid != "" || !wasByRow.Same(was) || !wouldByRow.Same(would) {
						t.Errorf("%s/%s: the row says %+v, the facts %+v %s", p.Order, p.Line, wouldByRow, would, unsaid)
					}
				}
				if unsaid != "" {
					unsaids++
					continue
				}
				if !was.Same(would) {
					changed++
				}
				want := lived[i]
				if p.Order != want.Order || p.Line != want.Line {
					t.Fatal("the two worlds differ in more than their policy")
				}
				// Where a line comes to nothing either way, units that nobody counted may be the first reason for it.
				why := would.Why == want.Reason || c.unsaid && want.Reason == "resale" && would.Commission == 0
				if would.Commission != want.Held.Total || would.Promotion != want.Held.Promo || !why || would.Creator != want.Basis.Creator ||
					would.Fee != want.Held.Fee {
					t.Errorf("%s/%s: the what-if says %d to %d (%s), and it came to %d for %d (%s)", p.Order, p.Line, would.Commission, would.Creator, would.Why,
						want.Held.Total, want.Basis.Creator, want.Reason)
				}
			}
			t.Logf("%d of %d lines change, %d cannot be said, %d are said by their row", changed, len(lived), unsaids, byRow)
			if changed == 0 && !c.unsaid || (unsaids > 0) != c.unsaid || unsaids > len(lived)/2 {
				t.Errorf("%d of %d lines change, %d cannot be said", changed, len(lived), unsaids)
			}
		})
	}
}

func rules(t testing.TB, text string) rerate.Rules {
	t.Helper()
	r, err := rerate.ParseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drafts are files that change rates in every way.
var drafts = map[string]string{
	"a cut":         "offsite: {default: 3}",
	"more":          "offsite: {default: 6, rates: {Home: 4.5, Home > Kitchen: {rate: 12, cap: 1.50}}, products: {SKU-3: 0, SKU-4: 9}}",
	"excluded":      "offsite: {default: 4, rates: {Garden: excluded, Gift Cards: 2}}",
	"views":         "onsite: {default: 5, rates: {Home: 1}}",
	"boosted":       "boosted: {default: 8}",
	"fees":          "seller_fee: {default: 12, rates: {Home: {rate: 20, minimum: 0.99}}}",
	"a promotion":   "promotions: [{name: Winter, from: 2026-12-01, until: 2026-12-31, categories: [Home], add: 1.5}]",
	"for newcomers": "promotions: [{name: Hello, from: 2026-12-01, until: 2026-12-31, set: 15, new_customers: true}]",
	"no promotions": "promotions: []",
	"a contract":    "contracts: [{creator: creator2, kind: offsite, rate: 9.5, from: 2026-12-01}]",
	"no contracts":  "contracts: []",
	"tiers":         "volume: {bands: [{above: 0, extra: 0}, {above: 100.00, extra: 1}, {above: 400.00, extra: 3}]}",
	"everything": "offsite: {default: 5}\nonsite: {default: 3}\nseller_fee: {default: 10}\ncontracts: []\n" +
		"promotions: [{name: Winter, from: 2026-12-01, until: 2026-12-31, multiply: 1.2}]\nvolume: {bands: [{above: 0, extra: 0.5}]}",
}

const head = "marketplace: us\ncurrency: USD\n"

func (w *world) drafted(text string) *ratecard.Book {
	w.t.Helper()
	var book *ratecard.Book
	w.read(func(tx *db.Tx) error {
		file, err := ratefile.Read(tx, []byte(head+text))
		if err == nil {
			book, err = file.Book(w.book(), w.clock.Now(), false)
		}
		return err
	})
	return book
}

// What a row alone says is what its facts say, for every way in which rates may change.
func TestRowsSayTheSame(t *testing.T) {
	worlds := map[string]*world{"with views": newWorld(t, 4, nil), "clicks alone": newWorld(t, 4, nil, plain)}
	for _, w := range worlds {
		w.live(60, 6)
	}
	for name, text := range drafts {
		for where, w := range worlds {
			draft := rerate.New(w.book(), w.drafted(text), rerate.Rules{})
			known, changed := 0, 0
			for _, p := range w.pastLines() {
				was, would, ok := draft.Row(byRowOf(p), w.clock.Now())
				if !ok {
					continue
				}
				known++
				l := rerate.Line{Facts: p.Facts, Basis: p.Basis, Events: p.Events, Held: p.Held, Reason: p.Reason}
				wasTruly, wouldTruly, unsaid := draft.Line(l, w.clock.Now())
				if unsaid != "" || !was.Same(wasTruly) || !would.Same(wouldTruly) || !maps.Equal(was.Bases, wasTruly.Bases) || !maps.Equal(would.Bases, wouldTruly.Bases) {
					t.Errorf("%s, %s, %s/%s: the row says %+v, then %+v; the facts %+v, then %+v %s", where, name, p.Order, p.Line, was, would, wasTruly, wouldTruly, unsaid)
				}
				if !was.Same(would) {
					changed++
				}
			}
			t.Logf("%s, %s: %d rows are enough, %d of them change", where, name, known, changed)
			if known < 100 && name != "fees" && name != "everything" {
				t.Errorf("%s, %s: only %d rows are enough", where, name, known)
			}
		}
	}
}

// plain leaves nothing but clicks to be paid for.
func plain(w *world) { w.plain = true }

func byRowOf(p explain.PastLine) rerate.Row {
	return rerate.Row{Basis: p.Basis, Events: p.Events, Held: p.Held, Reason: p.Reason, At: p.At, SKU: p.SKU, Category: p.Category(),
		Quantity: p.Quantity, Net: p.Net, Digital: p.Digital}
}
