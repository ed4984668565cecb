package public

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/market"
	"tributary/internal/ratecard"
	"tributary/internal/web/ui"
)

// shown are the kinds that the public sees: what sellers pay is between them and the shop.
var shown = []ratecard.Kind{ratecard.Offsite, ratecard.Onsite, ratecard.Boosted}

// Rates is a marketplace's public rates, as the page and the JSON tell them.
type Rates struct {
	Marketplace string            `json:"marketplace"`
	Name        string            `json:"name"`
	Currency    string            `json:"currency"`
	At          time.Time         `json:"at"`
	NoticeDays  int               `json:"notice_days"` // a cut is published this many days ahead
	RateAt      string            `json:"rate_at"`     // the card of which instant applies: order, click, shipment
	Cards       []Card            `json:"cards"`       // in force and to come, then those of before
	Promotions  []Promotion       `json:"promotions"`
	Volume      []ratecard.Volume `json:"volume_tiers"`
	Bounties    []Bounty          `json:"bounties"`
	Difference  *Difference       `json:"difference,omitempty"`
}

// Card is one version of a card.
type Card struct {
	Kind      ratecard.Kind    `json:"kind"`
	Version   int64            `json:"version"`
	Effective time.Time        `json:"effective"`
	Published time.Time        `json:"published"`
	State     string           `json:"state"` // effective, published, past
	Default   int64            `json:"default"`
	Entries   []ratecard.Entry `json:"entries"`
	version   *ratecard.Version
}

// Promotion is a promotion that runs or is to come.
type Promotion struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	From         time.Time       `json:"from"`
	Until        time.Time       `json:"until"` // first instant after it
	Kinds        []ratecard.Kind `json:"kinds,omitempty"`
	Categories   []string        `json:"categories,omitempty"`
	SKUs         []string        `json:"skus,omitempty"`
	Change       ratecard.Change `json:"change"`
	Value        int64           `json:"value"`
	NewCustomers bool            `json:"new_customers,omitempty"`
	promotion    ratecard.Promotion
}

// Bounty is an offer that runs or is to come.
type Bounty struct {
	Action       string    `json:"action"`
	Name         string    `json:"name"`
	Amount       int64     `json:"amount,omitempty"`    // minor units
	ShareBPS     int64     `json:"share_bps,omitempty"` // of the value
	Max          int64     `json:"max,omitempty"`
	From         time.Time `json:"from"`
	Until        time.Time `json:"until,omitzero"`
	NewCustomers bool      `json:"new_customers,omitempty"`
}

// Difference is what one version pays otherwise than another.
type Difference struct {
	Kind    ratecard.Kind      `json:"kind"`
	From    int64              `json:"from"`
	To      int64              `json:"to"`
	Changes []ratecard.Changed `json:"changes"`
}

// Rates answers with the page, or with the same as JSON.
func (p *Pages) Rates(w http.ResponseWriter, r *http.Request) error {
	name, asJSON := named(r)
	var page *ratesPage
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		page, err = p.read(tx, r, name)
		return err
	}); err != nil {
		return err
	}
	if asJSON {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=60")
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(page.Rates)
	}
	return ui.Send(w, r, ratesHTML(page))
}

// ratesPage is the page's view: the public rates, and the kind that is looked at.
type ratesPage struct {
	*desk
	Rates
	now   time.Time
	kind  ratecard.Kind
	table ui.RateTable
	past  []Card
}

func (p *Pages) read(tx *db.Tx, r *http.Request, name string) (*ratesPage, error) {
	now := p.Clock.Now()
	d, err := p.open(tx, r, name, "Rates")
	if err != nil {
		return nil, err
	}
	book, err := ratecard.LoadBook(tx, d.Market.No)
	if err != nil {
		return nil, err
	}
	offers, err := bounty.Load(tx, d.Market.No)
	if err != nil {
		return nil, err
	}
	v := &ratesPage{desk: d, now: now, kind: ratecard.Offsite, Rates: public(d.Market, book, offers, now)}
	if kind := ratecard.Kind(r.FormValue("kind")); slices.Contains(shown, kind) {
		v.kind = kind
	}
	var versions []*ratecard.Version
	for _, c := range v.Cards {
		switch {
		case c.Kind != v.kind:
		case c.State == "past":
			v.past = append(v.past, c)
		default:
			versions = append(versions, c.version)
		}
	}
	v.table = ui.NewRateTable(versions, d.Format, d.Market.Currency, now)
	v.Difference = difference(book.Cards, v.kind, r.FormValue("from"), r.FormValue("to"), now)
	return v, nil
}

// public leaves out what is not everybody's.
func public(m market.Market, book *ratecard.Book, offers []bounty.Offer, now time.Time) Rates {
	out := Rates{Marketplace: m.ID, Name: m.Name, Currency: m.Currency, At: now, NoticeDays: m.Policy.Notice(), RateAt: string(m.Policy.RateAt),
		Cards: []Card{}, Promotions: []Promotion{}, Volume: []ratecard.Volume{}, Bounties: []Bounty{}}
	if out.RateAt == "" {
		out.RateAt = "order"
	}
	for _, kind := range shown {
		present, coming := book.Cards.At(kind, now), book.Cards.Coming(kind, now)
		if present != nil {
			out.Cards = append(out.Cards, card(present, "effective"))
		}
		for _, v := range coming {
			out.Cards = append(out.Cards, card(v, "published"))
		}
		for _, v := range book.Cards.Sorted(kind) {
			if v != present && !slices.Contains(coming, v) {
				out.Cards = append(out.Cards, card(v, "past"))
			}
		}
	}
	for _, p := range book.Promotions {
		if now.Before(p.Until) {
			out.Promotions = append(out.Promotions, Promotion{p.ID.Text("pr_"), p.Name, p.From, p.Until, p.Kinds, p.Categories, p.SKUs, p.Change,
				p.Value, p.NewCustomers, p})
		}
	}
	month := string(m.Month(now))
	for i := range book.Volumes {
		if v := &book.Volumes[i]; v.From > month || v == book.VolumeOf(month) {
			out.Volume = append(out.Volume, *v)
		}
	}
	for _, o := range bounty.Current(offers, now) {
		out.Bounties = append(out.Bounties, Bounty{o.Action, o.Name, o.Amount, o.ShareBPS, o.Max, o.From, o.Until, o.NewCustomers})
	}
	return out
}

func card(v *ratecard.Version, state string) Card {
	return Card{v.Kind, v.Number, v.Effective, v.Published, state, v.Default, v.Entries, v}
}

// difference compares two versions that the address names; without names the one in force with the one before it.
func difference(cards ratecard.Cards, kind ratecard.Kind, from, to string, now time.Time) *Difference {
	find := func(text string) *ratecard.Version {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil
		}
		return cards.Number(kind, number)
	}
	b := find(to)
	if b == nil {
		if b = cards.At(kind, now); b == nil {
			return nil
		}
	}
	a := find(from)
	if a == nil {
		a = cards.At(kind, b.Effective.Add(-time.Microsecond))
	}
	if a == nil || a == b {
		return nil
	}
	changes := ratecard.Difference(a, b)
	if changes == nil {
		changes = []ratecard.Changed{}
	}
	return &Difference{kind, a.Number, b.Number, changes}
}
