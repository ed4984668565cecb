// Package docs holds the tables of examples.md against the code: whoever changes a rule or a number changes both.
package docs

import (
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/commission"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// example is a bold heading of the page, with the tables beneath it.
type example struct {
	name, text string
	tables     [][]map[string]string // tables, rows, cells by the heading of their column
}

var bold = regexp.MustCompile(`^\*\*([A-Z][0-9]?)\. `)

func read(t *testing.T) map[string]example {
	raw, err := os.ReadFile("examples.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]example{}
	var now example
	var header []string
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if found := bold.FindStringSubmatch(line); found != nil {
			now, header = example{name: found[1], text: line}, nil
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			header = nil
		case strings.HasPrefix(line, "|---"):
		case header == nil:
			header = cells(line)
			now.tables = append(now.tables, nil)
		default:
			row := map[string]string{}
			for i, cell := range cells(line) {
				row[header[i]] = cell
			}
			last := len(now.tables) - 1
			now.tables[last] = append(now.tables[last], row)
		}
		examples[now.name] = now
	}
	return examples
}

func cells(line string) (texts []string) {
	for cell := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|") {
		texts = append(texts, strings.Trim(strings.TrimSpace(cell), "`"))
	}
	return texts
}

// needed gives an example that must be on the page with at least so many rows in all: a table that is no longer found
// must not pass.
func needed(t *testing.T, examples map[string]example, name string, rows int) example {
	t.Helper()
	found := 0
	for _, table := range examples[name].tables {
		found += len(table)
	}
	if found < rows {
		t.Fatalf("examples.md has %d rows under %s; at least %d are expected", found, name, rows)
	}
	return examples[name]
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var (
	lineTerms = regexp.MustCompile(`Line: (\d+) units?, net (\d+), rate (\d+)(?:, cap (\d+))?`)
	happening = regexp.MustCompile(`^(\d+) (?:more )?(shipped|cancelled|returned|refunded)(?: with amount (\d+))?(?: \((\d+)\))?(?: in (\w+))?$`)
	placedAt  = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	monthOf   = map[string]string{"": "2026-03", "March": "2026-03", "April": "2026-04", "May": "2026-05", "June": "2026-06"}
	typeOf    = map[string]order.Type{"shipped": order.TypeShipped, "cancelled": order.TypeCancelled,
		"returned": order.TypeReturned, "refunded": order.TypeRefunded}
)

// start reads the line that an example is about.
func start(t *testing.T, e example) (order.History, order.Worth) {
	t.Helper()
	found := lineTerms.FindStringSubmatch(e.text)
	if found == nil {
		t.Fatalf("%s does not say its line", e.name)
	}
	rate, unitCap := number(t, found[3]), int64(0)
	if found[4] != "" {
		unitCap = number(t, found[4])
	}
	worth := order.AtRate(rate, unitCap)
	terms := order.Terms{Quantity: number(t, found[1]), Net: number(t, found[2]), OrderedAt: placedAt.UnixMicro()}
	return order.History{Terms: terms, Now: placedAt.Add(time.Hour), Lapse: 180 * 24 * time.Hour}, worth
}

// event reads what happened; step is the amount that the page says it moved, empty where it says none.
func event(t *testing.T, text string) (happened order.Applied, step string) {
	t.Helper()
	found := happening.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("%q is not something that happens to a line", text)
	}
	happened = order.Applied{Type: typeOf[found[2]], At: placedAt.UnixMicro(), Month: monthOf[found[5]]}
	count := number(t, found[1])
	switch {
	case happened.Type == order.TypeRefunded:
		happened.Amount = &count
	case found[3] != "":
		amount := number(t, found[3])
		happened.Quantity, happened.Amount = count, &amount
	default:
		happened.Quantity = count
	}
	return happened, found[4]
}

