package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Random marketplaces: cards, promotions, contracts, tiers, fees, policies, creators, coupons, shoppers and clicks. One
// seed gives one tale.

// teller makes up a tale.
type teller struct {
	*rand.Rand
	tale     *Tale
	p        *Program
	span     instant // how long it goes on
	shoppers []*Shopper
	instants []instant // what happened so far: things happen at the same instants, and around them
	count    int
	plain    bool // nothing that a person decides, no contradictions: any order of arrival is the same
	calm     bool // most orders earn, so that amounts and months are what differs
}

var (
	zones      = []string{"America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"}
	categories = []string{"Home", "Home > Kitchen", "Home > Kitchen > Kettles", "Home > Bedding", "Auto", "Auto > Parts", "Gifts"}
	skus       = []string{"KETTLE-1", "KETTLE-2", "MUG", "SHEET", "WHEEL", "CARD", "UNKNOWN"}
	sellers    = []string{"shop", "acme", "zenith"}
	rates      = []int64{0, 1, 50, 125, 250, 300, 333, 450, 450, 450, 550, 700, 1000, 2000, 10000}
)

func pick[T any](r *teller, from []T) T { return from[r.IntN(len(from))] }

// once tells yes once in so many times.
func (r *teller) once(in int) bool { return r.IntN(in) == 0 }

func (r *teller) next(prefix string) string {
	r.count++
	return fmt.Sprint(prefix, r.count)
}

func newTeller(seed uint64) *teller {
	r := &teller{Rand: rand.New(rand.NewPCG(seed, 1)), tale: &Tale{}}
	r.p = &r.tale.Program
	r.calm = r.once(2)
	r.span = pick(r, []instant{2 * day, 10 * day, 60 * day, 250 * day})
	r.tale.Begin = at(time.Date(2025, 1, 1, r.IntN(24), 0, 0, 0, time.UTC)) + instant(r.IntN(700))*day
	r.instants = []instant{r.tale.Begin}
	return r
}

// program makes up all that stands before the first event.
func (r *teller) program() {
	r.p.Zone, r.p.House = pick(r, zones), pick(r, []string{"", "shop"})
	r.p.Policy = Policy{SessionHours: pick(r, []int{24, 24, 24, 1, 48}), CartDays: pick(r, []int{89, 89, 1, 7}),
		LapseDays: pick(r, []int{180, 180, 20, 5}), HoldDays: pick(r, []int{60, 60, 10, 1}),
		ResaleUnits: pick(r, []int{0, 0, 3, 10}),
		ResaleDays:  pick(r, []int{30, 30, 2}), ViewSeconds: pick(r, []int{5, 5, 1, 30}),
		ViewScope:    pick(r, []string{"product", "variation", "category"}),
		RateAt:       pick(r, []string{"order", "order", "click", "shipment"}),
		AwaitPayment: r.once(6), PaidEarns: r.once(5), BusinessOut: r.once(5), CouponsFirst: r.once(4)}
	if r.calm {
		r.p.Policy.ResaleUnits, r.p.Policy.BusinessOut = 0, false
	}
	r.catalog()
	r.creators()
	r.priced()
	r.visitors()
}

// when is an instant of the tale: often one at which something happened already, or just where a window from it ends.
func (r *teller) when() instant {
	from := r.tale.Begin + instant(r.Int64N(int64(r.span)))
	if !r.once(3) {
		from = pick(r, r.instants)
		p := r.p.Policy
		session := instant(p.SessionHours) * hour
		from += pick(r, []instant{0, 0, 0, 1, hour, 3 * hour, day, 2 * day, session, session + 1, instant(p.CartDays) * day,
			instant(p.CartDays)*day + 1, instant(p.ResaleDays) * day})
	}
	r.instants = append(r.instants, from)
	return from
}

// soon is an instant at which what is to matter begins: mostly before the tale does.
func (r *teller) soon() instant {
	if r.once(2) {
		return r.tale.Begin - instant(r.IntN(100))*day
	}
	return min(r.when(), r.when())
}

func (r *teller) catalog() {
	for i, sku := range skus[:len(skus)-1] {
		product := Product{SKU: sku, Category: categories[i%len(categories)]}
		if i < 2 {
			product.Category, product.Parent = "Home > Kitchen > Kettles", "KETTLES"
		}
		if r.once(4) {
			product.Category = pick(r, categories)
		}
		if r.once(4) {
			product.Seller = pick(r, sellers)
		}
		r.p.Products = append(r.p.Products, product)
	}
}

