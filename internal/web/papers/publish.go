package papers

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/journal"
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

func nextTitle(v *draft) string {
	if v.newest == nil {
		return "Version 1"
	}
	return "Version " + strconv.FormatInt(v.newest.Number+1, 10)
}

func sortedNames(blanks map[string]string) []string { return slices.Sorted(maps.Keys(blanks)) }
