package order

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// What is read can be written and read again, and checking never fails but with a fault.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":"e","type":"line.shipped","marketplace":"us","occurred_at":"2026-11-22T14:03:11Z","order":"1","line":"1","quantity":1}`))
	f.Add([]byte(`{"id":"e","type":"order.placed","order":{"id":"1","currency":"USD","lines":[{"id":"1","sku":"K","quantity":1,"amount":{"amount":1,"currency":"USD"}}]}}`))
	f.Add([]byte(`{"id":"e","type":"bounty.completed","marketplace":"us","occurred_at":"2026-11-22T14:03:11Z","bounty":"b","action":"trade_in",` +
		`"value":{"amount":1,"currency":"USD"},"shopper":{"customer":"c"},"clicks":["t"]}`))
	f.Add([]byte(`{"id":"e","type":"bounty.reversed","marketplace":"us","occurred_at":"2026-11-22T14:03:11Z","bounty":"b"}`))
	f.Add([]byte(`{"order":`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := Parse(raw)
		if err != nil {
			return
		}
		e.Check(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), "USD", true)
		again, err := json.Marshal(e)
		if err != nil {
			return // a year beyond 9999 cannot be written
		}
		back, err := Parse(again)
		if err != nil || !bytes.Equal(back.Hash(), e.Hash()) {
			t.Errorf("%s\nis written as %s: %v", raw, again, err)
		}
	})
}
