package operator

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
	"tributary/internal/ratecard"
	"tributary/internal/web/ui"
)

// MaxFile bounds what a form with a file in it may send: the largest rates file, and what surrounds it.
const MaxFile = 2<<20 + 64<<10

// page is something to show: its title, the item of the navigation that it belongs to, and how it is read. A form that
// is refused shows the page on which it stands.
type page struct {
	title, current string
	read           func(*db.Tx, *desk) (templ.Component, error)
}

// see shows a page.
func (p *Pages) see(w http.ResponseWriter, r *http.Request, v page) error {
	return p.show(w, r, v.title, v.current, v.read)
}

// take does what a form asks for, and leads to where it can be seen. What is refused comes back on its page, with what was
// typed; what went wrong on our side, and what is not there at all, is a page of its own.
func (p *Pages) take(w http.ResponseWriter, r *http.Request, on page, do func(*desk) (to string, err error)) error {
	if err := readForm(r); err != nil {
		return err
	}
	var d *desk
	err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		d, err = p.open(tx, r, on.title, on.current)
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
	f := fault.Of(err)
	if f.Kind == fault.Unavailable {
		return err
	}
	var shown templ.Component
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, on.title, on.current)
		if err != nil {
			return err
		}
		d.refused = f
		shown, err = on.read(tx, d)
		return err
	}); err != nil {
		return err
	}
	return ui.Refused(w, r, f, shown)
}

// readForm reads what was sent, so that one that is too large is said to be so, and is not taken for an empty one.
func readForm(r *http.Request) error {
	err := r.ParseMultipartForm(MaxFile)
	if errors.Is(err, http.ErrNotMultipart) {
		err = r.ParseForm()
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

// lane runs what touches lines, claims or money, in a transaction that holds the marketplace's lane.
func (p *Pages) lane(ctx context.Context, d *desk, fn func(*db.Tx) error) error {
	return p.DB.Lane(ctx, db.Interactive, p.Clock.Now(), []int64{d.Market.Lane()}, fn)
}

// may tells whether whoever looks may do something.
func (d *desk) may(roles auth.Roles) bool { return roles.Has(d.Who.Role) }

// sent is what the address or a form says in a field, without the spaces around it.
func (d *desk) sent(name string) string { return strings.TrimSpace(d.form.Get(name)) }

// texts are the lines of a field that are not empty: evidence is given one to a line.
func (d *desk) texts(name string) (texts []string) {
	for line := range strings.Lines(d.form.Get(name)) {
		if line = strings.TrimSpace(line); line != "" {
			texts = append(texts, line)
		}
	}
	return texts
}

// amount reads an amount as people write it, below zero too: "−12.50". An empty field is 0.
func (d *desk) amount(name string) (int64, error) {
	text := d.sent(name)
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

// whole reads a number of a field; an empty one is 0.
func (d *desk) whole(name string, most int) (int, error) {
	text := d.sent(name)
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

// ticked tells whether a form that was sent had a tick there.
func (d *desk) ticked(name, value string) bool { return slices.Contains(d.form[name], value) }

// formKey is the id of the correction that a form proposes: one correction, however often the form is sent. A form that
// was refused keeps its own.
func (d *desk) formKey() string {
	if key := d.sent("key"); key != "" && d.refused != nil {
		return key
	}
	return id.New(d.now).Text(id.Correction)
}

const dateForm = "2006-01-02"

// day is the first instant of a local date, or of one so many days later; an empty field is the zero time.
func (d *desk) day(name string, later int) (time.Time, error) {
	text := d.sent(name)
	if text == "" {
		return time.Time{}, nil
	}
	date, err := time.Parse(dateForm, text)
	if err != nil || date.Year() < 1990 || date.Year() > 2199 {
		return time.Time{}, fault.Invalidf(name, "is not a date", "write it as 2026-01-31")
	}
	return d.midnight(date.AddDate(0, 0, later)), nil
}

// midnight is where a date begins here. Where the clocks jump over midnight, it begins after the jump.
func (d *desk) midnight(date time.Time) time.Time {
	start := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, d.Market.Location())
	for start.Day() != date.Day() {
		start = start.Add(15 * time.Minute)
	}
	return start.UTC()
}

// dateOf writes the local date of an instant as fields of forms take it; empty for the zero time.
func (d *desk) dateOf(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(d.Market.Location()).Format(dateForm)
}

// lastDay is the last local date before an end that is not included.
func (d *desk) lastDay(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return d.Format.Date(until.Add(-time.Microsecond), d.now)
}

// wrong tells whether a refusal names a field.
func (d *desk) wrong(name string) bool {
	return d.refused != nil && (d.refused.Field == name || strings.HasPrefix(d.refused.Field, name+"["))
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

// said is what the last form led to.
func (d *desk) said() string { return sayings[d.form.Get("said")] }

// names gives the names of creators, by id.
func names(tx *db.Tx, ids []id.ID) (map[id.ID]creator.Creator, error) {
	slices.Sort(ids)
	return creator.Find(tx, slices.Compact(ids))
}

// name is how a page calls a creator whom it has looked up.
func name(found map[id.ID]creator.Creator, one id.ID) string {
	if c, ok := found[one]; ok {
		return c.Name
	}
	return one.Text(id.Creator)
}

// step is something that somebody did, as a history tells it.
type step struct {
	at          time.Time
	what, words string
}

// people names the staff and creators who took steps, by what steps call them (`us_…`, `cr_…`).
func people(tx *db.Tx, whos []string) (map[string]string, error) {
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
			found[who] = name(c, one)
		}
	}
	return found, nil
}
