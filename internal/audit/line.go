package audit

import (
	"fmt"
	"slices"

	"tributary/internal/attribution"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/decision"
	"tributary/internal/order"
)

// history is a line as its decisions tell it, version by version.
type history struct {
	facts  *commission.Facts // in force
	whole  int64             // the version that carries them
	basis  commission.Basis
	held   commission.Posted
	newest decision.Line
}

// verifyLine takes the steps of a line again, from its stored facts, and compares them with what was decided, with what was
// posted, and with the line's row.
func (a *auditor) verifyLine(versions []stored, posts []transfer, row *line) {
	h := &history{}
	for i := range versions {
		var own []transfer
		own, posts = a.take(&versions[i], posts)
		if !a.verifyVersion(h, &versions[i], own) {
			return
		}
	}
	a.none(posts)
	if row == nil {
		a.tell("%s: its line is missing", versions[0].subject)
		return
	}
	a.seen.Lines++
	if a.row = row.values(a.row, &a.lane); a.sealed(a.row, row.seal, "the row of "+row.subject) {
		a.compareLine(row, h, versions[len(versions)-1].version)
	}
}

// verifyVersion recomputes one version; false where nothing after it can be.
func (a *auditor) verifyVersion(h *history, v *stored, posts []transfer) bool {
	var d decision.Line
	if err := a.forms.Read(v.body, &d); err != nil {
		a.tell("%s: the decision cannot be read: %v", v.name(), err)
		return false
	}
	before := h.basis
	if d.Facts != nil {
		h.facts, h.whole = d.Facts, v.version
		var verdict attribution.Verdict
		h.basis, verdict = commission.Credit(*h.facts)
		if d.Basis == nil || d.Verdict == nil || *d.Basis != h.basis || *d.Verdict != verdict {
			a.tell("%s: its facts lead to another credit than was decided", v.name())
		}
	} else if h.facts == nil || d.Ref != h.whole {
		a.tell("%s: refers to version %d, and the facts in force are of version %d", v.name(), d.Ref, h.whole)
		return false
	}
	if d.Now != v.at || h.facts.Market != a.market {
		a.tell("%s: it was decided at %d in %s, and its row says %d in %s", v.name(), d.Now, h.facts.Market, v.at, a.market)
	}
	posted := h.held
	if h.basis.Creator != before.Creator {
		posted = commission.Posted{}
	}
	targets := commission.Settle(h.basis, decision.Terms(h.facts), d.Events, clock.FromMicro(d.Now), posted)
	if !sameTargets(&targets, &d.Targets) {
		a.tell("%s: recomputed pending %d, earned %d %v (%s); decided %d, %d %v (%s)", v.name(), targets.Pending, targets.Earned,
			targets.Months, targets.Reason, d.Targets.Pending, d.Targets.Earned, d.Targets.Months, d.Targets.Reason)
	}
	target := d.Targets.Posted()
	a.verifyLegs(v, v.at, decision.Transition(a.market, before, h.held, h.basis, target), posts)
	h.held, h.newest = target, d
	return true
}

func sameTargets(a, b *commission.Targets) bool {
	return a.Pending == b.Pending && a.Earned == b.Earned && a.Reason == b.Reason && a.Fold == b.Fold && a.PromoPending == b.PromoPending &&
		a.Posted().Equal(b.Posted())
}

// compareLine compares a line's row with its facts and its newest decision.
func (a *auditor) compareLine(l *line, h *history, newest int64) {
	var o decision.Ordered
	var s decision.State
	if err := a.ordered.Read(l.terms, &o); err != nil {
		a.tell("%s: the row's terms cannot be read: %v", l.subject, err)
		return
	}
	if err := a.states.Read(l.state, &s); err != nil {
		a.tell("%s: the row's state cannot be read: %v", l.subject, err)
		return
	}
	a.added.line(l.order, &s)
	a.rowKeeps(l.subject, s.Kept, s.Basis.Creator, s.Basis.Program, s.Held.Months)
	if l.version != newest || l.whole != h.whole {
		a.tell("%s: the row stands at versions %d and %d; decided are %d and %d", l.subject, l.version, l.whole, newest, h.whole)
		return
	}
	f, b, t := h.facts, &h.basis, &h.newest.Targets
	if l.sku != f.SKU || l.quantity != f.Quantity || l.amount != f.Net || l.at != f.Line.OrderedAt || (l.digital == 1) != f.Line.Digital ||
		o.Category != "" && o.Category != f.Category || o.Seller != "" && o.Seller != f.Seller || o.Added != f.Line.AddedAt || o.Digital != f.DigitalMonth {
		a.tell("%s: the row was ordered with other terms than its facts", l.subject)
	}
	if s.Basis != *b || l.creator != int64(b.Creator) || l.program != int64(b.Program) || l.tracking != int64(b.Tracking) {
		a.tell("%s: the row speaks of another credit than was decided", l.subject)
	}
	if l.pending != t.Pending || l.earned != t.Earned || l.reason != string(t.Reason) || s.Reason != t.Reason || !s.Held.Equal(h.held) {
		a.tell("%s: the row shows pending %d, earned %d (%s); decided %d, %d (%s)", l.subject, l.pending, l.earned, l.reason, t.Pending, t.Earned, t.Reason)
	}
	if text := compareGoods(l, h, s.Events); text != "" {
		a.tell("%s: %s", l.subject, text)
	}
}

// compareGoods compares what happened to the goods. Where that moved no money since the newest decision, no decision tells
// of it, and the row is ahead.
func compareGoods(l *line, h *history, events []order.Applied) string {
	n := len(h.newest.Events)
	if len(events) < n || !slices.EqualFunc(events[:n], h.newest.Events, sameEvent) {
		return "the row knows other events than were decided on"
	}
	fold := h.newest.Targets.Fold
	if len(events) > n || l.touched != h.newest.Now {
		now := commission.Settle(h.basis, decision.Terms(h.facts), events, clock.FromMicro(l.touched), h.held)
		if !now.Posted().Equal(h.held) {
			return fmt.Sprintf("the row's events come to pending %d, earned %d; decided %d, %d", now.Pending, now.Earned,
				h.newest.Targets.Pending, h.newest.Targets.Earned)
		}
		fold = now.Fold
	}
	if l.open != fold.Open {
		return fmt.Sprintf("the row has %d open units, and its events leave %d", l.open, fold.Open)
	}
	return ""
}

func sameEvent(a, b order.Applied) bool {
	if a.Amount != nil && b.Amount != nil && *a.Amount == *b.Amount {
		a.Amount, b.Amount = nil, nil
	}
	return a == b
}
