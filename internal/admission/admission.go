// Package admission is the page on which the life of an enrolment is read (docs/spec.md §9): applied, proved, provisional,
// sold, reviewed, approved or declined, reminded, closed, applied again. It moves enrolments; packages below it hold what it
// moves and what it goes by.
//
// What must always hold: a step is a new standing, a line in the journal and a message in one transaction; a deadline is an
// instant that was stored when it was set, and the clock decides it whether or not a job has run; a reviewer reads the
// evidence that the decision keeps.
//
// It owns no proof (site, network), no form (application), no money (accrual) and no page.
package admission

import (
	"context"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/secret"
	"tributary/internal/site"
)

// Desk moves enrolments on a database.
type Desk struct {
	DB       *db.DB
	Clock    *clock.Business
	Ring     *secret.Ring
	Accrual  *accrual.Accrual // releases what was withheld
	Sites    *site.Prober
	Networks *network.Connector
}

// Status is where somebody stands in one program of one marketplace, and what happens next and by when.
type Status struct {
	Key     enrolment.Key
	State   enrolment.State // empty: never applied
	Since   time.Time
	Reasons []string  // codes (Reasons in words.go); why declined or closed
	Words   string    // what the reviewer wrote
	Steps   []Step    // in order; those done first
	Sales   int       // qualifying sales so far, of a provisional enrolment or one under review
	Wanted  int       // how many are wanted
	Until   time.Time // when a provisional enrolment ends by itself; zero: it does not
	Due     time.Time // when a reviewer has answered at the latest; zero: nobody waits for one
	Held    int64     // minor units that wait for the approval
	Draft   bool      // an application is begun and not sent
}

// Step is one thing that has happened, or will.
type Step struct {
	Code string    // `profile`, `documents`, `send`, `site`, `crawl`, `connect`, `sales`, `review`, `gate`, `active`, `again`
	Text string    // in plain words
	Who  string    // who does it: `you`, `us`, `shoppers`
	Done bool      // it has happened
	At   time.Time // when it happened; zero: not known, or not yet
	By   time.Time // by when it happens; zero: no deadline
	Now  bool      // the one to do next
}

// Entry is a row of the reviewer's queue.
type Entry struct {
	Key     enrolment.Key
	Name    string // of the creator
	Handle  string
	State   enrolment.State
	Entered time.Time
	Due     time.Time // business days after it entered; late ones come first
	Late    bool
	Sales   int
}

// Case is an enrolment with all the evidence that a reviewer goes by.
type Case struct {
	Entry
	Status   Status
	History  enrolment.History
	Sites    []site.Site
	Accounts []network.Account
	Orders   []Sale
	Others   []Twin // accounts that may be the same person
}

// Sale is a qualifying sale: a distinct order in the window with a line credited to the enrolment above zero (§9).
type Sale struct {
	Order    string
	At       time.Time
	Received time.Time
	Amount   int64
}

// Twin is another account that shares something with an applicant.
type Twin struct {
	Creator id.ID
	Name    string
	Shares  string // `email`, `address`, `site`, `network`, `name`
	State   enrolment.State
}

// Verdict is what a reviewer decides. Reasons are codes of Reasons; at least one where it declines.
type Verdict struct {
	Approve bool
	Reasons []string
	Words   string
}

// Gate is what lets somebody into connections (docs/spec.md §1, §8): active elsewhere, and bronze.
type Gate struct {
	Open    bool
	Active  bool // active in associates or influencer here
	Clicks  int64
	Revenue int64 // shipped this quarter or the last one, minor units
	Missing []string
}

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// Apply sends the draft of an application: what is missing is Invalid with its field. The documents must be accepted.
func (d *Desk) Apply(ctx context.Context, by auth.Principal, key enrolment.Key) error { return notYet }

// Prove looks for the proof of ownership of a creator's site and, where it is found, lets applied enrolments of associates
// begin at once, provisionally.
func (d *Desk) Prove(ctx context.Context, by auth.Principal, one id.ID, method site.Method) error {
	return notYet
}

// Connected takes a freshly connected account: applications to influencer are decided at once, or queued.
func (d *Desk) Connected(ctx context.Context, creator id.ID, account network.Account) error {
	return notYet
}

// Withdraw takes an application back, or ends an enrolment at the creator's own wish.
func (d *Desk) Withdraw(ctx context.Context, by auth.Principal, key enrolment.Key) error {
	return notYet
}

// Statuses tells where a creator stands in each program of a marketplace, all three in their order.
func (d *Desk) Statuses(tx *db.Tx, creator id.ID, m market.Market) ([]Status, error) {
	return nil, notYet
}

// GateOf tells what is missing for connections.
func (d *Desk) GateOf(tx *db.Tx, creator id.ID, m market.Market) (Gate, error) { return Gate{}, notYet }

// Queue lists what waits for a reviewer in a marketplace, the most urgent first.
func (d *Desk) Queue(tx *db.Tx, m market.Market) ([]Entry, error) { return nil, notYet }

// CaseOf gives the evidence of one enrolment.
func (d *Desk) CaseOf(tx *db.Tx, m market.Market, key enrolment.Key) (Case, error) {
	return Case{}, notYet
}

// Decide approves or declines what is under review or applied for.
func (d *Desk) Decide(ctx context.Context, by auth.Principal, key enrolment.Key, v Verdict) error {
	return notYet
}
