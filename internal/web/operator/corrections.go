package operator

import (
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/correction"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/report"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

const (
	atCorrections   = "/operator/corrections"
	pageCorrections = 100
	pageFound       = 12 // creators whom a name finds
)

// staff.Proposers may propose a correction of some kind, and take their own proposal back.
var Proposers = correction.Proposers

// corrections is what waits for a second person.
type corrections struct {
	*staff.Desk
	waiting       []correctionRow
	open, overdue int // claims
}

// correctionRow is a correction with the names of those whom it is about.
type correctionRow struct {
	correction.Correction
	name, proposer string
}

// Corrections lists what waits for a second person.
func (p *Pages) Corrections(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, staff.Page{Title: "Corrections", Current: staff.AtQueue,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v := &corrections{Desk: d}
			all, err := correction.Waiting(tx, d.Market.No, 0, pageCorrections)
			if err != nil {
				return nil, err
			}
			if v.waiting, err = correctionRows(tx, all); err != nil {
				return nil, err
			}
			v.open, v.overdue, _, err = queued(tx, d)
			return correctionsPage(v), err
		}})
}

// correctionRows adds names.
func correctionRows(tx *db.Tx, all []correction.Correction) ([]correctionRow, error) {
	ids, whos := make([]id.ID, len(all)), make([]string, len(all))
	for i, c := range all {
		ids[i], whos[i] = c.Creator, staff.ID(c.Proposer)
	}
	found, err := staff.Names(tx, ids)
	if err != nil {
		return nil, err
	}
	proposers, err := staff.People(tx, whos)
	rows := make([]correctionRow, len(all))
	for i, c := range all {
		rows[i] = correctionRow{c, staff.Name(found, c.Creator), proposers[whos[i]]}
	}
	return rows, err
}

// oneCorrection is a correction with all that was done with it.
type oneCorrection struct {
	*staff.Desk
	correctionRow
	second string
	steps  []staff.Step
}

// Correction shows one correction; it is decided on the same page.
func (p *Pages) Correction(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, correctionView(r))
}

func correctionView(r *http.Request) staff.Page {
	return staff.Page{Title: "Correction", Current: staff.AtQueue,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			which, err := id.Parse("correction", id.Correction, r.PathValue("correction"))
			if err != nil {
				return nil, ui.NotFound
			}
			c, steps, err := correction.Find(tx, which)
			if err == nil && c.Market != d.Market.No {
				err = ui.NotFound
			}
			if err != nil {
				return nil, err
			}
			rows, err := correctionRows(tx, []correction.Correction{c})
			if err != nil {
				return nil, err
			}
			v := &oneCorrection{Desk: d, correctionRow: rows[0]}
			whos := []string{staff.ID(c.Second)}
			for _, s := range steps {
				whos = append(whos, s.Who)
			}
			found, err := staff.People(tx, whos)
			v.second = found[whos[0]]
			for _, s := range steps {
				v.steps = append(v.steps, staff.Step{At: s.At, What: s.Action + " by " + found[s.Who], Words: s.Words})
			}
			d.Title = v.title()
			return correctionPage(v), err
		}}
}

// title says what a correction does.
func (v *oneCorrection) title() string {
	switch v.Kind {
	case correction.Disqualification:
		return ui.Plural(v.Format, int64(len(v.Lines)), "line", "lines") + " disqualified"
	case correction.Reversal:
		return ui.Plural(v.Format, int64(len(v.Lines)), "line", "lines") + " given back"
	}
	return "An adjustment of " + v.Money(v.Amount)
}

// own tells whether whoever looks has proposed it.
func (v *oneCorrection) own() bool { return v.Proposer == v.Who.ID }

func correctionAddress(d *staff.Desk, one id.ID, more ...string) string {
	return d.InMarket(atCorrections+"/"+one.Text(id.Correction), more...)
}

// propose takes a proposal, and posts it where one person is enough.
func (p *Pages) propose(ctx context.Context, d *staff.Desk, proposal correction.Proposal) (
	c correction.Correction, err error) {
	err = p.Lane(ctx, d, func(tx *db.Tx) error {
		_, _, known := correction.Find(tx, proposal.ID)
		if c, err = correction.Propose(tx, d.Market.No, d.Who, d.Market.Policy.AdjustmentLimit(), proposal); err != nil || known == nil {
			return err // sent twice, it is one correction
		}
		return noteCorrection(tx, d, c, "correction.proposed", proposal.Words)
	})
	if err != nil || c.State != correction.Approved {
		return c, err
	}
	// Posting is a transaction of its own. If this process ends before it, the next look posts what was approved.
	return correction.Post(ctx, p.DB, p.Accrual, c.ID)
}

