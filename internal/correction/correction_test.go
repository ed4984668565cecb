package correction_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tributary/internal/auth"
	"tributary/internal/correction"
	"tributary/internal/db"
	"tributary/internal/fault"
)

func adjust(amount int64) correction.Proposal {
	return correction.Proposal{Kind: correction.Adjustment, Creator: alice, Amount: amount, Reason: "goodwill",
		Words: "A click that we lost."}
}

func TestNeedsSecond(t *testing.T) {
	for _, c := range []struct {
		amount, limit int64
		want          bool
	}{{10_000, 10_000, false}, {10_001, 10_000, true}, {-10_000, 10_000, false}, {-10_001, 10_000, true}, {1, 0, true}, {1, 1, false}} {
		if got := correction.NeedsSecond(c.amount, c.limit); got != c.want {
			t.Errorf("%d at a limit of %d: %v", c.amount, c.limit, got)
		}
	}
}

// What could never be right is refused by its field, before anything is read.
func TestCheck(t *testing.T) {
	taken := func(change func(*correction.Proposal)) correction.Proposal {
		p := correction.Proposal{Kind: correction.Disqualification, Reason: "cloaking", Words: "Hidden links.",
			Evidence: []string{"https://evidence.example/1"}, Lines: []correction.LineKey{{Order: "1", Line: "1"}}}
		change(&p)
		return p
	}
	adjusted := func(change func(*correction.Proposal)) correction.Proposal { p := adjust(100); change(&p); return p }
	back := func(change func(*correction.Proposal)) correction.Proposal {
		p := correction.Proposal{Kind: correction.Reversal, Reason: "appeal_won", Words: "The links were in sight.", Reverses: 5}
		change(&p)
		return p
	}
	many := make([]correction.LineKey, correction.MaxLines+1)
	for i := range many {
		many[i] = correction.LineKey{Order: strings.Repeat("x", i%100+1), Line: strings.Repeat("y", i/100+1)}
	}
	type p = correction.Proposal
	for _, c := range []struct {
		name  string
		p     correction.Proposal
		field string
	}{
		{"an adjustment", adjust(100), ""},
		{"one that takes", adjust(-100), ""},
		{"no kind", adjusted(func(p *p) { p.Kind = "gift" }), "kind"},
		{"an id below zero", adjusted(func(p *p) { p.ID = -1 }), "id"},
		{"a reason of another kind", adjusted(func(p *p) { p.Reason = "cloaking" }), "reason"},
		{"no words", adjusted(func(p *p) { p.Words = " \n" }), "words"},
		{"too many words", adjusted(func(p *p) { p.Words = strings.Repeat("ä", correction.MaxWords+1) }), "words"},
		{"as many as may be", adjusted(func(p *p) { p.Words = strings.Repeat("ä", correction.MaxWords) }), ""},
		{"a zero byte", adjusted(func(p *p) { p.Words = "a\x00b" }), "words"},
		{"not UTF-8", adjusted(func(p *p) { p.Words = "a\xffb" }), "words"},
		{"no creator", adjusted(func(p *p) { p.Creator = 0 }), "creator"},
		{"nothing", adjust(0), "amount"},
		{"too much", adjust(correction.MaxAmount + 1), "amount"},
		{"too little", adjust(-correction.MaxAmount - 1), "amount"},
		{"an adjustment of lines", adjusted(func(p *p) { p.Lines = many[:1] }), "lines"},
		{"a line without its order", adjusted(func(p *p) { p.Ref.Line = "1" }), "ref.order"},
		{"an order with a line break", adjusted(func(p *p) { p.Ref.Order = "1\n2" }), "ref.order"},
		{"evidence that says nothing", adjusted(func(p *p) { p.Evidence = []string{"seen", ""} }), "evidence[1]"},
		{"too much evidence", adjusted(func(p *p) { p.Evidence = make([]string, correction.MaxEvidence+1) }), "evidence"},
		{"a disqualification", taken(func(*p) {}), ""},
		{"500 lines", taken(func(p *p) { p.Lines = many[:500] }), ""},
		{"501 lines", taken(func(p *p) { p.Lines = many }), "lines"},
		{"no lines", taken(func(p *p) { p.Lines = nil }), "lines"},
		{"no evidence", taken(func(p *p) { p.Evidence = nil }), "evidence"},
		{"a line twice", taken(func(p *p) { p.Lines = append(p.Lines, p.Lines[0]) }), "lines[1]"},
		{"a line without id", taken(func(p *p) { p.Lines = []correction.LineKey{{Order: "1"}} }), "lines[0].line"},
		{"with an amount", taken(func(p *p) { p.Amount = 5 }), "amount"},
		{"with a reversed one", taken(func(p *p) { p.Reverses = 5 }), "reverses"},
		{"a reversal", back(func(*p) {}), ""},
		{"of nothing", back(func(p *p) { p.Reverses = 0 }), "reverses"},
		{"of a creator", back(func(p *p) { p.Creator = alice }), "amount"},
	} {
		err := c.p.Check()
		if (err == nil) != (c.field == "") || err != nil && fault.Of(err).Field != c.field {
			t.Errorf("%s: %v, want %q", c.name, err, c.field)
		}
		if err != nil && strings.Contains(err.Error(), "%") {
			t.Errorf("%s: a place without its number: %v", c.name, err)
		}
	}
}

