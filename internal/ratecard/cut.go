package ratecard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/product"
)

// NoticeDays is the shipped notice of a cut: N × 24 h between publication and effect (docs/spec.md §7, policy).
const NoticeDays = 14

// Turn is the way a rate goes from one version to the next.
type Turn string

// The turns. A rate that rises while its cap gets lower is a cut: some sales would earn less.
const (
	Rise Turn = "rise"
	Fall Turn = "cut"
	New  Turn = "new" // there was no version before
)

// Changed is a category, a product or the default of which a version pays another rate, or under another cap.
type Changed struct {
	What string `json:"what"` // "Home > Kitchen", "product SKU9", "default"
	From Rate   `json:"from"` // the zero rate where Turn is New
	To   Rate   `json:"to"`
	Turn Turn   `json:"turn"`
}

// Text says what changes: `Home > Kitchen from 4.5 % to 4 %`. Caps are written in the currency; where it is empty, in
// minor units.
func (c Changed) Text(currency string) string {
	amount := func(n int64) string { return amountText(n, currency) }
	rate := func(r Rate) string {
		if r.Excluded {
			return "excluded"
		}
		return FormatPercent(r.BPS) + " %"
	}
	if c.Turn == New {
		text := c.What + " " + rate(c.To)
		if c.To.Cap != 0 {
			text += ", at most " + amount(c.To.Cap) + " per unit"
		}
		if c.To.Minimum != 0 {
			text += ", at least " + amount(c.To.Minimum) + " per unit"
		}
		return text
	}
	if c.What == noPromotions {
		return "promotions no longer raise it"
	}
	var parts []string
	if c.From.BPS != c.To.BPS || c.From.Excluded != c.To.Excluded {
		parts = append(parts, fmt.Sprintf("from %s to %s", rate(c.From), rate(c.To)))
	}
	switch {
	case c.From.Cap == c.To.Cap || c.To.Excluded:
	case c.From.Cap == 0:
		parts = append(parts, "by a new cap of "+amount(c.To.Cap)+" per unit")
	case c.To.Cap == 0:
		parts = append(parts, "without the cap of "+amount(c.From.Cap)+" per unit")
	default:
		parts = append(parts, "by a cap of "+amount(c.To.Cap)+" per unit instead of "+amount(c.From.Cap))
	}
	if c.From.Minimum != c.To.Minimum {
		parts = append(parts, "by a minimum of "+amount(c.To.Minimum)+" per unit instead of "+amount(c.From.Minimum))
	}
	return c.What + " " + strings.Join(parts, " and ")
}

// lower tells whether any sale could earn less: by the rate, by the cap, or because the product is newly excluded, which
// also ends what contracts paid for it.
func lower(from, to Rate) bool {
	return to.BPS < from.BPS || to.Cap != 0 && (from.Cap == 0 || to.Cap < from.Cap) ||
		to.Excluded && !from.Excluded || to.Minimum < from.Minimum
}

// turn gives the way from one rate to another; empty where they pay the same.
func turn(from, to Rate) Turn {
	switch {
	case lower(from, to):
		return Fall
	case lower(to, from):
		return Rise
	}
	return ""
}

// Difference lists everything for which b pays otherwise than a: what the public page shows between two versions. Where
// there is no a, all of b is new. Products are compared in every category that the two name.
func Difference(a, b *Version) []Changed {
	if a != nil {
		return compare(a, b, nil)
	}
	all := []Changed{{What: matchDefault, To: b.Lookup("", ""), Turn: New}}
	for _, entry := range b.Entries {
		all = append(all, Changed{What: entry.Text(), To: b.Lookup(entry.Category, entry.SKU), Turn: New})
	}
	return all
}

// Cuts lists everything for which next pays less than before. categoryOf gives the category of the products on the
// cards; a product that it does not know counts as cut when it would be in any category.
func Cuts(before, next *Version, categoryOf map[string]string) []Changed {
	return slices.DeleteFunc(compare(before, next, categoryOf), func(c Changed) bool { return c.Turn != Fall })
}

// compare lists what pays otherwise. Rates only change where an entry of one of the two stands, so these places (and the
// default) are all that need comparing.
func compare(before, next *Version, categoryOf map[string]string) []Changed {
	paths, skus := places(before, next)
	return compareAt(before.Lookup, next.Lookup, paths, skus, categoryOf)
}

