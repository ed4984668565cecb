// Package ui holds what every page shares: the frame, the design tokens, the river strip and the other parts, how money
// and dates are written, how a page is sent, and how an error looks.
//
// What must always hold: a page works without script and asks no other host for anything; what it shows was escaped by
// the template; amounts are in tabular figures and in the viewer's locale; each list can be shared, since its address
// holds its state.
//
// It owns no route and reads no row: doors hand it what to show.
package ui

import (
	"bytes"
	"compress/gzip"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/fault"
	"tributary/internal/market"
)

// Action answers a request or says why it cannot; the error becomes a page in one place.
type Action func(http.ResponseWriter, *http.Request) error

// NotFound is the fault of an address that leads nowhere.
var NotFound error = fault.New(fault.NotFound, "", "there is nothing at this address", "go back, or begin at the home page")

// Item is an entry of the main navigation.
type Item struct{ Label, Href, Icon string }

// Frame is what stands around a page.
type Frame struct {
	Title   string // of the window
	Current string // address of the navigation's item that the page belongs to
	Nav     []Item
	Who     auth.Principal
	Markets []market.Market // those the viewer can switch between
	Market  market.Market
	Stream  string // address of the live stream; empty for a page that stands still
	Sandbox time.Time
	Format  Format
	Path    string
}

// Brand is the name in the page's corner: the marketplace that is being looked at.
func (f Frame) Brand() string {
	if f.Market.Name != "" {
		return f.Market.Name
	}
	return "Tributary"
}

// statuses is the one switch from a kind of fault to a status.
var statuses = map[fault.Kind]int{
	fault.Invalid: http.StatusUnprocessableEntity, fault.NotFound: http.StatusNotFound, fault.Denied: http.StatusForbidden,
	fault.Conflict: http.StatusConflict, fault.Exhausted: http.StatusTooManyRequests,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// Fail shows an error as a page. What is behind it is logged, once, here.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.Of(err)
	if f.Kind == fault.Unavailable && r.Context().Err() == nil {
		slog.Error("a page failed", "path", r.URL.Path, "err", err, "cause", f.Unwrap())
	}
	w.Header().Set("Cache-Control", "no-store")
	if sendErr := send(w, r, statuses[f.Kind], Failure(f)); sendErr != nil {
		slog.Error("an error page failed", "path", r.URL.Path, "err", sendErr)
	}
}

// Send renders a page whole before its first byte leaves, so that one that fails half-way is an error page.
func Send(w http.ResponseWriter, r *http.Request, page templ.Component) error {
	w.Header().Set("Cache-Control", "no-store")
	return send(w, r, http.StatusOK, page)
}

// Refused sends a page that explains why a form was not taken, with the status of its fault.
func Refused(w http.ResponseWriter, r *http.Request, f *fault.Error, page templ.Component) error {
	w.Header().Set("Cache-Control", "no-store")
	return send(w, r, statuses[f.Kind], page)
}

var packers = sync.Pool{New: func() any {
	writer, _ := gzip.NewWriterLevel(nil, 5) // half of the best ratio's time for nearly its size
	return writer
}}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// send writes a rendered page, packed where the browser takes it.
func send(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	buffer := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buffer)
	buffer.Reset()
	if err := page.Render(r.Context(), buffer); err != nil {
		return fault.Wrap(err, "rendering a page")
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Vary", "Accept-Encoding, Cookie")
	if !takesGzip(r) {
		header.Set("Content-Length", strconv.Itoa(buffer.Len()))
		w.WriteHeader(status)
		_, _ = buffer.WriteTo(w) // whoever left no longer needs the page
		return nil
	}
	header.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	packer := packers.Get().(*gzip.Writer)
	defer packers.Put(packer)
	packer.Reset(w)
	_, _ = buffer.WriteTo(packer)
	_ = packer.Close() // the same: an error here is a reader who has gone
	return nil
}

// Link is an address with some of its query's values replaced; an empty value leaves its name out.
func Link(path string, query url.Values, changes ...string) string {
	out := url.Values{}
	for name, values := range query {
		if len(values) > 0 && values[0] != "" {
			out.Set(name, values[0])
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		out.Del(changes[i])
		if changes[i+1] != "" {
			out.Set(changes[i], changes[i+1])
		}
	}
	if len(out) == 0 {
		return path
	}
	return path + "?" + out.Encode()
}