// noteCorrection writes what was decided about money into the audit log.
func noteCorrection(tx *db.Tx, d *staff.Desk, c correction.Correction, action, words string) error {
	after := map[string]any{"kind": c.Kind, "state": c.State, "amount": c.Amount, "currency": d.Market.Currency, "reason": c.Reason, "lines": len(c.Lines)}
	return d.Note(tx, action, "correction/"+d.Market.ID+"/"+c.ID.Text(id.Correction), c.Creator, words, after)
}

// proposed leads to a correction, and says whether it waits.
func proposed(d *staff.Desk, c correction.Correction) string {
	if c.State == correction.Proposed {
		return correctionAddress(d, c.ID, "said", "waiting")
	}
	return correctionAddress(d, c.ID, "said", "posted")
}

// adjust is the form for an adjustment: first whose balance, then how much and why.
type adjust struct {
	*staff.Desk
	text     string
	found    []creator.Creator
	one      creator.Creator // chosen; its zero value: nobody yet
	balances report.Balances
	history  []correctionRow
	limit    int64
}

// Adjust finds a creator, and shows the form for an adjustment.
func (p *Pages) Adjust(w http.ResponseWriter, r *http.Request) error { return p.See(w, r, adjustView) }

var adjustView = staff.Page{Title: "Adjust a balance", Current: staff.AtQueue,
	Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &adjust{Desk: d, text: d.Sent("q"), limit: d.Market.Policy.AdjustmentLimit()}
		if text := d.Sent("creator"); text != "" {
			number, err := id.Parse("creator", id.Creator, text)
			if err == nil {
				v.one, err = creator.One(tx, number)
			}
			if err != nil {
				return nil, err
			}
			if v.balances, err = report.BalancesOf(tx, number, d.Market, d.Now); err != nil {
				return nil, err
			}
			v.history, err = correctionsOf(tx, d, number)
			return adjustPage(v), err
		}
		if v.text == "" {
			return adjustPage(v), nil
		}
		if len(v.text) > 200 {
			return nil, fault.Invalidf("q", "is longer than 200 characters", "search for a part of a name")
		}
		var err error
		v.found, err = creator.Search(tx, v.text, pageFound)
		return adjustPage(v), err
	}}

// correctionsOf are a creator's corrections here, newest first.
func correctionsOf(tx *db.Tx, d *staff.Desk, one id.ID) ([]correctionRow, error) {
	all, err := correction.OfCreator(tx, one, d.Market.No, false, 0, pageCorrections)
	if err != nil {
		return nil, err
	}
	return correctionRows(tx, all)
}

// ProposeAdjustment takes the form: posted at once, or waiting for a second person.
func (p *Pages) ProposeAdjustment(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, adjustView, func(d *staff.Desk) (string, error) {
		a := correction.Proposal{Kind: correction.Adjustment, Reason: d.Sent("reason"), Words: d.Sent("words"),
			Evidence: d.Texts("evidence"), Ref: correction.Ref{Order: d.Sent("order"), Line: d.Sent("line")}}
		var err error
		if a.ID, err = id.Parse("key", id.Correction, d.Sent("key")); err != nil {
			return "", err
		}
		if a.Creator, err = id.Parse("creator", id.Creator, d.Sent("creator")); err != nil {
			return "", err
		}
		if a.Amount, err = d.AmountOf("amount"); err != nil {
			return "", err
		}
		c, err := p.propose(r.Context(), d, a)
		return proposed(d, c), err
	})
}

// DecideCorrection lets a second person approve or decline. That nobody decides about the own proposal is the rule of
// package correction; the page only leaves the form out.
func (p *Pages) DecideCorrection(w http.ResponseWriter, r *http.Request) error {
	return p.decide(w, r, func(ctx context.Context, d *staff.Desk, which id.ID) (string, error) {
		decide, said := correction.Decline, "declined"
		if d.Sent("do") == "approve" {
			decide, said = correction.Approve, "approved"
		}
		err := p.Lane(ctx, d, func(tx *db.Tx) error {
			c, err := decide(tx, d.Market.No, which, d.Who, d.Sent("words"))
			if err != nil {
				return err
			}
			return noteCorrection(tx, d, c, "correction."+said, d.Sent("words"))
		})
		if err == nil && said == "approved" {
			_, err = correction.Post(ctx, p.DB, p.Accrual, which)
		}
		return said, err
	})
}