func TestLines(t *testing.T) {
	examples := read(t)
	for name, rows := range map[string]int{"A": 5, "B": 3, "C": 2, "L": 2, "M": 2, "M2": 3, "P": 3, "P2": 3} {
		t.Run(name, func(t *testing.T) {
			e := needed(t, examples, name, rows)
			h, worth := start(t, e)
			for _, row := range e.tables[0] {
				before := h.Fold()
				step := ""
				if row["after"] != "placed" {
					var happened order.Applied
					happened, step = event(t, row["after"])
					if answer, reason := h.Admit(happened); answer != order.Accepted {
						t.Fatalf("%s: %s %s", row["after"], answer, reason)
					}
					h.Events = append(h.Events, happened)
				}
				f := h.Fold()
				earned := worth(f.Base, f.KeptShipped())
				got := map[string]int64{"shipped": f.Shipped, "returned": f.Returned, "total": f.Total, "earned base": f.Base,
					"E": earned, "P": max(worth(f.Total, f.Kept(h.Quantity))-earned, 0)}
				for column, value := range got {
					if want, said := row[column]; said && number(t, want) != value {
						t.Errorf("%s: %s is %d, the page says %s", row["after"], column, value, want)
					}
				}
				moved := f.ShippedAmount - before.ShippedAmount + f.ReturnedAmount - before.ReturnedAmount
				if step != "" && number(t, step) != moved {
					t.Errorf("%s moved %d", row["after"], moved)
				}
			}
		})
	}
}

func TestMonths(t *testing.T) {
	e := needed(t, read(t), "K", 5)
	h, worth := start(t, e)
	posted := map[string]int64{}
	var earlier map[string]int64
	for _, row := range e.tables[0] {
		text, instead := strings.CutPrefix(row["after"], "instead: ")
		if instead { // the row takes the place of the one above it
			h.Events, posted = h.Events[:len(h.Events)-1], earlier
		}
		earlier = maps.Clone(posted)
		happened, _ := event(t, text)
		h.Events = append(h.Events, happened)
		open := func(month string) bool { return row["closed"] == "" || month > monthOf[row["closed"]] }
		posted = h.Months(worth, posted, open, happened.Month)
		for _, month := range []string{"March", "April", "June"} {
			if want := row[month]; want == "" && posted[monthOf[month]] != 0 || want != "" && number(t, want) != posted[monthOf[month]] {
				t.Errorf("%s: %s holds %d, the page says %q", row["after"], month, posted[monthOf[month]], want)
			}
		}
	}
}

func TestPrecedence(t *testing.T) {
	e := needed(t, read(t), "E", 8)
	card := ratecard.Card{Kind: ratecard.Offsite, Effective: placedAt}
	for _, row := range e.tables[0] {
		rate := number(t, row["rate"])
		if sku, ok := strings.CutPrefix(row["entry"], "product "); ok {
			card.Entries = append(card.Entries, ratecard.Entry{SKU: sku, BPS: rate})
		} else if row["entry"] == "default" {
			card.Default = rate
		} else {
			card.Entries = append(card.Entries, ratecard.Entry{Category: row["entry"], BPS: rate})
		}
	}
	version := ratecard.Version{Number: 1, Card: card.Clean()}.Indexed()
	for _, row := range e.tables[1] {
		if got := version.Lookup(row["category"], row["product"]); got.BPS != number(t, row["rate"]) {
			t.Errorf("%v earns %d by %s", row, got.BPS, got.Match)
		}
	}
}

func TestPayable(t *testing.T) {
	for _, row := range needed(t, read(t), "F", 5).tables[0] {
		month, err := time.Parse("January 2006", row["month"])
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse("2 January 2006", row["payable on"])
		if err != nil {
			t.Fatal(err)
		}
		at := market.MonthOf(month, time.UTC).Payable(time.UTC, policy.Shipped().HoldDays)
		if !at.Equal(day) {
			t.Errorf("%s is payable on %s", row["month"], at)
		}
	}
}

var touch = regexp.MustCompile(`([AB]) (\d+)`)

func TestAttribution(t *testing.T) {
	for _, row := range needed(t, read(t), "G", 6).tables[0] {
		const first = int64(1_000_000_000_000_000)
		at := func(text string) int64 {
			if days, ok := strings.CutSuffix(text, " days"); ok {
				return first + number(t, days)*24*int64(time.Hour/time.Microsecond)
			}
			return first + number(t, text)*int64(time.Hour/time.Microsecond)
		}
		clicks, another, ordered := strings.Cut(row["touches"], "; the shopper ordered a kettle at ")
		var touches []attribution.Touch
		for i, found := range touch.FindAllStringSubmatch(clicks, -1) {
			touches = append(touches, attribution.Touch{Source: attribution.FromToken, Click: int64(i + 1), Program: 1,
				Creator: id.ID(found[1][0]), At: at(found[2]), ActiveThen: true, ActiveNow: true})
		}
		var ends []int64
		if ordered {
			ends = append(ends, at(another))
		}
		line := attribution.Line{OrderedAt: at(row["ordered"])}
		if row["added"] != "–" {
			line.AddedAt = at(row["added"])
		}
		v := attribution.Decide(touches, line, ends, policy.Shipped())
		credited := "nobody"
		if v.Winner >= 0 {
			credited = string(rune(touches[v.Winner].Creator))
		}
		if credited != row["credited"] || credited == "nobody" && string(v.Reason) != row["reason"] {
			t.Errorf("%s, added %s, ordered %s: %s, %s; the page says %s", row["touches"], row["added"], row["ordered"],
				credited, v.Reason, row["credited"])
		}
	}
}

