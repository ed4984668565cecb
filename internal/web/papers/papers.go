// Package papers answers whoever reads, accepts or publishes a document.
//
// What must always hold: everybody may read every version, as it was; a creator accepts what stood on the page that was
// sent, and nothing that was published since; whoever publishes says what changes, and every creator with an open enrolment
// is told.
//
// It owns no rule: document does.
package papers

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/secret"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// Pages answers requests about documents.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Ring  *secret.Ring
	ready atomic.Bool // the shipped versions are installed
}

// AtDocuments is where the staff's page about documents stands.
const AtDocuments = "/operator/documents"

// install sees to it that the texts that came with the product are there before the first is asked for.
func (p *Pages) install(ctx context.Context) error {
	if p.ready.Load() {
		return nil
	}
	err := p.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error { return document.Install(tx, p.Clock.Now()) })
	if err == nil {
		p.ready.Store(true)
	}
	return err
}

// desk is what every page about documents needs.
type desk struct {
	ui.Frame
	now      time.Time
	accepted map[id.ID]time.Time // by the creator who looks, by version
}

// open reads whoever looks: creators keep their own navigation, staff theirs.
func (p *Pages) open(tx *db.Tx, r *http.Request, title string) (*desk, error) {
	d := &desk{now: p.Clock.Now()}
	who := ui.Who(r)
	if auth.Staff.Has(who.Role) {
		own, err := (&staff.Pages{DB: p.DB, Clock: p.Clock}).Open(tx, r, title, AtDocuments)
		if err != nil {
			return nil, err
		}
		d.Frame = own.Frame
		return d, nil
	}
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	if len(markets) == 0 {
		return nil, fault.New(fault.NotFound, "", "this installation has no marketplace yet, and so no documents", "come back soon")
	}
	m := markets[0]
	d.Frame = ui.Frame{Title: title, Current: "/documents", Who: who, Markets: markets[:1], Market: m, Path: r.URL.Path,
		Format: ui.NewFormat(r.Header.Get("Accept-Language"), m.Locale, m.Location())}
	if p.Clock.Sandbox() {
		d.Sandbox = d.now
	}
	if who.Creator == 0 {
		return d, nil
	}
	d.Nav = ui.CreatorNav
	d.accepted = map[id.ID]time.Time{}
	all, err := document.AcceptedBy(tx, who.Creator)
	for _, a := range all {
		d.accepted[a.Version] = a.At
	}
	return d, err
}

// show reads and sends a page.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, title string,
	read func(*db.Tx, *desk) (templ.Component, error)) error {
	if err := p.install(r.Context()); err != nil {
		return err
	}
	var page templ.Component
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, title)
		if err == nil {
			page, err = read(tx, d)
		}
		return err
	})
	if err != nil {
		return err
	}
	return ui.Send(w, r, page)
}

// library is the list of the documents.
type library struct {
	*desk
	inForce []document.Version
	coming  []document.Version
	missing int // that the creator who looks has not accepted
}

// Documents lists them all: what is in force, and what is to come.
func (p *Pages) Documents(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Documents", func(tx *db.Tx, d *desk) (templ.Component, error) {
		v := &library{desk: d}
		var err error
		if v.inForce, err = document.InForce(tx, d.now); err != nil {
			return nil, err
		}
		if v.coming, err = document.Coming(tx, d.now); err != nil {
			return nil, err
		}
		for _, one := range v.inForce {
			if _, done := d.accepted[one.ID]; d.Who.Creator != 0 && one.Kind.ToAccept() && !done {
				v.missing++
			}
		}
		return documentsPage(v), nil
	})
}

// paper is one version on its page, or what it changed.
type paper struct {
	*desk
	document.Version
	history  []document.Version // newest first
	present  int64              // number of the version that is in force; 0: none yet
	contents []document.Heading
	html     string
	changes  []change // nil: the text itself is shown
	against  int64    // number of the version that it is compared with
}

// Document shows the version that is in force, or the first to come where none is.
func (p *Pages) Document(w http.ResponseWriter, r *http.Request) error {
	kind := document.Kind(r.PathValue("kind"))
	return p.paper(w, r, kind, func(v *paper) int64 { return max(v.present, 1) })
}

// Version shows one version.
func (p *Pages) Version(w http.ResponseWriter, r *http.Request) error {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 32)
	if err != nil {
		return ui.NotFound
	}
	return p.paper(w, r, document.Kind(r.PathValue("kind")), func(*paper) int64 { return number })
}

func (p *Pages) paper(w http.ResponseWriter, r *http.Request, kind document.Kind, which func(*paper) int64) error {
	if kind.Check() != nil {
		return ui.NotFound
	}
	return p.show(w, r, document.Names[kind], func(tx *db.Tx, d *desk) (templ.Component, error) {
		v := &paper{desk: d}
		var err error
		if v.history, err = document.History(tx, kind); err != nil {
			return nil, err
		}
		for _, one := range v.history {
			if !one.Effective.After(d.now) {
				v.present = one.Number
				break
			}
		}
		if v.Version, err = document.One(tx, kind, which(v)); err != nil {
			return nil, err
		}
		d.Title = v.Version.Title
		if r.FormValue("show") == "changes" && v.Number > 1 {
			return paperPage(v), v.compare(r.FormValue("with"))
		}
		v.contents = document.Contents(v.Body)
		v.html, err = document.HTML(v.Body)
		return paperPage(v), err
	})
}

// change is a paragraph that differs, or a stretch that does not.
type change struct {
	op    document.Op
	html  string
	parts int // paragraphs of the stretch
}

// compare holds the version against the one before it, or against the one that the address names.
func (v *paper) compare(with string) error {
	v.against = v.Number - 1
	if number, err := strconv.ParseInt(with, 10, 32); err == nil && number > 0 && number != v.Number && number <= int64(len(v.history)) {
		v.against = number
	}
	from := v.history[int64(len(v.history))-v.against].Body
	v.changes = []change{}
	for _, part := range document.Diff(from, v.Body) {
		html, err := document.HTML(part.Text)
		if err != nil {
			return err
		}
		if last := len(v.changes) - 1; last >= 0 && part.Op == document.Same && v.changes[last].op == document.Same {
			v.changes[last].html += html
			v.changes[last].parts++
			continue
		}
		v.changes = append(v.changes, change{part.Op, html, 1})
	}
	return nil
}

// state says where a version stands.
func (v *paper) state() (text, class string) {
	switch {
	case v.Effective.After(v.now):
		return "from " + v.Format.Date(v.Effective, v.now), "wait"
	case v.Number == v.present:
		return "in force", "earn"
	}
	return "replaced", ""
}

// until is when the version was, or will be, replaced; empty where no later one is published.
func (v *paper) until() string {
	for _, later := range v.history {
		if later.Number == v.Number+1 {
			return v.Format.Date(later.Effective, v.now)
		}
	}
	return ""
}

// next is the version that is to replace this one; nil: none is published.
func (v *paper) next() *document.Version {
	for i := range v.history {
		if v.history[i].Number > v.present && v.Number == v.present && v.present > 0 {
			return &v.history[i]
		}
	}
	return nil
}

func address(v document.Version, changes bool) string {
	to := "/documents/" + v.Subject()
	if changes {
		to += "?show=changes"
	}
	return to
}
