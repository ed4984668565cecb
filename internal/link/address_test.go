package link_test

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/policy"
)

var shop = market.Market{
	No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Locale: "en-US", Home: "https://store.example",
	ProductURL: "https://store.example/p/{sku}", SearchURL: "https://store.example/search?lang=en&q={query}#results",
	CategoryURL: "https://store.example/browse?c={category}", CartURL: "https://store.example/cart/add?items={items}",
	Hosts: []string{"store.example", "www.store.example", "müller.example", "shop.example:8443"}, Policy: policy.Shipped(),
}

// local is a store on the operator's own machine, as the demo has it.
var local = market.Market{
	No: 2, ID: "uk", Home: "http://store.localhost:8081/uk",
	ProductURL: "http://store.localhost:8081/uk/product/{sku}?view=full",
	Hosts:      []string{"store.localhost:8081"},
}

func TestDestination(t *testing.T) {
	a := link.NewAddresses(shop)
	for address, want := range map[string]string{
		"/dp/KETTLE-1?tag=ada-20":               "https://store.example/p/KETTLE-1?tclid=T",
		"/dp/A%2FB%20%26c?sub1=x&utm_source=yt": "https://store.example/p/A%2FB%20%26c?utm_source=yt&sub1=x&tclid=T",
		"/s?k=tea+pots&ref=ada-20":              "https://store.example/search?lang=en&q=tea%20pots&tclid=T#results",
		"/c/Home/Kitchen":                       "https://store.example/browse?c=Home%20%3E%20Kitchen&tclid=T",
		"/cart?add=A:2,B":                       "https://store.example/cart/add?items=A%3A2%2CB%3A1&tclid=T",
		"/?tag=ada-20&sub5=a%26b":               "https://store.example/?sub5=a%26b&tclid=T",
		"/to?url=https://store.example/deals%3Fday%3D1%26utm_source%3Dold%26tclid%3DTHEFT%26sub1%3Dz%23top&utm_source=new": "" +
			"https://store.example/deals?day=1&utm_source=new&tclid=T#top",
		"/to?url=/deals": "https://store.example/deals?tclid=T",
	} {
		w, err := parsePath(address)
		if err != nil {
			t.Fatal(address, err)
		}
		if w.Kind == click.KindPage {
			if w.Page, err = a.Page(w.Page); err != nil {
				t.Fatal(address, err)
			}
		}
		d := a.Destination(&w, "tclid")
		if got := string(d.Append(nil, "tclid", "T")); got != want {
			t.Errorf("%s\n got %s\nwant %s", address, got, want)
		}
	}
}

// A marketplace whose templates are missing or wrong still brings the shopper home.
func TestDestinationWithoutTemplates(t *testing.T) {
	for _, template := range []string{"", "https://store.example/p", "/p/{sku}", "https://{sku}/",
		"https://store{sku}.example/", "http://[::1/{sku}", "https://store.example/{sku}\n"} {
		m := shop
		m.ProductURL = template
		w := link.Wanted{Kind: click.KindProduct, SKU: "evil.example"}
		d := link.NewAddresses(m).Destination(&w, "tclid")
		if got := string(d.Append(nil, "tclid", "")); got != "https://store.example/" {
			t.Errorf("template %q leads to %s", template, got)
		}
	}
}

func TestPage(t *testing.T) {
	for text, want := range map[string]string{
		"https://store.example":                  "https://store.example/",
		"HTTPS://STORE.EXAMPLE:443/a?b#c":        "https://store.example/a?b#c",
		"http://www.store.example/a":             "https://www.store.example/a",
		"https://shop.example:8443/a":            "https://shop.example:8443/a",
		"https://müller.example/ä":               "https://xn--mller-kva.example/%C3%A4",
		"https://xn--mller-kva.example/":         "https://xn--mller-kva.example/",
		"https://store.example//evil.example":    "https://store.example//evil.example",
		"https://store.example/?a=ü\"<b>":        "https://store.example/?a=%C3%BC%22%3Cb%3E",
		"https://store.example/?next=//evil.com": "https://store.example/?next=//evil.com",
		"/deals?x=1":                             "https://store.example/deals?x=1",
	} {
		if got, err := link.NewAddresses(shop).Page(text); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", text, got, err, want)
		}
	}
	if got, err := link.NewAddresses(local).Page("http://store.localhost:8081/uk/x"); err != nil ||
		got != "http://store.localhost:8081/uk/x" {
		t.Errorf("the local store: %s, %v", got, err)
	}
}

