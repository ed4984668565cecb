package staff

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/ratecard"
	"tributary/internal/web/ui"
)

// MaxFile bounds what a form with a file in it may send: the largest rates file, and what surrounds it.
const MaxFile = 2<<20 + 64<<10

// Page is something to show: its title, the item of the navigation that it belongs to, and how it is read. A form that
// is refused shows the page on which it stands.
type Page struct {
	Title, Current string
	Read           func(*db.Tx, *Desk) (templ.Component, error)
}

// See shows a page.
func (p *Pages) See(w http.ResponseWriter, r *http.Request, v Page) error {
	return p.Show(w, r, v.Title, v.Current, v.Read)
}

// Take does what a form asks for, and leads to where it can be seen. What is refused comes back on its page, with what was
// typed; what went wrong on our side, and what is not there at all, is a page of its own.
func (p *Pages) Take(w http.ResponseWriter, r *http.Request, on Page, do func(*Desk) (to string, err error)) error {
	if err := readForm(r); err != nil {
		return err
	}
	var d *Desk
	err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		d, err = p.Open(tx, r, on.Title, on.Current)
		return err
	})
	if err != nil {
		return err
	}
	to, err := do(d)
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	return p.refuse(w, r, on, err)
}

// Ask does what a form asks for and sends nothing where that is done: whoever calls it shows the answer. What is refused comes
// back as it does from Take; then the error is nil, too.
func (p *Pages) Ask(w http.ResponseWriter, r *http.Request, on Page, do func(*Desk) error) error {
	if err := readForm(r); err != nil {
		return err
	}
	var d *Desk
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		d, err = p.Open(tx, r, on.Title, on.Current)
		return err
	}); err != nil {
		return err
	}
	if err := do(d); err != nil {
		return p.refuse(w, r, on, err)
	}
	return nil
}

// refuse shows a form's page again, with why it was not taken.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, on Page, err error) error {
	f := fault.Of(err)
	if f.Kind == fault.Unavailable {
		return err
	}
	var shown templ.Component
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.Open(tx, r, on.Title, on.Current)
		if err != nil {
			return err
		}
		d.Refused = f
		shown, err = on.Read(tx, d)
		return err
	}); err != nil {
		return err
	}
	return ui.Refused(w, r, f, shown)
}

// readForm reads what was sent, so that one that is too large is said to be so, and is not taken for an empty one.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	if err == nil {
		if err = r.ParseMultipartForm(MaxFile); errors.Is(err, http.ErrNotMultipart) {
			err = nil
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fault.New(fault.Exhausted, "", fmt.Sprintf("the form is larger than %d kB", large.Limit>>10), "send less at once")
	case err != nil:
		return fault.New(fault.Invalid, "", "the form could not be read", "open the page and send it again").Because(err)
	}
	return nil
}

// Lane runs what touches lines, claims or money, in a transaction that holds the marketplace's lane.
func (p *Pages) Lane(ctx context.Context, d *Desk, fn func(*db.Tx) error) error {
	return p.DB.Lane(ctx, db.Interactive, p.Clock.Now(), []int64{d.Market.Lane()}, fn)
}

// Note writes what somebody of the staff decided into the audit log, in the transaction that makes it true. person is whose
// personal data the reason may hold; 0: nobody's.
func (d *Desk) Note(tx *db.Tx, action, subject string, person id.ID, reason string, after any) error {
	return journal.Add(tx, d.Keys.Ring, journal.Entry{At: d.Now, Actor: d.Who.ID.Text(auth.Prefix), Action: action, Subject: subject, Person: person,
		Reason: reason, After: after})
}

// May tells whether whoever looks may do something.
func (d *Desk) May(roles auth.Roles) bool { return roles.Has(d.Who.Role) }

// Sent is what the address or a form says in a field, without the spaces around it.
func (d *Desk) Sent(name string) string { return strings.TrimSpace(d.Form.Get(name)) }

// Texts are the lines of a field that are not empty: evidence is given one to a line.
func (d *Desk) Texts(name string) (texts []string) {
	for line := range strings.Lines(d.Form.Get(name)) {
		if line = strings.TrimSpace(line); line != "" {
			texts = append(texts, line)
		}
	}
	return texts
}

// AmountOf reads an amount as people write it, below zero too: "−12.50". An empty field is 0.
func (d *Desk) AmountOf(name string) (int64, error) {
	text := d.Sent(name)
	if text == "" {
		return 0, nil
	}
	positive := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "−")
	amount, err := ratecard.ParseAmount(name, positive, d.Market.Currency)
	if positive != text {
		amount = -amount
	}
	return amount, err
}

