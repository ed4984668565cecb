package rerate

import (
	"slices"
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
	able   bool                // rules are not tried, and fees stay
	alone  bool                // what is tried says nothing of lines of which no touch could be read
	kept   bool                // cards for clicks stay
	single *ratecard.Version   // or one card holds for all instants
	views  []*ratecard.Version // cards for views, at present
	touch  [1]attribution.Touch
}

func (d *Draft) lookAtRows() (b byRow) {
	b.able = d.rules == (Rules{}) && !d.changes.fees
	b.alone = !d.changes.fees && d.rules.ViewSeconds == nil && d.rules.ViewScope == nil && d.rules.AwaitPayment == nil &&
		d.rules.PaidEarns == nil
	b.views = append(cardsFor(d.present, ratecard.Onsite), cardsFor(d.present, ratecard.Boosted)...)
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
	was = Outcome{Basis: r.Basis, Commission: r.Held.Total, Promotion: r.Held.Promo, Fee: r.Held.Fee, Bases: r.Held.Bases,
		Why: r.Reason}
	reason := r.Basis.Reason
	switch {
	case d.rows.alone && !r.Basis.Credited && (reason == attribution.NoTouch || reason == attribution.BadToken) &&
		(d.rules.LapseDays == nil || r.Basis.Seller == ""): // units that lapse carry no fee
		return was, was, true
	case !d.rows.able:
		return was, was, false
	case !d.changes.any() || !r.Basis.Credited:
		return was, was, true
	}
	switch reason {
	case "":
	case attribution.SelfPurchase, attribution.RelatedBuyer, attribution.Resale, attribution.PolicyViolation,
		attribution.ZeroPrice:
		return was, was, true // whatever the rate
	default:
		return was, was, false
	}
	basis, known := d.priceRow(r)
	if !known || basis == r.Basis {
		return was, was, known
	}
	terms := order.Terms{Quantity: r.Quantity, Net: r.Net, OrderedAt: r.At}
	was, would, _ = d.settle(was, basis, terms, r.Events, now)
	return was, would, true
}

// mayBeView tells whether a view may have earned the line: where no card for views pays its rate under its cap, it was a
// click or a coupon. Without a rate it cannot be told, since a promotion pays where no card does.
func (d *Draft) mayBeView(r Row) bool {
	base := r.Basis.BPS - r.Basis.Boost
	return base == 0 || slices.ContainsFunc(d.rows.views, func(v *ratecard.Version) bool {
		rate := v.Lookup(r.Category, r.SKU)
		return rate.BPS == base && rate.Cap == r.Basis.Cap
	})
}

// priceRow credits a line that was paid for a click or a coupon once more to the same creator. Its facts are stood in for
// by what decides its price.
func (d *Draft) priceRow(r Row) (commission.Basis, bool) {
	b := &d.rows
	ordered := time.UnixMicro(r.At).UTC()
	switch {
	case r.Digital, !r.Basis.Volume && d.mayBeView(r),
		len(d.present.Contracts[r.Basis.Creator])+len(d.book.Contracts[r.Basis.Creator]) > 0:
		return r.Basis, false
	case !b.kept && (b.single == nil || b.single.Effective.After(ordered.Add(-clickReach))):
		return r.Basis, false
	}
	b.touch[0] = attribution.Touch{Creator: r.Basis.Creator, Program: r.Basis.Program, Tracking: r.Basis.Tracking,
		Link: r.Basis.Link, At: r.At,
		ActiveThen: true, ActiveNow: true}
	f := commission.Facts{Zone: r.Basis.Zone, SKU: r.SKU, Category: r.Category, Quantity: r.Quantity, Net: r.Net,
		Line: attribution.Line{OrderedAt: r.At}, Touches: b.touch[:]}
	if r.Basis.Direct {
		b.touch[0].Landed, b.touch[0].Place, f.Line.Place = 1, 1, 1
	}
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
