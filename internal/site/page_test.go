package site

import (
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Pages as the usual programs for blogs make them: what is the text, what is a list.
func TestPagesOfUsualPrograms(t *testing.T) {
	words := func(n int) string { return strings.Repeat("word ", n) }
	at := &url.URL{Scheme: "https", Host: "ada.example", Path: "/2026/soup/"}
	teaser := func(to string) string {
		return `<article class="post"><h2><a href="` + to + `">Another</a></h2><p>` + words(60) + `</p></article>`
	}
	for name, c := range map[string]struct {
		body  string
		words int
		list  bool
	}{
		"post with comments": {`<div id="page"><nav>` + words(50) + `</nav><main id="main"><article class="post"><header><h1>Soup</h1></header><div>` + words(200) +
			`</div><footer>` + words(9) + `</footer></article><div class="comments-area"><ol class="comment-list"><li><article>` + words(900) +
			`</article></li></ol></div></main><div class="sidebar">` + words(300) + `</div></div>`, 201, false},
		"post with others below": {`<main><article><h1>Soup</h1>` + words(200) + `</article><section>` + teaser("/2026/a/") + teaser("/2026/b/") +
			teaser("/2026/c/") + `</section></main>`, 201, false},
		"title that links to itself": {`<article><h1><a href="https://www.ada.example/2026/soup">Soup</a></h1>` + words(200) + `</article>`, 201, false},
		"review of products": {`<article><h2><a href="https://shop.example/pan?tag=ada">A pan</a></h2>` + words(200) + `<h2><a href="/go/pot">A pot</a></h2>` +
			words(100) + `</article>`, 304, false},
		"front page of teasers":  {`<main>` + teaser("/2026/a/") + teaser("/2026/b/") + teaser("/2026/c/") + `</main>`, 183, true},
		"front page of articles": {`<main>` + strings.ReplaceAll(teaser("/2026/a/")+teaser("/2026/b/"), "<p>", "<p>"+words(300)) + `</main>`, 722, true},
		"archive":                {`<main><ul>` + strings.Repeat(`<li><a href="/x">A title of five words</a> May</li>`, 50) + `</ul></main>`, 300, true},
		"no marks at all":        {`<table><tr><td>` + words(160) + `</td></tr></table>`, 160, false},
		"nothing":                {``, 0, false},
	} {
		p, ok := readPage("<!doctype html><html><body class='home has-sidebar'>"+c.body+"</body></html>", at)
		if !ok || p.words != c.words || p.isList() != c.list {
			t.Errorf("%s: %d words, want %d; a list: %v, want %v", name, p.words, c.words, p.isList(), c.list)
		}
	}
}

func TestWordsOfScriptsWithoutSpaces(t *testing.T) {
	for text, want := range map[string]int{
		"one two, three.": 3, "it's": 2, "今日は天気がいいですね": 5, "Go言語の入門": 3, "안녕하세요 여러분": 2, "สวัสดี": 3, "": 0, "— … !": 0,
		"naïve café": 2, "1,000 people": 3,
	} {
		if got := count(tokens(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestTextsThatAreAlike(t *testing.T) {
	raw, err := os.ReadFile("page_test.go") // any long text
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	all := prints(tokens(text))
	for name, c := range map[string]struct {
		other string
		want  bool
	}{
		"itself": {text, true}, "in capitals": {strings.ToUpper(text), true}, "with an end of its own": {text + strings.Repeat(" quite other words", 9), true},
		"half of it": {text[:len(text)*45/100], false}, "another": {"This text shares nothing with that one.", false}, "nothing": {"", false},
	} {
		if got := alike(all, prints(tokens(c.other))); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if alike(nil, nil) {
		t.Error("pages without text are alike")
	}
}

// Every code that the program gives has a fix.
func TestEveryProblemHasAFix(t *testing.T) {
	codes := regexp.MustCompile("(?:troubled\\(|problem\\(|t\\.code, t\\.words(?:, t\\.passing)? = |\\{c\\.[a-z]+, )\"([a-z_]+)\"")
	for _, file := range []string{"fetch.go", "crawl.go", "sources.go", "prove.go"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := codes.FindAllStringSubmatch(string(raw), -1)
		if len(found) == 0 {
			t.Errorf("%s: no code is seen", file)
		}
		for _, one := range found {
			if one[1] != "limit" && (Problem{Code: one[1]}).Fix() == "" { // limit never leaves the crawl
				t.Errorf("%s: %s has no fix", file, one[1])
			}
		}
	}
}
