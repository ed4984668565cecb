package link_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/link"
)

// told writes what was read so that a table can hold it.
func told(w link.Wanted) string {
	var out []string
	for _, part := range []struct{ name, value string }{
		{"sku", w.SKU}, {"category", w.Category}, {"query", w.Query}, {"page", w.Page}, {"items", w.Items}, {"code", w.Code},
		{"tag", w.Tag}, {"subs", strings.Trim(strings.Join(w.Sub[:], "|"), "|")}, {"utm", strings.Trim(strings.Join(w.UTM[:],
			"|"), "|")},
	} {
		if part.value != "" {
			out = append(out, part.name+"="+part.value)
		}
	}
	for _, ad := range w.Ads {
		out = append(out, ad.Name.String()+"="+ad.Value)
	}
	if w.Show {
		out = append(out, "show")
	}
	if w.Stay != link.StayUnsaid {
		out = append(out, fmt.Sprint("stay=", w.Stay))
	}
	return strings.TrimSpace(w.Kind.String() + " " + strings.Join(out, " "))
}

func TestParse(t *testing.T) {
	for address, want := range map[string]string{
		"/dp/KETTLE-1?tag=ada-20":                                    "product sku=KETTLE-1 tag=ada-20",
		"/dp/KETTLE-1/?tag=ada-20":                                   "product sku=KETTLE-1 tag=ada-20",
		"/dp/A%2FB%20c?tag=%20ADA-20_":                               "product sku=A/B c tag=ada-20",
		"/dp/X?ref=Ada-20&via=bob-20":                                "product sku=X tag=ada-20",
		"/dp/X?ref=bob-20&tag=ada-20&tag=eve-20":                     "product sku=X tag=ada-20",
		"/dp/X?ascsubtag=a+b&sub2=%C3%A9":                            "product sku=X subs=a b|é",
		"/dp/X?subid=alias&sub1=own":                                 "product sku=X subs=own",
		"/dp/X?utm_source=yt&utm_content=c&utm_other=n":              "product sku=X utm=yt||||c",
		"/dp/X?fbclid=IwAR0&gclid=Cj0&fbclid=again":                  "product sku=X fbclid=IwAR0 gclid=Cj0",
		"/dp/X?%74ag=ada-20":                                         "product sku=X tag=ada-20",
		"/dp/X?sub1=%zz&sub2=a%00b&sub3=%ff":                         "product sku=X subs=%zz|ab",
		"/dp/X?stay=1":                                               "product sku=X stay=1",
		"/dp/X?stay=0":                                               "product sku=X stay=2",
		"/dp/X?&&=&==&tag":                                           "product sku=X",
		"/s?k=copper+kettle&tag=ada-20":                              "search query=copper kettle tag=ada-20",
		"/c/Home/Kitchen%20%26%20Dining?tag=ada-20":                  "category category=Home > Kitchen & Dining tag=ada-20",
		"/c/Home%20%3E%20%20Kitchen":                                 "category category=Home > Kitchen",
		"/c/Film%2FTV":                                               "category category=Film/TV",
		"/?tag=ada-20":                                               "home tag=ada-20",
		"?tag=ada-20":                                                "home tag=ada-20",
		"/to?url=https%3A%2F%2Fstore.example%2Fx%3Fa%3Db&tag=ada-20": "page page=https://store.example/x?a=b tag=ada-20",
		"/cart?add=A:2,B&tag=ada-20":                                 "cart items=A:2,B:1 tag=ada-20",
		"/cart?add=urn:a:3":                                          "cart items=urn:a:3",
		"/Ab3dE9xY":                                                  "short code=Ab3dE9xY",
		"/Ab3dE%39xY%2B":                                             "short code=Ab3dE9xY show",
		"/_Ab3dE9xY-":                                                "short code=Ab3dE9xY",
		"/summer-sale+?sub1=x":                                       "short code=summer-sale subs=x show",
	} {
		path, query, _ := strings.Cut(address, "?")
		w, err := link.Parse(path, query)
		if err != nil || told(w) != want {
			t.Errorf("%s\n got %s, %v\nwant %s", address, told(w), err, want)
		}
	}
}

// Bad addresses get an answer that says what is wrong with which part.
func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for address, want := range map[string]string{
		"/dp/": "sku", "/dp": "sku", "/dp/%zz": "sku", "/dp/a%00b": "sku", "/dp/%ff": "sku", "/dp/..": "sku", "/dp/" +
			long[:101]: "sku",
		"/dp/a%E2%80%AEb":              "sku", // turns the direction of writing
		"/dp/a%0D%0ASet-Cookie:%20x=1": "sku",
		"/s":                           "k", "/s?k=": "k", "/s?k=%0a": "k", "/s?k=" + long[:201]: "k",
		"/c/": "category", "/c/%3E": "category", "/c/a//b": "category", "/c/" + long[:400]: "category",
		"/to": "url", "/to?url=%zz": "url", "/to?url=" + long[:2049]: "url",
		"/cart": "add", "/cart?add=A:0": "add", "/cart?add=A:1000": "add", "/cart?add=A:-1": "add", "/cart?add=A:x": "add",
		"/cart?add=:1": "add", "/cart?add=A,,B": "add", "/cart?add=a%2Cb:1": "add",
		"/cart?add=" + strings.Repeat("A,", 50) + "A": "add",
		"//": "address", "//evil.example": "address", "/a": "address", "/ab.php": "address", "/dp/a/b": "address",
		"/abc/def": "address", "/%2e%2e": "address", "/" + long[:41]: "address", "/" + long: "address", "/dp/X?" + long: "address",
		"/s/x?k=a": "address", "/cart/x?add=A": "address",
	} {
		path, query, _ := strings.Cut(address, "?")
		w, err := link.Parse(path, query)
		found := fault.Of(err)
		if err == nil || found.Field != want || found.Kind == fault.Unavailable || found.Fix == "" {
			t.Errorf("%.80s: %s, %v; want a fault of %s", address, told(w), err, want)
		}
	}
}

