// Package enrolment holds the life cycle of a creator in one program of one marketplace, and its standing at any instant.
//
// What must always hold: the history of a standing is only ever added to, in order of time, and a decision acts from its
// instant on, never backwards; which step may follow which is decided by May alone; a standing that counts as active
// (docs/spec.md §5.4) is one of provisional, under review, active, warned and limited.
//
// A standing may carry its own end (Until): from that instant on the enrolment is closed by the clock alone, unless another
// standing came before. Whoever reads a history sees that end as a standing like any other.
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

// Reasons of standings that the rules themselves give.
const (
	ReasonOver  = "trial_over" // the window ended without the qualifying sales
	ReasonSales = "sales"      // enough qualifying sales: a person looks at it
)

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
	Until  time.Time `json:"until,omitzero"` // from then on closed, by the clock; zero: it lasts
}

// History is all standings of one enrolment, oldest first. Ends that standings carry are standings of their own in it, with
// the reason ReasonOver, also while they are still to come.
type History []Standing

// ends adds a standing for each end that was not forestalled.
func (h History) ends() History {
	for i := 0; i < len(h); i++ {
		end := h[i].Until
		if !end.IsZero() && (i+1 == len(h) || h[i+1].Since.After(end)) {
			h = slices.Insert(h, i+1, Standing{Since: end, State: Closed, Reason: ReasonOver})
			i++
		}
	}
	return h
}

// Now gives the standing at an instant; the zero one before the first.
func (h History) Now(at time.Time) Standing {
	after := sort.Search(len(h), func(i int) bool { return h[i].Since.After(at) })
	if after == 0 {
		return Standing{}
	}
	return h[after-1]
}

// Next is from when on the next standing acts: from now, or from just after the newest one, where that acts from now, too.
func (h History) Next(now time.Time) time.Time {
	if last := h.Now(now.Add(time.Millisecond)); !last.Since.IsZero() && !now.After(last.Since) {
		return last.Since.Add(time.Microsecond)
	}
	return now
}

// Trial is the newest window in which an enrolment has to show sales: it began at Since and ends before Until; Open tells
// whether nothing has been decided since.
type Trial struct {
	Since, Until time.Time
	Open         bool
}

// Trial gives the newest window of the history; ok is false where there never was one.
func (h History) Trial() (t Trial, ok bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].State == Provisional && !h[i].Until.IsZero() {
			rest := h[i+1:]
			open := len(rest) == 0 || len(rest) == 1 && rest[0].Reason == ReasonOver
			return Trial{h[i].Since, h[i].Until, open}, true
		}
	}
	return Trial{}, false
}

// Window is where a trial that begins at an instant ends: the day of the beginning is day 0, days more count in full, and
// the end is 00:00 of the day after, local time (docs/spec.md §9: 180 days).
func Window(began time.Time, zone *time.Location, days int) time.Time {
	year, month, day := began.In(zone).Date()
	end := time.Date(year, month, day+days+1, 0, 0, 0, 0, zone)
	for end.Day() != time.Date(year, month, day+days+1, 12, 0, 0, 0, zone).Day() { // the clocks jump over midnight there
		end = end.Add(15 * time.Minute)
	}
	return end.UTC()
}

// At gives the state at an instant: that of the newest standing not after it; empty before the first.
func (h History) At(at time.Time) State { return h.Now(at).State }

// ActiveAt tells whether an enrolment counts as active at an instant.
func ActiveAt(history History, at time.Time) bool { return history.At(at).Active() }

// Approved tells whether the enrolment has been approved by an instant: active by review, not provisionally (docs/spec.md §9).
func (h History) Approved(by time.Time) bool {
	return slices.ContainsFunc(h, func(s Standing) bool { return s.State == Active && !s.Since.After(by) })
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
