// Package application holds what an applicant tells: a form per creator, program and marketplace, kept as a draft until it
// is sent, and never changed afterwards.
//
// What must always hold: what is personal in it is sealed under the person's key; a sent form stays as it was sent, and
// applying again begins with a copy of it, so that nothing is given twice; a form that was sent holds known codes only.
//
// It owns no site (package site), no connected account (package network) and no standing (package enrolment).
package application

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Prefix is that of an application's id.
const Prefix = "ap_"

// Limits of a form. A draft is held to the outer ones alone: it may be unfinished, and must not be a store of anything else.
const (
	MaxAbout      = 2000 // characters
	LeastAbout    = 40   // of associates: enough to say what is published, and for whom
	LeastWord     = 20   // of influencer, whose connected account says the rest
	MaxTopics     = 10
	MaxInterests  = 20
	MaxList       = 50  // entries of any list of a draft
	maxEntry      = 300 // bytes of an entry: a category's path is the longest
	maxDraftAbout = 4 * MaxAbout
)

// Form is what is told. Lists hold codes of Topics, Traffics, Methods, Networks and Visits; Interests are categories of the
// catalog.
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

// Check refuses a form that cannot be sent: the first of its Faults. A draft is not checked, only bounded.
func (f Form) Check(program enrolment.Program) error {
	if err := program.Check(); err != nil {
		return err
	}
	if faults := f.Faults(program); len(faults) > 0 {
		return faults[0]
	}
	return nil
}

// Faults gives everything that keeps a form from being sent, in the order of the form: each field with its rule and fix. It
// is empty for connections, which asks for its gate and nothing else (docs/spec.md §1).
func (f Form) Faults(program enrolment.Program) (faults []*fault.Error) {
	note := func(err *fault.Error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	if program == enrolment.Connections {
		return nil
	}
	least := LeastAbout
	if program == enrolment.Influencer {
		least = LeastWord
	}
	note(checkAbout(f.About, least))
	note(checkCodes("topics", f.Topics, Topics, 1, MaxTopics, "tick what you publish about"))
	note(checkInterests(f.Interests))
	if program == enrolment.Influencer {
		note(checkCodes("networks", f.Networks, Networks, 1, len(Networks), "tick where your audience is"))
		return faults
	}
	note(checkCodes("traffic", f.Traffic, Traffics, 1, len(Traffics), "tick how people find you"))
	note(checkCodes("methods", f.Methods, Methods, 1, len(Methods), "tick how you place links"))
	if _, known := LabelOf(Visits, f.Visits); !known {
		note(fault.Invalidf("visits", "is not one of the brackets", "choose how many visits a month you have, roughly"))
	}
	return faults
}

func checkAbout(text string, least int) *fault.Error {
	length := utf8.RuneCountInString(strings.TrimSpace(text))
	if err := checkText("about", text); err != nil {
		return err
	}
	switch {
	case length == 0:
		return fault.Invalidf("about", "is empty", "say in a few sentences what you publish and for whom")
	case length < least:
		return fault.Invalidf("about", "has %d characters and needs %d", "say what you publish, for whom, and how often", length, least)
	case length > MaxAbout:
		return fault.Invalidf("about", "has %d characters and may have %d", "say it shorter", length, MaxAbout)
	}
	return nil
}

// checkText wants plain text: words whose letters are what they seem, and nothing that turns or hides what is read.
func checkText(field, text string) *fault.Error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		return fault.Invalidf(field, "holds a control character, or is not in UTF-8", "type it as plain text")
	}
	if word := mixed(text); word != "" {
		return fault.Invalidf(field, "mixes letters of several alphabets in %q", "write each word in one alphabet", word)
	}
	return nil
}

// hidden tells characters that nobody sees: controls, marks that turn the direction of writing, spaces without width. Those
// that join letters or pictures stay: Persian and emoji need them.
func hidden(r rune) bool {
	switch {
	case r == '\n', r == '\r', r == '\t':
		return false
	case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return r == 0x200B || r == 0x2060 || r == 0xFEFF || r == 0x00AD
}

// lookalikes are alphabets with letters that look like one another. A word of two of them is read as something that it is
// not; texts of several languages are welcome.
var lookalikes = []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee}

// mixed gives the first word that is written in two of the lookalikes; empty where there is none.
func mixed(text string) string {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		seen := -1
		for _, r := range word {
			script := slices.IndexFunc(lookalikes, func(table *unicode.RangeTable) bool { return unicode.Is(table, r) })
			if script < 0 {
				continue
			}
			if seen >= 0 && script != seen {
				return cut(word, 40)
			}
			seen = script
		}
	}
	return ""
}

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

func checkCodes(field string, codes []string, known []Choice, least, most int, fix string) *fault.Error {
	switch {
	case len(codes) < least:
		return fault.Invalidf(field, "needs one at least", fix)
	case len(codes) > most:
		return fault.Invalidf(field, "has %d ticks and may have %d", "keep the ones that fit best", len(codes), most)
	}
	for i, code := range codes {
		if _, ok := LabelOf(known, code); !ok || slices.Contains(codes[:i], code) {
			return fault.Invalidf(field, "holds what is not on the list, or something twice", fix)
		}
	}
	return nil
}

func checkInterests(paths []string) *fault.Error {
	if len(paths) > MaxInterests {
		return fault.Invalidf("interests", "has %d entries and may have %d", "keep the ones that fit best", len(paths), MaxInterests)
	}
	for i, path := range paths {
		if err := checkText("interests", path); err != nil {
			return err
		}
		if strings.TrimSpace(path) == "" || slices.Contains(paths[:i], path) {
			return fault.Invalidf("interests", "holds an empty entry, or one twice", "choose categories of the list")
		}
	}
	return nil
}

// bound refuses what not even a draft may hold.
func (f Form) bound() error {
	if utf8.RuneCountInString(f.About) > maxDraftAbout {
		return fault.New(fault.Exhausted, "about", "is much too long for a draft", "say it in a few sentences")
	}
	if !utf8.ValidString(f.About) || strings.ContainsFunc(f.About, hidden) {
		return fault.Invalidf("about", "holds a control character, or is not in UTF-8", "type it as plain text")
	}
	for _, l := range f.lists() {
		if len(*l.list) > MaxList {
			return fault.New(fault.Exhausted, l.field, "has more entries than the list", "keep the ones that fit best")
		}
		for _, entry := range *l.list {
			if len(entry) > maxEntry || !utf8.ValidString(entry) || strings.ContainsFunc(entry, unicode.IsControl) {
				return fault.Invalidf(l.field, "holds an entry that is not on the list", "choose from the list")
			}
		}
	}
	if len(f.Visits) > maxEntry || !utf8.ValidString(f.Visits) || strings.ContainsFunc(f.Visits, unicode.IsControl) {
		return fault.Invalidf("visits", "is not one of the brackets", "choose from the list")
	}
	return nil
}

// named is a list of a form by the name of its field.
type named struct {
	field string
	list  *[]string
}

func (f *Form) lists() []named {
	return []named{{"topics", &f.Topics}, {"interests", &f.Interests}, {"traffic", &f.Traffic}, {"methods", &f.Methods},
		{"networks", &f.Networks}}
}

// Empty tells whether nothing was told yet.
func (f Form) Empty() bool {
	for _, l := range f.lists() {
		if len(*l.list) > 0 {
			return false
		}
	}
	return strings.TrimSpace(f.About) == "" && f.Visits == "" && !f.Children
}
