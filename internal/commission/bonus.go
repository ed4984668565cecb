package commission

import "tributary/internal/order"

// Bonus is a campaign's part of a line, on top of the standard commission (docs/spec.md §8). Minor units.
type Bonus struct {
	Funded   int64 `json:"funded"` // F: what the budget gave when the order was placed
	Earned   int64 `json:"earned"`
	Reserved int64 `json:"reserved"`
}

// Fund gives what a budget can give a line: its bonus on everything ordered, or what is left.
func Fund(left, bps int64, f order.Fold, quantity int64) int64 {
	return max(min(left, order.AtRate(bps, 0)(f.Total, f.Kept(quantity))), 0)
}

// SettleBonus gives the bonus of a line as it stands: B = min(F, C_b(earned base)), R = min(F, C_b(total)) − B. What
// neither holds is free for others.
func SettleBonus(funded, bps int64, f order.Fold, quantity int64) Bonus {
	c := order.AtRate(bps, 0)
	b := Bonus{Funded: funded, Earned: min(funded, c(f.Base, f.KeptShipped()))}
	b.Reserved = max(min(funded, c(f.Total, f.Kept(quantity)))-b.Earned, 0)
	return b
}
