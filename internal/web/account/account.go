// Package account answers whoever signs up, signs in, and looks after how they do it: passkeys, passwords, second factors,
// devices, teams and API tokens; and the staff's page of staff and roles.
//
// What must always hold: an answer never tells whether an address is known here; whoever changes how money or identity is
// reached has proved who they are within the last minutes; what opens a door is shown once.
//
// It owns no rule: auth, auth/credential and auth/oidc do.
package account

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/auth/oidc"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/secret"
	"tributary/internal/web/ui"
)

// Pages answers requests about accounts.
type Pages struct {
	DB        *db.DB
	Clock     *clock.Business
	Ring      *secret.Ring
	Sessions  *Sessions
	Name      string // of the installation, as authenticators show it
	Home      string // the address under which people reach it
	Passkeys  *credential.Passkeys
	Providers []*oidc.Provider
	// Client gives the address of whoever asks; nil: that of the connection.
	Client func(*http.Request) string
	// Nav gives the navigation of the staff's pages.
	Nav func(*db.Tx, *http.Request) []ui.Item
}

// desk is what every page here needs.
type desk struct {
	ui.Frame
	who     auth.Principal
	wall    time.Time
	form    url.Values   // what the address or the form says
	refused *fault.Error // why a form was not taken
}

// open reads what stands around a page. The pages of an account belong to no marketplace: the first one gives the name in
// the corner, and the zone in which times are written.
func (p *Pages) open(tx *db.Tx, r *http.Request, title, current string) (*desk, error) {
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	d := &desk{who: ui.Who(r), wall: clock.Wall(), form: r.Form}
	locale, zone := "en", time.UTC
	d.Frame = ui.Frame{Title: title, Current: current, Who: d.who, Path: r.URL.Path}
	if len(markets) > 0 {
		d.Market, locale, zone = markets[0], markets[0].Locale, markets[0].Location()
	}
	d.Format = ui.NewFormat(r.Header.Get("Accept-Language"), locale, zone)
	switch {
	case d.who.Role == auth.Creator:
		d.Frame.Nav = ui.CreatorNav
	case auth.Staff.Has(d.who.Role) && p.Nav != nil:
		d.Frame.Nav = p.Nav(tx, r)
	}
	if p.Clock.Sandbox() {
		d.Sandbox = p.Clock.Now()
	}
	return d, nil
}

// page is something to show. A form that is refused shows the page on which it stands.
type page struct {
	title, current string
	read           func(*db.Tx, *desk) (templ.Component, error)
}

// show reads and sends a page; refused is why a form was not taken.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, on page, refused *fault.Error) error {
	if err := readForm(r); err != nil {
		return err
	}
	var shown templ.Component
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, on.title, on.current)
		if err != nil {
			return err
		}
		d.refused = refused
		shown, err = on.read(tx, d)
		return err
	})
	switch {
	case err != nil:
		return err
	case refused != nil:
		return ui.Refused(w, r, refused, shown)
	}
	return ui.Send(w, r, shown)
}

// take does what a form asks for, and leads to where it can be seen. What is refused comes back on its page.
func (p *Pages) take(w http.ResponseWriter, r *http.Request, on page, do func() (to string, err error)) error {
	if err := readForm(r); err != nil {
		return err
	}
	to, err := do()
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	if f := fault.Of(err); f.Kind != fault.Unavailable {
		return p.show(w, r, on, f)
	}
	return err
}

// change does what a form asks for in one transaction.
func (p *Pages) change(w http.ResponseWriter, r *http.Request, on page, to string, do func(*db.Tx) error) error {
	return p.take(w, r, on, func() (string, error) { return to, p.write(r, do) })
}

func (p *Pages) write(r *http.Request, do func(*db.Tx) error) error {
	return p.DB.Write(r.Context(), db.Interactive, do)
}

// readForm reads what was sent, so that a form that is too large is said to be so, and is not taken for an empty one.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fault.New(fault.Exhausted, "", "the form is too large", "send less at once")
	case err != nil:
		return fault.New(fault.Invalid, "", "the form could not be read", "open the page and send it again").Because(err)
	}
	return nil
}

// sent is a field without the spaces around it.
func sent(r *http.Request, name string) string { return strings.TrimSpace(r.PostFormValue(name)) }

// wrong tells whether a form was refused for a field.
func (d *desk) wrong(name string) bool { return d.refused != nil && d.refused.Field == name }

// typed is what was sent in a field of a form that was refused, and otherwise what is there.
func (d *desk) typed(name, otherwise string) string {
	if d.refused != nil && d.form.Has(name) {
		return d.form.Get(name)
	}
	return otherwise
}

// tell sends a message about an account's security to the person.
func (p *Pages) tell(tx *db.Tx, r *http.Request, principal id.ID, event string, facts map[string]string) error {
	return p.tellTo(tx, r, principal, "", event, facts)
}

// tellTo sends it to another address than their verified one.
func (p *Pages) tellTo(tx *db.Tx, r *http.Request, principal id.ID, to, event string, facts map[string]string) error {
	now := p.Clock.Now()
	all := map[string]string{"when": now.Format("January 2, 2006, 15:04 MST"), "device": browserName(r)}
	for name, text := range facts {
		all[name] = text
	}
	return notice.Send(tx, p.Ring, notice.Notice{Event: event, Principal: principal, At: now, Key: id.New(clock.Wall()).Text(""), Facts: all, To: to})
}

// note writes a decision of somebody's into the log.
func (p *Pages) note(tx *db.Tx, actor id.ID, action, subject string, person id.ID, before, after any) error {
	return journal.Add(tx, p.Ring, journal.Entry{At: p.Clock.Now(), Actor: actor.Text(auth.Prefix), Action: action, Subject: subject,
		Person: person, Before: before, After: after})
}

// own is a decision of somebody's about themselves.
func (p *Pages) own(tx *db.Tx, who id.ID, action string, before, after any) error {
	return p.note(tx, who, action, who.Text(auth.Prefix), who, before, after)
}

// Limits of guessing are kept by what is guessed at, and by where from. Who has an IPv6 address has a whole network of them.
const networkBits = 64

// from is the address of whoever asks, as guesses are counted.
func (p *Pages) from(r *http.Request) string {
	text := ""
	if p.Client != nil {
		text = p.Client(r)
	} else if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return "address:" + text
	}
	if address = address.Unmap(); address.Is6() {
		if network, err := address.WithZone("").Prefix(networkBits); err == nil {
			return "address:" + network.String()
		}
	}
	return "address:" + address.String()
}

// attempt counts a guess before it is looked at; the returned function takes it back where it was right.
func (p *Pages) attempt(r *http.Request, keys ...string) (passed func(context.Context) error, err error) {
	keys = append(keys, p.from(r))
	if err := credential.Attempt(r.Context(), p.DB, p.Ring, clock.Wall(), keys...); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return p.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error { return credential.Succeeded(tx, p.Ring, clock.Wall(), keys...) })
	}, nil
}

// evenly is how long an answer takes that must not tell by its time whether an address is known.
const evenly = 250 * time.Millisecond

// even waits until an answer has taken as long as all of its kind.
func even(ctx context.Context, began time.Time) {
	select {
	case <-time.After(evenly - clock.Since(began)):
	case <-ctx.Done():
	}
}

// local gives an address of ours to go to, and otherwise the home page: what a link says must not lead elsewhere.
func local(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || len(to) > maxNext ||
		strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "/home"
	}
	return to
}

// maxNext bounds the address that somebody comes back to.
const maxNext = 2000

// answer sends JSON to our own script.
func answer(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text) // whoever left no longer needs it
	return nil
}
