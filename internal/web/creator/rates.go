package creator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/ratecard"
	"tributary/internal/web/ui"
)

// Limits of the page.
const (
	pageBounties = 50
	maxChanges   = 12 // of one coming version; the public page has them all
)

// books keeps what a marketplace pays in memory until its version rises: a card may have thousands of entries, and every
// page of a creator asks what is to come.
type books struct {
	mu   sync.Mutex
	kept map[uint16]keptBook
}

type keptBook struct {
	version int64
	book    *ratecard.Book
}

func (b *books) of(tx *db.Tx, d *desk) (*ratecard.Book, error) {
	b.mu.Lock()
	kept, ok := b.kept[d.Market.No]
	b.mu.Unlock()
	if ok && kept.version == d.Market.Version {
		return kept.book, nil
	}
	book, err := ratecard.LoadBook(tx, d.Market.No)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept == nil {
		b.kept = map[uint16]keptBook{}
	}
	b.kept[d.Market.No] = keptBook{d.Market.Version, book}
	return book, nil
}

// coming is a published version that is still to take effect, with what it changes.
type coming struct {
	version *ratecard.Version
	changes []ratecard.Changed
	cut     bool
}

// comingOf lists what is to come for creators: not what sellers pay.
func comingOf(book *ratecard.Book, now time.Time) (all []coming) {
	for _, kind := range []ratecard.Kind{ratecard.Offsite, ratecard.Onsite, ratecard.Boosted} {
		before := book.Cards.At(kind, now)
		for _, v := range book.Cards.Coming(kind, now) {
			c := coming{version: v, changes: ratecard.Difference(before, v)}
			c.cut = slices.ContainsFunc(c.changes, func(one ratecard.Changed) bool { return one.Turn == ratecard.Fall })
			// What pays less comes first: that is what one must know.
			slices.SortStableFunc(c.changes, func(a, b ratecard.Changed) int { return strings.Compare(string(a.Turn), string(b.Turn)) })
			if len(c.changes) > 0 {
				all = append(all, c)
			}
			before = v
		}
	}
	return all
}

// ratesView is what a creator is paid beside the public card: own contracts, what is to come, bounties.
type ratesView struct {
	*desk
	coming    []coming
	contracts []ratecard.Contract
	offers    []bounty.Offer
	done      []explain.BountyRow
	tracking  []link.Tracking
}

// Rates shows a creator's own rates and bounties.
func (p *Pages) Rates(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Rates", "/creator/rates", func(tx *db.Tx, d *desk) (templ.Component, error) {
		v, err := p.readRates(tx, d)
		return ratesPage(v), err
	})
}

func (p *Pages) readRates(tx *db.Tx, d *desk) (*ratesView, error) {
	v := &ratesView{desk: d}
	book, err := p.books.of(tx, d)
	if err != nil {
		return nil, err
	}
	v.coming = comingOf(book, d.now)
	for _, c := range book.Contracts[d.me.Creator] {
		if c.Until.IsZero() || d.now.Before(c.Until) {
			v.contracts = append(v.contracts, c)
		}
	}
	offers, err := bounty.Load(tx, d.Market.No)
	if err != nil {
		return nil, err
	}
	v.offers = bounty.Current(offers, d.now)
	if v.done, err = explain.Bounties(tx, d.me.Creator, d.Market, pageBounties); err != nil {
		return nil, err
	}
	all, err := link.TrackingOf(tx, []id.ID{d.me.Creator})
	v.tracking = slices.DeleteFunc(all[d.me.Creator], func(t link.Tracking) bool { return t.Market != d.Market.No || !t.Archived.IsZero() })
	return v, err
}

// MakeBountyLink makes the creator's own link of a bounty.
func (p *Pages) MakeBountyLink(w http.ResponseWriter, r *http.Request) error {
	action := strings.TrimSpace(r.PostFormValue("action"))
	var d *desk
	var made link.Link
	err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) (err error) {
		if d, err = p.open(tx, r, "Rates", "/creator/rates"); err != nil {
			return err
		}
		v, err := p.readRates(tx, d)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(v.offers, func(o bounty.Offer) bool { return o.Action == action })
		if i < 0 {
			return fault.Invalidf("bounty", "is not offered here now", "choose one of the list")
		}
		if len(v.tracking) == 0 {
			return fault.Invalidf("tracking", "you have none in this marketplace", "make one on the page of links first")
		}
		o := v.offers[i]
		made, err = link.MakeBounty(tx, d.now, d.Market, d.me.Creator, link.Draft{Tracking: v.tracking[0].ID, Title: o.Name},
			link.Bounty{ID: o.ID, Action: o.Action, Page: o.Page})
		return err
	})
	if err != nil {
		return err
	}
	if err := p.waitForEdge(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, d.inMarket("/creator/links", "made", made.Code), http.StatusSeeOther)
	return nil
}

