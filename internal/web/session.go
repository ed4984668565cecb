package web

import (
	"net/http"
	"strings"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/web/account"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// accounts are the pages about accounts, for this installation's address.
func (w *Web) accounts(desk staff.Pages) *account.Pages {
	home, name := strings.TrimSuffix(w.Home, "/"), w.Name
	if home == "" {
		home = strings.TrimSuffix(w.Address, "/")
	}
	if name == "" {
		name = "Tributary"
	}
	// At an address where no browser takes passkeys, people have the other ways.
	passkeys, err := credential.NewPasskeys(name, home)
	if err != nil {
		passkeys = nil
	}
	return &account.Pages{DB: w.DB, Clock: w.Clock, Ring: w.Ring, Sessions: w.sessions, Name: name, Home: home, Passkeys: passkeys,
		Providers: w.Providers, Client: w.Client, Nav: func(tx *db.Tx, r *http.Request) []ui.Item {
			d, err := desk.Open(tx, r, "", "")
			if err != nil { // there is no marketplace yet: nothing to lead to
				return nil
			}
			return d.Frame.Nav
		}}
}

// joined tells whether the creator that is acted for has ever applied to a program.
func (w *Web) joined(r *http.Request) (joined bool, err error) {
	err = w.DB.Read(r.Context(), func(tx *db.Tx) error {
		all, err := enrolment.Of(tx, ui.Who(r).Creator)
		joined = len(all) > 0
		return err
	})
	return joined, err
}

// home leads each role to its own first page.
func (w *Web) home(rw http.ResponseWriter, r *http.Request) error {
	to := "/account/team"
	switch role := ui.Who(r).Role; {
	case role == auth.Creator:
		to = "/creator"
		if joined, err := w.joined(r); err != nil {
			return err
		} else if !joined { // nothing can be earned yet: that comes first
			to = "/creator/programs"
		}
	case auth.Staff.Has(role):
		to = "/operator"
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
	return nil
}
