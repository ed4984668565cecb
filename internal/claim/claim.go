// Package claim answers a creator who misses a commission: at once, from what the system knows of an order or a date, and
// where that does not satisfy, by a person within five business days.
//
// What must always hold: a creator learns the fate of the own touches and nothing about anybody else's: neither what was
// bought on lines that are not the creator's, nor for how much, nor by whom, nor whose link it was; one creator has at
// most one open claim about one order; a claim is answered once; every step stays, with who took it and when; nothing
// that is refused leaves a row. All times are business time, all deadlines local dates of the marketplace.
//
// It decides no credit (package attribution) and moves no money (package correction): an answer only names the correction
// that was made. Who may answer is said by the doors' table of routes.
package claim

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

// AnswerDays is how many business days a person has for an answer.
const AnswerDays = 5

// Limits of one creator and one claim.
const (
	MaxOpen     = 20 // open claims of one creator
	MaxSteps    = 50
	MaxOrder    = 128  // bytes of an order number, as package order takes them
	MaxProduct  = 200  // characters
	MaxMessage  = 2000 // characters of a message or an answer
	MaxEvidence = 10   // texts or addresses
	MaxText     = 500  // characters of one piece of evidence
	MaxAmount   = 1_000_000_000_000_000
	// MaxAge is how far back a date may lie: a click may win what is ordered 89 days later and shipped 180 days after that.
	MaxAge = 400 // days
)

// State is where a claim stands. An open one is answered by a person or withdrawn by its creator; both are final.
type State string

// The states.
const (
	StateOpen      State = "open"
	StateAnswered  State = "answered"
	StateWithdrawn State = "withdrawn"
)

// Outcome is what a person answered.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "accepted"
	Declined Outcome = "declined"
)

// Reasons lists the codes of each outcome. They are stable: they stand in the API and in reports.
var Reasons = map[Outcome][]string{
	Accepted: {"tracking_failed", "reported_wrongly", "decided_wrongly", "goodwill", "other"},
	Declined: {"decided_rightly", "no_click", "no_such_order", "own_purchase", "no_evidence", "other"},
}

// Question is what a creator asks about: an order by its number, or a date with roughly what was bought.
type Question struct {
	Order   string `json:"order,omitempty"`
	Date    string `json:"date,omitempty"`    // local date of the marketplace, 2026-03-10
	Product string `json:"product,omitempty"` // sku, or words of the title
	Amount  int64  `json:"amount,omitempty"`  // roughly what was paid, minor units; 0: not known
}

// Request opens a claim.
type Request struct {
	Question
	Expected int64    `json:"expected,omitempty"` // the commission that is missed, minor units; 0: not known
	Message  string   `json:"message"`
	Evidence []string `json:"evidence,omitempty"` // texts or addresses
}

// Claim is a request with where it stands, and with what the system knew when it was opened.
type Claim struct {
	ID      id.ID
	Market  uint16
	Creator id.ID
	Request
	Known      Known
	State      State
	Outcome    Outcome // of an answered one
	Reason     string
	Correction id.ID // what was done about it; zero: nothing
	Opened     time.Time
	Due        string // the last local date for an answer
	Closed     time.Time
}

// Overdue tells whether the answer should have been given: on any local date behind the last.
func (c Claim) Overdue(now time.Time, zone *time.Location) bool {
	return c.State == StateOpen && now.In(zone).Format(dateForm) > c.Due
}

// Step is something that somebody did with a claim.
type Step struct {
	At     time.Time
	Who    string // `us_…` or `cr_…`; empty where the reader may not know
	Action string // opened, said (by the creator), asked (by staff), answered, withdrawn
	Words  string
}

// Verdict is a person's answer.
type Verdict struct {
	Outcome    Outcome
	Reason     string
	Words      string // what the creator reads
	Correction id.ID  // of an accepted one: what was done; zero: nothing
}

const dateForm = "2006-01-02"

// Due is the last local date for an answer to what was opened then: the fifth business day behind the day of opening.
// Saturdays, Sundays and the dates in off are none.
func Due(opened time.Time, zone *time.Location, off map[string]bool) string {
	year, month, day := opened.In(zone).Date()
	at := time.Date(year, month, day, 12, 0, 0, 0, time.UTC) // dates are stepped through without meeting a change of the clocks
	for left := AnswerDays; left > 0; {
		at = at.AddDate(0, 0, 1)
		if weekday := at.Weekday(); weekday != time.Saturday && weekday != time.Sunday && !off[at.Format(dateForm)] {
			left--
		}
	}
	return at.Format(dateForm)
}

