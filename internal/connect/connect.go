// Package connect is the door for the store: its pages load t.js here, tell of direct links (`POST /c`) and of videos that
// were seen on product pages (`POST /view`), and its server binds clicks to customers who have signed in
// (`POST /v1/touches`) and tells of views itself (`POST /v1/views`). Webhooks of store software come in here too.
//
// What must always hold: only pages of a marketplace's own hosts, by the browser's Origin, can make a click or a view;
// only a caller with the store's token can bind one, or say that a view was paid for; a customer is known by a keyed
// hash, and is kept and logged in no other form.
//
// It decides nothing about clicks (package edge answers, package click keeps) and takes no orders (package api).
package connect

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/link"
	"tributary/internal/secret"
)

// Config is what the doors are made of. Direct, View and Origin are the edge's; Authorized tells whether a request carries
// a token that may write orders.
type Config struct {
	DB         *db.DB
	Ring       *secret.Ring
	Clock      *clock.Business
	Direct     func(r *http.Request, market, page, before string) (token string, err error)
	View       func(link.Seen) (token, why string, err error)
	Origin     func(origin string) bool
	Authorized func(*http.Request) bool
}

// doors answers; it is made by New.
type doors struct {
	Config
	sealer *click.Sealer
	script script
}

// New makes the doors, with their routes.
func New(c Config) http.Handler {
	d := &doors{Config: c, sealer: click.NewSealer(c.Ring), script: newScript()}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /t.js", d.script.serve)
	routes.HandleFunc("POST /c", d.direct)
	routes.HandleFunc("OPTIONS /c", d.preflight)
	routes.HandleFunc("POST /view", d.pageView)
	routes.HandleFunc("OPTIONS /view", d.preflight)
	routes.HandleFunc("POST /v1/views", d.serverView)
	routes.HandleFunc("POST /v1/touches", d.touches)
	return routes
}

// maxBody bounds what these doors read: an address of 8 kB, or ten tokens.
const maxBody = 16 << 10

// readJSON reads a body of at most maxBody into a value. Fields that are not known are left alone, so that a newer
// script can talk to an older edge.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.Exhausted, "body", "is larger than 16 kB", "send less at once")
	}
	if err != nil {
		return fault.New(fault.Invalid, "body", "could not be read", "send it again").Because(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fault.New(fault.Invalid, "body", "is not the JSON that is expected", "see docs/integrate.md").Because(err)
	}
	return nil
}

// problem is an RFC 9457 problem: what is wrong, with field, rule and fix.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"`
	Fix    string `json:"fix,omitempty"`
}

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.Of(err)
	status := http.StatusServiceUnavailable
	switch f.Kind {
	case fault.Invalid:
		status = http.StatusBadRequest
	case fault.NotFound:
		status = http.StatusNotFound
	case fault.Denied:
		status = http.StatusForbidden
	case fault.Conflict:
		status = http.StatusConflict
	case fault.Exhausted:
		status = http.StatusRequestEntityTooLarge
	case fault.Unavailable:
		slog.Error("a request failed", "path", r.URL.Path, "cause", err)
	}
	refuseWith(w, status, f)
}

func refuseWith(w http.ResponseWriter, status int, f *fault.Error) {
	answer(w, "application/problem+json", status,
		problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: f.Error(), Field: f.Field,
			Fix: f.Fix})
}

func answer(w http.ResponseWriter, kind string, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own types always can be written
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the caller may have gone
}

// fromStore lets through the store's server, with its token and with JSON; anybody else has been answered.
func (d *doors) fromStore(w http.ResponseWriter, r *http.Request) bool {
	if !d.Authorized(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuseWith(w, http.StatusUnauthorized, fault.New(fault.Denied, "authorization", "is missing or unknown",
			"send the store's API token as a bearer token"))
		return false
	}
	if !isJSON(r) {
		refuseWith(w, http.StatusUnsupportedMediaType, fault.New(fault.Invalid, "content-type", "is not JSON",
			"send application/json"))
		return false
	}
	return true
}

// isJSON tells whether a body says that it is JSON, or says nothing.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Header.Get("Content-Type") == "" || err == nil && kind == "application/json"
}
