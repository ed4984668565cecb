package rerate

import (
	"tributary/internal/commission"
	"tributary/internal/policy"
)

// Unsaid is why it cannot be said what a line would come to: its facts lack what the draft asks for. The codes are stable.
type Unsaid string

// The reasons.
const (
	UnitsNotCounted  Unsaid = "units_not_counted"     // the resale rule asks for units in a window that nobody counted
	PaymentNotKnown  Unsaid = "payment_not_known"     // whether and when other orders, or this one, were paid for
	ViewsNotKnown    Unsaid = "short_views_not_known" // views below the length that counted have left no trace
	VariationUnknown Unsaid = "variation_not_known"   // of what was viewed or bought
	FactsTooOld      Unsaid = "facts_too_old"         // the decision was made before sellers and new customers were facts
)

// Words say each reason to a person.
var Words = map[Unsaid]string{
	UnitsNotCounted:  "how many units of the product the shopper ordered in that window was not counted",
	PaymentNotKnown:  "when orders were paid for was not asked",
	ViewsNotKnown:    "views shorter than those that counted have left no trace",
	VariationUnknown: "which variation was viewed or bought was not kept",
	FactsTooOld:      "the seller, and whether the customer was new, were not kept then",
}

// withSellers is the first form of facts that holds sellers, new customers and variations.
const withSellers = 2

// lacking says what a policy asks of facts that were gathered under their own.
func lacking(f *commission.Facts, p policy.Policy, fees bool) Unsaid {
	old := f.Policy
	if p.AwaitPayment != old.AwaitPayment && (len(f.Touches) > 0 || f.Fee != nil || fees && f.Seller != "") {
		return PaymentNotKnown
	}
	if p.View() < old.View() {
		return ViewsNotKnown
	}
	if p.ViewScope == policy.ScopeVariation && old.ViewScope != policy.ScopeVariation && f.Line.Product == 0 {
		for _, t := range f.Touches {
			if t.View {
				return VariationUnknown
			}
		}
	}
	return ""
}

func (d *Draft) tooOld(f *commission.Facts) Unsaid {
	if f.Form < withSellers && (d.changes.fees || d.changes.newCustomers) {
		return FactsTooOld
	}
	return ""
}

// resale judges anew where the window of the resale rule is another than the one in which units were counted: what was
// counted bounds what there can have been, and mostly that is enough.
func resale(f, decided *commission.Facts, basis commission.Basis) (commission.Basis, Unsaid) {
	p, old := f.Policy, decided.Policy
	if p.ResaleUnits == old.ResaleUnits && p.ResaleDays == old.ResaleDays {
		return basis, ""
	}
	counted := old.ResaleUnits > 0 && f.Buyer.Units > 0
	if p.ResaleUnits == 0 || !f.Buyer.Known || counted && p.ResaleDays == old.ResaleDays {
		return basis, ""
	}
	least, most, limit := f.Quantity, int64(1)<<62, int64(p.ResaleUnits)
	switch {
	case counted && p.ResaleDays > old.ResaleDays:
		least = f.Buyer.Units
	case counted:
		most = f.Buyer.Units
	}
	own := *f
	switch {
	case least > limit:
		own.Buyer.Units = least
	case most <= limit:
		own.Buyer.Units = most
	default:
		own.Buyer.Units = 0
		if basis, _ := commission.Credit(own); basis.Credited && basis.Reason == "" {
			return basis, UnitsNotCounted
		}
	}
	basis, _ = commission.Credit(own)
	return basis, ""
}