// WithdrawCorrection lets the proposer take a proposal back.
func (p *Pages) WithdrawCorrection(w http.ResponseWriter, r *http.Request) error {
	return p.decide(w, r, func(ctx context.Context, d *staff.Desk, which id.ID) (string, error) {
		return "withdrawn", p.Lane(ctx, d, func(tx *db.Tx) error {
			c, err := correction.Withdraw(tx, d.Market.No, which, d.Who, d.Sent("words"))
			if err != nil {
				return err
			}
			return noteCorrection(tx, d, c, "correction.withdrawn", d.Sent("words"))
		})
	})
}

// PostCorrection posts what is approved: where a process ended in between, a person need not wait for the next look.
func (p *Pages) PostCorrection(w http.ResponseWriter, r *http.Request) error {
	return p.decide(w, r, func(ctx context.Context, d *staff.Desk, which id.ID) (string, error) {
		_, err := correction.Post(ctx, p.DB, p.Accrual, which)
		return "posted", err
	})
}

// decide takes a form about one correction, and leads back to it.
func (p *Pages) decide(w http.ResponseWriter, r *http.Request,
	do func(context.Context, *staff.Desk, id.ID) (said string, err error)) error {
	return p.Take(w, r, correctionView(r), func(d *staff.Desk) (string, error) {
		which, err := id.Parse("correction", id.Correction, r.PathValue("correction"))
		if err != nil {
			return "", ui.NotFound
		}
		said, err := do(r.Context(), d, which)
		return correctionAddress(d, which, "said", said), err
	})
}

// Disqualify proposes that lines of an order earn nothing, with evidence.
func (p *Pages) Disqualify(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, orderView(r), func(d *staff.Desk) (string, error) {
		q := correction.Proposal{Kind: correction.Disqualification, Reason: d.Sent("reason"), Words: d.Sent("words"),
			Evidence: d.Texts("evidence")}
		for _, line := range d.Form["line"] {
			q.Lines = append(q.Lines, correction.LineKey{Order: r.PathValue("order"), Line: line})
		}
		var err error
		if q.ID, err = id.Parse("key", id.Correction, d.Sent("key")); err != nil {
			return "", err
		}
		c, err := p.propose(r.Context(), d, q)
		return proposed(d, c), err
	})
}

// Reverse proposes to take a disqualification back: the lines that the form names, or all that still stand.
func (p *Pages) Reverse(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, correctionView(r), func(d *staff.Desk) (string, error) {
		q := correction.Proposal{Kind: correction.Reversal, Reason: d.Sent("reason"), Words: d.Sent("words"),
			Evidence: d.Texts("evidence")}
		var err error
		if q.Reverses, err = id.Parse("correction", id.Correction, r.PathValue("correction")); err != nil {
			return "", ui.NotFound
		}
		if q.ID, err = id.Parse("key", id.Correction, d.Sent("key")); err != nil {
			return "", err
		}
		// Without a tick the reversal names no line, which means all that still stand.
		for _, key := range d.Form["line"] {
			order, line, _ := strings.Cut(key, lineSeparator)
			q.Lines = append(q.Lines, correction.LineKey{Order: order, Line: line})
		}
		c, err := p.propose(r.Context(), d, q)
		return proposed(d, c), err
	})
}

// lineSeparator stands between an order's and a line's id in a field: no id holds it, and no browser changes it.
const lineSeparator = "\t"

// Words for the codes of corrections.
var correctionReasons = map[string]string{
	"claim": "a claim", "goodwill": "goodwill", "our_error": "an error of ours", "bonus": "a bonus", "other": "another reason",
	"recovery":            "recovery of what was paid wrongly",
	"self_purchase_found": "a purchase of one's own", "incentivised_traffic": "shoppers were paid to buy",
	"trademark_ads": "ads on trademarks", "undisclosed": "links without disclosure",
	"cloaking": "links that hide where they lead", "invalid_traffic": "clicks that no person made",
	"appeal_won": "an appeal was won", "new_evidence": "new evidence",
}

// reasonChoices are the codes that a kind of correction may give.
func reasonChoices(kind correction.Kind) (choices []staff.Choice) {
	for _, code := range correction.Reasons[kind] {
		choices = append(choices, staff.Choice{Value: code, Label: correctionReasons[code]})
	}
	return choices
}

// evidenceHint says how evidence is written.
const evidenceHint = "one address or sentence a line, up to 10"
