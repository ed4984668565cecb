package ui

import (
	"fmt"
	"strings"
)

// The river is one strip whose width at each place is the amount that is there: what is ordered, what each month has
// earned, what is payable, what is being paid. It is drawn here, in whole numbers, so that it is on the page before any
// script runs; the list beneath it says the same in words and figures.

// Reach is one place of the river.
type Reach struct {
	Label  string
	Amount string
	Note   string
	Href   string
	Value  int64 // minor units; what is below zero is drawn as a dry bed
	Due    bool  // money that is payable: drawn in the colour of earnings
}

// Sizes of the drawing, in its own units. It is stretched to the place it gets.
const (
	riverLength = 1200
	riverWidth  = 120
	riverFull   = 96 // width of the largest amount
	riverLeast  = 3  // of the smallest: a brook that can still be seen
	riverBed    = 1  // of nothing
)

// widths gives the width of the river at each reach: in proportion to the largest amount.
func widths(reaches []Reach) []int64 {
	most := int64(1)
	for _, r := range reaches {
		most = max(most, r.Value)
	}
	out := make([]int64, len(reaches))
	for i, r := range reaches {
		switch {
		case r.Value <= 0:
			out[i] = riverBed
		default:
			// Amounts stay below 10^15, so that the product fits.
			out[i] = max(r.Value*riverFull/most, riverLeast)
		}
	}
	return out
}

// riverPath draws the banks: along the strip at each reach as wide as its amount, with a slow bend between. Upright gives
// the same turned downwards, for a phone, beside the list.
func riverPath(reaches []Reach, upright bool) string {
	if len(reaches) == 0 {
		return ""
	}
	wide := widths(reaches)
	step := int64(riverLength / len(reaches))
	point := func(along, across int64) string {
		if upright {
			return fmt.Sprintf("%d %d", across, along)
		}
		return fmt.Sprintf("%d %d", along, across)
	}
	// The middle of the stream moves a little from reach to reach, as far as the banks leave room.
	middle := func(i int) int64 {
		room := (riverWidth - wide[i]) / 2
		bend := min(room, 9)
		if i%2 == 0 {
			bend = -bend
		}
		return riverWidth/2 + bend
	}
	var path strings.Builder
	bank := func(from, to, side int, direction int64) {
		for i := from; i != to; i += side {
			along, next := int64(i)*step+step/2, int64(i+side)*step+step/2
			across, beyond := middle(i)+direction*wide[i]/2, middle(i+side)+direction*wide[i+side]/2
			half := (along + next) / 2
			fmt.Fprintf(&path, "C%s %s %s", point(half, across), point(half, beyond), point(next, beyond))
		}
	}
	last := len(reaches) - 1
	fmt.Fprintf(&path, "M%s", point(0, middle(0)-wide[0]/2))
	fmt.Fprintf(&path, "L%s", point(step/2, middle(0)-wide[0]/2))
	bank(0, last, 1, -1)
	fmt.Fprintf(&path, "L%s", point(riverLength, middle(last)-wide[last]/2))
	fmt.Fprintf(&path, "L%s", point(riverLength, middle(last)+wide[last]/2))
	fmt.Fprintf(&path, "L%s", point(int64(last)*step+step/2, middle(last)+wide[last]/2))
	bank(last, 0, -1, 1)
	fmt.Fprintf(&path, "L%sZ", point(0, middle(0)+wide[0]/2))
	return path.String()
}

// Bar is one bar of a chart.
type Bar struct {
	Label string // what it stands for, as the table behind the chart says it
	Value int64
	Text  string
	Now   bool // the bar that is still growing
}

// Sizes of a chart of bars, in its own units.
const (
	barsHeight = 100
	barStep    = 20
	barWide    = 14
	barLeast   = 2
)

func barHeight(bars []Bar, i int) int64 {
	most := int64(1)
	for _, b := range bars {
		most = max(most, b.Value)
	}
	if bars[i].Value <= 0 {
		return barLeast
	}
	return max(bars[i].Value*barsHeight/most, barLeast)
}
