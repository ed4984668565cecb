package ratefile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
)

// Export writes what a marketplace pays at an instant and what is to come, as Parse reads it. What is over is left out:
// it cannot be changed.
func Export(tx *db.Tx, m market.Market, now time.Time) ([]byte, error) {
	has, err := terms.Load(tx, m.No)
	if err != nil {
		return nil, err
	}
	handles, err := people(tx, has)
	if err != nil {
		return nil, err
	}
	f := Of(m, has, handles, now)
	head := fmt.Sprintf("# Rates of %s, as of %s. Rates are in percent, amounts in %s, dates those of %s with the\n"+
		"# last day included. A section that is left out stays as it is; one that is here is meant as a whole.\n",
		oneLine(m.Name), now.In(m.Location()).Format(dateForm), m.Currency, m.Zone)
	return append([]byte(head), f.Text()...), nil
}

// Of gives the file of all terms: what is in force at an instant and what is to come. handles are those of the creators who
// have contracts.
func Of(m market.Market, t terms.Terms, handles map[id.ID]string, now time.Time) *File {
	b := t.Rates
	f := &File{Market: m, Cards: map[ratecard.Kind][]Card{}, lines: map[string]int{}}
	for _, kind := range ratecard.Kinds {
		versions := b.Cards.Coming(kind, now)
		if present := b.Cards.At(kind, now); present != nil {
			versions = append([]*ratecard.Version{present}, versions...)
		}
		for _, v := range versions {
			f.Cards[kind] = append(f.Cards[kind], Card{Card: v.Card})
		}
	}
	for _, p := range b.Promotions {
		if p.From.Before(p.Until) && p.Until.After(now) { // neither taken back nor over
			f.Promotions = append(f.Promotions, Promotion{Promotion: p})
		}
	}
	for _, contracts := range b.Contracts {
		for _, c := range contracts {
			if c.Until.IsZero() || c.From.Before(c.Until) && c.Until.After(now) {
				f.Contracts = append(f.Contracts, Contract{Contract: c, Handle: handles[c.Creator]})
			}
		}
	}
	slices.SortFunc(f.Contracts, func(a, b Contract) int {
		return cmp.Or(cmp.Compare(a.Handle, b.Handle), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	for _, v := range volumesFrom(b, now, m) {
		f.Volumes = append(f.Volumes, Volume{Volume: v})
	}
	for _, o := range t.Ahead(now) {
		f.Bounties = append(f.Bounties, Bounty{Offer: o})
	}
	return f
}

// Text writes a file as Parse reads it. Comments of the text that it was read from are not kept: SetRate keeps them.
func (f *File) Text() []byte {
	w := &writer{market: f.Market}
	w.line(0, "marketplace: %s", quoted(f.Market.ID))
	w.line(0, "currency: %s", quoted(f.Market.Currency))
	for _, kind := range ratecard.Kinds {
		for i, c := range f.Cards[kind] {
			w.card(i, c)
		}
	}
	w.promotions(f)
	w.contracts(f)
	w.volumes(f)
	w.bounties(f)
	return w.text.Bytes()
}

// writer writes YAML by hand: a library's layout would put every rate and cap on lines of their own, and a card that is
// read at a glance is the point of the file.
type writer struct {
	market market.Market
	text   bytes.Buffer
}

func (w *writer) line(indent int, format string, args ...any) {
	w.text.WriteString(strings.Repeat("  ", indent))
	fmt.Fprintf(&w.text, format, args...)
	w.text.WriteByte('\n')
}

// oneLine makes a text fit for a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 _/()-]*[A-Za-z0-9)]$`)

// quoted writes a text as it is where no reader of YAML could take it for something else, and in quotes elsewhere.
func quoted(text string) string {
	// Readers of older YAML take these words for something else, also where ours does not.
	switch strings.ToLower(text) {
	case "null", "true", "false", "yes", "no", "on", "off", "nan", "inf", "infinity":
	default:
		if plain.MatchString(text) {
			return text
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a string can be encoded
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func list[T ~string](texts []T) string {
	parts := make([]string, len(texts))
	for i, text := range texts {
		parts[i] = quoted(string(text))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// from writes a beginning: the date where one begins then, else the instant.
func (w *writer) from(at time.Time) string {
	if date, ok := dateOf(at, w.market.Location()); ok {
		return date.Format(dateForm)
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// until writes an end: the last date that is included where one ends then, else the instant.
func (w *writer) until(at time.Time) string {
	if date, ok := dateOf(at, w.market.Location()); ok {
		return date.AddDate(0, 0, -1).Format(dateForm)
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// card writes a card: the first of its kind opens the section, the others stand under `coming`.
func (w *writer) card(i int, c Card) {
	indent := 1
	switch i {
	case 0:
		w.line(0, "\n%s:", c.Kind)
		if !c.Effective.IsZero() {
			w.line(1, "effective: %s", w.from(c.Effective))
		}
	case 1:
		w.line(1, "coming:")
		fallthrough
	default:
		indent = 3
		w.line(2, "- effective: %s", w.from(c.Effective))
	}
	w.line(indent, "default: %s", ratecard.FormatPercent(c.Default))
	entries := slices.Clone(c.Entries)
	slices.SortStableFunc(entries, func(a, b ratecard.Entry) int {
		return cmp.Or(cmp.Compare(a.SKU, b.SKU), cmp.Compare(a.Category, b.Category)) // categories first
	})
	opened := map[string]bool{} // a list opens with its first entry: an empty one says nothing
	for _, entry := range entries {
		section, name := "rates", entry.Category
		if entry.SKU != "" {
			section, name = "products", entry.SKU
		}
		if !opened[section] {
			w.line(indent, "%s:", section)
			opened[section] = true
		}
		w.line(indent+1, "%s: %s", quoted(name), w.entry(entry))
	}
}

func (w *writer) entry(e ratecard.Entry) string {
	if e.Excluded {
		return "excluded"
	}
	rate := ratecard.FormatPercent(e.BPS)
	if e.Cap == 0 && e.Minimum == 0 {
		return rate
	}
	text := "{rate: " + rate
	if e.Cap != 0 {
		text += ", cap: " + ratecard.FormatAmount(e.Cap, w.market.Currency)
	}
	if e.Minimum != 0 {
		text += ", minimum: " + ratecard.FormatAmount(e.Minimum, w.market.Currency)
	}
	return text + "}"
}

func (w *writer) promotions(f *File) {
	if len(f.Promotions) == 0 {
		w.nothing(f, sectionPromotions, "  - {name: Summer sale, from: 2027-06-01, until: 2027-06-30, categories: [Home], add: 1}")
		return
	}
	w.line(0, "\n%s:", sectionPromotions)
	for _, p := range f.Promotions {
		w.line(1, "- name: %s", quoted(p.Name))
		w.line(2, "from: %s", w.from(p.From))
		w.line(2, "until: %s", w.until(p.Until))
		if len(p.Kinds) > 0 {
			w.line(2, "kinds: %s", list(p.Kinds))
		}
		if len(p.Categories) > 0 {
			w.line(2, "categories: %s", list(p.Categories))
		}
		if len(p.SKUs) > 0 {
			w.line(2, "products: %s", list(p.SKUs))
		}
		if p.NewCustomers {
			w.line(2, "new_customers: true")
		}
		value := ratecard.FormatPercent(p.Value)
		if p.Change == ratecard.Multiply {
			value = ratecard.FormatFactor(p.Value)
		}
		w.line(2, "%s: %s", p.Change, value)
	}
}

// nothing writes an empty section: with a meaning where the file has it, else as a comment that shows the form.
func (w *writer) nothing(f *File, section, example string) {
	if f.Has(section) {
		w.line(0, "\n%s: []", section)
		return
	}
	w.line(0, "\n# %s:\n# %s", section, example)
}

func (w *writer) contracts(f *File) {
	if len(f.Contracts) == 0 {
		w.nothing(f, sectionContracts, "  - {creator: ada, kind: offsite, rate: 7, from: 2027-01-01}")
		return
	}
	w.line(0, "\n%s:", sectionContracts)
	for _, c := range f.Contracts {
		w.line(1, "- creator: %s", quoted(c.Handle))
		w.line(2, "kind: %s", c.Kind)
		w.line(2, "rate: %s", ratecard.FormatPercent(c.BPS))
		if c.Cap != 0 {
			w.line(2, "cap: %s", ratecard.FormatAmount(c.Cap, w.market.Currency))
		}
		w.line(2, "from: %s", w.from(c.From))
		if !c.Until.IsZero() {
			w.line(2, "until: %s", w.until(c.Until))
		}
		if c.NoPromotions {
			w.line(2, "promotions: false")
		}
	}
}

func (w *writer) volumes(f *File) {
	if len(f.Volumes) == 0 {
		w.line(0, "\n# volume: {from: 2027-01, bands: [{above: 1000.00, extra: 2}]}")
		return
	}
	w.line(0, "\n%s:", sectionVolume)
	for i, v := range f.Volumes {
		indent := 1
		switch i {
		case 0:
			if v.From != "" {
				w.line(1, "from: %s", v.From)
			}
		case 1:
			w.line(1, "coming:")
			fallthrough
		default:
			indent = 3
			w.line(2, "- from: %s", v.From)
		}
		if len(v.Bands) == 0 {
			w.line(indent, "bands: []")
			continue
		}
		w.line(indent, "bands:")
		for _, band := range v.Bands {
			w.line(indent+1, "- {above: %s, extra: %s}", ratecard.FormatAmount(band.Above, w.market.Currency),
				ratecard.FormatPercent(band.Extra))
		}
	}
}

// volumesFrom lists the tiers that hold in the present month and the changes of the months after it.
func volumesFrom(b *ratecard.Book, now time.Time, m market.Market) (all []ratecard.Volume) {
	months := []string{string(m.Month(now))}
	for _, v := range b.Volumes {
		if v.From > months[0] {
			months = append(months, v.From)
		}
	}
	slices.Sort(months)
	for _, month := range slices.Compact(months) {
		if v := b.VolumeOf(month); v != nil && (len(all) == 0 || all[len(all)-1].Number != v.Number) {
			all = append(all, *v)
		}
	}
	return all
}
