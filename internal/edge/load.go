package edge

import (
	"context"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/product"
)

const (
	// changesRead is how many changes are applied from one look at the feed.
	changesRead = 1000
	// Creators are read in pages, for their preferences.
	creatorsRead = 1000
)

// OpenState reads what the edge knows: the kept base, where file names one that is whole, brought up to date by the feed,
// else everything from the database. With a kept base it opens also while the database is away.
func OpenState(ctx context.Context, d *db.DB, file string, nearest map[string]string) (*State, error) {
	s := &State{db: d, file: file, nearest: nearest, overlay: map[string]string{}}
	kept, err := s.readFile()
	if err != nil {
		s.fail(err) // a file that is not whole is no base; what it held is in the database
	}
	if kept {
		if err := s.Know(ctx); err != nil {
			s.fail(err)
		}
		return s, nil
	}
	s.following.Lock()
	defer s.following.Unlock()
	return s, s.load(ctx)
}

// Follow keeps the state up to date until the context ends: it looks at the feed at every tick, whether or not anybody
// called Know.
func (s *State) Follow(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.merging.Wait()
			return
		case <-ticker.C:
			_ = s.Know(ctx) // the reason is kept, Age shows it, and the next tick tries again
		}
	}
}

// Know brings the state up to date with everything that was committed before it was called. Whoever made a link answers
// after it.
func (s *State) Know(ctx context.Context) error {
	s.following.Lock()
	defer s.following.Unlock()
	for {
		more, gap, err := s.follow(ctx)
		if err != nil {
			s.fail(err)
			return err
		}
		if gap { // away for too long, or products came in
			return s.load(ctx)
		}
		if !more {
			s.failed.Store(nil)
			s.merge()
			return nil
		}
	}
}

// follow applies the next changes of the feed; gap says that everything must be read again.
func (s *State) follow(ctx context.Context) (more, gap bool, err error) {
	var changes []event.Change
	var all []market.Market
	applied := map[string]string{}
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		clear(applied)
		if all, err = market.All(tx); err != nil {
			return err
		}
		origin, err := event.Origin(tx)
		if err != nil {
			return err
		}
		if gap = origin != s.origin; gap {
			return nil // another database, under the same address
		}
		last, err := event.Last(tx)
		if err != nil || last == s.seq {
			return err
		}
		if changes, err = event.Changes(tx, s.seq, changesRead); err != nil {
			return err
		}
		if last < s.seq || len(changes) == 0 || changes[0].Seq != s.seq+1 {
			gap = true // also a database that was put back to an earlier state
			return nil
		}
		gap, err = readChanges(tx, changes, applied)
		return err
	})
	if err != nil {
		return false, false, err
	}
	now := clock.Wall()
	s.heard.Store(&now)
	if known := s.markets.Load(); !known.same(all) {
		// Whether products are known depends on the number of marketplaces.
		gap = gap || (known != nil && len(known.all) < 2 && len(all) >= 2)
		s.markets.Store(layOut(all, s.nearest))
	}
	if gap {
		return false, true, nil
	}
	s.put(applied)
	if len(changes) > 0 {
		s.seq = changes[len(changes)-1].Seq
	}
	return len(changes) == changesRead, false, nil
}

// readChanges reads the present rows of what changed. Products are read all together: catalog says that everything must
// be.
func readChanges(tx *db.Tx, changes []event.Change, into map[string]string) (catalog bool, err error) {
	var trackings, creators []id.ID
	var codes []string
	standings := map[uint16][]id.ID{}
	for _, change := range changes {
		switch change.Kind {
		case event.FeedTracking:
			tracking, err := id.Parse("change", id.Tracking, change.Key)
			if err != nil {
				return false, err
			}
			trackings = append(trackings, tracking)
		case event.FeedCreator:
			one, err := id.Parse("change", id.Creator, change.Key)
			if err != nil {
				return false, err
			}
			creators = append(creators, one)
		case event.FeedLink:
			codes = append(codes, change.Key)
		case event.FeedStanding:
			key, err := enrolment.ParseKey(change.Key)
			if err != nil {
				return false, err
			}
			standings[key.Market] = append(standings[key.Market], key.Creator)
		case event.FeedCatalog:
			return true, nil
		}
	}
	found, err := link.TrackingByID(tx, trackings)
	if err != nil {
		return false, err
	}
	for _, t := range found {
		into[string(tagKey(nil, t.Tag))] = string(owner{t.ID, t.Creator, t.Program, t.Market}.append(nil))
		creators = append(creators, t.Creator)
	}
	if err := readCreators(tx, creators, into); err != nil {
		return false, err
	}
	links, err := link.ByCode(tx, codes)
	if err != nil {
		return false, err
	}
	for code, l := range links {
		into[string(codeKey(nil, code))] = string(appendShort(nil, l))
	}
	for no, of := range standings {
		histories, err := enrolment.Standings(tx, no, of)
		if err != nil {
			return false, err
		}
		for key, history := range histories {
			into[string(activeKey(nil, key.Market, key.Creator, click.Program(key.Program)))] = string(appendSpans(nil,
				history.Spans()))
		}
	}
	return false, nil
}

