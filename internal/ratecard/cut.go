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

// namedCuts is how many cuts a refusal names before it counts the rest.
const namedCuts = 5

// refuseShortNotice is the fault of a cut that would take effect before notice is over.
func refuseShortNotice(cuts []Cut, noticeDays int, earliest time.Time) error {
	names := make([]string, 0, namedCuts+1)
	for _, cut := range cuts[:min(len(cuts), namedCuts)] {
		names = append(names, cut.Text())
	}
	if rest := len(cuts) - namedCuts; rest > 0 {
		names = append(names, fmt.Sprintf("and %d more", rest))
	}
	return fault.Invalidf("effective",
		"this version is a cut, which takes effect no sooner than %d days after it is published: %s",
		"set it to "+earliest.UTC().Format(time.RFC3339)+" or later, or publish what rises as a version of its own",
		noticeDays, strings.Join(names, "; "))
}
