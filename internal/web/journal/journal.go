// Package journal shows the audit log to the staff: who decided what, when, why, and how it was before and after.
//
// What must always hold: what an address asks for is what the page and the file hold; reasons are opened for who may read the
// log, and for nobody else; the chain is said to be verified as far as it was, and when.
//
// It owns no rule: the log itself does.
package journal

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/secret"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// Pages answers requests about the audit log.
type Pages struct {
	staff.Pages
	Ring *secret.Ring
}

const (
	pageLog = 50
	// maxRows bounds a file: whoever needs more asks for a stretch of time.
	maxRows = 50_000
)

// log is a page of what was searched for.
type log struct {
	*staff.Desk
	journal.Found
	people map[string]string // by `us_…` and `cr_…`
	state  chain
}

// chain is how far the log's chain was verified.
type chain struct {
	journal.Check
	checked bool
	newest  int64
}

// Log lists entries, newest first, as the address asks for them.
func (p *Pages) Log(w http.ResponseWriter, r *http.Request) error { return p.See(w, r, p.logView()) }

func (p *Pages) logView() staff.Page {
	return staff.Page{Title: "Audit log", Current: staff.AtLog, Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &log{Desk: d}
		q, err := p.ask(tx, d)
		if err == nil {
			q.Limit = pageLog
			v.Found, err = journal.Search(tx, p.Ring, q)
		}
		if f := fault.Of(err); err != nil && f.Kind == fault.Invalid && d.Refused == nil {
			d.Refused, err = f, nil // the form shows what is wrong with it, and what was typed
		}
		if err != nil {
			return nil, err
		}
		if v.state, err = readChain(tx, p.Ring); err != nil {
			return nil, err
		}
		v.people, err = people(tx, v.Entries)
		return logPage(v), err
	}}
}

// ask reads what an address asks for.
func (p *Pages) ask(tx *db.Tx, d *staff.Desk) (q journal.Query, err error) {
	q = journal.Query{Text: d.Sent("q"), Action: d.Sent("action"), Subject: d.Sent("subject")}
	if q.Actor, err = actorOf(tx, d.Sent("who")); err != nil {
		return q, err
	}
	if q.From, err = d.DayOf("from", 0); err != nil {
		return q, err
	}
	if q.To, err = d.DayOf("to", 1); err != nil {
		return q, err
	}
	if text := d.Sent("before"); text != "" {
		if q.Before, err = strconv.ParseInt(text, 10, 64); err != nil || q.Before < 1 {
			return q, fault.Invalidf("before", "is not the number of an entry", "go back to the first page")
		}
	}
	return q, nil
}

// actorOf reads who decided: as the log writes it, or the name of one of the staff.
func actorOf(tx *db.Tx, typed string) (string, error) {
	if typed == "" || typed == journal.System || typed == journal.Command || strings.HasPrefix(typed, auth.Prefix) ||
		strings.HasPrefix(typed, id.Creator) {
		return typed, nil
	}
	members, err := auth.StaffMembers(tx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(members, func(m auth.StaffMember) bool { return strings.EqualFold(m.Name, typed) })
	if i < 0 {
		return "", fault.Invalidf("who", "is nobody of the staff", "write the whole name, its code, `system` or `cli`")
	}
	return staff.ID(members[i].ID), nil
}

// people names those who decided, and those about whom.
func people(tx *db.Tx, entries []journal.Stored) (map[string]string, error) {
	var whos []string
	for _, e := range entries {
		about, _, _ := strings.Cut(e.Subject, "/")
		whos = append(whos, e.Actor, about)
	}
	return staff.People(tx, whos)
}

func readChain(tx *db.Tx, ring *secret.Ring) (c chain, err error) {
	if c.Check, c.checked, err = journal.Kept(tx); err != nil {
		return c, err
	}
	newest, err := journal.Search(tx, ring, journal.Query{Limit: 1})
	if len(newest.Entries) > 0 {
		c.newest = newest.Entries[0].No
	}
	return c, err
}

// entry is one entry, opened.
type entry struct {
	*staff.Desk
	journal.Stored
	people  map[string]string
	changes []journal.Change
	state   chain
}

// Entry shows one entry whole: why, and what became what.
func (p *Pages) Entry(w http.ResponseWriter, r *http.Request) error {
	no, err := strconv.ParseInt(r.PathValue("no"), 10, 64)
	if err != nil {
		return ui.NotFound
	}
	return p.Show(w, r, fmt.Sprintf("Entry %d", no), staff.AtLog, func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &entry{Desk: d}
		var err error
		if v.Stored, err = journal.One(tx, p.Ring, no); err != nil {
			return nil, err
		}
		v.changes = journal.Changes(v.Before, v.After)
		if v.state, err = readChain(tx, p.Ring); err != nil {
			return nil, err
		}
		v.people, err = people(tx, []journal.Stored{v.Stored})
		return entryPage(v), err
	})
}

