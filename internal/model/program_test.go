package model

import (
	"time"
)

// What the model is told: plain values, which a harness translates for the engine. Amounts are minor units, rates basis
// points. A tale is written to a file as it stands here, so that it can be read and lived again.

// instant is microseconds since 1970, UTC; 0 is none.
type instant int64

const (
	hour = instant(time.Hour / time.Microsecond)
	day  = 24 * hour
)

func at(t time.Time) instant      { return instant(t.UnixMicro()) }
func (i instant) time() time.Time { return time.UnixMicro(int64(i)).UTC() }

func (i instant) MarshalText() ([]byte, error) {
	return []byte(i.time().Format(time.RFC3339Nano)), nil
}

func (i *instant) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	*i = at(t)
	return err
}

// Program is a marketplace with all that stands before the first event comes.
type Program struct {
	Zone       string
	House      string `json:",omitempty"` // the shop's own id among sellers
	Policy     Policy
	Cards      []Card
	Promotions []Promotion `json:",omitempty"`
	Contracts  []Contract  `json:",omitempty"`
	Volumes    []Volume    `json:",omitempty"`
	Creators   []Creator
	Coupons    []Coupon  `json:",omitempty"`
	Products   []Product `json:",omitempty"`
	Clicks     []Click   `json:",omitempty"`
	Bound      []Bound   `json:",omitempty"`
}

// Policy holds the operator's numbers.
type Policy struct {
	SessionHours, CartDays, LapseDays, HoldDays int
	ResaleUnits, ResaleDays                     int
	ViewSeconds                                 int
	ViewScope                                   string // product, variation, category
	RateAt                                      string // order, click, shipment
	AwaitPayment, PaidEarns                     bool   `json:",omitempty"`
	BusinessOut, CouponsFirst                   bool   `json:",omitempty"`
}

// Card is a version of a rate card. Categories are paths: Home > Kitchen > Kettles.
type Card struct {
	Kind      string // offsite, onsite, boosted, seller_fee
	Effective instant
	Default   int64
	Entries   []Entry `json:",omitempty"`
}

// Entry is of a category or of a product.
type Entry struct {
	Category string `json:",omitempty"`
	SKU      string `json:",omitempty"`
	Rate     int64
	Cap      int64 `json:",omitempty"` // per unit
	Excluded bool  `json:",omitempty"`
	Minimum  int64 `json:",omitempty"` // of a seller's fee, per unit
}

// Promotion raises rates from an instant until just before another.
type Promotion struct {
	From, Until  instant
	Change       string // set, add, multiply
	Value        int64
	Kinds        []string `json:",omitempty"`
	Categories   []string `json:",omitempty"`
	SKUs         []string `json:",omitempty"`
	NewCustomers bool     `json:",omitempty"`
}

// Contract is a creator's own rate. Of several that hold the last one counts.
type Contract struct {
	Creator      int
	Kind         string
	Rate         int64
	Cap          int64 `json:",omitempty"`
	From         instant
	Until        instant `json:",omitzero"` // none: without end
	NoPromotions bool    `json:",omitempty"`
}

// Volume is a version of the volume tiers, from a month on.
type Volume struct {
	From  string
	Bands []Band
}

// Band pays Extra on what lies above Above, up to the next band.
type Band struct{ Above, Extra int64 }

// Creator is known by a number from 1. Facts are compared with those of shoppers.
type Creator struct {
	Number     int
	Facts      Facts       `json:",omitzero"`
	Enrolments []Enrolment `json:",omitempty"`
}

// Enrolment is the history of a creator in one program, oldest first.
type Enrolment struct {
	Program   int
	Standings []Standing
}

// Standing is a state from an instant on.
type Standing struct {
	Since instant
	State string
}

// Facts are what a person is known by; empty where it is not known.
type Facts struct {
	Customer  string `json:",omitempty"`
	Email     string `json:",omitempty"`
	Payment   string `json:",omitempty"`
	Device    string `json:",omitempty"`
	Address   string `json:",omitempty"`
	Household string `json:",omitempty"`
}

// Coupon belongs to a creator in a program, from an instant until just before another.
type Coupon struct {
	Code    string
	Creator int
	Program int
	Since   instant `json:",omitzero"`
	Until   instant `json:",omitzero"`
}

// Product is what the catalog says of a sku.
type Product struct {
	SKU      string
	Category string `json:",omitempty"`
	Parent   string `json:",omitempty"` // products with the same parent are variations of each other
	Seller   string `json:",omitempty"`
}

// Click is a click, or a view, as its token tells. Number is its name, and orders clicks of the same instant.
type Click struct {
	Number      int
	Creator     int
	Program     int
	At          instant
	Invalid     bool   `json:",omitempty"`
	Paid        bool   `json:",omitempty"`
	Elsewhere   bool   `json:",omitempty"` // of another marketplace
	Forged      bool   `json:",omitempty"` // cannot be read
	Product     string `json:",omitempty"` // landed on, or seen
	Category    string `json:",omitempty"` // landed on
	View        bool   `json:",omitempty"`
	Seconds     int64  `json:",omitempty"`
	Imported    bool   `json:",omitempty"`
	BoostedView bool   `json:",omitempty"`
}

// Bound says that a signed-in customer came by a click, perhaps on another device.
type Bound struct {
	Customer string
	Click    int
}

// Event is what the store reports.
type Event struct {
	ID       string
	Type     string // order.placed, order.paid, line.shipped, line.cancelled, line.returned, line.refunded
	Order    string
	At       instant
	Placed   *Placed `json:",omitempty"`
	Line     string  `json:",omitempty"`
	Quantity int64   `json:",omitempty"`
	Amount   *int64  `json:",omitempty"`
}

// Placed is what order.placed says of the order.
type Placed struct {
	Coupons []string `json:",omitempty"`
	Shopper *Shopper `json:",omitempty"`
	Lines   []Line
}

// Shopper is who ordered.
type Shopper struct {
	Facts
	Business bool `json:",omitempty"`
	New      bool `json:",omitempty"`
}

// Line is a line as it was ordered. Net was paid for all its units.
type Line struct {
	ID       string
	SKU      string
	Quantity int64
	Net      int64
	Category string  `json:",omitempty"`
	Seller   string  `json:",omitempty"`
	Digital  bool    `json:",omitempty"`
	Clicks   []int   `json:",omitempty"`
	Added    instant `json:",omitzero"`
	Imported []Click `json:",omitempty"` // recorded by another system: known by tracking id and time alone
}

// Step is one thing that happens to the marketplace: the clock moves and what is due runs, a request comes in, or a person
// finds clicks invalid, lines in breach of the policy, or takes such a finding back.
type Step struct {
	Clock      instant  `json:",omitzero"`
	Idle       bool     `json:",omitempty"` // nothing that is due runs
	Events     []Event  `json:",omitempty"`
	Invalid    []int    `json:",omitempty"` // clicks
	Disqualify []string `json:",omitempty"` // order/line
	Reinstate  []string `json:",omitempty"`
}

// Tale is a program and what happens to it.
type Tale struct {
	Words   string `json:",omitempty"` // what it shows
	Program Program
	Begin   instant
	Steps   []Step
}
