package account

import (
	"net/http"
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

// security is the page of somebody's ways in, and of the devices that they are signed in on.
type security struct {
	*desk
	ways     credential.Ways
	keys     []credential.Passkey
	can      bool // passkeys work at this address
	devices  []auth.Device
	here     id.ID
	tied     []tied
	untied   []oidc.Config
	uri      string   // of an authenticator app that is being set up
	secret   string   // the same to type
	recovery []string // shown this once
}

// tied is an account elsewhere with which somebody signs in.
type tied struct {
	oidc.Tied
	Name string
}

// maxDevicesShown bounds the list: those that have ended are told for a while.
const maxDevicesShown = 30

var onSecurity = page{title: "Security", current: "/account"}

// securityOn is the page; change, if set, adds what is shown this once.
func (p *Pages) securityOn(r *http.Request, change func(*security)) page {
	on := onSecurity
	on.read = func(tx *db.Tx, d *desk) (templ.Component, error) {
		s := &security{desk: d, can: p.Passkeys != nil, here: p.Sessions.Device(r)}
		var err error
		if s.ways, err = credential.WaysOf(tx, p.Ring, d.who.ID); err != nil {
			return nil, err
		}
		if s.keys, err = credential.PasskeysOf(tx, d.who.ID); err != nil {
			return nil, err
		}
		if s.devices, err = auth.Devices(tx, d.who.ID); err != nil {
			return nil, err
		}
		s.devices = s.devices[:min(len(s.devices), maxDevicesShown)]
		if err := p.ties(tx, s); err != nil {
			return nil, err
		}
		if change != nil {
			change(s)
		}
		return securityPage(s), nil
	}
	return on
}

// ties reads the accounts elsewhere, and which could be tied.
func (p *Pages) ties(tx *db.Tx, s *security) error {
	ties, err := oidc.Ties(tx, s.who.ID)
	if err != nil {
		return err
	}
	of := map[string]oidc.Tied{}
	for _, one := range ties {
		of[one.Issuer] = one
	}
	for _, provider := range p.Providers {
		if one, known := of[provider.Issuer]; known {
			s.tied = append(s.tied, tied{one, provider.Name})
			delete(of, provider.Issuer)
		} else if (provider.For == oidc.ForStaff) == auth.Staff.Has(s.who.Role) {
			s.untied = append(s.untied, provider.Config)
		}
	}
	for _, one := range of { // its provider was taken out of the configuration
		s.tied = append(s.tied, tied{one, one.Issuer})
	}
	return nil
}

// Security shows it.
func (p *Pages) Security(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, p.securityOn(r, nil), nil)
}

const atSecurity = "/account/security"

// secure does what a form of the page asks for.
func (p *Pages) secure(w http.ResponseWriter, r *http.Request, said string, do func(*db.Tx, id.ID) error) error {
	return p.change(w, r, p.securityOn(r, nil), atSecurity+"?said="+said, func(tx *db.Tx) error { return do(tx, ui.Who(r).ID) })
}

// RenamePasskey changes what its owner calls it.
func (p *Pages) RenamePasskey(w http.ResponseWriter, r *http.Request) error {
	return p.secure(w, r, "renamed", func(tx *db.Tx, who id.ID) error {
		return credential.RenamePasskey(tx, who, r.PathValue("passkey"), sent(r, "name"))
	})
}

// RemovePasskey takes one away.
func (p *Pages) RemovePasskey(w http.ResponseWriter, r *http.Request) error {
	return p.secure(w, r, "removed", func(tx *db.Tx, who id.ID) error {
		all, err := credential.PasskeysOf(tx, who)
		if err != nil {
			return err
		}
		name := ""
		for _, one := range all {
			if one.ID == r.PathValue("passkey") {
				name = one.Name
			}
		}
		if err := credential.RemovePasskey(tx, who, r.PathValue("passkey")); err != nil {
			return err
		}
		if err := p.own(tx, who, "passkey.removed", map[string]string{"name": name}, nil); err != nil {
			return err
		}
		return p.tell(tx, r, who, "account.passkey_removed", map[string]string{"passkey": name})
	})
}

