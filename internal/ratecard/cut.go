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

// Cut is a category or product for which a new version pays less: a lower rate, or a lower cap.
type Cut struct {
	What     string // "Home > Kitchen", "product SKU9", "default"
	From, To Rate
}

// Text says what is cut: `Home > Kitchen from 4.5 % to 4 %`.
func (c Cut) Text() string {
	if c.To.BPS < c.From.BPS {
		return fmt.Sprintf("%s from %s %% to %s %%", c.What, FormatPercent(c.From.BPS), FormatPercent(c.To.BPS))
	}
	if c.From.Cap == 0 {
		return fmt.Sprintf("%s by a new cap of %d per unit", c.What, c.To.Cap)
	}
	return fmt.Sprintf("%s by a cap of %d per unit instead of %d", c.What, c.To.Cap, c.From.Cap)
}

func (c Cut) lower() bool {
	return c.To.BPS < c.From.BPS || (c.To.Cap != 0 && (c.From.Cap == 0 || c.To.Cap < c.From.Cap))
}

// Cuts lists everything for which next pays less than before. Rates only change where an entry of one of the two
// stands, so these places (and the default) are all that need comparing. categoryOf gives the category of the products
// on the cards; a product that it does not know counts as cut when it would be in any category.
func Cuts(before, next *Version, categoryOf map[string]string) []Cut {
	paths, skus := []string{""}, []string{}
	for _, v := range []*Version{before, next} {
		for _, entry := range v.Entries {
			if entry.SKU != "" {
				skus = append(skus, entry.SKU)
			} else {
				paths = append(paths, product.CleanCategory(entry.Category))
			}
		}
	}
	paths, skus = sortedOnce(paths), sortedOnce(skus)
	var cuts []Cut
	for _, path := range paths {
		what := path
		if path == "" {
			what = matchDefault
		}
		if cut := (Cut{what, before.Lookup(path, ""), next.Lookup(path, "")}); cut.lower() {
			cuts = append(cuts, cut)
		}
	}
	for _, sku := range skus {
		in := paths
		if category, known := categoryOf[sku]; known {
			in = []string{category}
		}
		for _, path := range in {
			if cut := (Cut{"product " + sku, before.Lookup(path, sku), next.Lookup(path, sku)}); cut.lower() {
				cuts = append(cuts, cut)
				break
			}
		}
	}
	return cuts
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

// admit refuses a version that would change the past, and one with which a cut takes effect without its notice: its own,
// or that of the version that follows it and that was no cut until now. The first version of a kind cuts nothing.
func (c Cards) admit(v *Version, categoryOf map[string]string, noticeDays int) error {
	if present := c.At(v.Kind, v.Published); v.Number > 1 &&
		(v.Effective.Before(v.Published) || (present != nil && v.Effective.Equal(present.Effective))) {
		return fault.Invalidf("effective", "is in the past, and a card that was in force is never changed",
			"set it later than "+v.Published.Format(time.RFC3339Nano))
	}
	before, after := c.around(v)
	if before != nil && v.Effective.Before(v.noticed(noticeDays)) {
		if cuts := Cuts(before, v, categoryOf); len(cuts) > 0 {
			return fault.Invalidf("effective",
				"this version is a cut, which takes effect no sooner than %d days after it is published: %s",
				"set it to "+v.noticed(noticeDays).Format(time.RFC3339)+" or later, or publish what rises as a version of its own",
				noticeDays, names(cuts))
		}
	}
	if after != nil && after.Effective.Before(after.noticed(noticeDays)) {
		if cuts := Cuts(v, after, categoryOf); len(cuts) > 0 {
			return fault.Invalidf("entries",
				"with these, version %d (%s) would be a cut that was published less than %d days before: %s",
				"publish a later version with the same rates for that instant first",
				after.Number, after.Effective.Format(time.RFC3339), noticeDays, names(cuts))
		}
	}
	return nil
}

// noticed is the first instant at which a version may cut.
func (v *Version) noticed(noticeDays int) time.Time {
	return v.Published.Add(time.Duration(noticeDays) * 24 * time.Hour).UTC()
}

// namedCuts is how many cuts a refusal names before it counts the rest.
const namedCuts = 5

func names(cuts []Cut) string {
	texts := make([]string, 0, namedCuts+1)
	for _, cut := range cuts[:min(len(cuts), namedCuts)] {
		texts = append(texts, cut.Text())
	}
	if rest := len(cuts) - namedCuts; rest > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(texts, "; ")
}
