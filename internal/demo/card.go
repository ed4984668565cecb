// Package demo makes an installation that shows what the product does: two marketplaces with a catalog of some thousands
// of products (demo/catalog), a store that sells them (demo/store), and creators whose history is made through the same
// path that real money takes. Nothing here writes to a table of its own accord: what a person sees in the demo is what
// the product did.
package demo

import (
	"time"

	"tributary/internal/ratecard"
)

// ShippedCard is the card for purchases that the product comes with, from an instant on.
func ShippedCard(effective time.Time) ratecard.Card {
	card := ratecard.Shipped(ratecard.Offsite)
	card.Effective = effective
	return card
}
