package operator

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/claim"
	"tributary/internal/correction"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/report"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// pageQueue is how far the queue is read at once: whoever works it off begins at its head.
const pageQueue = 50

// claims is the queue of what creators asked, or what was answered before.
type claims struct {
	*staff.Desk
	rows          []claim.Claim
	people        map[id.ID]creator.Creator
	past          bool
	open, overdue int
	waiting       int // corrections
	next          string
}

// Claims lists open claims, the most urgent first, or those of before.
func (p *Pages) Claims(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, staff.Page{Title: "Claims", Current: staff.AtQueue,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v := &claims{Desk: d, past: d.Sent("show") == "past"}
			var err error
			if v.open, v.overdue, v.waiting, err = queued(tx, d); err != nil {
				return nil, err
			}
			after, _ := id.Parse("after", id.Claim, d.Sent("after"))
			if v.past {
				v.rows, err = claim.Past(tx, d.Keys, d.Market.No, after, pageQueue+1)
			} else {
				v.rows, err = claim.Queue(tx, d.Keys, d.Market.No, d.Sent("due"), after, pageQueue+1)
			}
			if err != nil {
				return nil, err
			}
			if len(v.rows) > pageQueue {
				v.rows = v.rows[:pageQueue]
				last := v.rows[pageQueue-1]
				v.next = d.InMarket(staff.AtQueue, "show", d.Sent("show"), "due", last.Due, "after", last.ID.Text(id.Claim))
			}
			creators := make([]id.ID, len(v.rows))
			for i, c := range v.rows {
				creators[i] = c.Creator
			}
			v.people, err = staff.Names(tx, creators)
			return claimsPage(v), err
		}})
}

// queued counts what waits for people.
func queued(tx *db.Tx, d *staff.Desk) (open, overdue, waiting int, err error) {
	if open, overdue, err = claim.Counts(tx, d.Market.No, d.DateOf(d.Now)); err != nil {
		return 0, 0, 0, err
	}
	all, err := correction.Waiting(tx, d.Market.No, 0, pageCorrections)
	return open, overdue, len(all), err
}

// about says in a few words what a claim is about.
func about(d *staff.Desk, c claim.Claim) string {
	if c.Order != "" {
		return "Order " + c.Order
	}
	text := "Bought on " + dayText(d, c.Date)
	if c.Product != "" {
		text += ": " + c.Product
	}
	return text
}

// dayText writes a local date of the marketplace's.
func dayText(d *staff.Desk, date string) string {
	at, err := time.Parse(staff.DateForm, date)
	if err != nil {
		return date
	}
	return d.Format.Date(d.Midnight(at).Add(12*time.Hour), d.Now)
}

// claimTag says where a claim stands, and how it looks.
func claimTag(d *staff.Desk, c claim.Claim) (text, class string) {
	switch {
	case c.State == claim.StateWithdrawn:
		return "withdrawn", ""
	case c.Outcome == claim.Accepted:
		return "accepted", "earn"
	case c.Outcome == claim.Declined:
		return "declined", ""
	case c.Overdue(d.Now, d.Market.Location()):
		return "was due " + dayText(d, c.Due), "stop"
	case c.Due == d.DateOf(d.Now):
		return "due today", "wait"
	}
	return "due " + dayText(d, c.Due), "wait"
}

// oneClaim is a claim with what the books say, beside the decision.
type oneClaim struct {
	*staff.Desk
	claim.Claim
	who         creator.Creator
	steps       []staff.Step
	known       claim.Known // as the creator may read it, now
	lines       []lineStory
	adjustments []correction.Correction // made for this claim
	before      string                  // the claims beside it in the queue
	after       string
	place, open int // of the queue
}

// lineStory is a line of the order with its whole story, as staff may read it.
type lineStory struct {
	report.Line
	why   ui.Why
	owner string
}

// Claim shows a claim with the evidence beside the decision.
func (p *Pages) Claim(w http.ResponseWriter, r *http.Request) error { return p.See(w, r, claimView(r)) }

