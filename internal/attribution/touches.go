package attribution

import "slices"

// Earliest is the instant of the first touch, coupons aside: they have none of their own. 0 where there is none.
func Earliest(touches []Touch) int64 {
	first := int64(0)
	for _, t := range touches {
		if t.At != 0 && t.Source != FromCoupon && (first == 0 || t.At < first) {
			first = t.At
		}
	}
	return first
}

// Seen tells whether a view is among the touches: then it matters which variation a line is of.
func Seen(touches []Touch) bool {
	return slices.ContainsFunc(touches, func(t Touch) bool { return t.View })
}

// Spoil marks the touches whose click was found invalid, by the rule that found it, and tells whether there was one that was
// not marked yet. Touches of other systems have no click of ours.
func Spoil(touches []Touch, rules map[int64]string) (changed bool) {
	for i := range touches {
		t := &touches[i]
		if rule, found := rules[t.Click]; found && !t.Invalid && t.Source != FromImport {
			t.Invalid, t.Rule, changed = true, rule, true
		}
	}
	return changed
}
