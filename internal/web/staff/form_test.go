package staff

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tributary/internal/auth"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

func desk(zone, currency string, form url.Values) *Desk {
	d := &Desk{Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Form: form}
	d.Market = market.Market{ID: "us", Zone: zone, Currency: currency}
	return d
}

func TestAmounts(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "12.50": 1250, "-12.5": -1250, "−3": -300, "0": 0, " 7 ": 700} {
		if got, err := desk("UTC", "USD", url.Values{"amount": {text}}).AmountOf("amount"); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"1.234", "--1", "−-1", "x", "1e5", "1,5", "99999999999999999"} {
		if got, err := desk("UTC", "USD", url.Values{"amount": {text}}).AmountOf("amount"); err == nil || fault.Of(err).Field != "amount" {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(-1_000_000_000_000_000, 1_000_000_000_000_000).Draw(t, "amount")
		currency := rapid.SampledFrom([]string{"USD", "JPY", "KWD"}).Draw(t, "currency")
		text := ratecard.FormatAmount(amount, currency)
		if got, err := desk("UTC", currency, url.Values{"amount": {text}}).AmountOf("amount"); err != nil || got != amount {
			t.Fatalf("%s %s: %d, %v", text, currency, got, err)
		}
	})
}

func TestWhole(t *testing.T) {
	for text, want := range map[string]int{"": 0, "0": 0, "007": 7, "365": 365} {
		if got, err := desk("UTC", "USD", url.Values{"n": {text}}).WholeOf("n", 365); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"366", "-1", "1.5", "x", strings.Repeat("9", 40)} {
		if got, err := desk("UTC", "USD", url.Values{"n": {text}}).WholeOf("n", 365); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// Dates are the marketplace's, also where the clocks jump over midnight, and are written as they were read.
func TestDays(t *testing.T) {
	for _, c := range []struct {
		zone, text string
		later      int
		want       string
	}{
		{"America/New_York", "2026-11-22", 0, "2026-11-22T05:00:00Z"}, {"America/New_York", "2026-11-22", 1, "2026-11-23T05:00:00Z"},
		{"America/New_York", "2026-03-07", 1, "2026-03-08T05:00:00Z"}, {"Asia/Beirut", "2026-03-29", 0, "2026-03-28T22:00:00Z"},
		{"UTC", "2026-02-28", 1, "2026-03-01T00:00:00Z"},
	} {
		d := desk(c.zone, "USD", url.Values{"day": {c.text}})
		got, err := d.DayOf("day", c.later)
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s in %s: %v, %v", c.text, c.zone, got, err)
		}
		if c.later == 0 && d.DateOf(got) != c.text {
			t.Errorf("%s in %s is written %s", c.text, c.zone, d.DateOf(got))
		}
	}
	if got, err := desk("UTC", "USD", url.Values{}).DayOf("day", 1); err != nil || !got.IsZero() {
		t.Errorf("an empty field: %v, %v", got, err)
	}
	for _, text := range []string{"x", "2026-13-01", "22.11.2026", "0001-01-01", "9999-01-01"} {
		if _, err := desk("UTC", "USD", url.Values{"day": {text}}).DayOf("day", 0); err == nil {
			t.Errorf("%q is a date", text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"America/New_York", "Asia/Beirut", "America/Santiago", "Pacific/Apia", "Europe/London"}).Draw(t, "zone")
		date := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 20_000).Draw(t, "day"))
		d := desk(zone, "USD", nil)
		start := d.Midnight(date)
		if d.DateOf(start) == date.Format(DateForm) && d.DateOf(start.Add(-time.Microsecond)) >= date.Format(DateForm) {
			t.Fatalf("%s in %s begins at %s, and not before", date, zone, start)
		}
	})
}

func TestTexts(t *testing.T) {
	d := desk("UTC", "USD", url.Values{"evidence": {" one\r\n\r\n\ttwo \n"}, "key": {"kept"}, "line": {"1", "2"}})
	if got := strings.Join(d.Texts("evidence"), "|"); got != "one|two" {
		t.Errorf("%q", got)
	}
	if !d.Ticked("line", "2") || d.Ticked("line", "3") || d.FormKey() == "kept" {
		t.Error("ticks or keys")
	}
	d.Refused = fault.Invalidf("lines[2]", "is wrong", "")
	if d.FormKey() != "kept" || !d.Wrong("lines") || d.Wrong("line") {
		t.Error("a refused form forgets")
	}
}

// What a form sends that cannot be read is refused before anything is done.
func TestReadForm(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader("a=%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := readForm(r); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
	r = httptest.NewRequest("POST", "/", strings.NewReader("a=1"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := readForm(r); err != nil {
		t.Errorf("%v", err)
	}
}

// The navigation leaves out what a role may not open.
func TestNavigation(t *testing.T) {
	for _, role := range auth.Everybody[1:] {
		leads := false
		for _, item := range navigationOf(auth.Principal{Role: role}) {
			leads = leads || item.Href == AtReports
		}
		if leads != Bookkeepers.Has(role) {
			t.Errorf("%s: %v", role, leads)
		}
	}
	d := desk("UTC", "USD", nil)
	d.Frame.Who = auth.Principal{Role: auth.Support}
	if len(rateTabs(d, AtRates)) != 4 || d.May(Publishers) {
		t.Error("support is offered what it may not open")
	}
}
