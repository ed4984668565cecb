// Package correction holds what a person decides about money: an adjustment of a creator's balance, the disqualification
// of lines with evidence, and the reversal of a disqualification. It decides who may propose and who may decide, what
// needs a second person, and which lines can be taken.
//
// What must always hold: what moves more than the marketplace's limit is approved by somebody other than its proposer
// before anything is posted; a correction is posted once, however often it is asked for; nothing that is refused leaves a
// row; a line stands under one disqualification at a time; every step stays, with who took it and when.
//
// It posts nothing itself and touches no line and no account: package accrual does, by the id of the correction. It owns
// no page and does not know what a claim is worth (package claim).
package correction

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/auth"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Kind says what a correction does.
type Kind string

// The kinds.
const (
	Adjustment       Kind = "adjustment"
	Disqualification Kind = "disqualification"
	Reversal         Kind = "reversal"
)

// State is where a correction stands. Declined, withdrawn and posted are final.
type State string

// The states. An approved correction is posted as soon as the money path is reached; nobody can stop it any more.
const (
	Proposed  State = "proposed"
	Approved  State = "approved"
	Posted    State = "posted"
	Declined  State = "declined"
	Withdrawn State = "withdrawn"
)

// Limits of one proposal.
const (
	MaxLines    = 500
	MaxEvidence = 10   // texts or addresses
	MaxText     = 500  // characters of one piece of evidence
	MaxWords    = 2000 // characters
	MaxID       = 128  // bytes of an order's or a line's id, as package order takes them
	MaxAmount   = 1_000_000_000_000_000
)

// Reasons lists the codes that each kind may give. They are stable: they stand in the API and in reports.
var Reasons = map[Kind][]string{
	Adjustment: {"claim", "goodwill", "our_error", "recovery", "bonus", "other"},
	Disqualification: {"self_purchase_found", "incentivised_traffic", "trademark_ads", "undisclosed", "cloaking",
		"invalid_traffic", "other"},
	Reversal: {"appeal_won", "our_error", "new_evidence", "other"},
}

// Who may do what. A role is asked for anew with every request (package auth).
var (
	Proposers = auth.Of(auth.Admin, auth.Finance, auth.Reviewer, auth.Support)
	Deciders  = auth.Of(auth.Admin, auth.Finance)
)

// LineKey names a line of a marketplace.
type LineKey struct{ Order, Line string }

// Ref says what an adjustment is about; all of it may be empty.
type Ref struct {
	Claim id.ID  `json:"claim,omitempty"`
	Order string `json:"order,omitempty"`
	Line  string `json:"line,omitempty"`
}

// Proposal is what a person asks for. Which fields belong to it is said by its kind.
type Proposal struct {
	// ID is made by whoever shows the form, so that a form that is sent twice is one correction. Zero: a new one.
	ID       id.ID
	Kind     Kind
	Creator  id.ID // of an adjustment; else it follows from the lines
	Amount   int64 // of an adjustment, signed: minor units of the marketplace's currency
	Reason   string
	Words    string // what the creator reads
	Evidence []string
	Ref      Ref       // of an adjustment
	Lines    []LineKey // of a disqualification; of a reversal, none means all that still stand
	Reverses id.ID     // of a reversal: the disqualification
}

// Correction is a proposal with where it stands. Amount is what it moves; of a disqualification and its reversal it is
// what the lines came to when the disqualification was proposed.
type Correction struct {
	Proposal
	Market   uint16
	State    State
	Proposer id.ID     // a principal
	Second   id.ID     // a principal; zero where one person was enough, or nobody has decided yet
	Proposed time.Time // business time, like all of them
	Decided  time.Time
	Posted   time.Time
}

// Step is something that somebody did with a correction.
type Step struct {
	At     time.Time
	Who    string // `us_…`
	Action string // proposed, approved, declined, withdrawn, posted
	Words  string
}

// NeedsSecond tells whether an amount takes a second person: what moves more than the limit, in either direction.
func NeedsSecond(amount, limit int64) bool { return amount > limit || amount < -limit }

// Check refuses a proposal that could never be right, whatever is stored.
func (p Proposal) Check() error {
	reasons, known := Reasons[p.Kind]
	if !known {
		return fault.Invalidf("kind", "is not a kind of correction", "send adjustment, disqualification or reversal")
	}
	if p.ID < 0 {
		return fault.Invalidf("id", "is not an id", "leave it out, or send one that was given here")
	}
	if !slices.Contains(reasons, p.Reason) {
		return fault.Invalidf("reason", "is not a reason for this", "send "+strings.Join(reasons, ", "))
	}
	if err := checkText("words", p.Words, MaxWords); err != nil {
		return err
	}
	if len(p.Evidence) > MaxEvidence {
		return fault.Invalidf("evidence", "has %d entries, and may have %d", "send the strongest ones",
			len(p.Evidence), MaxEvidence)
	}
	for i, text := range p.Evidence {
		if err := checkText(fmt.Sprintf("evidence[%d]", i), text, MaxText); err != nil {
			return err
		}
	}
	switch p.Kind {
	case Adjustment:
		return p.checkAdjustment()
	case Disqualification:
		return p.checkDisqualification()
	}
	return p.checkReversal()
}

