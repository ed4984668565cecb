package edge

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
)

// State is what the edge knows: a base that never changes, and an overlay of what has changed since, which is folded into
// a new base in the background once it is large. Reading takes no lock but the overlay's, and never the database. While
// the database is away the last state goes on being served, and Age tells how old it is.
type State struct {
	db      *db.DB
	file    string            // where the base is kept; empty: nowhere
	nearest map[string]string // the operator's map of nearest marketplaces

	view    atomic.Pointer[view]
	markets atomic.Pointer[markets]

	mu      sync.RWMutex // of overlay
	overlay map[string]string
	grown   atomic.Int64 // entries in overlay: readers skip an empty one

	following sync.Mutex // one reads the feed at a time; what stands up to merging is its
	seq       int64
	origin    string         // of the feed that seq counts
	merging   sync.WaitGroup // work in the background: merging, and keeping a base
	isMerging atomic.Bool

	keeping sync.Mutex // one writes the file at a time
	kept    int64      // the last change in it

	keptOrigin string

	heard  atomic.Pointer[time.Time] // when the database last answered, by the wall clock
	failed atomic.Pointer[error]     // why it did not, the last time; nil where it did
}

// view is the base with the overlay that is being folded into it.
type view struct {
	base   *table
	frozen map[string]string
}

// markets are all marketplaces, laid out for look-ups.
type markets struct {
	all       []market.Market
	byNo      map[uint16]*place
	byID      map[string]*place
	geography *market.Geography
}

// place is one marketplace with its addresses and trademarks, ready to compare with.
type place struct {
	market.Market
	addresses  *link.Addresses
	trademarks market.Trademarks
}

func layOut(all []market.Market, nearest map[string]string) *markets {
	m := &markets{all: all, byNo: map[uint16]*place{}, byID: map[string]*place{}, geography: market.NewGeography(all, nearest)}
	for _, one := range all {
		p := &place{Market: one, addresses: link.NewAddresses(one), trademarks: market.NewTrademarks(one.Trademarks)}
		m.byNo[one.No], m.byID[one.ID] = p, p
	}
	return m
}

// same tells whether the marketplaces are those that were laid out.
func (m *markets) same(all []market.Market) bool {
	if m == nil || len(m.all) != len(all) {
		return false
	}
	for i := range all {
		if all[i].No != m.all[i].No || all[i].Version != m.all[i].Version {
			return false
		}
	}
	return true
}

// get gives the value of a key; nil where there is none. It must not be changed.
func (s *State) get(key []byte) []byte {
	if s.grown.Load() > 0 {
		s.mu.RLock()
		value, ok := s.overlay[string(key)]
		s.mu.RUnlock()
		if ok {
			return valueOf(value)
		}
	}
	// The overlay is emptied only after the view that holds it is in place, so nothing is missed between the two.
	v := s.view.Load()
	if v.frozen != nil {
		if value, ok := v.frozen[string(key)]; ok {
			return valueOf(value)
		}
	}
	value, _ := v.base.find(key)
	return value
}

// valueOf copies; an empty value in the overlay stands for something that is gone.
func valueOf(value string) []byte {
	if value == "" {
		return nil
	}
	return []byte(value)
}

// put lays changes over the base.
func (s *State) put(changes map[string]string) {
	s.mu.Lock()
	for key, value := range changes {
		s.overlay[key] = value
	}
	s.grown.Store(int64(len(s.overlay)))
	s.mu.Unlock()
}

// replace puts a new base in place of everything.
func (s *State) replace(base *table) {
	s.mu.Lock()
	s.view.Store(&view{base: base})
	s.overlay = map[string]string{}
	s.grown.Store(0)
	s.mu.Unlock()
}

// mergeAt is how large the overlay grows before it is folded in.
const mergeAt = 8192