// docs D: what a campaign funds, and where it stands after each step.
func TestBonus(t *testing.T) {
	examples := read(t)
	for name, rows := range map[string]int{"D": 3, "D2": 2} {
		e := needed(t, examples, name, rows)
		h, worth := start(t, e)
		funded := commission.Fund(1000, 1500, h.Fold(), h.Quantity)
		for _, row := range e.tables[0] {
			if row["after"] != "placed" {
				happened, _ := event(t, row["after"])
				h.Events = append(h.Events, happened)
			}
			f := h.Fold()
			earned := worth(f.Base, f.KeptShipped())
			b := commission.SettleBonus(funded, 1500, f, h.Quantity)
			got := map[string]int64{"P": worth(f.Total, f.Kept(h.Quantity)) - earned, "E": earned, "R": b.Reserved, "B": b.Earned}
			for column, value := range got {
				if number(t, row[column]) != value {
					t.Errorf("%s, %s: %s is %d, the page says %s", name, row["after"], column, value, row[column])
				}
			}
		}
	}
}

// offers reads promotions as the page writes them: "add 100, set 350".
func offers(t *testing.T, text string) (all []ratecard.Offer) {
	for part := range strings.SplitSeq(text, ", ") {
		if change, value, found := strings.Cut(part, " "); found {
			all = append(all, ratecard.Offer{ID: id.ID(len(all) + 1), Change: ratecard.Change(change), Value: number(t, value)})
		}
	}
	return all
}

func TestPromotions(t *testing.T) {
	examples := read(t)
	for _, row := range needed(t, examples, "N", 3).tables[0] {
		f := commission.Facts{Net: number(t, row["net"]), Quantity: 1, Policy: policy.Shipped(), Zone: "UTC",
			Line:    attribution.Line{OrderedAt: placedAt.UnixMicro()},
			Touches: []attribution.Touch{{Click: 1, Creator: 1, At: placedAt.UnixMicro(), ActiveThen: true, ActiveNow: true}}}
		f.Rate, f.Offers = &ratecard.Rate{BPS: number(t, row["base"])}, offers(t, row["promotion"])
		basis, _ := commission.Credit(f)
		got := commission.Settle(basis, order.Terms{Quantity: 1, Net: f.Net, OrderedAt: f.Line.OrderedAt}, nil, placedAt, commission.Posted{})
		for column, value := range map[string]int64{"rate": basis.BPS, "commission in all": got.Pending, "commission": got.Pending - got.PromoPending,
			"promotion part": got.PromoPending} {
			if number(t, row[column]) != value {
				t.Errorf("%s %s: %s is %d, the page says %s", row["net"], row["promotion"], column, value, row[column])
			}
		}
	}
	for _, row := range needed(t, examples, "E2", 3).tables[0] {
		q := ratecard.Quote{Rate: &ratecard.Rate{BPS: 300}, Offers: offers(t, row["promotions"])}
		if row["contract"] != "" {
			q.Contract = &ratecard.Contract{BPS: number(t, row["contract"])}
		}
		if got := q.Price().Final; got != number(t, row["rate"]) {
			t.Errorf("%v: %d", row, got)
		}
	}
}

func TestVolume(t *testing.T) {
	tier := ratecard.Volume{Bands: []ratecard.Band{{Above: 0}, {Above: 100000, Extra: 200}}}
	for _, row := range needed(t, read(t), "Q", 4).tables[0] {
		if got := tier.Extra(number(t, row["earned base of the month"])); got != number(t, row["T"]) {
			t.Errorf("%v: %d", row, got)
		}
	}
}

func TestResale(t *testing.T) {
	bought := int64(0)
	for _, row := range needed(t, read(t), "R", 3).tables[0] {
		bought += number(t, row["units"])
		got := attribution.Judge(attribution.Buyer{Known: true, Units: bought}, 1, policy.Shipped())
		if bought != number(t, row["in all"]) || string(got) != row["reason"] {
			t.Errorf("day %s: %d units, %q; the page says %q", row["day"], bought, got, row["reason"])
		}
	}
}
