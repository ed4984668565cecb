package papers

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

func (p *Pages) staff() *staff.Pages { return &staff.Pages{DB: p.DB, Clock: p.Clock} }

// shelf is the staff's list: each kind with what is in force, what is to come, and how many have accepted.
type shelf struct {
	*staff.Desk
	rows []shelved
}

type shelved struct {
	kind     document.Kind
	present  *document.Version
	coming   []document.Version
	accepted int64 // creators who accepted what is in force
}

// Desk lists the documents for the staff.
func (p *Pages) Desk(w http.ResponseWriter, r *http.Request) error {
	if err := p.install(r.Context()); err != nil {
		return err
	}
	return p.staff().See(w, r, staff.Page{Title: "Documents", Current: AtDocuments,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			inForce, err := document.InForce(tx, d.Now)
			if err != nil {
				return nil, err
			}
			coming, err := document.Coming(tx, d.Now)
			if err != nil {
				return nil, err
			}
			v := &shelf{Desk: d}
			for _, kind := range document.Kinds {
				row := shelved{kind: kind}
				for i, one := range inForce {
					if one.Kind == kind {
						row.present = &inForce[i]
						if row.accepted, err = document.Count(tx, one.ID); err != nil {
							return nil, err
						}
					}
				}
				for _, one := range coming {
					if one.Kind == kind {
						row.coming = append(row.coming, one)
					}
				}
				v.rows = append(v.rows, row)
			}
			return deskPage(v), nil
		}})
}

// draft is a version that is being written.
type draft struct {
	*staff.Desk
	kind     document.Kind
	newest   *document.Version // nil: it is the first
	version  document.Version  // as the form has it
	notice   int               // days
	earliest string            // the first local date that is far enough ahead
	preview  string            // HTML; empty: none was asked for
	changes  []change          // against the newest, of a preview
	blanks   map[string]string
}

// Edit shows the form for a new version.
func (p *Pages) Edit(w http.ResponseWriter, r *http.Request) error {
	if document.Kind(r.PathValue("kind")).Check() != nil {
		return ui.NotFound
	}
	if err := p.install(r.Context()); err != nil {
		return err
	}
	return p.staff().See(w, r, p.form(r))
}

func (p *Pages) form(r *http.Request) staff.Page {
	kind := document.Kind(r.PathValue("kind"))
	return staff.Page{Title: document.Names[kind], Current: AtDocuments, Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v, err := readDraft(tx, d, kind)
		if err != nil {
			return nil, err
		}
		if d.Refused == nil && d.Sent("do") == "preview" {
			err = v.look(tx)
		}
		return editPage(v), err
	}}
}

func readDraft(tx *db.Tx, d *staff.Desk, kind document.Kind) (*draft, error) {
	v := &draft{Desk: d, kind: kind}
	history, err := document.History(tx, kind)
	if err != nil {
		return nil, err
	}
	v.version.Kind = kind
	if len(history) > 0 {
		v.newest = &history[0]
		v.version.Title, v.version.Body = v.newest.Title, v.newest.Body
	} else {
		v.version.Title, v.version.Body = document.Shipped(kind)
	}
	if v.notice, err = document.Notice(tx); err != nil {
		return nil, err
	}
	if v.blanks, err = document.Blanks(tx); err != nil {
		return nil, err
	}
	first := d.Now
	if v.newest != nil {
		if first = document.Earliest(d.Now, v.notice); v.newest.Effective.After(first) {
			first = v.newest.Effective
		}
	}
	if v.earliest = d.DateOf(first); !d.Midnight(first.In(d.Market.Location())).Equal(first) {
		v.earliest = d.DateOf(d.Midnight(first.In(d.Market.Location()).AddDate(0, 0, 1)))
	}
	if d.Form.Has("body") {
		v.version.Title, v.version.Body, v.version.Summary = d.Sent("title"), d.Form.Get("body"), d.Sent("summary")
	}
	return v, nil
}

// effective is the date that the form names, or the first possible one.
func (v *draft) effective() string {
	if text := v.Sent("effective"); text != "" {
		return text
	}
	return v.earliest
}

// sent reads the form. A first version without a date is in force at once.
func (v *draft) sent() (document.Version, error) {
	var err error
	out := v.version
	out.By = v.Who.ID
	out.Effective, err = v.DayOf("effective", 0)
	if v.newest == nil && out.Effective.Before(v.Now) {
		out.Effective = time.Time{}
	}
	return out, err
}

// look makes the preview.
func (v *draft) look(tx *db.Tx) error {
	sent, err := v.sent()
	if err == nil {
		sent, err = document.Prepare(tx, sent, v.notice, v.Now)
	}
	if err != nil {
		return err
	}
	if v.preview, err = document.HTML(sent.Body); err != nil || v.newest == nil {
		return err
	}
	shown := paper{Version: sent, history: []document.Version{sent, *v.newest}}
	shown.Number, shown.history[0].Number, shown.history[1].Number = 2, 2, 1
	err = shown.compare("")
	v.changes = shown.changes
	return err
}

