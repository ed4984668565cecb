// Package join answers whoever applies to a program: the application with its drafts, proofs of sites, connected
// accounts, and the status page, which always says what happens next and by when.
//
// What must always hold: everything is read and changed for the creator who has signed in, and for nobody else; what was
// typed is kept before it is judged, so that nothing is typed twice; an answer of a network is taken in the session that
// asked for it alone.
//
// It owns no rule: admission, application, site and network do.
package join

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/report"
	"tributary/internal/secret"
	"tributary/internal/web/ui"
)

// Pages answers requests of applicants.
type Pages struct {
	DB        *db.DB
	Clock     *clock.Business
	Ring      *secret.Ring
	Address   string // under which people reach the installation
	Admission *admission.Desk
	// Session gives what a network's answer is bound to: a value of the session that nobody else knows.
	Session func(*http.Request) string
}

// The pages of this door.
const (
	atPrograms = "/creator/programs"
	atJoin     = "/join"
	atSites    = "/join/sites"
	atNetworks = "/join/networks"
	atLinks    = "/creator/links"
)

// desk is what every page needs, read in the page's own transaction.
type desk struct {
	ui.Frame
	me      auth.Principal
	now     time.Time
	form    url.Values     // what the address or the form says
	refused []*fault.Error // why a form was not taken, in the order of the page
}

// open reads the marketplaces and the one that the address names; without a name it is the first in which the creator has a
// tracking id, else the first. One may apply in each of them.
func (p *Pages) open(tx *db.Tx, r *http.Request, title string) (*desk, error) {
	me := ui.Who(r)
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	if len(markets) == 0 {
		return nil, fault.New(fault.NotFound, "marketplace", "this installation has no marketplace yet", "come back soon")
	}
	name := r.FormValue("market")
	chosen := slices.IndexFunc(markets, func(m market.Market) bool { return m.ID == name })
	if chosen < 0 && name != "" {
		return nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "choose one of the list")
	}
	if chosen < 0 {
		own, err := report.MarketsOf(tx, me.Creator)
		if err != nil {
			return nil, err
		}
		chosen = max(slices.IndexFunc(markets, func(m market.Market) bool { return slices.Contains(own, m.No) }), 0)
	}
	d := &desk{me: me, now: p.Clock.Now(), form: r.Form}
	m := markets[chosen]
	d.Frame = ui.Frame{Title: title, Current: atPrograms, Nav: ui.CreatorNav, Who: me, Markets: markets, Market: m,
		Path: r.URL.Path, Format: ui.NewFormat(r.Header.Get("Accept-Language"), m.Locale, m.Location())}
	if p.Clock.Sandbox() {
		d.Sandbox = d.now
	}
	return d, nil
}

// page is something to show: its title, and how it is read. A form that is refused shows the page on which it stands.
type page struct {
	title string
	read  func(*db.Tx, *desk) (templ.Component, error)
}

// see shows a page.
func (p *Pages) see(w http.ResponseWriter, r *http.Request, v page) error {
	shown, err := p.render(r, v, nil)
	if err != nil {
		return err
	}
	return ui.Send(w, r, shown)
}

func (p *Pages) render(r *http.Request, v page, refused []*fault.Error) (shown templ.Component, err error) {
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, v.title)
		if err != nil {
			return err
		}
		d.refused = refused
		shown, err = v.read(tx, d)
		return err
	})
	return shown, err
}

// take does what a form asks for, and leads to where it can be seen. What is refused comes back on its page, with what was
// typed; what went wrong on our side, and what is not there, is a page of its own.
func (p *Pages) take(w http.ResponseWriter, r *http.Request, on page, do func(*desk) (to string, err error)) error {
	if err := readForm(r); err != nil {
		return err
	}
	var d *desk
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) { d, err = p.open(tx, r, on.title); return err }); err != nil {
		return err
	}
	to, err := do(d)
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	refused := faultsOf(err)
	if kind := refused[0].Kind; kind == fault.NotFound || kind == fault.Unavailable && refused[0].Field == "" {
		return err
	}
	shown, err := p.render(r, on, refused)
	if err != nil {
		return err
	}
	return ui.Refused(w, r, refused[0], shown)
}

