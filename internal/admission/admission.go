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
	"slices"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/notice"
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

// Topics of the outbox.
const (
	topicApplied  = "creator.applied"
	topicApproved = "creator.approved"
	topicDeclined = "creator.declined"
	topicClosed   = "creator.closed"
)

// move is one step of an enrolment: the standing, and all that is told of it, in one transaction.
type move struct {
	m        market.Market
	key      enrolment.Key
	next     enrolment.Standing // Since is when; it is moved on where another standing acts from the same instant
	by       string             // actor of the journal
	action   string             // code of the journal
	reason   string             // for the journal: codes and words
	evidence any                // what was gone by, beside the state
	topic    string             // of the outbox; empty: none
	event    string             // of the notice; empty: none
	facts    map[string]string
	until    time.Time // where a provisional one goes on: when it ends; else a new window begins
}

// make saves a move and tells of it.
func (d *Desk) make(tx *db.Tx, v move) error {
	history, err := enrolment.One(tx, v.key)
	if err != nil {
		return err
	}
	v.next.Since = history.Next(v.next.Since)
	switch {
	case v.next.State == enrolment.Provisional && !v.until.IsZero():
		v.next.Until = v.until
	case v.next.State == enrolment.Provisional:
		v.next.Until = enrolment.Window(v.next.Since, v.m.Location(), v.m.Admission.Trial())
	}
	if err := enrolment.SaveTold(tx, v.key, v.next); err != nil {
		return err
	}
	return d.tell(tx, v, history.Now(v.next.Since))
}

// tell writes the line in the journal, the row of the outbox and the message of a standing that was saved.
func (d *Desk) tell(tx *db.Tx, v move, before enrolment.Standing) error {
	if v.topic != "" {
		body := map[string]any{"creator": v.key.Creator.Text(id.Creator), "program": v.key.Program.String(), "marketplace": v.m.ID,
			"since": v.next.Since, "reason": v.next.Reason}
		if err := event.Tell(tx, v.m.Lane(), v.topic, v.key.Creator, body); err != nil {
			return err
		}
	}
	if v.event != "" {
		facts := map[string]string{"program": Names[v.key.Program]}
		for name, text := range v.facts {
			facts[name] = text
		}
		if err := d.notify(tx, v.m, v.key, v.event, v.next.Since, v.key.Text()+"/"+v.next.Since.Format(time.RFC3339Nano), facts); err != nil {
			return err
		}
	}
	after := map[string]any{"state": v.next.State, "since": v.next.Since}
	if !v.next.Until.IsZero() {
		after["until"] = v.next.Until
	}
	if v.evidence != nil {
		after["evidence"] = v.evidence
	}
	e := journal.Entry{At: v.next.Since, Actor: v.by, Action: v.action, Subject: d.subject(v.m, v.key), Person: v.key.Creator, Reason: v.reason,
		After: after}
	if before.State != "" {
		e.Before = map[string]any{"state": before.State, "since": before.Since}
	}
	return journal.Add(tx, d.Ring, e)
}

// subject names an enrolment in the journal: cr_…/us/associates.
func (d *Desk) subject(m market.Market, key enrolment.Key) string {
	return key.Creator.Text(id.Creator) + "/" + m.ID + "/" + key.Program.String()
}

func (d *Desk) notify(tx *db.Tx, m market.Market, key enrolment.Key, code string, at time.Time, occasion string, facts map[string]string) error {
	err := notice.Send(tx, d.Ring, notice.Notice{Event: code, Creator: key.Creator, Market: m.ID, At: at, Key: occasion, Facts: facts})
	if fault.Is(err, fault.Denied) { // somebody who was erased is told nothing
		return nil
	}
	return err
}

// lane runs what moves enrolments of a marketplace.
func (d *Desk) lane(ctx context.Context, m market.Market, fn func(*db.Tx) error) error {
	return d.DB.Lane(ctx, db.Interactive, d.Clock.Now(), []int64{m.Lane()}, fn)
}

// marketOf reads the marketplace of a number.
func (d *Desk) marketOf(ctx context.Context, number uint16) (m market.Market, err error) {
	var all []market.Market
	if err := d.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = market.All(tx)
		return err
	}); err != nil {
		return m, err
	}
	i := slices.IndexFunc(all, func(one market.Market) bool { return one.No == number })
	if i < 0 {
		return m, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "choose one of the list")
	}
	return all[i], nil
}

// actor names who acts in the journal.
func actor(p auth.Principal) string {
	if p.ID == 0 {
		return journal.System
	}
	return p.ID.Text(auth.Prefix)
}