func (p Proposal) checkAdjustment() error {
	switch {
	case p.Creator <= 0:
		return fault.Invalidf("creator", "is missing", "name whose balance is adjusted")
	case p.Amount == 0:
		return fault.Invalidf("amount", "is 0", "send what is added, or a negative amount for what is taken")
	case p.Amount > MaxAmount || p.Amount < -MaxAmount:
		return fault.Invalidf("amount", "is beyond 10^15 minor units", "check the amount")
	case len(p.Lines) > 0 || p.Reverses != 0:
		return fault.Invalidf("lines", "an adjustment names no lines and reverses nothing", "leave them out")
	case p.Ref.Line != "" && p.Ref.Order == "":
		return fault.Invalidf("ref.order", "is missing beside a line", "name the order too")
	case p.Ref.Order == "":
		return nil
	}
	if err := checkKey("ref.order", p.Ref.Order); err != nil || p.Ref.Line == "" {
		return err
	}
	return checkKey("ref.line", p.Ref.Line)
}

func (p Proposal) checkDisqualification() error {
	switch {
	case p.Amount != 0 || p.Creator != 0 || p.Ref != (Ref{}):
		return fault.Invalidf("amount", "a disqualification takes what its lines earn, from whom they are credited to",
			"leave amount, creator and ref out")
	case p.Reverses != 0:
		return fault.Invalidf("reverses", "belongs to a reversal", "leave it out")
	case len(p.Lines) == 0:
		return fault.Invalidf("lines", "is empty, and must have 1 to %d lines", "name them by order and line", MaxLines)
	case len(p.Evidence) == 0:
		return fault.Invalidf("evidence", "is empty", "say what was seen, or send the address of what shows it")
	}
	return checkLines(p.Lines)
}

func (p Proposal) checkReversal() error {
	switch {
	case p.Amount != 0 || p.Creator != 0 || p.Ref != (Ref{}):
		return fault.Invalidf("amount", "a reversal gives back what the disqualification took",
			"leave amount, creator and ref out")
	case p.Reverses <= 0:
		return fault.Invalidf("reverses", "is missing", "name the disqualification")
	}
	return checkLines(p.Lines)
}

func checkLines(lines []LineKey) error {
	if len(lines) > MaxLines {
		return fault.Invalidf("lines", "has %d lines, and may have %d", "send the others as a correction of their own",
			len(lines), MaxLines)
	}
	seen := make(map[LineKey]bool, len(lines))
	for i, key := range lines {
		field := fmt.Sprintf("lines[%d]", i)
		if err := checkKey(field+".order", key.Order); err != nil {
			return err
		}
		if err := checkKey(field+".line", key.Line); err != nil {
			return err
		}
		if seen[key] {
			return fault.Invalidf(field, "stands twice in the list", "name every line once")
		}
		seen[key] = true
	}
	return nil
}

// checkKey takes what package order takes as an id.
func checkKey(field, text string) error {
	if text == "" || len(text) > MaxID || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fault.Invalidf(field, "is not an id of up to %d characters", "send the store's id of it", MaxID)
	}
	return nil
}

// checkText wants words: what a creator is told, and what a second person decides on, is never empty.
func checkText(field, text string, most int) error {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }
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

// mayPropose lets staff who work with creators propose.
func mayPropose(by auth.Principal) error {
	if by.ID == 0 || !Proposers.Has(by.Role) {
		return fault.New(fault.Denied, "", "your role does not propose corrections", "ask somebody of finance")
	}
	return nil
}

// mayDecide lets a second person decide: of admin or finance, and never the proposer.
func mayDecide(c Correction, by auth.Principal) error {
	switch {
	case by.ID == 0 || !Deciders.Has(by.Role):
		return fault.New(fault.Denied, "", "your role does not decide about corrections", "ask somebody of finance")
	case by.ID == c.Proposer:
		return fault.New(fault.Denied, "", "this is your own proposal, and a second person decides about it",
			"ask somebody else, or withdraw it")
	case c.State != Proposed:
		return decided(c)
	}
	return nil
}

// mayWithdraw lets the proposer take the proposal back while nobody has decided.
func mayWithdraw(c Correction, by auth.Principal) error {
	switch {
	case by.ID == 0 || by.ID != c.Proposer:
		return fault.New(fault.Denied, "", "somebody else proposed this", "decline it instead")
	case c.State != Proposed:
		return decided(c)
	}
	return nil
}

func decided(c Correction) error {
	return fault.New(fault.Conflict, "", "this correction is "+string(c.State)+" already", "look at its history")
}
