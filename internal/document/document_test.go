package document

import (
	"strings"
	"testing"
	"time"

	"tributary/internal/fault"
)

var begin = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func days(n int) time.Time { return begin.AddDate(0, 0, n) }

func TestWhenAVersionMayTakeEffect(t *testing.T) {
	first := Version{Number: 1, Title: "A", Body: "one\n", Effective: days(-100)}
	second := Version{Number: 2, Title: "A", Body: "two\n", Effective: days(20)}
	for _, c := range []struct {
		what   string
		before []Version
		notice int
		from   time.Time
		body   string
		want   string // part of the refusal; empty: it may
	}{
		{"the first at once", nil, 14, begin, "x", ""},
		{"the first later", nil, 14, days(40), "x", ""},
		{"the first may not reach back", nil, 14, begin.Add(-time.Second), "x", "effective: lies in the past"},
		{"a change after its notice, to the second", []Version{first}, 14, days(14), "x", ""},
		{"a change a second too soon", []Version{first}, 14, days(14).Add(-time.Second), "x", "is published 14 days before it takes effect"},
		{"a longer notice by policy", []Version{first}, 30, days(29), "x", "name a time from 2026-04-09T12:00:00Z on"},
		{"without a policy it is 14 days", []Version{first}, 0, days(13), "x", "is published 14 days before"},
		{"before one that is published", []Version{first, second}, 14, days(19), "x", "lies before version 2"},
		{"together with it: the later one replaces it", []Version{first, second}, 14, days(20), "x", ""},
		{"too far ahead", []Version{first}, 14, days(400), "x", "more than 366 days ahead"},
		{"the same text again", []Version{first}, 14, days(20), "one\n", "says the same as version 1"},
	} {
		err := admit(Version{Title: "A", Body: c.body, Effective: c.from}, c.before, c.notice, begin)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}

func TestWhatIsInForce(t *testing.T) {
	all := []Version{{ID: 1, Number: 1, Effective: days(0)}, {ID: 2, Number: 2, Effective: days(20)}, {ID: 3, Number: 3, Effective: days(20)}}
	for at, want := range map[time.Time]int64{days(-1): 0, days(0): 1, days(20).Add(-time.Second): 1, days(20): 3, days(99): 3} {
		v, ok := inForce(all, at)
		if v.Number != want || ok != (want != 0) {
			t.Errorf("at %s version %d is in force, want %d", at, v.Number, want)
		}
	}
}

func TestCheckNamesTheField(t *testing.T) {
	good := Version{Kind: Agreement, Number: 2, Title: "Operating agreement", Summary: "Section 3 is new.", Body: "## 1. First\n\nText.\n"}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Version){
		"kind: is not a document":                      func(v *Version) { v.Kind = "terms" },
		"title: is empty":                              func(v *Version) { v.Title = " " },
		"title: has more than 120 characters":          func(v *Version) { v.Title = strings.Repeat("ä", 121) },
		"title: holds a line break":                    func(v *Version) { v.Title = "a\nb" },
		"title: holds a control character":             func(v *Version) { v.Title = "a\u202eb" },
		"summary: is empty":                            func(v *Version) { v.Summary = "" },
		"summary: has more than 1000 characters":       func(v *Version) { v.Summary = strings.Repeat("x", 1001) },
		"body: is empty":                               func(v *Version) { v.Body = "\n \n" },
		"body: has 100001 bytes":                       func(v *Version) { v.Body = strings.Repeat("x", MaxBody+1) },
		"body: has 1001 paragraphs":                    func(v *Version) { v.Body = strings.Repeat("x\n\n", MaxParts+1) },
		"body: holds a control character":              func(v *Version) { v.Body = "a\x00b" },
		"body: line 3 holds HTML":                      func(v *Version) { v.Body = "one\n\nand <b>bold</b>\n" },
		"body: line 2 holds HTML":                      func(v *Version) { v.Body = "one\ntwo <i>\n" },
		"body: line 5 holds HTML":                      func(v *Version) { v.Body = "one\n\ntwo\n\n<script>alert(1)</script>\n" },
		"body: line 2 holds a picture":                 func(v *Version) { v.Body = "one\n![x](https://a.example/b.png)" },
		"body: line 1 links to what is no address":     func(v *Version) { v.Body = "[x](javascript:alert(1))" },
		"body: line 3 links to what is no address":     func(v *Version) { v.Body = "a\n\n[x](//evil.example)" },
		"body: line 1 is a heading without words":      func(v *Version) { v.Body = "##\n\ntext" },
		"body: holds quotes and lists that stand more": func(v *Version) { v.Body = strings.Repeat("> ", 60) + "x" },
		"body: line 1 links to what is no address; b":  func(v *Version) { v.Body = "<data:text/html,x>" },
	} {
		v := good
		spoil(&v)
		if err := v.Check(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The texts that are shipped can be published as they are, and hold every number of the rules through a blank.
func TestShippedTexts(t *testing.T) {
	blanks := map[string]string{}
	for _, name := range []string{"Operator", "Marketplaces", "SessionHours", "CartDays", "LapseDays", "HoldDays", "ResaleUnits", "ResaleDays",
		"RateNotice", "BountyDays", "Notice", "TrialDays", "Sales", "ReviewDays", "Items", "NewestDays"} {
		blanks[name] = "‹" + name + "›"
	}
	whole := ""
	for _, kind := range Kinds {
		title, body := Shipped(kind)
		body, err := fill(body, blanks)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if err := (Version{Kind: kind, Number: 1, Title: title, Body: body}).Check(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if strings.Contains(body, "{{") || strings.Contains(body, "!") || len(Contents(body)) < 5 {
			t.Errorf("%s has a blank left, an exclamation mark, or few sections", kind)
		}
		for _, other := range Kinds {
			whole += strings.ReplaceAll(body, "(/documents/"+string(other)+")", "")
		}
	}
	for name := range blanks {
		if !strings.Contains(whole, "‹"+name+"›") {
			t.Errorf("no text names %s", name)
		}
	}
}

func TestBlanks(t *testing.T) {
	blanks := map[string]string{"Operator": "Harbour *Market* <b> & [co](x)"}
	got, err := fill("By {{ .Operator }} and {{.Operator}}.", blanks)
	if err != nil || !strings.HasPrefix(got, `By Harbour \*Market\* \<b\> \& \[co\](x) and `) {
		t.Errorf("%q, %v", got, err)
	}
	html, err := HTML(got)
	if err != nil || strings.Contains(html, "<em>") || strings.Contains(html, "<b>") || strings.Contains(html, "<a") {
		t.Errorf("a name is read as Markdown: %s, %v", html, err)
	}
	for _, text := range []string{"a\n{{.Nobody}}", "a\n{{Operator}}", "a\n{{.Operator", "a\n{{}}", "a\n{{range .}}"} {
		if _, err := fill(text, blanks); err == nil || !strings.Contains(err.Error(), "line 2 holds a blank that does not exist; write {{.Operator}}") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHTMLHoldsNothingElse(t *testing.T) {
	for body, want := range map[string]string{
		"# Big\n\n## 1. Who we are\n\n## 1. Who we are": `<h2 id="s-big">Big</h2>` + "\n" + `<h2 id="s-1-who-we-are">1. Who we are</h2>` + "\n" +
			`<h2 id="s-1-who-we-are--2">1. Who we are</h2>` + "\n",
		"a <b>bold</b> b":                               "<p>a bold b</p>\n",
		"<script>alert(1)</script>":                     "",
		"![x](https://a.example/p.png) y":               "<p> y</p>\n",
		"[x](javascript:alert(1))":                      "<p><a href=\"\">x</a></p>\n",
		"[x](JaVaScRiPt:alert(1))":                      "<p><a href=\"\">x</a></p>\n",
		"[x](/\\evil.example)":                          "<p><a href=\"\">x</a></p>\n",
		"[x](/documents/policies#s-1)":                  "<p><a href=\"/documents/policies#s-1\">x</a></p>\n",
		"[x](https://a.example/?a=1&b=2)":               "<p><a href=\"https://a.example/?a=1&amp;b=2\">x</a></p>\n",
		"<https://a.example>":                           "<p><a href=\"https://a.example\">https://a.example</a></p>\n",
		"| a | b |\n|:--|--:|\n| 1 | 2 |":               "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n",
		"a & b < c \"d\"":                               "<p>a &amp; b &lt; c &quot;d&quot;</p>\n",
		"## Ärger & \"Lärm\" <x>\n":                     "<h2 id=\"s-rger-l-rm-x\">Ärger &amp; &quot;Lärm&quot; </h2>\n",
		"[x]: javascript:alert(1)\n\n[x] and <b onx=1>": "<p><a href=\"\">x</a> and </p>\n",
	} {
		if got, err := HTML(body); err != nil || got != want {
			t.Errorf("%q:\n%q, %v, want\n%q", body, got, err, want)
		}
	}
}

func TestDiff(t *testing.T) {
	const from = "## 1. One\n\nfirst\n\nsecond  \n\nthird\n\nlast\n"
	const to = "## 1. One\r\n\r\nfirst\n\nsecond, mended\n\nthird\n\nfourth\n\nlast"
	var got strings.Builder
	for _, p := range Diff(from, to) {
		got.WriteString(map[Op]string{Same: "  ", Added: "+ ", Removed: "- "}[p.Op] + p.Text + "\n")
	}
	const want = "  ## 1. One\n  first\n- second\n+ second, mended\n  third\n+ fourth\n  last\n"
	if got.String() != want {
		t.Errorf("got\n%s", got.String())
	}
	if len(Diff("", "")) != 0 || Diff("", "a")[0].Op != Added || Diff("a", "")[0].Op != Removed || Diff("a", "a")[0].Op != Same {
		t.Error("texts without paragraphs")
	}
	for _, p := range Diff(strings.Repeat("a\n\n", MaxParts), strings.Repeat("b\n\n", MaxParts)) { // the largest table
		if p.Op == Same {
			t.Fatal("what differs is the same")
		}
	}
}

// Whatever stands in a text: it is refused with a reason, or rendered without script, and compared without losing a word.
func FuzzBody(f *testing.F) {
	for _, kind := range Kinds {
		_, body := Shipped(kind)
		f.Add(body)
	}
	for _, body := range []string{"<script>", "[a](javascript:x)", "![a](b)", "| a |\n|---|", strings.Repeat("> - ", 30) + "x", "{{.Operator}}",
		"<a href=x onclick=y>", "[a]: data:text/html;base64,xx\n[a]", "&#106;avascript:", "#\n##", "\xff"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > MaxBody {
			return
		}
		html, err := HTML(body)
		if err != nil {
			t.Fatal(err)
		}
		low := strings.ToLower(html)
		for _, bad := range []string{"<script", "<img", "<iframe", "style=", `="javascript:`, `="data:`, "<b "} {
			if strings.Contains(low, bad) {
				t.Errorf("%q renders as %q", body, html)
			}
		}
		err = Version{Kind: Agreement, Number: 1, Title: "A", Body: body}.Check()
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
		if err == nil {
			var kept []string
			for _, p := range Diff("other\n\n"+body, body) {
				if p.Op != Removed {
					kept = append(kept, p.Text)
				}
			}
			if strings.Join(kept, "\n\n") != strings.Join(paragraphs(body), "\n\n") {
				t.Errorf("%q loses words", body)
			}
		}
	})
}
