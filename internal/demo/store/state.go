package store

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tributary/internal/clock"
	"tributary/internal/fault"
)

// Limits of what is kept: a demo, not a warehouse.
const (
	maxVisitors = 2_000
	maxOrders   = 2_000
	maxLines    = 40 // of a cart
	maxQuantity = 20 // of a line
)

// state is everything the shop remembers; it is written as one JSON file after every change.
type state struct {
	Visitors map[string]*visitor `json:"visitors"`
	Orders   []*order            `json:"orders"`  // oldest first
	Reports  []*report           `json:"reports"` // events, oldest first, acknowledged ones as long as their order is kept
}

type visitor struct {
	Carts   map[string][]cartLine `json:"carts"` // by market
	Buyer   buyer                 `json:"buyer"`
	Ordered bool                  `json:"ordered"`
	Seen    time.Time             `json:"seen"`
}

type buyer struct {
	Name    string `json:"name"`
	Email   string `json:"email"`
	Address string `json:"address"`
}

type cartLine struct {
	SKU      string    `json:"sku"`
	Quantity int64     `json:"quantity"`
	Added    time.Time `json:"added"` // when the sku first entered the present cart
}

type order struct {
	ID      string      `json:"id"`
	Market  string      `json:"market"`
	Visitor string      `json:"visitor"`
	Placed  time.Time   `json:"placed"`
	Buyer   buyer       `json:"buyer"`
	Lines   []orderLine `json:"lines"`
}

type orderLine struct {
	ID        string `json:"id"`
	SKU       string `json:"sku"`
	Title     string `json:"title"`
	Quantity  int64  `json:"quantity"`
	Amount    int64  `json:"amount"` // minor units, for all units
	Digital   bool   `json:"digital"`
	Shipped   int64  `json:"shipped"`
	Returned  int64  `json:"returned"`
	Cancelled int64  `json:"cancelled"`
}

// open is how many units are neither shipped nor cancelled.
func (l orderLine) open() int64 { return l.Quantity - l.Shipped - l.Cancelled }

// kept is how many shipped units have not come back.
func (l orderLine) kept() int64 { return l.Shipped - l.Returned }

// total is what an order came to.
func (o *order) total() (sum int64) {
	for _, line := range o.Lines {
		sum += line.Amount
	}
	return sum
}

// view runs fn on the state; fn changes nothing and keeps nothing of it.
func (s *Store) view(fn func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(&s.state)
}

// change runs fn on the state and puts the result on disk before it returns. What fn refuses and what cannot be written
// has not happened.
func (s *Store) change(fn func(*state) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := fn(&s.state)
	if err == nil {
		s.state.trim()
		err = s.save()
	}
	if err != nil {
		if back, again := decode(s.saved); again == nil {
			s.state = back
		}
	}
	return err
}

// save writes the snapshot beside the old one and puts it in its place, so that a crash leaves one of the two.
func (s *Store) save() error {
	raw, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	path := s.config.SnapshotPath
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return unsaved(err)
	}
	defer os.Remove(file.Name()) // gone already where all went well
	_, err = file.Write(raw)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return unsaved(err)
	}
	s.saved = raw
	return nil
}

func unsaved(cause error) error {
	return fault.New(fault.Unavailable, "", "the shop could not save this, and nothing was changed",
		"try again in a moment").Because(cause)
}

// syncFolder makes a rename last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func (s *Store) load() error {
	raw, err := os.ReadFile(s.config.SnapshotPath)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = []byte("{}"), nil
	}
	if err != nil {
		return err
	}
	s.saved = raw
	s.state, err = decode(raw)
	return fault.Wrap(err, "reading "+s.config.SnapshotPath)
}

func decode(raw []byte) (state, error) {
	var loaded state
	err := json.Unmarshal(raw, &loaded)
	if loaded.Visitors == nil {
		loaded.Visitors = map[string]*visitor{}
	}
	return loaded, err
}

// trim forgets the visitors that were away longest, and the oldest orders whose events have all been answered.
func (st *state) trim() {
	for len(st.Visitors) > maxVisitors {
		oldest := ""
		for key, v := range st.Visitors {
			if oldest == "" || v.Seen.Before(st.Visitors[oldest].Seen) {
				oldest = key
			}
		}
		delete(st.Visitors, oldest)
	}
	for len(st.Orders) > maxOrders {
		done := slices.IndexFunc(st.Orders, func(o *order) bool {
			return !slices.ContainsFunc(st.Reports, func(r *report) bool { return r.Order == o.ID && r.waiting() })
		})
		if done < 0 {
			return
		}
		gone := st.Orders[done].ID
		st.Orders = slices.Delete(st.Orders, done, done+1)
		st.Reports = slices.DeleteFunc(st.Reports, func(r *report) bool { return r.Order == gone })
	}
}

// who gives a visitor by key, made where it is new.
func (st *state) who(key string) *visitor {
	v := st.Visitors[key]
	if v == nil {
		v = &visitor{Carts: map[string][]cartLine{}}
		st.Visitors[key] = v
	}
	v.Seen = clock.Wall()
	return v
}

// find gives an order of a visitor in a market; nil where there is none, or it is somebody else's.
func (st *state) find(visitor, market, id string) *order {
	for _, o := range st.Orders {
		if o.ID == id && o.Visitor == visitor && o.Market == market {
			return o
		}
	}
	return nil
}

// put sets the quantity of a sku in a cart; zero takes it out.
func (v *visitor) put(market, sku string, quantity int64, now time.Time) error {
	cart := v.Carts[market]
	at := slices.IndexFunc(cart, func(line cartLine) bool { return line.SKU == sku })
	switch {
	case quantity <= 0 && at >= 0:
		v.Carts[market] = slices.Delete(cart, at, at+1)
	case quantity <= 0:
	case at >= 0:
		cart[at].Quantity = min(quantity, maxQuantity)
	case len(cart) == maxLines:
		return fault.New(fault.Exhausted, "cart", "the cart is full", "check out first")
	default:
		v.Carts[market] = append(cart, cartLine{SKU: sku, Quantity: min(quantity, maxQuantity), Added: now})
	}
	return nil
}

// alphabet of names that are read aloud: no i, l, o, u.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// randomName makes a name that nobody can guess.
func randomName(length int) string {
	raw := make([]byte, length)
	rand.Read(raw)
	for i, b := range raw {
		raw[i] = alphabet[b&31]
	}
	return string(raw)
}
