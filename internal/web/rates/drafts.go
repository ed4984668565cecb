package rates

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
	"tributary/internal/whatif"
)

// drafts are the sets of rates that somebody works on or has published.
type drafts struct {
	*staff.Desk
	all     []ratefile.Draft
	authors map[string]string
}

// Drafts lists the drafts, and offers to begin one.
func (p *Pages) Drafts(w http.ResponseWriter, r *http.Request) error { return p.See(w, r, draftsView) }

var draftsView = staff.Page{Title: "Drafts", Current: staff.AtRates,
	Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &drafts{Desk: d}
		var err error
		if v.all, err = ratefile.Drafts(tx, d.Market.No); err != nil {
			return nil, err
		}
		v.authors, err = authors(tx, v.all...)
		return draftsPage(v), err
	}}

// authors names who wrote drafts.
func authors(tx *db.Tx, all ...ratefile.Draft) (map[string]string, error) {
	whos := make([]string, len(all))
	for i, one := range all {
		whos[i] = staff.ID(one.Author)
	}
	found, err := staff.People(tx, whos)
	if err == nil {
		found[""] = "the command line"
	}
	return found, err
}

func draftAddress(d *staff.Desk, one id.ID, more ...string) string {
	return d.InMarket(staff.AtDrafts+"/"+one.Text(id.Draft), more...)
}

// pathOf is where the forms of a draft are sent.
func pathOf(one ratefile.Draft, rest string) string {
	return staff.AtDrafts + "/" + one.ID.Text(id.Draft) + rest
}

// NewDraft begins a draft: from a file that is sent along, or from what is in force and to come.
func (p *Pages) NewDraft(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, draftsView, func(d *staff.Desk) (string, error) {
		text, sent, err := upload(r)
		if err != nil {
			return "", err
		}
		draft := ratefile.Draft{Market: d.Market.No, Name: d.Sent("name"), Author: d.Who.ID, Text: text}
		var made ratefile.Draft
		err = p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) (err error) {
			begun := draft // the transaction may run twice
			if !sent {
				if begun.Text, err = ratefile.Export(tx, d.Market, p.Clock.Now()); err != nil {
					return err
				}
			}
			made, err = ratefile.SaveDraft(tx, begun, p.Clock.Now())
			return err
		})
		return draftAddress(d, made.ID), err
	})
}

// upload is the file that a form has sent along, if any.
func upload(r *http.Request) (text []byte, sent bool, err error) {
	file, head, err := r.FormFile("file")
	if err != nil || head.Size == 0 {
		return nil, false, nil // a form without a file, or with none chosen
	}
	defer file.Close()
	if head.Size > ratefile.MaxFile {
		return nil, false, fault.New(fault.Exhausted, "file", fmt.Sprintf("is larger than %d bytes", ratefile.MaxFile),
			"give rates to categories in place of products")
	}
	text, err = io.ReadAll(file)
	return text, true, fault.Wrap(err, "reading an uploaded file")
}

// oneDraft is a draft with its plan, and what it would have cost as far as somebody asked.
type oneDraft struct {
	*staff.Desk
	ratefile.Draft
	author  string
	names   map[string]string // of the creators whose contracts it has published
	plan    ratefile.Plan
	problem *fault.Error // why there is no plan
	runs    []whatif.Run // of this draft, the newest first
}

// Draft shows a draft with its plan.
func (p *Pages) Draft(w http.ResponseWriter, r *http.Request) error { return p.See(w, r, draftView(r)) }

func draftView(r *http.Request) staff.Page {
	return staff.Page{Title: "Draft", Current: staff.AtRates,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v, err := readDraft(tx, d, r)
			if err != nil {
				return nil, err
			}
			if v.State(d.Now) == ratefile.Drafted {
				if err := v.draw(tx); err != nil {
					return nil, err
				}
			}
			owners := make([]string, len(v.Outcome))
			for i, one := range v.Outcome {
				owners[i] = one.Creator
			}
			if v.names, err = creatorNames(tx, owners); err != nil {
				return nil, err
			}
			all, err := whatif.List(tx, d.Market.No, 0, pageRuns)
			for _, run := range all {
				if run.Draft == v.ID {
					v.runs = append(v.runs, run)
				}
			}
			return draftPage(v), err
		}}
}

