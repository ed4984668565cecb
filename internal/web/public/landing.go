package public

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/ratecard"
	"tributary/internal/web/ui"
)

// terms are the numbers of a marketplace as these pages tell them: those in force now, nothing of its own.
type terms struct {
	market.Market
	now    time.Time
	format ui.Format
	card   *ratecard.Version // of purchases; nil: none is in force
	coming *ratecard.Version // the next one that is published; nil: none
}

// readTerms reads a marketplace's public numbers.
func (p *Pages) readTerms(tx *db.Tx, d *desk) (terms, error) {
	t := terms{Market: d.Market, now: p.Clock.Now(), format: d.Format}
	cards, err := ratecard.Load(tx, d.Market.No)
	if err != nil {
		return t, err
	}
	t.card = cards.At(ratecard.Offsite, t.now)
	if coming := cards.Coming(ratecard.Offsite, t.now); len(coming) > 0 {
		t.coming = coming[0]
	}
	return t, nil
}

// best is the highest rate of the card, with what it is paid on.
func (t terms) best() (bps int64, on string) {
	if t.card == nil {
		return 0, ""
	}
	bps, on = t.card.Default, "everything"
	for _, e := range t.card.Entries {
		if e.BPS > bps && e.SKU == "" {
			bps, on = e.BPS, e.Category
		}
	}
	return bps, on
}

// rates says in a few words what is paid.
func (t terms) rates() string {
	bps, _ := t.best()
	switch {
	case bps == 0:
		return "by the rate card"
	case bps == t.card.Default:
		return t.format.Percent(bps)
	}
	return "up to " + t.format.Percent(bps)
}

// percent writes the rate of what no entry names.
func (t terms) rest() string { return t.format.Percent(t.card.Default) }

// Days of the rules, in digits.
func (t terms) hold() string    { return strconv.Itoa(t.Policy.HoldDays) }
func (t terms) session() string { return strconv.Itoa(t.Policy.SessionHours) }
func (t terms) cart() string    { return strconv.Itoa(t.Policy.CartDays) }
func (t terms) trial() string   { return strconv.Itoa(t.Admission.Trial()) }
func (t terms) wanted() string  { return strconv.Itoa(t.Admission.Wanted()) }
func (t terms) review() string  { return strconv.Itoa(t.Admission.Review()) }
func (t terms) notice() string  { return strconv.Itoa(t.Policy.Notice()) }

// offered tells whether a program runs in the marketplace.
func (t terms) offered(program enrolment.Program) bool {
	switch program {
	case enrolment.Influencer:
		return !t.Admission.NoSocial
	case enrolment.Connections:
		return t.Admission.Connections
	}
	return true
}

// bronze is what a quarter must show before connections opens.
func (t terms) bronze() (clicks, revenue string) {
	c, r := t.Admission.Bronze()
	return t.format.Count(c), t.format.Money(r, t.Currency)
}

// sale is what an example's shopper pays: a hundred of the currency, so that the share can be checked in the head.
const sale = 100

// example follows one sale that is made today: by the rates and the rules in force.
type example struct {
	price, earns, rate, where string
	payable                   string // a date
	month                     string
	reaches                   []ui.Reach
}

// example works out what a sale of today would earn, and when it would be paid.
func (t terms) example() (e example, ok bool) {
	if t.card == nil {
		return e, false
	}
	bps, where := t.card.Default, "most things"
	if bps == 0 {
		if bps, where = t.best(); bps == 0 {
			return e, false
		}
	}
	price := int64(sale)
	for range money.Digits(t.Currency) {
		price *= 10
	}
	earns := money.Share(price, bps)
	month := t.Month(t.now)
	e = example{price: t.format.Money(price, t.Currency), earns: t.format.Money(earns, t.Currency), rate: t.format.Percent(bps), where: where,
		month: t.format.Month(month, t.now), payable: t.format.Date(month.Payable(t.Location(), t.Policy.HoldDays), t.now)}
	e.reaches = []ui.Reach{
		{Label: "A shopper clicks", Amount: t.session() + " h", Note: "counts this long, and " + t.cart() + " days for what is in the cart", Value: earns / 8},
		{Label: "and buys for " + e.price, Amount: e.earns, Note: e.rate + " is yours, pending", Value: earns / 2},
		{Label: "It is shipped", Amount: e.earns, Note: "earned, in " + e.month, Value: earns},
		{Label: "Returns have come in", Amount: e.earns, Note: "payable on " + e.payable, Value: earns, Due: true},
	}
	return e, true
}

// landing is the page that a visitor sees first.
type landing struct {
	*desk
	terms
	sale    example
	hasSale bool
}

// Landing is the product's front door. Whoever has signed in goes to the own first page.
func (p *Pages) Landing(w http.ResponseWriter, r *http.Request) error {
	if ui.Who(r).ID != 0 {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return nil
	}
	var v *landing
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, r.FormValue("market"), "Creator programs")
		if err != nil {
			return err
		}
		v = &landing{desk: d}
		v.terms, err = p.readTerms(tx, d)
		v.sale, v.hasSale = v.example()
		return err
	})
	if err != nil {
		return err
	}
	return ui.Send(w, r, landingPage(v))
}

// glance is a program in a card.
type glance struct {
	program    enrolment.Program
	name       string
	best, pays string
	begin      string // what it takes
	away       bool   // it is not offered here
}

// glances are the three programs in a few words.
func (t terms) glances() []glance {
	clicks, revenue := t.bronze()
	influencer := glance{enrolment.Influencer, "Influencer", "For social accounts", "One storefront address, shared wherever you are, print and private messages included.",
		"Connect YouTube, Instagram, TikTok or Facebook. There is no follower minimum.", !t.offered(enrolment.Influencer)}
	connections := glance{enrolment.Connections, "Connections", "For work with brands", "Campaigns that pay a brand's bonus beside the commission.",
		"Opens by itself once you are active in another program: " + clicks + " clicks or " + revenue + " shipped in a quarter.",
		!t.offered(enrolment.Connections)}
	return []glance{{enrolment.Associates, "Associates", "For sites, blogs, apps and channels", "Links to any product or page, in articles, videos and newsletters.",
		"Prove that a site is yours, and links earn at once. " + t.wanted() + " sales in " + t.trial() + " days make it lasting.", false}, influencer, connections}
}

// inMarket keeps the marketplace in an address.
func (d *desk) inMarket(path string, more ...string) string {
	if len(d.Markets) > 1 {
		more = append([]string{"market", d.Market.ID}, more...)
	}
	return ui.Link(path, nil, more...)
}

// Sizes of the drawing in which three streams become one river.
const (
	mergeLength = 1200
	mergeHeight = 170
	streamApart = 24 // less than a stream is wide, so that nothing shows between them
)

// stream draws the middle of one of the three: from its card down to its place in the river.
func stream(i int) string {
	from, to := (2*i+1)*mergeLength/6, mergeLength/2+(i-1)*streamApart
	return fmt.Sprintf("M%d 0C%d %d %d %d %d %d", from, from, mergeHeight*3/5, to, mergeHeight*2/5, to, mergeHeight)
}
