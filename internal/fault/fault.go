// Package fault is the one error type of the product. A fault has a kind, which a door turns into a status, and a text
// that is safe to show to the person who caused it, by definition: it names the field, the rule and the fix. What
// really went wrong underneath is wrapped behind it, is logged once at the door, and is never shown.
//
// It does not know HTTP, and it is not for programming errors: those are panics.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what the caller can do about a fault.
type Kind uint8

const (
	// Unavailable is everything that is not the caller's doing: try again later. It is the zero value, so that an
	// error nobody classified is never blamed on the caller.
	Unavailable Kind = iota
	// Invalid input: mend the field that is named and send it again.
	Invalid
	// NotFound: there is no such thing, or the caller may not know of it.
	NotFound
	// Denied: the caller is known and may not do this.
	Denied
	// Conflict: the thing exists with other content, or its state does not allow this now.
	Conflict
	// Exhausted: a documented limit (size, count, rate) was reached.
	Exhausted
)

var kindNames = [...]string{"unavailable", "invalid", "not_found", "denied", "conflict", "exhausted"}

func (k Kind) String() string { return kindNames[k] }

// Error is a fault. Rule is a whole sentence without the field's name in front; Fix says what to send or do instead.
type Error struct {
	Kind  Kind
	Field string // path of the offending field, as the caller wrote it (`order.lines[2].amount`); may be empty
	Rule  string
	Fix   string // may be empty where the rule says it all
	cause error
}

// Error gives the text that may be shown.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Field != "" {
		b.WriteString(e.Field)
		b.WriteString(": ")
	}
	b.WriteString(e.Rule)
	if e.Fix != "" {
		b.WriteString("; ")
		b.WriteString(e.Fix)
	}
	return b.String()
}

// Unwrap gives the cause, for errors.Is and for the door's log.
func (e *Error) Unwrap() error { return e.cause }

// Because returns the fault with what really happened behind it.
func (e *Error) Because(cause error) *Error {
	copied := *e
	copied.cause = cause
	return &copied
}

// Invalidf makes an Invalid fault: field, rule, fix.
func Invalidf(field, rule, fix string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Rule: fmt.Sprintf(rule, args...), Fix: fix}
}

// New makes a fault of any kind.
func New(kind Kind, field, rule, fix string) *Error {
	return &Error{Kind: kind, Field: field, Rule: rule, Fix: fix}
}

// Wrap says what was being done when err happened. The result keeps err's kind where it has one, and is Unavailable
// otherwise. Wrap of nil is nil.
func Wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Of finds the fault in err. An error that holds none is Unavailable, with a text that gives nothing away.
func Of(err error) *Error {
	var found *Error
	if errors.As(err, &found) {
		return found
	}
	return &Error{Kind: Unavailable, Rule: "something went wrong on our side", Fix: "try again in a moment", cause: err}
}

// Is tells whether err is a fault of that kind.
func Is(err error, kind Kind) bool {
	return err != nil && Of(err).Kind == kind
}
