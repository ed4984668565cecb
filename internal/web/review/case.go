package review

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/application"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/network"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// maxLog is how many entries of the log stand beside a case.
const maxLog = 30

// oneCase is an enrolment with its evidence, beside the decision.
type oneCase struct {
	*staff.Desk
	admission.Case
	personal    creator.Personal
	sent        application.Application // the newest that was sent; zero: none
	looks       map[id.ID][]network.Snapshot
	log         []staff.Step
	before      string // those beside it in the queue
	after       string
	place, open int
	preview     string // `approve` or `decline`: the message is shown before it is sent
}

// Review shows an enrolment with all that a reviewer goes by.
func (p *Pages) Review(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, p.caseView(r, ""))
}

func (p *Pages) caseView(r *http.Request, preview string) staff.Page {
	return staff.Page{Title: "Review", Current: staff.AtQueue, Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v, err := p.readCase(tx, d, r)
		if err != nil {
			return nil, err
		}
		v.preview = preview
		d.Title = v.Name + ", " + admission.Names[v.Key.Program]
		return casePage(v), nil
	}}
}

func (p *Pages) readCase(tx *db.Tx, d *staff.Desk, r *http.Request) (*oneCase, error) {
	key, err := keyOf(d, r)
	if err != nil {
		return nil, err
	}
	v := &oneCase{Desk: d, looks: map[id.ID][]network.Snapshot{}}
	if v.Case, err = p.Admission.CaseOf(tx, d.Market, key); err != nil {
		return nil, err
	}
	if v.personal, err = creator.FindPersonal(tx, p.Ring, key.Creator); err != nil {
		return nil, err
	}
	if v.sent, _, err = application.NewestSent(tx, p.Ring, key); err != nil {
		return nil, err
	}
	for _, a := range v.Accounts {
		if v.looks[a.ID], err = network.History(tx, a.ID); err != nil {
			return nil, err
		}
	}
	if err := v.readLog(tx, p); err != nil {
		return nil, err
	}
	return v, v.readQueue(tx, p)
}

// readLog names who decided what about this enrolment before.
func (v *oneCase) readLog(tx *db.Tx, p *Pages) error {
	entries, err := journal.Of(tx, p.Ring, v.Key.Creator.Text(id.Creator)+"/"+v.Market.ID+"/"+v.Key.Program.String())
	if err != nil {
		return err
	}
	entries = entries[:min(len(entries), maxLog)]
	var whos []string
	for _, e := range entries {
		if e.Actor != journal.System && e.Actor != journal.Command {
			whos = append(whos, e.Actor)
		}
	}
	people, err := staff.People(tx, whos)
	for _, e := range slices.Backward(entries) {
		name, known := people[e.Actor]
		if !known {
			name = "the system"
		}
		v.log = append(v.log, staff.Step{At: e.At, What: ui.Capital(journal.Words(e.Action)) + ", " + name, Words: e.Reason})
	}
	return err
}

// readQueue finds the cases beside this one.
func (v *oneCase) readQueue(tx *db.Tx, p *Pages) error {
	all, err := p.Admission.Queue(tx, v.Market)
	if err != nil {
		return err
	}
	v.open = len(all)
	i := slices.IndexFunc(all, func(e admission.Entry) bool { return e.Key == v.Key })
	v.place = i + 1 // of none that is decided: from there the queue goes on at its head
	if i > 0 {
		v.before = caseAddress(v.Desk, all[i-1].Key)
	}
	if i+1 < len(all) {
		v.after = caseAddress(v.Desk, all[i+1].Key)
	}
	return nil
}

