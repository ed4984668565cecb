package account

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/a-h/templ"
	"golang.org/x/text/unicode/norm"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/web/ui"
)

// What comes after a proof.
const (
	toEnter = "enter"
	toReset = "reset"
	toProve = "prove"
)

func (p *Pages) verifyOn(r *http.Request) page {
	return page{title: "Check your mail", read: func(_ *db.Tx, d *desk) (templ.Component, error) {
		if token := r.URL.Query().Get("token"); token != "" {
			return pressPage(pressed{door: p.door(r, d), title: "Confirm your address", words: "This link confirms that the address is yours.",
				action: "/verify", token: token, purpose: r.URL.Query().Get("for")}), nil
		}
		return codePage(p.door(r, d)), nil
	}}
}

// VerifyPage asks for the code that was mailed, or, for its link, for a press of a button.
func (p *Pages) VerifyPage(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("token") == "" && p.owed(r) == "" {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return nil
	}
	return p.show(w, r, p.verifyOn(r), nil)
}

// owed is the purpose of the code that this browser asked for.
func (p *Pages) owed(r *http.Request) credential.Purpose {
	return credential.Purpose(p.Sessions.GetString(r.Context(), keyOwed))
}

// noCode is one answer for every code that does not work: a guesser learns nothing from it.
var noCode = fault.Invalidf("code", "is not right, was used already, or is older than 20 minutes", "look for the newest mail, or ask for another one")

// Verify takes a mailed code: its digits in the browser that asked for it, or its link in any.
func (p *Pages) Verify(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.verifyOn(r), func() (string, error) {
		token, digits := r.PostFormValue("token"), strings.Join(strings.Fields(r.PostFormValue("code")), "")
		purpose := p.owed(r)
		if token != "" {
			if purpose = credential.Verify; r.PostFormValue("for") == string(credential.Change) {
				purpose = credential.Change
			}
		}
		if _, known := mailed[purpose]; !known {
			return "", noCode
		}
		passed, err := p.attempt(r)
		if err != nil {
			return "", err
		}
		who, err := p.spend(r, purpose, token, digits)
		if err != nil {
			return "", err
		}
		if err := passed(r.Context()); err != nil {
			return "", err
		}
		p.Sessions.Remove(r.Context(), keyOwed)
		switch purpose {
		case credential.SignIn:
			if mine := ui.Who(r); mine.ID == who { // somebody proves once more who they are
				return p.second(w, r, who, "link", toProve)
			}
			return p.second(w, r, who, "link", toEnter)
		case credential.Reset:
			return p.second(w, r, who, "link", toReset)
		case credential.Change:
			return "/account?said=email", nil
		}
		to, err := p.enter(w, r, who, "link")
		p.remember(r, to)
		return "/welcome", err
	})
}

// spend uses a code, and does with it what it is for. Wrong digits are counted, whatever else happens.
func (p *Pages) spend(r *http.Request, purpose credential.Purpose, token, digits string) (who id.ID, err error) {
	var ok bool
	invite := p.Sessions.GetString(r.Context(), keyInvite)
	next := p.Sessions.GetString(r.Context(), keyNext)
	err = p.write(r, func(tx *db.Tx) error {
		wall := clock.Wall()
		if token != "" {
			who, err = credential.UseCode(tx, p.Ring, purpose, token, wall)
			ok = err == nil
		} else {
			who, ok, err = credential.UseDigits(tx, p.Ring, purpose, p.Sessions.Browser(r), digits, wall)
		}
		if err != nil || !ok {
			return err
		}
		switch purpose {
		case credential.Verify:
			if err := credential.VerifyEmail(tx, p.Ring, who, wall); err != nil {
				return err
			}
			return p.welcome(tx, r, who, invite)
		case credential.Change:
			return p.moveMail(tx, r, who)
		}
		return nil
	})
	if err == nil && !ok {
		err = noCode
	}
	p.remember(r, next)
	return who, err
}

// welcome makes the creator whose address was just verified, and takes the invitation that they came by.
func (p *Pages) welcome(tx *db.Tx, r *http.Request, principal id.ID, invite string) error {
	who, open, err := auth.Find(tx, principal)
	if err != nil || !open {
		return orDenied(err)
	}
	if who.Role == auth.Creator {
		email, _, _, err := credential.VerifiedEmail(tx, p.Ring, principal)
		if err == nil {
			err = p.settle(tx, who, creator.Personal{FullName: who.Name, Email: email})
		}
		if err != nil {
			return err
		}
	}
	if invite == "" {
		return nil
	}
	if err := p.join(tx, r, principal, invite); err != nil && !fault.Is(err, fault.Denied) {
		return err // an offer that is gone meanwhile leaves a person without a seat, who may be invited again
	}
	return nil
}

