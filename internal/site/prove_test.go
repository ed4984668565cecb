package site_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"tributary/internal/egress"
	"tributary/internal/fault"
	"tributary/internal/site"
)

// proof says what a look for a proof comes to: kind, and a part of what it says.
func (w *web) proof(name string, s site.Site, method site.Method, kind fault.Kind, said string) {
	w.Helper()
	err := w.prober.Prove(w.Context(), s, method)
	if !fault.Is(err, kind) || !strings.Contains(err.Error(), said) || fault.Of(err).Fix == "" {
		w.Errorf("%s: %v, want %s with %q", name, err, kind, said)
	}
}

func (w *web) proved(name string, s site.Site, method site.Method) {
	w.Helper()
	if err := w.prober.Prove(w.Context(), s, method); err != nil {
		w.Errorf("%s: %v", name, err)
	}
}

func TestProofByFile(t *testing.T) {
	w := newWeb(t)
	s := w.site("http://blog.example")
	other := strings.Repeat("0", 26)
	w.proof("no file", s, site.File, fault.Invalid, "looked for the line tributary-site="+s.Token+" at http://blog.example/.well-known/tributary.txt; it answers with status 404")
	at := "/.well-known/tributary.txt"
	if s.FileAddress() != "http://blog.example"+at {
		t.Errorf("the file is at %s", s.FileAddress())
	}
	for name, content := range map[string]string{
		"as given": s.FileText(), "bare": s.Token, "among others": "tributary-site=" + other + "\r\n  " + s.FileText(), "marked": "\ufeff" + s.FileText(),
	} {
		w.pages[at] = content
		w.proved(name, s, site.File)
	}
	wide := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(s.FileText())) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	w.pages[at] = raw("text/plain", wide)
	w.proved("by an editor that writes UTF-16", s, site.File)
	for name, c := range map[string]struct {
		page any
		said string
	}{
		"empty":          {"", "found an empty file"},
		"another's":      {"tributary-site=" + other, `which begins "tributary-site=` + other},
		"part of a line": {"my token is tributary-site=" + s.Token, "found a file without it"},
		"cut":            {s.Token[:25], "found a file without it"},
		"page":           {"<html><body>" + s.FileText() + "</body></html>", "found a web page"},
		"elsewhere":      {redirect("http://away.example/.well-known/tributary.txt"), "leads to another host, away.example"},
		"inside":         {redirect("http://127.0.0.1/x"), "not on the public internet"},
		"circle":         {redirect(at), "circle"},
		"endless":        {strings.Repeat("x\n", 64<<10) + s.FileText(), "larger than is read"},
		"lies":           {lie, "ended before the length"},
	} {
		w.pages[at], w.pages["//away.example"+at] = c.page, s.FileText()
		w.proof(name, s, site.File, fault.Invalid, c.said)
	}
	for name, code := range map[string]int{"down": 503, "busy": 429} {
		w.pages[at] = status(code)
		w.proof(name, s, site.File, fault.Unavailable, "answers with status")
	}
	w.pages[at] = redirect("http://www.blog.example/there.txt")
	w.pages["//www.blog.example/there.txt"] = s.FileText()
	w.proved("over to www", s, site.File)
	// A place on a shared host has a file of its own; the host's proves nothing.
	w.pages[at] = s.FileText()
	place := w.site("http://blog.example/~ada/")
	w.proof("the host's file", place, site.File, fault.Invalid, "http://blog.example/~ada/.well-known/tributary.txt")
	w.pages["/~ada"+at] = s.FileText()
	w.proved("the place's file", place, site.File)
	for agent := range w.agents {
		if !strings.HasPrefix(agent, "TributaryBot/") {
			t.Errorf("asked as %q", agent)
		}
	}
}

func lie(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", "1000000")
	w.Write([]byte("short"))
}

// A page that repeats what it was asked for repeats no token: the address holds none.
func TestNoTokenIsSent(t *testing.T) {
	w := newWeb(t)
	s := w.site("http://blog.example")
	for _, method := range []site.Method{site.File, site.Meta} {
		if err := w.prober.Prove(t.Context(), s, method); err == nil {
			t.Errorf("%s: proved", method)
		}
	}
	for _, asked := range w.asked {
		if strings.Contains(asked, s.Token) {
			t.Errorf("asked for %s", asked)
		}
	}
	if len(w.asked) != 2 {
		t.Errorf("asked %v", w.asked)
	}
}

