package model

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// What random tales must meet in a normal run, so that agreement means something: each of these at least so many times.
func TestTalesMeetEverything(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(600) {
		m, tale := meet(generate(seed+1), met)
		for _, o := range m.orders {
			for _, l := range o.lines {
				m.notice(l, met)
			}
		}
		for range m.tiers {
			met["extra of a month"]++
		}
		_ = tale
	}
	for _, what := range slices.Sorted(maps.Keys(met)) {
		t.Log(met[what], what)
	}
}

func meet(tale *Tale, met map[string]int) (*market, *Tale) {
	m := newMarket(tale.Program, tale.Begin)
	for _, step := range tale.Steps {
		for _, fate := range m.live([]Step{step}) {
			met["event "+fate]++
		}
		for _, o := range m.orders {
			for _, l := range o.lines {
				if m.frozen(l) && !sameVerdict(l.verdict, m.judge(l)) {
					met["decision that a closed month keeps"]++
				}
			}
		}
	}
	return m, tale
}

func sameVerdict(a, b verdict) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func (m *market) notice(l *line, met map[string]int) {
	met["lines"]++
	met["reason "+l.why]++
	for what, yes := range map[string]bool{
		"direct": l.direct, "by onsite view": l.kind == "onsite", "by boosted view": l.kind == "boosted", "contract": l.contract,
		"promotion": l.final != l.base && l.why == "", "promotion pending -1": l.promoPending < 0, "fee": l.feeDue != 0,
		"fee without credit": l.feeDue != 0 && !l.credited, "capped": l.limit > 0 && l.why == "", "pending": l.pending > 0, "earned": l.earned > 0,
		"several months": len(l.months) > 1, "base for tiers": len(l.bases) > 0,
	} {
		if yes {
			met[what]++
		}
	}
	q := m.ask(l)
	if won, _, _ := q.winner(); won != nil {
		switch {
		case won.coupon != nil:
			met["by coupon"]++
		case !slices.Contains(l.Clicks, won.click.Number):
			met["by customer's click"]++
		case q.byCart():
			met["by cart"]++
		}
		if len(q.touches) > 1 {
			met["won among several"]++
		}
	}
	for _, amount := range l.months {
		if amount < 0 {
			met["month below zero"]++
		}
	}
}
