package site

import (
	"strings"
	"testing"

	"tributary/internal/fault"
)

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://ada.example":                               "https://ada.example",
		"https://ADA.Example/":                              "https://ada.example",
		"  ada.example ":                                    "https://ada.example",
		"//ada.example/blog":                                "https://ada.example/blog",
		"HTTP://ada.example:80/":                            "http://ada.example",
		"https://ada.example:443/~ada/":                     "https://ada.example/~ada",
		"ada.example:443/x":                                 "https://ada.example/x",
		"https://ada.example./a//b/./c/../d/":               "https://ada.example/a/b/d",
		"https://ada.example/Blog/Index.html":               "https://ada.example/Blog/Index.html",
		"https://ada.example/blog/index.html":               "https://ada.example/blog",
		"https://ada.example/index.php#top":                 "https://ada.example",
		"https://ada.example/?utm_source=x&fbclid=1":        "https://ada.example",
		"https://www.instagram.com/ada/?hl=en":              "https://www.instagram.com/ada",
		"https://youtube.com/@ada":                          "https://youtube.com/@ada",
		"https://Bücher.example/Straße":                     "https://xn--bcher-kva.example/Stra%C3%9Fe",
		"https://ada.example/%7Eada":                        "https://ada.example/~ada",
		"https://ada.example/a%20b":                         "https://ada.example/a%20b",
		"https://xn--bcher-kva.example":                     "https://xn--bcher-kva.example",
		"https://日本.example/":                               "https://xn--wgv71a.example",
		"https://my_blog.ada.example":                       "https://my_blog.ada.example",
		"http://ada.localhost:8080/":                        "http://ada.localhost:8080",
		"https://ａｄａ.example":                               "https://ada.example",
		"https://a" + strings.Repeat("b", 60) + "c.example": "https://a" + strings.Repeat("b", 60) + "c.example",
	} {
		got, err := Address(text)
		if err != nil || got != want {
			t.Errorf("%q: %q, want %q (%v)", text, got, want, err)
		}
		if again, err := Address(got); err != nil || again != got {
			t.Errorf("%q is %q, and then %q (%v)", text, got, again, err)
		}
	}
	for _, text := range []string{
		"", "  ", "ada", "localhost", "https://", "http:///path", "ftp://ada.example", "javascript:alert(1)", "mailto:ada@ada.example",
		"data:text/html,x", "https://127.0.0.1", "https://2130706433", "https://0x7f.1", "https://[::1]/", "https://ada.1", "https://１２７.0.0.1",
		"https://١.٢", "https://u@ada.example", "https://u:p@ada.example", "https://ada.example:8443", "https://ada.example:80",
		"https://ada.example/?p=12", "https://ada.example/watch?v=1;2", "https://ada.example\\@evil.example", "https://ada .example",
		"https://ada.example/a%2fb", "https://ada.example/%00", "https://ada.example/%0a", "https://ada.example/a\nb", "https://a..example",
		"https://.example", "https://printer.local", "https://vault.internal", "https://x.onion", "https://ada.example/\xff", "https://ada!.example",
		"https://" + strings.Repeat("a", 64) + ".example", "https://ada.example/" + strings.Repeat("x", MaxAddress),
		"https://ada.example/" + strings.Repeat("ü", 100), "http://ada.localhost:x", "https://\u202eada.example",
	} {
		if got, err := Address(text); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "address" || fault.Of(err).Fix == "" {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestOneSiteHasOneKey(t *testing.T) {
	for _, pair := range [][2]string{
		{"https://ada.example", "http://www.ada.example/"}, {"https://ada.example/~ada", "https://WWW.ada.example/~ada/index.html"},
	} {
		if a, b := split(pair[0]).key(), split(pair[1]).key(); a != b || a == "" {
			t.Errorf("%v: %q and %q", pair, a, b)
		}
	}
	if split("https://ada.example/a").key() == split("https://ada.example/b").key() {
		t.Error("two places on a host share a key")
	}
}

func TestConfusable(t *testing.T) {
	for host, want := range map[string]string{
		"ada.example": "", "xn--bcher-kva.example": "", "www.instagram.com": "", "youtube.com": "", "web3-blog.example": "",
		"xn--wgv71a.example": "", "xn--h1alffa9f.xn--p1ai": "", // 日本, россия.рф
		"xn--pple-43d.com":     "mixes letters of Cyrillic and Latin", // аpple
		"xn--80ak6aa92e.com":   `reads "apple"`,                       // аррӏе
		"faceb00k.example":     `looks like "facebook"`,
		"lnstagram.example":    `looks like "instagram"`,
		"1nstagram.example":    `looks like "instagram"`,
		"you-tube.example":     `looks like "youtube"`,
		"tikt0k.ada.example":   `looks like "tiktok"`,
		"rnarket.example":      `looks like "market"`,
		"xn--mrket-gra.shop":   `looks like "market"`, // märket
		"market.example":       "",
		"xn--a-ecp.ru.example": "", // a label in one script beside others in another
	} {
		got := Confusable(host, "www.market.example")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestMethodsOfASite(t *testing.T) {
	for address, want := range map[string][]Method{
		"https://ada.example": {File, Meta, DNS}, "https://ada.example/~ada": {File, Meta}, "https://m.youtube.com/@ada": {Connected},
		"https://tiktok.com/@ada": {Connected}, "https://nottiktok.com": {File, Meta, DNS},
	} {
		if got := (Site{Address: address}).Methods(); strings.Join(texts(got), " ") != strings.Join(texts(want), " ") {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func texts(methods []Method) (all []string) {
	for _, method := range methods {
		all = append(all, string(method))
	}
	return all
}
