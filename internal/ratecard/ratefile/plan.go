package ratefile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
)

// Plan is what publishing a file would do. It is made before anything is done, and made again when it is published.
type Plan struct {
	Marketplace string
	Currency    string
	Version     int64 // of the marketplace when the file was compared: Publish refuses a plan that others have overtaken
	Steps       []Step
	Warnings    []string
	First       bool // the marketplace never had any: there is nobody to tell

	edition  terms.Edition
	occasion ratecard.Occasion
}

// Step is one thing that is published.
type Step struct {
	ratecard.Publication
	Line  int    // of the file
	Title string // "offsite card, version 4", "promotion Black Friday", "contract of ada, offsite", "bounty trade_in"
}

// Empty tells whether the file says what is in force and to come already.
func (p Plan) Empty() bool { return len(p.Steps) == 0 }

// Effective is the last instant at which something of the plan takes effect; the zero time where there is nothing.
func (p Plan) Effective() (last time.Time) {
	for _, s := range p.Steps {
		if s.From.After(last) {
			last = s.From
		}
	}
	return last
}

// Draw compares a file with what its marketplace has. It changes nothing.
func Draw(tx *db.Tx, f *File, now time.Time) (Plan, error) {
	c, err := look(tx, f, now)
	if err != nil {
		return Plan{}, err
	}
	c.compare()
	if c.file.Has(sectionBounties) {
		c.bounties()
	}
	if len(c.problems) > 0 {
		return Plan{}, c.problems[0] // one at a time: the next often goes away with it
	}
	has := terms.Terms{Rates: c.book, Offers: c.offers}
	after, said, err := has.With(c.edition, c.occasion)
	if err != nil {
		return Plan{}, c.relocate(err)
	}
	p := Plan{Marketplace: f.Market.ID, Currency: f.Market.Currency, Version: f.Market.Version, First: has.Empty(),
		edition: c.edition, occasion: c.occasion}
	for _, one := range said {
		p.Steps = append(p.Steps, c.step(one))
	}
	p.Warnings, err = c.warn(tx, after.Rates, said)
	return p, err
}

// look reads what a file is compared with.
func look(tx *db.Tx, f *File, now time.Time) (*comparison, error) {
	has, err := terms.Load(tx, f.Market.No)
	if err != nil {
		return nil, err
	}
	handles, err := people(tx, has)
	if err != nil {
		return nil, err
	}
	for _, c := range f.Contracts {
		handles[c.Creator] = c.Handle // of those who have no contract yet
	}
	o := ratecard.Occasion{Market: f.Market.No, Marketplace: f.Market.ID, Currency: f.Market.Currency,
		Zone: f.Market.Location(),
		Now:  now.UTC().Truncate(time.Microsecond), NoticeDays: f.Market.Policy.Notice()}
	c := &comparison{file: f, book: has.Rates, offers: has.Offers, occasion: o, handles: handles}
	c.occasion, err = o.Look(tx, has.Rates, f.cards())
	return c, err
}

// cards are all cards of the file, for the products that they name.
func (f *File) cards() (e ratecard.Edition) {
	for _, kind := range ratecard.Kinds {
		for _, card := range f.Cards[kind] {
			e.Cards = append(e.Cards, card.Card)
		}
	}
	return e
}

// Publish reads a file again and publishes it: all of its plan or nothing. seen is the plan's version that somebody has
// looked at; 0 publishes whatever the plan is by now. The transaction has the marketplace's lane.
func Publish(tx *db.Tx, raw []byte, seen int64) (Plan, error) {
	f, err := Read(tx, raw)
	if err != nil {
		return Plan{}, err
	}
	if seen != 0 && seen != f.Market.Version {
		return Plan{}, fault.New(fault.Conflict, "plan", "others have changed the marketplace since it was shown",
			"look at the plan again")
	}
	// Drawn again, by the lane's clock: "at once" means this instant, and no order is decided between plan and publication.
	p, err := Draw(tx, f, tx.Now())
	if err != nil || p.Empty() {
		return p, err
	}
	if err := terms.Publish(tx, p.edition, p.occasion); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// Install publishes the first rates of a marketplace, for which there is nobody to tell. It needs no lane, and refuses a
// marketplace that has rates.
func Install(tx *db.Tx, raw []byte, now time.Time) (Plan, error) {
	f, err := Read(tx, raw)
	if err != nil {
		return Plan{}, err
	}
	has, err := terms.Load(tx, f.Market.No)
	if err != nil {
		return Plan{}, err
	}
	if !has.Empty() {
		return Plan{}, fault.New(fault.Conflict, "rates", "the marketplace "+f.Market.ID+" has rates",
			"change them with tributary rates import")
	}
	p, err := Draw(tx, f, now)
	if err != nil || p.Empty() {
		return p, err
	}
	return p, terms.Install(tx, p.edition, p.occasion)
}

// step puts a name and a line to a publication.
func (c *comparison) step(one terms.Publication) Step {
	s := Step{Publication: one.Publication, Line: c.places[one.PartName][one.PartIndex].line}
	switch one.What {
	case ratecard.OfCard:
		s.Title = fmt.Sprintf("%s card, version %d", one.Kind, one.Version)
	case ratecard.OfPromotion:
		s.Title = "promotion " + one.Name
	case ratecard.OfContract:
		s.Title = fmt.Sprintf("contract of %s, %s", c.handles[one.Owner], one.Kind)
	case ratecard.OfVolume:
		s.Title = fmt.Sprintf("volume tiers, version %d", one.Version)
	case terms.OfBounty:
		s.Title = bountyTitle(one)
	}
	return s
}

// relocate puts the file's place into a refusal that names a part of the edition.
func (c *comparison) relocate(err error) error {
	f := *fault.Of(err)
	part, rest, found := strings.Cut(f.Field, "[")
	var i int
	if n, _ := fmt.Sscanf(rest, "%d]", &i); !found || n != 1 || i >= len(c.places[part]) {
		return err
	}
	_, inner, _ := strings.Cut(rest, "].")
	f.Field = inner
	at := c.places[part][i]
	if at.card != nil {
		return at.card.relocate(&f)
	}
	return within(at.spot, &f)
}

// Text writes a plan as people read it, one line each: "+" rises, "-" is cut, "!" warns.
func (p Plan) Text(m market.Market) string {
	var b strings.Builder
	if p.Empty() {
		fmt.Fprintf(&b, "%s: nothing changes\n", p.Marketplace)
	}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s: %s%s\n", p.Marketplace, s.Title, s.when(m))
		if s.NewEntries > 0 {
			fmt.Fprintf(&b, "  + the first of its kind: %d entries\n", s.NewEntries)
		}
		for _, text := range s.Rises {
			fmt.Fprintf(&b, "  + %s\n", text)
		}
		for _, text := range s.Cuts {
			fmt.Fprintf(&b, "  - %s\n", text)
		}
	}
	for _, text := range p.Warnings {
		fmt.Fprintf(&b, "! %s\n", text)
	}
	return b.String()
}