// Verify recomputes the chain from its first entry on, and notes what came out.
func (p *Pages) Verify(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, p.logView(), func(d *staff.Desk) (string, error) {
		err := p.DB.Write(r.Context(), db.Background, func(tx *db.Tx) error {
			v, err := journal.Verify(tx, 0, func(journal.Problem) {})
			if err != nil {
				return err
			}
			return journal.Keep(tx, v, p.Clock.Now())
		})
		return d.InMarket(staff.AtLog), err
	})
}

// File gives what the address asks for as a table for spreadsheets, page by page.
func (p *Pages) File(w http.ResponseWriter, r *http.Request) error {
	ctx, begun := r.Context(), false
	err := p.DB.Read(ctx, func(tx *db.Tx) error {
		d, err := p.Open(tx, r, "", "")
		if err != nil {
			return err
		}
		q, err := p.ask(tx, d)
		if err != nil {
			return err
		}
		q.Limit = journal.MaxPage
		found, err := journal.Search(tx, p.Ring, q)
		if err != nil {
			return err
		}
		begun = true
		t := ui.NewTable(w, "audit-log.csv", "no", "at", "actor", "name", "action", "words", "subject", "reason", "before", "after", "erased", "hash")
		for rows := 0; ; {
			names, err := people(tx, found.Entries)
			if err != nil {
				return err
			}
			for _, e := range found.Entries {
				t.Row(cells(e, names)...)
			}
			if rows += len(found.Entries); found.Next == 0 || rows >= maxRows || ctx.Err() != nil {
				break
			}
			q.Before = found.Next
			if found, err = journal.Search(tx, p.Ring, q); err != nil {
				return err
			}
		}
		if found.Next != 0 {
			t.Row("", "", "", "", "", fmt.Sprintf("the file ends after %d rows; ask for a shorter stretch of time, or for entries before %d", maxRows, found.Next))
		}
		return t.Close()
	})
	if err != nil && begun {
		// The file cannot become an error page any more: the connection is cut, so that half a file is not taken for all of it.
		panic(http.ErrAbortHandler)
	}
	return err
}

func cells(e journal.Stored, names map[string]string) []string {
	erased := ""
	if e.Erased {
		erased = "yes"
	}
	return []string{strconv.FormatInt(e.No, 10), e.At.UTC().Format(time.RFC3339Nano), e.Actor, nameOf(names, e.Actor), e.Action,
		journal.Words(e.Action), e.Subject, e.Reason, text(e.Before), text(e.After), erased, hex.EncodeToString(e.Hash)}
}

// text writes a stored value.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%s", v)
}

// nameOf is how a page calls whoever decided.
func nameOf(names map[string]string, who string) string {
	switch who {
	case journal.System:
		return "the system"
	case journal.Command:
		return "the command line"
	}
	if name, ok := names[who]; ok {
		return name
	}
	return who
}

// about names what an entry is about: a creator by name, with what follows; anything else as it is written.
func about(names map[string]string, subject string) string {
	who, rest, found := strings.Cut(subject, "/")
	name, ok := names[who]
	if !ok || name == who {
		return subject
	}
	if found {
		return name + " · " + strings.ReplaceAll(rest, "/", " · ")
	}
	return name
}

// aboutAddress leads to what an entry is about, where there is a page for it.
func aboutAddress(d *staff.Desk, subject string) string {
	who, _, _ := strings.Cut(subject, "/")
	if one, err := id.Parse("subject", id.Creator, who); err == nil {
		return d.CreatorAddress(one)
	}
	return ""
}

// at is an address of the log with some things asked for otherwise.
func at(d *staff.Desk, changes ...string) string {
	return ui.Link(staff.AtLog, d.Form, append([]string{"market", d.Market.ID, "before", ""}, changes...)...)
}

func entryAddress(d *staff.Desk, no int64) string {
	return d.InMarket(staff.AtLog + "/" + strconv.FormatInt(no, 10))
}

// stamp writes an instant with its date: a log is read years later.
func stamp(d *staff.Desk, at time.Time) string {
	return d.Format.Date(at, d.Now) + ", " + d.Format.Clock(at)
}

// actionChoices are the codes one can ask for: all of one noun, or one of them.
func actionChoices() []staff.Choice {
	codes := make([]string, 0, len(journal.Actions))
	for code := range journal.Actions {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	choices, last := []staff.Choice{{Value: "", Label: "Anything"}}, ""
	for _, code := range codes {
		if noun, _, _ := strings.Cut(code, "."); noun != last {
			last = noun
			choices = append(choices, staff.Choice{Value: noun + ".", Label: "All of “" + noun + "”"})
		}
		choices = append(choices, staff.Choice{Value: code, Label: journal.Actions[code]})
	}
	return choices
}

// asked tells whether the address asks for something in particular.
func asked(d *staff.Desk) bool {
	return slices.ContainsFunc([]string{"q", "who", "action", "subject", "from", "to", "before"}, func(name string) bool {
		return d.Sent(name) != ""
	})
}
