package account

import (
	"io"
	"net/http"
	"net/url"

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

// Stale leads whoever must prove who they are to where they can, and back. A form that was sent is not kept: they come back to
// the page on which it stands.
func Stale(w http.ResponseWriter, r *http.Request) {
	next := r.URL.RequestURI()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		next = "/account"
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host && from.Path != "" {
			next = from.RequestURI()
		}
	}
	http.Redirect(w, r, "/account/prove?next="+url.QueryEscape(local(next)), http.StatusSeeOther)
}

// proof is the page on which somebody proves once more who they are.
type proof struct {
	*door
	ways   credential.Ways
	mailed bool // a code is under way
}

func (p *Pages) proveOn(r *http.Request) page {
	return page{title: "Is it you?", read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		ways, err := credential.WaysOf(tx, p.Ring, d.who.ID)
		if err != nil {
			return nil, err
		}
		audience := oidc.ForCreators
		if auth.Staff.Has(d.who.Role) {
			audience = oidc.ForStaff
		}
		o := &proof{door: p.door(r, d, audience), ways: ways, mailed: r.FormValue("mailed") != ""}
		o.next = local(o.next)
		ties, err := oidc.Ties(tx, d.who.ID)
		tied := map[string]bool{}
		for _, tie := range ties {
			tied[tie.Issuer] = true
		}
		var with []oidc.Config
		for _, one := range o.with {
			if tied[one.Issuer] {
				with = append(with, one)
			}
		}
		o.with = with
		return provePage(o), err
	}}
}

// ProvePage asks for one of the person's ways to sign in.
func (p *Pages) ProvePage(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, p.proveOn(r), nil)
}

// Prove takes a password, with the second factor where there is one.
func (p *Pages) Prove(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.proveOn(r), func() (string, error) {
		who := ui.Who(r).ID
		passed, err := p.attempt(r, "own:"+who.Text(auth.Prefix))
		if err != nil {
			return "", err
		}
		if err := credential.CheckOwnPassword(r.Context(), p.DB, who, r.PostFormValue("password"), clock.Wall()); err != nil {
			return "", err
		}
		if err := passed(r.Context()); err != nil {
			return "", err
		}
		p.remember(r, r.PostFormValue("next"))
		return p.second(w, r, who, "password", toProve)
	})
}

// ProveByMail mails a code to the person's verified address.
func (p *Pages) ProveByMail(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.proveOn(r), func() (string, error) {
		who := ui.Who(r).ID
		if _, err := p.attempt(r, "mail:"+who.Text(auth.Prefix)); err != nil {
			return "", err
		}
		binding := p.Sessions.Browser(r)
		err := p.write(r, func(tx *db.Tx) error { return p.mail(tx, r, who, credential.SignIn, "", binding) })
		if err != nil {
			return "", err
		}
		p.remember(r, r.PostFormValue("next"))
		p.Sessions.Put(r.Context(), keyOwed, string(credential.SignIn))
		return "/verify", nil
	})
}

// maxCredential bounds what an authenticator answers: an attestation holds a few certificates.
const maxCredential = 32 << 10

// script answers our own script: what was refused is a sentence for the page to show.
func (p *Pages) script(w http.ResponseWriter, r *http.Request, do func(body []byte) (any, error)) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCredential))
	if err != nil {
		return answer(w, http.StatusRequestEntityTooLarge, map[string]string{"error": "The answer is too large."})
	}
	if p.Passkeys == nil {
		return ui.NotFound
	}
	result, err := do(body)
	if err == nil {
		return answer(w, http.StatusOK, result)
	}
	f := fault.Of(err)
	if f.Kind == fault.Unavailable {
		return err
	}
	return answer(w, http.StatusUnprocessableEntity, map[string]string{"error": ui.Sentence(err)})
}

// raw is JSON that a library made.
type raw []byte

func (o raw) MarshalJSON() ([]byte, error) { return o, nil }

