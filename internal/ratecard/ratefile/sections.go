package ratefile

import (
	"fmt"
	"slices"
	"strings"

	"tributary/internal/fault"
	"tributary/internal/ratecard"
)

// Each section of a file: what may stand in it.

// cards reads the section of one kind: the present card, and under `coming` those that replace it.
//
//	offsite:
//	  effective: 2026-12-15
//	  default: 4
//	  rates:    {Home: 3, "Home > Kitchen": {rate: 4.5, cap: 25.00}, Gift Cards: excluded}
//	  products: {SKU9: 12}
//	  coming:   [{effective: 2027-02-01, default: 4}]
func (r *reader) cards(n node) error {
	kind := ratecard.Kind(n.path)
	parts, err := n.fields("effective", "default", "rates", "products", "coming")
	if err != nil {
		return err
	}
	first, err := r.card(kind, n, parts)
	if err != nil {
		return err
	}
	// Only the first may lack a date: "as soon as the rules allow" means nothing behind another card.
	all := []Card{first}
	coming, err := parts["coming"].items()
	if err != nil {
		return err
	}
	for _, item := range coming {
		parts, err := item.fields("effective", "default", "rates", "products")
		if err != nil {
			return err
		}
		next, err := r.card(kind, item, parts)
		if err != nil {
			return err
		}
		if next.Effective.IsZero() {
			return item.fail("has no effective date", "write from when it replaces the card before it")
		}
		if last := all[len(all)-1]; !last.Effective.Before(next.Effective) {
			return item.fail("is not later than the card before it", "write cards in the order in which they take effect")
		}
		all = append(all, next)
	}
	r.file.Cards[kind] = all
	return nil
}

func (r *reader) card(kind ratecard.Kind, n node, parts map[string]node) (c Card, err error) {
	c = Card{Card: ratecard.Card{Kind: kind}, spot: n.with(parts)}
	if at, ok := parts["effective"]; ok {
		if c.Effective, err = r.instant(at); err != nil {
			return c, err
		}
	}
	base, ok := parts["default"]
	if !ok {
		return c, n.fail("has no default rate", "write the rate of whatever is not named, such as default: 4")
	}
	if c.Default, err = base.percent(); err != nil {
		return c, err
	}
	for _, list := range []string{"rates", "products"} {
		pairs, err := parts[list].pairs()
		if err != nil {
			return c, err
		}
		for _, pair := range pairs {
			entry, err := r.entry(pair)
			if err != nil {
				return c, err
			}
			if entry.SKU = pair.text; list == "rates" {
				entry.Category, entry.SKU = pair.text, ""
			}
			c.Entries, c.entries = append(c.Entries, entry), append(c.entries, pair.spot)
		}
	}
	c.Card = c.Clean()
	checked := c.Card
	if checked.Effective.IsZero() {
		checked.Effective = soon // it takes effect when the rules allow; the rest is judged now
	}
	return c, c.relocate(checked.Check())
}

// entry reads what a category or product gets: a rate in percent, `excluded`, or a mapping with rate, cap, minimum.
func (r *reader) entry(n node) (e ratecard.Entry, err error) {
	if text, err := n.scalar(); err == nil {
		if text == "excluded" {
			return ratecard.Entry{Excluded: true}, nil
		}
		e.BPS, err = n.percent()
		return e, err
	}
	parts, err := n.record(
		field{"excluded", func(n node) (err error) { e.Excluded, err = n.yesNo(); return err }},
		field{"rate", func(n node) (err error) { e.BPS, err = n.percent(); return err }},
		field{"cap", func(n node) (err error) { e.Cap, err = r.perUnit(n); return err }},
		field{"minimum", func(n node) (err error) { e.Minimum, err = r.perUnit(n); return err }})
	if err != nil || e.Excluded {
		return e, err
	}
	return e, n.need(parts, "write rate: 4.5, or excluded", "rate")
}

