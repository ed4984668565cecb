package papers

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/fault"
	"tributary/internal/journal"
	"tributary/internal/web/ui"
)

// waiting is what a creator is asked to accept: what is in force first, then what is to come.
type waiting struct {
	*desk
	missing []document.Version
	coming  []document.Version
	next    string // where it goes on
	done    bool
	refused *fault.Error
}

// Waiting shows a creator what is to be accepted.
func (p *Pages) Waiting(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Documents to accept", func(tx *db.Tx, d *desk) (templ.Component, error) {
		v, err := readWaiting(tx, d, r)
		return waitingPage(v), err
	})
}

func readWaiting(tx *db.Tx, d *desk, r *http.Request) (*waiting, error) {
	v := &waiting{desk: d, next: local(r.FormValue("next")), done: r.FormValue("said") == "accepted"}
	var err error
	if v.missing, err = document.Missing(tx, d.Who.Creator, d.now); err != nil {
		return nil, err
	}
	coming, err := document.Coming(tx, d.now)
	for _, one := range coming {
		if _, done := d.accepted[one.ID]; one.Kind.ToAccept() && !done {
			v.coming = append(v.coming, one)
		}
	}
	return v, err
}

// all are the versions that the form accepts.
func (v *waiting) all() []document.Version { return slices.Concat(v.missing, v.coming) }

// local takes an address of our own pages alone: a form leads nowhere else.
func local(next string) string {
	parsed, err := url.Parse(next)
	if err != nil || parsed.IsAbs() || parsed.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") || len(next) > maxNext {
		return ""
	}
	return next
}

const (
	maxNext  = 2_000
	maxNamed = 20 // versions that one form accepts
)

// Accept notes what a creator accepts: the versions that stood on the page, and no other.
func (p *Pages) Accept(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fault.New(fault.Invalid, "", "the form could not be read", "open the page and send it again").Because(err)
	}
	me, next := ui.Who(r), local(r.PostFormValue("next"))
	named := r.PostForm["version"]
	err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		if r.PostFormValue("agreed") == "" {
			return fault.Invalidf("agreed", "is not ticked", "read the documents, and say that you accept them")
		}
		if len(named) == 0 || len(named) > maxNamed {
			return fault.Invalidf("version", "names no document, or more than %d", "open the page and send it again", maxNamed)
		}
		return p.accept(tx, me, named)
	})
	if f := fault.Of(err); err != nil && f.Kind != fault.Unavailable {
		return p.refuse(w, r, f)
	}
	if err != nil {
		return err
	}
	if next == "" {
		next = "/documents/accept?said=accepted"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// accept notes each version that was not accepted before, and writes that down.
func (p *Pages) accept(tx *db.Tx, me auth.Principal, named []string) error {
	before, err := document.AcceptedBy(tx, me.Creator)
	if err != nil {
		return err
	}
	now := p.Clock.Now()
	for _, name := range named {
		kind, digits, _ := strings.Cut(name, "/")
		number, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || document.Kind(kind).Check() != nil {
			return fault.Invalidf("version", "names no document", "open the page and send it again")
		}
		v, err := document.One(tx, document.Kind(kind), number)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(before, func(a document.Accepted) bool { return a.Version == v.ID }) {
			continue
		}
		one := document.Accepted{Version: v.ID, Creator: me.Creator, Principal: me.ID, At: now}
		if err := document.Accept(tx, one); err != nil {
			return err
		}
		before = append(before, one)
		if err := journal.Add(tx, p.Ring, journal.Entry{At: now, Actor: me.ID.Text(auth.Prefix), Action: "document.accepted",
			Subject: "document/" + v.Subject(), Person: me.Creator, After: acceptance{Creator: me.Creator.Text("cr_"), Title: v.Title}}); err != nil {
			return err
		}
	}
	return nil
}

// acceptance is what the journal keeps of one.
type acceptance struct {
	Creator string `json:"creator"`
	Title   string `json:"title"`
}

// refuse shows the page again with what was wrong.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	var page templ.Component
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "Documents to accept")
		if err != nil {
			return err
		}
		v, err := readWaiting(tx, d, r)
		if err != nil {
			return err
		}
		v.refused, v.done = f, false
		page = waitingPage(v)
		return nil
	})
	if err != nil {
		return err
	}
	return ui.Refused(w, r, f, page)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
