package explain

import (
	"encoding/json"
	"strings"

	"tributary/internal/attribution"
	"tributary/internal/commission"
	"tributary/internal/id"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// forms reads stored forms for long readings: ten times as quick as encoding/json, because it knows the names and keeps
// what comes again and again (policies, rates, names) instead of making it anew. A form that it does not know it leaves to
// encoding/json. What it gives is shared and must not be changed.
type forms struct {
	scan
	policies map[string]policy.Policy
	rates    map[string]*ratecard.Rate
	texts    map[string]string
}

// manyForms bounds what is kept: far above what a marketplace's policies and entries come to.
const manyForms = 10_000

func newForms() *forms {
	return &forms{policies: map[string]policy.Policy{}, rates: map[string]*ratecard.Rate{}, texts: map[string]string{}}
}

// recall gives what was kept for a raw text, or makes it. The text is kept apart from the form that it stands in.
func recall[V any](kept map[string]V, raw string, make func(string) (V, error), s *scan) (v V) {
	if v, known := kept[raw]; known {
		return v
	}
	raw = strings.Clone(raw)
	v, err := make(raw)
	if err != nil {
		s.failed = true
		return v
	}
	if len(kept) >= manyForms {
		clear(kept)
	}
	kept[raw] = v
	return v
}

func decoded[V any](raw string) (v V, err error) {
	err = json.Unmarshal([]byte(raw), &v)
	return v, err
}

// text reads a text.
func (f *forms) text() string {
	raw := f.value()
	if len(raw) < 2 || raw[0] != '"' {
		f.failed = true
		return ""
	}
	return recall(f.texts, raw, decoded[string], &f.scan)
}

// rare reads what few lines have.
func rare[V any](f *forms, into *V) {
	if raw := f.value(); !f.failed && json.Unmarshal([]byte(raw), into) != nil {
		f.failed = true
	}
}

// row reads what a past line needs of its row's state; false where it is of an unknown form.
func (f *forms) row(text string, p *PastLine) bool {
	f.open(text)
	f.object(func(name string) {
		switch name {
		case "b":
			f.basis(&p.Basis)
		case "e":
			f.list(func() { p.Events = append(p.Events, f.event()) })
		case "h":
			f.held(&p.Held)
		case "m":
			f.object(func(name string) {
				if name == "k" {
					p.category = f.text()
				} else {
					f.value()
				}
			})
		default: // what sums ask for
			f.value()
		}
	})
	return f.closed()
}

func (f *forms) event() (e order.Applied) {
	f.object(func(name string) {
		switch name {
		case "t":
			e.Type = order.Type(f.text())
		case "q":
			e.Quantity = f.number()
		case "a":
			amount := f.number()
			e.Amount = &amount
		case "o":
			e.At = f.number()
		case "m":
			e.Month = f.text()
		default:
			f.failed = true
		}
	})
	return e
}

func (f *forms) basis(b *commission.Basis) {
	f.object(func(name string) {
		switch name {
		case "c":
			b.Creator = id.ID(f.number())
		case "p":
			b.Program = uint8(f.number())
		case "t":
			b.Tracking = id.ID(f.number())
		case "k":
			b.Link = id.ID(f.number())
		case "d":
			b.Direct = f.truth()
		case "w":
			b.Credited = f.truth()
		case "r":
			b.Reason = attribution.Reason(f.text())
		case "b":
			b.BPS = f.number()
		case "bo":
			b.Boost = f.number()
		case "cap":
			b.Cap = f.number()
		case "v":
			b.Volume = f.truth()
		case "x":
			b.Withdrawn = f.text()
		case "s":
			b.Seller = f.text()
		case "f":
			b.FeeBPS = f.number()
		case "fl":
			b.FeeLeast = f.number()
		case "l":
			b.LapseDays = int(f.number())
		case "h":
			b.HoldDays = int(f.number())
		case "z":
			b.Zone = f.text()
		default:
			f.failed = true
		}
	})
}

func (f *forms) held(p *commission.Posted) {
	f.object(func(name string) {
		switch name {
		case "total":
			p.Total = f.number()
		case "promo":
			p.Promo = f.number()
		case "fee":
			p.Fee = f.number()
		case "months":
			p.Months = f.months()
		case "bases":
			p.Bases = f.months()
		default:
			f.failed = true
		}
	})
}

func (f *forms) months() map[string]int64 {
	months := make(map[string]int64, 2)
	f.object(func(name string) {
		month := recall(f.texts, name, func(raw string) (string, error) { return decoded[string](`"` + raw + `"`) }, &f.scan)
		months[month] = f.number()
	})
	return months
}

// facts reads the facts with which a whole decision begins; what was made of them is not looked at.
func (f *forms) facts(body string, facts *commission.Facts) bool {
	f.open(body)
	if !f.enter(`{"facts":`) {
		return false
	}
	f.object(func(name string) { f.fact(name, facts) })
	return !f.failed
}

func (f *forms) fact(name string, facts *commission.Facts) {
	switch name {
	case "v":
		facts.Form = int(f.number())
	case "marketplace":
		facts.Market = f.text()
	case "currency":
		facts.Currency = f.text()
	case "zone":
		facts.Zone = f.text()
	case "sku":
		facts.SKU = f.text()
	case "category":
		facts.Category = f.text()
	case "seller":
		facts.Seller = f.text()
	case "quantity":
		facts.Quantity = f.number()
	case "net":
		facts.Net = f.number()
	case "digital_month":
		facts.DigitalMonth = f.text()
	case "line":
		f.line(&facts.Line)
	case "touches":
		f.list(func() {
			facts.Touches = append(facts.Touches, attribution.Touch{})
			f.touch(&facts.Touches[len(facts.Touches)-1])
		})
	case "ends":
		f.list(func() { facts.Ends = append(facts.Ends, f.number()) })
	case "buyer":
		f.buyer(&facts.Buyer)
	case "policy":
		facts.Policy = recall(f.policies, f.value(), decoded[policy.Policy], &f.scan)
	case "unpaid":
		facts.Unpaid = f.truth()
	case "new_customer":
		facts.NewCustomer = f.truth()
	case "house":
		facts.House = f.truth()
	case "first_shipped":
		facts.FirstShipped = f.number()
	case "violation":
		rare(f, &facts.Violation)
	default:
		f.price(name, facts)
	}
}

func (f *forms) price(name string, facts *commission.Facts) {
	switch name {
	case "kind":
		facts.Kind = ratecard.Kind(f.text())
	case "rated_at":
		facts.RatedAt = f.number()
	case "rate":
		facts.Rate = recall(f.rates, f.value(), decoded[*ratecard.Rate], &f.scan)
	case "fee":
		facts.Fee = recall(f.rates, f.value(), decoded[*ratecard.Rate], &f.scan)
	case "contract":
		rare(f, &facts.Contract)
	case "promotions":
		rare(f, &facts.Offers)
	case "volume":
		facts.Volume = f.truth()
	default:
		f.failed = true
	}
}

func (f *forms) line(l *attribution.Line) {
	f.object(func(name string) {
		switch name {
		case "ordered_at":
			l.OrderedAt = f.number()
		case "added_at":
			l.AddedAt = f.number()
		case "digital":
			l.Digital = f.truth()
		case "place":
			l.Place = f.number()
		case "product":
			l.Product = f.number()
		case "parent":
			l.Parent = f.number()
		default:
			f.failed = true
		}
	})
}

func (f *forms) buyer(b *attribution.Buyer) {
	f.object(func(name string) {
		switch name {
		case "known":
			b.Known = f.truth()
		case "business":
			b.Business = f.truth()
		case "units":
			b.Units = f.number()
		case "matches":
			rare(f, &b.Matches)
		default:
			f.failed = true
		}
	})
}

func (f *forms) touch(t *attribution.Touch) {
	f.object(func(name string) {
		switch name {
		case "source":
			t.Source = attribution.Source(f.text())
		case "bound":
			t.Bound = f.truth()
		case "click":
			t.Click = f.number()
		case "creator":
			t.Creator = id.ID(f.number())
		case "program":
			t.Program = uint8(f.number())
		case "tracking":
			t.Tracking = id.ID(f.number())
		case "link":
			t.Link = id.ID(f.number())
		case "at":
			t.At = f.number()
		case "landed":
			t.Landed = uint8(f.number())
		case "place":
			t.Place = f.number()
		case "kind":
			t.Kind = uint8(f.number())
		case "invalid":
			t.Invalid = f.truth()
		case "paid":
			t.Paid = f.truth()
		case "standing_then":
			t.StandingThen = f.text()
		case "standing_now":
			t.StandingNow = f.text()
		case "active_then":
			t.ActiveThen = f.truth()
		case "active_now":
			t.ActiveNow = f.truth()
		default:
			f.seen(name, t)
		}
	})
}

// seen reads what touches other than clicks have, and few of these.
func (f *forms) seen(name string, t *attribution.Touch) {
	switch name {
	case "broken":
		t.Broken = attribution.Reason(f.text())
	case "rule":
		t.Rule = f.text()
	case "coupon":
		t.Coupon = f.text()
	case "since":
		t.Since = f.number()
	case "until":
		t.Until = f.number()
	case "view":
		t.View = f.truth()
	case "seconds":
		t.Seconds = f.number()
	case "boosted":
		t.Boosted = f.truth()
	case "product":
		t.Product = f.number()
	case "parent":
		t.Parent = f.number()
	case "bounty":
		t.Bounty = id.ID(f.number())
	default:
		f.failed = true
	}
}

// scan walks JSON as Encode writes it. It follows the grammar as far as it needs it: whatever else it meets makes it fail.
type scan struct {
	raw    string
	at     int
	failed bool
}

func (s *scan) open(raw string) { s.raw, s.at, s.failed = raw, 0, false }

// closed tells whether all was read and understood.
func (s *scan) closed() bool { return !s.failed && s.at == len(s.raw) }

// enter passes a text that must stand here.
func (s *scan) enter(text string) bool {
	if !strings.HasPrefix(s.raw[s.at:], text) {
		s.failed = true
		return false
	}
	s.at += len(text)
	return true
}

func (s *scan) next() byte {
	if s.at < len(s.raw) {
		return s.raw[s.at]
	}
	s.failed = true
	return 0
}

// object calls member for every name; it reads the value.
func (s *scan) object(member func(name string)) {
	if !s.enter("{") {
		return
	}
	if s.next() == '}' {
		s.at++
		return
	}
	for !s.failed {
		name := s.value()
		if len(name) < 2 || name[0] != '"' || !s.enter(":") {
			s.failed = true
			return
		}
		if member(name[1 : len(name)-1]); s.failed {
			return
		}
		if s.next() == '}' {
			s.at++
			return
		}
		s.enter(",")
	}
}

// list calls item for every item; it reads it.
func (s *scan) list(item func()) {
	if !s.enter("[") {
		return
	}
	if s.next() == ']' {
		s.at++
		return
	}
	for !s.failed {
		if item(); s.failed {
			return
		}
		if s.next() == ']' {
			s.at++
			return
		}
		s.enter(",")
	}
}

// number reads a whole number.
func (s *scan) number() int64 {
	start, n := s.at, uint64(0)
	if s.next() == '-' {
		s.at++
	}
	digits := s.at
	for s.at < len(s.raw) && s.raw[s.at] >= '0' && s.raw[s.at] <= '9' {
		n = n*10 + uint64(s.raw[s.at]-'0')
		s.at++
	}
	const most = 18 // digits; longer ones may not fit
	switch {
	case s.at == digits, s.next() == '.', s.next()|0x20 == 'e':
		s.failed = true
	case s.at-digits > most:
		n, err := decoded[int64](s.raw[start:s.at])
		s.failed = s.failed || err != nil
		return n
	}
	if digits > start {
		return -int64(n)
	}
	return int64(n)
}

func (s *scan) truth() bool {
	if s.next() == 't' {
		return s.enter("true")
	}
	s.enter("false")
	return false
}

// value passes any value and gives its text.
func (s *scan) value() string {
	start, depth := s.at, 0
	for s.at < len(s.raw) {
		c := s.raw[s.at]
		switch c {
		case '"':
			if !s.quoted() {
				return ""
			}
			if depth == 0 {
				return s.raw[start:s.at]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return s.bare(start) // of a number or word before it
			}
			if depth--; depth == 0 {
				s.at++
				return s.raw[start:s.at]
			}
		case ',', ':':
			if depth == 0 {
				return s.bare(start)
			}
		}
		s.at++
	}
	s.failed = true
	return ""
}

func (s *scan) bare(start int) string {
	if s.at == start {
		s.failed = true
	}
	return s.raw[start:s.at]
}

// quoted passes a text in quotes.
func (s *scan) quoted() bool {
	for s.at++; s.at < len(s.raw); s.at++ {
		switch s.raw[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	s.failed = true
	return false
}
