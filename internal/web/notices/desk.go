package notices

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/journal"
	"tributary/internal/notice"
	"tributary/internal/web/staff"
)

// Who may change what messages say, and who may send a letter again.
var (
	Wordsmiths = auth.Of(auth.Admin)
	Senders    = auth.Of(auth.Admin, auth.Support)
)

// wordings lists every message with where its wording comes from.
type wordings struct {
	*staff.Desk
	all map[string]notice.Wording
}

// Templates lists the messages by group.
func (p *Pages) Templates(w http.ResponseWriter, r *http.Request) error {
	return p.staff().See(w, r, staff.Page{Title: "Wording of messages", Current: AtTemplates,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v := &wordings{Desk: d}
			var err error
			v.all, err = notice.Wordings(tx)
			return templatesPage(v), err
		}})
}

// wording is the wording of one message, as it is or as it was typed.
type wording struct {
	*staff.Desk
	notice.Wording
	event  notice.Event
	text   string          // as the form shows it
	sample notice.Template // what comes out of it; empty where it cannot be read
	wrong  *fault.Error    // why
	typed  bool            // it is not what is stored
}

func (p *Pages) wordingPage(r *http.Request) staff.Page {
	return staff.Page{Title: "Wording", Current: AtTemplates, Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &wording{Desk: d}
		var err error
		if v.event, err = notice.EventOf(r.PathValue("event")); err != nil {
			return nil, fault.New(fault.NotFound, "event", "there is no such message", "choose one of the list")
		}
		all, err := notice.Wordings(tx)
		if err != nil {
			return nil, err
		}
		v.Wording = all[v.event.Code]
		v.text = v.Body
		if d.Form.Has("body") && d.Sent("do") != "reset" {
			v.text, v.typed = strings.ReplaceAll(d.Form.Get("body"), "\r\n", "\n"), true
		}
		if v.sample, err = v.event.Try(v.text); err != nil {
			v.wrong = fault.Of(err)
		}
		return templatePage(v), nil
	}}
}

// Template shows the wording of one message, with what comes out of it.
func (p *Pages) Template(w http.ResponseWriter, r *http.Request) error {
	framing(w)
	return p.staff().See(w, r, p.wordingPage(r))
}

// SaveTemplate changes the wording, takes it back to what came with the product, or shows what would come out of it.
func (p *Pages) SaveTemplate(w http.ResponseWriter, r *http.Request) error {
	framing(w)
	on := p.wordingPage(r)
	if r.PostFormValue("do") == "preview" {
		return p.staff().See(w, r, on)
	}
	return p.staff().Take(w, r, on, func(d *staff.Desk) (string, error) {
		e, err := notice.EventOf(r.PathValue("event"))
		if err != nil {
			return "", err
		}
		version, err := strconv.ParseInt(d.Sent("version"), 10, 64)
		if err != nil {
			return "", fault.Invalidf("version", "is not that of a wording", "open the page anew")
		}
		body := d.Form.Get("body")
		if d.Sent("do") == "reset" {
			body = ""
		} else if strings.TrimSpace(body) == "" {
			return "", fault.Invalidf("body", "is empty", "write the message, or go back to the wording that came with the product")
		}
		return d.InMarket(AtTemplates+"/"+e.Code, "said", "saved"), p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			now := p.Clock.Now()
			if err := notice.SaveTemplate(tx, e.Code, body, version, d.Who.ID, now); err != nil {
				return err
			}
			return journal.Add(tx, p.Ring, journal.Entry{At: now, Actor: staff.ID(d.Who.ID), Action: "template.saved",
				Subject: "template/" + e.Code, Before: map[string]any{"version": version},
				After: map[string]any{"version": version + 1, "own": body != ""}})
		})
	})
}

// TemplateLetter is the document of a message with sample facts, as it is worded now.
func (p *Pages) TemplateLetter(w http.ResponseWriter, r *http.Request) error {
	e, err := notice.EventOf(r.PathValue("event"))
	if err != nil {
		return fault.New(fault.NotFound, "event", "there is no such message", "choose one of the list")
	}
	var l notice.Letter
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.staff().Open(tx, r, "", AtTemplates)
		if err != nil {
			return err
		}
		all, err := notice.Wordings(tx)
		if err != nil {
			return err
		}
		if l, _, err = notice.Preview(e, all[e.Code].Body, d.Market.Name); err != nil {
			l, _, err = notice.Preview(e, notice.Shipped(e.Code), d.Market.Name)
		}
		return err
	}); err != nil {
		return err
	}
	return document(w, l.HTML)
}

// line is a line of a wording, for the place at which it cannot be read.
type line struct {
	text string
	here bool
}