// Check refuses a question that cannot be looked up, and gives it with spaces trimmed.
func (q Question) Check(now time.Time, zone *time.Location) (Question, error) {
	q.Order, q.Date, q.Product = strings.TrimSpace(q.Order), strings.TrimSpace(q.Date), strings.TrimSpace(q.Product)
	switch {
	case q.Order == "" && q.Date == "":
		return q, fault.Invalidf("order", "is missing", "send the order's number, or the date on which it was placed")
	case len(q.Order) > MaxOrder || !printable(q.Order):
		return q, fault.Invalidf("order", "is not an order's number of up to %d characters", "send it as the store writes it", MaxOrder)
	case utf8.RuneCountInString(q.Product) > MaxProduct || !printable(q.Product):
		return q, fault.Invalidf("product", "has more than %d characters or is not plain text",
			"send the sku, or a few words of the title", MaxProduct)
	case q.Amount < 0 || q.Amount > MaxAmount:
		return q, fault.Invalidf("amount", "is negative or beyond 10^15 minor units",
			"send roughly what was paid, or leave it out")
	case q.Date == "":
		return q, nil
	}
	at, err := time.ParseInLocation(dateForm, q.Date, time.UTC)
	if err != nil {
		return q, fault.Invalidf("date", "is not a date", "write it as 2026-03-10")
	}
	today := now.In(zone).Format(dateForm)
	if q.Date > today {
		return q, fault.Invalidf("date", "lies in the future", "send the date on which it was ordered; today is "+today)
	}
	if at.AddDate(0, 0, MaxAge).Format(dateForm) < today {
		return q, fault.Invalidf("date", "is more than %d days ago", "send the order's number", MaxAge)
	}
	return q, nil
}

// Check refuses a request that could never be right, and gives it with spaces trimmed.
func (r Request) Check(now time.Time, zone *time.Location) (Request, error) {
	var err error
	if r.Question, err = r.Question.Check(now, zone); err != nil {
		return r, err
	}
	if r.Expected < 0 || r.Expected > MaxAmount {
		return r, fault.Invalidf("expected", "is negative or beyond 10^15 minor units",
			"send the commission that you miss, or leave it out")
	}
	if len(r.Evidence) > MaxEvidence {
		return r, fault.Invalidf("evidence", "has %d entries, and may have %d", "send the strongest ones",
			len(r.Evidence), MaxEvidence)
	}
	for i, text := range r.Evidence {
		if err := checkText(fmt.Sprintf("evidence[%d]", i), text, MaxText); err != nil {
			return r, err
		}
	}
	return r, checkText("message", r.Message, MaxMessage)
}

// Check refuses an answer that is none.
func (v Verdict) Check() error {
	reasons, known := Reasons[v.Outcome]
	switch {
	case !known:
		return fault.Invalidf("outcome", "is not an answer", "send accepted or declined")
	case !slices.Contains(reasons, v.Reason):
		return fault.Invalidf("reason", "is not a reason for this", "send "+strings.Join(reasons, ", "))
	case v.Outcome == Declined && v.Correction != 0, v.Correction < 0:
		return fault.Invalidf("correction", "goes with an accepted claim, and with no other", "leave it out")
	}
	return checkText("words", v.Words, MaxMessage)
}

// subject says what a claim is about: two with the same subject are the same claim. Order numbers are cut of the sign that
// people write before them.
func (q Question) subject() string {
	if q.Order != "" {
		return "order/" + bare(q.Order)
	}
	return "date/" + q.Date + "/" + strings.ToLower(q.Product)
}

// bare is an order's number without the sign that people write before it.
func bare(order string) string {
	if without := strings.TrimSpace(strings.TrimPrefix(order, "#")); without != "" {
		return without
	}
	return order
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// checkText wants words in plain text.
func checkText(field, text string, most int) error {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }
	switch {
	case strings.TrimSpace(text) == "":
		return fault.Invalidf(field, "is empty", "say it in a sentence")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, control):
		return fault.Invalidf(field, "holds a control character or is not in UTF-8", "send plain text")
	case utf8.RuneCountInString(text) > most:
		return fault.Invalidf(field, "has more than %d characters", "say it shorter", most)
	}
	return nil
}
