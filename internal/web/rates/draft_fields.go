package rates

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/web/staff"
)

// How the fields of a form are read, and how what the text says is written into them.

// readCard reads the fields of a card. A row without a name is no entry.
func (v *draftForm) readCard(kind ratecard.Kind) (c ratecard.Card, err error) {
	c = ratecard.Card{Kind: kind}
	if c.Effective, err = instantOf(v.Desk, "effective", v.card.effective, 0); err != nil {
		return c, err
	}
	if c.Default, err = ratecard.ParsePercent("default", cmp.Or(v.card.base, "-")); err != nil {
		return c, err
	}
	for i, list := range [][]entryFields{v.card.categories, v.card.products} {
		for _, row := range list {
			if row.what == "" {
				continue
			}
			e := ratecard.Entry{Category: row.what, Excluded: row.excluded}
			if i == 1 {
				e = ratecard.Entry{SKU: row.what, Excluded: row.excluded}
			}
			if err := row.read(v.Desk.Market, kind, &e); err != nil {
				return c, err
			}
			c.Entries = append(c.Entries, e)
		}
	}
	c = c.Clean()
	checked := c
	if checked.Effective.IsZero() {
		checked.Effective = v.Now // it takes effect when the rules allow
	}
	return c, named(checked, checked.Check())
}

// read reads a row's rate and limit. What is refused names the row by what it is about.
func (row entryFields) read(m market.Market, kind ratecard.Kind, e *ratecard.Entry) (err error) {
	if row.excluded {
		return nil
	}
	if e.BPS, err = ratecard.ParsePercent(e.Text(), cmp.Or(row.rate, "-")); err != nil || row.limit == "" {
		return err
	}
	amount, err := ratecard.ParseAmount(e.Text(), row.limit, m.Currency)
	if kind == ratecard.SellerFee {
		e.Minimum = amount
	} else {
		e.Cap = amount
	}
	return err
}

// named puts what an entry is about in place of its number in a refusal.
func named(c ratecard.Card, err error) error {
	if err == nil {
		return nil
	}
	f := *fault.Of(err)
	var i int
	if n, _ := fmt.Sscanf(f.Field, "entries[%d]", &i); n != 1 || i >= len(c.Entries) {
		return err
	}
	f.Field = c.Entries[i].Text()
	return &f
}

func (v *draftForm) readPromotions() (all []ratefile.Promotion, err error) {
	for i, row := range v.promotions {
		if row.name == "" && row.value == "" {
			continue
		}
		p := ratecard.Promotion{Name: row.name, Categories: lines(row.categories), SKUs: lines(row.products),
			Change: ratecard.Change(row.change), NewCustomers: row.newCustomers}
		for _, kind := range row.kinds {
			p.Kinds = append(p.Kinds, ratecard.Kind(kind))
		}
		field := cmp.Or(row.name, fmt.Sprintf("promotion %d", i+1))
		if p.From, err = instantOf(v.Desk, field+": from", row.from, 0); err != nil {
			return nil, err
		}
		if p.Until, err = instantOf(v.Desk, field+": until", row.until, 1); err != nil {
			return nil, err
		}
		parse := ratecard.ParsePercent
		if p.Change == ratecard.Multiply {
			parse = ratecard.ParseFactor
		}
		if p.Value, err = parse(field+": value", cmp.Or(row.value, "-")); err != nil {
			return nil, err
		}
		p = p.Clean()
		if err := p.Check(); err != nil {
			return nil, under(field, err)
		}
		all = append(all, ratefile.Promotion{Promotion: p})
	}
	return all, nil
}

func (v *draftForm) readContracts() (all []ratefile.Contract, err error) {
	for _, row := range v.contracts {
		if row.creator == "" {
			continue
		}
		c := ratefile.Contract{Handle: row.creator}
		c.Kind, c.NoPromotions = ratecard.Kind(row.kind), row.noPromotions
		if c.BPS, err = ratecard.ParsePercent(row.creator+": rate", cmp.Or(row.rate, "-")); err != nil {
			return nil, err
		}
		if row.limit != "" {
			if c.Cap, err = ratecard.ParseAmount(row.creator+": cap", row.limit, v.Desk.Market.Currency); err != nil {
				return nil, err
			}
		}
		if c.From, err = instantOf(v.Desk, row.creator+": from", row.from, 0); err != nil {
			return nil, err
		}
		if c.Until, err = instantOf(v.Desk, row.creator+": until", row.until, 1); err != nil {
			return nil, err
		}
		checked := c.Contract
		checked.Creator = 1 // whoever has the handle
		if err := checked.Check(); err != nil {
			return nil, under(row.creator, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func (v *draftForm) readTiers(have []ratefile.Volume) ([]ratefile.Volume, error) {
	tier := ratefile.Volume{Volume: ratecard.Volume{From: v.from}}
	for i, row := range v.bands {
		if row.above == "" && row.extra == "" {
			continue
		}
		field := fmt.Sprintf("band %d", i+1)
		above, err := ratecard.ParseAmount(field, cmp.Or(row.above, "-"), v.Desk.Market.Currency)
		if err != nil {
			return nil, err
		}
		extra, err := ratecard.ParsePercent(field, cmp.Or(row.extra, "-"))
		if err != nil {
			return nil, err
		}
		tier.Bands = append(tier.Bands, ratecard.Band{Above: above, Extra: extra})
	}
	if len(have) == 0 && len(tier.Bands) == 0 {
		return nil, nil // there were none, and there are none
	}
	all := slices.Clone(have)
	if v.version < len(all) {
		all[v.version] = tier
	} else {
		all = append(all, tier)
	}
	return all, nil
}

// instantOf reads a date as the file writes it: the first day, or for an end the last one, or an instant of its own.
func instantOf(d *staff.Desk, field, text string, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC().Truncate(time.Microsecond), nil
	}
	date, err := time.Parse(staff.DateForm, text)
	if err != nil {
		return date, fault.Invalidf(field, "is neither a date nor an instant", "write 2026-12-15, or 2026-12-15T09:00:00Z")
	}
	return d.Midnight(date.AddDate(0, 0, later)), nil
}

// textOf writes an instant as instantOf reads it: the date where one begins then.
func textOf(d *staff.Desk, at time.Time, later int) string {
	if at.IsZero() {
		return ""
	}
	local := at.In(d.Market.Location())
	if !d.Midnight(time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)).Equal(at) {
		return at.UTC().Format(time.RFC3339Nano)
	}
	return time.Date(local.Year(), local.Month(), local.Day()+later, 0, 0, 0, 0, time.UTC).Format(staff.DateForm)
}

func amountText(d *staff.Desk, amount int64) string {
	if amount == 0 {
		return ""
	}
	return ratecard.FormatAmount(amount, d.Market.Currency)
}

func valueText(change ratecard.Change, value int64) string {
	if change == ratecard.Multiply {
		return ratecard.FormatFactor(value)
	}
	return ratecard.FormatPercent(value)
}

func kindTexts(kinds []ratecard.Kind) (texts []string) {
	for _, kind := range kinds {
		texts = append(texts, string(kind))
	}
	return texts
}

func lines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// under puts a name before the field of a refusal.
func under(what string, err error) error {
	f := *fault.Of(err)
	f.Field = strings.TrimSuffix(what+": "+f.Field, ": ")
	return &f
}
