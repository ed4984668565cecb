package connect_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/client/js"
	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/link"
)

func TestScript(t *testing.T) {
	w := newWorld(t)
	plain, packed := w.ask("GET", "/t.js", ""), w.ask("GET", "/t.js", "", "Accept-Encoding: br, gzip")
	if plain.Body.String() != string(js.T) || plain.Header().Get("Content-Encoding") != "" ||
		!strings.HasPrefix(plain.Header().Get("Content-Type"), "text/javascript") {
		t.Errorf("plain: %v", plain.Header())
	}
	if size := packed.Body.Len(); size > 3000 {
		t.Errorf("%d bytes compressed; 3 kB is the limit", size)
	}
	unpacked, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unpacked); err != nil || string(text) != string(js.T) ||
		packed.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("packed: %v, %v", packed.Header(), err)
	}
	for _, tag := range []string{plain.Header().Get("ETag"), "W/" + packed.Header().Get("ETag")} {
		again := w.ask("GET", "/t.js", "", "If-None-Match: "+tag)
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("ETag") == "" {
			t.Errorf("kept as %s: %d", tag, again.Code)
		}
	}
	if plain.Header().Get("ETag") == packed.Header().Get("ETag") {
		t.Error("two different bodies have one tag")
	}
	if head := w.ask("HEAD", "/t.js", ""); head.Code != 200 || head.Body.Len() != 0 ||
		head.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d %v", head.Code, head.Header())
	}
	if refused := w.ask("GET", "/t.js", "",
		"Accept-Encoding: gzip;q=0, identity"); refused.Header().Get("Content-Encoding") != "" {
		t.Error("gzip was refused and sent")
	}
}

func TestDirectLink(t *testing.T) {
	w := newWorld(t)
	tell := func(market, address, origin string, headers ...string) (int, string) {
		body, _ := json.Marshal(map[string]string{"market": market, "address": address,
			"referrer": "https://blog.example/post", "new": "field"})
		answer := w.ask("POST", "/c", string(body), append(headers, "Origin: "+origin, "Content-Type: text/plain")...)
		var told struct{ Token string }
		_ = json.Unmarshal(answer.Body.Bytes(), &told)
		if answer.Code == 200 && answer.Header().Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("the page cannot read the answer: %v", answer.Header())
		}
		return answer.Code, told.Token
	}
	code, text := tell("us", w.store+"/p/KETTLE-1?tag=Ada-20&sub1=x&utm_source=tv#top", w.store)
	token, err := w.sealer.Open(text)
	clicks := w.clicks()
	if code != 200 || err != nil || len(clicks) != 1 {
		t.Fatal(code, text, err, clicks)
	}
	got := clicks[0]
	if got.Token != token || token.Creator != w.ada || token.Market != 1 || token.Kind != click.KindDirect ||
		!token.Flags.Has(click.FlagDirect) ||
		token.Landed != click.LandedProduct || token.Place != click.ProductPlace("KETTLE-1") || got.Product != "KETTLE-1" ||
		got.Sub[0] != "x" ||
		got.UTM[0] != "tv" || got.RefererHost != "blog.example" || !got.Counted() {
		t.Errorf("logged %+v", got)
	}
	// Two marketplaces share the store's host: the page says which one it is.
	if _, text := tell("uk", w.store+"/?ref=ada-21", w.store); text == "" {
		t.Error("the second marketplace's tag does not count there")
	}
	if _, text := tell("us", w.store+"/?tag=ada-21", w.store); text != "" {
		t.Error("a tag of another marketplace counts here")
	}
	if _, text := tell("us", w.store+"/?tag=nobody-20", w.store); text != "" {
		t.Error("an unknown tag gets a token")
	}
	if count := len(w.clicks()); count != 4 {
		t.Errorf("%d clicks, want 4: unknown tags are logged too", count)
	}
	if code, text := tell("us", w.store+"/?tag=ada-20", w.store, "Sec-Purpose: prefetch;prerender"); code != 200 || text != "" {
		t.Errorf("a page that is prepared ahead: %d %q", code, text)
	}
	for name, c := range map[string]struct {
		market, address, origin string
		want                    int
	}{
		"another site":            {"us", w.store + "/?tag=ada-20", "https://evil.example", 403},
		"no origin":               {"us", w.store + "/?tag=ada-20", "", 403},
		"opaque origin":           {"us", w.store + "/?tag=ada-20", "null", 403},
		"unknown marketplace":     {"fr", w.store + "/?tag=ada-20", w.store, 403},
		"an address elsewhere":    {"us", "https://evil.example/?tag=ada-20", w.store, 400},
		"no tag":                  {"us", w.store + "/", w.store, 400},
		"an address that is none": {"us", "\x00", w.store, 400},
		"an address without end":  {"us", w.store + "/?tag=ada-20&x=" + strings.Repeat("x", 9000), w.store, 400},
		"a body without end":      {"us", strings.Repeat("x", 17<<10), w.store, 413},
	} {
		if code, text := tell(c.market, c.address, c.origin); code != c.want || text != "" {
			t.Errorf("%s: %d %q, want %d", name, code, text, c.want)
		}
	}
	for _, body := range []string{"", "{", "[]", `{"address": 5}`, "\xff"} {
		if answer := w.ask("POST", "/c", body, "Origin: "+w.store); answer.Code != 400 ||
			answer.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q: %d", body, answer.Code)
		}
	}
	if count := len(w.clicks()); count != 4 {
		t.Errorf("%d clicks, want 4", count)
	}
	if head := w.ask("HEAD", "/c", ""); head.Code != http.StatusMethodNotAllowed {
		t.Errorf("HEAD: %d", head.Code)
	}
}

