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
	Payee    string `json:"payee,omitempty"`    // who is paid, as the bank and the tax office know them
	Company  bool   `json:"company,omitempty"`  // the payee is a company
	Phone    string `json:"phone,omitempty"`    // "+", country and number: digits with spaces between them
	Country  string `json:"country,omitempty"`  // where the payee lives or is registered: ISO 3166-1, two capitals
	Language string `json:"language,omitempty"` // in which they are written to: BCP 47
}

// Limits of what is personal, in characters. An address has a line for each part of it.
const (
	maxAddress      = 500
	maxAddressLines = 8
	maxEmail        = 254 // RFC 5321
	maxCustomer     = 200
	shortestPhone   = 6 // digits
	longestPhone    = 15
)

var (
	phoneForm    = regexp.MustCompile(`^\+?[0-9]+([ -][0-9]+)*$`)
	countryForm  = regexp.MustCompile(`^[A-Z]{2}$`)
	languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// Check refuses what cannot be personal data. Every field may be empty.
func (p Personal) Check() error {
	for field, name := range map[string]string{"full_name": p.FullName, "payee": p.Payee} {
		if err := checkName(name); name != "" && err != nil {
			f := *fault.Of(err)
			f.Field = field
			return &f
		}
	}
	digits := strings.Count(p.Phone, "") - 1 - strings.Count(p.Phone, " ") - strings.Count(p.Phone, "-") - strings.Count(p.Phone, "+")
	switch {
	case !utf8.ValidString(p.Address) || utf8.RuneCountInString(p.Address) > maxAddress || strings.Count(p.Address, "\n") >= maxAddressLines ||
		strings.ContainsFunc(strings.ReplaceAll(p.Address, "\n", ""), unicode.IsControl):
		return fault.Invalidf("address", "is longer than %d characters or %d lines", "write it as it stands on a letter", maxAddress, maxAddressLines)
	case !utf8.ValidString(p.Email) || len(p.Email) > maxEmail || strings.ContainsFunc(p.Email, unicode.IsControl):
		return fault.Invalidf("email", "is longer than %d bytes or has line breaks", "send one address", maxEmail)
	case !utf8.ValidString(p.Customer) || utf8.RuneCountInString(p.Customer) > maxCustomer || strings.ContainsFunc(p.Customer, unicode.IsControl):
		return fault.Invalidf("customer", "is longer than %d characters or has line breaks", "send the store's id", maxCustomer)
	case p.Phone != "" && (!phoneForm.MatchString(p.Phone) || digits < shortestPhone || digits > longestPhone):
		return fault.Invalidf("phone", "is not a phone number", "send +, country and number: +1 206 555 0100")
	case p.Country != "" && !countryForm.MatchString(p.Country):
		return fault.Invalidf("country", "is not a country", "send its two capitals, such as US")
	case p.Language != "" && (!languageForm.MatchString(p.Language) || len(p.Language) > maxName):
		return fault.Invalidf("language", "is not a language", "send its code, such as en or pt-BR")
	}
	return nil
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