// readDraft finds the draft of an address. Those of other marketplaces are not there.
func readDraft(tx *db.Tx, d *staff.Desk, r *http.Request) (*oneDraft, error) {
	which, err := id.Parse("draft", id.Draft, r.PathValue("draft"))
	if err != nil {
		return nil, ui.NotFound
	}
	v := &oneDraft{Desk: d}
	if v.Draft, err = ratefile.FindDraft(tx, which); err != nil {
		return nil, err
	}
	if v.Draft.Market != d.Market.No {
		return nil, ui.NotFound
	}
	found, err := authors(tx, v.Draft)
	v.author, d.Title = found[staff.ID(v.Author)], v.Name
	return v, err
}

// draw works the plan out; a text that cannot be published yet has none, and says why.
func (v *oneDraft) draw(tx *db.Tx) error {
	f, err := ratefile.Read(tx, v.Text)
	if err == nil {
		v.plan, err = ratefile.Draw(tx, f, v.Now)
	}
	if err == nil || fault.Of(err).Kind == fault.Unavailable {
		return err
	}
	v.problem = fault.Of(err)
	return nil
}

// line is the line of the text that a refusal names; 0 where it names none.
func line(f *fault.Error) (number int) {
	if f == nil {
		return 0
	}
	_, rest, found := strings.Cut(f.Field, "(line ")
	if _, err := fmt.Sscanf(rest, "%d)", &number); !found || err != nil {
		return 0
	}
	return number
}

// DraftText shows the text, to be written by hand or sent as a file.
func (p *Pages) DraftText(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, textView(r))
}

func textView(r *http.Request) staff.Page {
	return staff.Page{Title: "Draft", Current: staff.AtRates,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v, err := readDraft(tx, d, r)
			if err != nil {
				return nil, err
			}
			if d.Refused != nil && d.Form.Has("text") { // what was typed stays
				v.Text = []byte(d.Form.Get("text"))
			}
			return textPage(v), v.draw(tx)
		}}
}

