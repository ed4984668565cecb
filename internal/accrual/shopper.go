package accrual

import (
	"tributary/internal/creator"
	"tributary/internal/order"
	"tributary/internal/secret"
)

// Shopper holds the keyed hashes of a shopper's facts. They are made at the door; the plain ones go no further.
type Shopper struct {
	Facts    map[string][]byte `json:"facts,omitempty"` // by kind: customer, email, address, household, payment, device
	Business bool              `json:"business,omitempty"`
	New      bool              `json:"new,omitempty"`
}

var factKinds = []string{creator.FactCustomer, creator.FactEmail, creator.FactAddress, creator.FactHousehold, creator.FactPayment, creator.FactDevice}

// Keyed hashes a shopper's facts.
func Keyed(ring *secret.Ring, s *order.Shopper) Shopper {
	if s == nil {
		return Shopper{}
	}
	keyed := Shopper{Business: s.Business, New: s.NewCustomer}
	for i, text := range []string{s.Customer, s.Email, s.Address, s.Household, s.Payment, s.Device} {
		if hash := creator.Fact(ring, factKinds[i], text); hash != nil {
			if keyed.Facts == nil {
				keyed.Facts = map[string][]byte{}
			}
			keyed.Facts[factKinds[i]] = hash
		}
	}
	return keyed
}

// identity is the shopper's own key: the signed-in customer, else the e-mail (docs/spec.md §5). Nil where neither is known.
func (s Shopper) identity() []byte {
	if hash := s.Facts[creator.FactCustomer]; hash != nil {
		return append([]byte{'c'}, hash...)
	}
	if hash := s.Facts[creator.FactEmail]; hash != nil {
		return append([]byte{'e'}, hash...)
	}
	return nil
}