// There is no open redirect, in any of the spellings that have worked elsewhere.
func TestPageIsNoOpenRedirect(t *testing.T) {
	a := link.NewAddresses(shop)
	for _, text := range []string{
		"", "x", "https://", "https:///", "https://evil.example", "http://evil.example/store.example", "//evil.example",
		"///evil.example", "////evil.example",
		`/\evil.example`, `\\evil.example`, `\/evil.example`, `https:\\evil.example`, `https:/\evil.example`,
		"/\t/evil.example", "/\n/evil.example",
		"https:evil.example", "https:/evil.example", "https:store.example", "javascript:alert(1)",
		"JaVaScRiPt://store.example/%0aalert(1)", "data:text/html,x",
		"ftp://store.example/", "file:///etc/passwd", "vbscript:x", "blob:https://store.example/x", " https://evil.example",
		"\thttps://evil.example",
		"https://store.example@evil.example", "https://store.example:443@evil.example", "https://user@store.example/",
		"https://user:pass@store.example/",
		"https://evil.example#@store.example", "https://evil.example?@store.example", `https://evil.example\@store.example`,
		"https://evil.example%2f@store.example",
		"https://store.example.evil.example", "https://store.exampleevil.example", "https://evilstore.example",
		"https://store.example.", "https://.store.example",
		"https://store.example:8443", "https://store.example:80", "https://shop.example", "https://store.example:",
		"https://store.example:443:443", "https://store.example:99999999",
		"https://ѕtore.example", "https://store.examp1e", "https://xn--tore-zyd.example", "https://store。example。evil",
		"https://store.example\u3002evil.example",
		"https://store%2eexample", "https://store.example%00.evil.example", "https://store.example%0d%0aSet-Cookie:x",
		"https://[::1]/", "https://127.0.0.1/", "https://0x7f000001",
		"https://store.example\r\nSet-Cookie: x=1", "https://store.example/\x00", "https://store.example/\u202e",
		"https://store.example\x7f", "https://store.example \x00",
		"https://store_example", "https://*.store.example", "https://sub.store.example",
		strings.Repeat("https://store.example/", 200),
	} {
		if got, err := a.Page(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q leads to %s, %v", text, got, err)
		}
	}
}

// However an address is written, what comes out is a page of an own host, also for a reader that is as lenient as a
// browser.
func FuzzPage(f *testing.F) {
	for _, seed := range []string{"https://store.example/a", "//evil.example", `/\evil.example`,
		"https://store.example@evil.example", "/a b", "https://müller.example"} {
		f.Add(seed)
	}
	a := link.NewAddresses(shop)
	f.Fuzz(func(t *testing.T, text string) {
		page, err := a.Page(text)
		if err != nil {
			return
		}
		checkOwn(t, a, page)
		if again, err := a.Page(page); err != nil || again != page {
			t.Errorf("%q gives %q, which gives %q, %v", text, page, again, err)
		}
		w := link.Wanted{Kind: click.KindPage, Page: page}
		d := a.Destination(&w, "tclid")
		checkOwn(t, a, string(d.Append(nil, "tclid", "T")))
		a.Read(page)
	})
}