// readForm tells a form that is too large, or none, from an empty one.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fault.New(fault.Exhausted, "", fmt.Sprintf("the form is larger than %d kB", large.Limit>>10), "send less at once")
	case err != nil:
		return fault.New(fault.Invalid, "", "the form could not be read", "open the page and send it again").Because(err)
	}
	return nil
}

// several are all the faults of a form: a page names each beside its field.
type several []*fault.Error

func (s several) Error() string { return s[0].Error() }

// Unwrap gives the first: it decides about the status.
func (s several) Unwrap() error { return s[0] }

func faultsOf(err error) []*fault.Error {
	var all several
	if errors.As(err, &all) {
		return all
	}
	return []*fault.Error{fault.Of(err)}
}

// wrong gives what is at fault with a field; nil: nothing.
func (d *desk) wrong(field string) *fault.Error {
	for _, f := range d.refused {
		if f.Field == field || strings.HasPrefix(f.Field, field+"[") {
			return f
		}
	}
	return nil
}

// sent is what the address or a form says in a field, without the spaces around it.
func (d *desk) sent(name string) string { return strings.TrimSpace(d.form.Get(name)) }

// inMarket is an address of ours in the marketplace that is being looked at.
func (d *desk) inMarket(path string, more ...string) string {
	if len(d.Markets) > 1 {
		more = append([]string{"market", d.Market.ID}, more...)
	}
	return ui.Link(path, nil, more...)
}

func (d *desk) money(amount int64) string { return d.Format.Money(amount, d.Market.Currency) }

// key is the creator's enrolment in a program of the marketplace that is being looked at.
func (d *desk) key(program enrolment.Program) enrolment.Key {
	return enrolment.Key{Market: d.Market.No, Creator: d.me.Creator, Program: program}
}

// may tells whether whoever looks may change something: the table of routes asks for a manager's seat.
func (d *desk) may() bool { return d.me.Seat.AtLeast(auth.Manager) }

// programs are the three, in their order.
var programs = []enrolment.Program{enrolment.Associates, enrolment.Influencer, enrolment.Connections}

var programLabels = map[enrolment.Program]string{enrolment.Associates: "Associates", enrolment.Influencer: "Influencer",
	enrolment.Connections: "Connections"}

// programFor says in a line whom a program is for (docs/spec.md §1).
var programFor = map[enrolment.Program]string{
	enrolment.Associates:  "For sites, blogs, apps and channels: links to any product or page.",
	enrolment.Influencer:  "For social accounts: a storefront of your own at one address.",
	enrolment.Connections: "For creators of one of the other two: campaigns of brands, with a bonus beside the commission.",
}

// programOf reads the program that an address names.
func programOf(r *http.Request) (enrolment.Program, error) {
	name := r.PathValue("program")
	for _, p := range programs {
		if p.String() == name {
			return p, nil
		}
	}
	return 0, ui.NotFound
}

// Join leads to the application of the program that the address names, with what else it says (answers to the advisor), or
// to the list of them all.
func (p *Pages) Join(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	name := query.Get("program")
	query.Del("program")
	to := atPrograms
	if slices.ContainsFunc(programs, func(p enrolment.Program) bool { return p.String() == name }) {
		to = atJoin + "/" + name
	}
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// sayings tell what a form led to, by the word that the address holds.
var sayings = map[string]string{
	"saved":        "Saved. You can leave, and go on later on any device.",
	"added":        "The address is on your list.",
	"removed":      "It is gone from your list.",
	"sent":         "Your application is sent.",
	"proved":       "Proved: this site is yours.",
	"begun":        "Proved, and you are in: your links earn from now on.",
	"looking":      "We are looking at your site. This takes a few minutes; the page can be left.",
	"connected":    "Connected.",
	"disconnected": "The connection is ended, and what we could read is no longer read.",
	"withdrawn":    "Taken back.",
	"left":         "You have left the program. What you earned stays yours.",
}

// said is what the last form led to.
func (d *desk) said() string { return sayings[d.form.Get("said")] }