// WholeOf reads a number of a field; an empty one is 0.
func (d *Desk) WholeOf(name string, most int) (int, error) {
	text := d.Sent(name)
	if text == "" {
		return 0, nil
	}
	number := 0
	for _, digit := range text {
		if digit < '0' || digit > '9' || number > most {
			return 0, fault.Invalidf(name, "is not a whole number up to %d", "write digits only", most)
		}
		number = number*10 + int(digit-'0')
	}
	if number > most {
		return 0, fault.Invalidf(name, "is not a whole number up to %d", "write a smaller one", most)
	}
	return number, nil
}

// Ticked tells whether a form that was sent had a tick there.
func (d *Desk) Ticked(name, value string) bool { return slices.Contains(d.Form[name], value) }

// FormKey is the id of the correction that a form proposes: one correction, however often the form is sent. A form that
// was refused keeps its own.
func (d *Desk) FormKey() string {
	if key := d.Sent("key"); key != "" && d.Refused != nil {
		return key
	}
	return id.New(d.Now).Text(id.Correction)
}

// DateForm is how dates are written in fields and addresses.
const DateForm = "2006-01-02"

// DayOf is the first instant of a local date, or of one so many days later; an empty field is the zero time.
func (d *Desk) DayOf(name string, later int) (time.Time, error) {
	text := d.Sent(name)
	if text == "" {
		return time.Time{}, nil
	}
	date, err := time.Parse(DateForm, text)
	if err != nil || date.Year() < 1990 || date.Year() > 2199 {
		return time.Time{}, fault.Invalidf(name, "is not a date", "write it as 2026-01-31")
	}
	return d.Midnight(date.AddDate(0, 0, later)), nil
}

// Midnight is where a date begins here. Where the clocks jump over midnight, it begins after the jump.
func (d *Desk) Midnight(date time.Time) time.Time {
	start := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, d.Market.Location())
	for start.Day() != date.Day() {
		start = start.Add(15 * time.Minute)
	}
	return start.UTC()
}

// DateOf writes the local date of an instant as fields of forms take it; empty for the zero time.
func (d *Desk) DateOf(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(d.Market.Location()).Format(DateForm)
}

// LastDay is the last local date before an end that is not included.
func (d *Desk) LastDay(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return d.Format.Date(until.Add(-time.Microsecond), d.Now)
}

// Wrong tells whether a refusal names a field.
func (d *Desk) Wrong(name string) bool {
	return d.Refused != nil && (d.Refused.Field == name || strings.HasPrefix(d.Refused.Field, name+"["))
}

// sayings tell what a form led to, by the word that the address holds.
var sayings = map[string]string{
	"posted":    "It is posted: the ledger holds it.",
	"waiting":   "It waits for a second person.",
	"approved":  "Approved, and posted.",
	"declined":  "Declined. Nothing was posted.",
	"withdrawn": "Withdrawn. Nothing was posted.",
	"answered":  "Answered. The creator reads it.",
	"asked":     "The question is sent. The deadline stays.",
	"opened":    "The code belongs to its owner for good.",
	"ended":     "Its end is set.",
	"published": "Published.",
	"saved":     "Saved.",
	"discarded": "The draft is gone. Nothing was published.",
	"started":   "The run has begun. This page can be left: the run goes on.",
	"cancelled": "The run is cancelled.",
}

// Said is what the last form led to.
func (d *Desk) Said() string { return sayings[d.Form.Get("said")] }

// Names gives the names of creators, by id.
func Names(tx *db.Tx, ids []id.ID) (map[id.ID]creator.Creator, error) {
	slices.Sort(ids)
	return creator.Find(tx, slices.Compact(ids))
}

// Name is how a page calls a creator whom it has looked up.
func Name(found map[id.ID]creator.Creator, one id.ID) string {
	if c, ok := found[one]; ok {
		return c.Name
	}
	return one.Text(id.Creator)
}

// Step is something that somebody did, as a history tells it.
type Step struct {
	At          time.Time
	What, Words string
}

// People names the staff and creators who took steps, by what steps call them (`us_…`, `cr_…`).
func People(tx *db.Tx, whos []string) (map[string]string, error) {
	found := map[string]string{"": "the system"}
	for _, who := range whos {
		if _, known := found[who]; known {
			continue
		}
		found[who] = who
		if one, err := id.Parse("who", auth.Prefix, who); err == nil {
			p, open, err := auth.Find(tx, one)
			if err != nil {
				return nil, err
			}
			if open { // a closed account is known by its id
				found[who] = p.Name
			}
		} else if one, err := id.Parse("who", id.Creator, who); err == nil {
			c, err := creator.Find(tx, []id.ID{one})
			if err != nil {
				return nil, err
			}
			found[who] = Name(c, one)
		}
	}
	return found, nil
}

// ID writes a member of the staff as steps name them.
func ID(one id.ID) string {
	if one == 0 {
		return ""
	}
	return one.Text(auth.Prefix)
}
