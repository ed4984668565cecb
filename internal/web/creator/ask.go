package creator

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/claim"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ratecard"
	"tributary/internal/report"
	"tributary/internal/web/ui"
)

// pageClaims is how many claims a page lists.
const pageClaims = 30

// ask is the page on which a creator asks about an order, and finds the claims that were opened.
type ask struct {
	*desk
	question claim.Question
	asked    bool
	known    *claim.Known
	claims   []claim.Claim
	before   id.ID // the next page begins here; 0 is the end
	typed    url.Values
	refused  string
}

// oneClaim is a claim with what was done about it.
type oneClaim struct {
	*desk
	claim.Claim
	steps []claim.Step
}

// Ask answers from what the system knows about an order or a date, and offers a person where that does not satisfy.
func (p *Pages) Ask(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Ask about an order", "/creator/earnings", func(tx *db.Tx, d *desk) (templ.Component, error) {
		a, err := readAsk(tx, d, r)
		return askPage(a), err
	})
}

// readAsk reads the page. It is shown for an address as for a form that was refused: both have the same fields.
func readAsk(tx *db.Tx, d *desk, r *http.Request) (*ask, error) {
	a := &ask{desk: d, typed: r.Form}
	var err error
	before, _ := id.Parse("claim", id.Claim, r.FormValue("before"))
	if a.claims, err = claim.OfCreator(tx, d.keys, d.me.Creator, d.Market.No, before, pageClaims); err != nil {
		return nil, err
	}
	if len(a.claims) == pageClaims {
		a.before = a.claims[pageClaims-1].ID
	}
	if a.question, err = d.question(r); err == nil && a.question != (claim.Question{}) {
		a.asked = true
		var known claim.Known
		if known, err = claim.Look(tx, d.Market.No, d.Market.Location(), d.me.Creator, a.question, d.now); err == nil {
			a.known = &known
		}
	}
	if err != nil && fault.Of(err).Kind != fault.Unavailable {
		a.refused, err = ui.Sentence(err), nil
	}
	return a, err
}

// question reads what is asked about from an address or a form.
func (d *desk) question(r *http.Request) (q claim.Question, err error) {
	q = claim.Question{Order: strings.TrimSpace(r.FormValue("order")), Date: r.FormValue("date"), Product: strings.TrimSpace(r.FormValue("product"))}
	if text := strings.TrimSpace(r.FormValue("amount")); text != "" {
		q.Amount, err = ratecard.ParseAmount("amount", text, d.Market.Currency)
	}
	return q, err
}

// OpenClaim asks a person. What was asked already leads to the claim that is there.
func (p *Pages) OpenClaim(w http.ResponseWriter, r *http.Request) error {
	var d *desk
	var c claim.Claim
	err := p.inLane(r, &d, func(tx *db.Tx) error {
		request := claim.Request{Message: strings.TrimSpace(r.PostFormValue("message"))}
		var err error
		if request.Question, err = d.question(r); err != nil {
			return err
		}
		if text := strings.TrimSpace(r.PostFormValue("expected")); text != "" {
			if request.Expected, err = ratecard.ParseAmount("expected", text, d.Market.Currency); err != nil {
				return err
			}
		}
		for line := range strings.Lines(r.PostFormValue("evidence")) {
			if line = strings.TrimSpace(line); line != "" {
				request.Evidence = append(request.Evidence, line)
			}
		}
		c, _, err = claim.Open(tx, d.keys, d.Market.No, d.Market.Location(), d.me.Creator, d.me.Creator.Text(id.Creator), request)
		return err
	})
	if err != nil {
		return p.refuseAsk(w, r, d, err)
	}
	http.Redirect(w, r, d.inMarket("/creator/claims/"+c.ID.Text(id.Claim)), http.StatusSeeOther)
	return nil
}

// refuseAsk shows the page again with what was typed, and why it was not taken.
func (p *Pages) refuseAsk(w http.ResponseWriter, r *http.Request, d *desk, cause error) error {
	if d == nil || fault.Of(cause).Kind == fault.Unavailable {
		return cause
	}
	var page templ.Component
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		again, err := p.open(tx, r, "Ask about an order", "/creator/earnings")
		if err != nil {
			return err
		}
		a, err := readAsk(tx, again, r)
		if err == nil {
			a.refused, page = ui.Sentence(cause), askPage(a)
		}
		return err
	}); err != nil {
		return err
	}
	return ui.Refused(w, r, fault.Of(cause), page)
}

