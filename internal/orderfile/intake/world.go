package intake

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/orderfile"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
)

// makeWorld makes the marketplace, its rate card and the creators with enrolments and tags, as far as they are not there.
// What is there stays as it is.
func (i *Import) makeWorld(ctx context.Context) (m market.Market, err error) {
	now := i.clock.Now()
	err = i.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if m, err = i.makeMarket(tx); err != nil {
			return err
		}
		if err := i.publish(tx, m, now); err != nil {
			return err
		}
		for n, c := range i.Mapping.Creators {
			if err := i.enrol(tx, m, fmt.Sprintf("creators[%d]", n), c, now); err != nil {
				return err
			}
		}
		return nil
	})
	return m, err
}

func (i *Import) makeMarket(tx *db.Tx) (market.Market, error) {
	wanted := i.Mapping.Marketplace
	markets, err := market.All(tx)
	if err != nil {
		return market.Market{}, err
	}
	last := uint16(0)
	for _, m := range markets {
		if m.ID != wanted.ID {
			last = max(last, m.No)
			continue
		}
		if m.Currency != wanted.Currency {
			return m, fault.Invalidf("marketplace.currency", "is %s, and the marketplace %s sells in %s",
				"import into a marketplace of the file's currency", wanted.Currency, m.ID, m.Currency)
		}
		return m, nil
	}
	m := market.Market{No: last + 1, ID: wanted.ID, Version: 1, Name: wanted.Name, Currency: wanted.Currency, Zone: wanted.Zone,
		Locale: wanted.Locale, Countries: wanted.Countries, Home: wanted.Home, Policy: policy.Shipped()}
	home, err := url.Parse(wanted.Home)
	if err != nil || home.Host == "" {
		return m, fault.Invalidf("marketplace.home", "is not an address", "write it as https://store.example")
	}
	// The addresses that a store usually has; an operator changes them where this one differs.
	base := strings.TrimSuffix(wanted.Home, "/")
	m.ProductURL, m.SearchURL = base+"/dp/{sku}", base+"/s?k={query}"
	m.CategoryURL, m.CartURL, m.Hosts = base+"/c/{category}", base+"/cart?add={items}", []string{home.Hostname()}
	m.Policy.ResaleUnits = wanted.ResaleUnits
	if err := market.Save(tx, m); err != nil {
		return m, err
	}
	return m, event.Changed(tx, event.FeedMarket, m.ID)
}

// publish makes the mapping's card the marketplace's first. A marketplace that has one keeps it.
func (i *Import) publish(tx *db.Tx, m market.Market, now time.Time) error {
	if len(i.Mapping.RateCard) == 0 {
		return nil
	}
	card, err := ratecard.Parse(i.Mapping.RateCard, m.Currency)
	if err != nil {
		return fault.Wrap(err, "rate_card")
	}
	cards, err := ratecard.Load(tx, m.No)
	if err != nil || len(cards.Sorted(card.Kind)) > 0 {
		return err
	}
	_, err = ratecard.Publish(tx, m.No, card, now, 0)
	return err
}

// programs are those whose links bring shoppers to a store's own pages.
var programs = map[string]enrolment.Program{"associates": enrolment.Associates, "influencer": enrolment.Influencer}

// enrol makes a creator, its enrolment and its tracking id.
func (i *Import) enrol(tx *db.Tx, m market.Market, field string, c orderfile.Creator, now time.Time) error {
	program, ok := programs[c.Program]
	if !ok {
		return fault.Invalidf(field+".program", "is not a program that is imported", "write associates or influencer")
	}
	since, err := time.Parse(time.RFC3339, c.Since)
	if err != nil {
		return fault.Invalidf(field+".since", "is not an instant", "write it as 2010-01-01T00:00:00Z")
	}
	who, err := creator.ByHandle(tx, c.Handle)
	if fault.Is(err, fault.NotFound) {
		who = creator.Creator{ID: id.New(now), Name: c.Name, Handle: c.Handle, Created: since.UTC()}
		err = creator.Create(tx, i.Ring, who, creator.Personal{Email: c.Email})
	}
	if err != nil {
		return fault.Wrap(err, field)
	}
	key := enrolment.Key{Market: m.No, Creator: who.ID, Program: program}
	history, err := enrolment.One(tx, key)
	if err != nil {
		return err
	}
	if len(history) == 0 {
		if err := enrolment.SaveTold(tx, key, enrolment.Standing{Since: since, State: enrolment.Active, Reason: "imported"}); err != nil {
			return fault.Wrap(err, field)
		}
	}
	return fault.Wrap(i.openTag(tx, m, field, c.Tag, link.Tracking{Creator: who.ID, Program: click.Program(program), Market: m.No,
		Name: "Imported", Created: since.UTC()}, now), field)
}

func (i *Import) openTag(tx *db.Tx, m market.Market, field, tag string, t link.Tracking, now time.Time) error {
	found, err := link.TrackingByTag(tx, []string{tag})
	if err != nil {
		return err
	}
	if known, ok := found[link.CleanTag(tag)]; ok {
		if known.Creator != t.Creator || known.Market != m.No {
			return fault.New(fault.Conflict, field+".tag", "belongs to somebody else or to another marketplace", "choose another one")
		}
		return nil
	}
	t.ID, t.Tag = id.New(now), tag
	return link.Open(tx, t)
}

// saveProducts puts products that the catalog does not know into it, so that pages can name what was sold.
func (i *Import) saveProducts(ctx context.Context, named []orderfile.Product) error {
	if len(named) == 0 {
		return nil
	}
	return i.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		skus := make([]string, len(named))
		for n, p := range named {
			skus[n] = p.SKU
		}
		known, err := product.BySKU(tx, i.market.No, skus)
		if err != nil {
			return err
		}
		var fresh []product.Product
		for _, p := range named {
			if _, ok := known[p.SKU]; !ok {
				fresh = append(fresh, product.Product{SKU: p.SKU, Title: p.Title, Category: p.Category, Price: p.Price})
			}
		}
		return product.Save(tx, i.market.No, click.ProductPlace, fresh)
	})
}
