package public

import (
	"strconv"
	"strings"

	"tributary/internal/market"
	"tributary/internal/ratecard"
	"tributary/internal/web/ui"
)

func (v *ratesPage) kindLink(kind ratecard.Kind) string {
	return ui.Link("/rates/"+v.Market.ID, nil, "kind", string(kind))
}

func (v *ratesPage) compareLink(c Card) string {
	return ui.Link("/rates/"+v.Market.ID, nil, "kind", string(v.kind), "from", strconv.FormatInt(c.Version, 10))
}

// span says from when to when a promotion runs; its last day is the one before the first instant after it.
func (v *ratesPage) span(p Promotion) string {
	text := v.Format.Date(p.From, v.now) + " to " + v.Format.Date(p.Until.Add(-1), v.now)
	if v.now.Before(p.From) {
		return "from " + text
	}
	return "runs, " + text
}

func (v *ratesPage) month(tier ratecard.Volume) market.Month { return market.Month(tier.From) }

// change says what pays otherwise, with the default in a reader's words.
func (v *ratesPage) change(c ratecard.Changed) string {
	text := c.Text(v.Currency)
	if rest, ok := strings.CutPrefix(text, "default "); ok {
		return "Everything else " + rest
	}
	return text
}

func (v *ratesPage) pays(b Bounty) string {
	if b.ShareBPS == 0 {
		return v.Format.Money(b.Amount, v.Currency)
	}
	text := v.Format.Percent(b.ShareBPS)
	if b.Max > 0 {
		text += ", at most " + v.Format.Money(b.Max, v.Currency)
	}
	return text
}

func (v *ratesPage) terms(b Bounty) string {
	text := "action " + b.Action
	if b.ShareBPS != 0 {
		text += ", a share of the value"
	}
	if b.NewCustomers {
		text += ", new customers only"
	}
	if !b.Until.IsZero() {
		text += ", until " + v.Format.Date(b.Until.Add(-1), v.now)
	}
	return text
}

func (v *ratesPage) ratedAt() string {
	switch v.RateAt {
	case "click":
		return "the click"
	case "shipment":
		return "its first shipment"
	}
	return "the order"
}