// Whatever comes from outside is taken or refused by name; nothing that is taken has what the databases do not.
func FuzzCheck(f *testing.F) {
	f.Add("adjustment", "goodwill", "words", "evidence", "1", "2", int64(5))
	f.Add("disqualification", "cloaking", "words", "seen", "1", "2", int64(0))
	f.Fuzz(func(t *testing.T, kind, reason, words, evidence, order, line string, amount int64) {
		p := correction.Proposal{Kind: correction.Kind(kind), Reason: reason, Words: words, Amount: amount,
			Evidence: []string{evidence}, Lines: []correction.LineKey{{Order: order, Line: line}}}
		err := p.Check()
		if err != nil && fault.Of(err).Field == "" {
			t.Errorf("refused without a field: %v", err)
		}
		if err == nil && strings.ContainsRune(words+evidence+order+line, 0) {
			t.Error("a zero byte was taken")
		}
	})
}

// Up to the limit one person is enough; beyond it a second one decides, who is never the first.
func TestSecondPerson(t *testing.T) {
	w := newWorld(t)
	small, err := w.propose(w.support, adjust(-limit))
	w.must(err)
	if small.State != correction.Approved || small.Second != 0 || !small.Decided.Equal(begin) {
		t.Errorf("at the limit: %+v", small)
	}
	big, err := w.propose(w.finance, adjust(limit+1))
	w.must(err)
	if big.State != correction.Proposed {
		t.Errorf("beyond the limit: %s", big.State)
	}
	for name, c := range map[string]struct {
		do   verb
		by   auth.Principal
		kind fault.Kind
	}{
		"the proposer approves":      {correction.Approve, w.finance, fault.Denied},
		"the proposer declines":      {correction.Decline, w.finance, fault.Denied},
		"a reviewer approves":        {correction.Approve, w.reviewer, fault.Denied},
		"an auditor approves":        {correction.Approve, w.auditor, fault.Denied},
		"a creator approves":         {correction.Approve, w.creator, fault.Denied},
		"nobody approves":            {correction.Approve, auth.Principal{Role: auth.Admin}, fault.Denied},
		"somebody else withdraws it": {correction.Withdraw, w.other, fault.Denied},
	} {
		w.refused(name, c.kind, "", func() error { _, err := w.decide(c.do, big.ID, c.by, "no"); return err })
	}
	w.refused("declined without words", fault.Invalid, "words", func() error {
		_, err := w.decide(correction.Decline, big.ID, w.other, "")
		return err
	})
	w.must(w.clock.Set(begin.AddDate(0, 0, 1)))
	done, err := w.decide(correction.Approve, big.ID, w.other, "The click is in the log.")
	w.must(err)
	if done.State != correction.Approved || done.Second != w.other.ID {
		t.Errorf("approved: %+v", done)
	}
	for name, do := range map[string]verb{"approved twice": correction.Approve, "declined after all": correction.Decline} {
		w.refused(name, fault.Conflict, "", func() error { _, err := w.decide(do, big.ID, w.other, "again"); return err })
	}
	w.refused("withdrawn after all", fault.Conflict, "", func() error {
		_, err := w.decide(correction.Withdraw, big.ID, w.finance, "")
		return err
	})
	stored, steps := w.find(big.ID)
	if stored.State != correction.Approved || stored.Second != w.other.ID || stored.Words != "A click that we lost." ||
		!stored.Decided.Equal(begin.AddDate(0, 0, 1)) || !stored.Posted.IsZero() {
		t.Errorf("stored: %+v", stored)
	}
	if len(steps) != 2 || steps[0].Action != "proposed" || steps[0].Who != w.finance.ID.Text(auth.Prefix) ||
		steps[1].Action != "approved" || steps[1].Who != w.other.ID.Text(auth.Prefix) || steps[1].Words != "The click is in the log." {
		t.Errorf("history: %+v", steps)
	}
}

func TestWithdrawAndDecline(t *testing.T) {
	w := newWorld(t)
	first, err := w.propose(w.support, adjust(limit+1))
	w.must(err)
	second, err := w.propose(w.support, adjust(-limit-2))
	w.must(err)
	if got := w.waiting(); len(got) != 2 || got[0].ID != first.ID && got[1].ID != first.ID {
		t.Errorf("waiting: %+v", got)
	}
	gone, err := w.decide(correction.Withdraw, first.ID, w.support, "")
	if err != nil || gone.State != correction.Withdrawn || gone.Second != 0 {
		t.Errorf("withdrawn: %+v, %v", gone, err)
	}
	no, err := w.decide(correction.Decline, second.ID, w.admin, "Not his.")
	if err != nil || no.State != correction.Declined || no.Second != w.admin.ID {
		t.Errorf("declined: %+v, %v", no, err)
	}
	if got := w.waiting(); len(got) != 0 {
		t.Errorf("still waiting: %+v", got)
	}
}

