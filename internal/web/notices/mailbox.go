package notices

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/notice"
	"tributary/internal/web/ui"
)

// pageLetters is how many letters the mailbox lists at once.
const pageLetters = 50

// mailbox is what would have been mailed.
type mailbox struct {
	*desk
	rows  []notice.Boxed
	older string
}

// sandboxed lets through what only a sandbox has: elsewhere a mailbox for everybody would open every account.
func (p *Pages) sandboxed() error {
	if !p.Clock.Sandbox() {
		return ui.NotFound
	}
	return nil
}

// Mailbox lists the letters of a sandbox.
func (p *Pages) Mailbox(w http.ResponseWriter, r *http.Request) error {
	if err := p.sandboxed(); err != nil {
		return err
	}
	return p.show(w, r, "Mailbox", nil, func(tx *db.Tx, d *desk) (templ.Component, error) {
		v := &mailbox{desk: d}
		before, _ := id.Parse("before", notice.LetterPrefix, r.FormValue("before"))
		var err error
		if v.rows, err = notice.Mailbox(tx, p.Ring, before, pageLetters+1); err != nil {
			return nil, err
		}
		if len(v.rows) > pageLetters {
			v.rows = v.rows[:pageLetters]
			v.older = ui.Link(atMailbox, nil, "before", v.rows[pageLetters-1].ID.Text(notice.LetterPrefix))
		}
		return mailboxPage(v), nil
	})
}

// letter is one letter of the mailbox.
type letter struct {
	*desk
	notice.Boxed
}

// within is where the letter's button leads on this host, whatever the installation's own address is.
func (l *letter) within() string {
	to, err := url.Parse(l.Link)
	if err != nil || l.Link == "" {
		return ""
	}
	return to.RequestURI()
}

func (p *Pages) letter(tx *db.Tx, r *http.Request) (notice.Boxed, error) {
	number, err := id.Parse("letter", notice.LetterPrefix, r.PathValue("letter"))
	if err != nil {
		return notice.Boxed{}, ui.NotFound
	}
	return notice.MailboxLetter(tx, p.Ring, number)
}

// Letter shows one letter as it would arrive.
func (p *Pages) Letter(w http.ResponseWriter, r *http.Request) error {
	if err := p.sandboxed(); err != nil {
		return err
	}
	framing(w)
	return p.show(w, r, "Mailbox", nil, func(tx *db.Tx, d *desk) (templ.Component, error) {
		found, err := p.letter(tx, r)
		return letterPage(&letter{desk: d, Boxed: found}), err
	})
}

// LetterHTML is the document of a letter, at an address of its own.
func (p *Pages) LetterHTML(w http.ResponseWriter, r *http.Request) error {
	if err := p.sandboxed(); err != nil {
		return err
	}
	var found notice.Boxed
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		found, err = p.letter(tx, r)
		return err
	}); err != nil {
		return err
	}
	return document(w, found.HTML)
}

// framing lets a page show a letter in a frame: documents of this host only.
func framing(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", w.Header().Get("Content-Security-Policy")+"; frame-src 'self'")
}

// letterPolicy lets a letter have its own styles, and nothing else: it runs nothing, loads nothing, sends nothing, and reads
// nothing of this host. A link that a person follows leads out of the frame.
const letterPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'; " +
	"sandbox allow-top-navigation-by-user-activation"

// document sends the HTML of a letter.
func document(w http.ResponseWriter, html string) error {
	h := w.Header()
	h.Set("Content-Security-Policy", letterPolicy)
	h.Set("Cross-Origin-Opener-Policy", "unsafe-none")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(strings.Replace(html, "<head>", `<head><base target="_top">`, 1)))
	return fault.Wrap(err, "sending a letter")
}
