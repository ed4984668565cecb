package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/db"
)

// Support knows a caller by the account's phone PIN. No address says that somebody was recognised, and guesses are paused.
func TestPhonePIN(t *testing.T) {
	w := newWorld(t)
	pin, err := credential.PreparePIN(context.Background(), w.ring, ada, "271828")
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(tx *db.Tx) error { return credential.SetPIN(tx, pin, clock.Wall()) })
	at := "/operator/creators/" + ada.Text("cr_")
	v := w.as("The support")
	v.wants(at, "Somebody calls", "!The PIN is right")
	if status, body := v.post(at+"/pin", url.Values{"pin": {"271828"}}); status != http.StatusOK || !strings.Contains(body, "The PIN is right: it is Ada Lindholm") {
		t.Errorf("the right one: %d\n%s", status, body)
	}
	if status, body := v.post(at+"/pin", url.Values{"pin": {"314159"}}); status == http.StatusOK || !strings.Contains(body, "not the creator") || strings.Contains(body, "The PIN is right") {
		t.Errorf("a wrong one: %d", status)
	}
	if status, _ := v.post(at+"/pin", url.Values{"pin": {"<b>"}}); status == http.StatusOK {
		t.Errorf("no PIN at all: %d", status)
	}
	v.wants(at+"?said=pin_right", "!The PIN is right")
	paused := false
	for range 30 {
		status, _ := v.post(at+"/pin", url.Values{"pin": {"000000"}})
		paused = paused || status == http.StatusTooManyRequests
	}
	if !paused {
		t.Error("guesses are not paused")
	}
	w.as("The auditor").wants(at, "!Somebody calls")
}