// Publish shows what would be published, or publishes it: the version, a line in the journal and the announcement are one.
func (p *Pages) Publish(w http.ResponseWriter, r *http.Request) error {
	kind := document.Kind(r.PathValue("kind"))
	if kind.Check() != nil {
		return ui.NotFound
	}
	if err := p.install(r.Context()); err != nil {
		return err
	}
	if r.PostFormValue("do") == "preview" && p.try(r, kind) == nil {
		return p.staff().See(w, r, p.form(r))
	}
	return p.staff().Take(w, r, p.form(r), func(d *staff.Desk) (string, error) {
		if d.Sent("do") == "preview" {
			return "", p.try(r, kind)
		}
		err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			v, err := readDraft(tx, d, kind)
			if err != nil {
				return err
			}
			sent, err := v.sent()
			if err != nil {
				return err
			}
			if sent, err = document.Publish(tx, sent, v.notice, d.Now); err != nil {
				return err
			}
			return p.tell(tx, d.Who, sent)
		})
		return d.InMarket(AtDocuments, "said", "published"), err
	})
}

// try makes the preview and shows it to nobody: what is wrong with it is told beside the form.
func (p *Pages) try(r *http.Request, kind document.Kind) error {
	return p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.staff().Open(tx, r, "", AtDocuments)
		if err != nil {
			return err
		}
		v, err := readDraft(tx, d, kind)
		if err != nil {
			return err
		}
		return v.look(tx)
	})
}

// published is what the journal keeps.
type published struct {
	Title     string    `json:"title"`
	Effective time.Time `json:"effective"`
	Summary   string    `json:"summary,omitempty"`
}

// tell writes down what was published, and asks for the announcement.
func (p *Pages) tell(tx *db.Tx, by auth.Principal, v document.Version) error {
	if err := journal.Add(tx, p.Ring, journal.Entry{At: v.Published, Actor: by.ID.Text(auth.Prefix), Action: "document.published",
		Subject: "document/" + v.Subject(), After: published{v.Title, v.Effective, v.Summary}}); err != nil {
		return err
	}
	return announce(tx, announcement{Document: v.Subject()})
}

// AnnounceJob is the kind of job whose work is Announce.
const AnnounceJob = "announce"

// batch bounds how many creators are told in one transaction.
const batch = 25

// announcement is the body of a job: creators beyond After are still to be told.
type announcement struct {
	Document string `json:"document"` // `agreement/3`
	After    id.ID  `json:"after,omitempty"`
}

// announce asks for the next stretch. Each has a key of its own, so that the one that runs is not taken for it.
func announce(tx *db.Tx, a announcement) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return job.Add(tx, job.Job{Kind: AnnounceJob, Key: a.Document + "/" + a.After.Text(id.Creator), Body: body})
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
		creators, err := creator.All(tx, a.After, batch)
		if err != nil || len(creators) == 0 {
			return err
		}
		ids := make([]id.ID, len(creators))
		for i, c := range creators {
			ids[i] = c.ID
		}
		open, err := openOnes(tx, markets, ids, p.Clock.Now())
		if err != nil {
			return err
		}
		for _, one := range ids {
			if m := open[one]; m != nil {
				if err := p.notify(tx, v, *m, one); err != nil {
					return err
				}
			}
		}
		return announce(tx, announcement{a.Document, ids[len(ids)-1]})
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

// openOnes gives those of some creators who have an open enrolment, with the first marketplace in which they have one.
func openOnes(tx *db.Tx, markets []market.Market, creators []id.ID, now time.Time) (map[id.ID]*market.Market, error) {
	open := map[id.ID]*market.Market{}
	for i := len(markets) - 1; i >= 0; i-- {
		found, err := enrolment.Standings(tx, markets[i].No, creators)
		if err != nil {
			return nil, err
		}
		for key, history := range found {
			if isOpen(history.At(now)) {
				open[key.Creator] = &markets[i]
			}
		}
	}
	return open, nil
}

// isOpen tells whether somebody in that state is in a program, or on the way into it.
func isOpen(s enrolment.State) bool {
	return s.Active() || s == enrolment.Applied || s == enrolment.Suspended
}

func (p *Pages) notify(tx *db.Tx, v document.Version, m market.Market, one id.ID) error {
	summary := v.Summary
	if summary == "" {
		summary = "This is its first version."
	}
	format := ui.NewFormat("", m.Locale, m.Location())
	return notice.Send(tx, p.Ring, notice.Notice{Event: "document.published", Creator: one, Market: m.ID, At: v.Published, Key: v.Subject(),
		Facts: map[string]string{"what": v.Title, "summary": summary, "from": format.Date(v.Effective, v.Published),
			"link": address(v, v.Number > 1)}})
}

func nextTitle(v *draft) string {
	if v.newest == nil {
		return "Version 1"
	}
	return "Version " + strconv.FormatInt(v.newest.Number+1, 10)
}

func sortedNames(blanks map[string]string) []string { return slices.Sorted(maps.Keys(blanks)) }
