package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"tributary/internal/clock"
	"tributary/internal/fault"
)

// An event as the guide for integrators shows it. Only these fields are used here.
type event struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Market   string `json:"marketplace"`
	Occurred string `json:"occurred_at"`
	Order    any    `json:"order"` // order.placed: the order; else its id
	Line     string `json:"line,omitempty"`
	Quantity int64  `json:"quantity,omitempty"`
}

type placedOrder struct {
	ID       string       `json:"id"`
	Currency string       `json:"currency"`
	Shopper  shopper      `json:"shopper"`
	Lines    []placedLine `json:"lines"`
}

type shopper struct {
	Customer    string `json:"customer"`
	Email       string `json:"email"`
	Address     string `json:"address"`
	Payment     string `json:"payment"`
	Device      string `json:"device"`
	NewCustomer bool   `json:"new_customer"`
}

type placedLine struct {
	ID       string   `json:"id"`
	SKU      string   `json:"sku"`
	Quantity int64    `json:"quantity"`
	Amount   amount   `json:"amount"`
	Category string   `json:"category"`
	Seller   string   `json:"seller,omitempty"`
	Digital  bool     `json:"digital"`
	Clicks   []string `json:"clicks,omitempty"`
	AddedAt  string   `json:"added_at,omitempty"`
}

type amount struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// report is an event on its way to the platform, with what became of it.
type report struct {
	ID     string          `json:"id"`
	Order  string          `json:"order"`
	Body   json.RawMessage `json:"body"`
	Answer string          `json:"answer,omitempty"` // empty: not acknowledged yet
	Reason string          `json:"reason,omitempty"`
	Detail string          `json:"detail,omitempty"`
	Tries  int             `json:"tries,omitempty"`
	Next   time.Time       `json:"next"` // not before; wall clock
}

func (r *report) waiting() bool { return r.Answer == "" }

// Limits of delivery. The platform takes far larger batches; a shop of this size has a few events at a time.
const (
	batch      = 100
	firstRetry = time.Second
	lastRetry  = time.Minute
	quiet      = time.Hour // nothing waits: look again when woken, or then
	maxAnswer  = 1 << 20
)

// tell puts an event on its way. It is sent once the state is saved.
func (st *state) tell(order string, e event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	st.Reports = append(st.Reports, &report{ID: e.ID, Order: order, Body: body})
	return nil
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// notify wakes Run.
func (s *Store) notify() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// deliver sends what is due, oldest first, and says how long to wait when nobody wakes Run before.
func (s *Store) deliver(ctx context.Context) time.Duration {
	for {
		due, wait := s.due(clock.Wall())
		if len(due) == 0 {
			return wait
		}
		answers, err := s.send(ctx, due)
		if ctx.Err() != nil {
			return 0 // the events stay, and are sent when the shop opens again
		}
		if err != nil {
			s.config.Log.Warn("reporting orders", "events", len(due), "error", err)
		}
		if err := s.note(due, answers); err != nil {
			s.config.Log.Error("noting what became of events", "error", err)
			return lastRetry
		}
	}
}

// due copies the events that are to be sent now.
func (s *Store) due(now time.Time) (due []report, wait time.Duration) {
	wait = quiet
	s.view(func(st *state) {
		for _, r := range st.Reports {
			switch {
			case !r.waiting():
			case r.Next.After(now):
				wait = min(wait, r.Next.Sub(now))
			case len(due) < batch:
				due = append(due, *r)
			}
		}
	})
	return due, wait
}

// answer is what the platform says of one event.
type answer struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// send posts a batch. An error, or an event without an answer, means: send it again.
func (s *Store) send(ctx context.Context, due []report) (map[string]answer, error) {
	bodies := make([]json.RawMessage, len(due))
	for i, r := range due {
		bodies[i] = r.Body
	}
	raw, err := json.Marshal(bodies)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.TributaryURL+"/v1/orders/events",
		bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.config.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fault.Wrap(err, "posting events")
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fault.Wrap(err, "reading the answer")
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the platform answered %s: %.300s", response.Status, text)
	}
	var all []answer
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fault.Wrap(err, "reading the answer")
	}
	answers := make(map[string]answer, len(all))
	for _, one := range all {
		answers[one.ID] = one
	}
	return answers, nil
}

// note keeps the answers. Refused is an answer too: the same event would be refused again. What has none, and what the
// platform could not take at the moment, is tried again, later each time.
func (s *Store) note(sent []report, answers map[string]answer) error {
	now := clock.Wall()
	asked := make(map[string]bool, len(sent))
	for _, r := range sent {
		asked[r.ID] = true
	}
	return s.change(func(st *state) error {
		for _, r := range st.Reports {
			if !asked[r.ID] {
				continue
			}
			got := answers[r.ID]
			r.Tries++
			if got.Status == "" || got.Status == "unavailable" {
				r.Next = now.Add(min(firstRetry<<min(r.Tries-1, 10), lastRetry))
				continue
			}
			r.Answer, r.Reason, r.Detail, r.Next = got.Status, got.Reason, got.Detail, time.Time{}
		}
		return nil
	})
}

// eventID names the n-th event of an order, in a form that a second try repeats.
func eventID(order, line, kind string, count int64) string {
	return "hm-" + order + "-" + line + "-" + kind + "-" + strconv.FormatInt(count, 10)
}
