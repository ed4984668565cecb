// Package person answers whoever asks what is kept about them: all of it as a file, and its erasure.
//
// What must always hold: everything is about the account that is acted for, and only its owner takes it along or ends it; what
// an erasure takes and leaves is said before, with the money that it forgoes.
//
// It owns no rule: rights does.
package person

import (
	"net/http"
	"strings"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/rights"
	"tributary/internal/secret"
	"tributary/internal/web/ui"
)

// Pages answers requests about a person's own data.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Ring  *secret.Ring
}

// data is the page.
type data struct {
	ui.Frame
	now     time.Time
	account creator.Creator
	kept    []rights.Kept
	due     []rights.Due
	refused *fault.Error
	typed   string
}

// owner tells whether whoever looks may take the data along, and erase it.
func (d *data) owner() bool { return d.Who.Seat.AtLeast(auth.Owner) }

// owed tells whether there is money that an erasure would forgo.
func (d *data) owed() bool {
	for _, one := range d.due {
		if one.Total() > 0 {
			return true
		}
	}
	return false
}

// Data tells what is kept about the account, in plain words, with counts.
func (p *Pages) Data(w http.ResponseWriter, r *http.Request) error {
	d, err := p.open(r)
	if err != nil {
		return err
	}
	return ui.Send(w, r, dataPage(d))
}

// open reads the page in one look.
func (p *Pages) open(r *http.Request) (*data, error) {
	d := &data{now: p.Clock.Now(), typed: strings.TrimSpace(r.PostFormValue("handle"))}
	who := ui.Who(r)
	return d, p.DB.Read(r.Context(), func(tx *db.Tx) error {
		markets, err := market.All(tx)
		if err != nil {
			return err
		}
		d.Frame = ui.Frame{Title: "Your data", Nav: ui.CreatorNav, Who: who, Path: r.URL.Path}
		locale, zone := "en", time.UTC
		if len(markets) > 0 { // the account's pages belong to no marketplace: the first one gives name and zone
			d.Market, locale, zone = markets[0], markets[0].Locale, markets[0].Location()
		}
		d.Format = ui.NewFormat(r.Header.Get("Accept-Language"), locale, zone)
		if p.Clock.Sandbox() {
			d.Sandbox = d.now
		}
		if d.account, err = creator.One(tx, who.Creator); err != nil {
			return err
		}
		if d.kept, err = rights.Summary(tx, who.Creator); err != nil {
			return err
		}
		d.due, err = rights.DueOf(tx, who.Creator)
		return err
	})
}

// Export sends all of it as a file. That it was taken is in the log, and told to the person, before its first byte leaves.
func (p *Pages) Export(w http.ResponseWriter, r *http.Request) error {
	who, now := ui.Who(r), p.Clock.Now()
	write, err := rights.Prepare(r.Context(), p.DB, p.Ring, who.Creator, now)
	if err != nil {
		return err
	}
	err = p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		if err := notice.Send(tx, p.Ring, notice.Notice{Event: "data.exported", Creator: who.Creator, At: now, Key: id.New(now).Text("ex_"),
			Facts: map[string]string{"when": now.Format("January 2, 2006, 15:04 MST")}}); err != nil {
			return err
		}
		return journal.Add(tx, p.Ring, journal.Entry{At: now, Actor: who.ID.Text(auth.Prefix), Action: "person.exported",
			Subject: who.Creator.Text(id.Creator), Person: who.Creator})
	})
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/zip")
	header.Set("Content-Disposition", `attachment; filename="`+who.Creator.Text(id.Creator)+now.Format("-2006-01-02")+`.zip"`)
	header.Set("Cache-Control", "no-store")
	if err := write(w); err != nil {
		// Half a file must not be taken for all of it: the connection is cut.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// Erase erases the account, once its handle was typed and money that is due was forgone.
func (p *Pages) Erase(w http.ResponseWriter, r *http.Request) error {
	d, err := p.open(r)
	if err != nil {
		return err
	}
	if err = d.confirmed(r); err == nil {
		err = rights.Erase(r.Context(), p.DB, p.Ring, d.Who.Creator, d.Who.ID.Text(auth.Prefix), r.PostFormValue("forgo") == "yes", d.now)
	}
	if err == nil {
		// Nobody is signed in any more: the page needs no account.
		return ui.Send(w, r.WithContext(ui.With(r.Context(), auth.Principal{})), donePage())
	}
	if d.refused = fault.Of(err); d.refused.Kind == fault.Unavailable {
		return err
	}
	return ui.Refused(w, r, d.refused, dataPage(d))
}

// confirmed wants the handle, so that nobody erases an account by a slip or another one than they think.
func (d *data) confirmed(r *http.Request) error {
	if !strings.EqualFold(d.typed, d.account.Handle) {
		return fault.Invalidf("handle", "is not the handle of this account", "type "+d.account.Handle)
	}
	if d.owed() && r.PostFormValue("forgo") != "yes" {
		return fault.New(fault.Conflict, "forgo", "money is due to this account, and nobody can be paid once it is erased",
			"have it paid first, or tick that you forgo it")
	}
	return nil
}

// count writes how many there are of something.
func (d *data) count(k rights.Kept) string {
	if k.Count < 0 {
		return ""
	}
	return d.Format.Count(k.Count)
}

// money writes an amount that is due.
func (d *data) money(amount int64, m market.Market) string { return d.Format.Money(amount, m.Currency) }
