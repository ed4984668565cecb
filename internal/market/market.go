// Package market holds the marketplaces: one regional shop each, with its currency, time zone, addresses and policy, and
// the rules that depend on these alone: months, days, and which marketplace a visitor belongs to (geo routing).
//
// A marketplace's number names it in tokens, lanes and rows; its id (`us`) names it to people. Neither ever changes.
package market

import (
	"encoding/json"
	"regexp"
	"sync"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/money"
	"tributary/internal/policy"
)

// Market is one marketplace.
type Market struct {
	No          uint16           `json:"-"`
	ID          string           `json:"-"`
	Version     int64            `json:"-"` // rises with every change, so that caches know
	Name        string           `json:"name"`
	Currency    string           `json:"currency"`
	Zone        string           `json:"zone"`
	Locale      string           `json:"locale"`
	Countries   []string         `json:"countries"`            // ISO 3166 alpha-2; none: all countries
	Home        string           `json:"home"`                 // https://store.example
	ProductURL  string           `json:"product"`              // with {sku}
	SearchURL   string           `json:"search"`               // with {query}
	CategoryURL string           `json:"category"`             // with {category}
	CartURL     string           `json:"cart"`                 // with {items}: sku:quantity,…
	Hosts       []string         `json:"hosts"`                // the marketplace's own hosts: the only targets of /to
	Seller      string           `json:"seller,omitempty"`     // the shop's own id among sellers: its lines carry no fee
	Trademarks  []string         `json:"trademarks,omitempty"` // the operator's own words: ads on them earn nothing
	Policy      policy.Policy    `json:"policy"`
	Admission   policy.Admission `json:"admission,omitzero"`
}

var idForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,15}$`)

// Check refuses a marketplace that cannot work.
func (m Market) Check() error {
	if !idForm.MatchString(m.ID) {
		return fault.Invalidf("marketplace.id", "%q is not an id", "write 2 to 16 small letters, digits and dashes, such as us", m.ID)
	}
	if m.No == 0 {
		return fault.Invalidf("marketplace.no", "is 0", "number marketplaces from 1")
	}
	if !money.KnownCurrency(m.Currency) {
		return fault.Invalidf("marketplace.currency", "%q is not an ISO 4217 currency", "write three capital letters such as USD", m.Currency)
	}
	if _, err := time.LoadLocation(m.Zone); err != nil || m.Zone == "" || m.Zone == "Local" {
		return fault.Invalidf("marketplace.zone", "%q is not a time zone", "write a name such as America/New_York", m.Zone)
	}
	if err := checkTrademarks(m.Trademarks); err != nil {
		return err
	}
	if err := m.Admission.Check(); err != nil {
		return err
	}
	return m.Policy.Check()
}

// Location is the marketplace's time zone.
func (m Market) Location() *time.Location {
	if zone, ok := zones.Load(m.Zone); ok {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(m.Zone)
	if err != nil {
		panic("market: stored zone " + m.Zone) // Check let it through once; the zone data is in the binary
	}
	zones.Store(m.Zone, zone)
	return zone
}

// zones keeps what LoadLocation reads from files: months are asked for with every event.
var zones sync.Map

// Month gives the month of an instant here.
func (m Market) Month(at time.Time) Month { return MonthOf(at, m.Location()) }

// Open tells whether a month is open at an instant (docs/spec.md §10): by the clock, whether or not a job has run.
func (m Market) Open(month Month, at time.Time) bool {
	return at.Before(month.Payable(m.Location(), m.Policy.HoldDays))
}

// Lane is the marketplace's lane (package db).
func (m Market) Lane() int64 { return int64(m.No) }

var (
	insertMarket = db.Statement(`INSERT INTO marketplace (no, id, version, body, seal) VALUES ($1, $2, 1, $3, $SEAL)
		ON CONFLICT (no) DO UPDATE SET version = marketplace.version + 1, body = excluded.body, seal = excluded.seal`)
	insertLane = db.Statement(`INSERT INTO lane (id, turn, now) VALUES ($1, 0, 0) ON CONFLICT (id) DO NOTHING`)
	selectAll  = db.Statement(`SELECT no, id, version, body FROM marketplace ORDER BY no`)
)

// Save makes or changes a marketplace and its lane.
func Save(tx *db.Tx, m Market) error {
	if err := m.Check(); err != nil {
		return err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(insertMarket, int64(m.No), m.ID, string(body)); err != nil {
		return fault.Wrap(err, "saving marketplace "+m.ID)
	}
	_, err = tx.Exec(insertLane, m.Lane())
	return fault.Wrap(err, "making the lane of "+m.ID)
}

// All reads the marketplaces, by number.
func All(tx *db.Tx) ([]Market, error) {
	var all []Market
	err := tx.Each(selectAll, func(scan func(...any) error) error {
		var m Market
		var no int64
		var body string
		if err := scan(&no, &m.ID, &m.Version, &body); err != nil {
			return err
		}
		m.No = uint16(no)
		all = append(all, m)
		return json.Unmarshal([]byte(body), &all[len(all)-1])
	})
	return all, fault.Wrap(err, "reading marketplaces")
}
