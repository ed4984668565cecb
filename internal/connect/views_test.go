package connect_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tributary/internal/click"
	"tributary/internal/id"
	"tributary/internal/link"
)

// told is what the door answered.
type told struct {
	code          int
	Token, Reason string
	Field, Detail string
}

func (w *world) tell(door, body string, headers ...string) (got told) {
	w.t.Helper()
	answer := w.ask("POST", door, body, headers...)
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		w.t.Fatal(answer.Code, answer.Body, err)
	}
	if allowed := answer.Header().Get("Access-Control-Allow-Origin"); door == "/view" && answer.Code != 403 &&
		allowed != w.store {
		w.t.Errorf("the page cannot read the answer: %v", answer.Header())
	}
	got.code = answer.Code
	return got
}

const fromServer = "Authorization: Bearer store-token"

func TestViewsFromAPage(t *testing.T) {
	w := newWorld(t)
	page := "Origin: " + w.store
	body := func(tag, sku, rest string) string {
		return `{"marketplace": "us", "tag": "` + tag + `", "sku": "` + sku + `", ` + rest + `}`
	}
	good := w.tell("/view", body(" ADA-20_", "KETTLE-1", `"seconds": 7, "boosted": true, "user_agent": "curl/8", "new": 1`), page)
	token, err := w.sealer.Open(good.Token)
	seconds, boosted, ok := link.View(token)
	if good.code != 200 || good.Reason != "" || err != nil || !ok || seconds != 7 {
		t.Fatalf("%+v, %v", good, err)
	}
	if boosted {
		t.Error("a page said that its view was paid for, and was believed")
	}
	if token.Creator != w.ada || token.Market != 1 || token.Place != click.ProductPlace("KETTLE-1") || !token.At.Equal(start) ||
		token.Tracking == 0 || token.Link != 0 {
		t.Errorf("%+v", token)
	}
	for name, c := range map[string]struct {
		body, origin, agent string
		want                int
		reason, field       string
	}{
		"at the least":        {body("ada-20", "A", `"seconds": 5`), w.store, agent, 200, "", ""},
		"too short":           {body("ada-20", "A", `"seconds": 4`), w.store, agent, 200, "view_too_short", ""},
		"not at all":          {body("ada-20", "A", `"seconds": 0`), w.store, agent, 200, "view_too_short", ""},
		"nobody's tag":        {body("nobody-20", "A", `"seconds": 9`), w.store, agent, 200, "unknown_tag", ""},
		"another marketplace": {body("ada-21", "A", `"seconds": 9`), w.store, agent, 200, "unknown_tag", ""},
		"a machine":           {body("ada-20", "A", `"seconds": 9`), w.store, "curl/8", 200, "invalid_traffic", ""},
		"no browser":          {body("ada-20", "A", `"seconds": 9`), w.store, "", 200, "invalid_traffic", ""},
		"no marketplace":      {`{"tag": "ada-20", "sku": "A", "seconds": 9}`, w.store, agent, 200, "", ""},
		"unknown marketplace": {`{"marketplace": "fr", "tag": "ada-20", "sku": "A", "seconds": 9}`, w.store, agent, 403, "", "origin"},
		"another site":        {body("ada-20", "A", `"seconds": 9`), "https://evil.example", agent, 403, "", "origin"},
		"no origin":           {body("ada-20", "A", `"seconds": 9`), "", agent, 403, "", "origin"},
		"no sku":              {body("ada-20", "", `"seconds": 9`), w.store, agent, 400, "", "sku"},
		"long sku":            {body("ada-20", strings.Repeat("a", 101), `"seconds": 9`), w.store, agent, 400, "", "sku"},
		"sku of two lines":    {body("ada-20", `a\nb`, `"seconds": 9`), w.store, agent, 400, "", "sku"},
		"no tag":              {body(" _", "A", `"seconds": 9`), w.store, agent, 400, "", "tag"},
		"long tag":            {body(strings.Repeat("a", 401), "A", `"seconds": 9`), w.store, agent, 400, "", "tag"},
		"below zero":          {body("ada-20", "A", `"seconds": -1`), w.store, agent, 400, "", "seconds"},
		"two days":            {body("ada-20", "A", `"seconds": 172800`), w.store, agent, 400, "", "seconds"},
		"half seconds":        {body("ada-20", "A", `"seconds": 5.5`), w.store, agent, 400, "", "body"},
		"no video":            {body("ada-20", "A", `"seconds": 9, "video": "x"`), w.store, agent, 400, "", "video"},
		"not the JSON":        {`["us"]`, w.store, agent, 400, "", "body"},
		"empty":               {"", w.store, agent, 400, "", "body"},
		"a body without end":  {body("ada-20", strings.Repeat("a", 17<<10), `"seconds": 9`), w.store, agent, 413, "", "body"},
	} {
		got := w.tell("/view", c.body, "Origin: "+c.origin, "User-Agent: "+c.agent)
		if got.code != c.want || got.Reason != c.reason || got.Field != c.field ||
			(got.Token != "") != (c.want == 200 && c.reason == "") || c.field != "" && got.Detail == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if ahead := w.tell("/view", body("ada-20", "A", `"seconds": 9`), page, "Sec-Purpose: prefetch"); ahead.Reason != "invalid_traffic" {
		t.Errorf("a page that is prepared ahead: %+v", ahead)
	}
	if len(w.clicks()) != 0 {
		t.Error("a view was logged as a click")
	}
	if head := w.ask("GET", "/view", ""); head.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", head.Code)
	}
}