// Password sets a password in place of the one there was, and signs other devices out.
func (p *Pages) Password(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.securityOn(r, nil), func() (string, error) {
		who, here := ui.Who(r).ID, p.Sessions.Device(r)
		about, err := p.about(r, who)
		if err != nil {
			return "", err
		}
		prepared, err := credential.PreparePassword(r.Context(), r.PostFormValue("password"), about...)
		if err != nil {
			return "", err
		}
		return atSecurity + "?said=password", p.write(r, func(tx *db.Tx) error {
			if err := credential.SetPassword(tx, who, prepared, clock.Wall()); err != nil {
				return err
			}
			if err := auth.EndDevices(tx, who, here, clock.Wall()); err != nil {
				return err
			}
			if err := p.own(tx, who, "account.password_changed", nil, nil); err != nil {
				return err
			}
			return p.tell(tx, r, who, "account.password_changed", nil)
		})
	})
}

// EndPassword takes the password away.
func (p *Pages) EndPassword(w http.ResponseWriter, r *http.Request) error {
	return p.secure(w, r, "no-password", func(tx *db.Tx, who id.ID) error {
		if err := credential.EndPassword(tx, who); err != nil {
			return err
		}
		if err := p.own(tx, who, "account.password_ended", nil, nil); err != nil {
			return err
		}
		return p.tell(tx, r, who, "account.password_changed", nil)
	})
}

// BeginApp shows the secret of a new authenticator app, this once: a code of the app confirms it.
func (p *Pages) BeginApp(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	var uri, text string
	err := p.write(r, func(tx *db.Tx) (err error) {
		who := ui.Who(r)
		label := who.Name
		if email, _, ok, err := credential.VerifiedEmail(tx, p.Ring, who.ID); err != nil {
			return err
		} else if ok {
			label = email
		}
		uri, text, err = credential.BeginTOTP(tx, p.Ring, who.ID, p.Name, label, clock.Wall())
		return err
	})
	if err != nil {
		return err
	}
	return p.show(w, r, p.securityOn(r, func(s *security) { s.uri, s.secret = uri, text }), nil)
}

// ConfirmApp takes it into use, and shows the recovery codes, this once.
func (p *Pages) ConfirmApp(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	who := ui.Who(r).ID
	passed, err := p.attempt(r, "factor:"+who.Text(auth.Prefix))
	if err == nil {
		err = p.confirmApp(w, r, who)
	}
	if err == nil {
		return passed(r.Context())
	}
	if f := fault.Of(err); f.Kind != fault.Unavailable {
		return p.show(w, r, p.securityOn(r, nil), f)
	}
	return err
}

func (p *Pages) confirmApp(w http.ResponseWriter, r *http.Request, who id.ID) error {
	var recovery []string
	err := p.write(r, func(tx *db.Tx) (err error) {
		if recovery, err = credential.ConfirmTOTP(tx, p.Ring, who, sent(r, "code"), clock.Wall()); err != nil {
			return err
		}
		if err := p.own(tx, who, "account.second_factor", nil, map[string]string{"app": "added"}); err != nil {
			return err
		}
		return p.tell(tx, r, who, "account.second_factor", map[string]string{"what": "An authenticator app was added"})
	})
	if err != nil {
		return err
	}
	return p.show(w, r, p.securityOn(r, func(s *security) { s.recovery = recovery }), nil)
}

// EndApp takes the second factor away.
func (p *Pages) EndApp(w http.ResponseWriter, r *http.Request) error {
	return p.secure(w, r, "no-app", func(tx *db.Tx, who id.ID) error {
		if err := credential.EndTOTP(tx, who); err != nil {
			return err
		}
		if err := p.own(tx, who, "account.second_factor", map[string]string{"app": "in use"}, nil); err != nil {
			return err
		}
		return p.tell(tx, r, who, "account.second_factor", map[string]string{"what": "The authenticator app was removed"})
	})
}

// Recovery makes new recovery codes, and shows them this once.
func (p *Pages) Recovery(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	who := ui.Who(r).ID
	var recovery []string
	err := p.write(r, func(tx *db.Tx) (err error) {
		if recovery, err = credential.NewRecovery(tx, p.Ring, who); err != nil {
			return err
		}
		if err := p.own(tx, who, "account.second_factor", nil, map[string]string{"recovery": "new codes"}); err != nil {
			return err
		}
		return p.tell(tx, r, who, "account.second_factor", map[string]string{"what": "New recovery codes were made"})
	})
	if fault.Is(err, fault.Conflict) {
		return p.show(w, r, p.securityOn(r, nil), fault.Of(err))
	}
	if err != nil {
		return err
	}
	return p.show(w, r, p.securityOn(r, func(s *security) { s.recovery = recovery }), nil)
}