// Bounty explains a completed action of the creator's.
func (p *Pages) Bounty(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Why", "/creator/rates", func(tx *db.Tx, d *desk) (templ.Component, error) {
		e, err := ownBounty(tx, d, r)
		if err != nil {
			return nil, err
		}
		why := ui.ExplainBounty(e, d.me.Creator.Text(id.Creator), d.Format, d.now)
		d.Title = why.Title
		why.Facts = d.inMarket(r.URL.EscapedPath() + "/facts")
		return bountyPage(d, why), nil
	})
}

// BountyFacts gives the same as JSON.
func (p *Pages) BountyFacts(w http.ResponseWriter, r *http.Request) error {
	var e *explain.Bounty
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "", "")
		if err == nil {
			e, err = ownBounty(tx, d, r)
		}
		return err
	}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(e)
}

// ownBounty reads the explanation of one of the creator's. Somebody else's is as if it did not exist.
func ownBounty(tx *db.Tx, d *desk, r *http.Request) (*explain.Bounty, error) {
	e, err := explain.OneBounty(tx, d.Market.No, r.PathValue("bounty"))
	if err == nil && e.Creator != d.me.Creator.Text(id.Creator) {
		err = fault.New(fault.NotFound, "bounty", "there is no such bounty of yours", "look for it in your list")
	}
	if err != nil {
		return nil, err
	}
	return e.For(d.me.Creator), nil
}

// pays says what an offer is worth.
func (d *desk) pays(o bounty.Offer) string {
	if o.ShareBPS == 0 {
		return d.money(o.Amount)
	}
	text := d.Format.Percent(o.ShareBPS) + " of the value"
	if o.Max > 0 {
		text += ", at most " + d.money(o.Max)
	}
	return text
}

// terms says for whom an offer is, and until when.
func (d *desk) terms(o bounty.Offer) string {
	var parts []string
	if o.NewCustomers {
		parts = append(parts, "new customers only")
	}
	if !o.Until.IsZero() {
		parts = append(parts, "until "+d.Format.Date(o.Until.Add(-1), d.now))
	}
	days := o.WindowDays
	if days == 0 {
		days = int(d.Market.Policy.BountyWindow() / (24 * time.Hour))
	}
	return strings.Join(append(parts, "earned "+ui.Plural(d.Format, int64(days), "day", "days")+" after it is done"), "; ")
}

// bountyState says where a completed bounty stands.
func (d *desk) bountyState(b explain.BountyRow) (text, class string) {
	switch {
	case b.Earned > 0:
		return "earned", "earn"
	case b.Pending > 0:
		return "earned after " + d.Format.Date(b.Ripe, d.now), "wait"
	case b.Reason != "":
		return ui.Reason(string(b.Reason)), ""
	}
	return "nothing", ""
}

// noticeText names what is to come in a line for home.
func (d *desk) noticeText(c coming) (text, more string) {
	text = "Rates change on " + d.Format.Date(c.version.Effective, d.now)
	for i, change := range c.changes {
		if i == 2 {
			return text, more + "; …"
		}
		if i > 0 {
			more += "; "
		}
		more += d.changeText(change)
	}
	return text, more
}

func (d *desk) changeText(c ratecard.Changed) string {
	text := c.Text(d.Market.Currency)
	if rest, ok := strings.CutPrefix(text, "default "); ok {
		return "everything else " + rest
	}
	return text
}

// actionName says what was done, as the offer that runs calls it.
func (v *ratesView) actionName(b explain.BountyRow) string {
	for _, o := range v.offers {
		if o.Action == b.Action {
			return o.Name
		}
	}
	return b.Action
}

// bountyAddress leads to the explanation of a completed action. Ids are the store's: they are escaped.
func (d *desk) bountyAddress(b explain.BountyRow) string {
	return d.inMarket("/creator/bounties/" + url.PathEscape(b.ID))
}