// perUnit is an amount that would say nothing if it were 0.
func (r *reader) perUnit(n node) (int64, error) {
	amount, err := r.amount(n)
	if err == nil && amount == 0 {
		err = n.fail("is 0", "leave it out for none, or set the rate to 0")
	}
	return amount, err
}

// relocate puts the line of the file into a refusal of a card, whose fields count entries.
func (c Card) relocate(err error) error {
	if err == nil {
		return nil
	}
	f := *fault.Of(err)
	// Package ratecard knows no lines: it counts entries in the order in which they were read here.
	at, index, rest := c.spot, 0, ""
	if n, _ := fmt.Sscanf(f.Field, "entries[%d]", &index); n == 1 && index < len(c.entries) {
		at = c.entries[index]
		_, rest, _ = strings.Cut(f.Field, "].")
	} else if f.Field != "entries" {
		rest = f.Field
	}
	if rest != "" {
		at = at.under(rest)
	}
	f.Field = at.String()
	return &f
}

// within puts the line of the file into a refusal of what stands at a place.
func within(at spot, err error) error {
	if err == nil {
		return nil
	}
	f := *fault.Of(err)
	if f.Field != "" {
		at = at.under(f.Field)
	}
	f.Field = at.String()
	return &f
}

// promotions reads the list of promotions.
//
//	promotions:
//	  - {name: Black Friday, from: 2026-11-27, until: 2026-11-30, categories: [Home], add: 1}
//	  - {name: Welcome, from: 2026-12-01, until: 2026-12-31, set: 8, kinds: [offsite], new_customers: true}
func (r *reader) promotions(n node) error {
	items, err := n.items()
	if err != nil {
		return err
	}
	for _, item := range items {
		p, err := r.promotion(item)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(r.file.Promotions, func(other Promotion) bool { return other.Same(p.Promotion) }) {
			return item.fail("stands there twice", "keep one of the two")
		}
		r.file.Promotions = append(r.file.Promotions, p)
	}
	return nil
}

func (r *reader) promotion(n node) (p Promotion, err error) {
	// One field per change, so that "add: 1" cannot be mistaken for "set: 1" by a missing word.
	change := func(change ratecard.Change, read func(node) (int64, error)) field {
		return field{string(change), func(n node) (err error) {
			if p.Change != "" {
				return n.fail("stands beside "+string(p.Change), "write one of set, add and multiply")
			}
			p.Change = change
			p.Value, err = read(n)
			return err
		}}
	}
	parts, err := n.record(
		field{"name", func(n node) (err error) { p.Name, err = n.scalar(); return err }},
		field{"from", func(n node) (err error) { p.From, err = r.instant(n); return err }},
		field{"until", func(n node) (err error) { p.Until, err = r.end(n); return err }},
		field{"categories", func(n node) (err error) {
			if p.Categories, err = n.texts(); err == nil && len(p.Categories) == 0 {
				err = n.fail("is empty", "leave it out for everything")
			}
			return err
		}},
		field{"products", func(n node) (err error) { p.SKUs, err = n.texts(); return err }},
		field{"kinds", func(n node) error {
			texts, err := n.texts()
			for _, text := range texts {
				p.Kinds = append(p.Kinds, ratecard.Kind(text))
			}
			return err
		}},
		change(ratecard.Set, node.percent), change(ratecard.Add, node.percent), change(ratecard.Multiply, node.factor),
		field{"new_customers", func(n node) (err error) { p.NewCustomers, err = n.yesNo(); return err }})
	if err != nil {
		return p, err
	}
	p.spot = n.with(parts)
	if p.Change == "" {
		return p, n.fail("does nothing", "write one of set, add and multiply, such as add: 1")
	}
	p.Promotion = p.Clean()
	return p, within(p.spot, p.Check())
}

func (n node) factor() (int64, error) {
	text, err := n.scalar()
	if err != nil {
		return 0, err
	}
	return ratecard.ParseFactor(n.String(), text)
}

