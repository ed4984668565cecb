package decision

import (
	"maps"
	"slices"

	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/policy"
)

// ComponentHold is the component of what is kept apart, and of what is given free.
const ComponentHold = "hold"

// HoldReason is why something is withheld: its enrolment was never approved (docs/spec.md §9).
const HoldReason = "provisional"

// HoldSubject names what is kept apart of a line or bounty: a subject of its own, which follows the line's.
func HoldSubject(subject string) string { return "hold/" + subject }

// Holding is what is kept apart of what a line or bounty has earned: all of it, by its months, or nothing.
type Holding struct {
	Creator id.ID
	Program uint8
	Fate    policy.Fate
	Months  map[string]int64 // as the line holds them; what is kept apart is their sum
}

// Kept gives the months of what is kept apart.
func (h Holding) Kept() map[string]int64 {
	if h.Fate == policy.Paid {
		return nil
	}
	return h.Months
}

// Same tells whether nothing is different, the fate included.
func (h Holding) Same(o Holding) bool {
	if h.Fate == policy.Paid && o.Fate == policy.Paid {
		return true
	}
	return h.Fate == o.Fate && h.Creator == o.Creator && h.Program == o.Program && maps.Equal(h.Months, o.Months)
}

// Hold is the stored form of what was decided: what is kept apart now, of whom, and why. Zone and HoldDays say which months
// were closed then.
type Hold struct {
	Creator  string           `json:"creator"`
	Program  uint8            `json:"program"`
	Fate     policy.Fate      `json:"fate,omitempty"`
	Reason   string           `json:"reason,omitempty"`
	Months   map[string]int64 `json:"months,omitempty"`
	Zone     string           `json:"zone"`
	HoldDays int              `json:"hold_days"`
	Now      int64            `json:"now"`
}

// HoldOf gives the stored form.
func HoldOf(h Holding, zone string, holdDays int, now int64) Hold {
	stored := Hold{Creator: h.Creator.Text(id.Creator), Program: h.Program, Fate: h.Fate, Months: h.Kept(), Zone: zone, HoldDays: holdDays, Now: now}
	if h.Fate != policy.Paid {
		stored.Reason = HoldReason
	}
	return stored
}

// HoldLegs gives the transfers from one holding to another (docs/spec.md §10): from and to the months while they are open,
// else from and to payable; what is forfeited goes to the operator.
func HoldLegs(marketplace string, before, after Holding, open func(month string) bool) (legs []Leg) {
	from, to := before.Kept(), after.Kept()
	account := func(creator id.ID, month string) ledger.Account {
		if open(month) {
			return EarnedAccount(creator, marketplace, month)
		}
		return CreatorAccount(creator, marketplace, "payable")
	}
	apart := func(h Holding) ledger.Account {
		if h.Fate == policy.Forfeited {
			return OperatorAccount(marketplace, "forfeited")
		}
		return CreatorAccount(h.Creator, marketplace, "held")
	}
	if before.Creator != after.Creator && len(from) > 0 {
		for _, month := range slices.Sorted(maps.Keys(from)) {
			legs = Move(legs, ComponentHold, apart(before), account(before.Creator, month), from[month])
		}
		from = nil
	}
	if len(from) > 0 && before.Fate != after.Fate && after.Fate == policy.Forfeited {
		sum := int64(0)
		for _, amount := range from {
			sum += amount
		}
		legs = Move(legs, ComponentHold, apart(before), apart(after), sum)
	}
	months := map[string]bool{}
	for month := range from {
		months[month] = true
	}
	for month := range to {
		months[month] = true
	}
	at := apart(after)
	if after.Fate == policy.Paid {
		at = apart(before)
	}
	for _, month := range slices.Sorted(maps.Keys(months)) {
		legs = Move(legs, ComponentHold, account(after.Creator, month), at, to[month]-from[month])
	}
	return legs
}
