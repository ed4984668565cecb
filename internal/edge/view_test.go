package edge

import (
	"testing"
	"time"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/link"
	"tributary/internal/market"
)

func TestViews(t *testing.T) {
	w := newWorld(t)
	w.markets[0].Policy.ViewSeconds = 20
	w.write(func(tx *db.Tx) error { return market.Save(tx, w.markets[0]) })
	w.know()
	seen := func(market, tag string, seconds int64) link.Seen {
		return link.Seen{Market: market, Tag: tag, SKU: "KETTLE-1", Seconds: seconds}
	}
	from := func(origin, agent string, signs click.Signs) link.Seen {
		s := seen("us", "ada-20", 20)
		s.Origin, s.Agent, s.Signs = origin, agent, signs
		return s
	}
	for name, c := range map[string]struct {
		seen link.Seen
		tag  string // whose token
		why  string
		kind fault.Kind
	}{
		"long enough there":       {seen: seen("us", "ada-20", 20), tag: "ada-20"},
		"too short there":         {seen: seen("us", "ada-20", 19), why: link.ViewTooShort},
		"long enough here":        {seen: seen("uk", "ADA-21", 5), tag: "ada-21"},
		"an influencer's":         {seen: seen("us", "bob-20", 20), tag: "bob-20"},
		"another marketplace's":   {seen: seen("uk", "ada-20", 20), why: link.ViewUnknownTag},
		"closed":                  {seen: seen("uk", "eve-21", 20), why: link.ViewNotActive},
		"nobody's":                {seen: seen("us", "nobody-20", 20), why: link.ViewUnknownTag},
		"from a page":             {seen: from("https://us.example", browser, 0), tag: "ada-20"},
		"from a page of another":  {seen: from("https://uk.example", browser, 0), kind: fault.Denied},
		"from a page, a bot":      {seen: from("https://us.example", "Googlebot/2.1", 0), why: link.ViewInvalid},
		"from a page, no browser": {seen: from("https://us.example", "", 0), why: link.ViewInvalid},
		"fetched ahead":           {seen: from("https://us.example", browser, click.SignPrefetch), why: link.ViewInvalid},
		"from a server, a bot":    {seen: from("", "Googlebot/2.1", 0), why: link.ViewInvalid},
		"no such marketplace":     {seen: seen("fr", "ada-20", 20), kind: fault.NotFound},
		"no sku":                  {seen: link.Seen{Market: "us", Tag: "ada-20", Seconds: 20}, kind: fault.Invalid},
	} {
		text, why, err := w.edge.View(c.seen)
		if (err != nil) != (c.kind != 0) || err != nil && !fault.Is(err, c.kind) || why != c.why || (text != "") != (c.tag != "") {
			t.Errorf("%s: %q, %q, %v", name, text, why, err)
		}
		if c.tag == "" {
			continue
		}
		token, err := w.sealer.Open(text)
		if err != nil || token.Tracking != w.ids[c.tag] || token.Kind != click.KindView || !token.Flags.Has(click.FlagSandbox) {
			t.Errorf("%s: %+v, %v", name, token, err)
		}
	}
	if len(w.clicks()) != 0 || w.edge.Stats() != (Stats{}) {
		t.Error("views were taken for clicks")
	}
}

// A view counts as long as its creator's enrolment does.
func TestViewsEndWithTheEnrolment(t *testing.T) {
	w := newWorld(t)
	w.standing("ada", 1, click.Associates, enrolment.Suspended, start.Add(-time.Minute))
	w.know()
	if text, why, err := w.edge.View(link.Seen{Market: "us", Tag: "ada-20", SKU: "KETTLE-1", Seconds: 6}); text != "" ||
		why != link.ViewNotActive || err != nil {
		t.Errorf("suspended: %q, %q, %v", text, why, err)
	}
}
