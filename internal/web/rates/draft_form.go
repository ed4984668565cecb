package rates

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/web/staff"
)

// A draft is one text. A form shows one section of it as fields and writes the same section again: an entry that changed
// is amended where it stands, and whatever else changed writes its section anew. All other sections stay as they are.

// Parts of a draft that have a form of their own, as the file names its sections.
const (
	partPromotions = "promotions"
	partContracts  = "contracts"
	partVolume     = "volume"
)

// parts are the forms, in the order of the file.
var parts = []string{string(ratecard.Offsite), string(ratecard.Onsite), string(ratecard.Boosted), string(ratecard.SellerFee),
	partPromotions, partContracts, partVolume}

// spare is how many empty rows a form ends with: more come with every save.
const spare = 4

// draftForm is one section of a draft as fields.
type draftForm struct {
	*oneDraft
	part       string
	version    int // of cards and tiers: 0 is the first, the others are to come; one beyond the last is new
	versions   []string
	unreadable bool // the text must be mended first
	card       cardFields
	bands      []bandFields
	from       string // first month of tiers
	promotions []promotionFields
	contracts  []contractFields
}

// cardFields is a card as a form shows it: texts, so that what cannot be read comes back as it was typed.
type cardFields struct {
	effective, base string
	categories      []entryFields
	products        []entryFields
}

type entryFields struct {
	what, rate, limit string
	excluded          bool
}

type bandFields struct{ above, extra string }

type promotionFields struct {
	name, from, until    string
	categories, products string // one a line
	change, value        string
	kinds                []string
	newCustomers         bool
}

type contractFields struct {
	creator, kind, rate, limit, from, until string
	noPromotions                            bool
}

// DraftForm shows a section of a draft as a form.
func (p *Pages) DraftForm(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, formView(r))
}

func formView(r *http.Request) staff.Page {
	return staff.Page{Title: "Draft", Current: staff.AtRates,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			one, err := readDraft(tx, d, r)
			if err != nil {
				return nil, err
			}
			v := &draftForm{oneDraft: one, part: string(ratecard.Offsite)}
			if part := d.Sent("part"); slices.Contains(parts, part) {
				v.part = part
			}
			if v.version, err = d.WholeOf("version", 1000); err != nil {
				return nil, err
			}
			f, err := ratefile.Parse(v.Text, d.Market)
			if err != nil {
				if fault.Of(err).Kind == fault.Unavailable {
					return nil, err
				}
				v.unreadable, v.problem = true, fault.Of(err)
				return formPage(v), nil
			}
			v.fill(f)
			if d.Refused != nil {
				v.typed()
			}
			v.spare()
			return formPage(v), v.draw(tx)
		}}
}

// fill shows what the text says.
func (v *draftForm) fill(f *ratefile.File) {
	d := v.Desk
	switch v.part {
	case partPromotions:
		for _, p := range f.Promotions {
			v.promotions = append(v.promotions, promotionFields{name: p.Name, from: textOf(d, p.From, 0),
				until: textOf(d, p.Until, -1), categories: strings.Join(p.Categories, "\n"), products: strings.Join(p.SKUs, "\n"),
				change: string(p.Change), value: valueText(p.Change, p.Value), kinds: kindTexts(p.Kinds), newCustomers: p.NewCustomers})
		}
	case partContracts:
		for _, c := range f.Contracts {
			v.contracts = append(v.contracts, contractFields{creator: c.Handle, kind: string(c.Kind),
				rate: ratecard.FormatPercent(c.BPS), limit: amountText(d, c.Cap), from: textOf(d, c.From, 0),
				until: textOf(d, c.Until, -1), noPromotions: c.NoPromotions})
		}
	case partVolume:
		for _, tier := range f.Volumes {
			v.versions = append(v.versions, tier.From)
		}
		v.version = min(v.version, len(f.Volumes))
		if at := min(v.version, len(f.Volumes)-1); at >= 0 {
			if v.version == at {
				v.from = f.Volumes[at].From
			}
			for _, b := range f.Volumes[at].Bands {
				v.bands = append(v.bands, bandFields{ratecard.FormatAmount(b.Above, d.Market.Currency), ratecard.FormatPercent(b.Extra)})
			}
		}
	default:
		v.fillCard(f.Cards[ratecard.Kind(v.part)])
	}
}

