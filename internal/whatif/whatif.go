// Package whatif keeps what somebody tried over past lines before publishing it (docs/whatif.md): who asked what, how far
// the answer is, and the answer, to come back to and to export.
//
// What must always hold: nothing is posted and no line is changed; one run at a time in a process, the others wait; a run
// that was interrupted is begun again, since nothing of it is kept but its sums; what was cancelled ends within a page.
//
// It works nothing out: package replay does.
package whatif

import (
	"strings"
	"time"
	"unicode/utf8"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/replay"
)

// Limits of a request and of what is kept.
const (
	maxName   = 120                       // characters
	maxPeriod = 10 * 366 * 24 * time.Hour // longer ones are a slip of the pen
	maxOpen   = 20                        // runs that wait or run in one marketplace
	keepDays  = 90                        // answers are kept so long, by the business clock
	maxPage   = 1000                      // rows or runs of one page
)

// Request is what somebody asks. The question names its rates as the text of a rates file.
type Request struct {
	replay.Question
	Name   string // for people; may be empty
	Draft  id.ID  // the draft whose text the rates are; 0: none that is kept
	Author id.ID  // the principal who asks; 0: the command line
}

// State is where a run stands.
type State string

// The states. Waiting and running ones go on by themselves; the others are ends.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Open tells whether a run will still change.
func (s State) Open() bool { return s == Waiting || s == Running }

// Run is a request with where its answer stands. Times are business time; zero: not yet.
type Run struct {
	ID id.ID
	No uint16 // of the marketplace
	Request
	State               State
	Asked, Began, Ended time.Time
	Done, Total         int64              // lines
	Failure             string             // why it failed, in words that may be shown
	Result              *replay.Difference // of a run that is done; without creators and categories, which are rows
}

// Percent is how far a run is, 0 to 100.
func (r Run) Percent() int64 {
	if r.State == Done {
		return 100
	}
	if r.Total == 0 {
		return 0
	}
	return min(r.Done*100/r.Total, 100)
}

// check refuses what cannot be asked, before anything is read.
func (q *Request) check() error {
	q.Name = strings.TrimSpace(q.Name)
	q.Rates = strings.TrimSpace(q.Rates)
	switch {
	case utf8.RuneCountInString(q.Name) > maxName || !utf8.ValidString(q.Name):
		return fault.Invalidf("name", "is longer than %d characters, or no text", "write a few words", maxName)
	case q.From.IsZero() || q.Until.IsZero() || !q.From.Before(q.Until):
		return fault.Invalidf("until", "is not after the beginning",
			"name a period: from its first instant until the first after it")
	case q.Until.Sub(q.From) > maxPeriod:
		return fault.Invalidf("from", "lies more than ten years before the end", "name a shorter period")
	case q.Rates == "" && q.Rules.Text() == "":
		return fault.Invalidf("draft", "changes nothing", "give rates, or numbers of the policy such as session_hours=48")
	}
	return nil
}

// look also reads what the question names.
func (q *Request) look(tx *db.Tx, now time.Time) (market uint16, lines int64, err error) {
	return replay.Check(tx, q.Question, now)
}
