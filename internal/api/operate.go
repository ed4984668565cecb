package api

import (
	"context"
	"encoding/json"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/ratecard"
)

// Instant is a point of the business clock.
type Instant = time.Time

type cardInput struct {
	Marketplace string `path:"marketplace" maxLength:"16"`
}

type cardVersion struct {
	Version   int64           `json:"version"`
	Published time.Time       `json:"published"`
	Card      json.RawMessage `json:"card"`
}

type cardOutput struct {
	Body struct {
		Marketplace string        `json:"marketplace"`
		InForce     *cardVersion  `json:"in_force,omitempty"`
		Coming      []cardVersion `json:"coming"`
	}
}

// showCard gives the offsite card in force now and the versions to come.
func (s *server) showCard(ctx context.Context, in *cardInput) (*cardOutput, error) {
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	var cards ratecard.Cards
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		cards, err = ratecard.Load(tx, m.No)
		return err
	}); err != nil {
		return nil, problem(err)
	}
	out := &cardOutput{}
	out.Body.Marketplace, out.Body.Coming = m.ID, []cardVersion{}
	now := s.Clock.Now()
	if v := cards.At(ratecard.Offsite, now); v != nil {
		shown, err := show(v, m.Currency)
		if err != nil {
			return nil, problem(err)
		}
		out.Body.InForce = &shown
	}
	for _, v := range cards.Coming(ratecard.Offsite, now) {
		shown, err := show(v, m.Currency)
		if err != nil {
			return nil, problem(err)
		}
		out.Body.Coming = append(out.Body.Coming, shown)
	}
	return out, nil
}

func show(v *ratecard.Version, currency string) (cardVersion, error) {
	card, err := v.Marshal(currency)
	return cardVersion{v.Number, v.Published, card}, err
}

type clockInput struct {
	Body struct {
		To time.Time `json:"to" doc:"the instant to live up to"`
	}
}

type clockOutput struct {
	Body struct {
		Now time.Time `json:"now"`
		Ran []string  `json:"ran" doc:"what fell due on the way, in order"`
	}
}

func (s *server) setClock(ctx context.Context, in *clockInput) (*clockOutput, error) {
	if s.Advance == nil {
		return nil, problem(fault.New(fault.Denied, "clock", "the clock of a production installation cannot be set", "use a sandbox installation"))
	}
	ran, err := s.Advance(ctx, in.Body.To)
	if err != nil {
		return nil, problem(err)
	}
	out := &clockOutput{}
	out.Body.Now, out.Body.Ran = s.Clock.Now(), ran
	return out, nil
}
