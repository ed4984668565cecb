package ratecard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/id"
)

// Edition is what is published together: all of it or nothing. Ids, numbers and times of publication are given here.
type Edition struct {
	Cards      []Card
	Promotions []Promotion
	Contracts  []Contract
	Volumes    []Volume
	Ends       []End
}

// Empty tells whether there is nothing to publish.
func (e Edition) Empty() bool {
	return len(e.Cards)+len(e.Promotions)+len(e.Contracts)+len(e.Volumes)+len(e.Ends) == 0
}

// End moves the end of a promotion or a contract. One that has not begun is taken back by an end at its beginning.
type End struct {
	ID    id.ID
	Until time.Time // first instant after it; zero: without end, for contracts only
}

// Occasion is where and when something is published, and by which rules. Look fills what the rows know.
type Occasion struct {
	Market      uint16
	Marketplace string // its id, for those who are told
	Currency    string // of texts; empty: minor units
	Zone        *time.Location
	Now         time.Time
	NoticeDays  int

	unused     bool              // no order has come in yet: terms may reach back
	categoryOf map[string]string // of the products that cards name
}

// Cuts lists what next pays less than before, for the products that Look has found.
func (o Occasion) Cuts(before, next *Version) []Changed { return Cuts(before, next, o.categoryOf) }

func (o Occasion) noticed() time.Time { return o.Now.Add(time.Duration(o.NoticeDays) * 24 * time.Hour) }

// What a publication is about.
const (
	OfCard      = "card"
	OfPromotion = "promotion"
	OfContract  = "contract"
	OfVolume    = "volume"
)

// Publication says what one part of an edition does. As JSON it is the body of `rate_card.published`.
type Publication struct {
	Marketplace string    `json:"marketplace"`
	What        string    `json:"what"` // card, promotion, contract, volume
	Kind        Kind      `json:"kind,omitempty"`
	Name        string    `json:"name,omitempty"`       // of a promotion
	Version     int64     `json:"version,omitempty"`    // of a card or of volume tiers
	Creator     string    `json:"creator,omitempty"`    // of a contract
	From        time.Time `json:"from"`                 // the first instant at which something is paid otherwise
	Until       time.Time `json:"until,omitzero"`       // first instant after it
	Ended       bool      `json:"ended,omitempty"`      // only its end was moved, from WasUntil to Until
	WasUntil    time.Time `json:"was_until,omitzero"`   // zero: it had no end
	TakenBack   bool      `json:"taken_back,omitempty"` // ended before it began
	Rises       []string  `json:"rises,omitempty"`      // what pays more, or under less of a cap
	Cuts        []string  `json:"cuts,omitempty"`       // what may pay less
	NewEntries  int       `json:"entries,omitempty"`    // of the first card of its kind, with which nothing rises or is cut
	ID          id.ID     `json:"-"`                    // of the card, promotion, contract or volume tiers
	Owner       id.ID     `json:"-"`                    // the creator of a contract
	row         any       // what is stored
	part        string    // of the edition: cards, promotions, contracts, volumes, ends
	index       int
}

// Part names the part of the edition that a publication is of: cards, promotions, contracts, volumes, ends, and which of
// them.
func (p Publication) Part() (name string, index int) { return p.part, p.index }

// told bounds the lists of a publication: who wants more reads the versions themselves.
const told = 100

// tell sorts changes into rises and cuts.
func (p *Publication) tell(changes []Changed, currency string) {
	rest := map[Turn]int{}
	for _, c := range changes {
		list := &p.Rises
		if c.Turn == Fall {
			list = &p.Cuts
		}
		if len(*list) == told {
			rest[c.Turn]++
			continue
		}
		*list = append(*list, c.Text(currency))
	}
	for way, list := range map[Turn]*[]string{Rise: &p.Rises, Fall: &p.Cuts} {
		if rest[way] > 0 {
			*list = append(*list, fmt.Sprintf("and %d more", rest[way]))
		}
	}
}

