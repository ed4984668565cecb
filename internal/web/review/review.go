// Package review is the reviewer's queue: applications with their evidence beside the decision, worked by keys.
//
// What must always hold: what a reviewer decides is what stood on the page; whoever decides is led on to the next one;
// addresses that applicants gave open elsewhere and learn nothing about the reviewer.
//
// It owns no rule: admission does.
package review

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/claim"
	"tributary/internal/correction"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/secret"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// Pages answers reviewers' requests.
type Pages struct {
	staff.Pages
	Ring      *secret.Ring
	Admission *admission.Desk
}

// The queue, and those beside it.
const (
	atReviews     = "/operator/reviews"
	atCorrections = "/operator/corrections"
)

const (
	pageReviews = 50
	manyWaiting = 200 // of corrections: beyond it the number says enough
)

// queue is what waits for a reviewer.
type queue struct {
	*staff.Desk
	rows                []admission.Entry
	all, late           int
	program             string // filter; empty: all
	state               string
	counts              map[string]int // by filter's value
	page, pages         int
	claims, corrections int
}

// Reviews lists what waits, the most urgent first.
func (p *Pages) Reviews(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, staff.Page{Title: "Reviews", Current: staff.AtQueue, Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &queue{Desk: d, program: d.Sent("program"), state: d.Sent("state"), counts: map[string]int{}}
		entries, err := p.Admission.Queue(tx, d.Market)
		if err != nil {
			return nil, err
		}
		v.filter(entries)
		if err := v.beside(tx); err != nil {
			return nil, err
		}
		return queuePage(v), nil
	}})
}

// filter counts the whole queue, and keeps the page that is asked for.
func (v *queue) filter(entries []admission.Entry) {
	v.all = len(entries)
	for _, e := range entries {
		v.counts[e.Key.Program.String()]++
		v.counts[string(e.State)]++
		if e.Late {
			v.late++
		}
		if (v.program == "" || v.program == e.Key.Program.String()) && (v.state == "" || v.state == string(e.State)) {
			v.rows = append(v.rows, e)
		}
	}
	v.pages = max((len(v.rows)+pageReviews-1)/pageReviews, 1)
	v.page, _ = strconv.Atoi(v.Sent("page")) // whatever is no number is the first page
	v.page = min(max(v.page, 1), v.pages)
	first := (v.page - 1) * pageReviews
	v.rows = v.rows[first:min(first+pageReviews, len(v.rows))]
}

// beside counts what waits in the other queues.
func (v *queue) beside(tx *db.Tx) (err error) {
	if v.claims, _, err = claim.Counts(tx, v.Market.No, v.DateOf(v.Now)); err != nil {
		return err
	}
	waiting, err := correction.Waiting(tx, v.Market.No, 0, manyWaiting)
	v.corrections = len(waiting)
	return err
}

// address is the queue with some of its filters replaced.
func (v *queue) address(changes ...string) string {
	return v.InMarket(atReviews, append([]string{"program", v.program, "state", v.state}, changes...)...)
}

// filters of the queue: a value, and how it is called.
var (
	programFilters = []staff.Choice{{Value: "", Label: "All"}, {Value: enrolment.Associates.String(), Label: "Associates"},
		{Value: enrolment.Influencer.String(), Label: "Influencer"}, {Value: enrolment.Connections.String(), Label: "Connections"}}
	stateFilters = []staff.Choice{{Value: "", Label: "Any state"}, {Value: string(enrolment.UnderReview), Label: "Under review"},
		{Value: string(enrolment.Applied), Label: "Applied"}}
)

// dueTag says by when somebody decides, in business days, and how it looks.
func dueTag(d *staff.Desk, e admission.Entry) (text, class string) {
	switch {
	case e.Due.IsZero():
		return "", ""
	case e.Late:
		return "was due " + d.LastDay(e.Due), "stop"
	}
	switch days := businessDays(d, e.Due); days {
	case 0:
		return "due today", "stop"
	case 1:
		return "due in 1 business day", "wait"
	default:
		return "due in " + strconv.Itoa(days) + " business days", "wait"
	}
}

// businessDays is how many of them are left until a deadline, whose last day counts.
func businessDays(d *staff.Desk, due time.Time) int {
	const most = 60
	last, zone := d.DateOf(due.Add(-time.Microsecond)), d.Market.Location()
	for days := range most {
		if d.Market.Admission.Due(d.Now, zone, days) >= last {
			return days
		}
	}
	return most
}

// stateWords say where an enrolment stands.
func stateWords(s enrolment.State) string {
	switch s {
	case "":
		return "not there"
	case enrolment.UnderReview:
		return "under review"
	}
	return string(s)
}

func stateClass(s enrolment.State) string {
	switch {
	case s == enrolment.Declined || s == enrolment.Closed || s == enrolment.Suspended:
		return "stop"
	case s.Active():
		return "earn"
	}
	return "wait"
}

// caseAddress leads to an enrolment with its evidence.
func caseAddress(d *staff.Desk, key enrolment.Key, more ...string) string {
	return d.InMarket(atReviews+"/"+key.Creator.Text(id.Creator)+"/"+key.Program.String(), more...)
}

// keyOf reads the enrolment that an address names, in the marketplace that is being looked at.
func keyOf(d *staff.Desk, r *http.Request) (key enrolment.Key, err error) {
	who, err := id.Parse("creator", id.Creator, r.PathValue("creator"))
	i := slices.IndexFunc(admission.Programs, func(p enrolment.Program) bool { return p.String() == r.PathValue("program") })
	if err != nil || i < 0 {
		return key, ui.NotFound
	}
	return enrolment.Key{Market: d.Market.No, Creator: who, Program: admission.Programs[i]}, nil
}
