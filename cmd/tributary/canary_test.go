package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tributary/internal/clock"
	"tributary/internal/db"
)

// logbook is all that is logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logbook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// hears collects the log of every level until the test ends.
func hears(t *testing.T) *logbook {
	b, before, flags := &logbook{}, slog.Default(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before); log.SetOutput(os.Stderr); log.SetFlags(flags) })
	return b
}

// asker sends requests, and holds their answers against what must be in none.
type asker struct {
	t       *testing.T
	base    string
	secrets []string
}

func (a asker) ask(method, path, bearer, body string) (status int) {
	a.t.Helper()
	request, err := http.NewRequest(method, a.base+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(path, "/v1/") {
		request.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	for _, secret := range a.secrets {
		if strings.Contains(string(text)+answer.Header.Get("Location"), secret) {
			a.t.Errorf("%s %s (%d) answers with %s:\n%s", method, path, answer.StatusCode, secret, text)
		}
	}
	return answer.StatusCode
}

// orderOf is an order as a store reports it, with who bought.
func orderOf(customer, email, number string) string {
	return fmt.Sprintf(`[{"id":"e-%s","type":"order.placed","marketplace":"us","occurred_at":"2026-01-01T00:00:00Z","order":{"id":%q,"currency":"USD",
		"shopper":{"customer":%q,"email":%q},"lines":[{"id":"1","sku":"KETTLE-1","quantity":1,"amount":{"amount":4900,"currency":"USD"}}]}}]`,
		number, number, customer, email)
}

// Through every door of the process, with its loops running: tokens, what stores tell of their shoppers and the mail server's
// password stand in no log and in no answer, also when requests are broken or the database fails.
func TestDoorsKeepSecrets(t *testing.T) {
	heard, ctx := hears(t), context.Background()
	i, err := place{Data: t.TempDir()}.open(ctx, sandbox)
	if err != nil {
		t.Fatal(err)
	}
	var token string
	if err := i.db.Write(ctx, db.Money, func(tx *db.Tx) (err error) { token, err = settleStory(tx, i, clock.Wall()); return err }); err != nil {
		t.Fatal(err)
	}
	const mailSecret, forged, shopper, customer, word = "mail-secret-plover", "trib_forged-token-of-a-sandpiper", "shopper.redshank@zq.example", "customer-knot-77",
		"wrong ostrich battery"
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(mailSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reached := outside{Name: "Tributary", Mail: "localhost:1", MailUser: "post", MailPassword: path, MailFrom: "post@programs.example", MailTLS: "starttls"}
	n, err := doors{outside: reached, Home: "http://localhost:8080"}.start(ctx, i)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	server := httptest.NewServer(n.handler)
	defer server.Close()
	secrets := []string{token, forged, shopper, customer, mailSecret, word}
	ask := asker{t, server.URL, secrets}.ask
	all := func() {
		for _, bearer := range []string{token, forged, ""} {
			ask("POST", "/v1/orders/events", bearer, orderOf(customer, shopper, "1"))
			ask("POST", "/v1/orders/events", bearer, strings.Replace(orderOf(customer, shopper, "2"), `"USD"`, `7`, 1))
			ask("POST", "/v1/orders/events", bearer, orderOf(customer, shopper, "3")[:200])
			ask("GET", "/v1/orders/us/1", bearer, "")
			ask("POST", "/v1/links", bearer, `{"marketplace":"us"`)
			ask("POST", "/v1/coupons", bearer, `{"marketplace":"us","code":"K","tag":"alice-20"}`)
			ask("GET", "/v1/reports/margin?marketplace=us", bearer, "")
		}
		for _, path := range []string{"/login", "/signup", "/login/mail", "/recover", "/verify", "/unsubscribe"} {
			ask("POST", path, "", "name=Rosa&email=rosa%40programs.example&password=wrong+ostrich+battery&token=wrong+ostrich+battery&t=wrong+ostrich+battery")
		}
	}
	all()
	if status := ask("GET", "/v1/orders/us/1", token, ""); status != http.StatusOK {
		t.Errorf("the order: %d", status)
	}
	waitUntil(t, "a letter is tried", func() bool { return strings.Contains(heard.String(), "tried again later") })
	if err := i.db.Write(ctx, db.Money, func(tx *db.Tx) error {
		for _, loss := range []*db.Stmt{db.Statement(`DROP TABLE throttle`), db.Statement(`DROP TABLE api_token`)} {
			if _, err := tx.Exec(loss); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	all()
	if !strings.Contains(heard.String(), "request failed") || !strings.Contains(heard.String(), "a page failed") {
		t.Error("nothing failed: the test proves nothing")
	}
	for _, secret := range secrets {
		if at := strings.Index(heard.String(), secret); at >= 0 {
			t.Errorf("%s is logged: %.300s", secret, heard.String()[max(0, at-100):])
		}
	}
	slog.Info("planted", "token", token)
	if !strings.Contains(heard.String(), token) {
		t.Error("a planted leak is not found")
	}
}