func TestProofByTag(t *testing.T) {
	w := newWeb(t)
	s := w.site("http://blog.example")
	page := func(head, body string) string {
		return "<!doctype html><html><head><title>x</title>" + head + "</head><body>" + body + "</body></html>"
	}
	for name, content := range map[string]string{
		"as given": page(s.MetaTag(), ""), "second": page(`<meta name="tributary-site" content="0">`+s.MetaTag(), ""),
		"in capitals": page(`<META NAME="Tributary-Site" CONTENT=" `+s.Token+` ">`, ""), "without head": s.MetaTag() + "<p>x",
		"in a large page": page(s.MetaTag(), strings.Repeat("<p>x</p>", 400_000)),
	} {
		w.pages["/"] = content
		w.proved(name, s, site.Meta)
	}
	for name, c := range map[string]struct {
		page any
		said string
	}{
		"none":          {page("", ""), "found no such tag in the head"},
		"in the body":   {page("", "<p>a comment: "+s.MetaTag()), "in the body of the page"},
		"in a comment":  {page("<!-- "+s.MetaTag()+" -->", ""), "found no such tag"},
		"in a script":   {page("<script>'"+s.MetaTag()+"'</script>", ""), "found no such tag"},
		"as text":       {page("", strings.ReplaceAll(s.MetaTag(), "<", "&lt;")), "found no such tag"},
		"another's":     {page(`<meta name="tributary-site" content="zzz">`, ""), `found the tag with "zzz"`},
		"another name":  {page(`<meta name="tributary" content="`+s.Token+`">`, ""), "found no such tag"},
		"no page":       {s.MetaTag()[1:], "found no page of HTML"},
		"gone":          {status(410), "status 410"},
		"another host":  {redirect("http://away.example/"), "leads to another host"},
		"nested deeply": {strings.Repeat("<div>", 5000) + s.MetaTag(), "cannot be read as HTML"},
	} {
		w.pages["/"], w.pages["//away.example/"] = c.page, page(s.MetaTag(), "")
		w.proof(name, s, site.Meta, fault.Invalid, c.said)
	}
	w.pages["/"] = page(s.MetaTag(), "")
	place := w.site("http://blog.example/~ada")
	w.proof("a place's own page", place, site.Meta, fault.Invalid, "status 404")
	w.pages["/~ada"] = redirect("/~ada/")
	w.pages["/~ada/"] = page(s.MetaTag(), "")
	w.proved("a place", place, site.Meta)
}

func TestProofByRecord(t *testing.T) {
	w := newWeb(t)
	s := w.site("http://www.blog.example")
	hosts, value := s.Record()
	if strings.Join(hosts, " ") != "www.blog.example _tributary.www.blog.example blog.example _tributary.blog.example" {
		t.Errorf("hosts %v", hosts)
	}
	w.proof("none", s, site.DNS, fault.Invalid, "looked for the text record "+value)
	for _, host := range hosts {
		w.txt = map[string][]string{host: {"v=spf1 -all", " " + value + " "}}
		w.proved(host, s, site.DNS)
	}
	w.txt = map[string][]string{"www.blog.example": {"tributary-site=other"}}
	w.proof("another's", s, site.DNS, fault.Invalid, `found "tributary-site=other"`)
	w.txt = map[string][]string{"example": {value}, "www.blog.example": {s.Token, value + "x"}}
	w.proof("elsewhere", s, site.DNS, fault.Invalid, `found "tributary-site=`)
	w.txt = nil
	w.prober.TXT = func(context.Context, string) ([]string, error) {
		return nil, fault.New(fault.Unavailable, "address", "x", "y")
	}
	w.proof("no answer", s, site.DNS, fault.Unavailable, "name servers do not answer")
	w.proof("a place", w.site("http://blog.example/~ada"), site.DNS, fault.Invalid, "records belong to the whole host blog.example")
	if len(w.asked) != 0 {
		t.Errorf("asked the site: %v", w.asked)
	}
}

func TestProofsThatAreNotLookedFor(t *testing.T) {
	w := newWeb(t)
	channel := site.Site{Address: "https://www.youtube.com/@ada", Token: "x", Kind: site.Video}
	w.proof("a channel's file", channel, site.File, fault.Invalid, "channel of a network")
	w.proof("a channel", channel, site.Connected, fault.Invalid, "the network says")
	w.proof("a site's account", w.site("http://blog.example"), site.Connected, fault.Invalid, "channels of networks only")
	w.proof("nothing", w.site("http://blog.example"), "", fault.Invalid, "not a way")
	w.proof("no token", site.Site{Address: "http://blog.example"}, site.File, fault.Invalid, "no token")
	w.proof("private", site.Site{Address: "http://ada.localhost", Token: "x"}, site.File, fault.Invalid, "public internet")
	if len(w.asked) != 0 {
		t.Errorf("asked %v", w.asked)
	}
}

func TestProofThatStalls(t *testing.T) {
	w := newWeb(t)
	w.prober.Timeout = 100 * time.Millisecond
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	w.pages["/.well-known/tributary.txt"] = func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "text/plain")
		out.Write([]byte("tributary-"))
		out.(http.Flusher).Flush()
		<-stop
	}
	w.pages["/"] = func(http.ResponseWriter, *http.Request) { <-stop }
	w.proof("in the middle", w.site("http://blog.example"), site.File, fault.Unavailable, "did not answer in time")
	w.proof("from the start", w.site("http://blog.example"), site.Meta, fault.Unavailable, "did not answer in time")
	nobody := &site.Prober{Client: egress.PublicFor("blog.example:80=127.0.0.1:1"), TXT: w.prober.TXT}
	if err := nobody.Prove(t.Context(), w.site("http://blog.example"), site.File); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody there: %v", err)
	}
}