func checkOwn(t interface{ Errorf(string, ...any) }, a *link.Addresses, address string) {
	for i := range len(address) {
		if c := address[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '<' {
			t.Errorf("%q holds %q", address, c)
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || !a.Own(u.Host) {
		t.Errorf("%q leads to %v, %v", address, u, err)
	}
	// As a browser: what stands between the scheme's slashes and the next slash, question mark, hash or backslash.
	rest := strings.TrimLeft(strings.TrimPrefix(address, "https:"), `/\`)
	host := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz0123456789.-_:"))]
	if !a.Own(host) || strings.HasPrefix(rest[len(host):], "@") {
		t.Errorf("a browser would take %q to %q", address, host)
	}
}

// Whatever is wanted, every destination is in the marketplace.
func TestDestinationsAreOwn(t *testing.T) {
	a := link.NewAddresses(shop)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWanted(t)
		if w.Kind == click.KindPage {
			page, err := a.Page(w.Page)
			if err != nil {
				return
			}
			w.Page = page
		}
		d := a.Destination(&w, "tclid")
		checkOwn(t, a, string(d.Append(nil, "tclid", "TOKEN")))
	})
}

func TestOrigin(t *testing.T) {
	a := link.NewAddresses(shop)
	for origin, want := range map[string]bool{
		"https://store.example": true, "https://shop.example:8443": true, "https://xn--mller-kva.example": true,
		"https://store.example:443": true,
		"http://store.example":      false, "https://evil.example": false, "null": false, "": false, "https://": false,
		"https://store.example/":             false,
		"https://store.example@evil.example": false, "https://store.example.evil.example": false, "store.example": false,
	} {
		if a.Origin(origin) != want {
			t.Errorf("origin %q: %v", origin, !want)
		}
	}
}

// A pasted address of the store becomes the link that it deserves.
func TestTarget(t *testing.T) {
	for pasted, want := range map[string]string{
		"https://store.example/p/KETTLE-1":                       "/dp/KETTLE-1",
		"store.example/p/KETTLE-1":                               "/dp/KETTLE-1",
		"https://store.example/p/KETTLE-1?tag=x&sub1=a&tclid=z":  "/dp/KETTLE-1?sub1=a",
		"https://store.example/p/A%2FB":                          "/dp/A%2FB",
		"https://store.example/browse?x=1&c=Home%20%3E%20Garden": "/c/Home/Garden",
		"https://store.example/search?q=pots":                    "/s?k=pots",
		"https://store.example/":                                 "/",
		"https://store.example/?promo=1":                         "/to?url=https%3A%2F%2Fstore.example%2F%3Fpromo%3D1",
		"https://store.example/p/a/b":                            "/to?url=https%3A%2F%2Fstore.example%2Fp%2Fa%2Fb",
		"/dp/KETTLE-1?tag=x&sub2=b":                              "/dp/KETTLE-1?sub2=b",
		"/to?url=https://store.example/deals":                    "/to?url=https%3A%2F%2Fstore.example%2Fdeals",
		"/":                                                      "/",
	} {
		w, err := link.Target(link.NewAddresses(shop), pasted)
		if err != nil || w.Path() != want {
			t.Errorf("%s becomes %s, %v; want %s", pasted, w.Path(), err, want)
		}
	}
	for _, pasted := range []string{"", "evil.example", "https://evil.example/p/X", "/to?url=https://evil.example",
		"/Ab3dE9xY", "//evil.example"} {
		if w, err := link.Target(link.NewAddresses(shop), pasted); !fault.Is(err, fault.Invalid) && !fault.Is(err,
			fault.NotFound) {
			t.Errorf("%s becomes %s, %v", pasted, w.Path(), err)
		}
	}
	if w, err := link.Target(link.NewAddresses(local),
		"http://store.localhost:8081/uk/product/K-1?view=full"); err != nil || w.SKU != "K-1" {
		t.Errorf("the local store's product: %+v, %v", w, err)
	}
}

func BenchmarkDestination(b *testing.B) {
	a := link.NewAddresses(shop)
	w, _ := parsePath("/dp/KETTLE-1?tag=ada-20&sub1=video&utm_source=youtube")
	buffer := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		d := a.Destination(&w, "tclid")
		buffer = d.Append(buffer[:0], "tclid", "TOKEN")
	}
}