func readCreators(tx *db.Tx, creators []id.ID, into map[string]string) error {
	if len(creators) == 0 {
		return nil
	}
	accounts, err := creator.Find(tx, creators)
	if err != nil {
		return err
	}
	trackings, err := link.TrackingOf(tx, creators)
	if err != nil {
		return err
	}
	for _, one := range creators {
		into[string(creatorKey(nil, one))] = string(appendCreator(nil, accounts[one].Routing, trackings[one]))
	}
	return nil
}

// load reads everything from one view of the database and puts it in place of what was known. Called with following held.
func (s *State) load(ctx context.Context) error {
	var b builder
	var all []market.Market
	var seq int64
	var origin string
	if err := s.db.Write(ctx, db.Background, event.Begin); err != nil {
		s.fail(err)
		return err
	}
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		b = builder{}
		if seq, err = event.Last(tx); err != nil {
			return err
		}
		if origin, err = event.Origin(tx); err != nil {
			return err
		}
		if all, err = market.All(tx); err != nil {
			return err
		}
		return b.readAll(tx, all)
	})
	if err != nil {
		s.fail(err)
		return fault.Wrap(err, "reading what the edge must know")
	}
	base, err := b.finish()
	if err != nil {
		s.fail(err)
		return err
	}
	s.markets.Store(layOut(all, s.nearest))
	s.replace(base)
	s.seq, s.origin = seq, origin
	now := clock.Wall()
	s.heard.Store(&now)
	s.failed.Store(nil)
	s.merging.Go(func() { s.keep(base, origin, seq) }) // answers do not wait for it
	return nil
}

func (b *builder) readAll(tx *db.Tx, all []market.Market) error {
	if err := b.readTracking(tx); err != nil {
		return err
	}
	var room []byte
	if err := link.All(tx, func(l link.Link) error {
		room = appendShort(room[:0], l)
		b.add(codeKey(nil, l.Code), room)
		return nil
	}); err != nil {
		return err
	}
	if err := enrolment.All(tx, func(key enrolment.Key, history enrolment.History) error {
		room = appendSpans(room[:0], history.Spans())
		b.add(activeKey(nil, key.Market, key.Creator, click.Program(key.Program)), room)
		return nil
	}); err != nil {
		return err
	}
	if len(all) < 2 { // nowhere to route to, so nobody asks for products
		return nil
	}
	for _, m := range all {
		if err := b.readProducts(tx, m.No); err != nil {
			return err
		}
	}
	return nil
}

// readTracking adds tags, and creators with their tracking ids.
func (b *builder) readTracking(tx *db.Tx) error {
	preferences := map[id.ID]market.Preference{} // few choose one
	for after := id.ID(0); ; {
		page, err := creator.All(tx, after, creatorsRead)
		if err != nil {
			return err
		}
		for _, c := range page {
			if after = c.ID; c.Routing != "" && c.Routing != market.Close {
				preferences[c.ID] = c.Routing
			}
		}
		if len(page) < creatorsRead {
			break
		}
	}
	var own []link.Tracking
	flush := func() {
		if len(own) > 0 {
			b.add(creatorKey(nil, own[0].Creator), appendCreator(nil, preferences[own[0].Creator], own))
		}
		own = own[:0]
	}
	err := link.AllTracking(tx, func(t link.Tracking) error {
		b.add(tagKey(nil, t.Tag), owner{t.ID, t.Creator, t.Program, t.Market}.append(nil))
		if len(own) > 0 && own[0].Creator != t.Creator {
			flush()
		}
		own = append(own, t)
		return nil
	})
	flush()
	return err
}

// readProducts adds what is needed to find a product of another marketplace here. Of several with one GTIN, or alike, the
// smallest sku is found, as package product has it.
func (b *builder) readProducts(tx *db.Tx, no uint16) error {
	gtins, alike := map[string]bool{}, map[uint64]bool{}
	var room []byte
	return product.All(tx, no, func(p product.Product) error {
		room = appendGoods(room[:0], p)
		b.add(productKey(nil, keyProduct, no, p.SKU), room)
		if p.State == product.Withdrawn {
			return nil // nobody is brought to it, but its links still know what it was
		}
		if p.GTIN != "" && !gtins[p.GTIN] {
			gtins[p.GTIN] = true
			b.add(productKey(nil, keyGTIN, no, p.GTIN), []byte(p.SKU))
		}
		if like := likeness(p); !alike[like] {
			alike[like] = true
			b.add(likeKey(nil, no, like), []byte(p.SKU))
		}
		return nil
	})
}

// Seq is the number of the last change that is known here.
func (s *State) Seq() int64 {
	s.following.Lock()
	defer s.following.Unlock()
	return s.seq
}