// Decide takes what a reviewer decides, and leads to the next one; or shows first what the applicant will read.
func (p *Pages) Decide(w http.ResponseWriter, r *http.Request) error {
	preview := ""
	if what := r.PostFormValue("preview"); what == "approve" || what == "decline" {
		preview = what
	}
	if preview != "" {
		return p.See(w, r, p.caseView(r, preview))
	}
	return p.Take(w, r, p.caseView(r, ""), func(d *staff.Desk) (to string, err error) {
		key, err := keyOf(d, r)
		if err != nil {
			return "", err
		}
		v := admission.Verdict{Words: d.Sent("words")}
		said := "declined"
		switch d.Sent("do") {
		case "approve":
			v.Approve, said = true, "approved"
		case "decline":
			v.Reasons = d.Form["reasons"]
		default:
			return "", fault.Invalidf("do", "is not a decision", "approve or decline")
		}
		// The rest of the queue is taken before: whoever works it off goes on behind this one, and not at its head again.
		next, err := p.nextTo(r, d, key)
		if err != nil {
			return "", err
		}
		if err := p.Admission.Decide(r.Context(), d.Who, key, v); err != nil {
			return "", err
		}
		if next == (enrolment.Key{}) {
			return d.InMarket(atReviews, "said", said), nil
		}
		return caseAddress(d, next, "said", said), nil
	})
}

// Stand takes another standing that a person gives: a warning, a limit, a suspension, the end, or what was before.
func (p *Pages) Stand(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, p.caseView(r, ""), func(d *staff.Desk) (to string, err error) {
		key, err := keyOf(d, r)
		if err != nil {
			return "", err
		}
		if err := p.Admission.Stand(r.Context(), d.Who, key, enrolment.State(d.Sent("state")), d.Sent("reason"), d.Sent("words")); err != nil {
			return "", err
		}
		return caseAddress(d, key, "said", "stands"), nil
	})
}

// standings are what a person may give to the enrolment now.
func (v *oneCase) standings() (choices []staff.Choice) {
	for _, state := range admission.MayStand(v.History, v.Now) {
		choices = append(choices, staff.Choice{Value: string(state), Label: ui.Capital(stateWords(state))})
	}
	return choices
}

// standReasons are why somebody gets another standing.
func (v *oneCase) standReasons() []staff.Choice {
	return append(v.reasons(), staff.Choice{Value: admission.ReasonBanned, Label: "Trademark abuse at its worst: closed for good"})
}

// nextTo is the entry behind one in the queue, else the one at its head; zero where there is no other.
func (p *Pages) nextTo(r *http.Request, d *staff.Desk, key enrolment.Key) (next enrolment.Key, err error) {
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		all, err := p.Admission.Queue(tx, d.Market)
		i := slices.IndexFunc(all, func(e admission.Entry) bool { return e.Key == key })
		switch {
		case i >= 0 && i+1 < len(all):
			next = all[i+1].Key
		case len(all) > 0 && all[0].Key != key:
			next = all[0].Key
		}
		return err
	})
	return next, err
}

// decidable tells whether something can be decided: what is under review, either way; what only was applied for can be
// declined, and begins by itself.
func (v *oneCase) decidable() (approve, decline bool) {
	return v.State == enrolment.UnderReview, v.State == enrolment.UnderReview || v.State == enrolment.Applied
}

// reasons are why an application may be declined.
func (v *oneCase) reasons() (choices []staff.Choice) {
	for _, c := range admission.DeclineReasons {
		choices = append(choices, staff.Choice{Value: c.Code, Label: c.Label})
	}
	return choices
}

// chosen are the reasons that the form says, in words.
func (v *oneCase) chosen() (labels []string) {
	for _, code := range v.Form["reasons"] {
		labels = append(labels, admission.ReasonText(code))
	}
	return labels
}

// openAt tells which of the two forms stands open: the one that was sent.
func (v *oneCase) openAt(what string) bool {
	return v.preview == what || v.preview == "" && v.Refused != nil && v.Sent("do") == what
}

var sayings = map[string]string{
	"approved": "Approved. The creator was told, and what was withheld is free.",
	"declined": "Declined. The creator was told why, and can apply again.",
	"stands":   "It stands so from now on. The creator was told why.",
}
