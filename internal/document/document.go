// Package document holds what creators agree to: the operating agreement, the policies, the rate statement and the privacy
// notice, as versions, and who accepted which of them when.
//
// What must always hold: a published version is never changed; a change of a document in force takes effect no sooner than
// its notice (14 days, policy) after it was published; an acceptance names version and person and is never changed.
//
// It owns no page and tells nobody: whoever publishes announces.
package document

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Kind is what a document is about.
type Kind string

// The kinds.
const (
	Agreement     Kind = "agreement"
	Policies      Kind = "policies"
	RateStatement Kind = "rates"
	Privacy       Kind = "privacy"
)

// Kinds lists them all, in the order in which they are read.
var Kinds = []Kind{Agreement, Policies, RateStatement, Privacy}

// Version is one text of a document.
type Version struct {
	ID        id.ID
	Kind      Kind
	Number    int64
	Title     string
	Body      string // Markdown
	Summary   string // what changed, in a few sentences; empty for the first
	Published time.Time
	Effective time.Time
	By        id.ID // who published it; 0: it came with the product
}

// Accepted says who accepted a version.
type Accepted struct {
	Version   id.ID
	Creator   id.ID
	Principal id.ID // who did it for the creator
	At        time.Time
}

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// InForce gives the versions that are in force at an instant, one of each kind that has any.
func InForce(tx *db.Tx, at time.Time) ([]Version, error) { return nil, notYet }

// Missing gives the versions in force that a creator has not accepted. Agreement, policies and privacy are to be accepted;
// the rate statement is told.
func Missing(tx *db.Tx, creator id.ID, at time.Time) ([]Version, error) { return nil, notYet }

// Accept notes an acceptance. Accepting again changes nothing.
func Accept(tx *db.Tx, a Accepted) error { return notYet }

// Publish adds a version. One that changes what is in force and takes effect sooner than noticeDays later is Invalid.
func Publish(tx *db.Tx, v Version, noticeDays int, now time.Time) (Version, error) { return v, notYet }
