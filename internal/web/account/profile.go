package account

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/web/ui"
)

// profile is the page of who somebody is, and of the account that they act for.
type profile struct {
	*desk
	ways     credential.Ways
	creator  creator.Creator
	personal creator.Personal
	pin      bool
}

func (p *Pages) profileOn() page {
	return page{title: "Account", current: "/account", read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		o := &profile{desk: d}
		var err error
		if o.ways, err = credential.WaysOf(tx, p.Ring, d.who.ID); err != nil {
			return nil, err
		}
		if o.owns() {
			if o.creator, err = creator.One(tx, d.who.Creator); err != nil {
				return nil, err
			}
			if o.personal, err = creator.FindPersonal(tx, p.Ring, d.who.Creator); err != nil {
				return nil, err
			}
			if o.pin, err = credential.HasPIN(tx, d.who.Creator); err != nil {
				return nil, err
			}
		}
		return profilePage(o), nil
	}}
}

// owns tells whether what is personal of a creator is theirs to see: who else acts for the creator does without.
func (o *profile) owns() bool { return o.who.Role == auth.Creator && o.who.Seat == auth.Owner }

// Profile shows it.
func (p *Pages) Profile(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, p.profileOn(), nil)
}

// SaveName changes how the person is called.
func (p *Pages) SaveName(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, p.profileOn(), "/account?said=saved", func(tx *db.Tx) error {
		who := ui.Who(r)
		name := strings.Join(strings.Fields(sent(r, "name")), " ")
		if name == who.Name {
			return nil
		}
		if err := auth.Rename(tx, who.ID, name); err != nil {
			return err
		}
		return p.own(tx, who.ID, "account.renamed", map[string]string{"name": who.Name}, map[string]string{"name": name})
	})
}

// SaveProfile changes what is personal of the creator.
func (p *Pages) SaveProfile(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, p.profileOn(), "/account?said=saved", func(tx *db.Tx) error {
		who := ui.Who(r)
		before, err := creator.FindPersonal(tx, p.Ring, who.Creator)
		if err != nil {
			return err
		}
		after := before
		after.FullName, after.Payee, after.Phone = sent(r, "full_name"), sent(r, "payee"), sent(r, "phone")
		after.Address = strings.ReplaceAll(sent(r, "address"), "\r\n", "\n")
		after.Country, after.Language = strings.ToUpper(sent(r, "country")), sent(r, "language")
		after.Company = r.PostFormValue("company") != ""
		if err := after.Check(); err != nil {
			return err
		}
		if after == before {
			return nil
		}
		if err := creator.SavePersonal(tx, p.Ring, who.Creator, after); err != nil {
			return err
		}
		return p.note(tx, who.ID, "creator.changed", who.Creator.Text(id.Creator), who.Creator, before, after)
	})
}

// SavePIN sets or removes what the creator says on the phone to be recognised.
func (p *Pages) SavePIN(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.profileOn(), func() (string, error) {
		who := ui.Who(r)
		if r.PostFormValue("remove") != "" {
			return "/account?said=no-pin", p.write(r, func(tx *db.Tx) error {
				if err := credential.EndPIN(tx, who.Creator); err != nil {
					return err
				}
				return p.note(tx, who.ID, "creator.pin", who.Creator.Text(id.Creator), who.Creator, map[string]string{"phone": "set"}, nil)
			})
		}
		prepared, err := credential.PreparePIN(r.Context(), p.Ring, who.Creator, sent(r, "pin"))
		if err != nil {
			return "", err
		}
		return "/account?said=pin", p.write(r, func(tx *db.Tx) error {
			if err := credential.SetPIN(tx, prepared, clock.Wall()); err != nil {
				return err
			}
			return p.note(tx, who.ID, "creator.pin", who.Creator.Text(id.Creator), who.Creator, nil, map[string]string{"phone": "set"})
		})
	})
}

// SaveEmail begins a change of address: a code goes to the new one, and the old one stays in use until it is confirmed. An
// address that is somebody else's here gets the same answer; its holder is told that they have an account.
func (p *Pages) SaveEmail(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.profileOn(), func() (string, error) {
		began := clock.Wall()
		email, err := credential.ParseEmail(r.PostFormValue("email"))
		if err != nil {
			return "", err
		}
		who := ui.Who(r).ID
		if _, err := p.attempt(r, "mail:"+email); err != nil {
			return "", err
		}
		defer even(r.Context(), began)
		binding := p.Sessions.Browser(r)
		err = p.write(r, func(tx *db.Tx) error {
			known, found, err := credential.FindByEmail(tx, p.Ring, email)
			switch {
			case err != nil:
				return err
			case found && known == who:
				return fault.Invalidf("email", "is your address already", "send another one")
			case found:
				return p.tell(tx, r, known, "account.known", nil)
			}
			if err := credential.SetEmail(tx, p.Ring, who, email, clock.Wall()); err != nil {
				return err
			}
			return p.mail(tx, r, who, credential.Change, email, binding)
		})
		if err != nil {
			return "", err
		}
		p.Sessions.Put(r.Context(), keyOwed, string(credential.Change))
		return "/verify", nil
	})
}

// moveMail makes a confirmed address the one in use, and tells the old one.
func (p *Pages) moveMail(tx *db.Tx, r *http.Request, who id.ID) error {
	old, verified, _, err := credential.VerifiedEmail(tx, p.Ring, who)
	if err != nil {
		return err
	}
	if err := credential.VerifyEmail(tx, p.Ring, who, clock.Wall()); err != nil {
		return err
	}
	fresh, _, _, err := credential.VerifiedEmail(tx, p.Ring, who)
	if err != nil {
		return err
	}
	me, _, err := auth.Find(tx, who)
	if err != nil {
		return err
	}
	if me.Role == auth.Creator && me.Seat == auth.Owner {
		personal, err := creator.FindPersonal(tx, p.Ring, me.Creator)
		if err != nil {
			return err
		}
		if personal.Email == "" || personal.Email == old { // it was the person's own, and not an office's
			personal.Email = fresh
			if err := creator.SavePersonal(tx, p.Ring, me.Creator, personal); err != nil {
				return err
			}
		}
	}
	if err := p.own(tx, who, "account.email_changed", map[string]string{"email": old}, map[string]string{"email": fresh}); err != nil {
		return err
	}
	if !verified {
		return nil
	}
	return p.tellTo(tx, r, who, old, "account.email_changed", map[string]string{"email": mask(fresh)})
}

// mask shortens an address: enough to recognise one's own.
func mask(email string) string {
	name, host, found := strings.Cut(email, "@")
	if !found || name == "" {
		return ""
	}
	return string([]rune(name)[:1]) + "…@" + host
}
