// Package enrolment holds the life cycle of a creator in one program of one marketplace, and its standing at any instant.
//
// What must always hold: the history of a standing is only ever added to, in order of time, and a decision acts from its
// instant on, never backwards; which step may follow which is decided by May alone; a standing that counts as active
// (docs/spec.md §5.4) is one of provisional, under review, active, warned and limited.
//
// It does not decide why a standing changes (reviews, sales within 180 days, enforcement), and it owns no tracking id.
package enrolment

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/id"
)

// Program is one of the three programs (docs/spec.md §1). The numbers are stored, and are those of click tokens.
type Program uint8

// The programs.
const (
	Associates  Program = 1
	Influencer  Program = 2
	Connections Program = 3
)

var programNames = [...]string{"", "associates", "influencer", "connections"}

// String gives the program's name in API and pages.
func (p Program) String() string {
	if int(p) < len(programNames) {
		return programNames[p]
	}
	return strconv.Itoa(int(p))
}

// Check refuses what is no program.
func (p Program) Check() error {
	if p < Associates || p > Connections {
		return fault.Invalidf("program", "is not a program", "send associates, influencer or connections")
	}
	return nil
}

// State is where an enrolment stands (docs/spec.md §9).
type State string

// The states.
const (
	Draft       State = "draft"
	Applied     State = "applied"
	Provisional State = "provisional"
	UnderReview State = "under_review"
	Active      State = "active"
	Warned      State = "warned"
	Limited     State = "limited"
	Suspended   State = "suspended"
	Declined    State = "declined"
	Closed      State = "closed"
)

// next tells which states may follow a state. The empty state is that of an enrolment that does not exist yet: it is
// applied for, or an operator moves it in with the standing that it had elsewhere.
var next = map[State][]State{
	"":          {Draft, Applied, Provisional, UnderReview, Active, Warned, Limited, Suspended},
	Draft:       {Applied, Closed},
	Applied:     {Provisional, UnderReview, Active, Declined, Closed},
	Provisional: {UnderReview, Warned, Limited, Suspended, Closed},
	UnderReview: {Active, Warned, Limited, Suspended, Declined, Closed},
	Active:      {Warned, Limited, Suspended, Closed},
	Warned:      {Active, Provisional, UnderReview, Limited, Suspended, Closed},
	Limited:     {Active, Provisional, UnderReview, Warned, Suspended, Closed},
	Suspended:   {Active, Provisional, UnderReview, Warned, Limited, Closed},
	Declined:    {Applied, UnderReview},
	// Applied again; or reopened, when an order that was placed in time comes in late, or when an appeal is won.
	Closed: {Applied, UnderReview, Active, Provisional},
}

// Known tells whether s is a state.
func (s State) Known() bool {
	_, ok := next[s]
	return ok && s != ""
}

// May tells whether a state may follow another.
func May(from, to State) bool { return slices.Contains(next[from], to) }

// Active tells whether the state counts as active: its links earn.
func (s State) Active() bool {
	switch s {
	case Provisional, UnderReview, Active, Warned, Limited:
		return true
	}
	return false
}

// Key names an enrolment.
type Key struct {
	Market  uint16
	Creator id.ID
	Program Program
}

// Text writes the key for the change feed; ParseKey reads it.
func (k Key) Text() string {
	return strconv.Itoa(int(k.Market)) + "/" + k.Creator.Text(id.Creator) + "/" + strconv.Itoa(int(k.Program))
}

// ParseKey reads what Text wrote.
func ParseKey(text string) (Key, error) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return Key{}, fault.Invalidf("enrolment", "is not the key of an enrolment",
			"write marketplace number, creator and program number")
	}
	market, err := strconv.ParseUint(parts[0], 10, 16)
	program, err2 := strconv.ParseUint(parts[2], 10, 8)
	if err != nil || err2 != nil {
		return Key{}, fault.Invalidf("enrolment", "is not the key of an enrolment",
			"write marketplace number, creator and program number")
	}
	creator, err := id.Parse("enrolment", id.Creator, parts[1])
	return Key{uint16(market), creator, Program(program)}, err
}

// Standing is a state from an instant on.
type Standing struct {
	Since  time.Time `json:"since"`
	State  State     `json:"state"`
	Reason string    `json:"reason,omitempty"`
}

// History is all standings of one enrolment, oldest first.
type History []Standing

// At gives the state at an instant: that of the newest standing not after it; empty before the first.
func (h History) At(at time.Time) State {
	after := sort.Search(len(h), func(i int) bool { return h[i].Since.After(at) })
	if after == 0 {
		return ""
	}
	return h[after-1].State
}

// ActiveAt tells whether an enrolment counts as active at an instant.
func ActiveAt(history History, at time.Time) bool { return history.At(at).Active() }

// Approved tells whether the enrolment has ever been approved: active by review, not provisionally (docs/spec.md §9).
func (h History) Approved() bool {
	return slices.ContainsFunc(h, func(s Standing) bool { return s.State == Active })
}

// Span is a stretch of time from an instant on in which an enrolment is active, or is not.
type Span struct {
	Since  time.Time
	Active bool
}

// Spans tells when the enrolment turns active and back, without the steps in between that change nothing: what the edge
// needs to know, decisions that act later included.
func (h History) Spans() []Span {
	var spans []Span
	for _, standing := range h {
		active := standing.State.Active()
		if len(spans) == 0 || spans[len(spans)-1].Active != active {
			spans = append(spans, Span{standing.Since, active})
		}
	}
	return spans
}
