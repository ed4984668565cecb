package operator

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/ratecard"
)

const atBounties = "/operator/bounties"

// bounties are the offers of a marketplace: those in force and to come, and those that are over.
type bounties struct {
	*desk
	offers, past []offer
}

// offer is a version of what an action pays, with where it stands.
type offer struct {
	bounty.Offer
	state string
	open  bool // its end may still be moved
}

// pays says what a completion brings.
func (o offer) pays(d *desk) string {
	text := d.money(o.Amount)
	if o.ShareBPS != 0 {
		text = d.Format.Percent(o.ShareBPS) + " of the value"
		if o.Max != 0 {
			text += ", at most " + d.money(o.Max)
		}
	}
	return text
}

// Bounties lists the offers; one is published or ended on the same page.
func (p *Pages) Bounties(w http.ResponseWriter, r *http.Request) error {
	return p.see(w, r, bountiesView)
}

var bountiesView = page{"Bounties", atRates, func(tx *db.Tx, d *desk) (templ.Component, error) {
	all, err := bounty.Load(tx, d.Market.No)
	v := &bounties{desk: d}
	for _, one := range all {
		o := offer{Offer: one, open: one.Until.IsZero() || one.Until.After(d.now)}
		in := bounty.At(all, one.Action, d.now)
		switch {
		case !one.Until.IsZero() && !one.Until.After(one.From):
			o.state, o.open = "taken back", false
		case !o.open:
			o.state = "over"
		case one.From.After(d.now):
			o.state = "to come"
		case in != nil && in.ID == one.ID:
			o.state = "in force"
		default:
			o.state = "replaced"
		}
		if o.open {
			v.offers = append(v.offers, o)
		} else {
			v.past = append(v.past, o)
		}
	}
	slices.SortFunc(v.offers, func(a, b offer) int { return cmp.Or(cmp.Compare(a.Action, b.Action), a.From.Compare(b.From)) })
	slices.SortFunc(v.past, func(a, b offer) int { return b.Until.Compare(a.Until) })
	return bountiesPage(v), err
}}

// PublishBounty makes an offer the next version of its action.
func (p *Pages) PublishBounty(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, bountiesView, func(d *desk) (string, error) {
		o, err := d.readOffer()
		if err != nil {
			return "", err
		}
		// Where its links lead is one of the store's own pages: they carry the operator's name.
		if _, err := link.NewAddresses(d.Market).Page(o.Page); err != nil {
			f := *fault.Of(err)
			f.Field = "page"
			return "", &f
		}
		err = p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			_, err := bounty.Publish(tx, d.Market.No, o, p.Clock.Now(), d.Market.Policy.Notice())
			return err
		})
		return d.inMarket(atBounties, "said", "published"), err
	})
}

// readOffer reads the form. An offer pays an amount or a share, whichever field is filled.
func (d *desk) readOffer() (o bounty.Offer, err error) {
	o = bounty.Offer{Action: d.sent("action"), Name: d.sent("name"), Page: d.sent("page"), NewCustomers: d.sent("new") != ""}
	if o.Amount, err = d.amount("amount"); err != nil {
		return o, err
	}
	if text := d.sent("share"); text != "" {
		if o.ShareBPS, err = ratecard.ParsePercent("share", text); err != nil {
			return o, err
		}
	}
	if o.Max, err = d.amount("max"); err != nil {
		return o, err
	}
	if o.WindowDays, err = d.whole("window_days", 10_000); err != nil {
		return o, err
	}
	if o.From, err = d.day("from", 0); err != nil {
		return o, err
	}
	o.Until, err = d.day("until", 1)
	return o, err
}

// EndBounty moves an offer's end to the last day that the form names; what has not begun is taken back.
func (p *Pages) EndBounty(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, bountiesView, func(d *desk) (string, error) {
		which, err := id.Parse("bounty", id.Bounty, r.PathValue("bounty"))
		if err != nil {
			return "", err
		}
		until, err := d.day("last", 1)
		if err == nil && until.IsZero() {
			err = fault.Invalidf("last", "is empty", "write the last day on which it is paid")
		}
		if err != nil {
			return "", err
		}
		err = p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			_, err := bounty.End(tx, d.Market.No, which, until, p.Clock.Now(), d.Market.Policy.Notice())
			return err
		})
		return d.inMarket(atBounties, "said", "ended"), err
	})
}
