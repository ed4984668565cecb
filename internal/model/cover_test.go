package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// everything is what random tales must meet, so that agreement means something. No line is ever superseded: the click that
// ended its session would be the touch that the reason speaks of.
var everything = strings.Fields(`
	pending earned direct by_cart by_coupon by_customers_click by_imported_click by_onsite_view by_boosted_view won_among_several
	contract promotion capped fee fee_without_credit extra_of_a_month base_for_tiers
	several_months month_below_zero decision_that_a_closed_month_keeps
	accepted duplicate waiting_order_not_known waiting_return_before_shipment
	refused_id_reused refused_order_changed refused_more_than_ordered refused_more_returned_than_shipped
	refused_more_given_back_than_paid
	bad_token wrong_marketplace invalid_traffic paid_ad enrolment_not_active in_cart_before_click session_ended expired
	no_touch self_purchase related_buyer resale excluded_product policy_violation rate_zero zero_price rounds_to_zero
	not_fulfilled_in_time cancelled returned awaiting_payment`)

// What random tales must meet: each of these in every few hundred of them.
func TestTalesMeetEverything(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(600) {
		m := meet(generate(seed+1), met)
		for _, o := range m.orders {
			for _, l := range o.lines {
				m.notice(l, met)
			}
		}
		met["extra_of_a_month"] += len(m.tiers)
	}
	for _, what := range everything {
		t.Log(met[what], what)
		if met[what] < 5 {
			t.Errorf("%d times %s in %d lines", met[what], what, met["lines"])
		}
	}
}

func meet(tale *Tale, met map[string]int) *market {
	m := newMarket(tale.Program, tale.Begin)
	for _, step := range tale.Steps {
		for _, fate := range m.live([]Step{step}) {
			met[strings.ReplaceAll(fate, " ", "_")]++
		}
		for _, o := range m.orders {
			for _, l := range o.lines {
				if m.frozen(l) && !sameVerdict(l.verdict, m.judge(l)) {
					met["decision_that_a_closed_month_keeps"]++
				}
			}
		}
	}
	return m
}

func sameVerdict(a, b verdict) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func (m *market) notice(l *line, met map[string]int) {
	met["lines"]++
	met[l.why]++
	for what, yes := range map[string]bool{
		"direct": l.direct, "by_onsite_view": l.kind == "onsite", "by_boosted_view": l.kind == "boosted",
		"contract":  l.contract,
		"promotion": l.final != l.base && l.why == "", "promotion_pending_-1": l.promoPending < 0, "fee": l.feeDue != 0,
		"fee_without_credit": l.feeDue != 0 && !l.credited, "capped": l.limit > 0 && l.why == "",
		"pending": l.pending > 0, "earned": l.earned > 0,
		"several_months": len(l.months) > 1, "base_for_tiers": len(l.bases) > 0,
	} {
		if yes {
			met[what]++
		}
	}
	q := m.ask(l)
	if won, _, _ := q.winner(); won != nil {
		switch {
		case won.coupon != nil:
			met["by_coupon"]++
		case won.click.Imported:
			met["by_imported_click"]++
		case !slices.Contains(l.Clicks, won.click.Number):
			met["by_customers_click"]++
		case q.byCart():
			met["by_cart"]++
		}
		if len(q.touches) > 1 {
			met["won_among_several"]++
		}
	}
	for _, amount := range l.months {
		if amount < 0 {
			met["month_below_zero"]++
		}
	}
}
