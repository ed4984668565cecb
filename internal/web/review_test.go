package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/browser"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/order"
	"tributary/internal/site"
)

// sold brings Cleo three qualifying sales: she comes before a reviewer.
func (j *joining) sold() site.Site {
	j.t.Helper()
	s := j.begun()
	for i := range 3 {
		at := j.clock.Now().Add(time.Duration(i+1) * 24 * time.Hour)
		j.set(at)
		j.buy(fmt.Sprintf("s-%d", i), at, j.token(cleo, at.Add(-time.Hour)), kettle)
	}
	j.happen(order.TypeShipped, "s-0", 2, j.clock.Now())
	if _, err := j.desk.Follow(context.Background()); err != nil {
		j.t.Fatal(err)
	}
	j.write(func(tx *db.Tx) error {
		r := site.Report{At: j.clock.Now(), Items: 7, Newest: j.clock.Now().AddDate(0, 0, -3), Pages: 12, Sources: []string{"feed"},
			Problems: []site.Problem{{Code: "timeout", Address: blogHome + "/slow", Words: "the page did not answer within 30 seconds"}},
			Listed:   []site.Item{{Title: "My <b>kettle</b>", Address: blogHome + "/kettle", Published: j.clock.Now().AddDate(0, 0, -3), Words: 400}}}
		return site.SaveReport(tx, s.ID, r)
	})
	j.later()
	if s := j.stateOf(cleo, enrolment.Associates); s != enrolment.UnderReview {
		j.t.Fatalf("Cleo is %q after three sales", s)
	}
	return s
}

// later lets a minute go by: what is decided acts from the instant of its transaction on, which is behind a clock that stands.
func (j *joining) later() { j.set(j.clock.Now().Add(time.Minute)) }

func caseOf(of id.ID) string {
	return "/operator/reviews/" + of.Text("cr_") + "/associates"
}

// The queue says who waits and for how long; the case has the evidence; an approval frees what was withheld and leads on.
func TestReviewerApproves(t *testing.T) {
	j := newJoining(t)
	j.sold()
	v := j.as("The reviewer")
	v.wants("/operator/reviews?market=us", "1 application waits.", "Cleo Day", "3 sales", "due in 5 business days", "Corrections", `data-press="j"`)
	v.wants("/operator/reviews?market=us&program=influencer", "None fits")
	v.wants("/operator/reviews?market=us&state=under_review", "Cleo Day")
	v.wants("/operator/reviews?market=uk", "No application waits", "The queue is empty")
	v.wants(caseOf(cleo)+"?market=us", "I test kettles", "Kitchen, Home", "1,000 to 10,000", "blog.example", "7 of 10 wanted", "not found",
		"did not answer", "My &lt;b&gt;kettle", "Qualifying sales", "s-0", "/operator/orders/s-2?market=us", "Approve", "Decline", `data-press="a"`, `data-press="d"`,
		"that is withheld becomes free", "the first application", "1 Quay, Harbour Town", `rel="noopener noreferrer nofollow"`)
	status, body := v.post(caseOf(cleo), url.Values{"market": {"us"}, "do": {"approve"}, "words": {"Well done."}, "preview": {"approve"}})
	v.holds("preview", body, "What the applicant reads", "approved.", "Well done.")
	if status != http.StatusOK || j.stateOf(cleo, enrolment.Associates) != enrolment.UnderReview {
		t.Errorf("a preview decides: %d", status)
	}
	_, body = v.post(caseOf(cleo), url.Values{"market": {"us"}, "do": {"approve"}, "words": {"Well done."}})
	v.holds("approved", body, "Approved. The creator was told", "The queue is empty")
	j.later()
	if s := j.stateOf(cleo, enrolment.Associates); s != enrolment.Active {
		t.Errorf("Cleo is %q", s)
	}
	v.wants(caseOf(cleo)+"?market=us", "Nothing waits for a decision: it is active", "Who decided what", "The reviewer")
	status, _ = v.post(caseOf(cleo), url.Values{"market": {"us"}, "do": {"decline"}, "reasons": {"thin"}})
	if status != http.StatusConflict {
		t.Errorf("what is decided is decided again: %d", status)
	}
	j.as("Cleo Day").wants("/creator/programs?market=us", "active", "Nothing is asked of you", "!waits for your approval")
}