// when says when a step changes what is paid.
func (s Step) when(m market.Market) string {
	at := func(t time.Time) string {
		if date, ok := dateOf(t, m.Location()); ok {
			return date.Format(dateForm)
		}
		return t.In(m.Location()).Format("2006-01-02 15:04:05 MST")
	}
	last := func(t time.Time) string {
		if date, ok := dateOf(t, m.Location()); ok {
			return date.AddDate(0, 0, -1).Format(dateForm)
		}
		return at(t)
	}
	switch {
	case s.TakenBack:
		return ", taken back before it begins"
	case s.Ended && s.Until.IsZero():
		return ", has no end any more, instead of " + last(s.WasUntil)
	case s.Ended && s.WasUntil.IsZero():
		return ", ends " + last(s.Until)
	case s.Ended:
		return ", ends " + last(s.Until) + " instead of " + last(s.WasUntil)
	case s.Until.IsZero():
		return ", from " + at(s.From)
	}
	return ", from " + at(s.From) + " until " + last(s.Until)
}

// warn lists what is allowed and probably not meant.
func (c *comparison) warn(tx *db.Tx, after *ratecard.Book, said []terms.Publication) ([]string, error) {
	warnings := slices.Clone(c.warnings)
	// A rate may exceed the fee only while a promotion runs, or with a card to come: each of these instants is looked at.
	instants := []time.Time{c.occasion.Now}
	for _, one := range said {
		if one.From.After(c.occasion.Now) {
			instants = append(instants, one.From)
		}
	}
	var fees []string
	for _, at := range instants {
		for _, a := range after.AboveFee(at) {
			text := fmt.Sprintf("%s: %s %% (%s) is above the seller's fee of %s %%", a.What, ratecard.FormatPercent(a.Rate), a.Kind,
				ratecard.FormatPercent(a.Fee))
			if a.Promotion != "" {
				text += " with promotion " + a.Promotion
			}
			if a.Creator != 0 {
				text += " for " + c.handle(a.Creator)
			}
			if !slices.Contains(fees, text) {
				fees = append(fees, text)
			}
		}
	}
	warnings = append(warnings, few(fees)...)
	unknown, err := c.unsold(tx)
	return append(warnings, few(unknown)...), err
}

// listed is how many warnings of one sort are shown.
const listed = 12

func few(texts []string) []string {
	if len(texts) <= listed {
		return texts
	}
	return append(texts[:listed:listed], fmt.Sprintf("and %d more of this sort", len(texts)-listed))
}

func (c *comparison) handle(who id.ID) string {
	if handle := c.handles[who]; handle != "" {
		return handle
	}
	return who.Text(id.Creator)
}

// unsold names categories and products of the file that the catalog does not have. An empty catalog has nothing to say.
func (c *comparison) unsold(tx *db.Tx) (texts []string, err error) {
	paths, skus := c.file.named()
	known, err := ratecard.Known(tx, c.file.Market.No, paths, skus)
	if err != nil || known == nil {
		return nil, err
	}
	for _, path := range paths {
		if !known[path] {
			texts = append(texts, fmt.Sprintf("%s: no product is in this category", path))
		}
	}
	for _, sku := range skus {
		if text := (ratecard.Entry{SKU: sku}).Text(); !known[text] {
			texts = append(texts, text+": the catalog does not have it")
		}
	}
	return texts, nil
}

// named are the categories and products that the file names, each once.
func (f *File) named() (paths, skus []string) {
	for _, kind := range ratecard.Kinds {
		for _, card := range f.Cards[kind] {
			for _, entry := range card.Entries {
				if entry.SKU != "" {
					skus = append(skus, entry.SKU)
				} else {
					paths = append(paths, entry.Category)
				}
			}
		}
	}
	for _, p := range f.Promotions {
		paths, skus = append(paths, p.Categories...), append(skus, p.SKUs...)
	}
	slices.Sort(paths)
	slices.Sort(skus)
	return slices.Compact(paths), slices.Compact(skus)
}
