// Package decision is what was decided, as it is stored: the forms of decisions and of the rows that stand for their
// newest version, the names of their subjects, and the transfers that a version makes. Accrual writes them; explanations,
// audits, what-ifs and reports read them, and nothing else.
//
// What must always hold: a stored form is only ever added to, since decisions are never changed; the transfers of a version
// follow from the version before it and from this one alone, in a fixed order.
//
// It decides nothing and reads no row.
package decision

import (
	"encoding/json"
	"strings"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/commission"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/sums"
)

// Line is what was decided about a line: whole, or a reference to the version whose facts still hold, plus what was
// folded.
type Line struct {
	Facts   *commission.Facts    `json:"facts,omitempty"`
	Ref     int64                `json:"ref,omitempty"`
	Verdict *attribution.Verdict `json:"verdict,omitempty"`
	Basis   *commission.Basis    `json:"basis,omitempty"`
	Events  []order.Applied      `json:"events,omitempty"`
	Now     int64                `json:"now"`
	Targets commission.Targets   `json:"targets"`
}

// Ordered is what a line was placed with, beside its terms. Content tells whether it is sent again with other content.
type Ordered struct {
	Category string `json:"category,omitempty"`
	Seller   string `json:"seller,omitempty"`
	Added    int64  `json:"added,omitempty"`
	Content  []byte `json:"content"`
	Digital  string `json:"digital_month,omitempty"`
}

// State is what a line's row keeps beside its columns, so that an event needs no other row to be settled.
type State struct {
	Basis   commission.Basis   `json:"b"`
	Events  []order.Applied    `json:"e,omitempty"`
	Held    commission.Posted  `json:"h"`
	Reason  attribution.Reason `json:"r,omitempty"`
	Day     sums.Counted       `json:"d"`
	Journey sums.Journey       `json:"j"`
	Margin  sums.Margin        `json:"m"`
	Nothing sums.Nothing       `json:"n,omitzero"`
	// Later tells that the card of the first shipment applies, which is not known yet when the order comes.
	Later bool `json:"l,omitempty"`
	// Kept tells what is kept apart of what the line has earned.
	Kept policy.Kept `json:"w,omitzero"`
}

// Terms are what a line was ordered with, out of its facts.
func Terms(f *commission.Facts) order.Terms {
	return order.Terms{Quantity: f.Quantity, Net: f.Net, Digital: f.Line.Digital, OrderedAt: f.Line.OrderedAt, DigitalMonth: f.DigitalMonth}
}

// Volume is what was decided about a creator's month: its base and the bands that held.
type Volume struct {
	Creator string          `json:"creator"`
	Month   string          `json:"month"`
	Volume  id.ID           `json:"volume,omitempty"`
	Number  int64           `json:"number,omitempty"`
	Bands   []ratecard.Band `json:"bands,omitempty"`
	Base    int64           `json:"base"`
	Extra   int64           `json:"extra"`
	Now     int64           `json:"now"`
}

// Close is a month's close.
type Close struct {
	Creator string       `json:"creator"`
	Month   market.Month `json:"month"`
	Balance int64        `json:"balance"`
	At      int64        `json:"at"` // effective: 00:00 of the payable date
}

// Adjustment is money that a person gives or takes, with a reason.
type Adjustment struct {
	ID      id.ID  `json:"id"`
	Creator id.ID  `json:"creator"`
	Amount  int64  `json:"amount"` // minor units; below zero: taken
	Reason  string `json:"reason"`
	Words   string `json:"words,omitempty"`
	By      string `json:"by"`
	Second  string `json:"second,omitempty"`
	Ref     string `json:"ref,omitempty"`
}

// LineNote is what the outbox says about a line.
type LineNote struct {
	Order   string             `json:"order"`
	Line    string             `json:"line"`
	Version int64              `json:"version"`
	Pending int64              `json:"pending"`
	Earned  int64              `json:"earned"`
	Reason  attribution.Reason `json:"reason,omitempty"`
}

// BountyNote is what the outbox says about a bounty.
type BountyNote struct {
	Bounty  string             `json:"bounty"`
	Action  string             `json:"action"`
	Version int64              `json:"version"`
	Pending int64              `json:"pending"`
	Earned  int64              `json:"earned"`
	Reason  attribution.Reason `json:"reason,omitempty"`
}

// Encode writes a stored form.
func Encode(value any) (string, error) {
	raw, err := json.Marshal(value)
	return string(raw), fault.Wrap(err, "writing a decision")
}

// Subject names a line among decisions and transfers. Ids of the store may hold any printable character, a slash too: it
// is escaped, so that two lines never share a name.
func Subject(orderID, lineID string) string {
	return "line/" + subjectPart.Replace(orderID) + "/" + subjectPart.Replace(lineID)
}

var subjectPart = strings.NewReplacer("%", "%25", "/", "%2F")

// Parts reads a subject of the forms that this package writes: its kind, and up to two names behind it.
func Parts(subject string) (kind, first, second string) {
	parts := append(strings.SplitN(subject, "/", 3), "", "")
	return parts[0], subjectName.Replace(parts[1]), subjectName.Replace(parts[2])
}

var subjectName = strings.NewReplacer("%2F", "/", "%25", "%")

// BountySubject names a completed bounty.
func BountySubject(bountyID string) string { return "bounty/" + subjectPart.Replace(bountyID) }

// VolumeSubject names a creator's month under volume tiers.
func VolumeSubject(creator id.ID, marketplace, month string) string {
	return "tier/" + creator.Text(id.Creator) + "/" + marketplace + "/" + month
}

// AdjustmentSubject names an adjustment.
func AdjustmentSubject(adjustment id.ID) string {
	return "adjustment/" + adjustment.Text(id.Correction)
}

// MonthsAt tells which months are open at an instant, and which one it lies in.
func MonthsAt(zone string, holdDays int, now time.Time) (open func(month string) bool, current string) {
	at := market.Market{Zone: zone}.Location()
	return func(month string) bool { return now.Before(market.Month(month).Payable(at, holdDays)) }, string(market.MonthOf(now, at))
}