// inLane opens the page's desk in a transaction that holds the marketplace's lane: what is announced there is numbered.
func (p *Pages) inLane(r *http.Request, into **desk, fn func(*db.Tx) error) error {
	number, err := p.Market(r)
	if err != nil {
		return err
	}
	return p.DB.Lane(r.Context(), db.Interactive, p.Clock.Now(), []int64{int64(number)}, func(tx *db.Tx) error {
		d, err := p.open(tx, r, "Ask about an order", "/creator/earnings")
		if err != nil {
			return err
		}
		*into = d
		return fn(tx)
	})
}

// Claim shows a claim of the creator's own with every step.
func (p *Pages) Claim(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Your question", "/creator/earnings", func(tx *db.Tx, d *desk) (templ.Component, error) {
		c, err := readClaim(tx, d, r)
		if err != nil {
			return nil, err
		}
		return claimPage(c), nil
	})
}

func readClaim(tx *db.Tx, d *desk, r *http.Request) (*oneClaim, error) {
	which, err := id.Parse("claim", id.Claim, r.PathValue("claim"))
	if err != nil {
		return nil, err
	}
	c := &oneClaim{desk: d}
	c.Claim, c.steps, err = claim.Mine(tx, d.keys, d.me.Creator, which)
	return c, err
}

// ChangeClaim adds words to an open claim, or takes it back.
func (p *Pages) ChangeClaim(w http.ResponseWriter, r *http.Request) error {
	which, err := id.Parse("claim", id.Claim, r.PathValue("claim"))
	if err != nil {
		return err
	}
	var d *desk
	err = p.inLane(r, &d, func(tx *db.Tx) error {
		me := d.me.Creator
		// The claim's own marketplace counts, whichever is being looked at.
		c, _, err := claim.Mine(tx, d.keys, me, which)
		if err != nil {
			return err
		}
		if c.Market != d.Market.No {
			return fault.New(fault.NotFound, "claim", "there is no such claim in this marketplace", "open it from your list")
		}
		if r.PostFormValue("do") == "withdraw" {
			_, err = claim.Withdraw(tx, d.keys, d.Market.No, me, which, me.Text(id.Creator))
			return err
		}
		return claim.Say(tx, d.keys, d.Market.No, me, which, me.Text(id.Creator), strings.TrimSpace(r.PostFormValue("words")))
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, d.inMarket("/creator/claims/"+which.Text(id.Claim)), http.StatusSeeOther)
	return nil
}

// about says in a few words what a claim is about.
func (d *desk) about(c claim.Claim) string {
	if c.Order != "" {
		return "Order " + c.Order
	}
	text := "Bought on " + d.day(c.Date)
	if c.Product != "" {
		text += ": " + c.Product
	}
	return text
}

// day writes a local date of the marketplace's.
func (d *desk) day(date string) string {
	at, err := time.ParseInLocation("2006-01-02", date, d.Market.Location())
	if err != nil {
		return date
	}
	return d.Format.Date(at.Add(12*time.Hour), d.now)
}

// claimTag says where a claim stands, and how it looks.
func (d *desk) claimTag(c claim.Claim) (text, class string) {
	switch {
	case c.State == claim.StateWithdrawn:
		return "taken back", ""
	case c.Outcome == claim.Accepted:
		return "accepted", "earn"
	case c.Outcome == claim.Declined:
		return "declined", "stop"
	case c.Overdue(d.now, d.Market.Location()):
		return "answer is late", "stop"
	}
	return "answer by " + d.day(c.Due), "wait"
}

var stepWords = map[string]string{"opened": "You asked", "said": "You added", "asked": "We asked you", "answered": "The answer", "withdrawn": "You took it back"}

// claimReasons are the codes of answers in words.
var claimReasons = map[string]string{
	"tracking_failed": "the click was not carried along", "reported_wrongly": "the store had reported it wrongly",
	"decided_wrongly": "it had been decided wrongly", "goodwill": "as a matter of goodwill",
	"decided_rightly": "it was decided by the rules", "no_click": "no click of yours came with it", "no_such_order": "there is no such order",
	"own_purchase": "it was a purchase of your own", "no_evidence": "nothing was found that speaks for it", "other": "for another reason",
}

// ownAddress leads to the explanation of a line that stands in the creator's report.
func (d *desk) ownAddress(order string, l claim.Line) string {
	return d.lineAddress(report.Line{Order: order, ID: l.Line})
}

// instant writes an instant of the answer's data; empty where there is none.
func (d *desk) instant(at *time.Time) string {
	if at == nil {
		return ""
	}
	return d.Format.Stamp(*at)
}

// today is the last date that may be asked about.
func (d *desk) today() string { return d.now.In(d.Market.Location()).Format("2006-01-02") }