// settle makes the creator of a new account; where there is one already, it stays as it is.
func (p *Pages) settle(tx *db.Tx, who auth.Principal, personal creator.Personal) error {
	found, err := creator.Find(tx, []id.ID{who.Creator})
	if err != nil || len(found) > 0 {
		return err
	}
	handle, err := freeHandle(tx, who.Name)
	if err != nil {
		return err
	}
	one := creator.Creator{ID: who.Creator, Name: who.Name, Handle: handle, Created: p.Clock.Now()}
	if err := creator.Create(tx, p.Ring, one, personal); err != nil {
		return err
	}
	return p.note(tx, who.ID, "account.opened", who.Creator.Text(id.Creator), who.Creator, nil, map[string]string{"name": who.Name, "handle": handle})
}

// handleLetters are what is left of a name for a handle.
const (
	handleLength   = 24 // leaves room for what makes it the only one
	handleTries    = 20
	shortestHandle = 3
)

// freeHandle derives a handle from a name that nobody has. Letters with marks lose them; what has no Latin letters becomes
// a number. It can be changed until links are made with it.
func freeHandle(tx *db.Tx, name string) (string, error) {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case unicode.IsMark(r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	base := b.String()
	if len(base) > handleLength {
		base = base[:handleLength]
	}
	if base = strings.Trim(base, "-"); len(base) < shortestHandle {
		base = strings.Trim("creator-"+base, "-")
	}
	for try := range handleTries {
		handle := base
		switch {
		case try > 0 && try < handleTries-1:
			handle += strconv.Itoa(try + 1)
		case try == handleTries-1: // a name that many have
			text := id.New(clock.Wall()).Text("")
			handle += "-" + strings.ToLower(text[max(0, len(text)-5):])
		}
		_, err := creator.ByHandle(tx, handle)
		if fault.Is(err, fault.NotFound) {
			return handle, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fault.New(fault.Conflict, "name", "leads to a handle that many have", "try again")
}

// second goes on once somebody gave a first proof: to the second factor where they have one.
func (p *Pages) second(w http.ResponseWriter, r *http.Request, who id.ID, method, after string) (to string, err error) {
	var ways credential.Ways
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		ways, err = credential.WaysOf(tx, p.Ring, who)
		return err
	})
	if err != nil {
		return "", err
	}
	if !ways.TOTP {
		return p.after(w, r, who, method, after)
	}
	if err := p.wait(r, who, method+" "+after); err != nil {
		return "", err
	}
	return "/login/second", nil
}

// wait keeps who is about to sign in while they owe something.
func (p *Pages) wait(r *http.Request, who id.ID, step string) error {
	if err := p.Sessions.RenewToken(r.Context()); err != nil {
		return fault.Wrap(err, "renewing a session")
	}
	p.Sessions.brief(r)
	p.Sessions.Put(r.Context(), keyPending, int64(who))
	p.Sessions.Put(r.Context(), keyStep, step)
	p.Sessions.Put(r.Context(), keyWaits, clock.Wall().Unix())
	return nil
}

// waiting is who is about to sign in; ok is false where nobody is, or they took too long.
func (p *Pages) waiting(r *http.Request) (who id.ID, step string, ok bool) {
	ctx := r.Context()
	since := clock.Since(time.Unix(p.Sessions.GetInt64(ctx, keyWaits), 0))
	who, step = id.ID(p.Sessions.GetInt64(ctx, keyPending)), p.Sessions.GetString(ctx, keyStep)
	return who, step, who != 0 && since < pendingFor
}

// waited forgets them.
func (p *Pages) waited(r *http.Request) {
	for _, key := range []string{keyPending, keyStep, keyWaits} {
		p.Sessions.Remove(r.Context(), key)
	}
}

// after does what somebody proved themselves for.
func (p *Pages) after(w http.ResponseWriter, r *http.Request, who id.ID, method, after string) (to string, err error) {
	switch after {
	case toReset:
		return "/recover/new", p.wait(r, who, toReset)
	case toProve:
		p.waited(r)
		if ui.Who(r).ID != who {
			return "", fault.New(fault.Denied, "", "somebody else has signed in here meanwhile", "begin again")
		}
		p.Sessions.proved(r)
		to = local(p.Sessions.GetString(r.Context(), keyNext))
		p.Sessions.Remove(r.Context(), keyNext)
		return to, nil
	}
	return p.enter(w, r, who, method)
}

func (p *Pages) secondOn(r *http.Request) page {
	return page{title: "Second factor", read: func(_ *db.Tx, d *desk) (templ.Component, error) { return secondPage(p.door(r, d)), nil }}
}

// SecondPage asks for the code of an authenticator app, or a recovery code.
func (p *Pages) SecondPage(w http.ResponseWriter, r *http.Request) error {
	if _, _, ok := p.waiting(r); !ok {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return nil
	}
	return p.show(w, r, p.secondOn(r), nil)
}

// Second takes it.
func (p *Pages) Second(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.secondOn(r), func() (string, error) {
		who, step, ok := p.waiting(r)
		method, after, steps := strings.Cut(step, " ")
		if !ok || !steps {
			return "/login", nil
		}
		if err := p.factor(r, who, r.PostFormValue("code")); err != nil {
			return "", err
		}
		return p.after(w, r, who, method, after)
	})
}

