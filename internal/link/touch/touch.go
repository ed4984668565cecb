// Package touch says what clicks, views, coupons and imports are to a line, as attribution reads it (docs/spec.md §5).
//
// What must always hold: nothing is looked up; what cannot be read or is of another marketplace is said to be so.
package touch

import (
	"time"

	"tributary/internal/attribution"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/link"
)

// Token is what a click or view token says about a line in a marketplace (docs/spec.md §5).
func Token(t click.Token, market uint16, source attribution.Source) attribution.Touch {
	if t.Market != market {
		return attribution.Touch{Source: source, Broken: attribution.WrongMarketplace, Click: t.Click, At: clock.Micro(t.At)}
	}
	touch := attribution.Touch{Source: source, Click: t.Click, Creator: t.Creator, Program: uint8(t.Program),
		Tracking: t.Tracking, Link: t.Link, At: clock.Micro(t.At), Landed: uint8(t.Landed), Place: t.Place, Kind: uint8(t.Kind),
		Invalid: t.Flags.Has(click.FlagInvalid), Paid: t.Flags.Has(click.FlagPaid)}
	if touch.Seconds, touch.Boosted, touch.View = link.View(t); touch.View {
		touch.Product = t.Place
	}
	return touch
}

// Imported is a click of another system on a tracking id. A tag that nobody here has earns nobody anything, like any
// unknown tag.
func Imported(t link.Tracking, market uint16, number int64, at time.Time) attribution.Touch {
	touch := attribution.Touch{Source: attribution.FromImport, Click: number, At: clock.Micro(at)}
	if t.ID == 0 {
		return touch
	}
	if t.Market != market {
		touch.Broken = attribution.WrongMarketplace
		return touch
	}
	touch.Creator, touch.Program, touch.Tracking = t.Creator, uint8(t.Program), t.ID
	return touch
}

// Coupon is what an order with the coupon says about its lines.
func Coupon(c link.Coupon) attribution.Touch {
	touch := attribution.Touch{Source: attribution.FromCoupon, Coupon: c.Code, Creator: c.Creator, Program: uint8(c.Program),
		Tracking: c.Tracking, Since: clock.Micro(c.Since)}
	if !c.Until.IsZero() {
		touch.Until = clock.Micro(c.Until)
	}
	return touch
}
