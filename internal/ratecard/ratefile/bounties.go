package ratefile

import (
	"slices"
	"strconv"
	"strings"

	"tributary/internal/fault"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
)

// maxBounties is how many offers a file may have: some for each action, of which a shop has a handful.
const maxBounties = 500

// Bounty is an offer as the file wants it. Without a first day it takes effect as soon as the rules allow.
type Bounty struct {
	terms.Offer
	spot
}

// bounties reads the list of what actions pay.
//
//	bounties:
//	  - {action: signup, name: A company signs up, amount: 15.00, new_customers: true, from: 2026-12-01, page: /business}
//	  - {action: trade_in, name: A device is traded in, share: 2, max: 50.00, page: /trade, window_days: 30}
func (r *reader) bounties(n node) error {
	items, err := n.items()
	if err != nil {
		return err
	}
	if len(items) > maxBounties {
		return fault.New(fault.Exhausted, n.String(), "has more than "+strconv.Itoa(maxBounties)+" parts",
			"leave out what is over")
	}
	for _, item := range items {
		b, err := r.bounty(item)
		if err != nil {
			return err
		}
		for _, other := range r.file.Bounties {
			switch {
			case other.Same(b.Offer):
				return item.fail("stands there twice", "keep one of the two")
			case other.Action == b.Action && other.From.IsZero() && b.From.IsZero():
				// Of two that begin as soon as they may nobody could tell which one is to be paid.
				return item.fail("has no from, as another one of "+b.Action, "write the first day of one of the two")
			}
		}
		r.file.Bounties = append(r.file.Bounties, b)
	}
	return nil
}

func (r *reader) bounty(n node) (b Bounty, err error) {
	parts, err := n.record(
		field{"action", func(n node) (err error) { b.Action, err = n.scalar(); return err }},
		field{"name", func(n node) (err error) { b.Name, err = n.scalar(); return err }},
		field{"amount", func(n node) (err error) { b.Amount, err = r.amount(n); return err }},
		field{"share", func(n node) (err error) { b.ShareBPS, err = n.percent(); return err }},
		field{"max", func(n node) (err error) { b.Max, err = r.perUnit(n); return err }},
		field{"new_customers", func(n node) (err error) { b.NewCustomers, err = n.yesNo(); return err }},
		field{"from", func(n node) (err error) { b.From, err = r.instant(n); return err }},
		field{"until", func(n node) (err error) { b.Until, err = r.end(n); return err }},
		field{"page", func(n node) (err error) { b.Page, err = n.scalar(); return err }},
		field{"window_days", func(n node) (err error) { b.WindowDays, err = n.days(); return err }})
	if err != nil {
		return b, err
	}
	err = n.need(parts, "write what is paid for, and where its links lead, such as action: trade_in, page: /trade-in",
		"action", "name", "page")
	if err != nil {
		return b, err
	}
	b.spot, b.Offer = n.with(parts), b.Clean()
	checked := b.Offer
	if checked.From.IsZero() {
		checked.From = sinceEver // it begins when the rules allow; the rest is judged now
	}
	return b, within(b.spot, checked.Check())
}

// days reads a number of days.
func (n node) days() (int, error) {
	text, err := n.scalar()
	if err != nil {
		return 0, err
	}
	days, err := strconv.Atoi(text)
	if err != nil || len(text) > 4 {
		return 0, n.fail("is not a number of days", "write a whole number, such as 14")
	}
	return days, nil
}

// bounties compares the list with the offers that there are.
func (c *comparison) bounties() {
	list := make([]terms.Offer, len(c.file.Bounties))
	for i, b := range c.file.Bounties {
		list[i] = b.Offer
	}
	r := terms.Terms{Offers: c.offers}.Revise(list, c.occasion, c.noticed())
	c.edition.Bounties = r.Edition
	// What is not in the file has no line; its section stands for it.
	section := spot{path: sectionBounties, line: c.file.lines[sectionBounties]}
	for i, o := range r.Offers {
		at := c.file.Bounties[r.OfferOf[i]].spot
		c.put("bounties", place{spot: at})
		known := slices.ContainsFunc(c.offers, func(has terms.Offer) bool { return has.Action == o.Action })
		if known && o.From.Before(c.occasion.Now) {
			// The usual slip: an amount is edited and the day since which the other one is paid is left above it.
			c.refuse(at.under("from"), "is in the past, and what was offered is never changed", "write a later date, or leave it out")
		}
		if err := terms.CheckPage(c.file.Market, o.Page); err != nil {
			f := *fault.Of(err)
			f.Field = "page"
			c.problems = append(c.problems, within(at, &f))
		}
	}
	for _, i := range r.EndOf {
		at := section
		if i >= 0 {
			at = c.file.Bounties[i].spot
		}
		c.put("bounty_ends", place{spot: at})
	}
	for _, i := range r.Idle {
		c.refuse(c.file.Bounties[i].spot, "is never paid: another one of its action begins no sooner", "keep one of the two")
	}
	for _, o := range r.Missing {
		c.refuse(section, "%s, which runs since %s, is not there", c.stay(o.Until), o.Action, c.text(o.From))
	}
}

// bountyTitle names a bounty in a plan, with what changes beside the pay where the pay stays.
func bountyTitle(one terms.Publication) string {
	title := "bounty " + one.Name
	if len(one.Rises)+len(one.Cuts) == 0 && len(one.Changes) > 0 {
		title += " with another " + strings.Join(one.Changes, " and ")
	}
	return title
}

func (w *writer) bounties(f *File) {
	if len(f.Bounties) == 0 {
		w.nothing(f, sectionBounties, "  - {action: signup, name: A company signs up, amount: 15.00, from: 2027-01-01, page: /}")
		return
	}
	w.line(0, "\n%s:", sectionBounties)
	for _, b := range f.Bounties {
		w.line(1, "- action: %s", quoted(b.Action))
		w.line(2, "name: %s", quoted(b.Name))
		if b.Amount != 0 {
			w.line(2, "amount: %s", ratecard.FormatAmount(b.Amount, w.market.Currency))
		}
		if b.ShareBPS != 0 {
			w.line(2, "share: %s", ratecard.FormatPercent(b.ShareBPS))
		}
		if b.Max != 0 {
			w.line(2, "max: %s", ratecard.FormatAmount(b.Max, w.market.Currency))
		}
		if b.NewCustomers {
			w.line(2, "new_customers: true")
		}
		if !b.From.IsZero() {
			w.line(2, "from: %s", w.from(b.From))
		}
		if !b.Until.IsZero() {
			w.line(2, "until: %s", w.until(b.Until))
		}
		w.line(2, "page: %s", quoted(b.Page))
		if b.WindowDays != 0 {
			w.line(2, "window_days: %d", b.WindowDays)
		}
	}
}