// fillCard shows one of a kind's cards; a new one begins as the last one is.
func (v *draftForm) fillCard(cards []ratefile.Card) {
	for _, c := range cards {
		v.versions = append(v.versions, textOf(v.Desk, c.Effective, 0))
	}
	v.version = min(v.version, len(cards))
	at := min(v.version, len(cards)-1)
	if at < 0 {
		return
	}
	card := cards[at]
	v.card = cardFields{base: ratecard.FormatPercent(card.Default)}
	if v.version == at && card.Effective.After(v.Now) { // one in force has no date: a change of it takes effect when it may
		v.card.effective = textOf(v.Desk, card.Effective, 0)
	}
	for _, e := range card.Entries {
		row := entryFields{what: cmp.Or(e.SKU, e.Category), rate: ratecard.FormatPercent(e.BPS), excluded: e.Excluded,
			limit: amountText(v.Desk, e.Cap+e.Minimum)} // a card has the one or the other
		if e.Excluded {
			row.rate = ""
		}
		if e.SKU != "" {
			v.card.products = append(v.card.products, row)
		} else {
			v.card.categories = append(v.card.categories, row)
		}
	}
}

// typed shows what was sent in place of what the text says.
func (v *draftForm) typed() {
	form := v.Form
	// A form has one value per row in each column, in the order of the rows; a tick names its row by number, since browsers
	// send only those that are set.
	column := func(name string, i int) string {
		if values := form[name]; i < len(values) {
			return strings.TrimSpace(values[i])
		}
		return ""
	}
	rows := func(front string) (all []entryFields) {
		for i := range form[front+"what"] {
			all = append(all, entryFields{column(front+"what", i), column(front+"rate", i), column(front+"limit", i),
				v.Ticked(front+"excluded", strconv.Itoa(i))})
		}
		return all
	}
	switch v.part {
	case partPromotions:
		v.promotions = nil
		for i := range form["promo"] {
			at := strconv.Itoa(i)
			v.promotions = append(v.promotions, promotionFields{name: column("promo", i), from: column("from", i),
				until: column("until", i), categories: column("categories", i), products: column("products", i),
				change: column("change", i), value: column("value", i), kinds: form["kinds"+at], newCustomers: v.Ticked("new", at)})
		}
	case partContracts:
		v.contracts = nil
		for i := range form["creator"] {
			v.contracts = append(v.contracts, contractFields{creator: column("creator", i), kind: column("kind", i),
				rate: column("rate", i), limit: column("limit", i), from: column("from", i), until: column("until", i),
				noPromotions: v.Ticked("plain", strconv.Itoa(i))})
		}
	case partVolume:
		v.bands, v.from = nil, v.Sent("from")
		for i := range form["above"] {
			v.bands = append(v.bands, bandFields{column("above", i), column("extra", i)})
		}
	default:
		v.card = cardFields{effective: v.Sent("effective"), base: v.Sent("default"), categories: rows("c"), products: rows("p")}
	}
}

// spare adds empty rows.
func (v *draftForm) spare() {
	for range spare {
		v.card.categories, v.card.products = append(v.card.categories, entryFields{}), append(v.card.products, entryFields{})
		v.bands, v.contracts = append(v.bands, bandFields{}), append(v.contracts, contractFields{kind: string(ratecard.Offsite)})
	}
	v.promotions = append(v.promotions, promotionFields{change: string(ratecard.Add)})
}

// SaveForm writes a section of a draft from a form.
func (p *Pages) SaveForm(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, formView(r), func(d *staff.Desk) (string, error) {
		return p.keep(r, d, "/form", func(draft *ratefile.Draft) error {
			v := &draftForm{oneDraft: &oneDraft{Desk: d}, part: d.Sent("part")}
			if !slices.Contains(parts, v.part) {
				return fault.Invalidf("part", "is no part of a draft", "open the form again")
			}
			var err error
			if v.version, err = d.WholeOf("version", 1000); err != nil {
				return err
			}
			v.typed()
			text, err := v.write(draft.Text)
			if err == nil {
				draft.Text = text
			}
			return err
		})
	})
}