// histories are steps that an enrolment may take.
var histories = [][]string{
	{"active"}, {"active"}, {"active"}, {"active"}, {"active"}, {"active"}, {"active", "warned"},
	{"provisional", "under_review", "active"}, {"applied", "provisional", "closed"},
	{"active", "suspended", "active"}, {"active", "limited", "closed", "active"},
	{"active", "warned", "active", "closed", "applied", "active"},
	{"provisional", "closed", "applied", "provisional", "under_review", "declined"},
}

func (r *teller) creators() {
	for number := 1; number <= 2+r.IntN(3); number++ {
		c := Creator{Number: number}
		c.Facts = r.facts(fmt.Sprint("c", number))
		for program := 1; program <= 2; program++ {
			if program == 2 && r.once(2) {
				continue
			}
			e := Enrolment{Program: program}
			since, states := r.tale.Begin-instant(1+r.IntN(400))*day, pick(r, histories)
			if r.calm {
				states = []string{"active"}
			}
			for _, state := range states {
				e.Standings = append(e.Standings, Standing{since, state})
				since = max(since+1, r.tale.Begin+instant(r.Int64N(int64(r.span))), since+instant(r.Int64N(int64(r.span))))
				if r.once(3) {
					since = max(e.Standings[len(e.Standings)-1].Since+1, r.when())
				}
			}
			c.Enrolments = append(c.Enrolments, e)
		}
		r.p.Creators = append(r.p.Creators, c)
	}
	for i := range r.IntN(4) {
		c := Coupon{Code: fmt.Sprint("SAVE-", i), Creator: pick(r, r.p.Creators).Number, Program: 1 + r.IntN(2)}
		if r.once(3) {
			c.Since = r.when()
		}
		if r.once(3) {
			c.Until = max(c.Since+1, r.when())
		}
		r.p.Coupons = append(r.p.Coupons, c)
	}
}

// facts of somebody; most are of that one alone.
func (r *teller) facts(whose string) (f Facts) {
	for _, fact := range []struct {
		into *string
		kind string
	}{{&f.Customer, "customer"}, {&f.Email, "email"}, {&f.Payment, "payment"}, {&f.Device, "device"}, {&f.Address, "address"},
		{&f.Household, "household"}} {
		if r.once(2) {
			*fact.into = whose + " " + fact.kind
		}
	}
	return f
}

func (r *teller) card(kind string, effective instant) Card {
	c := Card{Kind: kind, Effective: effective, Default: pick(r, rates)}
	add := func(e Entry) {
		e.Rate = pick(r, rates)
		switch {
		case kind == "seller_fee":
			e.Minimum = pick(r, []int64{0, 0, 30, 500})
		case r.once(8):
			e.Excluded, e.Rate = true, 0
		case r.once(3):
			e.Cap = pick(r, []int64{1, 7, 100, 2500})
		}
		c.Entries = append(c.Entries, e)
	}
	for _, category := range categories {
		if r.once(3) {
			add(Entry{Category: category})
		}
	}
	for _, sku := range skus {
		if r.once(8) {
			add(Entry{SKU: sku})
		}
	}
	return c
}