// drawWanted makes any wanted thing that Parse could have read.
func drawWanted(t *rapid.T) link.Wanted {
	text := rapid.StringMatching(`[A-Za-z0-9äß€/?&=+%#:. ~-]{1,20}`).Filter(func(s string) bool {
		return strings.TrimSpace(s) == s && s != "." && s != ".."
	})
	w := link.Wanted{Kind: rapid.SampledFrom([]click.LinkKind{click.KindProduct, click.KindSearch, click.KindCategory,
		click.KindHome,
		click.KindPage, click.KindCart, click.KindShort}).Draw(t, "kind")}
	switch w.Kind {
	case click.KindProduct:
		w.SKU = text.Draw(t, "sku")
	case click.KindSearch:
		w.Query = text.Draw(t, "query")
	case click.KindCategory:
		levels := rapid.SliceOfN(text.Filter(func(s string) bool { return !strings.Contains(s, "  ") }), 1, 4).Draw(t, "levels")
		w.Category = strings.Join(levels, " > ")
	case click.KindPage:
		w.Page = text.Draw(t, "page")
	case click.KindCart:
		for i := range rapid.IntRange(1, 4).Draw(t, "items") {
			if i > 0 {
				w.Items += ","
			}
			w.Items += text.Draw(t, "item") + fmt.Sprintf(":%d", rapid.IntRange(1, 999).Draw(t, "units"))
		}
	case click.KindShort:
		w.Code = rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_-]{1,20}[A-Za-z0-9]`).Filter(func(s string) bool {
			return s != "cart"
		}).Draw(t, "code")
	}
	for i := range w.Sub {
		if rapid.Bool().Draw(t, "has") {
			w.Sub[i], w.UTM[i] = text.Draw(t, "sub"), text.Draw(t, "utm")
		}
	}
	return w
}

// What is written is read again as the same: short links keep their targets so.
func TestPathIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWanted(t)
		path, query, _ := strings.Cut(w.Path(), "?")
		again, err := link.Parse(path, query)
		if err != nil || !cmp.Equal(again, w) {
			t.Fatalf("%s is read as %s, %v", w.Path(), cmp.Diff(w, again), err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"/dp/X?tag=a-20", "/c/a%2Fb/c?sub1=%zz", "/cart?add=a:1,b", "/to?url=//x", "/abc+",
		"/?stay=1&gclid=x", "//", "/%00"} {
		path, query, _ := strings.Cut(seed, "?")
		f.Add(path, query)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		w, err := link.Parse(path, query)
		texts := []string{w.Tag, w.TagText}
		texts = append(append(texts, w.Sub[:]...), w.UTM[:]...)
		for _, ad := range w.Ads {
			texts = append(texts, ad.Value)
		}
		if err != nil {
			if found := fault.Of(err); found.Kind == fault.Unavailable || found.Rule == "" {
				t.Errorf("%q?%q: %v blames us", path, query, err)
			}
		} else {
			texts = append(texts, w.SKU, w.Category, w.Query, w.Page, w.Items, w.Code)
			again, err := parsePath(w.Path())
			if w.Kind != click.KindShort && (err != nil || again.Kind != w.Kind || again.SKU != w.SKU ||
				again.Category != w.Category ||
				again.Query != w.Query || again.Page != w.Page || again.Items != w.Items || again.Sub != w.Sub || again.UTM != w.UTM) {
				t.Errorf("%q?%q is written as %s and read as %+v, %v", path, query, w.Path(), again, err)
			}
		}
		for _, text := range texts {
			if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || len(text) > 2048 {
				t.Errorf("%q?%q lets %q through", path, query, text)
			}
		}
	})
}

func parsePath(address string) (link.Wanted, error) {
	path, query, _ := strings.Cut(address, "?")
	return link.Parse(path, query)
}

func TestCleanTag(t *testing.T) {
	for text, want := range map[string]string{
		"ada-20": "ada-20", "ADA-20": "ada-20", " ada-20\n": "ada-20", "_ada-20_": "ada-20", "ada-20-": "ada-20",
		"\u00a0Ada-20": "ada-20", "": "", "--": "",
	} {
		if got := link.CleanTag(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := link.Parse("/dp/KETTLE-1", "tag=ada-20&sub1=video&utm_source=youtube"); err != nil {
			b.Fatal(err)
		}
	}
}
