package account

import (
	"net/http"
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
	"tributary/internal/web/ui"
)

// door is a page before one has signed in.
type door struct {
	*desk
	next     string
	invite   string
	offer    auth.Invitation // what the invitation offers
	passkeys bool
	with     []oidc.Config // accounts elsewhere
}

var (
	onLogin  = page{title: "Sign in"}
	onSignup = page{title: "Sign up"}
)

// door reads what every such page needs: where to go afterwards, and what can be signed in with.
func (p *Pages) door(r *http.Request, d *desk, audience ...oidc.Audience) *door {
	o := &door{desk: d, next: r.FormValue("next"), passkeys: p.Passkeys != nil, invite: r.FormValue("invite")}
	for _, provider := range p.Providers {
		for _, one := range audience {
			if provider.For == one {
				o.with = append(o.with, provider.Config)
			}
		}
	}
	return o
}

func (p *Pages) loginOn(r *http.Request) page {
	on := onLogin
	on.read = func(_ *db.Tx, d *desk) (templ.Component, error) {
		return loginPage(p.door(r, d, oidc.ForStaff, oidc.ForCreators)), nil
	}
	return on
}

// Outside is what somebody without a session sees at any page: the way in, which leads back to where they wanted to be.
func (p *Pages) Outside(w http.ResponseWriter, r *http.Request) error {
	// What was sent is not read: nobody is there to take it from.
	next := "/home"
	if r.Method == http.MethodGet {
		next = r.URL.RequestURI()
	}
	r.Form, r.PostForm = url.Values{"next": {next}}, url.Values{}
	return p.show(w, r, p.loginOn(r), fault.New(fault.Denied, "", "nobody has signed in", "sign in to see this page"))
}

// LoginPage offers every way in. A link that may be used again signs in at once; any other asks for a press of a button, so
// that whoever looks at links before people do (mail scanners, previews) does not spend it.
func (p *Pages) LoginPage(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	switch {
	case token == "" && ui.Who(r).ID != 0:
		http.Redirect(w, r, local(r.URL.Query().Get("next")), http.StatusSeeOther)
		return nil
	case token == "":
		return p.show(w, r, p.loginOn(r), nil)
	}
	var reusable bool
	err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		reusable, err = auth.Reusable(tx, token, clock.Wall())
		return err
	})
	if err != nil {
		return err
	}
	if reusable && r.Method == http.MethodGet && r.Header.Get("Sec-Purpose") == "" {
		to, err := p.byLink(w, r, token)
		if err == nil {
			http.Redirect(w, r, to, http.StatusSeeOther)
		}
		return err
	}
	return p.show(w, r, page{title: "Sign in", read: func(_ *db.Tx, d *desk) (templ.Component, error) {
		return pressPage(pressed{door: p.door(r, d), title: "Sign in", words: "This link signs you in on this device.", action: "/login", token: token}), nil
	}}, nil)
}

// Login takes a login link, or an address with its password.
func (p *Pages) Login(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	if token := r.PostFormValue("token"); token != "" {
		to, err := p.byLink(w, r, token)
		if err == nil {
			http.Redirect(w, r, to, http.StatusSeeOther)
		}
		return err
	}
	return p.take(w, r, p.loginOn(r), func() (string, error) {
		email, err := credential.ParseEmail(r.PostFormValue("email"))
		if err != nil {
			return "", err
		}
		passed, err := p.attempt(r, "account:"+email)
		if err != nil {
			return "", err
		}
		who, err := credential.CheckPassword(r.Context(), p.DB, p.Ring, email, r.PostFormValue("password"), clock.Wall())
		if err != nil {
			return "", err
		}
		if err := passed(r.Context()); err != nil {
			return "", err
		}
		p.remember(r, r.PostFormValue("next"))
		return p.second(w, r, who, "password", toEnter)
	})
}