// EndDevice signs somebody out of one device.
func (p *Pages) EndDevice(w http.ResponseWriter, r *http.Request) error {
	return p.secure(w, r, "device", func(tx *db.Tx, who id.ID) error {
		device, err := id.Parse("device", auth.DevicePrefix, r.PathValue("device"))
		if err != nil {
			return ui.NotFound
		}
		if err := auth.EndDevice(tx, who, device, clock.Wall()); err != nil {
			return err
		}
		return p.own(tx, who, "device.ended", map[string]string{"device": device.Text(auth.DevicePrefix)}, nil)
	})
}

// EndDevices signs them out everywhere but here.
func (p *Pages) EndDevices(w http.ResponseWriter, r *http.Request) error {
	return p.secure(w, r, "devices", func(tx *db.Tx, who id.ID) error {
		if err := auth.EndDevices(tx, who, p.Sessions.Device(r), clock.Wall()); err != nil {
			return err
		}
		return p.own(tx, who, "device.ended", map[string]string{"device": "all others"}, nil)
	})
}

// Untie ends signing in with an account elsewhere. The last way in stays.
func (p *Pages) Untie(w http.ResponseWriter, r *http.Request) error {
	return p.secure(w, r, "untied", func(tx *db.Tx, who id.ID) error {
		ways, err := credential.WaysOf(tx, p.Ring, who)
		if err != nil {
			return err
		}
		if ways.Passkeys == 0 && !ways.Verified {
			return fault.New(fault.Conflict, "", "this is your last way to sign in", "add a passkey or an address first")
		}
		issuer := sent(r, "issuer")
		if err := oidc.Release(tx, who, issuer); err != nil {
			return err
		}
		if err := p.own(tx, who, "identity.untied", map[string]string{"issuer": issuer}, nil); err != nil {
			return err
		}
		return p.tell(tx, r, who, "account.second_factor", map[string]string{"what": "Signing in with an account elsewhere was removed"})
	})
}

// Welcome is the first page of a new account: it offers a passkey.
func (p *Pages) Welcome(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, page{title: "Welcome", read: func(_ *db.Tx, d *desk) (templ.Component, error) {
		o := p.door(r, d)
		o.next = local(p.Sessions.GetString(r.Context(), keyNext))
		return welcomePage(o), nil
	}}, nil)
}

// said are the sentences that a page begins with once a form was taken.
var said = map[string]string{
	"passkey": "The passkey was added.", "renamed": "The passkey has its new name.", "removed": "The passkey was removed.",
	"password": "The password was set. Other devices were signed out.", "no-password": "The password was removed.",
	"no-app": "The authenticator app was removed.", "device": "The device was signed out.", "devices": "All other devices were signed out.",
	"tied": "You can sign in with it from now on.", "untied": "It signs you in no more.",
	"recovered": "You are in again, and everybody else is out. Add a passkey, so that this does not happen again.",
	"saved":     "Saved.", "email": "The new address is confirmed.", "pin": "The phone PIN was set.", "no-pin": "The phone PIN was removed.",
	"switched": "You act for another account now.", "joined": "You have joined.", "seat": "The seat was changed.", "left": "The seat has ended.",
	"cancelled": "The invitation was taken back.", "granted": "The agency may act for you.", "ungranted": "The agency acts for you no more.",
	"team": "The team was made. You act for it now.", "revoked": "The token opens nothing any more.", "role": "The role was changed.",
	"closed": "The account was closed, and is signed out everywhere.",
}

// said is what the last form led to.
func (d *desk) said() string {
	if d.refused != nil {
		return ""
	}
	return said[d.form.Get("said")]
}

// stamp writes when something was; nothing is written as it should be read.
func (d *desk) stamp(at time.Time, never string) string {
	if at.IsZero() {
		return never
	}
	return d.Format.Recent(at, d.wall)
}
