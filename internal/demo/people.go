package demo

import (
	"context"
	"fmt"
	"time"

	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/demo/catalog"
	"tributary/internal/demo/store"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/secret"
)

// person is a creator of the demo: what they write about decides what their readers buy, and reach how much.
type person struct {
	name, handle string
	topics       []string // categories
	reach        int      // clicks on an ordinary day
	uk           bool     // also enrolled in the second marketplace
}

var people = []person{
	{"Maya Okafor", "maya", []string{"Home > Kitchen", "Home"}, 22, true},
	{"Jonas Lindqvist", "jonas", []string{"Electronics", "Computers"}, 18, true},
	{"Priya Raman", "priya", []string{"Beauty", "Luxury Beauty"}, 15, true},
	{"Theo Marchetti", "theo", []string{"Outdoors", "Sports"}, 11, false},
	{"Ines Duarte", "ines", []string{"Books", "Music"}, 9, true},
	{"Callum Reid", "callum", []string{"Tools", "Garden"}, 8, true},
	{"Aiko Tanabe", "aiko", []string{"Toys", "Baby"}, 8, false},
	{"Samuel Osei", "samuel", []string{"Video Games", "Electronics"}, 7, true},
	{"Greta Hollander", "greta", []string{"Pets", "Home"}, 5, false},
	{"Noor Haddad", "noor", []string{"Home > Kitchen", "Grocery"}, 4, true},
	{"Felix Brandt", "felix", []string{"Musical Instruments", "Music"}, 3, false},
	{"Lucía Ferrer", "lucia", []string{"Fashion", "Handmade"}, 3, true},
}

// Creator is a creator of the demo as the rest needs it.
type Creator struct {
	person
	ID       id.ID
	Email    string
	Tracking map[string][]link.Tracking // by marketplace
	coupon   string
	videos   *link.Tracking       // through which videos on product pages are theirs
	bounties map[string]link.Link // by marketplace
}

// World is what the demo is made of, before anything has happened in it.
type World struct {
	Markets  []market.Market
	Catalog  *catalog.Catalog
	Creators []Creator
}

// goodsAtOnce keeps a transaction of the catalog short.
const goodsAtOnce = 500

// Settle makes marketplaces, catalog, rates, creators and accounts, as of an instant; end is when the history will end, by
// which promotions and cards to come are placed.
func Settle(ctx context.Context, d *db.DB, ring *secret.Ring, goods *catalog.Catalog, storeBase string, at, end time.Time) (*World, error) {
	w := &World{Catalog: goods, Markets: markets(storeBase)}
	err := d.Write(ctx, db.Background, func(tx *db.Tx) error {
		w.Creators = nil // a body may run twice
		for _, m := range w.Markets {
			if err := market.Save(tx, m); err != nil {
				return err
			}
		}
		for i, p := range people {
			c, err := settleCreator(tx, ring, w.Markets, p, at.Add(time.Duration(i)*time.Minute))
			if err != nil {
				return err
			}
			w.Creators = append(w.Creators, c)
		}
		for _, m := range w.Markets {
			if err := settleTerms(tx, m, w, at, end); err != nil {
				return err
			}
			if err := settleExtras(tx, m, w, at); err != nil {
				return err
			}
		}
		for _, p := range append([]auth.Principal{{Name: "Harbour Market", Role: auth.Admin}}, staff...) {
			if _, err := auth.Open(tx, p, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, m := range w.Markets {
		items := goods.Products(m.ID)
		for start := 0; start < len(items); start += goodsAtOnce {
			part := items[start:min(start+goodsAtOnce, len(items))]
			if err := d.Write(ctx, db.Background, func(tx *db.Tx) error {
				return product.Save(tx, m.No, click.ProductPlace, part)
			}); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

func markets(storeBase string) []market.Market {
	us := market.Market{No: 1, ID: catalog.US, Name: "Harbour Market", Currency: "USD", Zone: "America/New_York", Locale: "en-US", Countries: []string{"US", "CA", "MX"}}
	uk := market.Market{No: 2, ID: catalog.UK, Name: "Harbour Market UK", Currency: "GBP", Zone: "Europe/London", Locale: "en-GB", Countries: []string{"GB", "IE"}}
	all := []market.Market{us, uk}
	for i := range all {
		m := &all[i]
		m.Home, m.ProductURL, m.SearchURL, m.CategoryURL, m.CartURL = store.Templates(storeBase, store.Regions[i])
		m.Hosts, m.Policy = []string{hostOf(storeBase)}, policy.Shipped()
	}
	all[0].Admission.Connections = true // in the first marketplace alone, as the rules ship
	return all
}

// Readdress gives the marketplaces the store's present address: another start may listen on another port.
func Readdress(ctx context.Context, d *db.DB, storeBase string) error {
	return d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		known, err := market.All(tx)
		if err != nil {
			return err
		}
		for i, m := range markets(storeBase) {
			if i >= len(known) || known[i].Home == m.Home {
				continue
			}
			m.Policy, m.Admission = known[i].Policy, known[i].Admission
			if err := market.Save(tx, m); err != nil {
				return err
			}
			if err := event.Changed(tx, event.FeedMarket, m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func settleCreator(tx *db.Tx, ring *secret.Ring, markets []market.Market, p person, at time.Time) (Creator, error) {
	c, _, err := open(tx, ring, p, creator.Personal{}, at)
	if err != nil {
		return c, err
	}
	for _, m := range markets {
		if m.ID == catalog.UK && !p.uk {
			continue
		}
		key := enrolment.Key{Market: m.No, Creator: c.ID, Program: enrolment.Associates}
		if err := enrolment.SaveTold(tx, key, enrolment.Standing{Since: at, State: enrolment.Active, Reason: "joined"}); err != nil {
			return c, err
		}
		for _, name := range []string{"blog", "newsletter"} {
			stem := p.handle
			if name != "blog" {
				stem += "-news"
			}
			t, err := link.OpenNext(tx, link.Tracking{ID: id.New(at), Creator: c.ID, Program: click.Associates, Market: m.No, Name: name, Created: at}, stem)
			if err != nil {
				return c, fmt.Errorf("tracking id of %s: %w", p.handle, err)
			}
			c.Tracking[m.ID] = append(c.Tracking[m.ID], t)
		}
	}
	return c, nil
}

// FirstHandle is the creator whose page the demo opens with.
const FirstHandle = "maya"

// Cast lists the creators as they are made, without ids and tracking ids.
func Cast() []Creator {
	cast := make([]Creator, len(people))
	for i, p := range people {
		cast[i].person = p
	}
	return cast
}