// edition is a book while an edition is put into it.
type edition struct {
	Occasion
	before *Book // as it was
	book   *Book // as it will be
	said   []Publication
}

// With gives the book as it is once an edition is published, and what that changes, or refuses it as a whole. It is
// pure: whoever shows a plan and whoever publishes it get the same answer. A refusal's field names the part:
// `contracts[0].from`.
func (b *Book) With(e Edition, o Occasion) (*Book, []Publication, error) {
	o.Now = o.Now.UTC().Truncate(time.Microsecond)
	w := &edition{Occasion: o, before: b, book: b.clone()}
	for _, step := range []func(Edition) error{w.cards, w.ends, w.promotions, w.contracts, w.weigh, w.volumes} {
		if err := step(e); err != nil {
			return nil, nil, err
		}
	}
	return w.book, w.said, nil
}

// Put gives the book with an edition in it, whether or not it may be published, and with ids that no published part has:
// a book for what-ifs.
func (b *Book) Put(e Edition) *Book {
	c := b.clone()
	for _, card := range e.Cards {
		c.Cards = append(c.Cards, Version{Number: c.Cards.next(card.Kind), Card: card.Clean()}.Indexed())
	}
	for _, end := range e.Ends {
		for i := range c.Promotions {
			if c.Promotions[i].ID == end.ID {
				c.Promotions[i].Until = end.Until
			}
		}
		for _, contracts := range c.Contracts {
			for i := range contracts {
				if contracts[i].ID == end.ID {
					contracts[i].Until = end.Until
				}
			}
		}
	}
	next := id.ID(1 << 62)
	for _, p := range e.Promotions {
		next++
		p.ID = next
		c.Promotions = append(c.Promotions, p.Clean())
	}
	for _, one := range e.Contracts {
		next++
		one.ID = next
		c.Contracts[one.Creator] = append(c.Contracts[one.Creator], one.Clean())
	}
	for _, v := range e.Volumes {
		for _, other := range c.Volumes {
			v.Number = max(v.Number, other.Number+1)
		}
		c.Volumes = append(c.Volumes, v)
	}
	return c
}

func (b *Book) clone() *Book {
	c := &Book{Cards: slices.Clone(b.Cards), Promotions: slices.Clone(b.Promotions), Volumes: slices.Clone(b.Volumes),
		Contracts: make(map[id.ID][]Contract, len(b.Contracts))}
	for creator, contracts := range b.Contracts {
		c.Contracts[creator] = slices.Clone(contracts)
	}
	return c
}

// within names the part of an edition to which a refusal belongs.
func within(part string, i int, err error) error {
	f := *fault.Of(err)
	if f.Kind == fault.Unavailable {
		return err
	}
	f.Field = strings.TrimSuffix(fmt.Sprintf("%s[%d].%s", part, i, f.Field), ".")
	return &f
}

// cards adds the new versions of all kinds, and only then judges each: what follows what is known by then. Each by
// itself first, so that a refusal names the version that is the cut.
func (w *edition) cards(e Edition) error {
	made := make([]*Version, len(e.Cards))
	for i, card := range e.Cards {
		card = card.Clean()
		card.Effective = card.Effective.UTC().Truncate(time.Microsecond)
		if err := card.Check(); err != nil {
			return within("cards", i, err)
		}
		v := Version{ID: id.New(w.Now), Market: w.Market, Number: w.book.Cards.next(card.Kind), Published: w.Now, Card: card}
		made[i] = v.Indexed()
		w.book.Cards = append(w.book.Cards, made[i])
	}
	for i, v := range made {
		if w.first(v.Kind) {
			continue
		}
		if err := w.book.Cards.admit(v, w.before.Cards.At(v.Kind, w.Now), w.categoryOf, w.NoticeDays); err != nil {
			return within("cards", i, err)
		}
	}
	for i, v := range made {
		if err := w.book.Cards.admitNext(v, w.categoryOf, w.NoticeDays); err != nil && !w.first(v.Kind) {
			return within("cards", i, err)
		}
		p := Publication{What: OfCard, Kind: v.Kind, Version: v.Number, From: v.Effective, ID: v.ID, row: v}
		if before, _ := w.book.Cards.around(v); before != nil {
			p.tell(compare(before, v, w.categoryOf), w.Currency)
		} else {
			p.NewEntries = len(v.Entries)
		}
		w.say("cards", i, p)
	}
	return nil
}

