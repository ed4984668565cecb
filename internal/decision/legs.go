package decision

import (
	"sort"

	"tributary/internal/bounty"
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
	legs := Move(nil, ComponentCommission, OperatorAccount(marketplace, "commission"), pending, to.Total-to.Promo-from.Total+from.Promo)
	legs = Move(legs, ComponentPromotion, OperatorAccount(marketplace, "promotion"), pending, to.Promo-from.Promo)
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
		legs = Move(legs, component, CreatorAccount(creator, marketplace, "pending"), EarnedAccount(creator, marketplace, month), to[month]-from[month])
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
	return Move(legs, ComponentFee, SellerAccount(seller, marketplace), OperatorAccount(marketplace, "fees"), target.Fee-held.Fee)
}

// Move adds the transfer of an amount from one account to another, or back where it is below zero.
func Move(legs []Leg, component string, from, to ledger.Account, amount int64) []Leg {
	switch {
	case amount > 0:
		return append(legs, Leg{component, from, to, amount})
	case amount < 0:
		return append(legs, Leg{component, to, from, -amount})
	}
	return legs
}

// BountyLegs gives the transfers of a step: where the creator changes, everything that the old one held goes back first.
func BountyLegs(marketplace string, s *bounty.Step) []Leg {
	if s.Before.Creator == s.After.Creator {
		return bountyLegs(nil, s.After.Creator, marketplace, s.From, s.To)
	}
	legs := bountyLegs(nil, s.Before.Creator, marketplace, s.From, bounty.Posted{})
	return bountyLegs(legs, s.After.Creator, marketplace, bounty.Posted{}, s.To)
}

func bountyLegs(legs []Leg, creator id.ID, marketplace string, from, to bounty.Posted) []Leg {
	legs = Move(legs, ComponentBounty, OperatorAccount(marketplace, "bounty"), CreatorAccount(creator, marketplace, "pending"), to.Total-from.Total)
	return monthLegs(legs, ComponentBounty, creator, marketplace, from.Months, to.Months)
}

// VolumeLegs pays the change of a month's extra, never through pending.
func VolumeLegs(creator id.ID, marketplace, month string, change int64) []Leg {
	return Move(nil, ComponentVolume, OperatorAccount(marketplace, "promotion"), EarnedAccount(creator, marketplace, month), change)
}

// Legs gives an adjustment's transfer, to the creator's payable balance.
func (a Adjustment) Legs(marketplace string) []Leg {
	return Move(nil, ComponentAdjustment, OperatorAccount(marketplace, "adjustment"), CreatorAccount(a.Creator, marketplace, "payable"), a.Amount)
}
