// Package ratefile is what a marketplace pays as one file that a person reads, edits and keeps: cards, promotions,
// contracts, volume tiers, bounties (docs/rates.md). It writes the present state with what is to come, reads it back, and
// says what publishing an edited file would change before anything is done. A draft is such a text that somebody still
// works on.
//
// What must always hold: a file that was written and is read at once changes nothing; a plan that was shown is what is
// published, or nothing is; a section that is not in the file stays as it is, one that is there is meant as a whole; every
// refusal names the line.
//
// It decides no rate, no amount and no notice: packages ratecard and bounty do, by the same functions for a plan and for
// its publication, and package terms knows both.
package ratefile

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
)

// Names of the sections that are no cards. A section is read by the function that `sections` names for it.
const (
	sectionPromotions = "promotions"
	sectionContracts  = "contracts"
	sectionVolume     = "volume"
	sectionBounties   = "bounties"
)

// File is a rates file as it was read.
type File struct {
	Market     market.Market
	Cards      map[ratecard.Kind][]Card // by kind, in the order of time; a kind that is not in the file is not in the map
	Promotions []Promotion
	Contracts  []Contract
	Volumes    []Volume
	Bounties   []Bounty

	lines map[string]int // of the sections that are in the file
}

// Has tells whether a section is in the file: offsite, onsite, boosted, seller_fee, promotions, contracts, volume,
// bounties.
func (f *File) Has(section string) bool { return f.lines[section] != 0 }

// Card is a version as the file wants it. Without an effective instant it takes effect as soon as the rules allow.
type Card struct {
	ratecard.Card
	spot
	entries []spot // of the entries, in their order
}

// Promotion is a promotion as the file wants it.
type Promotion struct {
	ratecard.Promotion
	spot
}

// Contract is a contract as the file wants it.
type Contract struct {
	ratecard.Contract
	Handle string // of the creator; the id is 0 where nobody has it
	spot
}

// Volume is a version of the volume tiers as the file wants it. Without a first month it begins as soon as the rules
// allow.
type Volume struct {
	ratecard.Volume
	spot
}

// Read reads a file for the marketplace that it names, and finds the creators of its contracts.
func Read(tx *db.Tx, raw []byte) (*File, error) {
	name, err := whose(raw)
	if err != nil {
		return nil, err
	}
	m, err := find(tx, name.text, name.String())
	if err != nil {
		return nil, err
	}
	f, err := Parse(raw, m)
	if err != nil {
		return nil, err
	}
	for i := range f.Contracts {
		c := &f.Contracts[i]
		who, err := terms.ByHandle(tx, c.Handle)
		if fault.Is(err, fault.NotFound) {
			continue // the plan says so
		} else if err != nil {
			return nil, err
		}
		c.Creator, c.Handle = who.ID, who.Handle
	}
	return f, nil
}

// find gives the marketplace of an id.
func find(tx *db.Tx, name, field string) (market.Market, error) {
	all, err := market.All(tx)
	if err != nil {
		return market.Market{}, err
	}
	known := ""
	for _, m := range all {
		if m.ID == name {
			return m, nil
		}
		known += ", " + m.ID
	}
	return market.Market{}, fault.New(fault.NotFound, field, "there is no marketplace "+name, "write one that there is"+known)
}

// people gives the handles of the creators who have contracts.
func people(tx *db.Tx, t terms.Terms) (map[id.ID]string, error) {
	found, err := t.People(tx)
	handles := make(map[id.ID]string, len(found))
	for _, who := range found {
		handles[who.ID] = who.Handle
	}
	return handles, err
}

// Dates of the marketplace's zone.

const dateForm = "2006-01-02"

// soon stands for an instant that is not known before it is compared, where the rest is checked without it.
var soon = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// startOf is the first instant of a date. The date is one that a month becomes payable on, and package market knows where
// clocks skip midnight.
func startOf(date time.Time, zone *time.Location) time.Time {
	lastMonth := time.Date(date.Year(), date.Month(), 0, 0, 0, 0, 0, time.UTC)
	return market.Month(lastMonth.Format("2006-01")).Payable(zone, date.Day()).UTC()
}

// dateOf gives the date that begins at an instant; false where none does.
func dateOf(at time.Time, zone *time.Location) (time.Time, bool) {
	local := at.In(zone)
	date := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	return date, startOf(date, zone).Equal(at)
}
