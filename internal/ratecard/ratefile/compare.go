package ratefile

import (
	"fmt"
	"slices"
	"time"

	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
)

// comparison holds a file against a book and collects what the file wants otherwise. It is pure, so that a what-if asks
// the same question as a publication; it does not judge notice, which is the book's own rule (Book.With).
type comparison struct {
	file     *File
	book     *ratecard.Book
	offers   []terms.Offer // of bounties
	occasion ratecard.Occasion
	handles  map[id.ID]string

	edition  terms.Edition
	places   map[string][]place // of the edition's parts, in the file
	problems []error            // what no edition can do
	warnings []string

	// For what-ifs, which ask neither for notice nor for the past.
	contradiction error                           // a file that no order of events can fulfil
	changed       map[ratecard.Kind]ratecard.Card // the last card of each kind that the file changes
	tiers         *ratecard.Volume                // the last ones, where the file changes them
	dropped       map[id.ID]bool                  // promotions and contracts that the file does not have
}

// place is where in the file a part of the edition stands.
type place struct {
	spot
	card *Card
}

func (c *comparison) put(part string, at place) { c.places[part] = append(c.places[part], at) }

func (c *comparison) refuse(at spot, rule, fix string, args ...any) error {
	err := fault.Invalidf(at.String(), rule, fix, args...)
	c.problems = append(c.problems, err)
	return err
}

// compare holds the rates against the book: all that a what-if asks for.
func (c *comparison) compare() {
	c.places, c.changed, c.dropped = map[string][]place{}, map[ratecard.Kind]ratecard.Card{}, map[id.ID]bool{}
	for _, kind := range ratecard.Kinds {
		if cards := c.file.Cards[kind]; len(cards) > 0 {
			c.cards(kind, cards)
		}
	}
	if c.file.Has(sectionPromotions) {
		c.promotions()
	}
	if c.file.Has(sectionContracts) {
		c.contracts()
	}
	if c.file.Has(sectionVolume) {
		c.volumes()
	}
}

// noticed is the first midnight at which a cut that is published now may take effect.
func (c *comparison) noticed() time.Time {
	at := c.occasion.Now.Add(time.Duration(c.occasion.NoticeDays) * 24 * time.Hour)
	local := at.In(c.occasion.Zone)
	if _, ok := dateOf(at, c.occasion.Zone); !ok {
		local = local.AddDate(0, 0, 1)
	}
	return startOf(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC), c.occasion.Zone)
}

// cards publishes a version at every instant from now on at which the file wants another card than there would be: at
// those of the file, and at those of coming versions that the file does not have.
func (c *comparison) cards(kind ratecard.Kind, wanted []Card) {
	now, present := c.occasion.Now, c.book.Cards.At(kind, c.occasion.Now)
	wanted = slices.Clone(wanted)
	if wanted[0].Effective.IsZero() {
		wanted[0].Effective = c.soonest(kind, wanted[0], present)
	}
	if len(wanted) > 1 && !wanted[0].Effective.Before(wanted[1].Effective) {
		c.contradiction = c.refuse(wanted[0].spot, "takes effect no sooner than the card that is to follow it",
			"write an effective date")
		return
	}
	// A file is a line of time, as the book is: they are compared where either of them bends.
	at := func(t time.Time) *Card { // what the file wants at an instant; nil: what there is now
		var found *Card
		for i := range wanted {
			if !wanted[i].Effective.After(t) {
				found = &wanted[i]
			}
		}
		return found
	}
	// The usual slip: a rate is edited and the date of the card in force is left above it.
	if want := at(now); want != nil && present != nil && !want.Same(present.Card) && !want.Effective.Equal(now) {
		c.refuse(want.spot.under("effective"), "is in the past, and the card that is in force since %s is another one",
			"write a later date, or leave it out",
			c.text(present.Effective))
		c.changed[kind] = wanted[len(wanted)-1].Card
		return
	}
	instants := make([]time.Time, 0, len(wanted))
	for _, card := range wanted {
		if card.Effective.After(now) || card.Effective.Equal(now) || present == nil {
			instants = append(instants, card.Effective)
		}
	}
	for _, v := range c.book.Cards.Coming(kind, now) {
		instants = append(instants, v.Effective)
	}
	slices.SortFunc(instants, time.Time.Compare)
	var last *ratecard.Card // in force at the instant before, by the file
	if present != nil {
		last = &present.Card
	}
	for _, t := range slices.CompactFunc(instants, time.Time.Equal) {
		want := at(t)
		if want == nil { // before the file's first card the present one stays; without one, whatever is coming
			if present == nil {
				continue
			}
			want = &Card{Card: present.Card, spot: wanted[0].spot}
		}
		coming := c.book.Cards.At(kind, t)
		if coming != nil && !coming.Effective.Equal(t) {
			coming = nil // nothing changes then, but for what the file has changed before
		}
		card := want.Card
		card.Effective = t
		switch {
		case coming != nil && card.Same(coming.Card), coming == nil && last != nil && card.Same(*last):
		default:
			c.edition.Cards = append(c.edition.Cards, card)
			c.put("cards", place{want.spot, want})
			c.changed[kind] = card
		}
		last = &card
	}
}

