// Package notices answers whoever reads their messages and says what they wish to be told; shows the operator's people how
// messages are worded and what became of their mail; and, in a sandbox, shows the mailbox that stands for everybody's.
//
// What must always hold: messages are read for whoever has signed in and for nobody else; what opens a door is never shown to
// the staff; a letter is shown as a document of its own, in which nothing runs; outside a sandbox there is no mailbox.
//
// It owns no rule: notice does.
package notices

import (
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/secret"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// Pages answers requests about messages.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Ring  *secret.Ring
}

// Where the pages stand.
const (
	atMessages  = "/messages"
	atSettings  = "/messages/settings"
	atMailbox   = "/mailbox"
	AtTemplates = "/operator/templates"
	AtMail      = "/operator/mail"
)

// pageMessages is how many messages a page lists.
const pageMessages = 40

// Unread counts what somebody has not read: for the frame of every page, in the page's own transaction.
func Unread(tx *db.Tx, who auth.Principal) (int, error) {
	return notice.Unread(tx, who.Creator, who.ID)
}

// staff is the desk on which the operator's pages build.
func (p *Pages) staff() *staff.Pages { return &staff.Pages{DB: p.DB, Clock: p.Clock, Ring: p.Ring} }

// desk is what every page of a person's needs.
type desk struct {
	ui.Frame
	now     time.Time
	said    string
	refused *fault.Error
}

// open reads what stands around a page: creators and staff keep their own navigation. Messages belong to no marketplace.
func (p *Pages) open(tx *db.Tx, r *http.Request, title string) (*desk, error) {
	who := ui.Who(r)
	d := &desk{now: p.Clock.Now(), said: r.FormValue("said")}
	if auth.Staff.Has(who.Role) {
		own, err := p.staff().Open(tx, r, title, atMessages)
		if err == nil {
			d.Frame = own.Frame
			d.Frame.Markets = nil
			return d, nil
		}
		if !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	d.Frame = ui.Frame{Title: title, Current: atMessages, Who: who, Path: r.URL.Path}
	locale, zone := "en", time.UTC
	if len(markets) > 0 {
		d.Market, locale, zone = markets[0], markets[0].Locale, markets[0].Location()
	}
	d.Format = ui.NewFormat(r.Header.Get("Accept-Language"), locale, zone)
	if who.Role == auth.Creator {
		d.Frame.Nav = ui.CreatorNav
	}
	if p.Clock.Sandbox() {
		d.Sandbox = d.now
	}
	return d, nil
}

// show reads and sends a page; refused is why a form was not taken.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, title string, refused *fault.Error,
	read func(*db.Tx, *desk) (templ.Component, error)) error {
	var page templ.Component
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, title)
		if err != nil {
			return err
		}
		d.refused = refused
		page, err = read(tx, d)
		return err
	})
	switch {
	case err != nil:
		return err
	case refused != nil:
		return ui.Refused(w, r, refused, page)
	}
	return ui.Send(w, r, page)
}

// inbox is somebody's messages.
type inbox struct {
	*desk
	rows   []notice.Message
	group  string
	unread int
	older  string
}

// groups are those that whoever reads can have messages of.
func groups(who auth.Principal) []notice.Group {
	staffed := auth.Staff.Has(who.Role)
	return slices.DeleteFunc(slices.Clone(notice.Groups), func(g notice.Group) bool {
		if staffed {
			return !g.Staff && g.Code != "account"
		}
		return g.Staff
	})
}

// Messages lists what somebody was told, newest first.
func (p *Pages) Messages(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Messages", nil, func(tx *db.Tx, d *desk) (templ.Component, error) {
		v := &inbox{desk: d, group: r.FormValue("group")}
		if v.group != "" && !slices.ContainsFunc(groups(d.Who), func(g notice.Group) bool { return g.Code == v.group }) {
			return nil, ui.NotFound
		}
		before, _ := id.Parse("before", notice.Prefix, r.FormValue("before"))
		var err error
		if v.rows, err = notice.List(tx, p.Ring, notice.Query{Creator: d.Who.Creator, Principal: d.Who.ID, Group: v.group, Before: before,
			Limit: pageMessages + 1}); err != nil {
			return nil, err
		}
		if len(v.rows) > pageMessages {
			v.rows = v.rows[:pageMessages]
			v.older = ui.Link(atMessages, nil, "group", v.group, "before", v.rows[pageMessages-1].ID.Text(notice.Prefix))
		}
		v.unread, err = Unread(tx, d.Who)
		return messagesPage(v), err
	})
}

// ReadAll notes that somebody has read all that their page listed, and what came before.
func (p *Pages) ReadAll(w http.ResponseWriter, r *http.Request) error {
	who := ui.Who(r)
	upTo, err := id.Parse("upto", notice.Prefix, r.PostFormValue("upto"))
	if err != nil {
		return err
	}
	if err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		return notice.MarkAllRead(tx, who.Creator, who.ID, upTo, clock.Wall())
	}); err != nil {
		return err
	}
	http.Redirect(w, r, atMessages, http.StatusSeeOther)
	return nil
}

// Open notes that a message was read, and leads where it leads.
func (p *Pages) Open(w http.ResponseWriter, r *http.Request) error {
	who := ui.Who(r)
	number, err := id.Parse("message", notice.Prefix, r.PathValue("message"))
	if err != nil {
		return ui.NotFound
	}
	var m notice.Message
	if err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		if m, err = notice.One(tx, p.Ring, who.Creator, who.ID, number); err != nil {
			return err
		}
		return notice.MarkRead(tx, who.Creator, who.ID, number, clock.Wall())
	}); err != nil {
		return err
	}
	to := m.Link
	if to == "" {
		to = atMessages
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
