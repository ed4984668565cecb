package bounty

import (
	"slices"
	"time"

	"tributary/internal/id"
)

// Revision is the edition that makes the offers of a marketplace those of a list.
type Revision struct {
	Edition
	OfferOf []int   // which of the list each offer of the edition is
	EndOf   []int   // which of the list brings about each end; -1: none, it ends because the list does not have it
	Missing []Offer // run and would go on, and are not in the list: no edition can say so
	Idle    []int   // which of the list are to come and would never be paid
}

// Revise compares a list that is meant as a whole with what is published. An offer that differs in its end only has it
// moved. One that has not begun and is not in the list is taken back. One that runs goes on until the list's next offer for
// the action begins; without one it is missing. One offer of an action may have no beginning: it takes effect as soon as the
// rules allow, at once, or where creators would get less at midnight, the first local one after the notice.
func Revise(offers, list []Offer, o Occasion, midnight time.Time) Revision {
	o.Now = o.Now.UTC().Truncate(time.Microsecond)
	r := &revising{Occasion: o, midnight: midnight, offers: slices.Clone(offers),
		listed: map[id.ID]int{}, ahead: map[id.ID]bool{}}
	slices.SortStableFunc(r.offers, func(a, b Offer) int { return a.From.Compare(b.From) })
	for _, one := range Ahead(offers, o.Now) {
		r.ahead[one.ID] = true
	}
	list = slices.Clone(list)
	for i := range list {
		list[i] = list[i].Clean()
	}
	// Equal ones first: otherwise a moved end could take what stands unchanged further down.
	open := make([]int, len(list))
	for i := range list {
		open[i] = i
	}
	for _, match := range []func(have, want Offer) bool{r.same, r.sameAhead, r.sameOver, r.sameReplaced} {
		open = slices.DeleteFunc(open, func(i int) bool {
			return r.take(i, func(have Offer) bool { return match(have, list[i]) }) != nil
		})
	}
	open = slices.DeleteFunc(open, func(i int) bool {
		have := r.take(i, func(have Offer) bool { return r.movable(have, list[i]) })
		if have != nil {
			r.Ends, r.EndOf = append(r.Ends, EndAt{have.ID, list[i].Until}), append(r.EndOf, i)
		}
		return have != nil
	})
	for _, i := range open {
		r.Offers, r.OfferOf = append(r.Offers, r.begin(list[i])), append(r.OfferOf, i)
	}
	r.drop()
	r.idle()
	return r.Revision
}

// revising is a list while it is compared.
type revising struct {
	Occasion
	Revision
	midnight time.Time
	offers   []Offer // as published, in the order of their beginnings
	ahead    map[id.ID]bool
	listed   map[id.ID]int // those that the list has, by where
}

// take finds a published offer for one of the list; each is taken once.
func (r *revising) take(i int, match func(Offer) bool) *Offer {
	for at, have := range r.offers {
		if _, taken := r.listed[have.ID]; !taken && !have.withdrawn() && match(have) {
			r.listed[have.ID] = i
			return &r.offers[at]
		}
	}
	return nil
}

func (r *revising) same(have, want Offer) bool { return have.Same(want) }

// sameAhead finds what a list without dates means on the days after its publication.
func (r *revising) sameAhead(have, want Offer) bool {
	return want.From.IsZero() && r.ahead[have.ID] && have.Same(since(want, have.From))
}

func (r *revising) sameOver(have, want Offer) bool {
	return want.From.IsZero() && have.over(r.Now) && have.Same(since(want, have.From))
}

// sameReplaced finds one that something else of the list has replaced since.
func (r *revising) sameReplaced(have, want Offer) bool {
	if !want.From.IsZero() || have.From.After(r.Now) || !have.Same(since(want, have.From)) {
		return false
	}
	return !slices.ContainsFunc(r.offers, func(o Offer) bool {
		_, listed := r.listed[o.ID]
		return o.Action == have.Action && o.since(have) && !o.From.After(r.Now) && r.ahead[o.ID] && !listed
	})
}

func since(o Offer, from time.Time) Offer {
	o.From = from
	return o
}

