// Package rates holds the staff's pages about what is paid: the cards in force beside those to come with promotions,
// contracts and volume tiers, drafts with their plan, what a draft would have cost, bounties.
//
// What must always hold: a draft is one text, whether a form or a person writes it; what is published is the plan that was
// shown, or nothing is; nothing that is only tried is posted.
//
// It owns no rate and no rule: packages ratecard, ratefile, bounty and whatif do.
package rates

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/ratefile"
	warnings "tributary/internal/report/rates"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// Pages answers the staff's requests.
type Pages struct {
	staff.Pages
}

// rates is what is paid: the card in force beside the coming ones, with all that stands beside it.
type rates struct {
	*staff.Desk
	kind       ratecard.Kind
	table      ui.RateTable
	history    []ratecard.Tenure
	promotions []ratecard.Promotion // that run or are to come
	over       []ratecard.Promotion
	contracts  []ratecard.Contract // in force and to come
	creators   map[id.ID]creator.Creator
	tiers      []ratecard.Volume
	warnings   []warnings.Warning
	drafts     []ratefile.Draft // that are not published
}

// Rates shows what is paid.
func (p *Pages) Rates(w http.ResponseWriter, r *http.Request) error {
	return p.Show(w, r, "Rates", staff.AtRates, func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		book, err := ratecard.LoadBook(tx, d.Market.No)
		if err != nil {
			return nil, err
		}
		v := &rates{Desk: d, kind: ratecard.Offsite}
		if kind := ratecard.Kind(d.Sent("kind")); slices.Contains(ratecard.Kinds, kind) {
			v.kind = kind
		}
		v.readCards(book)
		if err := v.readTerms(tx, book); err != nil {
			return nil, err
		}
		if v.warnings, err = warnings.Stored(tx, d.Market, d.Now); err != nil {
			return nil, err
		}
		all, err := ratefile.Drafts(tx, d.Market.No)
		for _, one := range all {
			if one.State(d.Now) == ratefile.Drafted {
				v.drafts = append(v.drafts, one)
			}
		}
		return ratesPage(v), err
	})
}

// readCards lays the version in force beside the coming ones, and tells the history of the kind.
func (v *rates) readCards(book *ratecard.Book) {
	var versions []*ratecard.Version
	if present := book.Cards.At(v.kind, v.Now); present != nil {
		versions = append(versions, present)
	}
	versions = append(versions, book.Cards.Coming(v.kind, v.Now)...)
	v.table = ui.NewRateTable(versions, v.Format, v.Market.Currency, v.Now)
	v.history = book.Cards.History(v.kind, v.Now)
}

// readTerms reads what stands beside the cards.
func (v *rates) readTerms(tx *db.Tx, book *ratecard.Book) (err error) {
	for _, p := range book.Promotions {
		switch {
		case !p.From.Before(p.Until): // taken back before it began
		case p.Until.After(v.Now):
			v.promotions = append(v.promotions, p)
		default:
			v.over = append(v.over, p)
		}
	}
	slices.SortFunc(v.promotions, func(a, b ratecard.Promotion) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(v.over, func(a, b ratecard.Promotion) int {
		return cmp.Or(b.Until.Compare(a.Until), cmp.Compare(a.ID, b.ID))
	})
	var owners []id.ID
	for owner, all := range book.Contracts {
		for _, c := range all {
			if c.Until.IsZero() || c.Until.After(v.Now) && c.From.Before(c.Until) {
				owners, v.contracts = append(owners, owner), append(v.contracts, c)
			}
		}
	}
	slices.SortFunc(v.contracts, func(a, b ratecard.Contract) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.ID, b.ID))
	})
	// Tiers hold from a month on until others do: the ones of this month, and those that begin later.
	month := string(v.Market.Month(v.Now))
	for _, tier := range book.Volumes {
		if tier.From > month || book.VolumeOf(month) != nil && book.VolumeOf(month).ID == tier.ID {
			v.tiers = append(v.tiers, tier)
		}
	}
	v.creators, err = staff.Names(tx, owners)
	return err
}

// kindLink leads to the card of a kind.
func (v *rates) kindLink(kind ratecard.Kind) string {
	return v.InMarket(staff.AtRates, "kind", string(kind))
}

// span says from when until when something holds, with the last day in words.
func span(d *staff.Desk, from, until time.Time) string {
	switch {
	case until.IsZero() && !from.After(d.Now):
		return "since " + d.Format.Date(from, d.Now)
	case until.IsZero():
		return "from " + d.Format.Date(from, d.Now)
	}
	return d.Format.Date(from, d.Now) + " to " + d.LastDay(until)
}

// tenure says when a version held, holds or will.
func tenure(d *staff.Desk, t ratecard.Tenure) string {
	switch {
	case t.Never:
		return "replaced before it began"
	case t.State == ratecard.Coming:
		return "from " + d.Format.Date(t.Effective, d.Now)
	case t.Until.IsZero() || t.Until.After(d.Now):
		return "since " + d.Format.Date(t.Effective, d.Now)
	}
	return span(d, t.Effective, t.Until)
}

// changes is what a version pays otherwise than the one before it.
func changes(t ratecard.Tenure) []ratecard.Changed { return ratecard.Difference(t.Before, t.Version) }

// warned bounds the warnings on a page: whoever has more mends a category at a time.
const warned = 20