func TestPreflight(t *testing.T) {
	w := newWorld(t)
	for _, door := range []string{"/c", "/view"} {
		if answer := w.ask("OPTIONS", door, "", "Origin: "+w.store); answer.Code != 204 ||
			answer.Header().Get("Access-Control-Allow-Methods") != "POST" {
			t.Errorf("own: %d %v", answer.Code, answer.Header())
		}
		if answer := w.ask("OPTIONS", door, "", "Origin: https://evil.example"); answer.Code != 403 ||
			answer.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("foreign: %d %v", answer.Code, answer.Header())
		}
	}
}

func TestTouches(t *testing.T) {
	w := newWorld(t)
	seal := func(change func(*click.Token)) string {
		token := click.Token{Click: click.NewID(), Creator: w.ada, Program: click.Associates, Market: 1, At: start.Add(-time.Hour)}
		change(&token)
		return w.sealer.Seal(token)
	}
	good := seal(func(*click.Token) {})
	later := seal(func(token *click.Token) { token.At = start })
	unlogged := seal(func(token *click.Token) { token.Flags, token.At = click.FlagUnlogged, start.Add(-2*time.Hour) })
	clicks := []string{good, later, "nonsense", seal(func(token *click.Token) { token.Market = 2 }),
		seal(func(token *click.Token) { token.Flags = click.FlagInvalid }),
		seal(func(token *click.Token) { token.Flags = click.FlagClosed }), good, unlogged,
		w.sealer.Seal(link.NewView(link.Tracking{Creator: w.ada, Program: click.Associates, Market: 1}, 0, "POT", 9, false, start))}
	bind := func(body any, headers ...string) (int, string) {
		text, _ := json.Marshal(body)
		answer := w.ask("POST", "/v1/touches", string(text),
			append([]string{"Content-Type: application/json; charset=utf-8"}, headers...)...)
		return answer.Code, strings.TrimSpace(answer.Body.String())
	}
	const allowed = "Authorization: Bearer store-token"
	type touch map[string]any
	for range 2 { // the second time is a repetition
		code, body := bind(touch{"marketplace": "us", "customer": "c-77", "clicks": clicks}, allowed)
		want := `{"results":[{"status":"bound"},{"status":"bound"},{"status":"refused","reason":"bad_token"},` +
			`{"status":"refused","reason":"wrong_marketplace"},{"status":"ignored","reason":"invalid_traffic"},` +
			`{"status":"ignored","reason":"enrolment_not_active"},{"status":"bound"},{"status":"bound"},` +
			`{"status":"ignored","reason":"view"}]}`
		if code != 200 || body != want {
			t.Errorf("%d %s\nwant %s", code, body, want)
		}
	}
	customer := creator.Fact(w.ring, creator.FactCustomer, "C-77")
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		found, err := link.CustomerTouches(tx, 1, [][]byte{customer})
		if want := []string{later, good, unlogged}; fmt.Sprint(found[string(customer)]) != fmt.Sprint(want) {
			t.Errorf("kept %v, want %v", found, want)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body   any
		header string
		want   int
		field  string
	}{
		"nobody": {touch{"marketplace": "us", "customer": "c", "clicks": []string{good}}, "X: y", 401,
			"authorization"},
		"another token":  {touch{}, "Authorization: Bearer other", 401, "authorization"},
		"no marketplace": {touch{"customer": "c", "clicks": []string{good}}, allowed, 400, "marketplace"},
		"unknown marketplace": {touch{"marketplace": "fr", "customer": "c", "clicks": []string{good}}, allowed, 404,
			"marketplace"},
		"no customer":    {touch{"marketplace": "us", "customer": "", "clicks": []string{good}}, allowed, 400, "customer"},
		"blank customer": {touch{"marketplace": "us", "customer": " ", "clicks": []string{good}}, allowed, 400, "customer"},
		"long customer": {touch{"marketplace": "us", "customer": strings.Repeat("c", 201), "clicks": []string{good}},
			allowed, 400, "customer"},
		"no clicks":          {touch{"marketplace": "us", "customer": "c"}, allowed, 400, "clicks"},
		"too many clicks":    {touch{"marketplace": "us", "customer": "c", "clicks": make([]string, 11)}, allowed, 400, "clicks"},
		"not the JSON":       {[]string{"us"}, allowed, 400, "body"},
		"a body without end": {touch{"customer": strings.Repeat("c", 20<<10)}, allowed, 413, "body"},
	} {
		code, body := bind(c.body, c.header)
		var told struct{ Field, Detail string }
		_ = json.Unmarshal([]byte(body), &told)
		if code != c.want || told.Field != c.field || told.Detail == "" {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	if answer := w.ask("POST", "/v1/touches", "x=y", allowed,
		"Content-Type: application/x-www-form-urlencoded"); answer.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d", answer.Code)
	}
}

func FuzzBodies(f *testing.F) {
	f.Add("/c", `{"market":"us","address":"http://store.localhost/?tag=ada-20"}`)
	f.Add("/v1/touches", `{"marketplace":"us","customer":"c","clicks":["x"]}`)
	f.Add("/view", `{"marketplace":"us","tag":"ada-20","sku":"KETTLE-1","seconds":6}`)
	f.Add("/v1/views", `{"marketplace":"us","tag":"ada-20","sku":"KETTLE-1","video":"vi_0000000000001","seconds":6,"boosted":true}`)
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, path, body string) {
		if !slices.Contains([]string{"/c", "/v1/touches", "/view", "/v1/views"}, path) {
			return
		}
		answer := w.ask("POST", path, body, "Origin: "+w.store, "Authorization: Bearer store-token",
			"Content-Type: application/json")
		if answer.Code >= 500 {
			t.Errorf("%s %q: %d %s", path, body, answer.Code, answer.Body)
		}
	})
}