func TestViewsFromTheServer(t *testing.T) {
	w := newWorld(t)
	const video = id.ID(77)
	good := w.tell("/v1/views", `{"marketplace": "uk", "tag": "ada-21", "sku": "KETTLE-1", "video": "`+video.Text(link.VideoPrefix)+
		`", "seconds": 300, "boosted": true}`, fromServer, "User-Agent: Go-http-client/1.1")
	token, err := w.sealer.Open(good.Token)
	seconds, boosted, ok := link.View(token)
	if good.code != 200 || err != nil || !ok || seconds != 127 || !boosted || token.Market != 2 || token.Link != video ||
		token.Creator != w.ada {
		t.Fatalf("%+v, %v, %+v", good, err, token)
	}
	body := func(rest string) string {
		return `{"marketplace": "us", "tag": "ada-20", "sku": "A", "seconds": 9` + rest + `}`
	}
	for name, c := range map[string]struct {
		body, header  string
		want          int
		reason, field string
	}{
		"a person":            {body(`, "user_agent": "` + agent + `"`), fromServer, 200, "", ""},
		"a machine":           {body(`, "user_agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"`), fromServer, 200, "invalid_traffic", ""},
		"nobody":              {body(""), "X: y", 401, "", "authorization"},
		"another token":       {body(""), "Authorization: Bearer other", 401, "", "authorization"},
		"unknown marketplace": {`{"marketplace": "fr", "tag": "ada-20", "sku": "A", "seconds": 9}`, fromServer, 404, "", "marketplace"},
		"no marketplace":      {`{"tag": "ada-20", "sku": "A", "seconds": 9}`, fromServer, 404, "", "marketplace"},
		"no sku":              {`{"marketplace": "us", "tag": "ada-20", "seconds": 9}`, fromServer, 400, "", "sku"},
		"a body without end":  {body(`, "user_agent": "` + strings.Repeat("x", 17<<10) + `"`), fromServer, 413, "", "body"},
	} {
		got := w.tell("/v1/views", c.body, c.header)
		if got.code != c.want || got.Reason != c.reason || got.Field != c.field || (got.Token != "") != (c.want == 200 && c.reason == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if form := w.ask("POST", "/v1/views", "x=y", fromServer,
		"Content-Type: application/x-www-form-urlencoded"); form.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d", form.Code)
	}
}