// factor takes a second factor: the app's six digits, or a recovery code. Each works once.
func (p *Pages) factor(r *http.Request, who id.ID, code string) error {
	passed, err := p.attempt(r, "factor:"+who.Text(auth.Prefix))
	if err != nil {
		return err
	}
	code = strings.Join(strings.Fields(code), "")
	app := len(code) == totpDigits && strings.Trim(code, "0123456789") == ""
	var right bool
	err = p.write(r, func(tx *db.Tx) error {
		if app {
			right, err = credential.CheckTOTP(tx, p.Ring, who, code, clock.Wall())
			return err
		}
		if right, err = credential.UseRecovery(tx, p.Ring, who, code); err != nil || !right {
			return err
		}
		return p.tell(tx, r, who, "account.second_factor", map[string]string{"what": "A recovery code was used"})
	})
	if err != nil {
		return err
	}
	if !right {
		return fault.Invalidf("code", "is not right, or was used already", "wait for the app's next code, or use a recovery code")
	}
	return passed(r.Context())
}

const totpDigits = 6

func (p *Pages) recoverOn(r *http.Request) page {
	return page{title: "Recover your account", read: func(_ *db.Tx, d *desk) (templ.Component, error) {
		if token := r.URL.Query().Get("token"); token != "" {
			return pressPage(pressed{door: p.door(r, d), title: "Recover your account", words: "This link lets you in, so that you can set up a new way to sign in.",
				action: "/recover/link", token: token}), nil
		}
		return recoverPage(p.door(r, d)), nil
	}}
}

// RecoverPage asks for the address of an account that somebody cannot sign in to.
func (p *Pages) RecoverPage(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, p.recoverOn(r), nil)
}

// RecoverLink takes the mailed link.
func (p *Pages) RecoverLink(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.recoverOn(r), func() (string, error) {
		passed, err := p.attempt(r)
		if err != nil {
			return "", err
		}
		who, err := p.spend(r, credential.Reset, r.PostFormValue("token"), "")
		if err != nil {
			return "", err
		}
		if err := passed(r.Context()); err != nil {
			return "", err
		}
		return p.second(w, r, who, "link", toReset)
	})
}

func (p *Pages) renewOn(r *http.Request) page {
	return page{title: "A new password", read: func(_ *db.Tx, d *desk) (templ.Component, error) { return renewPage(p.door(r, d)), nil }}
}

// RenewPage asks whoever recovered an account for a new password.
func (p *Pages) RenewPage(w http.ResponseWriter, r *http.Request) error {
	if _, step, ok := p.waiting(r); !ok || step != toReset {
		http.Redirect(w, r, "/recover", http.StatusSeeOther)
		return nil
	}
	return p.show(w, r, p.renewOn(r), nil)
}

// Renew sets it, or goes on without, and signs everybody else out.
func (p *Pages) Renew(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.renewOn(r), func() (string, error) {
		who, step, ok := p.waiting(r)
		if !ok || step != toReset {
			return "/recover", nil
		}
		var prepared *credential.Password
		if r.PostFormValue("without") == "" {
			about, err := p.about(r, who)
			if err != nil {
				return "", err
			}
			one, err := credential.PreparePassword(r.Context(), r.PostFormValue("password"), about...)
			if err != nil {
				return "", err
			}
			prepared = &one
		}
		err := p.write(r, func(tx *db.Tx) error {
			if prepared != nil {
				if err := credential.SetPassword(tx, who, *prepared, clock.Wall()); err != nil {
					return err
				}
			}
			if err := auth.EndDevices(tx, who, 0, clock.Wall()); err != nil {
				return err
			}
			if err := p.own(tx, who, "account.recovered", nil, nil); err != nil {
				return err
			}
			return p.tell(tx, r, who, "account.recovered", nil)
		})
		if err != nil {
			return "", err
		}
		if _, err := p.enter(w, r, who, "link"); err != nil {
			return "", err
		}
		return "/account/security?said=recovered", nil
	})
}

// about is what a password must not hold.
func (p *Pages) about(r *http.Request, who id.ID) (about []string, err error) {
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		one, _, err := auth.Find(tx, who)
		if err != nil {
			return err
		}
		ways, err := credential.WaysOf(tx, p.Ring, who)
		about = []string{one.Name, ways.Email, ways.Pending}
		return err
	})
	return about, err
}