// first tells whether a kind had no card before: nobody was told anything else then.
func (w *edition) first(kind Kind) bool { return w.before.Cards.next(kind) == 1 }

func (w *edition) say(part string, i int, p Publication) {
	p.Marketplace, p.part, p.index = w.Marketplace, part, i
	w.said = append(w.said, p)
}

func (w *edition) promotions(e Edition) error {
	for i, p := range e.Promotions {
		p = p.Clean()
		if err := p.Check(); err != nil {
			return within("promotions", i, err)
		}
		if p.From.Before(w.Now) && !w.unused {
			return within("promotions", i, fault.Invalidf("from", "is in the past, and orders of then are decided",
				"let it begin at "+w.Now.Format(time.RFC3339)+" or later"))
		}
		last := id.ID(0)
		for _, other := range w.book.Promotions {
			if last = max(last, other.ID); other.Same(p) {
				return within("promotions", i, twice("promotion"))
			}
		}
		p.ID, p.Published, p.Ended = nextID(w.Now, last), w.Now, time.Time{}
		w.book.Promotions = append(w.book.Promotions, p)
		w.say("promotions", i, Publication{What: OfPromotion, Name: p.Name, From: p.From, Until: p.Until,
			Rises: []string{p.Text()}, ID: p.ID, row: p})
	}
	return nil
}

// twice refuses what is there already: mostly a form that was sent two times.
func twice(what string) error {
	return fault.New(fault.Conflict, "", "the very same "+what+" is published already", "leave it as it is")
}

// nextID makes ids rise with publication, also within one instant: of two contracts the later one holds.
func nextID(now time.Time, last id.ID) id.ID { return max(id.New(now), last+1) }

func (w *edition) contracts(e Edition) error {
	for i, c := range e.Contracts {
		c = c.Clean()
		if err := c.Check(); err != nil {
			return within("contracts", i, err)
		}
		if c.From.Before(w.Now) && !w.unused {
			return within("contracts", i, fault.Invalidf("from", "is in the past, and orders of then are decided",
				"let it begin at "+w.Now.Format(time.RFC3339)+" or later"))
		}
		last := id.ID(0)
		for _, all := range w.book.Contracts {
			for _, other := range all {
				if last = max(last, other.ID); other.Same(c) {
					return within("contracts", i, twice("contract"))
				}
			}
		}
		c.ID, c.Published, c.Ended = nextID(w.Now, last), w.Now, time.Time{}
		w.book.Contracts[c.Creator] = append(w.book.Contracts[c.Creator], c)
		w.say("contracts", i, Publication{What: OfContract, Kind: c.Kind, Creator: c.Creator.Text(id.Creator), Owner: c.Creator,
			From: c.From, Until: c.Until, ID: c.ID, row: c})
	}
	return nil
}

// ends moves ends. What it takes from promotions is judged here, what it takes from contracts by weigh, which knows what
// follows them.
func (w *edition) ends(e Edition) error {
	for i, end := range e.Ends {
		end.Until = end.Until.UTC().Truncate(time.Microsecond)
		found := false
		for at := range w.book.Promotions {
			if p := &w.book.Promotions[at]; p.ID == end.ID {
				found = true
				if err := w.endPromotion(i, p, end.Until); err != nil {
					return within("ends", i, err)
				}
			}
		}
		for _, contracts := range w.book.Contracts {
			for at := range contracts {
				if c := &contracts[at]; c.ID == end.ID {
					found = true
					if err := w.endContract(i, c, end.Until); err != nil {
						return within("ends", i, err)
					}
				}
			}
		}
		if !found {
			return within("ends", i, fault.New(fault.NotFound, "", "there is no such promotion or contract", "check its id"))
		}
	}
	return nil
}

