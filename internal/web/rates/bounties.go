package rates

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
	"tributary/internal/web/staff"
)

// bounties are the offers of a marketplace: those in force and to come, and those that are over.
type bounties struct {
	*staff.Desk
	offers, past []offer
}

// offer is a version of what an action pays, with where it stands.
type offer struct {
	bounty.Offer
	state string
	open  bool // its end may still be moved
}

// pays says what a completion brings.
func (o offer) pays(d *staff.Desk) string {
	text := d.Money(o.Amount)
	if o.ShareBPS != 0 {
		text = d.Format.Percent(o.ShareBPS) + " of the value"
		if o.Max != 0 {
			text += ", at most " + d.Money(o.Max)
		}
	}
	return text
}

// Bounties lists the offers; one is published or ended on the same page.
func (p *Pages) Bounties(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, bountiesView)
}

var bountiesView = staff.Page{Title: "Bounties", Current: staff.AtRates,
	Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		all, err := bounty.Load(tx, d.Market.No)
		v := &bounties{Desk: d}
		for _, one := range all {
			o := offer{Offer: one, open: one.Until.IsZero() || one.Until.After(d.Now)}
			in := bounty.At(all, one.Action, d.Now)
			switch {
			case !one.Until.IsZero() && !one.Until.After(one.From):
				o.state, o.open = "taken back", false
			case !o.open:
				o.state = "over"
			case one.From.After(d.Now):
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
	return p.Take(w, r, bountiesView, func(d *staff.Desk) (string, error) {
		o, err := readOffer(d)
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
			return publishBounty(tx, d, bounty.Edition{Offers: []bounty.Offer{o}}, func() error {
				made, err := bounty.Publish(tx, d.Market.No, o, d.Now, d.Market.Policy.Notice())
				if err != nil {
					return err
				}
				return d.Note(tx, "bounty.published", "bounty/"+d.Market.ID+"/"+made.Action, 0, "", made)
			})
		})
		return d.InMarket(staff.AtBounties, "said", "published"), err
	})
}

// readOffer reads the form. An offer pays an amount or a share, whichever field is filled.
func readOffer(d *staff.Desk) (o bounty.Offer, err error) {
	o = bounty.Offer{Action: d.Sent("action"), Name: d.Sent("name"), Page: d.Sent("page"), NewCustomers: d.Sent("new") != ""}
	if o.Amount, err = d.AmountOf("amount"); err != nil {
		return o, err
	}
	if text := d.Sent("share"); text != "" {
		if o.ShareBPS, err = ratecard.ParsePercent("share", text); err != nil {
			return o, err
		}
	}
	if o.Max, err = d.AmountOf("max"); err != nil {
		return o, err
	}
	if o.WindowDays, err = d.WholeOf("window_days", 10_000); err != nil {
		return o, err
	}
	if o.From, err = d.DayOf("from", 0); err != nil {
		return o, err
	}
	o.Until, err = d.DayOf("until", 1)
	return o, err
}

// EndBounty moves an offer's end to the last day that the form names; what has not begun is taken back.
func (p *Pages) EndBounty(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, bountiesView, func(d *staff.Desk) (string, error) {
		which, err := id.Parse("bounty", id.Bounty, r.PathValue("bounty"))
		if err != nil {
			return "", err
		}
		until, err := d.DayOf("last", 1)
		if err == nil && until.IsZero() {
			err = fault.Invalidf("last", "is empty", "write the last day on which it is paid")
		}
		if err != nil {
			return "", err
		}
		err = p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			return publishBounty(tx, d, bounty.Edition{Ends: []bounty.EndAt{{ID: which, Until: until}}}, func() error {
				ended, err := bounty.End(tx, d.Market.No, which, until, d.Now, d.Market.Policy.Notice())
				if err != nil {
					return err
				}
				return d.Note(tx, "bounty.ended", "bounty/"+d.Market.ID+"/"+ended.Action, 0, "", map[string]any{"until": until})
			})
		})
		return d.InMarket(staff.AtBounties, "said", "ended"), err
	})
}