func claimView(r *http.Request) staff.Page {
	return staff.Page{Title: "Claim", Current: staff.AtQueue,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v, err := readClaim(tx, d, r)
			if err != nil {
				return nil, err
			}
			d.Title = about(d, v.Claim)
			return claimPage(v), nil
		}}
}

func readClaim(tx *db.Tx, d *staff.Desk, r *http.Request) (*oneClaim, error) {
	which, err := id.Parse("claim", id.Claim, r.PathValue("claim"))
	if err != nil {
		return nil, ui.NotFound
	}
	v := &oneClaim{Desk: d}
	var steps []claim.Step
	if v.Claim, steps, err = claim.Find(tx, v.Desk.Keys, which); err != nil {
		return nil, err
	}
	if v.Market != d.Market.No {
		return nil, ui.NotFound
	}
	if v.who, err = creator.One(tx, v.Creator); err != nil {
		return nil, err
	}
	if err := v.tell(tx, steps); err != nil {
		return nil, err
	}
	// What is known now may be more than what was known when it was asked; a date that is too old is not looked up again.
	v.known, err = claim.Look(tx, d.Market.No, d.Market.Location(), v.Creator, v.Question, d.Now)
	if fault.Is(err, fault.Invalid) {
		v.known, err = v.Known, nil
	}
	if err != nil {
		return nil, err
	}
	if err := v.readOrder(tx); err != nil {
		return nil, err
	}
	// Few adjustments are made for one creator: those of this claim are among the newest.
	made, err := correction.OfCreator(tx, v.Creator, d.Market.No, false, 0, pageCorrections)
	for _, c := range made {
		if c.Ref.Claim == which {
			v.adjustments = append(v.adjustments, c)
		}
	}
	if err != nil {
		return nil, err
	}
	return v, v.readQueue(tx)
}

var claimSteps = map[string]string{"opened": "asked", "said": "added", "asked": "asked the creator", "answered": "answered",
	"withdrawn": "withdrew it"}

// tell names who did what.
func (v *oneClaim) tell(tx *db.Tx, steps []claim.Step) error {
	whos := make([]string, len(steps))
	for i, s := range steps {
		whos[i] = s.Who
	}
	found, err := staff.People(tx, whos)
	for _, s := range steps {
		v.steps = append(v.steps, staff.Step{At: s.At, What: found[s.Who] + " " + claimSteps[s.Action], Words: s.Words})
	}
	return err
}

// readOrder reads the story of every line of the order that is asked about, as far as it is known.
func (v *oneClaim) readOrder(tx *db.Tx) error {
	if v.known.Order == "" {
		return nil
	}
	explained, _, err := explain.Order(tx, v.Desk.Market.No, v.known.Order)
	if err != nil {
		return err
	}
	found, err := report.LinesOf(tx, v.Desk.Market, []string{v.known.Order})
	if err != nil {
		return err
	}
	for _, e := range explained {
		i := slices.IndexFunc(found[v.known.Order], func(l report.Line) bool { return l.ID == e.Line })
		if i < 0 {
			continue
		}
		l := found[v.known.Order][i]
		why, owner, err := story(tx, v.Desk, e, l.Name())
		if err != nil {
			return err
		}
		v.lines = append(v.lines, lineStory{l, why, owner})
	}
	return nil
}

// readQueue finds the claims beside this one.
func (v *oneClaim) readQueue(tx *db.Tx) error {
	all, err := claim.Queue(tx, v.Desk.Keys, v.Desk.Market.No, "", 0, 4*pageQueue)
	if err != nil {
		return err
	}
	v.open = len(all)
	i := slices.IndexFunc(all, func(c claim.Claim) bool { return c.ID == v.ID })
	// One that is answered, or far behind, has no place: from there the queue goes on at its head.
	v.place = i + 1
	if i > 0 {
		v.before = claimAddress(v.Desk, all[i-1].ID)
	}
	if i+1 < len(all) {
		v.after = claimAddress(v.Desk, all[i+1].ID)
	}
	return nil
}

func claimAddress(d *staff.Desk, one id.ID, more ...string) string {
	return d.InMarket(staff.AtQueue+"/"+one.Text(id.Claim), more...)
}