// soonest is when a card without a date takes effect: when an equal one does that is in force or coming; else now, or
// after the notice if it cuts anything.
func (c *comparison) soonest(kind ratecard.Kind, card Card, present *ratecard.Version) time.Time {
	now := c.occasion.Now
	if present == nil {
		return now
	}
	if card.Same(present.Card) {
		return present.Effective
	}
	for _, v := range c.book.Cards.Coming(kind, now) {
		if card.Same(v.Card) {
			return v.Effective
		}
	}
	// Looking for an equal one first keeps a file without dates the same on the days after its publication.
	next := card.Card
	next.Effective = now
	if kind == ratecard.SellerFee || len(c.occasion.Cuts(present, ratecard.Version{Card: next}.Indexed())) == 0 {
		return now
	}
	return c.noticed()
}

func (c *comparison) text(at time.Time) string {
	if date, ok := dateOf(at, c.occasion.Zone); ok {
		return date.Format(dateForm)
	}
	return at.UTC().Format(time.RFC3339)
}

// promotions looks for each of the file's among those there are. One that differs in its end only is moved; one that has
// not begun and is not in the file is taken back; one that runs must stay until an end that the file names.
func (c *comparison) promotions() {
	now := c.occasion.Now
	var open []ratecard.Promotion
	for _, p := range c.book.Promotions {
		if p.From.Before(p.Until) {
			open = append(open, p)
		}
	}
	// Each published one is taken once, equal ones first: otherwise a moved end could take what stands unchanged below.
	take := func(match func(ratecard.Promotion) bool) (ratecard.Promotion, bool) {
		i := slices.IndexFunc(open, match)
		if i < 0 {
			return ratecard.Promotion{}, false
		}
		found := open[i]
		open = slices.Delete(open, i, i+1)
		return found, true
	}
	var rest []Promotion
	for _, want := range c.file.Promotions {
		if _, ok := take(want.Same); !ok {
			rest = append(rest, want)
		}
	}
	for _, want := range rest {
		moved, ok := take(func(p ratecard.Promotion) bool {
			over := !p.Until.After(now)
			p.Until = want.Until
			return !over && want.Same(p)
		})
		if ok {
			c.edition.Ends = append(c.edition.Ends, ratecard.End{ID: moved.ID, Until: want.Until})
			c.put("ends", place{spot: want.spot})
			continue
		}
		c.edition.Promotions = append(c.edition.Promotions, want.Promotion)
		c.put("promotions", place{spot: want.spot})
	}
	// What is not in the file has no line; its section stands for it.
	section := spot{path: sectionPromotions, line: c.file.lines[sectionPromotions]}
	for _, p := range open {
		c.dropped[p.ID] = p.Until.After(now)
		switch {
		case !p.Until.After(now):
		case p.From.After(now):
			c.edition.Ends = append(c.edition.Ends, ratecard.End{ID: p.ID, Until: p.From})
			c.put("ends", place{spot: section})
		default:
			// An end by omission would come as a surprise: the file may be older than the promotion.
			c.refuse(section, "%s, which runs since %s, is not there", c.stay(p.Until), p.Name, c.text(p.From))
		}
	}
}

// stay says what to write of something that is in force and is not in the file.
func (c *comparison) stay(until time.Time) string {
	if !until.IsZero() && !until.After(c.noticed()) {
		return "leave it in the file as it was exported: it ends by itself"
	}
	last, _ := dateOf(c.noticed(), c.occasion.Zone)
	return "leave it in the file, and write its end: until: " + last.AddDate(0, 0, -1).Format(dateForm) + " or later"
}

// contracts does the same with creators' own rates. One in force that is not in the file ends where the file has another
// one of the same creator and kind begin.
func (c *comparison) contracts() {
	now := c.occasion.Now
	var open []ratecard.Contract
	for _, all := range c.book.Contracts {
		for _, one := range all {
			if one.Until.IsZero() || one.From.Before(one.Until) {
				open = append(open, one)
			}
		}
	}
	// Maps have no order, and a plan that is shown twice must be the same plan.
	slices.SortFunc(open, func(a, b ratecard.Contract) int { return int(a.ID - b.ID) })
	var rest []Contract
	for i, want := range c.file.Contracts {
		for _, other := range c.file.Contracts[:i] {
			if other.Handle == want.Handle && other.Kind == want.Kind && overlap(other.Contract, want.Contract) {
				c.warnings = append(c.warnings, fmt.Sprintf("%s: overlaps with that of line %d; the one that was published last holds",
					want.spot, other.line))
			}
		}
		if want.Creator == 0 {
			c.warnings = append(c.warnings, fmt.Sprintf("%s: nobody has the handle %s; this contract is left out", want.spot,
				want.Handle))
			continue
		}
		i := slices.IndexFunc(open, want.Same)
		if i < 0 {
			rest = append(rest, want)
			continue
		}
		open = slices.Delete(open, i, i+1)
	}
	for _, want := range rest {
		i := slices.IndexFunc(open, func(has ratecard.Contract) bool {
			over := !has.Until.IsZero() && !has.Until.After(now)
			has.Until = want.Until
			return !over && want.Same(has)
		})
		if i >= 0 {
			c.edition.Ends = append(c.edition.Ends, ratecard.End{ID: open[i].ID, Until: want.Until})
			c.put("ends", place{spot: want.spot})
			open = slices.Delete(open, i, i+1)
			continue
		}
		c.edition.Contracts = append(c.edition.Contracts, want.Contract)
		c.put("contracts", place{spot: want.spot})
	}
	c.dropContracts(open)
}

