package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/claim"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/person"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/web/rates"
	"tributary/internal/web/staff"
)

// messages are what a creator was told of an event, the newest first.
func (w *world) messages(one id.ID, event string) (all []notice.Message) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		list, err := notice.List(tx, w.ring, notice.Query{Creator: one, Limit: 100})
		all = nil
		for _, m := range list {
			if m.Event == event {
				all = append(all, m)
			}
		}
		return err
	})
	return all
}

// A creator is told of each question and of the answer, once, also when a form is sent twice; what was refused tells nothing.
func TestClaimIsTold(t *testing.T) {
	w := newWorld(t)
	w.live()
	v := w.as("The support")
	first := w.asks(ada, "2005", 441)
	at := "/operator/claims/" + first.ID.Text(id.Claim)
	v.refused(at, url.Values{"do": {"ask"}}, http.StatusUnprocessableEntity, "Words: is empty")
	v.refused(at, url.Values{"do": {"decline"}, "reason": {"nonsense"}, "words": {"No."}}, http.StatusUnprocessableEntity, "is not a reason")
	w.told(ada, "claim.question")
	w.told(ada, "claim.answered")
	for range 2 {
		v.sends(at, url.Values{"do": {"ask"}, "words": {"Which device was it?"}}, "Which device was it?")
	}
	if body := v.wants(at, "Which device was it?"); strings.Count(body, "The support asked the creator") != 1 {
		t.Error("the question that was sent twice stands there twice")
	}
	w.told(ada, "claim.question", "A question about order 2005")
	v.sends(at, url.Values{"do": {"ask"}, "words": {"And which browser?"}}, "And which browser?")
	w.told(ada, "claim.question", "A question about order 2005", "A question about order 2005")
	decline := url.Values{"do": {"decline"}, "reason": {"decided_rightly"}, "words": {"The session was over."}}
	v.sends(at, decline, "Answered.")
	v.refused(at, decline, http.StatusConflict, "answered or withdrawn")
	w.told(ada, "claim.answered", "Your claim about order 2005: declined")
	w.told(ben, "claim.answered")
	m := w.messages(ada, "claim.answered")[0]
	if m.Link != "/creator/claims/"+first.ID.Text(id.Claim)+"?market=us" || !m.At.Equal(w.clock.Now()) {
		t.Errorf("%+v", m)
	}
	w.as("Ada Lindholm").wants(m.Link, "The session was over.")

	var second claim.Claim
	if err := w.db.Lane(t.Context(), db.Interactive, w.clock.Now(), []int64{1}, func(tx *db.Tx) (err error) {
		second, _, err = claim.Open(tx, person.Keys{Ring: w.ring}, 1, w.us.Location(), ada, ada.Text(id.Creator), claim.Request{
			Question: claim.Question{Date: "2026-11-09", Product: "Gooseneck kettle"}, Message: "She wrote to me."})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	v.sends("/operator/claims/"+second.ID.Text(id.Claim), url.Values{"do": {"accept"}, "reason": {"goodwill"}, "words": {"You are right."}}, "Answered.")
	w.told(ada, "claim.answered", "Your claim about November 9: Gooseneck kettle: accepted", "Your claim about order 2005: declined")
}

// told wants these messages of an event, in whatever order they were sent.
func (w *world) told(one id.ID, event string, want ...string) {
	w.t.Helper()
	got := []string{}
	for _, m := range w.messages(one, event) {
		got = append(got, m.Text)
	}
	slices.Sort(got)
	slices.Sort(want)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("%s: told %q, want %q", event, got, want)
	}
}

// announcing does the jobs of publications until none is left.
func (w *world) announcing() *job.Runner {
	pages := &rates.Pages{Pages: staff.Pages{DB: w.db, Clock: w.clock, Ring: w.ring}}
	return &job.Runner{DB: w.db, Work: map[string]job.Work{rates.AnnounceJob: pages.Announce}}
}

func (w *world) announced(r *job.Runner) {
	w.t.Helper()
	for range 5 { // each stretch asks for the next one
		if err := r.Drain(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Whoever has an open enrolment in the marketplace is told of its rates, once; of a contract its creator alone.
func TestRatesAreTold(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	w.write(func(tx *db.Tx) error { // more than one stretch, and every second one is over
		for i := range 60 {
			one := creator.Creator{ID: id.ID(5000 + i), Name: fmt.Sprintf("Creator %02d", i), Handle: fmt.Sprintf("creator-%02d", i), Created: begin}
			if err := creator.Create(tx, w.ring, one, creator.Personal{}); err != nil {
				return err
			}
			key := enrolment.Key{Market: w.us.No, Creator: one.ID, Program: enrolment.Influencer}
			for j, state := range []enrolment.State{enrolment.Active, enrolment.Closed}[:1+i%2] {
				if err := enrolment.Save(tx, key, enrolment.Standing{Since: begin.Add(time.Duration(j) * time.Hour), State: state}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	admin, r := w.as("The admin"), w.announcing()
	at := admin.draft("December")
	seen := fields(admin.wants(at+"/text"), at+"/text").Get("seen")
	admin.sends(at+"/text", url.Values{"seen": {seen}, "text": {"marketplace: us\ncurrency: USD\n" +
		"promotions: [{name: Holidays, from: 2026-12-01, until: 2026-12-31, add: 1}]\n" +
		"contracts: [{creator: ben, rate: 7, from: 2026-12-05}]\n"}}, "Saved.")
	admin.sends(at+"/publish", fields(admin.wants(at, "Publish this plan"), at+"/publish"), "Published.")
	bodies := w.asked()
	if len(bodies) != 2 {
		t.Errorf("%q is asked for, want it for all, and for Ben", bodies)
	}
	for _, body := range bodies {
		if strings.Contains(body, "contract") && !strings.Contains(body, `"only"`) {
			t.Errorf("everybody is told of a contract: %s", body)
		}
	}
	w.announced(r)
	line := "Rates change from December 1"
	w.told(ada, "rates.published", line)
	w.told(ben, "rates.published", line, "Rates change from December 5")
	w.told(cleo, "rates.published")
	for i := range 60 {
		if i%2 == 0 {
			w.told(id.ID(5000+i), "rates.published", line)
		} else {
			w.told(id.ID(5000+i), "rates.published")
		}
	}
	if m := w.messages(ada, "rates.published")[0]; m.Link != "/rates?market=us" || !m.At.Equal(now) {
		t.Errorf("%+v", m)
	}
	// The work done again, as after a cut-off, tells nobody twice; the seller's fee and what changes nothing tell nobody.
	w.write(func(tx *db.Tx) error {
		for i, body := range bodies {
			if err := job.Add(tx, job.Job{Kind: rates.AnnounceJob, Key: fmt.Sprint("again/", i), Body: []byte(body)}); err != nil {
				return err
			}
		}
		return nil
	})
	w.announced(r)
	w.pays(w.us, "seller_fee: {effective: 2026-12-10, default: 15}\n")
	w.announced(r)
	w.told(ada, "rates.published", line)
	w.told(ben, "rates.published", line, "Rates change from December 5")
	w.told(id.ID(5058), "rates.published", line)

	pages := &rates.Pages{Pages: staff.Pages{DB: w.db, Clock: w.clock, Ring: w.ring}}
	for _, bad := range []string{"", "{", `{"market":"none","summary":"x","from":"y"}`, `{"market":"us"}`} {
		if err := pages.Announce(context.Background(), job.Job{Body: []byte(bad)}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err) // anything else would be tried for days
		}
	}
}

var selectAsked = db.Statement(`SELECT body FROM job WHERE kind = $1 ORDER BY id`)

// asked are the bodies of the jobs that wait.
func (w *world) asked() (bodies []string) {
	w.write(func(tx *db.Tx) error {
		bodies = nil
		return tx.Each(selectAsked, func(scan func(...any) error) error {
			var body []byte
			err := scan(&body)
			bodies = append(bodies, string(body))
			return err
		}, rates.AnnounceJob)
	})
	return bodies
}

// pays publishes a file as the command line does.
func (w *world) pays(m market.Market, text string) {
	w.t.Helper()
	if err := w.db.Lane(w.t.Context(), db.Interactive, w.clock.Now(), []int64{m.Lane()}, func(tx *db.Tx) error {
		plan, err := ratefile.Publish(tx, []byte("marketplace: "+m.ID+"\ncurrency: "+m.Currency+"\n"+text), 0)
		if err != nil {
			return err
		}
		return rates.Tell(tx, m, plan)
	}); err != nil {
		w.t.Fatal(err)
	}
}

// The form of a bounty tells, too, as often as it is published.
func TestBountiesAreTold(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v, r := w.as("The admin"), w.announcing()
	form := url.Values{"action": {"trade_in"}, "name": {"A device"}, "amount": {"15"}, "page": {"/trade"}, "from": {"2026-11-25"}}
	body := v.sends("/operator/bounties", form, "Published.")
	w.announced(r)
	w.told(ada, "rates.published", "Rates change from November 25")
	wrong := url.Values{"action": {"trade_in"}, "name": {"Less"}, "amount": {"-2"}, "page": {"/trade"}}
	v.refused("/operator/bounties", wrong, http.StatusUnprocessableEntity, "is negative")
	_, row, _ := strings.Cut(body, "trade_in")
	v.sends(cutOut(row, `action="`, `"`), url.Values{"last": {"2026-12-31"}}, "Its end is set.")
	w.announced(r)
	w.told(ada, "rates.published", "Rates change from January 1, 2027", "Rates change from November 25")
	w.told(cleo, "rates.published")
}

// The first rates of a marketplace are told to nobody, those after them are: as the command line publishes them.
func TestFirstRatesAreNotTold(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	fr := w.us
	fr.No, fr.ID, fr.Name, fr.Currency, fr.Zone, fr.Locale = 3, "fr", "Harbour Market France", "EUR", "Europe/Paris", "en-GB"
	w.write(func(tx *db.Tx) error {
		if err := market.Save(tx, fr); err != nil {
			return err
		}
		return enrolment.Save(tx, enrolment.Key{Market: fr.No, Creator: cleo, Program: enrolment.Associates},
			enrolment.Standing{Since: now.Add(-time.Hour), State: enrolment.Active})
	})
	r := w.announcing()
	w.pays(fr, "offsite: {effective: 2026-11-01, default: 4.5}\n")
	w.announced(r)
	w.told(cleo, "rates.published")
	w.pays(fr, "offsite: {effective: 2026-11-01, default: 4.5}\n") // changes nothing
	w.announced(r)
	w.told(cleo, "rates.published")
	w.pays(fr, "offsite: {effective: 2026-12-20, default: 4}\n")
	w.announced(r)
	w.told(cleo, "rates.published", "Rates change from 20 December")
	w.told(ada, "rates.published")
}
