package ui

import (
	"encoding/csv"
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/attribution"
	"tributary/internal/market"
)

var newYork = market.Market{Zone: "America/New_York"}.Location()

func TestFormat(t *testing.T) {
	now := time.Date(2026, 11, 22, 19, 3, 0, 0, time.UTC)
	soon := time.Date(2027, 1, 29, 5, 0, 0, 0, time.UTC)
	american, british := NewFormat("en-US,en;q=0.9", "en-GB", newYork), NewFormat("en-GB", "en-US", newYork)
	german, fallback := NewFormat("de", "en-US", newYork), NewFormat("*", "en-US", newYork)
	for _, c := range []struct{ got, want string }{
		{american.Money(120640, "USD"), "$1,206.40"}, {american.Money(-5, "USD"), "−$0.05"}, {british.Money(120640, "GBP"), "£1,206.40"},
		{british.Money(100, "USD"), "US$1.00"}, {german.Money(120640, "EUR"), "1.206,40\u00a0€"}, {american.Money(1500, "JPY"), "¥1,500"},
		{fallback.Money(5, "USD"), "$0.05"}, {american.Money(5, "???"), "5 ???"},
		{american.Count(2418), "2,418"}, {german.Count(2418), "2.418"}, {american.Count(0), "0"}, {american.Percent(450), "4.5 %"},
		{american.Date(now, now), "November 22"}, {british.Date(now, now), "22 November"}, {american.Date(soon, now), "January 29, 2027"},
		{british.Date(soon, now), "29 January 2027"}, {american.Stamp(now), "Sun Nov 22, 2:03 PM"}, {british.Stamp(now), "Sun 22 Nov 14:03"},
		{american.Recent(now, now), "2:03 PM"}, {british.Recent(now, now), "14:03"}, {american.Recent(soon, now), "Jan 29"},
		{british.Recent(soon, now), "29 Jan"}, {british.Month("2026-11", now), "November"}, {british.Month("2027-01", now), "January 2027"},
		{british.Month("x", now), "x"}, {british.ISO(now), "2026-11-22T14:03:00-05:00"},
		{Plural(american, 1, "line", "lines"), "1 line"}, {Plural(american, 2000, "line", "lines"), "2,000 lines"},
		{DayName("2026-11-22"), "Sun 22 Nov"}, {DayName("x"), "x"},
		{Age(0), "under 1 s"}, {Age(59 * time.Second), "59 s"}, {Age(90 * time.Second), "1 min"}, {Age(47 * time.Hour), "47 h"}, {Age(50 * time.Hour), "2 days"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func FuzzNewFormat(f *testing.F) {
	for _, seed := range []string{"en-US,en;q=0.9", "*", "", "x-", "zz-ZZ-u-nu-arab", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		format := NewFormat(accept, "en-GB", time.UTC)
		if format.Money(123456, "USD") == "" || format.Count(12) == "" {
			t.Errorf("%q writes nothing", accept)
		}
	})
}

var number = regexp.MustCompile(`-?\d+`)

// The river: the widest place is the largest amount, the others are in proportion, and nothing is drawn outside.
func TestRiver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(-1000, 1_000_000_000_000_000/riverFull), 1, 8).Draw(t, "values")
		reaches := make([]Reach, len(values))
		most := int64(1)
		for i, value := range values {
			reaches[i].Value = value
			most = max(most, value)
		}
		for i, wide := range widths(reaches) {
			want := values[i] * riverFull / most
			switch {
			case values[i] <= 0 && wide != riverBed, values[i] > 0 && wide != max(want, riverLeast):
				t.Fatalf("%d of %d is drawn %d wide", values[i], most, wide)
			}
		}
		for _, upright := range []bool{false, true} {
			for i, text := range number.FindAllString(riverPath(reaches, upright), -1) {
				at, err := strconv.Atoi(text)
				limit := riverWidth
				if (i%2 == 0) != upright {
					limit = riverLength
				}
				if err != nil || at < 0 || at > limit {
					t.Fatalf("%s lies outside of %d", text, limit)
				}
			}
		}
	})
	if riverPath(nil, false) != "" {
		t.Error("a river without a place is drawn")
	}
}

func TestBars(t *testing.T) {
	bars := []Bar{{Value: 0}, {Value: 1}, {Value: 500}, {Value: 1000}, {Value: -3}}
	for i, want := range []int64{barLeast, barLeast, 50, 100, barLeast} {
		if got := barHeight(bars, i); got != want {
			t.Errorf("%d is drawn %d high, want %d", bars[i].Value, got, want)
		}
	}
}

func TestEveryReasonHasWords(t *testing.T) {
	for _, reason := range Reasons {
		if reasons[reason] == "" || strings.Contains(Reason(string(reason)), "_") {
			t.Errorf("%s has no words", reason)
		}
	}
	if len(Reasons) != len(reasons) {
		t.Errorf("%d reasons are offered, %d have words", len(Reasons), len(reasons))
	}
	if got := Reason("something_new"); got != "something new" {
		t.Errorf("an unknown reason is %q", got)
	}
	if Reason(string(attribution.NoTouch)) != "no click was known" {
		t.Error("no_touch has other words")
	}
}

func TestNeutral(t *testing.T) {
	for cell, want := range map[string]string{"": "", "Kettle": "Kettle", "=1+1": "'=1+1", "+1": "'+1", "@x": "'@x", "-12.50": "-12.50", "-1+1": "'-1+1",
		"-": "'-", "\tx": "'\tx", "\rx": "'\rx", "12": "12"} {
		if got := neutral(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}

func FuzzTable(f *testing.F) {
	f.Add("=cmd()", "a\nb\"c,")
	f.Fuzz(func(t *testing.T, a, b string) {
		w := httptest.NewRecorder()
		table := NewTable(w, "x.csv", "one", "two")
		table.Row(a, b)
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 2 {
			t.Fatalf("%q %q: %v, %v", a, b, rows, err)
		}
		if cell := rows[1][0]; cell != "" && strings.ContainsRune("=+@", rune(cell[0])) {
			t.Errorf("%q is a formula", cell)
		}
	})
}

func TestLink(t *testing.T) {
	query := url.Values{"q": {"a b"}, "after": {"5"}, "empty": {""}}
	for _, c := range []struct {
		changes []string
		want    string
	}{
		{nil, "/x?after=5&q=a+b"}, {[]string{"after", ""}, "/x?q=a+b"}, {[]string{"after", "", "q", ""}, "/x"}, {[]string{"page", "2"}, "/x?after=5&page=2&q=a+b"},
	} {
		if got := Link("/x", query, c.changes...); got != c.want {
			t.Errorf("%v: %s, want %s", c.changes, got, c.want)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{"Ada Lindholm": "AL", "ada": "A", "Ada B. Cee": "AB", "": "", "élan vital": "ÉV", "4 you": "Y"} {
		if got := initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func ExamplePlural() {
	fmt.Println(Plural(NewFormat("en-GB", "", time.UTC), 2418, "line", "lines"))
	// Output: 2,418 lines
}
