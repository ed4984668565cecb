package browser

import (
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

func TestMain(m *testing.M) { Main(m) }

const goodPage = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Kettles</title>
<style>
	:root { color-scheme: light dark; background: light-dark(#fff, #111); color: light-dark(#222, #eee); font: 1rem sans-serif }
	#theme::after { content: 'light' } @media (prefers-color-scheme: dark) { #theme::after { content: 'dark' } }
</style>
<main><h1>Kettles</h1><p id="theme"></p>
<form action="/bought"><label>Name <input name="name" value="somebody"></label>
<label>Colour <select name="colour"><option>red<option>blue</select></label><button>Buy</button></form>
<p id="late"></p></main>
<script>fetch('/late').then(r => r.text()).then(text => document.querySelector('#late').innerText = text)</script></html>`

const badPage = `<!doctype html><html><title>Kettles</title><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><input name="name">
<p style="color: #ccc; background: #fff">faint</p></html>`

// shop is a small server as the product is one: a late answer, a form, a cookie, a page that fails.
func shop(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	page := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, text)
		}
	}
	mux.HandleFunc("/", page(goodPage))
	mux.HandleFunc("/bad", page(badPage))
	mux.HandleFunc("/throws", page(`<title>x</title><script>nothing.here()</script>`))
	mux.HandleFunc("/speaks", page(`<title>x</title><script>console.error('the price', 7, {is: 'wrong'})</script>`))
	mux.HandleFunc("/lacks", page(`<title>x</title><img src="/nowhere/at/all" onerror="this.remove()">`))
	mux.HandleFunc("/outside", page(`<title>x</title><img src="http://example.com/a.png">`))
	mux.HandleFunc("/nowhere/", http.NotFound)
	mux.HandleFunc("/late", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "and here it is") })
	mux.HandleFunc("/bought", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Bought</title><h1>%s bought a %s one</h1>`, r.FormValue("name"), r.FormValue("colour"))
	})
	mux.HandleFunc("/visit", func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("seen")
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		fmt.Fprintf(w, "seen before: %v at %s", err == nil, r.Host)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestEachView(t *testing.T) {
	server := shop(t)
	EachView(t, func(t *testing.T, p *Page) {
		p.Goto(server.URL)
		p.WaitText("#late", "and here it is")
		theme := Eval[string](p, "getComputedStyle(document.querySelector('#theme'), '::after').content")
		width := Eval[int](p, "innerWidth")
		if want := fmt.Sprintf("%q", t.Name()[strings.LastIndex(t.Name(), "_")+1:]); theme != want {
			t.Errorf("theme %s, want %s", theme, want)
		}
		if phone := strings.Contains(t.Name(), "phone"); phone != (width == Phone.Width) {
			t.Errorf("the page is %d wide", width)
		}
		AXE(t, p)
	})
}

func TestForm(t *testing.T) {
	server := shop(t)
	p := Open(t)
	p.Goto(server.URL)
	p.Fill("input[name=name]", "Ada Löve")
	p.Fill("select", "blue")
	p.Click("button")
	p.WaitText("h1", "Ada Löve bought a blue one")
	if !strings.Contains(p.Address(), "/bought?") {
		t.Errorf("address %s", p.Address())
	}

	p.Goto(server.URL)
	p.Fill("input[name=name]", "")
	p.Press("Bob" + kb.Enter)
	p.WaitFor("document.querySelector('h1').innerText.startsWith('Bob')")
	if got := p.Text("h1"); got != "Bob bought a red one" {
		t.Errorf("text %q", got)
	}
}

func TestContextOfItsOwn(t *testing.T) {
	server := shop(t)
	first, second := Open(t), Open(t)
	store := strings.Replace(server.URL, "127.0.0.1", "store.localhost", 1)
	for _, c := range []struct {
		page    *Page
		address string
		want    string
	}{
		{first, server.URL, "seen before: false"},
		{first, server.URL, "seen before: true"},
		{first, store, "seen before: false at store.localhost"}, // another host has cookies of its own
		{second, server.URL, "seen before: false"},
	} {
		c.page.Goto(c.address + "/visit")
		c.page.WaitText("body", c.want)
	}
}

func TestConsole(t *testing.T) {
	server := shop(t)
	for _, c := range []struct{ path, want string }{
		{"/throws", "nothing is not defined"},
		{"/speaks", `"the price" 7 Object`},
		{"/lacks", "404 (Not Found)"},
		{"/outside", "ERR_NAME_NOT_RESOLVED"},
	} {
		t.Run(c.path, func(t *testing.T) {
			p := Open(t)
			p.Goto(server.URL + c.path)
			p.WaitFor("document.title === 'x'")
			if errors := strings.Join(p.Errors(), "; "); !strings.Contains(errors, c.want) {
				t.Errorf("errors %q, want %q", errors, c.want)
			}
			p.Expect(c.want)
			if errors := p.Errors(); len(errors) > 0 {
				t.Errorf("errors %q although they were expected", errors)
			}
		})
	}
}

func TestAXEFinds(t *testing.T) {
	server := shop(t)
	p := Open(t)
	p.Goto(server.URL + "/bad")
	var found []string
	for _, violation := range violations(p) {
		found = append(found, violation.ID)
	}
	if got := strings.Join(found, " "); got != "color-contrast html-has-lang image-alt label" {
		t.Errorf("found %s", got)
	}
}

func TestScreenshot(t *testing.T) {
	server := shop(t)
	p := Open(t)
	p.Goto(server.URL)
	corner := map[bool]uint32{}
	for _, dark := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "pictures", "page.png")
		p.Screenshot(path, 800, 500, dark)
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		picture, err := png.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if size := picture.Bounds().Size(); size.X != 800 || size.Y != 500 {
			t.Errorf("size %v", size)
		}
		corner[dark], _, _, _ = picture.At(0, 0).RGBA()
	}
	if corner[false] != 0xffff || corner[true] != 0x1111 {
		t.Errorf("corners %v", corner)
	}
}

// TestMissing holds that a machine without Chromium fails, with the line that helps.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, _, err := launch(); err == nil || err.Error() != installLine {
		t.Errorf("got %v", err)
	}
}