func overlap(a, b ratecard.Contract) bool {
	return (a.Until.IsZero() || b.From.Before(a.Until)) && (b.Until.IsZero() || a.From.Before(b.Until))
}

// dropContracts ends the contracts that are not in the file.
func (c *comparison) dropContracts(open []ratecard.Contract) {
	now, section := c.occasion.Now, spot{path: sectionContracts, line: c.file.lines[sectionContracts]}
	for _, has := range open {
		if !has.Until.IsZero() && !has.Until.After(now) {
			continue
		}
		c.dropped[has.ID] = true
		end := ratecard.End{ID: has.ID, Until: has.From}
		at := section
		if !has.From.After(now) {
			i := slices.IndexFunc(c.file.Contracts, func(want Contract) bool {
				return want.Creator == has.Creator && want.Kind == has.Kind && !want.From.Before(now)
			})
			if i < 0 {
				c.refuse(section, "the %s contract of %s, in force since %s, is not there", c.stay(has.Until), has.Kind,
					c.handle(has.Creator), c.text(has.From))
				continue
			}
			end.Until, at = c.file.Contracts[i].From, c.file.Contracts[i].spot
			if !has.Until.IsZero() && !end.Until.Before(has.Until) {
				continue // it is over by then
			}
		}
		c.edition.Ends = append(c.edition.Ends, end)
		c.put("ends", place{spot: at})
	}
}

// volumes does with months what cards does with instants.
func (c *comparison) volumes() {
	present := string(c.file.Market.Month(c.occasion.Now))
	wanted := slices.Clone(c.file.Volumes)
	if wanted[0].From == "" {
		wanted[0].From = c.soonestMonth(wanted[0], present)
	}
	if len(wanted) > 1 && wanted[0].From >= wanted[1].From {
		c.contradiction = c.refuse(wanted[0].spot, "begins no sooner than the tiers that are to follow it", "write a first month")
		return
	}
	at := func(month string) *Volume {
		var found *Volume
		for i := range wanted {
			if wanted[i].From <= month {
				found = &wanted[i]
			}
		}
		return found
	}
	bands := func(v *ratecard.Volume) []ratecard.Band {
		if v == nil {
			return nil
		}
		return v.Bands
	}
	fresh := len(c.book.Volumes) == 0 // then nobody was told of other tiers, and months before may be meant
	var months []string
	for _, v := range wanted {
		if v.From > present || fresh {
			months = append(months, v.From)
		}
	}
	if want := at(present); !fresh && want != nil && !slices.Equal(want.Bands, bands(c.book.VolumeOf(present))) {
		c.refuse(want.spot.under("from"), "is not after %s, the present month, in which other tiers hold",
			"write a later month, or leave it out", present)
		c.tiers = &wanted[len(wanted)-1].Volume
		return
	}
	for _, v := range c.book.Volumes {
		if v.From > present {
			months = append(months, v.From)
		}
	}
	slices.Sort(months)
	last := bands(c.book.VolumeOf(present))
	for _, month := range slices.Compact(months) {
		want := at(month)
		if want == nil { // before the file's first tiers those of the present month stay
			want = &Volume{Volume: ratecard.Volume{Bands: bands(c.book.VolumeOf(present))}, spot: wanted[0].spot}
		}
		have := last
		if v := c.book.VolumeOf(month); v != nil && v.From == month {
			have = v.Bands
		}
		if !slices.Equal(want.Bands, have) {
			c.edition.Volumes = append(c.edition.Volumes, ratecard.Volume{From: month, Bands: want.Bands})
			c.put("volumes", place{spot: want.spot})
			c.tiers = &want.Volume
		}
		last = want.Bands
	}
}

// soonestMonth is when tiers without a month begin: when equal ones do; else with the next month, or with the first that
// begins after the notice if they cut.
func (c *comparison) soonestMonth(want Volume, present string) string {
	for _, v := range volumesFrom(c.book, c.occasion.Now, c.file.Market) {
		if slices.Equal(v.Bands, want.Bands) {
			return v.From
		}
	}
	next := string(c.file.Market.Month(c.occasion.Now).Next())
	if has := c.book.VolumeOf(present); has.Above(&want.Volume) && c.noticed().After(startOfMonth(next, c.occasion.Zone)) {
		return string(c.file.Market.Month(c.noticed()).Next())
	}
	return next
}

func startOfMonth(month string, zone *time.Location) time.Time {
	first, _ := time.Parse(dateForm, month+"-01")
	return startOf(first, zone)
}
