// Package store is the demo store: a small web shop, written as someone would write it who joins a shop to this
// platform. It has an address of its own and knows nothing of the platform but the guide for integrators: the script
// t.js on its pages, the token `tclid` that a creator's link brings, and one request that reports orders.
//
// What must always hold: an order that a shopper saw confirmed is on disk, and so are the events about it, until the
// platform has acknowledged them, however long it is away. A page works without script. Nothing is paid for: the
// checkout is a sandbox.
//
// It sells what demo/catalog makes, to two marketplaces: one at the root of its host and others under a prefix.
package store

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tributary/internal/demo/catalog"
	"tributary/internal/egress"
	"tributary/internal/fault"
)

// Region is one marketplace as the store serves it.
type Region struct {
	Market   string // as the catalog and the platform name it
	Prefix   string // of every address: empty, or such as "/uk"
	Name     string // "United States"
	Currency string // ISO 4217
	Sign     string // "$"
	Language string // BCP 47
}

// Regions are the two that the demo has.
var Regions = []Region{
	{Market: catalog.US, Prefix: "", Name: "United States", Currency: "USD", Sign: "$", Language: "en-US"},
	{Market: catalog.UK, Prefix: "/uk", Name: "United Kingdom", Currency: "GBP", Sign: "£", Language: "en-GB"},
}

// Config is what a store needs.
type Config struct {
	Catalog      *catalog.Catalog
	Regions      []Region         // the first one is served at the root
	TributaryURL string           // where the platform is: script and API
	Token        string           // bearer token with the right to report orders
	SnapshotPath string           // file that carts, orders and unacknowledged events are kept in
	Now          func() time.Time // the business clock: orders are placed at its time
	Log          *slog.Logger     // may be nil
}

// Store is the shop. It is a handler; Run reports its orders.
type Store struct {
	config  Config
	handler http.Handler
	client  *http.Client
	origin  string // of the platform
	wake    chan struct{}
	shelves map[string]shelves // by market: what the pages show, worked out once

	mu    sync.Mutex
	state state
	saved []byte // the snapshot that is on disk
}

// New opens a store, with what its snapshot holds.
func New(config Config) (*Store, error) {
	address, err := url.Parse(config.TributaryURL)
	if err != nil || address.Host == "" {
		return nil, fault.Invalidf("tributary", "%q is not an address", "write it as http://localhost:8080", config.TributaryURL)
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	client, err := egress.Operator(config.TributaryURL)
	if err != nil {
		return nil, err
	}
	s := &Store{config: config, client: client, origin: address.Scheme + "://" + address.Host,
		wake: make(chan struct{}, 1), shelves: map[string]shelves{}}
	if err := s.load(); err != nil {
		return nil, fault.Wrap(err, "opening the demo store")
	}
	mux := http.NewServeMux()
	for _, region := range config.Regions {
		s.shelves[region.Market] = arrange(config.Catalog, region.Market)
		s.routes(mux, region)
	}
	mux.HandleFunc("GET /picture/{file}", s.picture)
	mux.HandleFunc("GET /static/{file}", s.static)
	s.handler = s.guard(http.NewCrossOriginProtection().Handler(mux))
	return s, nil
}

// routes are all addresses of a region.
func (s *Store) routes(mux *http.ServeMux, region Region) {
	page := func(pattern string, serve func(*visit) error) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+region.Prefix+path, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, region, serve)
		})
	}
	if region.Prefix != "" {
		page("GET ", s.home) // without its last slash
	}
	page("GET /{$}", s.home)
	page("GET /", s.missing)
	page("GET /dp/{sku}", s.product)
	page("GET /c/{category...}", s.category)
	page("GET /s", s.search)
	page("GET /cart", s.cart)
	page("POST /cart/add", s.addToCart)
	page("POST /cart/set", s.setInCart)
	page("GET /checkout", s.checkout)
	page("POST /checkout", s.pay)
	page("GET /orders", s.orders)
	page("GET /orders/{order}", s.order)
	page("POST /orders/{order}/{line}/{action}", s.move)
}

// ServeHTTP serves the shop.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// maxBody bounds a form: the largest is the checkout's.
const maxBody = 64 << 10

// guard sets what holds for every answer.
func (s *Store) guard(next http.Handler) http.Handler {
	policy := strings.Join([]string{
		"default-src 'none'", "img-src 'self'", "style-src 'self'", "script-src 'self' " + s.origin,
		"connect-src 'self' " + s.origin, "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// Templates gives the addresses of a region's pages in the form in which the platform keeps them, for a store that is
// reached at base.
func Templates(base string, region Region) (home, product, search, category, cart string) {
	base += region.Prefix
	return base + "/", base + "/dp/{sku}", base + "/s?k={query}", base + "/c/{category}", base + "/cart?add={items}"
}

// Price writes an amount as the region's shoppers read it.
func (r Region) Price(amount int64) string {
	text := fmt.Sprintf("%d", amount/100)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return fmt.Sprintf("%s%s.%02d", r.Sign, text, amount%100)
}

// Run reports orders until ctx ends. Events that were not acknowledged before are sent first.
func (s *Store) Run(ctx context.Context) error {
	for {
		wait := s.deliver(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-time.After(wait):
		}
	}
}
