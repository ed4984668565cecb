package link

import (
	"time"

	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// A view of a video on a product page travels in a click token (docs/spec.md §5.5): sealed like one, told apart by its
// kind. What a view has beside a click stands in the flags that clicks leave free.
const (
	// FlagBoosted says that the operator had the video shown for money. Only views have it.
	FlagBoosted = click.Flags(1 << 8)

	viewShift  = 9 // the seven bits above count the seconds
	maxSeconds = 1<<7 - 1
)

// NewView makes the token of a view that has ended at an instant. More than 127 seconds are kept as 127: no policy asks
// for more. video is the id of what was seen, zero where the store knows of none.
func NewView(owner Tracking, video id.ID, sku string, seconds int64, boosted bool, at time.Time) click.Token {
	flags := click.Flags(min(max(seconds, 0), maxSeconds)) << viewShift
	if boosted {
		flags |= FlagBoosted
	}
	return click.Token{Click: click.NewID(), Creator: owner.Creator, Program: owner.Program, Tracking: owner.ID, Link: video,
		Market: owner.Market, Landed: click.LandedProduct, Place: click.ProductPlace(sku), Kind: click.KindView,
		At: at.UTC().Truncate(time.Microsecond), Flags: flags}
}

// View reads what a view's token says beside a click's; ok is false where the token is of no view.
func View(t click.Token) (seconds int64, boosted, ok bool) {
	if t.Kind != click.KindView {
		return 0, false, false
	}
	return int64(t.Flags >> viewShift), t.Flags.Has(FlagBoosted), true
}

// VideoPrefix begins the text of a video's id.
const VideoPrefix = "vi_"

// Seen is a view as somebody tells of it, before anything is known of its creator.
type Seen struct {
	Market  string // the marketplace's id; empty: that of the page which tells
	Tag     string // of the creator whose video it was
	SKU     string // of the product on whose page it was
	Video   id.ID
	Seconds int64
	Boosted bool

	// Origin is the page that tells of it, empty where the store's server does. Agent and Signs are the viewer's browser; a
	// server may leave them out.
	Origin string
	Agent  string
	Signs  click.Signs
}

// Why a view has no token. The codes are stable, and those that orders know too are the same.
const (
	ViewTooShort   = "view_too_short"
	ViewUnknownTag = "unknown_tag"
	ViewNotActive  = "enrolment_not_active"
	ViewInvalid    = "invalid_traffic"
)

const longestView = 24 * 3600 // seconds: nobody watches one product page for longer

// Check refuses what cannot be a view.
func (s *Seen) Check() error {
	switch {
	case s.SKU == "" || len(s.SKU) > maxSKU || !clean(s.SKU):
		return invalidText("sku")
	case CleanTag(s.Tag) == "" || len(s.Tag) > maxText || !clean(s.Tag):
		return fault.Invalidf("tag", "is missing, or is no tracking id", "send the tracking id of the video's creator")
	case s.Seconds < 0 || s.Seconds > longestView:
		return fault.Invalidf("seconds", "are below 0 or above %d", "send how long the video ran, in whole seconds",
			longestView)
	}
	return nil
}