// endPromotion moves an end: later at any time, earlier with the notice of a cut once the promotion runs, because
// creators were told that it would. What has not begun may still be taken back.
func (w *edition) endPromotion(i int, p *Promotion, until time.Time) error {
	was := p.Until
	if err := movable(p.From, was, until, w.Now); err != nil {
		return err
	}
	earlier := until.Before(was)
	if !p.From.After(w.Now) && earlier && until.Before(w.noticed()) {
		return fault.Invalidf("until", "ends a running promotion, which creators were told of, in less than %d days",
			"end it at "+w.noticed().Format(time.RFC3339)+" or later", w.NoticeDays)
	}
	p.Until, p.Ended = maxTime(until, p.From), w.Now
	said := Publication{What: OfPromotion, Name: p.Name, From: was, Until: p.Until, WasUntil: was, Ended: true,
		TakenBack: p.Until.Equal(p.From), ID: p.ID, row: *p}
	if earlier {
		said.From, said.Cuts = p.Until, []string{p.Text()}
	} else {
		said.Rises = []string{p.Text()}
	}
	w.say("ends", i, said)
	return nil
}

func (w *edition) endContract(i int, c *Contract, until time.Time) error {
	was := c.Until
	if !until.IsZero() {
		if err := movable(c.From, was, until, w.Now); err != nil {
			return err
		}
		until = maxTime(until, c.From)
	} else if was.IsZero() || !was.After(w.Now) {
		return movable(c.From, was, was, w.Now)
	}
	c.Until, c.Ended = until, w.Now
	from := was
	if was.IsZero() || !until.IsZero() && until.Before(was) {
		from = until
	}
	w.say("ends", i, Publication{What: OfContract, Kind: c.Kind, Creator: c.Creator.Text(id.Creator), Owner: c.Creator,
		From: from, Until: until,
		WasUntil: was, Ended: true, TakenBack: until.Equal(c.From), ID: c.ID, row: *c})
	return nil
}

// movable refuses to change what has been: an end in the past, or that of something that is over.
func movable(from, was, until, now time.Time) error {
	switch {
	case !was.IsZero() && !was.After(now):
		return over(was)
	case until.Equal(was):
		return fault.Invalidf("until", "is what it was", "leave it out")
	case !from.After(now) && until.Before(now):
		return fault.Invalidf("until", "is in the past, and orders of then are decided",
			"write "+now.Format(time.RFC3339)+" or later")
	case until.Year() > lastYear:
		return fault.Invalidf("until", "is in the year %d", "write when it ends", until.Year())
	}
	return nil
}

func over(was time.Time) error {
	return fault.New(fault.Conflict, "until", "it is over since "+was.Format(time.RFC3339), "publish a new one")
}

func maxTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (w *edition) volumes(e Edition) error {
	for i, v := range e.Volumes {
		if err := v.Check(); err != nil {
			return within("volumes", i, err)
		}
		for _, other := range w.book.Volumes {
			v.Number = max(v.Number, other.Number)
		}
		v.ID, v.Number, v.Published = id.New(w.Now), v.Number+1, w.Now
		had := w.book.VolumeOf(v.monthBefore())
		w.book.Volumes = append(slices.Clone(w.book.Volumes), v)
		p := Publication{What: OfVolume, Version: v.Number, From: v.begins(w.Zone), ID: v.ID, row: v}
		if had.Above(&v) {
			p.Cuts = []string{v.Text(w.Currency)}
		} else {
			p.Rises = []string{v.Text(w.Currency)}
		}
		w.say("volumes", i, p)
		if err := w.admitVolume(&v, had); err != nil {
			return within("volumes", i, err)
		}
	}
	return nil
}
