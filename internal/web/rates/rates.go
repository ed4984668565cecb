// Package rates holds the staff's pages about what is paid: the cards in force beside those to come with promotions,
// contracts and volume tiers, drafts with their plan, what a draft would have cost, bounties.
//
// What must always hold: a draft is one text, whether a form or a person writes it; what is published is the plan that was
// shown, or nothing is; nothing that is only tried is posted.
//
// It owns no rate and no rule: packages ratecard, ratefile, bounty and whatif do.
package rates

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/ratecard"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// Pages answers the staff's requests.
type Pages struct{ staff.Pages }

// rates is the card: the version in force beside the coming ones.
type rates struct {
	*staff.Desk
	kind     ratecard.Kind
	versions []*ratecard.Version // the present one first
	table    ui.RateTable
	past     []*ratecard.Version
}

// Rates shows the rate card.
func (p *Pages) Rates(w http.ResponseWriter, r *http.Request) error {
	return p.Show(w, r, "Rate card", staff.AtRates, func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		cards, err := ratecard.Load(tx, d.Market.No)
		if err != nil {
			return nil, err
		}
		v := &rates{Desk: d, kind: ratecard.Offsite}
		if kind := ratecard.Kind(r.FormValue("kind")); slices.Contains(ratecard.Kinds, kind) {
			v.kind = kind
		}
		if present := cards.At(v.kind, d.Now); present != nil {
			v.versions = append(v.versions, present)
		}
		v.versions = append(v.versions, cards.Coming(v.kind, d.Now)...)
		for _, version := range cards.Sorted(v.kind) {
			if !slices.Contains(v.versions, version) {
				v.past = append(v.past, version)
			}
		}
		v.table = ui.NewRateTable(v.versions, d.Format, d.Market.Currency, d.Now)
		return ratesPage(v), nil
	})
}

// kindLink leads to the card of a kind.
func (v *rates) kindLink(kind ratecard.Kind) ui.Item {
	return ui.Item{Label: string(kind), Href: v.InMarket("/operator/rates", "kind", string(kind))}
}