// BeginPasskey begins a sign-in, or a proof, with a passkey.
func (p *Pages) BeginPasskey(w http.ResponseWriter, r *http.Request) error {
	return p.script(w, r, func([]byte) (any, error) {
		var options []byte
		var ceremony string
		err := p.write(r, func(tx *db.Tx) (err error) {
			options, ceremony, err = p.Passkeys.BeginLogin(tx, clock.Wall())
			return err
		})
		p.Sessions.brief(r)
		p.Sessions.Put(r.Context(), keyCeremony, ceremony)
		return raw(options), err
	})
}

// passkey finishes a ceremony and gives whose passkey it was. A passkey that behaved like a copy is told of.
func (p *Pages) passkey(r *http.Request, body []byte) (who id.ID, err error) {
	passed, err := p.attempt(r)
	if err != nil {
		return 0, err
	}
	ceremony := p.Sessions.PopString(r.Context(), keyCeremony)
	who, err = p.Passkeys.FinishLogin(r.Context(), p.DB, ceremony, body, clock.Wall())
	if err == nil {
		return who, passed(r.Context())
	}
	if who != 0 {
		told := p.write(r, func(tx *db.Tx) error {
			return p.tell(tx, r, who, "account.second_factor", map[string]string{"what": "A passkey behaved like a copy and was refused"})
		})
		if told != nil {
			return 0, told
		}
	}
	return 0, err
}

// LoginByPasskey signs in: a passkey is both factors at once.
func (p *Pages) LoginByPasskey(w http.ResponseWriter, r *http.Request) error {
	return p.script(w, r, func(body []byte) (any, error) {
		who, err := p.passkey(r, body)
		if err != nil {
			return nil, err
		}
		p.remember(r, r.URL.Query().Get("next"))
		to, err := p.enter(w, r, who, "passkey")
		return map[string]string{"to": to}, err
	})
}

// ProveByPasskey takes one of the person's own passkeys.
func (p *Pages) ProveByPasskey(w http.ResponseWriter, r *http.Request) error {
	return p.script(w, r, func(body []byte) (any, error) {
		who, err := p.passkey(r, body)
		if err == nil && who != ui.Who(r).ID {
			err = fault.New(fault.Denied, "", "this passkey is another person's", "use one of your own")
		}
		if err != nil {
			return nil, err
		}
		p.Sessions.proved(r)
		return map[string]string{"to": local(r.URL.Query().Get("next"))}, nil
	})
}

// BeginNewPasskey begins to add one.
func (p *Pages) BeginNewPasskey(w http.ResponseWriter, r *http.Request) error {
	return p.script(w, r, func([]byte) (any, error) {
		var options []byte
		var ceremony string
		err := p.write(r, func(tx *db.Tx) (err error) {
			options, ceremony, err = p.Passkeys.BeginRegister(tx, ui.Who(r).ID, clock.Wall())
			return err
		})
		p.Sessions.Put(r.Context(), keyCeremony, ceremony)
		return raw(options), err
	})
}

// NewPasskey adds it. The name is in the address: the body is the browser's own.
func (p *Pages) NewPasskey(w http.ResponseWriter, r *http.Request) error {
	return p.script(w, r, func(body []byte) (any, error) {
		who, name := ui.Who(r).ID, r.URL.Query().Get("name")
		if name == "" {
			name = browserName(r)
		}
		ceremony := p.Sessions.PopString(r.Context(), keyCeremony)
		err := p.write(r, func(tx *db.Tx) error {
			made, err := p.Passkeys.FinishRegister(tx, who, ceremony, name, body, clock.Wall())
			if err != nil {
				return err
			}
			if err := p.own(tx, who, "passkey.added", nil, map[string]string{"name": made.Name}); err != nil {
				return err
			}
			return p.tell(tx, r, who, "account.passkey_added", map[string]string{"passkey": made.Name})
		})
		to := "/account/security?said=passkey"
		if next := r.URL.Query().Get("next"); next != "" { // who is on the way somewhere goes on
			to = local(next)
		}
		return map[string]string{"to": to}, err
	})
}