func (w *world) waiting() (all []correction.Correction) {
	w.t.Helper()
	w.must(w.read(func(tx *db.Tx) (err error) { all, err = correction.Waiting(tx, 1, 0, 100); return err }))
	return all
}

// A form that is sent twice is one correction; its id with anything else in it is refused.
func TestSentTwice(t *testing.T) {
	w := newWorld(t)
	p := adjust(500)
	p.ID = 4711
	first, err := w.propose(w.support, p)
	w.must(err)
	before := w.rows()
	second, err := w.propose(w.support, p)
	w.must(err)
	if second.ID != first.ID || second.Amount != 500 || second.State != correction.Approved || w.rows() != before {
		t.Errorf("sent twice: %+v, %d rows more", second, w.rows()-before)
	}
	other := p
	other.Amount = 600
	w.refused("another amount", fault.Conflict, "id", func() error { _, err := w.propose(w.support, other); return err })
	w.refused("another person", fault.Conflict, "id", func() error { _, err := w.propose(w.finance, p); return err })
}

func TestProposalsThatFindNothing(t *testing.T) {
	w := newWorld(t)
	with := func(change func(*correction.Proposal)) correction.Proposal { p := adjust(5); change(&p); return p }
	for name, c := range map[string]struct {
		by    auth.Principal
		p     correction.Proposal
		kind  fault.Kind
		field string
	}{
		"an auditor":         {w.auditor, adjust(5), fault.Denied, ""},
		"a creator":          {w.creator, adjust(5), fault.Denied, ""},
		"a program":          {auth.Principal{Role: auth.Admin}, adjust(5), fault.Denied, ""},
		"an unknown creator": {w.admin, with(func(p *correction.Proposal) { p.Creator = 99 }), fault.NotFound, "creator"},
		"an unknown order":   {w.admin, with(func(p *correction.Proposal) { p.Ref.Order = "7" }), fault.NotFound, "ref.order"},
		"an unknown claim":   {w.admin, with(func(p *correction.Proposal) { p.Ref.Claim = 7 }), fault.NotFound, "ref.claim"},
		"unknown lines": {w.admin, correction.Proposal{Kind: correction.Disqualification, Reason: "other", Words: "Seen.",
			Evidence: []string{"seen"}, Lines: []correction.LineKey{{Order: "1", Line: "1"}}}, fault.NotFound, "lines[0]"},
		"an unknown disqualification": {w.admin, correction.Proposal{Kind: correction.Reversal, Reason: "other", Words: "No.",
			Reverses: 7}, fault.NotFound, "correction"},
	} {
		w.refused(name, c.kind, c.field, func() error { _, err := w.propose(c.by, c.p); return err })
	}
	c, err := w.propose(w.support, adjust(limit+1))
	w.must(err)
	w.refused("another marketplace", fault.NotFound, "correction", func() error {
		return w.lane(2, func(tx *db.Tx) error { _, err := correction.Approve(tx, 2, c.ID, w.admin, ""); return err })
	})
}

// Whatever is proposed by whomever and decided by whomever: what moves more than the limit was approved by two.
func TestTwoPersonsAlways(t *testing.T) {
	w := newWorld(t)
	people := []auth.Principal{w.admin, w.finance, w.other, w.reviewer, w.support, w.auditor, w.creator}
	rapid.Check(t, func(r *rapid.T) {
		amount := rapid.Int64Range(-3*limit, 3*limit).Draw(r, "amount")
		by := rapid.SampledFrom(people).Draw(r, "proposer")
		c, err := w.propose(by, adjust(amount))
		if err != nil {
			if correction.Proposers.Has(by.Role) && amount != 0 {
				r.Fatalf("%s may not propose: %v", by.Role, err)
			}
			return
		}
		for range rapid.IntRange(0, 4).Draw(r, "tries") {
			do := rapid.SampledFrom([]verb{correction.Approve, correction.Decline, correction.Withdraw}).Draw(r, "verb")
			w.decide(do, c.ID, rapid.SampledFrom(people).Draw(r, "who"), "Looked at.")
		}
		stored, steps := w.find(c.ID)
		beyond := amount > limit || amount < -limit
		if stored.State == correction.Approved && beyond && (stored.Second == 0 || stored.Second == stored.Proposer) {
			r.Fatalf("%d was approved by one person: %+v", amount, stored)
		}
		if stored.State != correction.Approved && !beyond {
			r.Fatalf("%d waits: %+v", amount, stored)
		}
		if decided := stored.State != correction.Proposed; (len(steps) == 2) != decided || len(steps) > 2 {
			r.Fatalf("%s after %d steps", stored.State, len(steps))
		}
	})
}
