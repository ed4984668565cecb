package accrual

import (
	"sort"

	"tributary/internal/commission"
	"tributary/internal/id"
	"tributary/internal/ledger"
)

// Leg is one transfer of a decision, before it has its subject and version. Legs come in a fixed order, so that their
// numbers are the same whenever they are worked out again.
type Leg struct {
	Component     string
	Debit, Credit ledger.Account
	Amount        int64
}

// The components of a line's postings, and of what follows from lines.
const (
	ComponentCommission = "commission"
	ComponentPromotion  = "promotion"
	ComponentFee        = "fee"
	ComponentVolume     = "volume"
	ComponentBounty     = "bounty"
	ComponentAdjustment = "adjustment"
	ComponentClose      = "close"
)

// SellerAccount gives the other side of a seller's fees.
func SellerAccount(seller, marketplace string) ledger.Account {
	return ledger.Account("seller/" + subjectPart.Replace(seller) + "/" + marketplace)
}

// CreatorAccount gives a creator's account in a marketplace: `pending`, `payable`, `held`, `in_payment`.
func CreatorAccount(creator id.ID, marketplace, name string) ledger.Account {
	return ledger.Account("creator/" + creator.Text(id.Creator) + "/" + marketplace + "/" + name)
}

// EarnedAccount gives the account of a month.
func EarnedAccount(creator id.ID, marketplace, month string) ledger.Account {
	return CreatorAccount(creator, marketplace, "earned/"+month)
}

// OperatorAccount gives the operator's side.
func OperatorAccount(marketplace, name string) ledger.Account {
	return ledger.Account("operator/" + marketplace + "/" + name)
}

// Legs gives the transfers that bring the ledger from what one creator holds of a line to what they should: first the
// pending account by the change of P + E, the part at the base rate and the promotion's part, then each month, oldest
// first, against pending.
func Legs(creator id.ID, marketplace string, from, to commission.Posted) []Leg {
	pending := CreatorAccount(creator, marketplace, "pending")
	legs := move(nil, ComponentCommission, OperatorAccount(marketplace, "commission"), pending, to.Total-to.Promo-from.Total+from.Promo)
	legs = move(legs, ComponentPromotion, OperatorAccount(marketplace, "promotion"), pending, to.Promo-from.Promo)
	return monthLegs(legs, ComponentCommission, creator, marketplace, from.Months, to.Months)
}

// monthLegs moves what months gain from pending, and what they lose back, oldest first.
func monthLegs(legs []Leg, component string, creator id.ID, marketplace string, from, to map[string]int64) []Leg {
	months := make([]string, 0, len(from)+len(to))
	for month := range from {
		months = append(months, month)
	}
	for month := range to {
		if _, both := from[month]; !both {
			months = append(months, month)
		}
	}
	sort.Strings(months)
	for _, month := range months {
		legs = move(legs, component, CreatorAccount(creator, marketplace, "pending"), EarnedAccount(creator, marketplace, month), to[month]-from[month])
	}
	return legs
}

// Transition gives all transfers of a new version of a line: where the creator changes, everything that the old one held
// goes back first. The seller's fee comes last: it does not ask who is credited.
func Transition(marketplace string, before commission.Basis, held commission.Posted, after commission.Basis, target commission.Posted) []Leg {
	var legs []Leg
	if before.Creator == after.Creator || held.Total == 0 && len(held.Months) == 0 {
		from := held
		if before.Creator != after.Creator {
			from = commission.Posted{}
		}
		legs = Legs(after.Creator, marketplace, from, target)
	} else {
		legs = Legs(before.Creator, marketplace, held, commission.Posted{})
		legs = append(legs, Legs(after.Creator, marketplace, commission.Posted{}, target)...)
	}
	seller := after.Seller
	if seller == "" {
		seller = before.Seller // the order is unpaid again, or was moved to before the schedule
	}
	return move(legs, ComponentFee, SellerAccount(seller, marketplace), OperatorAccount(marketplace, "fees"), target.Fee-held.Fee)
}

func move(legs []Leg, component string, from, to ledger.Account, amount int64) []Leg {
	switch {
	case amount > 0:
		return append(legs, Leg{component, from, to, amount})
	case amount < 0:
		return append(legs, Leg{component, to, from, -amount})
	}
	return legs
}
