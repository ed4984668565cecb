package orderfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tributary/internal/fault"
	"tributary/internal/order"
)

var latest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const header = "invoice,sku,description,quantity,time,price,customer\n"

const plainMapping = `{
  "marketplace": {"id": "uk", "name": "UK", "currency": "GBP", "zone": "Europe/London", "home": "http://store.example", "resale_units": 0},
  "columns": {"invoice": "invoice", "sku": "sku", "description": "description", "quantity": "quantity", "time": "time",
    "unit_price": "price", "customer": "customer"},
  "return_prefix": "C",
  "excluded": [{"skus": ["POST"], "reason": "postage"}],
  "categories": [{"words": "tea towel", "category": "Home > Textiles"}, {"words": "TEA", "category": "Grocery"}],
  "touches": {"seed": 1, "share": "1/2", "minutes_before": 30},
  "rate_card": {},
  "creators": [{"name": "A", "handle": "a", "tag": "aaa-21"}, {"name": "B", "handle": "b", "tag": "bbb-21"}]
}`

func parsed(t testing.TB, text string) *Mapping {
	t.Helper()
	m, err := ParseMapping([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// all reads a file into its groups.
func all(t testing.TB, text string, size int, apart func(before, next time.Time) bool) ([]Group, *Builder, error) {
	t.Helper()
	rows, err := NewReader(strings.NewReader(text), parsed(t, plainMapping), latest)
	if err != nil {
		return nil, nil, err
	}
	b := NewBuilder(rows, size, apart)
	var groups []Group
	for {
		g, err := b.Next()
		if errors.Is(err, io.EOF) {
			return groups, b, nil
		}
		if err != nil {
			return groups, b, err
		}
		groups = append(groups, g)
	}
}

func row(invoice, sku string, quantity int, at string, price, customer string) string {
	return fmt.Sprintf("%s,%s,some %s,%d,2011-02-03T%s:00Z,%s,%s\n", invoice, sku, sku, quantity, at, price, customer)
}

func describe(e order.Event) string {
	if e.Placed == nil {
		return fmt.Sprintf("%s %s/%s %d", e.ID, e.Order, e.Line, e.Quantity)
	}
	text := e.ID
	for _, l := range e.Placed.Lines {
		text += fmt.Sprintf(" %s=%d×%d", l.ID, l.Quantity, l.Amount.Amount)
	}
	return text
}

func TestRowsBecomeEvents(t *testing.T) {
	file := header +
		row("1", "A", 2, "10:00", "1.005", "7") + // 2.01, rounded once
		row("1", "POST", 1, "10:00", "5", "7") + // counts as row 2 of the invoice
		row("1", "B", 1, "10:00", "3", "7") +
		row("1", "B", 4, "10:01", "3", "7") + // the invoice goes on a minute later: a second order.placed
		row("2", "A", 1, "11:00", "1", "") +
		row("1", "A", 1, "11:30", "1", "7") + // and comes back after another one
		row("C3", "B", -5, "12:00", "3", "7") +
		row("C3", "A", -1, "12:00", "1", "")
	groups, b, err := all(t, file, 1000, nil)
	if err != nil || len(groups) != 1 {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	var got []string
	for _, e := range groups[0].Events {
		if err := e.Check(latest, "GBP", true); err != nil {
			t.Errorf("%s: %v", e.ID, err)
		}
		got = append(got, describe(e))
	}
	want := []string{
		"1:1:placed 1=2×201 3=1×300", "1:1:shipped 1/1 2", "1:3:shipped 1/3 1",
		"1:4:placed 4=4×1200", "1:4:shipped 1/4 4",
		"2:1:placed 1=1×100", "2:1:shipped 2/1 1",
		"1:5:placed 5=1×100", "1:5:shipped 1/5 1",
		"C3:1:returned:1 1/4 4", "C3:1:returned:2 1/3 1",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
	totals := b.Totals()
	if totals.Orders != 2 || totals.Lines != 5 || totals.Gross != 201+300+1200+100+100 || totals.Returns.Amount != 1500 ||
		totals.Returns.Matched != 1 || totals.Returns.Unmatched != 1 || totals.Refused["postage"] != 1 {
		t.Errorf("%+v", totals)
	}
}

// However a file is cut into groups, its events are the same, and the rows of the groups rise to all.
func TestGroupsHoldTheSameEvents(t *testing.T) {
	var file strings.Builder
	file.WriteString(header)
	for n := range 900 {
		file.WriteString(row(fmt.Sprint(n/7), string(rune('A'+n%5)), 1+n%3, fmt.Sprintf("%02d:%02d", n/60, n%60), "1.25", fmt.Sprint(n%4)))
	}
	for n := range 700 { // an order of more lines than one event takes
		file.WriteString(row("big", string(rune('A'+n%5)), 1+n%3, "16:00", "1.25", "9"))
	}
	file.WriteString(row("C1", "A", -40, "17:00", "1.25", "9"))
	text := func(size int, apart func(before, next time.Time) bool) (string, int) {
		groups, _, err := all(t, file.String(), size, apart)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		last := int64(0)
		for _, g := range groups {
			if g.Rows < last || len(g.Events) > size+order.MaxLines+1 {
				t.Fatalf("a group of %d events up to row %d after row %d", len(g.Events), g.Rows, last)
			}
			last = g.Rows
			for _, e := range g.Events {
				out.WriteString(describe(e) + "\n")
			}
		}
		if last != 1601 {
			t.Fatalf("%d rows", last)
		}
		return out.String(), len(groups)
	}
	whole, one := text(1<<20, nil)
	small, many := text(10, nil)
	hourly, hours := text(1<<20, func(before, next time.Time) bool { return next.Truncate(time.Hour).After(before) })
	if whole != small || whole != hourly || one != 1 || many < 100 || hours != 17 {
		t.Errorf("%d, %d and %d groups; the same events: %v, %v", one, many, hours, whole == small, whole == hourly)
	}
}

func TestSeededTouches(t *testing.T) {
	m := parsed(t, plainMapping)
	count := map[string]int{}
	for n := range 2000 {
		count[m.touch(fmt.Sprint(n))]++
	}
	if count[""] < 900 || count[""] > 1100 || count["aaa-21"] < 400 || count["bbb-21"] < 400 {
		t.Errorf("%v", count)
	}
	if once := m.touch("12"); m.touch("") != "" || m.touch("12") != once {
		t.Error("the rule is not of the customer alone")
	}
}

func TestCategories(t *testing.T) {
	m := parsed(t, plainMapping)
	for text, want := range map[string]string{"SET OF 3 TEA TOWEL": "Home > Textiles", "Tea-Towel, blue": "Home > Textiles",
		"TEA TIN": "Grocery", "TEAPOT": "", "": "", "STEAM": "", "T EA": ""} {
		if got := m.category(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestMappingsThatCannotBe(t *testing.T) {
	for _, c := range []struct{ from, to, field string }{
		{`"invoice": "invoice", `, ``, "columns.invoice"},
		{`"currency": "GBP"`, `"currency": "XXQ"`, "marketplace.currency"},
		{`"return_prefix": "C"`, `"return_prefix": ""`, "return_prefix"},
		{`"share": "1/2"`, `"share": "0.5"`, "touches.share"},
		{`"share": "1/2"`, `"share": "3/2"`, "touches.share"},
		{`"minutes_before": 30`, `"minutes_before": -1`, "touches.minutes_before"},
		{`"customer": "customer"}`, `"customer": "customer", "tag": "tag"}`, "columns.tag"},
		{`"return_prefix"`, `"decimal_mark": "'", "return_prefix"`, "decimal_mark"},
		{`"return_prefix"`, `"separator": "||", "return_prefix"`, "separator"},
		{`"return_prefix"`, `"time_zone": "Mars", "return_prefix"`, "time_zone"},
		{`"reason": "postage"`, `"reason": ""`, "excluded[0]"},
		{`"words": "TEA"`, `"words": " - "`, "categories[1].words"},
		{`"return_prefix"`, `"returnprefix"`, "mapping"},
		{`{`, ``, "mapping"},
	} {
		_, err := ParseMapping([]byte(strings.Replace(plainMapping, c.from, c.to, 1)))
		if f := fault.Of(err); err == nil || f.Field != c.field || f.Fix == "" {
			t.Errorf("%s: %v, want a fault of %s", c.to, err, c.field)
		}
	}
}

func TestFilesThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":          {"", "no header row"},
		"other columns":  {"invoice,sku\n", `no column "description"`},
		"endless quote":  {header + `1,A,"` + strings.Repeat("x\n", maxRow), "longer than"},
		"broken archive": {"\x1f\x8b\x00", "not a gzip file"},
	} {
		_, _, err := all(t, c.file, 100, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCompressedFile(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	io.WriteString(w, "\ufeff"+header+row("1", "A", 1, "10:00", "1", "7"))
	w.Close()
	groups, _, err := all(t, zipped.String(), 100, nil)
	if err != nil || len(groups) != 1 || len(groups[0].Events) != 2 {
		t.Errorf("%v, %v", groups, err)
	}
	if _, _, err := all(t, zipped.String()[:zipped.Len()-9], 100, nil); err == nil {
		t.Error("a file that was cut off was read to its end")
	}
}

// FuzzFile: any bytes either are read to the end or are refused with a fault; every event passes order's own check, no id
// comes twice, and every row is counted once.
func FuzzFile(f *testing.F) {
	f.Add([]byte(header + row("1", "A", 2, "10:00", "1.005", "7") + row("C1", "A", -1, "10:00", "1.005", "7")))
	f.Add([]byte(header + "1,\"A\"\"B\",x,1,2011-02-03T10:00:00Z,1,7\r\n1,A,x,1,2011-02-03T10:00:00Z,1\n\n,,,,,,\n"))
	f.Add([]byte(header + "1,A,\"x"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	m := parsed(f, plainMapping)
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, err := NewReader(bytes.NewReader(raw), m, latest)
		if err != nil {
			return
		}
		b := NewBuilder(rows, 20, nil)
		seen := map[string]bool{}
		for {
			g, err := b.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) && fault.Is(err, fault.Unavailable) {
					t.Fatalf("not a fault of the caller: %v", err)
				}
				break
			}
			for _, e := range g.Events {
				if err := e.Check(latest, "GBP", true); err != nil {
					t.Fatalf("%s: %v", e.ID, err)
				}
				if seen[e.ID] {
					t.Fatalf("%s comes twice", e.ID)
				}
				seen[e.ID] = true
			}
		}
		if s := b.Totals(); b.ended && s.Rows != s.Lines+s.Returns.Rows+s.RefusedRows() {
			t.Fatalf("%+v", s)
		}
	})
}

// FuzzMapping: any bytes either are a mapping that reading can use, or are refused with a field and a fix.
func FuzzMapping(f *testing.F) {
	f.Add([]byte(plainMapping))
	f.Add([]byte(`{"marketplace": 1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseMapping(raw)
		if err != nil {
			if fault.Is(err, fault.Unavailable) {
				t.Fatal(err)
			}
			return
		}
		m.touch("7")
		m.category("A TEA TOWEL")
		if rows, err := NewReader(strings.NewReader(header+"1,A,x,1,2011-02-03T10:00:00Z,1,7\n"), m, latest); err == nil {
			rows.Next()
		}
	})
}

func TestInventedFileIsTheSameEveryTime(t *testing.T) {
	var first, second bytes.Buffer
	if err := errors.Join(Invent(&first, 3000, 7), Invent(&second, 3000, 7)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) || bytes.Count(first.Bytes(), []byte("\n")) != 3001 {
		t.Errorf("%d and %d bytes", first.Len(), second.Len())
	}
}