// DraftFile gives the text as a file.
func (p *Pages) DraftFile(w http.ResponseWriter, r *http.Request) error {
	var v *oneDraft
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.Open(tx, r, "", "")
		if err == nil {
			v, err = readDraft(tx, d, r)
		}
		return err
	}); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/yaml; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="rates-`+v.Desk.Market.ID+`.yaml"`)
	header.Set("Cache-Control", "no-store")
	_, err := w.Write(v.Text)
	return err
}

// SaveText keeps a text that was written by hand or sent as a file. It may be unfinished.
func (p *Pages) SaveText(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, textView(r), func(d *staff.Desk) (string, error) {
		text, sent, err := upload(r)
		if err != nil {
			return "", err
		}
		if !sent { // browsers end lines as mail does
			text = []byte(strings.ReplaceAll(d.Form.Get("text"), "\r\n", "\n"))
		}
		return p.keep(r, d, "/text", func(draft *ratefile.Draft) error {
			draft.Text = text
			if name := d.Sent("name"); name != "" {
				draft.Name = name
			}
			return nil
		})
	})
}

// keep changes a draft that nobody has changed since the form was shown, and leads to a page of it.
func (p *Pages) keep(r *http.Request, d *staff.Desk, page string, change func(*ratefile.Draft) error) (
	to string, err error) {
	err = p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		v, err := readDraft(tx, d, r)
		if err != nil {
			return err
		}
		// What two people write at once must not be lost without a word: the second one is told.
		if seen := d.Sent("seen"); seen != "" && seen != stamp(v.Draft) {
			return fault.New(fault.Conflict, "draft", "somebody else has changed it meanwhile",
				"open it again in another window, and bring your changes in")
		}
		if err := change(&v.Draft); err != nil {
			return err
		}
		_, err = ratefile.SaveDraft(tx, v.Draft, p.Clock.Now())
		to = d.InMarket(pathOf(v.Draft, page), "part", d.Sent("part"), "version", d.Sent("version"), "said", "saved")
		return err
	})
	return to, err
}

// stamp tells one state of a draft from another.
func stamp(one ratefile.Draft) string { return fmt.Sprint(one.Changed.UnixMicro()) }

// Publish publishes a draft: the plan that was shown, or nothing.
func (p *Pages) Publish(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, draftView(r), func(d *staff.Desk) (string, error) {
		var seen int64
		if _, err := fmt.Sscan(d.Sent("plan"), &seen); err != nil || seen <= 0 {
			return "", fault.Invalidf("plan", "is missing", "look at the plan, and publish it from there")
		}
		var to string
		err := p.Lane(r.Context(), d, func(tx *db.Tx) error {
			v, err := readDraft(tx, d, r)
			if err != nil {
				return err
			}
			// The plan's version tells whether the marketplace has changed, this one whether the draft has.
			if d.Sent("seen") != stamp(v.Draft) {
				return fault.New(fault.Conflict, "draft", "somebody has changed it since its plan was shown", "look at the plan again")
			}
			to = draftAddress(d, v.ID, "said", "published")
			plan, err := ratefile.PublishDraft(tx, v.ID, seen)
			if err != nil {
				return err
			}
			if err := Tell(tx, d.Market, plan); err != nil {
				return err
			}
			return d.Note(tx, "rates.published", "rates/"+d.Market.ID+"/"+v.ID.Text(id.Draft), 0, "", map[string]any{"plan": Short(plan.Text(d.Market))})
		})
		return to, err
	})
}

// DiscardDraft removes a draft that was not published.
func (p *Pages) DiscardDraft(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, draftView(r), func(d *staff.Desk) (string, error) {
		err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
			v, err := readDraft(tx, d, r)
			if err == nil {
				err = ratefile.Discard(tx, v.ID)
			}
			return err
		})
		return d.InMarket(staff.AtDrafts, "said", "discarded"), err
	})
}

// titleOf names a part of what the draft has published.
func (v *oneDraft) titleOf(one ratecard.Publication) string {
	switch one.What {
	case ratecard.OfCard:
		return fmt.Sprintf("%s card, version %d", one.Kind, one.Version)
	case ratecard.OfContract:
		return fmt.Sprintf("contract of %s, %s", v.names[one.Creator], one.Kind)
	case ratecard.OfVolume:
		return fmt.Sprintf("volume tiers, version %d", one.Version)
	}
	return one.What + " " + one.Name
}

// when says from when a part of a plan changes what is paid.
func when(d *staff.Desk, one ratecard.Publication) string {
	switch {
	case one.Ended && one.Until.IsZero():
		return "has no end any more"
	case one.Ended && !one.WasUntil.IsZero():
		return "ends " + d.LastDay(one.Until) + " instead of " + d.LastDay(one.WasUntil)
	case one.Ended:
		return "ends " + d.LastDay(one.Until)
	case !one.From.After(d.Now) && one.Until.IsZero():
		return "at once"
	}
	return span(d, one.From, one.Until)
}

// numbered is a line of a text with its number.
type numbered struct {
	text string
	here bool
}

// around gives a line of a text with two before and after it.
func around(text []byte, number int) (found []numbered) {
	all := strings.Split(string(text), "\n")
	for i := max(number-3, 0); i < min(number+2, len(all)); i++ {
		found = append(found, numbered{fmt.Sprintf("%4d  %s\n", i+1, all[i]), i+1 == number})
	}
	return found
}

// rowsOf is how high the field for a text is.
func rowsOf(text []byte) int { return min(max(strings.Count(string(text), "\n")+2, 12), 40) }

func draftText(one ratefile.Draft) string { return one.ID.Text(id.Draft) }

// nameOf and seenOf are what the form was sent with, where it was refused.
func nameOf(v *oneDraft) string {
	if v.Refused != nil && v.Form.Has("name") {
		return v.Sent("name")
	}
	return v.Name
}

func seenOf(v *oneDraft) string {
	if v.Refused != nil && v.Sent("seen") != "" {
		return v.Sent("seen")
	}
	return stamp(v.Draft)
}
