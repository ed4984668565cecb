// Package document holds what creators agree to: the operating agreement, the policies, the rate statement and the privacy
// notice, as versions, and who accepted which of them when.
//
// What must always hold: a published version is never changed; a change of a document in force takes effect no sooner than
// its notice (14 days, policy) after it was published; an acceptance names version and person and is never changed.
//
// It owns no page and tells nobody: whoever publishes announces.
package document

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// Names are how people call the kinds.
var Names = map[Kind]string{Agreement: "Operating agreement", Policies: "Program policies", RateStatement: "Rate statement",
	Privacy: "Privacy notice"}

// Check refuses what is no kind.
func (k Kind) Check() error {
	if !slices.Contains(Kinds, k) {
		return fault.Invalidf("kind", "is not a document", "send agreement, policies, rates or privacy")
	}
	return nil
}

// ToAccept tells whether a creator must accept the document. The rate statement is told: each purchase earns by the rates
// in force, whoever has read them.
func (k Kind) ToAccept() bool { return k != RateStatement }

// Limits of one version.
const (
	MaxTitle   = 120     // characters
	MaxSummary = 1_000   // characters
	MaxBody    = 100_000 // bytes: some forty printed pages
	MaxParts   = 1_000   // paragraphs: two versions are compared paragraph by paragraph
	maxAhead   = 366     // days between publishing and taking effect
)

// DefaultNotice is how many days before it takes effect a change is published, where no policy says otherwise.
const DefaultNotice = 14

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

// Subject names a version in journals, keys and addresses: `agreement/3`.
func (v Version) Subject() string { return fmt.Sprintf("%s/%d", v.Kind, v.Number) }

// Accepted says who accepted a version.
type Accepted struct {
	Version   id.ID
	Creator   id.ID
	Principal id.ID // who did it for the creator
	At        time.Time
}

// Check refuses a text that cannot be published: each failure names its field, the rule and the fix.
func (v Version) Check() error {
	if err := v.Kind.Check(); err != nil {
		return err
	}
	if err := checkLine("title", v.Title, MaxTitle); err != nil {
		return err
	}
	if v.Number > 1 || v.Summary != "" {
		if err := checkWords("summary", v.Summary, MaxSummary); err != nil {
			return err
		}
	}
	return checkBody(v.Body)
}

func checkLine(field, text string, most int) error {
	if strings.ContainsAny(text, "\n\r\t") {
		return fault.Invalidf(field, "holds a line break or a tab", "write it in one line")
	}
	return checkWords(field, text, most)
}

func checkWords(field, text string, most int) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fault.Invalidf(field, "is empty", "say it in a sentence")
	case utf8.RuneCountInString(text) > most:
		return fault.Invalidf(field, "has more than %d characters", "say it shorter", most)
	}
	return checkPlain(field, text)
}

func checkPlain(field, text string) error {
	hidden := func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u202e' || r == '\u2066' || r == '\u2067'
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		return fault.Invalidf(field, "holds a control character or is not in UTF-8", "send plain text")
	}
	return nil
}

func checkBody(body string) error {
	switch {
	case strings.TrimSpace(body) == "":
		return fault.Invalidf("body", "is empty", "write the text in Markdown")
	case len(body) > MaxBody:
		return fault.Invalidf("body", "has %d bytes, and may have %d", "say it shorter, or as two documents", len(body), MaxBody)
	}
	if err := checkPlain("body", body); err != nil {
		return err
	}
	if parts := len(paragraphs(body)); parts > MaxParts {
		return fault.Invalidf("body", "has %d paragraphs, and may have %d", "join some of them", parts, MaxParts)
	}
	return checkMarkdown(body)
}

// Earliest is the first instant at which a change of a document in force may take effect.
func Earliest(now time.Time, noticeDays int) time.Time {
	if noticeDays <= 0 {
		noticeDays = DefaultNotice
	}
	return now.Add(time.Duration(noticeDays) * 24 * time.Hour)
}

// admit decides when a version may take effect: before are the versions of its kind, oldest first.
func admit(v Version, before []Version, noticeDays int, now time.Time) error {
	if v.Effective.Before(now) {
		return fault.Invalidf("effective", "lies in the past", "name a time from now on")
	}
	if v.Effective.After(now.AddDate(0, 0, maxAhead)) {
		return fault.Invalidf("effective", "is more than %d days ahead", "publish it later", maxAhead)
	}
	if len(before) == 0 {
		return nil
	}
	earliest := Earliest(now, noticeDays)
	if v.Effective.Before(earliest) {
		return fault.Invalidf("effective", "is too soon: a change is published %d days before it takes effect",
			"name a time from "+earliest.UTC().Format(time.RFC3339)+" on", int(earliest.Sub(now)/(24*time.Hour)))
	}
	newest := before[len(before)-1]
	if v.Effective.Before(newest.Effective) {
		return fault.Invalidf("effective", "lies before version %d, which takes effect at %s",
			"name that time or a later one", newest.Number, newest.Effective.UTC().Format(time.RFC3339))
	}
	if v.Title == newest.Title && v.Body == newest.Body {
		return fault.New(fault.Conflict, "body", fmt.Sprintf("says the same as version %d", newest.Number), "change the text first")
	}
	return nil
}

// inForce gives the version of one kind that is in force at an instant: the latest that has taken effect; of two that take
// effect together the later one published, so that a mistake can be mended before its day. All are of one kind, oldest first.
func inForce(all []Version, at time.Time) (v Version, ok bool) {
	for _, one := range all {
		if !one.Effective.After(at) && (!ok || !one.Effective.Before(v.Effective)) {
			v, ok = one, true
		}
	}
	return v, ok
}