// priced makes up what prices lines.
func (r *teller) priced() {
	for _, kind := range []string{"offsite", "onsite", "boosted", "seller_fee"} {
		versions := r.IntN(3)
		if kind == "offsite" {
			versions++
		}
		for i := range versions {
			effective := r.tale.Begin - 900*day
			if i > 0 || r.once(20) {
				effective = r.when()
			}
			r.p.Cards = append(r.p.Cards, r.card(kind, effective))
		}
	}
	for range r.IntN(4) {
		p := Promotion{From: r.soon(), Change: pick(r, []string{"set", "add", "multiply"}), Value: pick(r, rates),
			NewCustomers: r.once(4)}
		p.Until = max(p.From+1, r.when(), r.when())
		if p.Change == "multiply" {
			p.Value = pick(r, []int64{0, 9000, 10000, 12500, 15000, 20000, 100000})
		}
		if r.once(3) {
			p.Kinds = []string{pick(r, []string{"offsite", "onsite", "boosted"})}
		}
		if r.once(2) {
			p.Categories = []string{pick(r, categories)}
		}
		if r.once(4) {
			p.SKUs = []string{pick(r, skus)}
		}
		r.p.Promotions = append(r.p.Promotions, p)
	}
	for range r.IntN(3) {
		c := Contract{Creator: pick(r, r.p.Creators).Number, Kind: pick(r, []string{"offsite", "offsite", "onsite", "boosted"}),
			Rate: pick(r, rates), Cap: pick(r, []int64{0, 0, 50}), From: r.soon(), NoPromotions: r.once(3)}
		if r.once(2) {
			c.Until = max(c.From+1, r.when(), r.when())
		}
		r.p.Contracts = append(r.p.Contracts, c)
	}
	for range r.IntN(3) {
		v := Volume{From: r.soon().time().Format("2006-01")}
		above := pick(r, []int64{0, 0, 500})
		for range 1 + r.IntN(3) {
			v.Bands = append(v.Bands, Band{above, pick(r, []int64{0, 50, 200, 1000})})
			above += 1 + r.Int64N(5000)
		}
		r.p.Volumes = append(r.p.Volumes, v)
	}
}

// visitors makes up shoppers, some of whom are creators or live with them, and their clicks.
func (r *teller) visitors() {
	for i := range 1 + r.IntN(6) {
		s := &Shopper{Facts: r.facts(fmt.Sprint("s", i)), Business: r.once(8), New: r.once(3)}
		if r.once(2) && !r.calm {
			r.relate(s, pick(r, r.p.Creators).Facts)
		}
		if r.once(6) {
			s = nil
		}
		r.shoppers = append(r.shoppers, s)
	}
	for number := range 2 + r.IntN(10) {
		who := pick(r, r.p.Creators)
		c := Click{Creator: who.Number, Program: pick(r, who.Enrolments).Program, At: r.when(),
			Invalid: r.once(25), Paid: r.once(20)}
		if r.once(20) {
			c.Program = 2
		}
		if r.once(25) {
			c.Creator = 0 // by a tag that nobody has
		}
		if r.calm {
			c.Creator, c.Invalid, c.Paid = who.Number, false, false
		}
		switch kind := r.IntN(20); {
		case kind == 0 && !r.calm:
			c.Elsewhere = true
		case kind == 1 && !r.calm:
			c.Forged = true
		case kind < 7:
			c.View, c.Product, c.BoostedView = true, pick(r, skus), r.once(3)
			c.Seconds = pick(r, []int64{0, 4, 5, 29, 30, 90, 90})
		case kind < 12:
			c.Product = pick(r, skus)
		case kind < 14:
			c.Category = pick(r, categories)
		}
		c.Number = number + 1
		r.p.Clicks = append(r.p.Clicks, c)
	}
	// Numbers are not in order of time, so that they decide only between clicks of one instant.
	numbers := r.Perm(len(r.p.Clicks))
	for i := range r.p.Clicks {
		r.p.Clicks[i].Number = numbers[i] + 1
	}
	slices.SortFunc(r.p.Clicks, func(a, b Click) int { return a.Number - b.Number })
	for _, s := range r.shoppers {
		for _, c := range r.p.Clicks {
			if s != nil && s.Customer != "" && r.once(3) && !c.View && !c.Forged && !c.Elsewhere {
				r.p.Bound = append(r.p.Bound, Bound{s.Customer, c.Number})
			}
		}
	}
}

// relate makes some of a shopper's facts those of a creator, who buys for himself or lives in the same house.
func (r *teller) relate(s *Shopper, own Facts) {
	if r.once(2) {
		own = Facts{Address: own.Address, Household: own.Household}
	}
	for _, fact := range []struct {
		into *string
		from string
	}{{&s.Customer, own.Customer}, {&s.Email, own.Email}, {&s.Payment, own.Payment}, {&s.Device, own.Device},
		{&s.Address, own.Address}, {&s.Household, own.Household}} {
		if r.once(3) && fact.from != "" {
			*fact.into = fact.from
		}
	}
	if !learnsFacts && s.Customer == own.Customer {
		s.Payment, s.Device = own.Payment, own.Device
	}
}
