package ui

import (
	"strconv"
	"strings"
	"time"

	"tributary/internal/product"
	"tributary/internal/report"
)

// lineState changes whenever a row would look different: the page lights up what is new.
func lineState(l report.Line) string {
	return strconv.FormatInt(l.Pending, 10) + "/" + strconv.FormatInt(l.Earned, 10) + "/" + l.Reason + "/" + strconv.FormatBool(l.Withheld)
}

// details says under a line's name what was bought at which rate, or why it earns nothing.
func (v LineView) details(l report.Line) string {
	parts := []string{v.Format.Money(l.Amount, v.Currency)}
	if l.Quantity != 1 {
		parts[0] = v.Format.Count(l.Quantity) + " for " + parts[0]
	}
	switch {
	case l.Reason != "":
		parts = append(parts, Reason(l.Reason))
	case l.BPS > 0:
		parts = append(parts, strings.TrimSpace(leaf(l.Category)+" "+v.Format.Percent(l.BPS)))
	}
	if l.Withheld && l.Pending+l.Earned != 0 {
		parts = append(parts, "withheld until you are approved")
	}
	return strings.Join(parts, " · ")
}

// leaf is the last level of a category path.
func leaf(category string) string {
	levels := strings.Split(category, product.Separator)
	return levels[len(levels)-1]
}

// when is the instant that a list shows of a line: the one that it is sorted by.
func (v LineView) when(l report.Line) time.Time {
	if v.Ordered {
		return l.At
	}
	return l.Touched
}

// whenWord is the heading over that instant.
func (v LineView) whenWord() string {
	if v.Ordered {
		return "Ordered"
	}
	return "Changed"
}
