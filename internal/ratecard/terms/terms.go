// Package terms keeps together all that a marketplace pays: its rates (package ratecard) and its bounties (package bounty).
// It reads both, says what publishing changes in either, and publishes and announces both.
//
// What must always hold: an edition is published as a whole or not at all; a plan and its publication are the same.
//
// It decides no rate, no amount and no notice: the two packages do. It knows where the names lead that people write into
// terms: whose handle it is, and whether a page is one of the store's.
package terms

import (
	"maps"
	"slices"
	"time"

	"tributary/internal/bounty"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// Offer is a version of what an action pays.
type Offer = bounty.Offer

// Person is a creator who has a contract, or is to have one.
type Person = creator.Creator

// OfBounty is what a publication is about, beside those of package ratecard.
const OfBounty = "bounty"

// Terms are what a marketplace pays.
type Terms struct {
	Rates  *ratecard.Book
	Offers []Offer
}

// Edition is what is published together.
type Edition struct {
	ratecard.Edition
	Bounties bounty.Edition
}

// Empty tells whether there is nothing to publish.
func (e Edition) Empty() bool { return e.Edition.Empty() && e.Bounties.Empty() }

// Publication says what one part of an edition does. Of a bounty What is OfBounty, and Name its action.
type Publication struct {
	ratecard.Publication
	PartName  string   // of the edition, as refusals name it: cards, promotions, bounties, bounty_ends…
	PartIndex int      // which of them
	Changes   []string // of a bounty: what is otherwise beside the pay
}

// Load reads what a marketplace pays, has paid and will pay.
func Load(tx *db.Tx, marketNo uint16) (t Terms, err error) {
	if t.Rates, err = ratecard.LoadBook(tx, marketNo); err != nil {
		return t, err
	}
	t.Offers, err = bounty.Load(tx, marketNo)
	return t, err
}

// Empty tells whether nothing was ever published.
func (t Terms) Empty() bool {
	return len(t.Rates.Cards)+len(t.Rates.Promotions)+len(t.Rates.Contracts)+len(t.Rates.Volumes)+len(t.Offers) == 0
}

// People reads the creators who have contracts.
func (t Terms) People(tx *db.Tx) ([]Person, error) {
	found, err := creator.Find(tx, slices.Collect(maps.Keys(t.Rates.Contracts)))
	return slices.Collect(maps.Values(found)), err
}

// ByHandle reads the creator of a handle.
func ByHandle(tx *db.Tx, handle string) (Person, error) { return creator.ByHandle(tx, handle) }

// CheckPage refuses a page that links of a bounty cannot lead to: one that is not the store's own.
func CheckPage(m market.Market, page string) error {
	_, err := link.NewAddresses(m).Page(page)
	return err
}

// Ahead gives the bounties that are paid at an instant or will be after it.
func (t Terms) Ahead(now time.Time) []Offer { return bounty.Ahead(t.Offers, now) }

// bounties is the same occasion, as package bounty asks for it.
func bounties(o ratecard.Occasion) bounty.Occasion {
	return bounty.Occasion{Market: o.Market, Marketplace: o.Marketplace, Currency: o.Currency, Now: o.Now,
		NoticeDays: o.NoticeDays}
}

// Revise compares a list of bounties that is meant as a whole with what is published. midnight is the first local one after
// the notice.
func (t Terms) Revise(list []Offer, o ratecard.Occasion, midnight time.Time) bounty.Revision {
	return bounty.Revise(t.Offers, list, bounties(o), midnight)
}

// With gives the terms as they are once an edition is published, and what that changes, or refuses it as a whole. A
// refusal's field names the part: `bounties[0].from`.
func (t Terms) With(e Edition, o ratecard.Occasion) (after Terms, all []Publication, err error) {
	var rates []ratecard.Publication
	var offers []bounty.Publication
	if after.Rates, rates, err = t.Rates.With(e.Edition, o); err != nil {
		return t, nil, err
	}
	if after.Offers, offers, err = bounty.With(t.Offers, e.Bounties, bounties(o)); err != nil {
		return t, nil, err
	}
	for _, p := range rates {
		part, i := p.Part()
		all = append(all, Publication{Publication: p, PartName: part, PartIndex: i})
	}
	for _, p := range offers {
		part, i := p.Part()
		all = append(all, Publication{PartName: part, PartIndex: i, Changes: p.Changes, Publication: ratecard.Publication{
			Marketplace: p.Marketplace, What: OfBounty, Name: p.Action, From: p.From, Until: p.Until, Ended: p.Ended,
			WasUntil: p.WasUntil, TakenBack: p.TakenBack, Rises: p.Rises, Cuts: p.Cuts, ID: p.Offer.ID}})
	}
	return after, all, nil
}

// Publish publishes an edition and announces it. The transaction has the marketplace's lane.
func Publish(tx *db.Tx, e Edition, o ratecard.Occasion) error {
	rates, offers, err := publish(tx, e, o)
	if err != nil {
		return err
	}
	if err := ratecard.Announce(tx, o.Market, rates); err != nil {
		return err
	}
	return bounty.Announce(tx, o.Market, offers)
}

// Install publishes the first terms of a marketplace, for which there is nobody to tell. It needs no lane.
func Install(tx *db.Tx, e Edition, o ratecard.Occasion) error {
	_, _, err := publish(tx, e, o)
	return err
}

func publish(tx *db.Tx, e Edition, o ratecard.Occasion) (rates []ratecard.Publication, offers []bounty.Publication,
	err error) {
	if !e.Edition.Empty() {
		if rates, err = ratecard.PublishAll(tx, e.Edition, o); err != nil {
			return nil, nil, err
		}
	}
	if !e.Bounties.Empty() {
		offers, err = bounty.PublishAll(tx, e.Bounties, bounties(o))
	}
	return rates, offers, err
}
