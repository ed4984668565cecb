package bounty

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/id"
)

// Edition is what is published together: all of it or nothing. Ids and times of publication are given here.
type Edition struct {
	Offers []Offer
	Ends   []EndAt
}

// Empty tells whether there is nothing to publish.
func (e Edition) Empty() bool { return len(e.Offers)+len(e.Ends) == 0 }

// EndAt moves the end of an offer. One that has not begun is taken back by an end at its beginning.
type EndAt struct {
	ID    id.ID
	Until time.Time // first instant after it; zero: without end
}

// Occasion is where and when something is published, and by which rules.
type Occasion struct {
	Market      uint16
	Marketplace string // its id, for those who are told
	Currency    string // of texts; empty: minor units
	Now         time.Time
	NoticeDays  int
}

// Noticed is the first instant at which creators may get less.
func (o Occasion) Noticed() time.Time {
	return o.Now.Add(time.Duration(o.NoticeDays) * 24 * time.Hour).UTC()
}

// Parts of an edition, as refusals and publications name them.
const (
	partOffers = "bounties"
	partEnds   = "bounty_ends"
)

// Publication says what one part of an edition does. As JSON it is the body of `bounty.published`; amounts are minor units.
type Publication struct {
	Marketplace  string    `json:"marketplace"`
	Bounty       string    `json:"bounty"` // id of the offer
	Action       string    `json:"action"`
	Name         string    `json:"name"`
	Currency     string    `json:"currency,omitempty"`
	Amount       int64     `json:"amount,omitempty"`
	ShareBPS     int64     `json:"share_bps,omitempty"`
	Max          int64     `json:"max,omitempty"`
	NewCustomers bool      `json:"new_customers,omitempty"`
	From         time.Time `json:"from"`                 // the first instant at which something is paid otherwise
	Until        time.Time `json:"until,omitzero"`       // first instant after it; zero: without end
	Ended        bool      `json:"ended,omitempty"`      // only its end was moved, from WasUntil to Until
	WasUntil     time.Time `json:"was_until,omitzero"`   // zero: it had no end
	TakenBack    bool      `json:"taken_back,omitempty"` // ended before it began
	Rises        []string  `json:"rises,omitempty"`      // what pays more
	Cuts         []string  `json:"cuts,omitempty"`       // what may pay less
	Changes      []string  `json:"changes,omitempty"`    // what is otherwise beside the pay: name, page, window_days
	Offer        Offer     `json:"-"`                    // as it is kept
	part         string
	index        int
}

// Part names the part of the edition that a publication is of: bounties or bounty_ends, and which of them.
func (p Publication) Part() (name string, index int) { return p.part, p.index }

// With gives the offers as they are once an edition is published, and what that changes, or refuses it as a whole: what
// would change the past, and what gives creators less without its notice. It is pure, so that a plan and its publication
// are the same. A refusal's field names the part: `bounties[0].from`. The first version of an action may begin at any
// instant: an installation brings its history along.
func With(offers []Offer, e Edition, o Occasion) (after []Offer, said []Publication, err error) {
	o.Now = o.Now.UTC().Truncate(time.Microsecond)
	var touched []Offer
	for i, end := range e.Ends {
		which := slices.IndexFunc(offers, func(one Offer) bool { return one.ID == end.ID })
		if which < 0 {
			return nil, nil, within(partEnds, i, fault.New(fault.NotFound, "bounty", "there is no such offer in this marketplace",
				"choose one of those listed"))
		}
		if err := offers[which].movable(end.Until, o.Now); err != nil {
			return nil, nil, within(partEnds, i, err)
		}
		touched = append(touched, offers[which])
	}
	for i, next := range e.Offers {
		if err := admitted(offers, next.Clean(), o.Now); err != nil {
			return nil, nil, within(partOffers, i, err)
		}
		touched = append(touched, next.Clean())
	}
	after, made := e.apply(offers, o)
	for _, action := range actions(touched) {
		cut := FirstCut(offers, after, action, o.Now)
		if cut == nil || !cut.At.Before(o.Noticed()) {
			continue
		}
		part, i, field := e.blame(cut, made, after)
		return nil, nil, within(part, i, fault.Invalidf(field,
			"creators would get less, which takes effect no sooner than %d days after it is published: %s",
			"set it to "+o.Noticed().Format(time.RFC3339)+" or later", o.NoticeDays, cut.Text(o.Currency)))
	}
	for i, end := range e.Ends {
		said = append(said, o.ended(i, find(offers, end.ID), offers, after))
	}
	for i, one := range made {
		said = append(said, o.begun(i, find(after, one), after))
	}
	return after, said, nil
}

// within names the part of an edition to which a refusal belongs.
func within(part string, i int, err error) error {
	f := *fault.Of(err)
	f.Field = strings.TrimSuffix(fmt.Sprintf("%s[%d].%s", part, i, f.Field), ".")
	return &f
}