// contracts reads the list of creators' own rates.
//
//	contracts:
//	  - {creator: ada, kind: offsite, rate: 7, cap: 10.00, from: 2026-12-01, until: 2027-03-31, promotions: false}
func (r *reader) contracts(n node) error {
	items, err := n.items()
	if err != nil {
		return err
	}
	for _, item := range items {
		c, err := r.contract(item)
		if err != nil {
			return err
		}
		for _, other := range r.file.Contracts {
			if other.Handle == c.Handle && other.Contract == c.Contract {
				return item.fail("stands there twice", "keep one of the two")
			}
		}
		r.file.Contracts = append(r.file.Contracts, c)
	}
	return nil
}

func (r *reader) contract(n node) (c Contract, err error) {
	c.Kind = ratecard.Offsite // what nearly every contract is about
	parts, err := n.record(
		field{"creator", func(n node) error {
			text, err := n.scalar()
			c.Handle = strings.ToLower(strings.TrimSpace(text))
			return err
		}},
		field{"kind", func(n node) error { text, err := n.scalar(); c.Kind = ratecard.Kind(text); return err }},
		field{"rate", func(n node) (err error) { c.BPS, err = n.percent(); return err }},
		field{"cap", func(n node) (err error) { c.Cap, err = r.perUnit(n); return err }},
		field{"from", func(n node) (err error) { c.From, err = r.instant(n); return err }},
		field{"until", func(n node) (err error) { c.Until, err = r.end(n); return err }},
		field{"promotions", func(n node) error {
			raised, err := n.yesNo()
			c.NoPromotions = !raised
			return err
		}})
	if err != nil {
		return c, err
	}
	err = n.need(parts, "write whose it is and what it pays, such as creator: ada, rate: 7", "creator", "rate")
	if err != nil {
		return c, err
	}
	c.spot = n.with(parts)
	checked := c.Contract
	checked.Creator = 1 // whoever has the handle
	return c, within(c.spot, checked.Check())
}

// volumes reads the volume tiers, and under `coming` those that replace them.
//
//	volume: {from: 2027-01, bands: [{above: 1000.00, extra: 2}], coming: [{from: 2027-06, bands: []}]}
func (r *reader) volumes(n node) error {
	parts, err := n.fields("from", "bands", "coming")
	if err != nil {
		return err
	}
	first, err := r.volume(n, parts)
	if err != nil {
		return err
	}
	all := []Volume{first}
	coming, err := parts["coming"].items()
	if err != nil {
		return err
	}
	for _, item := range coming {
		parts, err := item.fields("from", "bands")
		if err != nil {
			return err
		}
		next, err := r.volume(item, parts)
		if err != nil {
			return err
		}
		if next.From <= all[len(all)-1].From {
			return item.fail("begins no later than the tiers before it", "write tiers in the order of their first months")
		}
		all = append(all, next)
	}
	r.file.Volumes = all
	return nil
}

func (r *reader) volume(n node, parts map[string]node) (v Volume, err error) {
	v.spot = n.with(parts)
	if part, ok := parts["from"]; ok {
		if v.From, err = part.scalar(); err != nil {
			return v, err
		}
	}
	items, err := parts["bands"].items()
	if err != nil {
		return v, err
	}
	for _, item := range items {
		var band ratecard.Band
		parts, err := item.record(
			field{"above", func(n node) (err error) { band.Above, err = r.amount(n); return err }},
			field{"extra", func(n node) (err error) { band.Extra, err = n.percent(); return err }})
		if err == nil {
			err = item.need(parts, "write how much more a month brings from where on, such as above: 1000.00, extra: 2",
				"above", "extra")
		}
		if err != nil {
			return v, err
		}
		v.Bands = append(v.Bands, band)
	}
	checked := v.Volume
	if checked.From == "" {
		checked.From = soon.Format("2006-01") // it begins when the rules allow; the rest is judged now
	}
	return v, within(v.spot, checked.Check())
}