// byLink signs in with a link: one that was given out by hand, or one that was mailed.
func (p *Pages) byLink(w http.ResponseWriter, r *http.Request, token string) (to string, err error) {
	passed, err := p.attempt(r)
	if err != nil {
		return "", err
	}
	var who id.ID
	var byMail bool
	err = p.write(r, func(tx *db.Tx) error {
		one, err := auth.Login(tx, token, clock.Wall())
		if who, byMail = one.ID, fault.Is(err, fault.Denied); byMail {
			who, err = credential.UseCode(tx, p.Ring, credential.SignIn, token, clock.Wall())
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if err := passed(r.Context()); err != nil {
		return "", err
	}
	if byMail {
		return p.second(w, r, who, "link", toEnter)
	}
	return p.enter(w, r, who, "link") // a link from the operator's hand stands for every proof
}

// remember keeps where somebody wants to go, through the steps of signing in.
func (p *Pages) remember(r *http.Request, next string) {
	if next != "" {
		p.Sessions.Put(r.Context(), keyNext, local(next))
	}
}

// enter signs somebody in: a device, a message to them where the browser is new, a session. It gives where to go.
func (p *Pages) enter(w http.ResponseWriter, r *http.Request, who id.ID, method string) (to string, err error) {
	s := p.Sessions
	to = local(s.GetString(r.Context(), keyNext))
	known := s.known(w, r, who)
	before, was := id.ID(s.GetInt64(r.Context(), keyDevice)), id.ID(s.GetInt64(r.Context(), keyPrincipal))
	var device id.ID
	var seats []auth.Seated
	err = p.write(r, func(tx *db.Tx) error {
		if _, open, err := auth.Find(tx, who); err != nil || !open {
			return orDenied(err)
		}
		devices, err := auth.Devices(tx, who)
		if err != nil {
			return err
		}
		if before != 0 { // the session is replaced, and so is its device
			if err := auth.EndDevice(tx, was, before, clock.Wall()); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		if device, err = auth.OpenDevice(tx, who, browserName(r), method, clock.Wall()); err != nil {
			return err
		}
		if seats, err = auth.Seats(tx, who); err != nil || known || len(devices) == 0 {
			return err
		}
		return p.tell(tx, r, who, "account.signed_in", nil)
	})
	if err != nil {
		return "", err
	}
	return to, s.enter(r, who, device, len(seats))
}

func orDenied(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Denied, "", "this account is closed", "ask whoever runs the installation")
}

// Logout ends the session and its device; its cookie opens nothing any more.
func (p *Pages) Logout(w http.ResponseWriter, r *http.Request) error {
	if err := p.Sessions.leave(r); err != nil {
		return err
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

func (p *Pages) signupOn(r *http.Request) page {
	on := onSignup
	on.read = func(tx *db.Tx, d *desk) (templ.Component, error) {
		o := p.door(r, d, oidc.ForCreators)
		if o.invite != "" {
			var err error
			if o.offer, err = auth.LookInvite(tx, o.invite, d.wall); err != nil {
				if !fault.Is(err, fault.Denied) {
					return nil, err
				}
				o.refused, o.invite = fault.Of(err), ""
			}
		}
		if o.who.ID != 0 && o.invite != "" {
			return acceptPage(o), nil
		}
		return signupPage(o), nil
	}
	return on
}

// SignupPage asks who somebody is. Who has signed in is led on, or takes the invitation that they follow.
func (p *Pages) SignupPage(w http.ResponseWriter, r *http.Request) error {
	if ui.Who(r).ID != 0 && r.FormValue("invite") == "" {
		http.Redirect(w, r, local(r.FormValue("next")), http.StatusSeeOther)
		return nil
	}
	return p.show(w, r, p.signupOn(r), nil)
}

// Signup begins an account and mails a code. An address that is known gets a message that it is; the answer is the same.
func (p *Pages) Signup(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.signupOn(r), func() (string, error) {
		began := clock.Wall()
		email, err := credential.ParseEmail(r.PostFormValue("email"))
		if err != nil {
			return "", err
		}
		name, invite := strings.Join(strings.Fields(r.PostFormValue("name")), " "), r.PostFormValue("invite")
		if err := (auth.Principal{Name: name, Role: auth.Admin}).Check(); err != nil {
			return "", err
		}
		if _, err := p.attempt(r, "mail:"+email); err != nil {
			return "", err
		}
		defer even(r.Context(), began)
		binding := p.Sessions.Browser(r)
		if err := p.write(r, func(tx *db.Tx) error { return p.begin(tx, r, name, email, invite, binding) }); err != nil {
			return "", err
		}
		p.remember(r, r.PostFormValue("next"))
		p.Sessions.Put(r.Context(), keyInvite, invite)
		p.Sessions.Put(r.Context(), keyOwed, string(credential.Verify))
		return "/verify", nil
	})
}

// begin opens an account that nobody can sign in to until its address is verified; only then there is a creator.
func (p *Pages) begin(tx *db.Tx, r *http.Request, name, email, invite, binding string) error {
	wall := clock.Wall()
	if invite != "" {
		if _, err := auth.LookInvite(tx, invite, wall); err != nil {
			return err
		}
	}
	known, found, err := credential.FindByEmail(tx, p.Ring, email)
	if err != nil {
		return err
	}
	if found {
		return p.tell(tx, r, known, "account.known", nil)
	}
	var who auth.Principal
	if invite != "" {
		who, err = auth.OpenPerson(tx, name, wall)
	} else {
		who, err = auth.Open(tx, auth.Principal{Name: name, Role: auth.Creator, Creator: id.New(wall)}, wall)
	}
	if err != nil {
		return err
	}
	if err := credential.SetEmail(tx, p.Ring, who.ID, email, wall); err != nil {
		return err
	}
	return p.mail(tx, r, who.ID, credential.Verify, email, binding)
}

// mailed says how a code reaches somebody, and where its link leads.
var mailed = map[credential.Purpose]struct{ event, path string }{
	credential.Verify: {"account.verify", "/verify"}, credential.Change: {"account.verify", "/verify"},
	credential.SignIn: {"account.sign_in_link", "/login"}, credential.Reset: {"account.sign_in_link", "/recover"},
}

// mail sends somebody a code; to is another address than their verified one.
func (p *Pages) mail(tx *db.Tx, r *http.Request, who id.ID, purpose credential.Purpose, to, binding string) error {
	code, err := credential.MakeCode(tx, p.Ring, who, purpose, binding, clock.Wall())
	if err != nil {
		return err
	}
	way := mailed[purpose]
	link := way.path + "?token=" + url.QueryEscape(code.Link)
	if purpose == credential.Change {
		link += "&for=change"
	}
	return p.tellTo(tx, r, who, to, way.event, map[string]string{"code": code.Digits, "link": link, "minutes": "20"})
}

// MailLink mails a link and a code to sign in with, or to recover an account; the answer is the same for any address.
func (p *Pages) MailLink(purpose credential.Purpose) ui.Action {
	return func(w http.ResponseWriter, r *http.Request) error {
		on := p.loginOn(r)
		if purpose == credential.Reset {
			on = p.recoverOn(r)
		}
		return p.take(w, r, on, func() (string, error) {
			began := clock.Wall()
			email, err := credential.ParseEmail(r.PostFormValue("email"))
			if err != nil {
				return "", err
			}
			if _, err := p.attempt(r, "mail:"+email); err != nil {
				return "", err
			}
			defer even(r.Context(), began)
			binding := p.Sessions.Browser(r)
			err = p.write(r, func(tx *db.Tx) error {
				who, found, err := credential.FindByEmail(tx, p.Ring, email)
				if err != nil || !found {
					return err
				}
				return p.mail(tx, r, who, purpose, "", binding)
			})
			if err != nil {
				return "", err
			}
			p.remember(r, r.PostFormValue("next"))
			p.Sessions.Put(r.Context(), keyOwed, string(purpose))
			return "/verify", nil
		})
	}
}

// pendingFor is how long the steps of signing in may take.
const pendingFor = 20 * time.Minute
