package papers

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// AnnounceJob is the kind of job whose work is Announce.
const AnnounceJob = "announce"

// announcement is the body of a job: creators beyond After are still to be told.
type announcement struct {
	Document string `json:"document"`         // `agreement/3`
	Remind   bool   `json:"remind,omitempty"` // those alone who have not accepted it
	After    id.ID  `json:"after,omitempty"`
}

// announce asks for the next stretch. Each has a key of its own, so that the one that runs is not taken for it.
func announce(tx *db.Tx, a announcement) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	key := a.Document + "/" + a.After.Text(id.Creator)
	if a.Remind {
		key = "remind/" + key
	}
	return job.Add(tx, job.Job{Kind: AnnounceJob, Key: key, Body: body})
}

// Announce is the work of a job: it tells the next creators with an open enrolment of a version, and asks for the job that
// goes on behind them, in one transaction.
func (p *Pages) Announce(ctx context.Context, j job.Job) error {
	var a announcement
	if err := json.Unmarshal(j.Body, &a); err != nil {
		return fault.New(fault.Invalid, "body", "is not an announcement", "publish the document again").Because(err)
	}
	return p.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		v, err := named(tx, a.Document)
		if err != nil {
			return err
		}
		markets, err := market.All(tx)
		if err != nil {
			return err
		}
		open, last, err := staff.NextEnrolled(tx, markets, a.After, p.Clock.Now())
		if err != nil || last == 0 {
			return err
		}
		for _, one := range open {
			if err := p.notify(tx, v, one.Market, one.Creator, a.Remind); err != nil {
				return err
			}
		}
		a.After = last
		return announce(tx, a)
	})
}

// named reads the version that a subject names.
func named(tx *db.Tx, subject string) (document.Version, error) {
	kind, digits, _ := strings.Cut(subject, "/")
	number := int64(0)
	if err := json.Unmarshal([]byte(digits), &number); err != nil {
		return document.Version{}, fault.New(fault.Invalid, "document", "names no version", "publish the document again")
	}
	return document.One(tx, document.Kind(kind), number)
}

// notify tells a creator of a version, or reminds of it.
func (p *Pages) notify(tx *db.Tx, v document.Version, m market.Market, one id.ID, remind bool) error {
	format := ui.NewFormat("", m.Locale, m.Location())
	told := notice.Notice{Event: "document.published", Creator: one, Market: m.ID, At: v.Published, Key: v.Subject(),
		Facts: map[string]string{"what": v.Title, "from": format.Date(v.Effective, v.Published), "link": address(v, v.Number > 1)}}
	if !remind {
		told.Facts["summary"] = orElse(v.Summary, "This is its first version.")
		return notice.Send(tx, p.Ring, told)
	}
	accepted, err := document.AcceptedBy(tx, one)
	if err != nil || slices.ContainsFunc(accepted, func(a document.Accepted) bool { return a.Version == v.ID }) {
		return err
	}
	told.Event, told.At, told.Facts["link"] = "document.reminder", p.Clock.Now(), "/documents/accept"
	return notice.Send(tx, p.Ring, told)
}

// remindDays is how many days before a version takes effect those are reminded who have not accepted it.
const remindDays = 3

// Remind asks for reminders of the versions that take effect soon, at a local midnight of the first marketplace, and tells what
// it did. It may run again: nobody is told twice.
func (p *Pages) Remind(ctx context.Context, m market.Market) (ran []string, err error) {
	err = p.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		ran = nil
		markets, err := market.All(tx)
		if err != nil || len(markets) == 0 || markets[0].No != m.No {
			return err
		}
		now := p.Clock.Now()
		coming, err := document.Coming(tx, now)
		for _, v := range coming {
			if !v.Kind.ToAccept() || v.Effective.After(now.AddDate(0, 0, remindDays)) {
				continue
			}
			if err := announce(tx, announcement{Document: v.Subject(), Remind: true}); err != nil {
				return err
			}
			ran = append(ran, now.In(m.Location()).Format("2006-01-02 15:04 MST")+" "+m.ID+": creators are reminded to accept "+v.Subject())
		}
		return err
	})
	return ran, err
}
