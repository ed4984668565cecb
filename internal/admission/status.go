package admission

import (
	"slices"
	"strings"
	"time"

	"tributary/internal/application"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/site"
)

// Programs lists the programs in the order in which they are shown.
var Programs = []enrolment.Program{enrolment.Associates, enrolment.Influencer, enrolment.Connections}

// known is what the statuses of a creator rest on, read once.
type known struct {
	m         market.Market
	now       time.Time
	histories map[enrolment.Key]enrolment.History
	sites     []site.Site
	accounts  []network.Account
	missing   []document.Version
	gate      Gate
	held      int64
}

// Statuses tells where a creator stands in each program of a marketplace, all three in their order.
func (d *Desk) Statuses(tx *db.Tx, creator id.ID, m market.Market) (all []Status, err error) {
	k := known{m: m, now: d.Clock.Now()}
	if k.histories, err = enrolment.Standings(tx, m.No, []id.ID{creator}); err != nil {
		return nil, err
	}
	if k.sites, err = site.Of(tx, creator); err != nil {
		return nil, err
	}
	if k.accounts, err = network.Of(tx, creator); err != nil {
		return nil, err
	}
	if k.missing, err = document.Missing(tx, creator, k.now); err != nil {
		return nil, err
	}
	if k.gate, err = d.GateOf(tx, creator, m); err != nil {
		return nil, err
	}
	if k.held, err = held(tx, creator, m); err != nil {
		return nil, err
	}
	for _, program := range Programs {
		s, err := d.status(tx, k, enrolment.Key{Market: m.No, Creator: creator, Program: program})
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (d *Desk) status(tx *db.Tx, k known, key enrolment.Key) (s Status, err error) {
	history := k.histories[key]
	now := history.Now(k.now)
	s = Status{Key: key, State: now.State, Since: now.Since, Wanted: k.m.Admission.Wanted()}
	if now.State == enrolment.Provisional {
		s.Until = now.Until
	}
	if s.Sales, err = d.sales(tx, k.m, key, history); err != nil {
		return s, err
	}
	_, due, waits, err := dueOf(tx, key)
	if err != nil {
		return s, err
	}
	if waits {
		s.Due = dueAt(k.m, due)
	}
	if key.Program != enrolment.Connections {
		a, known, err := application.Newest(tx, d.Ring, key)
		if err != nil {
			return s, err
		}
		s.Draft = known && a.Sent.IsZero()
	}
	switch now.State {
	case enrolment.Declined:
		s.Reasons = strings.Fields(now.Reason)
		v, at, judged, err := d.verdict(tx, key)
		if err != nil {
			return s, err
		}
		if judged && !at.Before(now.Since.Add(-time.Second)) { // the words of this refusal, not of an earlier one
			s.Words = v.Words
		}
	case enrolment.Closed:
		s.Reasons = []string{now.Reason}
	}
	if !history.Approved(k.now) && len(history) > 0 {
		s.Held = k.held
	}
	switch key.Program {
	case enrolment.Associates:
		s.Steps = associateSteps(k, s, history)
	case enrolment.Influencer:
		s.Steps = influencerSteps(k, s)
	default:
		s.Steps = connectionSteps(k, s)
	}
	// The crawl runs beside the rest and holds nothing up.
	first := slices.IndexFunc(s.Steps, func(step Step) bool { return !step.Done && step.Code != "crawl" })
	if first >= 0 && s.State != enrolment.Active {
		s.Steps[first].Now = true
	}
	return s, nil
}

// sent tells whether an application is on its way or further.
func (s Status) sent() bool {
	switch s.State {
	case "", enrolment.Draft, enrolment.Declined, enrolment.Closed:
		return false
	}
	return true
}

// Waits tells whether the newest step is somebody else's than the creator's.
func (s Status) Waits() bool {
	i := slices.IndexFunc(s.Steps, func(step Step) bool { return step.Now })
	return i >= 0 && s.Steps[i].Who != "you"
}

func (k known) opening(s Status) []Step {
	apply := Step{Code: "send", Who: "you", Text: "Tell what you publish and send it", Done: s.sent(), At: k.began(s)}
	switch {
	case s.State == enrolment.Declined || s.State == enrolment.Closed:
		apply.Code, apply.Text = "again", "Apply again, at any time; nothing is given twice"
	case s.Draft:
		apply.Text = "Finish your application and send it"
	}
	documents := Step{Code: "documents", Who: "you", Text: "Read and accept the documents", Done: len(k.missing) == 0}
	return []Step{documents, apply}
}

// began is when the newest application was sent; zero where none is on its way.
func (k known) began(s Status) time.Time {
	history := k.histories[s.Key]
	for i := len(history) - 1; i >= 0 && s.sent(); i-- {
		if history[i].State == enrolment.Applied && !history[i].Since.After(k.now) {
			return history[i].Since
		}
	}
	return time.Time{}
}

func associateSteps(k known, s Status, history enrolment.History) []Step {
	proved := Step{Code: "site", Who: "you", Text: "Prove that one of your sites is yours: you can earn at once"}
	crawl := Step{Code: "crawl", Who: "us", Text: "We look at your site: how much of your own is there, and whether it tells its readers"}
	for _, one := range k.sites {
		if one.State == site.Proved {
			proved.Done, proved.At = true, one.Proved
		}
		if one.Report != nil {
			crawl.Done, crawl.At = true, one.Report.At
		}
	}
	sales := Step{Code: "sales", Who: "shoppers", Text: plural(s.Wanted, "qualifying sale", "qualifying sales") + " through your links"}
	review := Step{Code: "review", Who: "us", Text: "A person looks at your sites and sales"}
	active := Step{Code: "active", Who: "us", Text: "Approved: what was withheld is yours"}
	switch s.State {
	case enrolment.Provisional:
		sales.By = s.Until
	case enrolment.UnderReview:
		sales.Done, review.By = true, s.Due
	case enrolment.Active, enrolment.Warned, enrolment.Limited, enrolment.Suspended:
		proved.Done, crawl.Done, sales.Done, review.Done, active.Done, active.At = true, true, true, true, true, s.Since
	}
	if trial, ok := history.Trial(); ok && s.State == enrolment.Provisional {
		proved.Done, proved.At = true, trial.Since
	}
	return append(k.opening(s), proved, crawl, sales, review, active)
}

func influencerSteps(k known, s Status) []Step {
	connect := Step{Code: "connect", Who: "you", Text: "Connect YouTube, Instagram, TikTok or Facebook"}
	for _, a := range k.accounts {
		if a.State == network.Connected {
			connect.Done, connect.At = true, a.Connected
		}
	}
	review := Step{Code: "review", Who: "us", Text: "A decision: at once for YouTube and Facebook, by a person for Instagram and TikTok", By: s.Due}
	active := Step{Code: "active", Who: "us", Text: "Approved: your page can be opened"}
	switch s.State {
	case enrolment.Active, enrolment.Warned, enrolment.Limited, enrolment.Suspended:
		connect.Done, review.Done, active.Done, active.At = true, true, true, s.Since
	}
	return append(k.opening(s), connect, review, active)
}

func connectionSteps(k known, s Status) []Step {
	active := Step{Code: "active", Who: "us", Text: "Open: campaigns of brands can be accepted"}
	gate := Step{Code: "gate", Who: "you", Text: "Be approved in another program, and reach bronze", Done: k.gate.Open}
	if len(k.gate.Missing) > 0 {
		gate.Text = "It opens by itself. Missing: " + strings.Join(k.gate.Missing, "; ")
	}
	switch s.State {
	case enrolment.Active, enrolment.Warned, enrolment.Limited, enrolment.Suspended:
		gate.Done, gate.Text, active.Done, active.At = true, "Approved elsewhere, and bronze", true, s.Since
	case enrolment.Closed, enrolment.Declined:
		return []Step{gate, {Code: "again", Who: "you", Text: "Join again, at any time"}, active}
	}
	return []Step{gate, active}
}

// NextSentence says what happens next and by when, in one sentence.
func (s Status) NextSentence(m market.Market) string {
	i := slices.IndexFunc(s.Steps, func(step Step) bool { return step.Now })
	if s.State == enrolment.Active {
		return "Nothing: you are in, without end."
	}
	if i < 0 {
		return ""
	}
	step := s.Steps[i]
	text := step.Text
	if step.Code == "sales" {
		text = plural(s.Wanted-s.Sales, "qualifying sale is", "qualifying sales are") + " still wanted"
		if s.Sales >= s.Wanted {
			text = "Your sales are enough: a person looks at them next"
		}
	}
	if !step.By.IsZero() {
		text += ", by " + lastDay(m, step.By)
	}
	return text + "."
}