// write gives the draft's text with the section as the form says it.
func (v *draftForm) write(text []byte) ([]byte, error) {
	f, err := ratefile.Parse(text, v.Desk.Market)
	if err != nil {
		return nil, err
	}
	// A section within braces has no lines of its own that could be replaced.
	if f.Has(v.part) && cut(text, v.part) == nil {
		return nil, fault.Invalidf(v.part, "is written in braces", "change it as text, or write it on lines of its own")
	}
	only := &ratefile.File{Market: v.Desk.Market, Cards: map[ratecard.Kind][]ratefile.Card{}}
	switch v.part {
	case partPromotions:
		only.Promotions, err = v.readPromotions()
	case partContracts:
		only.Contracts, err = v.readContracts()
	case partVolume:
		only.Volumes, err = v.readTiers(f.Volumes)
	default:
		return v.writeCard(text, f)
	}
	if err != nil {
		return nil, err
	}
	return v.rewrite(text, only, f.Has(v.part))
}

// rewrite writes the whole section anew. One that was there and holds nothing now says so: it is meant as a whole.
func (v *draftForm) rewrite(text []byte, only *ratefile.File, had bool) ([]byte, error) {
	section := cut(only.Text(), v.part)
	if section == nil && had {
		section = []byte(v.part + ": []\n")
	}
	written := splice(text, v.part, section)
	_, err := ratefile.Parse(written, v.Desk.Market)
	return written, err
}

// writeCard writes one of a kind's cards: the first line by line, so that notes in the text stay, the others anew.
func (v *draftForm) writeCard(text []byte, f *ratefile.File) ([]byte, error) {
	kind := ratecard.Kind(v.part)
	card, err := v.readCard(kind)
	if err != nil {
		return nil, err
	}
	cards := slices.Clone(f.Cards[kind])
	if v.version < len(cards) {
		was := cards[v.version].Card
		if card.Effective.IsZero() && card.Same(was) && !was.Effective.After(v.Now) {
			return text, nil // what is in force stays as it is
		}
		if v.version == 0 {
			if written, err := v.amend(text, was, card); err == nil && says(written, v.Desk.Market, card) {
				return written, nil
			}
		}
		cards[v.version].Card = card
	} else {
		cards = append(cards, ratefile.Card{Card: card})
	}
	return v.rewrite(text, &ratefile.File{Market: v.Desk.Market, Cards: map[ratecard.Kind][]ratefile.Card{kind: cards}}, true)
}

// says tells whether a text's first card of a kind is this one.
func says(text []byte, m market.Market, card ratecard.Card) bool {
	f, err := ratefile.Parse(text, m)
	if err != nil || len(f.Cards[card.Kind]) == 0 {
		return false
	}
	first := f.Cards[card.Kind][0].Card
	return first.Same(card) && first.Effective.Equal(card.Effective)
}

// amend changes what differs, each where it stands.
func (v *draftForm) amend(text []byte, was, wanted ratecard.Card) ([]byte, error) {
	if !wanted.Effective.Equal(was.Effective) {
		text = setLine(text, v.part, "effective", textOf(v.Desk, wanted.Effective, 0))
	}
	if wanted.Default != was.Default {
		text = setLine(text, v.part, "default", ratecard.FormatPercent(wanted.Default))
	}
	before := map[string]ratecard.Entry{}
	for _, e := range was.Entries {
		before[e.Text()] = e
	}
	change := func(e ratecard.Entry, remove bool) (err error) {
		a := ratefile.Amendment{Kind: was.Kind, Card: v.version, Entry: e, Remove: remove}
		text, err = ratefile.Amend(text, v.Desk.Market, a)
		return err
	}
	seen := map[string]bool{}
	for _, e := range wanted.Entries {
		seen[e.Text()] = true
		if old, ok := before[e.Text()]; ok && old == e {
			continue
		}
		if err := change(e, false); err != nil {
			return nil, err
		}
	}
	for _, e := range was.Entries {
		if !seen[e.Text()] {
			if err := change(e, true); err != nil {
				return nil, err
			}
		}
	}
	return text, nil
}
