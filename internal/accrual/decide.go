package accrual

import (
	"time"

	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/decision"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/policy"
	"tributary/internal/sums"
)

// posting is what a group writes: decisions, transfers, and the sums that pages read.
type posting struct {
	decisions [][]any
	transfers []ledger.Transfer
	sums      sums.Sums
	volumes   map[sums.VolumeKey]int64 // change of a month's earned base under volume tiers
	// Those of them that changed, and where they stand now.
	volumeKeys   []sums.VolumeKey
	volumeMonths map[sums.VolumeKey]sums.Volume
}

// record writes a version of a subject: the decision, and its transfers in their order, effective at an instant.
func (g *group) record(subject string, version int64, d any, legs []decision.Leg, at time.Time) error {
	body, err := decision.Encode(d)
	if err != nil {
		return err
	}
	g.out.decisions = append(g.out.decisions, []any{g.lane(), subject, version, g.tx.Turn(g.lane()), clock.Micro(g.now), body})
	for i, leg := range legs {
		g.out.transfers = append(g.out.transfers, ledger.Transfer{Subject: subject, Version: version, Component: leg.Component, Leg: i,
			Debit: leg.Debit, Credit: leg.Credit, Amount: leg.Amount, At: at})
	}
	return nil
}

// decide brings every line that the group touched to its targets, then the months that follow from them.
func (g *group) decide() error {
	if err := g.readStandings(); err != nil {
		return err
	}
	g.out.volumes = map[sums.VolumeKey]int64{}
	orders := map[*purchase]map[sums.DayKey]bool{}
	for _, l := range g.dirty {
		if orders[l.order] == nil {
			orders[l.order] = l.order.credited()
		}
		if err := g.decideLine(l); err != nil {
			return err
		}
	}
	for p, before := range orders {
		after := p.credited()
		for key := range before {
			if !after[key] {
				g.out.sums.Day(key).Orders--
			}
		}
		for key := range after {
			if !before[key] {
				g.out.sums.Day(key).Orders++
			}
		}
	}
	return g.decideVolumes()
}

func (g *group) decideLine(l *line) error {
	before, held, was := l.state.Basis, l.state.Held, l.state.Reason
	d := decision.Line{Events: l.state.Events, Now: clock.Micro(g.now), Ref: l.whole}
	if l.judge {
		commission.Price(l.facts, g.book.rates)
		basis, verdict := commission.Credit(*l.facts)
		l.state.Basis, l.state.Later = basis, l.facts.Policy.RateAt == policy.AtShipment
		d.Facts, d.Basis, d.Verdict, d.Ref = l.facts, &basis, &verdict, 0
	}
	l.targets = commission.Settle(l.state.Basis, l.terms, l.state.Events, g.now, l.posted(before))
	d.Targets = l.targets
	target := l.targets.Posted()
	l.state.Held, l.state.Reason = target, l.targets.Reason
	g.count(l)
	if err := g.holdLine(l, before, held); err != nil {
		return err
	}
	if l.version > 0 && held.Equal(target) && was == l.targets.Reason && before == l.state.Basis && !l.judge {
		return nil // goods moved, money did not
	}
	l.version++
	if l.judge {
		l.whole = l.version
	}
	legs := decision.Transition(g.book.market.ID, before, held, l.state.Basis, target)
	if err := g.record(l.subject(), l.version, d, legs, g.now); err != nil {
		return err
	}
	g.addBases(before.Creator, held.Bases, -1)
	g.addBases(l.state.Basis.Creator, target.Bases, 1)
	g.tell(l, before.Creator, held)
	return nil
}

// posted is what the line's present creator holds of it: nothing where the credit has just moved.
func (l *line) posted(before commission.Basis) commission.Posted {
	if l.state.Basis.Creator != before.Creator {
		return commission.Posted{}
	}
	return l.state.Held
}

// tell announces what changed, to the creator and, where the credit moved, to the one who had it.
func (g *group) tell(l *line, earlier id.ID, held commission.Posted) {
	t := l.targets
	topic := "commission.adjusted"
	switch {
	case l.version == 1 && !l.state.Basis.Credited:
		topic = "order.unattributed"
	case l.version == 1:
		topic = "commission.pending"
	case t.Posted().Total == 0 && held.Total != 0:
		topic = "commission.reversed"
	case t.Posted().Total == held.Total && t.Earned > 0:
		topic = "commission.earned"
	}
	body := decision.LineNote{Order: l.order.id, Line: l.id, Version: l.version, Pending: t.Pending, Earned: t.Earned, Reason: t.Reason}
	g.notes = append(g.notes, note{topic, int64(l.state.Basis.Creator), body})
	if earlier != 0 && earlier != l.state.Basis.Creator {
		g.notes = append(g.notes, note{"commission.reversed", int64(earlier), decision.LineNote{Order: l.order.id, Line: l.id, Version: l.version, Reason: t.Reason}})
	}
}