// merge folds the overlay into a new base, in the background. Called with following held.
func (s *State) merge() {
	if s.grown.Load() < mergeAt || !s.isMerging.CompareAndSwap(false, true) {
		return
	}
	s.mu.Lock()
	frozen, base := s.overlay, s.view.Load().base
	for key, value := range s.view.Load().frozen { // an earlier merge did not succeed
		if _, newer := frozen[key]; !newer {
			frozen[key] = value
		}
	}
	s.view.Store(&view{base: base, frozen: frozen})
	s.overlay = map[string]string{}
	s.grown.Store(0)
	s.mu.Unlock()
	seq, origin := s.seq, s.origin
	s.merging.Go(func() {
		defer s.isMerging.Store(false)
		b := builder{arena: make([]byte, 0, len(base.arena)+64*len(frozen))}
		base.each(func(key, value []byte) {
			if _, changed := frozen[string(key)]; !changed {
				b.add(key, value)
			}
		})
		for key, value := range frozen {
			if value != "" {
				b.add([]byte(key), []byte(value))
			}
		}
		merged, err := b.finish()
		if err != nil { // too large: the frozen overlay goes on being read, and doctor shows the reason
			s.fail(err)
			return
		}
		// A full load may have replaced everything in the meantime; then this base is of no use.
		s.mu.Lock()
		current := s.view.Load()
		if current.base == base {
			s.view.Store(&view{base: merged})
		}
		s.mu.Unlock()
		if current.base == base {
			s.keep(merged, origin, seq)
		}
	})
}

// Age is how long ago the database was last heard, and why it was not since; a nil error while all is well.
func (s *State) Age() (time.Duration, error) {
	var err error
	if failed := s.failed.Load(); failed != nil {
		err = *failed
	}
	heard := s.heard.Load()
	if heard == nil {
		return 0, err
	}
	return clock.Since(*heard), err
}

func (s *State) fail(err error) { s.failed.Store(&err) }

// Size is how many entries the edge knows, and how many bytes they take.
func (s *State) Size() (entries int, bytes int64) {
	v := s.view.Load()
	return v.base.count + len(v.frozen) + int(s.grown.Load()), int64(len(v.base.arena)) + 8*int64(len(v.base.slots))
}

// tag gives whom a tag stands for.
func (s *State) tag(tag string) (owner, bool) {
	var room [64]byte
	if tag == "" || len(tag) > len(room)-1 {
		return owner{}, false
	}
	return readOwner(s.get(tagKey(room[:0], tag)))
}

// short gives a short link. Codes that creators chose are kept in small letters, and are found in any.
func (s *State) short(code string) (short, bool) {
	var room [64]byte
	value := s.get(codeKey(room[:0], code))
	if value == nil {
		if lower := strings.ToLower(code); lower != code {
			value = s.get(codeKey(room[:0], lower))
		}
	}
	return readShort(value)
}

func (s *State) active(market uint16, creator id.ID, program click.Program, at time.Time) bool {
	var room [16]byte
	return activeAt(s.get(activeKey(room[:0], market, creator, program)), at)
}

func (s *State) creator(creator id.ID) []byte {
	var room [16]byte
	return s.get(creatorKey(room[:0], creator))
}

// sells tells whether a marketplace has a product; only known where there is more than one marketplace.
func (s *State) sells(no uint16, sku string) bool {
	var room [128]byte
	return s.get(productKey(room[:0], keyProduct, no, sku)) != nil
}

// sameProduct finds a product of one marketplace in another: the same by GTIN, else one like it. title is what to search
// for where there is neither.
func (s *State) sameProduct(from, to uint16, sku string) (same, like, title string) {
	var room [128]byte
	g, ok := readGoods(s.get(productKey(room[:0], keyProduct, from, sku)))
	if !ok {
		return "", "", ""
	}
	if g.gtin != "" {
		same = string(s.get(productKey(room[:0], keyGTIN, to, g.gtin)))
	}
	return same, string(s.get(likeKey(room[:0], to, g.likeness))), g.title
}
