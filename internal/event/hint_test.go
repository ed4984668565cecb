package event

import (
	"testing"

	"tributary/internal/id"
)

func woken(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestHints(t *testing.T) {
	var h Hints
	ada, endAda := h.Subscribe(OrdersTopic(1), ClicksTopic(1, 7))
	bob, endBob := h.Subscribe(ClicksTopic(1, 8))
	h.Orders(2, 5)
	if woken(ada) || woken(bob) {
		t.Error("another marketplace's hint woke somebody")
	}
	h.Orders(1, 5)
	h.Orders(1, 6) // nobody waits for a slow reader
	if !woken(ada) || woken(ada) || woken(bob) {
		t.Error("an order's hint does not wake once whom it should")
	}
	h.Clicks(1, []id.ID{7, 8})
	if !woken(ada) || !woken(bob) {
		t.Error("a click's hint does not wake its creators")
	}
	endAda()
	h.Orders(1, 7)
	if woken(ada) {
		t.Error("who has left is woken")
	}
	endBob()
	if len(h.watchers) != 0 {
		t.Errorf("topics without watchers are kept: %v", h.watchers)
	}
}
