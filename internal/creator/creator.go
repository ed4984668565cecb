// Package creator holds the people and companies that promote products: one account each, whatever the number of
// programs, and the keyed hashes by which a purchase of one's own is recognised.
//
// What must always hold: a handle names one creator and is never given to another; what is personal is stored sealed;
// facts of creators and of shoppers are made by the one function Fact, so that equal people have equal hashes, and they
// are never stored plain.
//
// It owns no enrolment (package enrolment), no tracking id (package link) and no money.
package creator

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// Creator is an account, without what is personal.
type Creator struct {
	ID      id.ID
	Name    string // shown in public
	Handle  string
	Created time.Time
	Routing market.Preference // how visitors from other countries are routed (docs/spec.md §4)
}

// Personal is what only the creator and the operator may see. It is stored sealed.
type Personal struct {
	FullName string `json:"full_name,omitempty"`
	Email    string `json:"email,omitempty"`
	Address  string `json:"address,omitempty"`
	Customer string `json:"customer,omitempty"` // the account at the store, where it is linked
}

// maxName is the longest name, in characters: it must fit a page's heading and a check.
const maxName = 100

// Handles are parts of addresses: small letters and digits, with single dots, dashes and underscores between them.
var handleForm = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

const (
	shortestHandle = 3
	longestHandle  = 30
)

// Check refuses what cannot be an account.
func (c Creator) Check() error {
	if err := checkName(c.Name); err != nil {
		return err
	}
	if len(c.Handle) < shortestHandle || len(c.Handle) > longestHandle || !handleForm.MatchString(c.Handle) {
		return fault.Invalidf("handle", "is not a handle",
			"send 3 to 30 small letters and digits, with single dots, dashes or underscores between them")
	}
	return c.Routing.Check()
}

func checkName(name string) error {
	bad := name == "" || name != strings.TrimSpace(name) || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName
	if bad || strings.ContainsFunc(name, unicode.IsControl) {
		return fault.Invalidf("name", "is not a name", "send 1 to 100 characters without line breaks, and no spaces around them")
	}
	return nil
}