// AnswerClaim takes what a person decides about a claim, or asks the creator back, and leads to the next one.
func (p *Pages) AnswerClaim(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, claimView(r), func(d *staff.Desk) (to string, err error) {
		which, err := id.Parse("claim", id.Claim, r.PathValue("claim"))
		if err != nil {
			return "", ui.NotFound
		}
		who, ctx := d.Who.ID.Text(auth.Prefix), r.Context()
		if d.Sent("do") == "ask" {
			return claimAddress(d, which, "said", "asked"), p.Lane(ctx, d, func(tx *db.Tx) error {
				if err := claim.Ask(tx, d.Keys, d.Market.No, which, who, d.Sent("words")); err != nil {
					return err
				}
				if err := tellClaim(tx, d, which); err != nil {
					return err
				}
				return noteClaim(tx, d, which, "claim.asked", d.Sent("words"), nil)
			})
		}
		v := claim.Verdict{Outcome: claim.Declined, Reason: d.Sent("reason"), Words: d.Sent("words")}
		if d.Sent("do") == "accept" {
			v.Outcome = claim.Accepted
			var waits bool
			if v.Correction, waits, err = p.compensate(ctx, d, which, v); err != nil || waits {
				return claimAddress(d, which, "said", "waiting"), err
			}
		}
		// Whoever works the queue off is led on; an empty one is said to be so.
		err = p.Lane(ctx, d, func(tx *db.Tx) error {
			if _, err := claim.Answer(tx, d.Keys, d.Market.No, which, who, v); err != nil {
				return err
			}
			if err := tellClaim(tx, d, which); err != nil {
				return err
			}
			if err := noteClaim(tx, d, which, "claim.answered", v.Words, map[string]any{"outcome": v.Outcome, "reason": v.Reason}); err != nil {
				return err
			}
			rest, err := claim.Queue(tx, d.Keys, d.Market.No, "", 0, 1)
			if to = d.InMarket(staff.AtQueue, "said", "answered"); len(rest) > 0 {
				to = claimAddress(d, rest[0].ID, "said", "answered")
			}
			return err
		})
		return to, err
	})
}

// noteClaim writes what was decided about a claim into the audit log.
func noteClaim(tx *db.Tx, d *staff.Desk, which id.ID, action, words string, after any) error {
	c, _, err := claim.Find(tx, d.Keys, which)
	if err != nil {
		return err
	}
	return d.Note(tx, action, c.Creator.Text(id.Creator)+"/claim/"+which.Text(id.Claim), c.Creator, words, after)
}

// compensate gives the adjustment that an accepted claim names: one that was made, or a new one of the amount that the
// form says. One that needs a second person is proposed, and the claim is answered once it is decided.
func (p *Pages) compensate(ctx context.Context, d *staff.Desk, which id.ID, v claim.Verdict) (
	made id.ID, waits bool, err error) {
	if text := d.Sent("correction"); text != "" {
		made, err = id.Parse("correction", id.Correction, text)
		return made, false, err
	}
	amount, err := d.AmountOf("amount")
	if err != nil || amount == 0 {
		return 0, false, err
	}
	if err := v.Check(); err != nil { // money is moved for an answer that will be taken
		return 0, false, err
	}
	var c claim.Claim
	if err := p.DB.Read(ctx, func(tx *db.Tx) error { c, _, err = claim.Find(tx, d.Keys, which); return err }); err != nil {
		return 0, false, err
	}
	if c.State != claim.StateOpen || c.Market != d.Market.No {
		return 0, false, fault.New(fault.Conflict, "", "this claim is answered or withdrawn", "look at its history")
	}
	// The form's own key: sent twice, it moves money once, also where the answer after it was refused.
	key, err := id.Parse("key", id.Correction, d.Sent("key"))
	if err != nil {
		return 0, false, err
	}
	done, err := p.propose(ctx, d, correction.Proposal{ID: key, Kind: correction.Adjustment, Creator: c.Creator, Amount: amount,
		Reason: "claim", Words: v.Words, Ref: correction.Ref{Claim: which}})
	return done.ID, done.State == correction.Proposed, err
}