// lookup says what a product in a category is paid.
type lookup func(path, sku string) Rate

func compareAt(before, next lookup, paths, skus []string, categoryOf map[string]string) (all []Changed) {
	for _, path := range paths {
		what := path
		if path == "" {
			what = matchDefault
		}
		from, to := before(path, ""), next(path, "")
		if way := turn(from, to); way != "" {
			all = append(all, Changed{what, from, to, way})
		}
	}
	for _, sku := range skus {
		in := paths
		if category, known := categoryOf[sku]; known {
			in = []string{category}
		}
		found := Changed{What: "product " + sku}
		for _, path := range in {
			from, to := before(path, sku), next(path, sku)
			if way := turn(from, to); way == Fall || way == Rise && found.Turn == "" {
				found.From, found.To, found.Turn = from, to, way
			}
			if found.Turn == Fall {
				break
			}
		}
		if found.Turn != "" {
			all = append(all, found)
		}
	}
	return all
}

// places are the category paths and the products at which versions have entries, each once; the empty path stands for
// whatever has no entry.
func places(versions ...*Version) (paths, skus []string) {
	paths = []string{""}
	for _, v := range versions {
		for _, entry := range v.Entries {
			if entry.SKU != "" {
				skus = append(skus, entry.SKU)
			} else {
				paths = append(paths, product.CleanCategory(entry.Category))
			}
		}
	}
	return sortedOnce(paths), sortedOnce(skus)
}

func sortedOnce(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// around gives the versions that would be in force just before a new one and that would follow it.
func (c Cards) around(v *Version) (before, after *Version) {
	before = c.At(v.Kind, v.Effective.Add(-time.Microsecond))
	for _, other := range c {
		if other.Kind == v.Kind && other.Effective.After(v.Effective) && (after == nil || compareVersions(other, after) < 0) {
			after = other
		}
	}
	if after != nil {
		after = c.At(v.Kind, after.Effective) // not one that was replaced before it took effect
	}
	return before, after
}

// admit refuses a version that would change the past, and one that cuts without its notice. The first version of a kind
// cuts nothing, and a seller's fee is nothing that creators earn by. present is what was in force when it was published;
// the cards may hold the version itself already.
func (c Cards) admit(v, present *Version, categoryOf map[string]string, noticeDays int) error {
	if v.Number > 1 && (v.Effective.Before(v.Published) || (present != nil && v.Effective.Equal(present.Effective))) {
		return fault.Invalidf("effective", "is in the past, and a card that was in force is never changed",
			"set it later than "+v.Published.Format(time.RFC3339Nano))
	}
	before, _ := c.around(v)
	if v.Kind == SellerFee || before == nil || !v.Effective.Before(v.noticed(noticeDays)) {
		return nil
	}
	if cuts := Cuts(before, v, categoryOf); len(cuts) > 0 {
		return fault.Invalidf("effective",
			"this version is a cut, which takes effect no sooner than %d days after it is published: %s",
			"set it to "+v.noticed(noticeDays).Format(time.RFC3339)+" or later, or publish what rises as a version of its own",
			noticeDays, names(cuts))
	}
	return nil
}

// admitNext refuses a version that makes a cut of the one that follows it, which was none until now and has no notice.
func (c Cards) admitNext(v *Version, categoryOf map[string]string, noticeDays int) error {
	_, after := c.around(v)
	if v.Kind == SellerFee || after == nil || !after.Effective.Before(after.noticed(noticeDays)) {
		return nil
	}
	if cuts := Cuts(v, after, categoryOf); len(cuts) > 0 {
		return fault.Invalidf("entries",
			"with these, version %d (%s) would be a cut that was published less than %d days before: %s",
			"publish a later version with the same rates for that instant first",
			after.Number, after.Effective.Format(time.RFC3339), noticeDays, names(cuts))
	}
	return nil
}

// noticed is the first instant at which a version may cut.
func (v *Version) noticed(noticeDays int) time.Time {
	return v.Published.Add(time.Duration(noticeDays) * 24 * time.Hour).UTC()
}

// namedCuts is how many cuts a refusal names before it counts the rest.
const namedCuts = 5

func names(cuts []Changed) string {
	texts := make([]string, 0, namedCuts+1)
	for _, cut := range cuts[:min(len(cuts), namedCuts)] {
		texts = append(texts, cut.Text(""))
	}
	if rest := len(cuts) - namedCuts; rest > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(texts, "; ")
}
