package product

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/fault"
)

func TestCleanCategory(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"Home > Kitchen", "Home > Kitchen"}, {"Home>Kitchen", "Home > Kitchen"}, {" Home >  Kitchen ", "Home > Kitchen"},
		{"> Home >> Kitchen >", "Home > Kitchen"}, {"", ""}, {" > ", ""}, {"Home\t> Toys &  Games", "Home > Toys & Games"},
		{"Bücher > Romane", "Bücher > Romane"}, {"Home\u00a0> Kitchen", "Home > Kitchen"}, {"A > > B", "A > B"}, {"A >", "A"},
		{"> A", "A"},
	} {
		if got := CleanCategory(c.given); got != c.want {
			t.Errorf("CleanCategory(%q) = %q, want %q", c.given, got, c.want)
		}
	}
}

// The quick look never calls a path clean that the full one would change, and cleaning twice changes nothing.
func TestCleanCategoryIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.StringOf(rapid.SampledFrom([]rune("ab >\t\u00a0é\u3000\u2003>  "))).Draw(t, "path")
		clean := CleanCategory(path)
		if again := CleanCategory(clean); again != clean {
			t.Fatalf("%q → %q → %q", path, clean, again)
		}
		if isClean(path) && CleanCategory(path+" ") != path && path != "" {
			t.Fatalf("%q was called clean; in full it is %q", path, CleanCategory(path+" "))
		}
		for _, above := range Ancestors(clean) {
			if CleanCategory(above) != above || !Under(clean, above) {
				t.Fatalf("%q: ancestor %q", clean, above)
			}
		}
	})
}

func TestAncestorsAndUnder(t *testing.T) {
	want := []string{"Home > Kitchen > Kettles", "Home > Kitchen", "Home"}
	if diff := cmp.Diff(want, Ancestors("Home > Kitchen > Kettles")); diff != "" {
		t.Error(diff)
	}
	if Ancestors("") != nil {
		t.Error("the empty path has no ancestors")
	}
	if Under("Homeware > Mugs", "Home") {
		t.Error("Homeware is not under Home")
	}
}

func TestCheckNamesFieldAndRule(t *testing.T) {
	good := Product{SKU: "K-1", Title: "Kettle", Category: "Home > Kitchen", Price: 1999, State: Available}
	if err := good.Check("p"); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*Product){
		"p.sku":      func(p *Product) { p.SKU = "" },
		"p.title":    func(p *Product) { p.Title = "a\nb" },
		"p.brand":    func(p *Product) { p.Brand = " x" },
		"p.seller":   func(p *Product) { p.Seller = strings.Repeat("s", maxName+1) },
		"p.image":    func(p *Product) { p.Image = "\xff" },
		"p.category": func(p *Product) { p.Category = strings.Repeat("a > ", 9) + "a" },
		"p.gtin":     func(p *Product) { p.GTIN = "12345a78" },
		"p.price":    func(p *Product) { p.Price = -1 },
		"p.state":    func(p *Product) { p.State = "lost" },
	} {
		bad := good
		spoil(&bad)
		err := bad.Check("p")
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Field != field || fault.Of(err).Fix == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Categories come from feeds and orders: any bytes.
func FuzzCleanCategory(f *testing.F) {
	for _, seed := range []string{"Home > Kitchen > Kettles", ">>", " a>b ", "\xff > \x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		clean := CleanCategory(path)
		if CleanCategory(clean) != clean {
			t.Fatalf("%q → %q → %q", path, clean, CleanCategory(clean))
		}
		if CheckCategory("category", clean) == nil && !utf8.ValidString(clean) {
			t.Fatalf("%q was let through", path)
		}
	})
}