// around are the lines next to the one that a refusal names.
func around(text string, f *fault.Error) (all []line) {
	number, err := strconv.Atoi(strings.TrimPrefix(f.Field, "line "))
	if err != nil {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i := max(number-3, 0); i < min(number+2, len(lines)); i++ {
		all = append(all, line{strconv.Itoa(i+1) + "  " + lines[i] + "\n", i == number-1})
	}
	return all
}

// undelivered is a letter that did not arrive, or work on mail that was given up.
type undelivered struct {
	notice.Undelivered
	job   id.ID  // set where it is work that was given up
	words string // why
	who   string
}

// post is how the mail stands.
type post struct {
	*staff.Desk
	letters map[string]int
	counts  []job.Count
	rows    []undelivered
}

// pageMail is how many letters that did not arrive are listed.
const pageMail = 100

// Mail tells how the mail stands, and the other work that waits its turn: what waits, and what was given up. It shows neither
// addresses nor contents.
func (p *Pages) Mail(w http.ResponseWriter, r *http.Request) error {
	return p.staff().See(w, r, p.mailPage())
}

func (p *Pages) mailPage() staff.Page {
	return staff.Page{Title: "Mail", Current: AtMail, Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &post{Desk: d}
		var err error
		if v.letters, err = notice.MailCounts(tx); err != nil {
			return nil, err
		}
		if v.counts, err = job.Counts(tx); err != nil {
			return nil, err
		}
		if err := v.gather(tx); err != nil {
			return nil, err
		}
		return mailPage(v), nil
	}}
}

// gather lists what did not arrive. Work that was given up for another reason than a refusal stands among it.
func (v *post) gather(tx *db.Tx) error {
	letters, err := notice.UndeliveredMail(tx, pageMail)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, u := range letters {
		row := undelivered{Undelivered: u, words: codeWords(u.Code)}
		if row.who, err = reader(tx, u.Principal, u.Creator); err != nil {
			return err
		}
		told[u.Notice.Text(notice.Prefix)+"/"+u.Principal.Text(auth.Prefix)] = true
		v.rows = append(v.rows, row)
	}
	given, err := job.Failed(tx, "", pageMail)
	for _, f := range given {
		if told[f.Key] { // a refusal: it stands above, with its reader
			continue
		}
		row := undelivered{job: f.ID, words: f.Error, who: kindOf(f.Kind)}
		row.At = f.At
		v.rows = append(v.rows, row)
	}
	return err
}

// kindWords are the kinds of work as staff read them.
var kindWords = map[string]string{notice.JobMail: "A message", notice.JobDigest: "A digest", "crawl": "A look at a site", "network": "A look at a social account",
	"announce": "The announcement of a document"}

func kindOf(kind string) string {
	if words, ok := kindWords[kind]; ok {
		return words
	}
	return kind
}

// reader names who a letter is for.
func reader(tx *db.Tx, principal, account id.ID) (string, error) {
	p, open, err := auth.Find(tx, principal)
	if err != nil || open {
		return p.Name, err
	}
	if account == 0 {
		return principal.Text(auth.Prefix), nil
	}
	found, err := creator.Find(tx, []id.ID{account})
	return staff.Name(found, account), err
}

// codeWords say what became of a letter.
func codeWords(code string) string {
	said, address := strings.CutPrefix(code, "address ")
	switch {
	case code == "stopped":
		return "Not sent: three letters came back from this address"
	case code == "no address":
		return "Not sent: no confirmed address is known"
	case address:
		return "The address was refused: " + said
	}
	return "The mail server refused it: " + code
}

// Resend sends a letter again, or begins work anew that was given up.
func (p *Pages) Resend(w http.ResponseWriter, r *http.Request) error {
	return p.staff().Take(w, r, p.mailPage(), func(d *staff.Desk) (string, error) {
		to := d.InMarket(AtMail, "said", "resent")
		return to, p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			if d.Sent("job") != "" {
				number, err := id.Parse("job", job.Prefix, d.Sent("job"))
				if err != nil {
					return err
				}
				if err := job.Retry(tx, number); err != nil {
					return err
				}
				return p.resent(tx, d, number.Text(job.Prefix))
			}
			number, err := id.Parse("notice", notice.Prefix, d.Sent("notice"))
			if err != nil {
				return err
			}
			principal, err := id.Parse("principal", auth.Prefix, d.Sent("principal"))
			if err != nil {
				return err
			}
			if err := notice.Resend(tx, number, principal); err != nil {
				return err
			}
			return p.resent(tx, d, number.Text(notice.Prefix)+"/"+principal.Text(auth.Prefix))
		})
	})
}

// resent writes into the log who sent what again.
func (p *Pages) resent(tx *db.Tx, d *staff.Desk, subject string) error {
	return journal.Add(tx, p.Ring, journal.Entry{At: p.Clock.Now(), Actor: staff.ID(d.Who.ID), Action: "mail.resent", Subject: subject})
}

// figure is a count with what it counts.
type figure struct {
	label string
	count int
}

// figures are how the mail stands.
func (v *post) figures() []figure {
	putOff := 0
	for _, c := range v.counts {
		if c.Kind == notice.JobMail {
			putOff = max(c.Tried-c.Running, 0)
		}
	}
	return []figure{{"Wait to be sent", v.letters["waiting"]}, {"Of these, put off once", putOff}, {"Wait for a digest", v.letters["digest"]},
		{"Sent", v.letters["sent"]}, {"Not sent, as people wish", v.letters["dropped"]}, {"Did not arrive", v.letters["failed"]}}
}
