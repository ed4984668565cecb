package rerate

import (
	"time"

	"tributary/internal/attribution"
	"tributary/internal/commission"
	"tributary/internal/order"
	"tributary/internal/ratecard"
)

// Row is what a line's row alone says of it, without the facts of its decision.
type Row struct {
	Basis    commission.Basis
	Events   []order.Applied
	Held     commission.Posted
	Reason   string
	At       int64 // ordered, microseconds
	SKU      string
	Category string // clean path; known where the line is credited and comes to something
	Quantity int64
	Net      int64
	Digital  bool
}

// byRow is what a draft of rates says of lines whose facts are not read. Most lines need none: who is credited does not
// hang on rates, and what the rates ask for stands in the row.
type byRow struct {
	able    bool              // rules are not tried, and fees stay
	offsite bool              // nothing else is priced at present: what is paid was paid for a click or a coupon
	kept    bool              // cards for clicks stay
	single  *ratecard.Version // or one card holds for all instants
	touch   [1]attribution.Touch
}

func (d *Draft) lookAtRows() (b byRow) {
	b.able = d.rules == (Rules{}) && !d.changes.fees
	b.offsite = true
	for _, v := range d.present.Cards {
		b.offsite = b.offsite && (v.Kind == ratecard.Offsite || v.Kind == ratecard.SellerFee)
	}
	for _, list := range d.present.Contracts {
		for _, c := range list {
			b.offsite = b.offsite && c.Kind == ratecard.Offsite
		}
	}
	was, would := cardsFor(d.present, ratecard.Offsite), cardsFor(d.book, ratecard.Offsite)
	b.kept = sameCards(was, would)
	if len(would) == 1 {
		b.single = would[0]
	}
	return b
}

// clickReach is how long before an order the click may lie whose card applies: beyond what any policy allows.
const clickReach = 400 * 24 * time.Hour

// Row says the same as Line from the row alone; known is false where it takes the facts.
func (d *Draft) Row(r Row, now time.Time) (was, would Outcome, known bool) {
	was = Outcome{Basis: r.Basis, Commission: r.Held.Total, Promotion: r.Held.Promo, Fee: r.Held.Fee, Bases: r.Held.Bases, Why: r.Reason}
	switch {
	case !d.rows.able:
		return was, was, false
	case !d.changes.any() || !r.Basis.Credited:
		return was, was, true
	}
	switch r.Basis.Reason {
	case "":
	case attribution.SelfPurchase, attribution.RelatedBuyer, attribution.Resale, attribution.PolicyViolation, attribution.ZeroPrice:
		return was, was, true // whatever the rate
	default:
		return was, was, false
	}
	basis, known := d.priceRow(r)
	if !known || basis == r.Basis {
		return was, was, known
	}
	terms := order.Terms{Quantity: r.Quantity, Net: r.Net, OrderedAt: r.At}
	return settle(r.Basis, terms, r.Events, now), settle(basis, terms, r.Events, now), true
}

// priceRow credits a line that was paid for a click or a coupon once more to the same creator. Its facts are stood in for
// by what decides its price.
func (d *Draft) priceRow(r Row) (commission.Basis, bool) {
	b := &d.rows
	ordered := time.UnixMicro(r.At).UTC()
	switch {
	case r.Digital, !b.offsite && !r.Basis.Volume, r.Basis.BPS == r.Basis.Boost, // a promotion pays where no card does, for views too
		len(d.present.Contracts[r.Basis.Creator])+len(d.book.Contracts[r.Basis.Creator]) > 0:
		return r.Basis, false
	case !b.kept && (b.single == nil || b.single.Effective.After(ordered.Add(-clickReach))):
		return r.Basis, false
	}
	b.touch[0] = attribution.Touch{Creator: r.Basis.Creator, Program: r.Basis.Program, Tracking: r.Basis.Tracking, Link: r.Basis.Link,
		At: r.At, ActiveThen: true, ActiveNow: true}
	if r.Basis.Direct {
		b.touch[0].Landed = 1
	}
	f := commission.Facts{Zone: r.Basis.Zone, SKU: r.SKU, Category: r.Category, Quantity: r.Quantity, Net: r.Net,
		Line: attribution.Line{OrderedAt: r.At}, Touches: b.touch[:]}
	f.Policy.LapseDays, f.Policy.HoldDays = r.Basis.LapseDays, r.Basis.HoldDays
	commission.Price(&f, d.book)
	if d.changes.newcomers {
		newcomer := f
		newcomer.NewCustomer = true
		commission.Price(&newcomer, d.book)
		if one, other := f.Price(), newcomer.Price(); one.Final != other.Final || one.Base != other.Base {
			return r.Basis, false
		}
	}
	if b.kept {
		f.Rate = &ratecard.Rate{BPS: r.Basis.BPS - r.Basis.Boost, Cap: r.Basis.Cap}
	}
	if !d.changes.volumes {
		f.Volume = r.Basis.Volume
	}
	basis, _ := commission.Credit(f)
	basis.Seller, basis.FeeBPS, basis.FeeLeast = r.Basis.Seller, r.Basis.FeeBPS, r.Basis.FeeLeast
	return basis, true
}