// movable tells whether an offer differs in nothing but an end that can still be moved.
func (r *revising) movable(have, want Offer) bool {
	if want.From.IsZero() && r.ahead[have.ID] {
		want.From = have.From
	}
	movable := !have.over(r.Now) && (want.Until.IsZero() || want.Until.After(have.From))
	want.Until = have.Until
	return movable && have.Same(want)
}

// begin gives a new offer its beginning.
func (r *revising) begin(o Offer) Offer {
	if !o.From.IsZero() {
		return o
	}
	o.From = r.Now
	after, _ := Edition{Offers: []Offer{o}}.apply(r.offers, r.Occasion)
	if cut := FirstCut(r.offers, after, o.Action, r.Now); cut != nil && cut.At.Before(r.Noticed()) {
		o.From = r.midnight
	}
	return o
}

// drop ends what the list does not have.
func (r *revising) drop() {
	after, made := r.apply(r.offers, r.Occasion)
	var held, loose []Offer // what the list has, and what else there is that is not over
	for _, o := range after {
		if _, listed := r.listed[o.ID]; listed || slices.Contains(made, o.ID) {
			held = append(held, o)
		} else if !o.over(r.Now) && !o.withdrawn() {
			loose = append(loose, o)
		}
	}
	for _, action := range actions(loose) {
		next := r.next(held, action)
		ends, missing := r.fates(action, held, loose, next)
		for _, o := range loose {
			switch coming := o.From.After(r.Now); {
			case o.Action != action:
			case missing[o.ID]:
				r.Missing = append(r.Missing, o)
			case coming && (ends[o.ID] || r.ahead[o.ID]):
				r.Ends, r.EndOf = append(r.Ends, EndAt{o.ID, o.From}), append(r.EndOf, -1)
			case ends[o.ID]:
				r.Ends, r.EndOf = append(r.Ends, EndAt{o.ID, next.From}), append(r.EndOf, r.where(next.ID, made))
			}
		}
	}
}

// next is the list's next offer for an action; nil: none.
func (r *revising) next(held []Offer, action string) (next *Offer) {
	for i, o := range held {
		if o.Action == action && !o.From.Before(r.Now) && (next == nil || o.From.Before(next.From)) {
			next = &held[i]
		}
	}
	return next
}

// fates looks at every instant at which the list pays nothing, or something older than what else there is. All that would
// be paid then in its stead has to go: what is to come is taken back, what runs ends where the list's next offer begins, and
// without one it is missing, as long as nothing newer is.
func (r *revising) fates(action string, held, loose []Offer, next *Offer) (ends, missing map[id.ID]bool) {
	ends, missing = map[id.ID]bool{}, map[id.ID]bool{}
	for _, at := range bends(slices.Concat(held, loose), action, r.Now) {
		listed := At(held, action, at)
		var newest *Offer
		for i, o := range loose {
			if o.Action != action || !o.holds(at) || listed != nil && !o.since(*listed) {
				continue
			}
			switch {
			case o.From.After(r.Now):
				ends[o.ID] = true
			case listed == nil && next != nil:
				ends[o.ID] = ends[o.ID] || !at.Before(next.From)
			case newest == nil || o.since(*newest):
				newest = &loose[i]
			}
		}
		if newest != nil {
			missing[newest.ID] = true
		}
	}
	return ends, missing
}

// idle finds what the list itself replaces before it begins: a slip, and no list that says the same tomorrow.
func (r *revising) idle() {
	after, made := r.apply(r.offers, r.Occasion)
	ahead := Ahead(after, r.Now)
	for _, o := range after {
		_, listed := r.listed[o.ID]
		fresh := slices.Contains(made, o.ID)
		if (fresh || listed && r.ahead[o.ID]) && !o.From.Before(r.Now) && !o.over(r.Now) && find(ahead, o.ID) == nil {
			r.Idle = append(r.Idle, r.where(o.ID, made))
		}
	}
}

// where gives the place in the list of an offer that the list has.
func (r *revising) where(one id.ID, made []id.ID) int {
	if i := slices.Index(made, one); i >= 0 {
		return r.OfferOf[i]
	}
	return r.listed[one]
}