// A refusal needs a reason, tells it to the applicant, and leaves the way open.
func TestReviewerDeclines(t *testing.T) {
	j := newJoining(t)
	j.sold()
	v := j.as("The reviewer")
	for name, c := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"no reason":       {url.Values{"do": {"decline"}}, http.StatusUnprocessableEntity, "choose at least one"},
		"an unknown one":  {url.Values{"do": {"decline"}, "reasons": {"hair"}}, http.StatusUnprocessableEntity, "choose from the list"},
		"other, unsaid":   {url.Values{"do": {"decline"}, "reasons": {"other"}}, http.StatusUnprocessableEntity, "write what the other reason is"},
		"too many words":  {url.Values{"do": {"decline"}, "reasons": {"thin"}, "words": {strings.Repeat("ä", 2001)}}, http.StatusUnprocessableEntity, "say it shorter"},
		"nothing":         {url.Values{}, http.StatusUnprocessableEntity, "approve or decline"},
		"a program apart": {url.Values{"do": {"approve"}, "market": {"uk"}}, http.StatusNotFound, ""},
	} {
		if c.form.Get("market") == "" {
			c.form.Set("market", "us")
		}
		status, body := v.post(caseOf(cleo), c.form)
		if status != c.status || !strings.Contains(body, c.says) || j.stateOf(cleo, enrolment.Associates) != enrolment.UnderReview {
			t.Errorf("%s: %d\n%s", name, status, body)
		}
	}
	form := url.Values{"market": {"us"}, "do": {"decline"}, "reasons": {"thin", "no_disclosure"}, "words": {"Three more articles would do."}}
	_, body := v.post(caseOf(cleo), with(form, "preview", "decline"))
	v.holds("preview", body, "What the applicant reads", "The site has too few items of its own", "Three more articles would do.", "not sent yet")
	_, body = v.post(caseOf(cleo), with(form, "preview", ""))
	v.holds("declined", body, "Declined. The creator was told why")
	j.later()
	c := j.as("Cleo Day")
	c.wants("/creator/programs?market=us", "declined", "The site has too few items of its own", "Three more articles would do.", "Apply again", "waits for your approval")
	c.wants("/join/associates?market=us", "Apply again: Associates", "I test kettles", "You have accepted the", "Change it", `checked`)
	_, body = c.post("/join/associates", url.Values{"market": {"us"}, "do": {"send"}})
	c.holds("applied again", body, "Your application is sent")
	j.later()
	if s := j.stateOf(cleo, enrolment.Associates); s != enrolment.Provisional {
		t.Errorf("Cleo is %q after applying again", s)
	}
	v.wants(caseOf(cleo)+"?market=us", "application no. 2")
}

// Staff without the right to decide read, and are offered nothing; creators and other marketplaces see nothing at all.
func TestWhoReviews(t *testing.T) {
	j := newJoining(t)
	j.sold()
	for name, decides := range map[string]bool{"The admin": true, "The reviewer": true, "The finance": false, "The support": false, "The auditor": false} {
		v := j.as(name)
		body := v.wants(caseOf(cleo)+"?market=us", "I test kettles")
		if strings.Contains(body, "<form class=\"pad stack\"") != decides {
			t.Errorf("%s is offered a decision, or is not: want %v", name, decides)
		}
		if status, _ := v.post(caseOf(cleo), url.Values{"market": {"us"}, "do": {"decline"}}); (status != http.StatusForbidden) != decides {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _ := j.as("Cleo Day").open(caseOf(cleo)); status != http.StatusForbidden {
		t.Errorf("an applicant reads the reviewer's page: %d", status)
	}
	v := j.as("The reviewer")
	for _, path := range []string{caseOf(cleo) + "?market=uk", caseOf(9999), "/operator/reviews/none/associates", "/operator/reviews/" + cleo.Text("cr_") + "/winners"} {
		if status, _ := v.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// Somebody with the same address is shown beside the applicant.
func TestTwins(t *testing.T) {
	j := newJoining(t)
	j.sold()
	j.write(func(tx *db.Tx) error {
		return creator.SavePersonal(tx, j.ring, ben, creator.Personal{FullName: "B", Address: "1 quay\nharbour town"})
	})
	j.as("The reviewer").wants(caseOf(cleo)+"?market=us", "May be the same person", "Ben Okri", "the same address", "provisional")
}

// A reviewer works the queue by keys alone; every page is clean on every screen.
func TestReviewsOnEveryScreen(t *testing.T) {
	j := newJoining(t)
	j.sold()
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		j.signIn(p, "The reviewer")
		for _, path := range []string{"/operator/reviews?market=us", "/operator/reviews?market=uk", caseOf(cleo) + "?market=us"} {
			p.Goto(j.server.URL + path)
			browser.AXE(t, p)
			if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s is %d pixels wider than the screen", path, wide)
			}
		}
	})
	p := browser.Open(t)
	p.View(browser.Views[0])
	j.signIn(p, "The reviewer")
	p.Goto(j.server.URL + "/operator/reviews?market=us")
	p.Press("j")
	p.WaitText("h1", "Cleo Day")
	p.Press("d")
	p.WaitFor(`document.activeElement.name === 'reasons'`)
	p.Press(" ")
	p.WaitFor(`document.querySelector('[name="reasons"]:checked')`)
	p.Click(`button.risk`)
	p.WaitText(".note", "Declined")
	j.later()
	if s := j.stateOf(cleo, enrolment.Associates); s != enrolment.Declined {
		t.Errorf("Cleo is %q", s)
	}
}

// A reviewer gives another standing with a reason and words; what is missing comes back with the form.
func TestStandings(t *testing.T) {
	w := newWorld(t)
	v := w.as("The reviewer")
	at := "/operator/reviews/" + ben.Text("cr_") + "/associates"
	v.wants(at, "Change the standing", "Warned", "Closed")
	if status, body := v.post(at+"/standing", url.Values{"state": {"warned"}, "reason": {"cloaking"}}); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest || !strings.Contains(body, "write what was found") {
		t.Errorf("without words: %d", status)
	}
	if _, body := v.post(at+"/standing", url.Values{"state": {"warned"}, "reason": {"cloaking"}, "words": {"The link of 3 November hides the shop."}}); !strings.Contains(body, "It stands so from now on") {
		t.Errorf("not warned:\n%s", body)
	}
	v.wants(at, "Warned", "Provisional")
}
