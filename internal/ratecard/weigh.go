package ratecard

import (
	"math"
	"slices"
	"time"

	"tributary/internal/fault"
	"tributary/internal/id"
)

// Whether a contract or tiers of volume are a cut, and whether it was published in time. A card's own rule is in cut.go.

// weigh judges what new contracts and moved ends do to their creators, in the book as it will be: a cut takes effect no
// sooner than a card's would. What has not begun yet protects nobody.
func (w *edition) weigh(Edition) error {
	for i := range w.said {
		p := &w.said[i]
		c, ok := p.row.(Contract)
		if !ok || p.Ended && (c.From.After(w.Now) || w.replaced(c, p.From)) {
			continue
		}
		changes := w.changes(c, p.From)
		p.tell(changes, w.Currency)
		cuts := slices.DeleteFunc(changes, func(c Changed) bool { return c.Turn != Fall })
		if len(cuts) == 0 || !p.From.Before(w.noticed()) || w.unused {
			continue
		}
		field := "from"
		if p.Ended {
			field = "until"
		}
		return within(p.part, p.index, fault.Invalidf(field,
			"this is a cut for the creator, which takes effect no sooner than %d days after it is published: %s",
			"write "+w.noticed().Format(time.RFC3339)+" or later", w.NoticeDays, names(cuts)))
	}
	return nil
}

// replaced tells whether a new contract of this edition begins where one ends: then that one is weighed.
func (w *edition) replaced(c Contract, at time.Time) bool {
	next := w.book.contract(c.Creator, c.Kind, at)
	return next != nil && next.Published.Equal(w.Now) && next.From.Equal(at)
}

// noPromotions is what Changed.What says where a contract newly keeps promotions out, which the creator has now.
const noPromotions = "promotions"

// changes compares what a contract's creator would have at an instant without the edition with what the new book gives.
func (w *edition) changes(c Contract, at time.Time) []Changed {
	_, had := w.before.begun(w.Now).terms(c.Creator, c.Kind, at)
	card, has := w.book.terms(c.Creator, c.Kind, at)
	if card == nil {
		return nil
	}
	paths, skus := places(card)
	all := compareAt(card.under(had), card.under(has), paths, skus, w.categoryOf)
	if has != nil && has.NoPromotions && (had == nil || !had.NoPromotions) && (had != nil || w.runs(c.Kind, at)) {
		all = append(all, Changed{What: noPromotions, To: has.rate(), Turn: Fall})
	}
	return all
}

// runs tells whether a promotion that runs already will still run at an instant.
func (w *edition) runs(kind Kind, at time.Time) bool {
	instead := w.before.instead(kind, at)
	return slices.ContainsFunc(w.before.Promotions, func(p Promotion) bool {
		return !p.From.After(w.Now) && p.Until.After(at) &&
			(len(p.Kinds) == 0 || slices.Contains(p.Kinds, kind) || slices.Contains(p.Kinds, instead))
	})
}

// begun is the book without the contracts that have not begun at an instant.
func (b *Book) begun(now time.Time) *Book {
	c := b.clone()
	for creator, contracts := range c.Contracts {
		c.Contracts[creator] = slices.DeleteFunc(contracts, func(c Contract) bool { return c.From.After(now) })
	}
	return c
}

func (c Contract) rate() Rate { return Rate{BPS: c.BPS, Cap: c.Cap} }

// under gives what a card's places pay a creator who has that contract (nil: none). Excluded is excluded.
func (v *Version) under(c *Contract) lookup {
	return func(path, sku string) Rate {
		rate := v.Lookup(path, sku)
		if c != nil && !rate.Excluded {
			rate.BPS, rate.Cap = c.BPS, c.Cap
		}
		return rate
	}
}

// terms gives what a creator is paid by at an instant: the card of the kind, and the contract that stands before it.
// Boosted content earns as any other, by card and contract, where it has none of its own.
func (b *Book) terms(creator id.ID, kind Kind, at time.Time) (card *Version, contract *Contract) {
	instead := b.instead(kind, at)
	if contract = b.contract(creator, kind, at); contract == nil {
		contract = b.contract(creator, instead, at)
	}
	return b.Cards.At(instead, at), contract
}

// instead is the kind whose card stands in at an instant: mostly the kind itself.
func (b *Book) instead(kind Kind, at time.Time) Kind {
	if kind == Boosted && b.Cards.At(kind, at) == nil {
		return Onsite
	}
	return kind
}

// admitVolume refuses tiers that begin in the present month or before, since its events are posted already, and tiers
// that lower without notice, or make a cut of those that follow them.
func (w *edition) admitVolume(v, had *Volume) error {
	if w.unused {
		return nil
	}
	if present := w.Now.In(w.Zone).Format(monthForm); v.From <= present {
		return fault.Invalidf("from", "is not after %s, the present month", "let them begin with a later month", present)
	}
	if had.Above(v) && v.begins(w.Zone).Before(w.noticed()) {
		return fault.Invalidf("from", "these tiers are a cut, which takes effect no sooner than %d days after it is published",
			"let them begin with a month after "+w.noticed().In(w.Zone).Format(time.DateOnly), w.NoticeDays)
	}
	var after *Volume
	for i := range w.book.Volumes {
		if next := &w.book.Volumes[i]; next.From > v.From && (after == nil || next.From < after.From) {
			after = w.book.VolumeOf(next.From)
		}
	}
	notice := time.Duration(w.NoticeDays) * 24 * time.Hour
	if after != nil && v.Above(after) && after.begins(w.Zone).Before(after.Published.Add(notice)) {
		return fault.Invalidf("bands", "with these, the tiers of %s would be a cut that was published less than %d days before",
			"publish later tiers for that month first", after.From, w.NoticeDays)
	}
	return nil
}

// monthBefore is the month before the first one: what holds then is what the tiers change.
func (v Volume) monthBefore() string {
	at, _ := time.Parse(monthForm, v.From)
	return at.AddDate(0, -1, 0).Format(monthForm)
}

// begins is the first instant of the first month.
func (v Volume) begins(zone *time.Location) time.Time {
	at, _ := time.ParseInLocation(monthForm, v.From, zone)
	return at.UTC()
}

// Above tells whether some month would bring less under other tiers. No tiers bring nothing.
func (v *Volume) Above(other *Volume) bool {
	var bands, others []Band
	if v != nil {
		bands = v.Bands
	}
	if other != nil {
		others = other.Bands
	}
	// Both are lines with bends at their bands: one is below the other somewhere only if it is so at a bend or beyond all.
	at := []int64{math.MaxInt64 / (maxExtra + 1)}
	for _, band := range slices.Concat(bands, others) {
		at = append(at, band.Above)
	}
	return slices.ContainsFunc(at, func(base int64) bool { return unrounded(bands, base) > unrounded(others, base) })
}

// unrounded is what bands make of a month's base, in minor units times basis points.
func unrounded(bands []Band, base int64) (sum int64) {
	for i, band := range bands {
		top := base
		if i+1 < len(bands) {
			top = min(base, bands[i+1].Above)
		}
		if top > band.Above {
			sum += (top - band.Above) * band.Extra
		}
	}
	return sum
}
