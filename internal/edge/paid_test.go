package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/policy"
)

// branded gives the first marketplace two trademarks.
func (w *world) branded() {
	w.markets[0].Trademarks = []string{"Hearth", "Copper & Co."}
	w.write(func(tx *db.Tx) error { return market.Save(tx, w.markets[0]) })
	w.know()
}

// Ads on the operator's trademarks are paid traffic; who is found by such a search for nothing is not.
func TestTrademarkKeywords(t *testing.T) {
	w := newWorld(t)
	w.branded()
	const us, uk = "/dp/KETTLE-1?tag=ada-20", "/dp/KETTLE-UK?tag=ada-21&stay=1"
	search := "Referer: https://search.example/s?hl=en&q=buy+hearth+kettle#top"
	for name, c := range map[string]struct {
		target, referer string
		paid            bool
	}{
		"the keyword itself":              {us + "&utm_term=HEARTH", "", true},
		"the keyword, spelled otherwise":  {us + "&utm_term=%20copper+%26+co", "", true},
		"the keyword, and a medium":       {us + "&utm_term=hearth&utm_medium=email", "", true},
		"words around it":                 {us + "&utm_term=hearth+kettle", "", false},
		"words around it, with a marker":  {us + "&utm_term=hearth+kettle&utm_medium=CPC", "", true},
		"words around it, another medium": {us + "&utm_term=hearth+kettle&utm_medium=email", "", false},
		"part of a word, with a marker":   {us + "&utm_term=hearthstone&utm_medium=cpc", "", false},
		"another keyword, with a marker":  {us + "&utm_term=kettle&utm_medium=cpc", "", false},
		"searched for":                    {us, search, false},
		"searched for, with a marker":     {us + "&utm_medium=cpc", search, true},
		"searched for something else":     {us + "&utm_medium=cpc", "Referer: https://search.example/s?q=kettle", false},
		"a referrer without words":        {us + "&utm_medium=cpc", "Referer: https://search.example/hearth", false},
		"a referrer that is broken":       {us + "&utm_medium=cpc", "Referer: ://?q=%zz&q=hearth;", false},
		"an id that proves an ad":         {us + "&utm_term=hearth+kettle&gclid=x", "", true},
		"an id that proves nothing":       {us + "&utm_term=hearth+kettle&fbclid=x", "", false},
		"where it is nobody's trademark":  {uk + "&utm_term=hearth", "", false},
	} {
		answer := w.ask("GET", c.target, unknown, c.referer)
		logged := w.clicks()
		if len(logged) != 1 {
			t.Fatalf("%s: %d %v", name, answer.Code, logged)
		}
		got := logged[0]
		if got.Flags.Has(click.FlagPaid) != c.paid || (got.Verdict == click.VerdictPaidAd) != c.paid || got.Counted() == c.paid {
			t.Errorf("%s: %v, %v", name, got.Flags, got.Verdict)
		}
	}
	w.ask("GET", us+"&utm_term=Hearth", unknown)
	if got := w.clicks()[0]; got.UTM[utmTerm] != "Hearth" {
		t.Errorf("the evidence is %q", got.UTM)
	}
}

// Where policy lets ads earn, a trademark's are marked and counted, as others are.
func TestTrademarkKeywordsByPolicy(t *testing.T) {
	w := newWorld(t)
	w.markets[0].Policy = policy.Shipped()
	w.markets[0].Policy.PaidEarns = true
	w.branded()
	w.ask("GET", "/dp/KETTLE-1?tag=ada-20&utm_term=hearth", american)
	if got := w.clicks()[0]; !got.Flags.Has(click.FlagPaid) || !got.Counted() {
		t.Errorf("%v, %v", got.Flags, got.Verdict)
	}
}

// A link straight to the store is judged by where its shopper came from, not by the store's own page.
func TestTrademarkKeywordsOfDirectLinks(t *testing.T) {
	w := newWorld(t)
	w.branded()
	direct := func(page, before string) bool {
		r := httptest.NewRequest("POST", "/c", nil)
		r.RemoteAddr, r.Header = american, http.Header{"User-Agent": {browser}, "Origin": {"https://us.example"},
			"Referer": {"https://us.example/search?q=hearth"}}
		if _, err := w.edge.Direct(r, "us", page, before); err != nil {
			t.Fatal(err)
		}
		return w.clicks()[0].Flags.Has(click.FlagPaid)
	}
	if direct("https://us.example/p/KETTLE-1?tag=ada-20&utm_medium=cpc", "https://blog.example/") {
		t.Error("a search in the store itself is one for an ad")
	}
	if !direct("https://us.example/p/KETTLE-1?tag=ada-20&utm_medium=cpc", "https://search.example/?q=hearth") ||
		!direct("https://us.example/p/KETTLE-1?tag=ada-20&utm_term=hearth", "") {
		t.Error("a bought keyword goes unseen")
	}
}

func FuzzSearchedFor(f *testing.F) {
	f.Add("https://search.example/?q=hearth")
	f.Add("?p=%zz&;q=&&=#?")
	p := &place{trademarks: market.NewTrademarks([]string{"Hearth"})}
	f.Fuzz(func(_ *testing.T, referer string) { p.searchedFor(referer) })
}

// BenchmarkPaid is what judging paid traffic costs a click: next to nothing without trademarks, and without a keyword.
func BenchmarkPaid(b *testing.B) {
	marks := make([]string, 20)
	for i := range marks {
		marks[i] = "Hearth " + string(rune('a'+i))
	}
	const referer = "https://search.example/s?q=buy+hearth+kettle"
	var plain, term, marked link.Wanted
	term.UTM[utmTerm] = "copper kettle"
	marked.UTM[utmMedium] = "cpc"
	for _, c := range []struct {
		name   string
		marks  []string
		wanted *link.Wanted
	}{
		{"no trademarks", nil, &term}, {"no keyword", marks, &plain}, {"keyword", marks, &term}, {"marker and search", marks, &marked},
	} {
		p := &place{trademarks: market.NewTrademarks(c.marks)}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p.paid(c.wanted, referer) {
					b.Fatal("paid")
				}
			}
		})
	}
}
