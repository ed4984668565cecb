package intake

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/orderfile"
)

// Result is what an import did, and how the books stand against the file.
type Result struct {
	Market      market.Market
	Totals      orderfile.Totals
	Answers     Answers
	Books       *Books
	Ran         []string // due jobs that a replay ran on the way
	At          time.Time
	Differences []string // empty: file, lines and ledger agree to the last minor unit
	Purchases   int      // kept in memory for matching, at the end
	Names       int
	names       map[id.ID]string
}

func (r *Result) nameCreators(tx *db.Tx) error {
	found, err := creator.Find(tx, slices.Sorted(maps.Keys(r.Books.Creators)))
	if err != nil {
		return err
	}
	r.names = map[id.ID]string{}
	for one, c := range found {
		r.names[one] = c.Name
	}
	return nil
}

// compare holds the books against the file, and lines against the ledger.
func (r *Result) compare() {
	t, b := r.Totals, r.Books
	for _, pair := range []struct {
		what        string
		file, books int64
	}{
		{"orders", t.Orders, b.Orders}, {"lines", t.Lines, b.Lines}, {"units", t.Units, b.Units},
		{"gross amount", t.Gross, b.Gross}, {"shipped amount", t.Gross, b.Shipped},
		{"units returned", t.Returns.Units, b.Back}, {"returned amount", t.Returns.Amount, b.Returned},
		{"rows used and refused", t.Rows, t.Lines + t.Returns.Rows + t.RefusedRows()},
		{"rows of returns", t.Returns.Rows, t.Returns.Matched + t.Returns.InPart + t.Returns.Unmatched},
	} {
		if pair.file != pair.books {
			r.differ("%s: the file says %d, the books %d", pair.what, pair.file, pair.books)
		}
	}
	for _, pair := range []struct {
		what          string
		lines, ledger int64
	}{
		{"pending", b.Pending, b.Ledger.Pending}, {"earned", b.Earned, b.Ledger.Earned},
		{"commission", b.Pending + b.Earned, b.Ledger.Operator},
	} {
		if pair.lines != pair.ledger {
			r.differ("%s: the lines say %d, the ledger %d", pair.what, pair.lines, pair.ledger)
		}
	}
	for reason, count := range r.Answers.Refused {
		r.differ("%d events were refused: %s", count, reason)
	}
	if r.Answers.Waiting > 0 {
		r.differ("%d events wait", r.Answers.Waiting)
	}
	slices.Sort(r.Differences)
	for _, one := range r.Answers.First {
		r.differ("%s", one)
	}
}

func (r *Result) differ(format string, args ...any) {
	r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
}

// Text is the reconciliation as a person reads it.
func (r *Result) Text() string {
	t, b := r.Totals, r.Books
	var out strings.Builder
	line := func(name string, format string, args ...any) {
		fmt.Fprintf(&out, "%-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("rows", "%s", count(t.Rows))
	line("  sold", "%s lines of %s orders, %s units; %s lines came with a click", count(t.Lines), count(t.Orders), count(t.Units),
		count(t.Touched))
	line("  returned", "%s: %s matched, %s in part, %s unmatched", count(t.Returns.Rows), count(t.Returns.Matched),
		count(t.Returns.InPart), count(t.Returns.Unmatched))
	line("", "%s units taken back in %s events, %s units without a purchase", count(t.Returns.Units), count(t.Returns.Events),
		count(t.Returns.Missed))
	line("  refused", "%s%s", count(t.RefusedRows()), reasons(t.Refused))
	line("revenue", "%s shipped", r.amount(b.Shipped))
	line("", "%s returned", r.amount(-b.Returned))
	line("", "%s net", r.amount(b.Shipped-b.Returned))
	line("commission", "%s earned", r.amount(b.Ledger.Earned))
	line("", "%s pending", r.amount(b.Ledger.Pending))
	for _, one := range slices.SortedFunc(maps.Keys(b.Creators), func(a, c id.ID) int {
		return cmp.Or(cmp.Compare(b.Creators[c].Earned, b.Creators[a].Earned), strings.Compare(r.names[a], r.names[c]))
	}) {
		c := b.Creators[one]
		line("", "%s %s on %s lines", r.amount(c.Earned+c.Pending), r.names[one], count(c.Lines))
	}
	line("earn nothing", "%s lines%s", count(sum(b.Reasons)), reasons(b.Reasons))
	if len(r.Ran) > 0 {
		line("on the way", "%s", strings.Join(r.Ran, "\n"+strings.Repeat(" ", 15)))
	}
	if len(r.Differences) == 0 {
		line("agree", "file, lines and ledger, to the last unit")
	}
	for _, one := range r.Differences {
		line("DIFFERS", "%s", one)
	}
	return out.String()
}

// Sent tells what became of the events.
func (r *Result) Sent() string {
	a := r.Answers
	return fmt.Sprintf("%s events accepted, %s known already, %s refused", count(a.Accepted), count(a.Duplicate),
		count(sum(a.Refused)))
}

// amountWidth lines amounts up.
const amountWidth = 16

func (r *Result) amount(minor int64) string {
	text := money.Decimal(minor, money.Digits(r.Market.Currency))
	whole, part, _ := strings.Cut(text, ".")
	if part != "" {
		part = "." + part
	}
	return fmt.Sprintf("%*s %s", amountWidth, grouped(whole)+part, r.Market.Currency)
}

func reasons[K ~string](counts map[K]int64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %s", reason, count(counts[reason])))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

func sum[K comparable](counts map[K]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}

func count(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// grouped sets a comma before every three digits.
func grouped(digits string) string {
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}
