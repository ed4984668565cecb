package connect

import (
	"errors"
	"fmt"
	"net/http"

	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/link"
	"tributary/internal/market"
)

// touch is what the store's server tells when a customer signs in: the clicks that his browser carries.
type touch struct {
	Marketplace string   `json:"marketplace"`
	Customer    string   `json:"customer"` // the store's own id, plain or sha256:<hex>, as in its orders
	Clicks      []string `json:"clicks"`
}

// touchResult is the fate of one click, in the order in which they came.
type touchResult struct {
	Status string `json:"status"` // bound, ignored, refused
	Reason string `json:"reason,omitempty"`
}

type touchAnswer struct {
	Results []touchResult `json:"results"`
}

// The fates. A click that is bound already is bound.
const (
	touchBound   = "bound"
	touchIgnored = "ignored"
	touchRefused = "refused"
)

const (
	maxClicks   = 10  // as a line of an order may carry
	maxCustomer = 200 // bytes
)

// touches answers POST /v1/touches.
func (d *doors) touches(w http.ResponseWriter, r *http.Request) {
	if !d.fromStore(w, r) {
		return
	}
	var told touch
	err := readJSON(w, r, &told)
	if err == nil {
		err = told.check()
	}
	var results []touchResult
	if err == nil {
		results, err = d.bind(r, told)
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	answer(w, "application/json", http.StatusOK, touchAnswer{Results: results})
}

func (t *touch) check() error {
	switch {
	case t.Marketplace == "":
		return fault.Invalidf("marketplace", "is empty", "send its id, such as us")
	case t.Customer == "" || len(t.Customer) > maxCustomer:
		return fault.Invalidf("customer", "is empty or longer than %d bytes", "send the store's own id of the customer",
			maxCustomer)
	case len(t.Clicks) == 0 || len(t.Clicks) > maxClicks:
		return fault.Invalidf("clicks", "are none, or more than %d", "send the newest tokens of the browser's cookie", maxClicks)
	}
	return nil
}

// bind keeps the clicks in one transaction. One that cannot be used says why and keeps the others from nothing.
func (d *doors) bind(r *http.Request, told touch) (results []touchResult, err error) {
	customer := creator.Fact(d.Ring, creator.FactCustomer, told.Customer)
	if customer == nil {
		return nil, fault.Invalidf("customer", "is empty", "send the store's own id of the customer")
	}
	err = d.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		no, err := marketNumber(tx, told.Marketplace)
		if err != nil {
			return err
		}
		results = make([]touchResult, len(told.Clicks))
		var presented []click.Token
		for i, text := range told.Clicks {
			token, err := d.sealer.Open(text)
			if err != nil {
				results[i] = touchResult{touchRefused, "bad_token"}
				continue
			}
			if results[i], err = d.bindOne(tx, no, customer, token, text); err != nil {
				return fmt.Errorf("binding clicks[%d]: %w", i, err)
			}
			if results[i].Status != touchRefused && token.Kind != click.KindView {
				presented = append(presented, token)
			}
		}
		// A click that the log could not take enters it when its token is first presented, which is now.
		return click.Present(tx, presented)
	})
	return results, err
}

func (d *doors) bindOne(tx *db.Tx, no uint16, customer []byte, token click.Token, text string) (touchResult, error) {
	if token.Kind == click.KindView && token.Market == no {
		// Only clicks follow a customer to another device; the view's token stays good for the order.
		return touchResult{touchIgnored, "view"}, nil
	}
	err := link.Bind(tx, no, customer, token, text, d.Clock.Now())
	switch {
	case err == nil:
		return touchResult{Status: touchBound}, nil
	case errors.Is(err, link.ErrNoTouch) && token.Flags.Has(click.FlagInvalid):
		return touchResult{touchIgnored, "invalid_traffic"}, nil
	case errors.Is(err, link.ErrNoTouch):
		return touchResult{touchIgnored, "enrolment_not_active"}, nil
	case token.Market != no:
		return touchResult{touchRefused, "wrong_marketplace"}, nil
	}
	return touchResult{}, err
}

func marketNumber(tx *db.Tx, id string) (uint16, error) {
	all, err := market.All(tx)
	if err != nil {
		return 0, err
	}
	for _, m := range all {
		if m.ID == id {
			return m.No, nil
		}
	}
	return 0, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
}
