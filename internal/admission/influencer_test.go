package admission_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/admission"
	"tributary/internal/application"
	"tributary/internal/db"
	"tributary/internal/egress"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/network/standin"
	"tributary/internal/site"
)

// social gives the world networks that are stood in for.
func (w *world) social() *standin.Networks {
	w.t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	w.t.Cleanup(server.Close)
	stand := standin.New("/networks", server.URL)
	stand.Wall, stand.Business = w.clock.Now, w.clock.Now
	handler = stand
	apps := stand.Apps(server.URL)
	client, err := egress.Operator(network.Addresses(apps)...)
	w.must(err)
	w.desk.Networks = &network.Connector{DB: w.db, Ring: w.ring, Client: client, Apps: apps, Home: server.URL, Weights: network.Shipped()}
	return stand
}

// connect consents at a network, as Ada's browser does, and has the desk take the account.
func (w *world) connect(k network.Kind, number string) network.Account {
	w.t.Helper()
	c := w.desk.Networks
	address, err := c.Begin(ctx, w.ada.Creator, k, "session", w.clock.Now())
	w.must(err)
	at, err := url.Parse(address)
	w.must(err)
	agreed := url.Values{"decision": {"allow"}, "account": {number}}
	for scope := range strings.FieldsFuncSeq(at.Query().Get("scope"), func(r rune) bool { return r == ',' || r == ' ' }) {
		agreed.Add("scope", scope)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	sent, err := browser.PostForm(address, agreed)
	w.must(err)
	sent.Body.Close()
	back, err := url.Parse(sent.Header.Get("Location"))
	w.must(err)
	a, err := c.Finish(ctx, back.Query().Get("state"), back.Query().Get("code"), "session", w.clock.Now(), w.clock.Now())
	w.must(err)
	w.must(w.desk.Connected(ctx, w.ada.Creator, a))
	w.tick()
	return a
}

// What each network's account leads to: at once, queued, or declined; and the business days of the queue, around a weekend and
// a holiday.
func TestInfluencer(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    network.Kind
		number  string
		want    enrolment.State
		reasons []string
	}{
		{"many watch", network.YouTube, "UCada0000000000000000001", enrolment.Active, nil},
		{"private", network.YouTube, "UCcam0000000000000000003", enrolment.Declined, []string{"private"}},
		{"quiet for months", network.YouTube, "UCeli0000000000000000005", enrolment.Declined, []string{"score"}},
		{"a page", network.Facebook, "100000000000001", enrolment.Active, nil},
		{"a person decides", network.Instagram, "17841400000000001", enrolment.UnderReview, nil},
		{"no business account", network.Instagram, "17841400000000003", enrolment.Declined, []string{"business_account"}},
		{"a person decides here, too", network.TikTok, "_000stand-in-ivy0000002", enrolment.UnderReview, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(m *market.Market) { m.Admission.Holidays = []string{"03-04"} })
			w.social()
			w.accept()
			w.fill(enrolment.Influencer, func(f *application.Form) { f.Networks = []string{string(c.kind)} })
			w.must(w.apply(enrolment.Influencer))
			w.stands(enrolment.Influencer, enrolment.Applied)
			w.connect(c.kind, c.number)
			s := w.stands(enrolment.Influencer, c.want)
			if !slices.Equal(s.Reasons, c.reasons) {
				t.Errorf("%v, want %v", s.Reasons, c.reasons)
			}
			if c.want != enrolment.UnderReview {
				return
			}
			// Sunday 1 March, five business days without Wednesday the 4th: until the end of Monday the 9th, here.
			if want := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC); !s.Due.Equal(want) {
				t.Errorf("due %s, want %s", s.Due, want)
			}
			w.must(w.desk.Decide(ctx, w.rosa, w.key(enrolment.Influencer), admission.Verdict{Approve: true}))
			w.tick()
			w.stands(enrolment.Influencer, enrolment.Active)
		})
	}
}

// Connected first, applied afterwards: decided at once; and in the second program nothing is asked twice.
func TestInfluencerAfterAssociates(t *testing.T) {
	w := newWorld(t)
	w.social()
	w.joins()
	w.connect(network.YouTube, "UCada0000000000000000001")
	w.fill(enrolment.Influencer)
	w.must(w.apply(enrolment.Influencer))
	w.stands(enrolment.Influencer, enrolment.Active)
	w.stands(enrolment.Associates, enrolment.Provisional)
	if !slices.Contains(w.told(), "network.connected") {
		t.Errorf("told %v", w.told())
	}
}

// Accounts are looked at again on a schedule; one whose consent is gone is told of, and may be connected again.
func TestAccountsAreLookedAtAgain(t *testing.T) {
	w := newWorld(t)
	stand := w.social()
	a := w.connect(network.YouTube, "UCada0000000000000000001")
	jobs := &job.Runner{DB: w.db, Work: map[string]job.Work{admission.JobNetwork: w.desk.Recheck}}
	w.pass(begin.AddDate(0, 0, 31))
	w.must(jobs.Drain(ctx))
	if !slices.Contains(w.told(), "network.checked") {
		t.Errorf("told %v", w.told())
	}
	stand.Revoke(network.YouTube, "UCada0000000000000000001")
	w.pass(begin.AddDate(0, 0, 62))
	w.must(jobs.Drain(ctx))
	if !slices.Contains(w.told(), "network.expired") {
		t.Errorf("told %v", w.told())
	}
	var now network.Account
	w.read(func(tx *db.Tx) (err error) {
		now, err = network.One(tx, a.ID)
		return err
	})
	if now.State != network.Expired {
		t.Errorf("%+v", now)
	}
}

// A program that is not offered here, and one that was closed for good, cannot be applied for.
func TestProgramsThatCannotBeJoined(t *testing.T) {
	w := newWorld(t, func(m *market.Market) { m.Admission.NoSocial, m.Admission.Connections = true, false })
	w.accept()
	for _, program := range []enrolment.Program{enrolment.Influencer, enrolment.Connections} {
		w.fill(program)
		if err := w.apply(program); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", program, err)
		}
	}
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	w.write(func(tx *db.Tx) error {
		return enrolment.Save(tx, w.key(enrolment.Associates), enrolment.Standing{Since: w.clock.Now(), State: enrolment.Closed, Reason: admission.ReasonBanned})
	})
	w.tick()
	w.fill(enrolment.Associates)
	if err := w.apply(enrolment.Associates); !fault.Is(err, fault.Denied) {
		t.Errorf("closed for good: %v", err)
	}
}

// A channel that is named as a site is proved by its network, and begins associates like any proof.
func TestChannelAsSite(t *testing.T) {
	w := newWorld(t)
	w.social()
	w.accept()
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	w.write(func(tx *db.Tx) error {
		_, err := site.Add(tx, w.ring, w.ada.Creator, "https://youtube.com/@ada.bakes.example", site.Video, w.clock.Now())
		return err
	})
	w.connect(network.YouTube, "UCben0000000000000000002") // another channel of hers proves nothing
	w.stands(enrolment.Associates, enrolment.Applied)
	a := w.connect(network.YouTube, "UCada0000000000000000001")
	if !strings.Contains(a.Address, "youtube.com/@ada.bakes.example") {
		t.Fatalf("the channel is at %s", a.Address)
	}
	w.stands(enrolment.Associates, enrolment.Provisional)
}
