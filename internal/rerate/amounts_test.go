package rerate

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tributary/internal/attribution"
	"tributary/internal/commission"
	"tributary/internal/order"
)

var ordered = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// The quick amounts are those of commission.Settle, whatever happened to the goods.
func TestAmounts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := commission.Basis{Creator: 11, Credited: true, BPS: rapid.Int64Range(0, 10_000).Draw(r, "bps"), LapseDays: rapid.IntRange(1, 60).Draw(r, "lapse"),
			HoldDays: 60, Zone: "America/New_York"}
		if rapid.Bool().Draw(r, "boosted") {
			b.Boost = rapid.Int64Range(0, b.BPS).Draw(r, "boost")
		}
		if rapid.Bool().Draw(r, "capped") {
			b.Cap = rapid.Int64Range(1, 300).Draw(r, "cap")
		}
		if rapid.Bool().Draw(r, "sold") {
			b.Seller, b.FeeBPS, b.FeeLeast = "acme", rapid.Int64Range(0, 3000).Draw(r, "fee"), rapid.Int64Range(0, 99).Draw(r, "least")
		}
		if rapid.IntRange(0, 5).Draw(r, "nothing") == 0 {
			b.Reason = attribution.Resale
		}
		terms := order.Terms{Quantity: rapid.Int64Range(1, 9).Draw(r, "quantity"), Net: rapid.Int64Range(0, 9999).Draw(r, "net"), OrderedAt: ordered.UnixMicro()}
		now := ordered.AddDate(0, 0, rapid.IntRange(0, 90).Draw(r, "now"))
		h := order.History{Terms: terms, Now: now, Lapse: time.Duration(b.LapseDays) * 24 * time.Hour}
		for range rapid.IntRange(0, 5).Draw(r, "events") {
			e := order.Applied{Type: rapid.SampledFrom([]order.Type{order.TypeShipped, order.TypeCancelled, order.TypeReturned, order.TypeRefunded}).Draw(r, "type"),
				At: ordered.AddDate(0, 0, rapid.IntRange(0, 80).Draw(r, "day")).UnixMicro(), Month: "2026-03"}
			if e.Type == order.TypeRefunded || e.Type == order.TypeReturned && rapid.Bool().Draw(r, "priced") {
				amount := rapid.Int64Range(0, terms.Net).Draw(r, "amount")
				e.Amount = &amount
			}
			if e.Type != order.TypeRefunded {
				e.Quantity = rapid.Int64Range(1, terms.Quantity).Draw(r, "units")
			}
			if answer, _ := h.Admit(e); answer != order.Refused {
				h.Events = append(h.Events, e)
			}
		}
		want, got := settled(b, terms, h.Events, now), amounts(b, terms, h.Events, now)
		if !got.Same(want) || got.Why != want.Why || got.Basis != want.Basis {
			r.Fatalf("%+v, and commission says %+v", got, want)
		}
	})
}
