package web

import (
	"net/http"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/web/ui"
)

// welcome is what somebody without a session sees at any page.
func welcome(w http.ResponseWriter, r *http.Request) error {
	return ui.Refused(w, r, fault.New(fault.Denied, "", "nobody has signed in", "use your login link"), ui.Welcome())
}

// root is the bare address, without a creator's tag.
func (w *Web) root(rw http.ResponseWriter, r *http.Request) error {
	http.Redirect(rw, r, "/home", http.StatusSeeOther)
	return nil
}

// home leads each role to its own first page.
func (w *Web) home(rw http.ResponseWriter, r *http.Request) error {
	to := "/operator"
	if ui.Who(r).Role == auth.Creator {
		to = "/creator"
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
	return nil
}

// loginPage signs in at once with a link that may be used again; any other asks for a press of a button, so that whoever
// looks at links before people do (mail scanners, previews) does not spend it.
func (w *Web) loginPage(rw http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if token == "" {
		return ui.Send(rw, r, ui.Welcome())
	}
	var reusable bool
	err := w.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		reusable, err = auth.Reusable(tx, token, clock.Wall())
		return err
	})
	if err != nil {
		return err
	}
	if reusable && r.Method == http.MethodGet && r.Header.Get("Sec-Purpose") == "" {
		return w.signIn(rw, r, token)
	}
	return ui.Send(rw, r, ui.LoginForm(token))
}

// login spends a link: the form of loginPage leads here.
func (w *Web) login(rw http.ResponseWriter, r *http.Request) error {
	return w.signIn(rw, r, r.PostFormValue("token"))
}

// signIn exchanges a login link for a session.
func (w *Web) signIn(rw http.ResponseWriter, r *http.Request, token string) error {
	var p auth.Principal
	err := w.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) (err error) {
		p, err = auth.Login(tx, token, clock.Wall())
		return err
	})
	if err != nil {
		return err
	}
	// A session that was there before must not become one that is signed in.
	if err := w.sessions.RenewToken(r.Context()); err != nil {
		return fault.Wrap(err, "renewing a session")
	}
	w.sessions.Put(r.Context(), keyPrincipal, int64(p.ID))
	w.sessions.Put(r.Context(), keySeen, clock.Wall().Unix())
	http.Redirect(rw, r, "/home", http.StatusSeeOther)
	return nil
}

// logout ends the session; its cookie opens nothing any more.
func (w *Web) logout(rw http.ResponseWriter, r *http.Request) error {
	if err := w.sessions.Destroy(r.Context()); err != nil {
		return fault.Wrap(err, "ending a session")
	}
	http.Redirect(rw, r, "/login", http.StatusSeeOther)
	return nil
}
