package operator

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/ratecard"
	"tributary/internal/web/ui"
)

// rates is the card: the version in force beside the coming ones.
type rates struct {
	*desk
	kind     ratecard.Kind
	versions []*ratecard.Version // the present one first
	table    ui.RateTable
	past     []*ratecard.Version
}

// Rates shows the rate card.
func (p *Pages) Rates(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Rate card", atRates, func(tx *db.Tx, d *desk) (templ.Component, error) {
		cards, err := ratecard.Load(tx, d.Market.No)
		if err != nil {
			return nil, err
		}
		v := &rates{desk: d, kind: ratecard.Offsite}
		if kind := ratecard.Kind(r.FormValue("kind")); slices.Contains(ratecard.Kinds, kind) {
			v.kind = kind
		}
		if present := cards.At(v.kind, d.now); present != nil {
			v.versions = append(v.versions, present)
		}
		v.versions = append(v.versions, cards.Coming(v.kind, d.now)...)
		for _, version := range cards.Sorted(v.kind) {
			if !slices.Contains(v.versions, version) {
				v.past = append(v.past, version)
			}
		}
		v.table = ui.NewRateTable(v.versions, d.Format, d.Market.Currency, d.now)
		return ratesPage(v), nil
	})
}

// kindLink leads to the card of a kind.
func (v *rates) kindLink(kind ratecard.Kind) ui.Item {
	return ui.Item{Label: string(kind), Href: v.inMarket("/operator/rates", "kind", string(kind))}
}
