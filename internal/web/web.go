// Package web is the door for people: it knows every page's address, who may open it, the session behind a cookie and
// the live stream. What stands on the pages is the business of web/creator and web/operator.
//
// What must always hold: a route without a row in the table does not exist, and a row lets in whom it names and nobody
// else; a form is taken from our own pages only; no page may run a script, load a style or be framed but by us; a cookie
// is known here by its hash alone.
package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"tributary/internal/admission"
	"tributary/internal/auth"
	"tributary/internal/auth/oidc"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/secret"
	"tributary/internal/web/account"
	"tributary/internal/web/creator"
	"tributary/internal/web/join"
	"tributary/internal/web/journal"
	"tributary/internal/web/notices"
	"tributary/internal/web/operator"
	"tributary/internal/web/papers"
	"tributary/internal/web/person"
	"tributary/internal/web/public"
	"tributary/internal/web/rates"
	"tributary/internal/web/review"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// Config is what the pages need.
type Config struct {
	DB      *db.DB
	Clock   *clock.Business
	Ring    *secret.Ring
	Hints   *event.Hints
	Address string // where links of creators begin: https://go.example
	Home    string // under which people reach these pages; empty: Address
	Name    string // of the installation, as authenticators show it; empty: Tributary
	Secure  bool   // pages are served over https: the cookie says so
	// Client, if set, gives the address of whoever asks: guesses are counted by it. Otherwise it is that of the connection.
	Client func(*http.Request) string
	// Providers are the accounts elsewhere with which people sign in.
	Providers []*oidc.Provider
	// Unshipped, if set, tells how many clicks of this process wait in the log, and since when.
	Unshipped func() (count int64, oldest time.Time)
	// LinkMade, if set, returns once this process's edge knows the links that were made: only then a link is shown.
	LinkMade func(context.Context) error
	// Works are what staff set going.
	Works staff.Works
	// Admission moves enrolments.
	Admission *admission.Desk
}

// Web serves the pages.
type Web struct {
	Config
	sessions *account.Sessions
	handler  http.Handler
	feed     *feed
	creator  *creator.Pages
	operator *operator.Pages
	rates    *rates.Pages
	public   *public.Pages
	account  *account.Pages
	join     *join.Pages
	papers   *papers.Pages
	notices  *notices.Pages
	person   *person.Pages
	review   *review.Pages
	journal  *journal.Pages
}

// New gives the door. Its routes are those of routes.go.
func New(c Config) *Web {
	w := &Web{Config: c, feed: newFeed(c.DB, c.Hints)}
	w.creator = &creator.Pages{DB: c.DB, Clock: c.Clock, Ring: c.Ring, Address: strings.TrimSuffix(c.Address, "/"), LinkMade: c.LinkMade,
		Admission: c.Admission}
	desk := staff.Pages{DB: c.DB, Clock: c.Clock, Ring: c.Ring, Works: c.Works}
	w.operator = &operator.Pages{Pages: desk, Unshipped: c.Unshipped}
	w.rates = &rates.Pages{Pages: desk}
	w.public = &public.Pages{DB: c.DB, Clock: c.Clock}
	w.sessions = account.NewSessions(c.DB, c.Ring, c.Secure)
	w.sessions.Unread = notices.Unread
	w.account = w.accounts(desk)
	w.join = &join.Pages{DB: c.DB, Clock: c.Clock, Ring: c.Ring, Address: strings.TrimSuffix(c.Address, "/"), Admission: c.Admission,
		Session: w.sessions.Browser}
	w.papers = &papers.Pages{DB: c.DB, Clock: c.Clock, Ring: c.Ring}
	w.notices = &notices.Pages{DB: c.DB, Clock: c.Clock, Ring: c.Ring}
	w.person = &person.Pages{DB: c.DB, Clock: c.Clock, Ring: c.Ring}
	w.review = &review.Pages{Pages: desk, Ring: c.Ring, Admission: c.Admission}
	w.journal = &journal.Pages{Pages: desk, Ring: c.Ring}
	mux := http.NewServeMux()
	for _, route := range w.routes() {
		mux.Handle(route.pattern, w.guard(route))
	}
	mux.Handle("/", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { ui.Fail(rw, r, ui.NotFound) }))
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ui.Fail(rw, r, fault.New(fault.Denied, "", "this form was sent from another site", "open the page here and send it again"))
	}))
	w.handler = headers(c.Secure, origin.Handler(w.sessions.LoadAndSave(mux)))
	return w
}

// ServeHTTP answers whatever the table has a row for; anything else leads to a page that says so.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }

// Close ends the live streams and what feeds them.
func (w *Web) Close() { w.feed.close() }

// Patterns lists the addresses of the table, as they are routed.
func (w *Web) Patterns() (patterns []string) {
	for _, route := range w.routes() {
		patterns = append(patterns, route.pattern)
	}
	return patterns
}

// policy lets a page use what this host serves, and nothing else: no inline script or style, no frame, no other host.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers are on every answer, an error's too.
func headers(secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// maxForm bounds what a form may send: the longest field is a pasted address. Those of the staff may carry a file.
const maxForm = 64 << 10

// bound keeps a form within its limit. It is asked after the role: nobody else's file is read.
func (r route) bound() int64 {
	if r.who&^(auth.Staff|fresh) == 0 {
		return staff.MaxFile
	}
	return maxForm
}

// guard asks who is there, and lets in whom the row names.
func (w *Web) guard(route route) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(rw, r.Body, route.bound())
		if route.who == anybody|unread {
			w.act(rw, r, route.action)
			return
		}
		p, visit, ok, err := w.sessions.Visit(r)
		if ok {
			r = r.WithContext(ui.WithVisit(ui.With(r.Context(), p), visit))
		}
		switch {
		case err != nil:
			ui.Fail(rw, r, err)
		case route.who&anybody != 0:
			w.act(rw, r, route.action)
		case !ok:
			w.act(rw, r, w.account.Outside)
		default:
			if err := route.lets(p); err != nil {
				ui.Fail(rw, r, err)
			} else if route.who&fresh != 0 && !w.sessions.Fresh(r) {
				account.Stale(rw, r)
			} else {
				w.act(rw, r, route.action)
			}
		}
	})
}

// lets says why somebody who has signed in may not; nil where they may.
func (r route) lets(p auth.Principal) error {
	switch {
	case r.who&somebody != 0:
		return nil
	case p.Role == "":
		return fault.New(fault.Denied, "", "you act for no account here, or no longer for this one", "switch to another account on your team page")
	case !r.who.Has(p.Role):
		return fault.New(fault.Denied, "", "this page is not for the role "+string(p.Role), "ask whoever runs the installation")
	case !p.Seat.AtLeast(r.least()):
		return fault.New(fault.Denied, "", "this needs the seat of "+article(r.least())+", and you are "+article(p.Seat)+" of this account",
			"ask an owner of the account")
	}
	return nil
}

// least is the seat that a row asks for.
func (r route) least() auth.Seat {
	switch {
	case r.who&owners != 0:
		return auth.Owner
	case r.who&anySeat != 0 || strings.HasPrefix(r.pattern, http.MethodGet+" "):
		return auth.Viewer
	}
	return auth.Manager
}

func article(seat auth.Seat) string {
	if seat == auth.Owner {
		return "an " + string(seat)
	}
	return "a " + string(seat)
}

// act runs an action; what it cannot do becomes a page here and nowhere else.
func (w *Web) act(rw http.ResponseWriter, r *http.Request, action ui.Action) {
	if err := action(rw, r); err != nil {
		ui.Fail(rw, r, err)
	}
}
