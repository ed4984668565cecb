package main

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"tributary/internal/demo"
	"tributary/internal/demo/blog"
	"tributary/internal/network/standin"
)

// demoWorld is what a demo has in place of the world outside: networks, and sites of people.
type demoWorld struct {
	Networks *standin.Networks
	Sites    *blog.Sites
	home     string
	port     string // of the sites: they share the store's door
	// patient: the history is made, and the crawler is as polite as anywhere.
	patient atomic.Bool
}

// networksAt is where the networks are stood in for.
const networksAt = "/demo/networks"

func newDemoWorld(data string, s *stage, now func() time.Time) (*demoWorld, error) {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.store, "http://"))
	if err != nil {
		return nil, err
	}
	w := &demoWorld{Networks: standin.New(networksAt, s.home), home: s.home, port: port}
	w.Networks.Business = now
	w.Networks.Add(demo.Samples()...)
	w.Sites, err = blog.New(blog.Config{Path: filepath.Join(data, "sites.json"), Now: now})
	return w, err
}

// own is the site that is kept for a newcomer.
func (w *demoWorld) own() string { return blog.Address(blog.Newcomer, w.port) }

// outside tells the installation of them.
func (w *demoWorld) outside() outside {
	o := outside{Name: "Tributary", apps: w.Networks.Apps(w.home)}
	for _, host := range w.Sites.Hosts() {
		o.local = append(o.local, net.JoinHostPort(host, w.port))
	}
	return o
}

// networks serves their consent pages and data.
func (w *demoWorld) networks() http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		header := answer.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		w.Networks.ServeHTTP(answer, r)
	})
}

// early is what the platform's address answers while the history is made.
func (w *demoWorld) early() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(networksAt+"/", w.networks())
	mux.HandleFunc("/", notYetOpen)
	return mux
}

// beside serves the sites of people, and next under every other name.
func (w *demoWorld) beside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if w.Sites.Serves(r.Host) {
			w.Sites.ServeHTTP(answer, r)
			return
		}
		next.ServeHTTP(answer, r)
	})
}

// pause is the crawler's: none while the history is made, which asks nobody but the sites of the demo.
func (w *demoWorld) pause(ctx context.Context, d time.Duration) error {
	if !w.patient.Load() {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// door answers with what it was opened with last.
type door struct{ behind atomic.Pointer[http.Handler] }

func (d *door) open(h http.Handler) { d.behind.Store(&h) }

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := d.behind.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	notYetOpen(w, r)
}

// notYetOpen asks whoever comes too early to wait; their browser looks again by itself.
func notYetOpen(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Retry-After", "3")
	header.Set("Refresh", "3")
	w.WriteHeader(http.StatusServiceUnavailable)
	w.Write([]byte("The demo is being made ready. This page looks again in a few seconds.\n"))
}