// movable refuses to change what has been: an end in the past, or that of something that is over.
func (o Offer) movable(until, now time.Time) error {
	switch {
	case o.over(now) || o.withdrawn():
		return fault.New(fault.Conflict, "until", "the offer is over already", "publish it anew")
	case until.Equal(o.Until):
		return fault.Invalidf("until", "is what it was", "leave it as it is")
	case until.IsZero() || o.From.After(now):
	case until.Before(now):
		return fault.Invalidf("until", "is in the past, and what was offered is never changed", "write a later date")
	}
	if until.Year() > lastYear {
		return fault.Invalidf("until", "is in the year %d", "write its last day, or leave it out", until.Year())
	}
	return nil
}

// admitted refuses a new version that could never be right, would change the past, or is there already.
func admitted(offers []Offer, next Offer, now time.Time) error {
	if err := next.Check(); err != nil {
		return err
	}
	for _, o := range offers {
		if o.Same(next) && !o.over(now) {
			return fault.New(fault.Conflict, "", "the very same offer is published already", "leave it as it is")
		}
	}
	known := slices.ContainsFunc(offers, func(o Offer) bool { return o.Action == next.Action })
	if known && next.From.Before(now) {
		return fault.Invalidf("from", "is in the past, and what was offered is never changed", "write a later date")
	}
	return nil
}

// apply puts an edition among the offers without asking whether it may be, and gives the ids of those that are new. Of two
// that begin at once the later one of the edition holds: ids rise.
func (e Edition) apply(offers []Offer, o Occasion) (after []Offer, made []id.ID) {
	after = slices.Clone(offers)
	last := id.ID(0)
	for i := range after {
		last = max(last, after[i].ID)
	}
	for _, end := range e.Ends {
		if one := find(after, end.ID); one != nil {
			one.Until = end.Until
			if !end.Until.IsZero() && end.Until.Before(one.From) {
				one.Until = one.From
			}
			*one = one.Clean()
		}
	}
	for _, next := range e.Offers {
		next = next.Clean()
		last = max(id.New(o.Now), last+1)
		next.ID, next.Market, next.Published = last, o.Market, o.Now
		after, made = append(after, next), append(made, last)
	}
	return after, made
}

func find(offers []Offer, one id.ID) *Offer {
	i := slices.IndexFunc(offers, func(o Offer) bool { return o.ID == one })
	if i < 0 {
		return nil
	}
	return &offers[i]
}

// blame finds the part of an edition that makes a cut: the new version that pays less, else the end of what paid more, else
// an end by which an older version holds again.
func (e Edition) blame(cut *Cut, made []id.ID, after []Offer) (part string, i int, field string) {
	for i, one := range made {
		if cut.To != nil && cut.To.ID == one {
			return partOffers, i, "from"
		}
	}
	part, i, field = partOffers, 0, "from"
	for j, end := range e.Ends {
		if one := find(after, end.ID); one != nil && one.Action == cut.From.Action {
			part, i, field = partEnds, j, "until"
			if end.ID == cut.From.ID {
				break
			}
		}
	}
	return part, i, field
}

func (o Occasion) say(part string, i int, one Offer) Publication {
	return Publication{Marketplace: o.Marketplace, Bounty: one.ID.Text(id.Bounty), Action: one.Action, Name: one.Name,
		Currency: o.Currency, Amount: one.Amount, ShareBPS: one.ShareBPS, Max: one.Max, NewCustomers: one.NewCustomers,
		From: one.From, Until: one.Until, Offer: one, part: part, index: i}
}

// begun says what a new version does: it is held against what is paid just before it begins.
func (o Occasion) begun(i int, one *Offer, after []Offer) Publication {
	p := o.say(partOffers, i, *one)
	had := At(after, one.Action, one.From.Add(-time.Microsecond))
	if had == nil {
		p.Rises = []string{one.Text(o.Currency)}
		return p
	}
	o.tell(&p, had, one)
	for _, other := range []struct {
		name string
		is   bool
	}{{"name", had.Name != one.Name}, {"page", had.Page != one.Page}, {"window_days", had.WindowDays != one.WindowDays}} {
		if other.is {
			p.Changes = append(p.Changes, other.name)
		}
	}
	return p
}

// ended says what another end does: what is paid between the two ends is held against what was to be paid then.
func (o Occasion) ended(i int, was *Offer, before, after []Offer) Publication {
	is := find(after, was.ID)
	p := o.say(partEnds, i, *is)
	p.Ended, p.WasUntil, p.TakenBack = true, was.Until, is.withdrawn()
	p.From = is.Until
	if is.Until.IsZero() || !was.Until.IsZero() && was.Until.Before(is.Until) {
		p.From = was.Until
	}
	gets := At(after, is.Action, p.From)
	if gets == nil || find(before, gets.ID) != nil { // what a new version changes is said with it
		o.tell(&p, At(before, is.Action, p.From), gets)
	}
	return p
}

// tell sorts a change of pay into rises and cuts. What may pay less for any completion at all is a cut.
func (o Occasion) tell(p *Publication, had, gets *Offer) {
	text := func(one *Offer) string {
		if one == nil {
			return "nothing"
		}
		return one.Text(o.Currency)
	}
	change := "from " + text(had) + " to " + text(gets)
	switch {
	case less(had, gets):
		p.Cuts = []string{change}
	case less(gets, had):
		p.Rises = []string{change}
	}
}
