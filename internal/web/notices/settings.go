package notices

import (
	"net/http"

	"github.com/a-h/templ"

	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/notice"
	"tributary/internal/web/ui"
)

// settings is what somebody wishes to be told, and where their mail goes.
type settings struct {
	*desk
	modes    map[string]notice.Mode
	address  string // empty: none is known
	verified bool
	stopped  bool // mail came back from it too often
}

// modeWords are the modes as people choose them.
var modeWords = map[notice.Mode]string{notice.Now: "At once", notice.Daily: "Once a day", notice.Weekly: "Once a week", notice.Off: "No mail"}

// saidWords tell what a form led to.
var saidWords = map[string]string{
	"saved": "Saved.",
	"again": "We send mail to this address again.",
}

// Settings shows what somebody is told by mail.
func (p *Pages) Settings(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "What I am told", nil, p.settings)
}

func (p *Pages) settings(tx *db.Tx, d *desk) (templ.Component, error) {
	v := &settings{desk: d}
	var err error
	if v.modes, err = notice.Switches(tx, d.Who.ID); err != nil {
		return nil, err
	}
	var known bool
	if v.address, v.verified, known, err = credential.VerifiedEmail(tx, p.Ring, d.Who.ID); err != nil {
		return nil, err
	}
	if known {
		v.stopped, err = notice.Stopped(tx, p.Ring, v.address)
	}
	return settingsPage(v), err
}

// SaveSettings changes what somebody is told, or lets mail go to their address again.
func (p *Pages) SaveSettings(w http.ResponseWriter, r *http.Request) error {
	who := ui.Who(r)
	said := "saved"
	err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		if r.PostFormValue("do") == "again" {
			said = "again"
			address, _, known, err := credential.VerifiedEmail(tx, p.Ring, who.ID)
			if err != nil || !known {
				return err
			}
			return notice.Believe(tx, p.Ring, address)
		}
		for _, g := range groups(who) {
			mode := r.PostFormValue(g.Code)
			if !g.Quiet() || mode == "" {
				continue
			}
			if err := notice.Switch(tx, who.ID, g.Code, notice.Mode(mode)); err != nil {
				return err
			}
		}
		return nil
	})
	switch f := fault.Of(err); {
	case err == nil:
		http.Redirect(w, r, ui.Link(atSettings, nil, "said", said), http.StatusSeeOther)
		return nil
	case f.Kind == fault.Invalid:
		return p.show(w, r, "What I am told", f, p.settings)
	}
	return err
}

// farewell is the page on which a group is switched off without signing in.
type farewell struct {
	token string
	group notice.Group
	done  bool
	mode  notice.Mode
}

// Unsubscribe asks before it switches off: who looks at links before people do (scanners, previews) switches nothing.
func (p *Pages) Unsubscribe(w http.ResponseWriter, r *http.Request) error {
	v := &farewell{token: r.FormValue("t")}
	var err error
	if _, v.group, err = notice.ReadToken(p.Ring, v.token); err != nil {
		return err
	}
	return ui.Send(w, r, unsubscribePage(v))
}

// SwitchOff does it: from the page, or at once from a mail program (RFC 8058), which sends no cookie and no choice.
func (p *Pages) SwitchOff(w http.ResponseWriter, r *http.Request) error {
	v := &farewell{token: r.FormValue("t"), done: true, mode: notice.Mode(r.FormValue("mail"))}
	if v.mode == "" {
		v.mode = notice.Off
	}
	var principal id.ID
	var err error
	if principal, v.group, err = notice.ReadToken(p.Ring, v.token); err != nil {
		return err
	}
	if err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		return notice.SwitchByMail(tx, principal, v.group, v.mode)
	}); err != nil {
		return err
	}
	return ui.Send(w, r, unsubscribePage(v))
}
