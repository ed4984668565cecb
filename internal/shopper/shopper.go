// Package shopper knows shoppers as the product may: by keyed hashes of the facts that the store sends, never by the facts
// themselves (docs/spec.md §11). They are compared with each other and with creators' own, and mean nothing elsewhere.
//
// What must always hold: a plain fact goes no further than Keyed, which the doors call.
package shopper

import (
	"tributary/internal/creator"
	"tributary/internal/order"
	"tributary/internal/secret"
)

// Facts holds the keyed hashes of a shopper's facts. They are made at the door; the plain ones go no further.
type Facts struct {
	Known    map[string][]byte `json:"facts,omitempty"` // by kind: customer, email, address, household, payment, device
	Business bool              `json:"business,omitempty"`
	New      bool              `json:"new,omitempty"`
}

// Kinds are the kinds of facts, in a fixed order.
var Kinds = []string{creator.FactCustomer, creator.FactEmail, creator.FactAddress, creator.FactHousehold, creator.FactPayment, creator.FactDevice}

// Keyed hashes a shopper's facts.
func Keyed(ring *secret.Ring, s *order.Shopper) Facts {
	if s == nil {
		return Facts{}
	}
	keyed := Facts{Business: s.Business, New: s.NewCustomer}
	for i, text := range []string{s.Customer, s.Email, s.Address, s.Household, s.Payment, s.Device} {
		if hash := creator.Fact(ring, Kinds[i], text); hash != nil {
			if keyed.Known == nil {
				keyed.Known = map[string][]byte{}
			}
			keyed.Known[Kinds[i]] = hash
		}
	}
	return keyed
}

// Identity is the shopper's own key: the signed-in customer, else the e-mail (docs/spec.md §5). Nil where neither is known.
func (s Facts) Identity() []byte {
	if hash := s.Known[creator.FactCustomer]; hash != nil {
		return append([]byte{'c'}, hash...)
	}
	if hash := s.Known[creator.FactEmail]; hash != nil {
		return append([]byte{'e'}, hash...)
	}
	return nil
}
