// Package application holds what an applicant tells: a form per creator, program and marketplace, kept as a draft until it
// is sent, and never changed afterwards.
//
// What must always hold: what is personal in it is sealed under the person's key; a sent form stays as it was sent, and
// applying again begins with a copy of it, so that nothing is given twice.
//
// It owns no site (package site), no connected account (package network) and no standing (package enrolment).
package application

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Form is what is told. Lists hold codes of Topics, Traffics, Methods and Visits; Interests are categories of the catalog.
type Form struct {
	About     string   `json:"about,omitempty"` // what the creator publishes, and for whom
	Topics    []string `json:"topics,omitempty"`
	Interests []string `json:"interests,omitempty"`
	Traffic   []string `json:"traffic,omitempty"`  // how people find the creator: search, social, email, video, ads, …
	Methods   []string `json:"methods,omitempty"`  // how links are placed: posts, reviews, comparison, video, storefront, …
	Visits    string   `json:"visits,omitempty"`   // a bracket of visits a month
	Children  bool     `json:"children,omitempty"` // directed to children under 13: such a one is declined (docs/spec.md §9)
	Networks  []string `json:"networks,omitempty"` // for influencer: where the audience is
}

// Application is one form with its fate.
type Application struct {
	ID    id.ID
	Key   enrolment.Key
	No    int64     // the first application is 1
	Sent  time.Time // zero: a draft
	Saved time.Time
	Form
}

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// Check refuses a form that cannot be sent: each field with its rule and fix. A draft is not checked, only bounded.
func (f Form) Check(program enrolment.Program) error { return notYet }

// Save keeps a draft. What was sent is never changed: the draft is then the next application.
func Save(tx *db.Tx, ring *secret.Ring, key enrolment.Key, f Form, now time.Time) error {
	return notYet
}

// Newest gives the newest application, sent or not; ok is false where there is none.
func Newest(tx *db.Tx, ring *secret.Ring, key enrolment.Key) (a Application, ok bool, err error) {
	return a, false, notYet
}

// Send freezes the draft, which must pass Check.
func Send(tx *db.Tx, ring *secret.Ring, key enrolment.Key, now time.Time) (a Application, err error) {
	return a, notYet
}

// All gives a creator's applications, newest first.
func All(tx *db.Tx, ring *secret.Ring, creator id.ID) ([]Application, error) { return nil, notYet }
