package demo

import (
	"time"

	"tributary/internal/auth"
	"tributary/internal/bounty"
	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/demo/catalog"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// settleTerms publishes what a marketplace pays beside its first card: cards for views and of sellers' fees, a version that
// is still to come with a cut and a rise, promotions, a contract, volume tiers, bounties, coupons. All of it stands before
// anything is ordered, as the rules of publishing want it.
func settleTerms(tx *db.Tx, m market.Market, w *World, at, end time.Time) error {
	for _, kind := range []ratecard.Kind{ratecard.Offsite, ratecard.Onsite, ratecard.Boosted, ratecard.SellerFee} {
		card := ratecard.Shipped(kind)
		card.Effective = at
		if _, err := ratecard.Publish(tx, m.No, card, at, 0); err != nil {
			return err
		}
	}
	if _, err := ratecard.Publish(tx, m.No, nextCard(midnight(m, end, 21)), at, m.Policy.Notice()); err != nil {
		return err
	}
	for _, p := range []ratecard.Promotion{
		{Name: "Autumn kitchens", From: midnight(m, end, -24), Until: midnight(m, end, 8), Categories: []string{"Home > Kitchen"}, Change: ratecard.Multiply, Value: 15_000},
		{Name: "A week of books", From: midnight(m, end, -40), Until: midnight(m, end, -33), Categories: []string{"Books"}, Change: ratecard.Set, Value: 800},
		{Name: "Welcome, new customers", From: midnight(m, end, 5), Until: midnight(m, end, 35), Change: ratecard.Add, Value: 100, NewCustomers: true},
	} {
		if _, err := ratecard.PublishPromotion(tx, m.No, p, at, m.Policy.Notice()); err != nil {
			return fault.Wrap(err, "promotion "+p.Name)
		}
	}
	contract := ratecard.Contract{Creator: w.Creators[1].ID, Kind: ratecard.Offsite, BPS: 600, From: midnight(m, at, 2)}
	if _, err := ratecard.PublishContract(tx, m.No, contract, at, m.Policy.Notice()); err != nil {
		return fault.Wrap(err, "contract")
	}
	tiers := ratecard.Volume{From: string(m.Month(at).Next()), Bands: []ratecard.Band{{Above: 100_000, Extra: 50}, {Above: 400_000, Extra: 100}}}
	if _, err := ratecard.PublishVolume(tx, m.No, m.Location(), tiers, at, m.Policy.Notice()); err != nil {
		return fault.Wrap(err, "volume tiers")
	}
	for _, offer := range bounty.Shipped(m.ID, at) {
		if _, err := bounty.Publish(tx, m.No, offer, at, m.Policy.Notice()); err != nil {
			return fault.Wrap(err, "bounty "+offer.Action)
		}
	}
	return nil
}

// nextCard is the version that creators read of before it takes effect.
func nextCard(effective time.Time) ratecard.Card {
	card := ratecard.Shipped(ratecard.Offsite)
	card.Effective = effective
	for i := range card.Entries {
		switch card.Entries[i].Category {
		case "Home > Kitchen":
			card.Entries[i].BPS = 400
		case "Toys", "Baby":
			card.Entries[i].BPS = 350
		case "Computers":
			card.Entries[i].Cap = 2500
		}
	}
	return card
}

// midnight is the beginning of a local day, some days after an instant.
func midnight(m market.Market, at time.Time, days int) time.Time {
	year, month, day := at.In(m.Location()).Date()
	return time.Date(year, month, day+days, 0, 0, 0, 0, m.Location()).UTC()
}

// settleExtras gives some creators what not all have: a coupon, a place among influencers, links of bounties.
func settleExtras(tx *db.Tx, m market.Market, w *World, at time.Time) error {
	for i := range w.Creators[:5] {
		c := &w.Creators[i]
		if len(c.Tracking[m.ID]) == 0 {
			continue
		}
		blog := c.Tracking[m.ID][0]
		code := c.handle + "10"
		if err := link.OpenCoupon(tx, link.Coupon{Market: m.No, Code: code, Creator: c.ID, Program: blog.Program, Tracking: blog.ID, Since: at}); err != nil {
			return err
		}
		c.coupon = code
		for _, offer := range bounty.Shipped(m.ID, at)[:1] {
			offers, err := bounty.Load(tx, m.No)
			if err != nil {
				return err
			}
			o := bounty.At(offers, offer.Action, at)
			made, err := link.MakeBounty(tx, at, m, c.ID, link.Draft{Tracking: blog.ID, Title: o.Name}, link.Bounty{ID: o.ID, Action: o.Action, Page: o.Page})
			if err != nil {
				return err
			}
			c.bounties[m.ID] = made
		}
		if i%2 != 0 || m.ID != catalog.US {
			continue
		}
		key := enrolment.Key{Market: m.No, Creator: c.ID, Program: enrolment.Influencer}
		if err := enrolment.SaveTold(tx, key, enrolment.Standing{Since: at, State: enrolment.Active, Reason: "joined"}); err != nil {
			return err
		}
		t, err := link.OpenNext(tx, link.Tracking{ID: id.New(at), Creator: c.ID, Program: click.Influencer, Market: m.No, Name: "videos", Created: at}, c.handle+"-video")
		if err != nil {
			return err
		}
		c.videos = &t
	}
	return nil
}

// staff are the operator's people beside the first one, so that a second person is there to agree.
var staff = []auth.Principal{{Name: "Rosa Field", Role: auth.Finance}, {Name: "Ned Quist", Role: auth.Reviewer}, {Name: "Ivy Okoro", Role: auth.Support}}
