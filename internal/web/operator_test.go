package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/claim"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/person"
	"tributary/internal/report"
)

// sends posts a form and wants to be led to a page that holds the texts.
func (v *visitor) sends(path string, form url.Values, texts ...string) string {
	v.t.Helper()
	status, body := v.post(path, form)
	if status != http.StatusOK {
		v.t.Fatalf("%s: %d\n%s", path, status, body)
	}
	v.holds(path, body, texts...)
	return body
}

// refused posts a form and wants it back with what was wrong and what was typed.
func (v *visitor) refused(path string, form url.Values, status int, texts ...string) {
	v.t.Helper()
	got, body := v.post(path, form)
	if got != status {
		v.t.Fatalf("%s: %d, want %d\n%s", path, got, status, body)
	}
	v.holds(path, body, append(texts, `role="alert"`)...)
}

// field is what a hidden field of a page holds.
func field(body, name string) string {
	_, rest, _ := strings.Cut(body, `name="`+name+`" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// link is the address that begins so on a page.
func linkTo(body, begin string) string {
	_, rest, found := strings.Cut(body, `href="`+begin)
	if !found {
		return ""
	}
	address, _, _ := strings.Cut(rest, `"`)
	return strings.ReplaceAll(begin+address, "&amp;", "&")
}

// asks lets a creator open a claim about an order.
func (w *world) asks(one id.ID, order string, expected int64) (c claim.Claim) {
	w.t.Helper()
	if err := w.db.Lane(w.t.Context(), db.Interactive, w.clock.Now(), []int64{1}, func(tx *db.Tx) (err error) {
		c, _, err = claim.Open(tx, person.Keys{Ring: w.ring}, 1, w.us.Location(), one, one.Text(id.Creator), claim.Request{
			Question: claim.Question{Order: order}, Expected: expected, Message: "My reader says that she bought it <b>at once</b>.",
			Evidence: []string{"https://example.com/chat"}})
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) balance(one id.ID) (b report.Balances) {
	w.t.Helper()
	if err := w.db.Read(w.t.Context(), func(tx *db.Tx) (err error) {
		b, err = report.BalancesOf(tx, one, w.us, w.clock.Now())
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return b
}

func TestQueue(t *testing.T) {
	w := newWorld(t)
	w.live()
	v := w.as("The support")
	v.wants("/operator/claims", "The queue is empty", "No creator waits")
	v.wants("/operator/claims?show=past", "Nothing was answered yet")
	first := w.asks(ada, "2005", 441)
	w.set(now.AddDate(0, 0, 9))
	second := w.asks(ada, "nowhere", 0)
	v.wants("/operator/claims", "2 questions wait", "1 overdue", "Order 2005", "was due November 27", "Order nowhere", "due December 8", "$4.41",
		"Ada Lindholm", "&lt;b&gt;at once")
	at := "/operator/claims/" + first.ID.Text(id.Claim)
	v.wants(at, "1 of 2", "What Ada Lindholm expects", "https://example.com/chat", "a click of yours came with it", "ordered too long after the click",
		"A shopper clicked a link of Ada Lindholm", `data-press="a"`, `data-press="j"`, "!rel=\"prev\"", "Turn keys off")
	v.wants("/operator/claims/"+second.ID.Text(id.Claim), "The store has not reported this order", `rel="prev"`, "!rel=\"next\"")

	v.refused(at, url.Values{"do": {"ask"}}, http.StatusUnprocessableEntity, "Words: is empty")
	v.sends(at, url.Values{"do": {"ask"}, "words": {"Which device was it?"}}, "The question is sent", "Which device was it?", "The support asked the creator")
	v.refused(at, url.Values{"do": {"decline"}, "reason": {"nonsense"}, "words": {"We are sorry."}}, http.StatusUnprocessableEntity,
		"is not a reason for this", "We are sorry.")
	body := v.sends(at, url.Values{"do": {"decline"}, "reason": {"decided_rightly"}, "words": {"The session was over."}},
		"Answered. The creator reads it.", "Order nowhere")
	v.holds("the next one", body, "!The session was over")
	v.wants(at, "declined", "it was decided by the rules", "The session was over.", "!data-press=\"a\"")
	v.refused(at, url.Values{"do": {"decline"}, "reason": {"other"}, "words": {"Again."}}, http.StatusConflict, "answered or withdrawn")
	v.wants("/operator/claims?show=past", "Order 2005", "declined")
	w.as("Ada Lindholm").wants("/creator/claims/"+first.ID.Text(id.Claim), "The session was over.", "!The support")
	w.as("The finance").wants(at, "declined", "!Decline the claim")
	for _, path := range []string{"none", "clm_0000000000001", first.ID.Text(id.Claim) + "?market=uk"} {
		if status, _ := v.open("/operator/claims/" + path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// A claim that is accepted with an amount: small ones at once, large ones by a second person first.
func TestClaimIsAccepted(t *testing.T) {
	w := newWorld(t)
	w.live()
	before := w.balance(ada).Payable
	v := w.as("The reviewer")
	small, large := w.asks(ada, "2005", 441), w.asks(ada, "2006", 0)
	accept := func(c claim.Claim, amount string) (string, url.Values) {
		at := "/operator/claims/" + c.ID.Text(id.Claim)
		return at, url.Values{"do": {"accept"}, "key": {field(v.wants(at), "key")}, "reason": {"tracking_failed"}, "amount": {amount},
			"words": {"The click was not carried along."}}
	}
	at, form := accept(small, "four")
	v.refused(at, form, http.StatusUnprocessableEntity, "Amount:", `value="four"`, "The click was not carried along.", form.Get("key"))
	at, form = accept(small, "4.41")
	v.sends(at, form, "Answered.")
	v.wants(at, "accepted", "$4.41", "posted", "the click was not carried along")
	if got := w.balance(ada).Payable - before; got != 441 {
		t.Errorf("%d were posted", got)
	}
	at, form = accept(large, "250")
	body := v.sends(at, form, "It waits for a second person.", "$250.00", "needs a second person", "!the adjustment of $250.00")
	waiting := linkTo(body, "/operator/corrections/")
	finance := w.as("The finance")
	finance.wants("/operator/corrections", "$250.00", "The reviewer", "a claim: The click was not carried along.")
	decide, _, _ := strings.Cut(waiting, "?")
	finance.sends(decide+"/decide", url.Values{"do": {"approve"}}, "Approved, and posted.", "posted by the system", "About a <a")
	form = url.Values{"do": {"accept"}, "reason": {"tracking_failed"}, "words": {"It is paid now."}, "correction": {strings.TrimPrefix(decide, "/operator/corrections/")}}
	v.wants(at, "the adjustment of $250.00")
	v.sends(at, form, "Answered.", "The queue is empty")
	if got := w.balance(ada).Payable - before; got != 441+25000 {
		t.Errorf("%d were posted", got)
	}
}

func TestAdjustments(t *testing.T) {
	w := newWorld(t)
	w.live()
	before := w.balance(ada).Payable
	v := w.as("The finance")
	v.wants("/operator/corrections", "Nothing waits", "Adjust a balance", "takes a second person")
	w.as("The support").wants("/operator/corrections", "!Adjust a balance")
	v.wants("/operator/adjust?q=ada", "Ada Lindholm")
	v.wants("/operator/adjust?q=nobody", "Nobody found")
	form := func(amount string) url.Values {
		body := v.wants("/operator/adjust?creator="+ada.Text("cr_"), "Payable now", "beyond $100.00 a second person decides")
		return url.Values{"creator": {ada.Text("cr_")}, "key": {field(body, "key")}, "amount": {amount}, "reason": {"goodwill"},
			"words": {"For the broken link."}, "evidence": {"one\n\n two "}, "order": {"2001"}}
	}
	for amount, want := range map[string]string{"": "Amount: is 0", "x": "Amount:", "1.234": "more than 2 decimals"} {
		v.refused("/operator/corrections", form(amount), http.StatusUnprocessableEntity, want, "For the broken link.")
	}
	wrong := form("5")
	wrong.Set("order", "no such order")
	v.refused("/operator/corrections", wrong, http.StatusNotFound, "there is none such", "no such order")

	small := form("−12.50")
	v.sends("/operator/corrections", small, "It is posted: the ledger holds it.", "An adjustment of −$12.50", "For the broken link.", "<li>two</li>", "order 2001", "goodwill")
	v.sends("/operator/corrections", small, "An adjustment of −$12.50") // the same form sent again
	if got := w.balance(ada).Payable - before; got != -1250 {
		t.Errorf("%d were posted", got)
	}
	v.sends("/operator/corrections", form("500"), "It waits for a second person.", "Your proposal", "!Your decision")
	admin := w.as("The admin")
	at, _, _ := strings.Cut(linkTo(admin.wants("/operator/corrections", "$500.00", "The finance", "needs a second person"), "/operator/corrections/"), "?")
	v.refused(at+"/decide", url.Values{"do": {"approve"}}, http.StatusForbidden, "a second person decides")
	admin.refused(at+"/decide", url.Values{"do": {"decline"}}, http.StatusUnprocessableEntity, "Words: is empty")
	admin.refused(at+"/withdraw", nil, http.StatusForbidden, "omebody else proposed this")
	admin.sends(at+"/decide", url.Values{"do": {"decline"}, "words": {"Too much."}}, "Declined. Nothing was posted.", "Too much.", "declined by The admin")
	admin.refused(at+"/decide", url.Values{"do": {"approve"}}, http.StatusConflict, "declined already")
	admin.refused(at+"/post", nil, http.StatusConflict, "only what is approved is posted")

	v.sends("/operator/corrections", form("300"), "Your proposal")
	at, _, _ = strings.Cut(linkTo(v.wants("/operator/corrections", "$300.00"), "/operator/corrections/"), "?")
	v.sends(at+"/withdraw", url.Values{"words": {"A mistake."}}, "Withdrawn. Nothing was posted.", "A mistake.")
	if got := w.balance(ada).Payable - before; got != -1250 {
		t.Errorf("%d were posted", got)
	}
	v.wants("/operator/creators/"+ada.Text("cr_"), "Corrections", "Adjust the balance", "declined", "withdrawn", "posted", "−$12.50")
}

// Lines are disqualified on the page of their order, and given back.
func TestDisqualification(t *testing.T) {
	w := newWorld(t)
	w.live()
	v := w.as("The reviewer")
	body := v.wants("/operator/orders/1003", "Disqualify lines", "Gooseneck kettle, matte black, $4.41", "a purchase of one&#39;s own")
	w.as("The finance").wants("/operator/orders/1003", "!Disqualify lines")
	v.wants("/operator/orders/2007", "!Disqualify lines") // credited to nobody
	form := url.Values{"key": {field(body, "key")}, "line": {"1", "2"}, "reason": {"trademark_ads"}, "words": {"Ads on our name."}}
	v.refused("/operator/orders/1003/disqualify", form, http.StatusUnprocessableEntity, "Evidence: is empty", "Ads on our name.", "checked")
	form.Set("evidence", "https://example.com/ad.png")
	body = v.sends("/operator/orders/1003/disqualify", form, "2 lines disqualified", "ads on trademarks", "2 of 2 lines changed", "Take it back", "ad.png")
	v.wants("/operator/orders/1003", "Corrections", "Disqualification", "why nothing", "!Disqualify lines")
	v.wants("/operator/lines/1003/1", "Found in breach of the rules: Ads on our name.", "Disqualification")
	at, _, _ := strings.Cut(linkTo(v.wants("/operator/orders/1003"), "/operator/corrections/"), "?")
	w.as("The support").wants(at, "!Take it back")
	back := url.Values{"key": {field(body, "key")}, "line": {"1003\t2"}, "reason": {"appeal_won"}}
	v.refused(at+"/reverse", back, http.StatusUnprocessableEntity, "Words: is empty", "checked")
	back.Set("words", "The ad was somebody else's.")
	v.sends(at+"/reverse", back, "1 line given back", "1 of 1 lines changed", "a disqualification")
	v.wants("/operator/lines/1003/2", "Why $")
	v.wants("/operator/lines/1003/1", "earned nobody anything", "Found in breach")
	back = url.Values{"key": {field(v.wants(at), "key")}, "reason": {"appeal_won"}, "words": {"The rest, too."}}
	v.sends(at+"/reverse", back, "1 line given back")
	v.wants("/operator/lines/1003/1", "Why $4.41")
}

func TestCouponsOfOperator(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v := w.as("The reviewer")
	v.wants("/operator/coupons", "No coupon here", "Open a coupon")
	form := url.Values{"code": {"Ada10"}, "tag": {"nobody-20"}, "until": {"2026-12-31"}}
	v.refused("/operator/coupons", form, http.StatusUnprocessableEntity, "is not a tracking id of this marketplace", "Ada10", "2026-12-31")
	form.Set("tag", "ADA-20")
	v.sends("/operator/coupons", form, "The code belongs to its owner for good.", "ada10", "Ada Lindholm", "in force", "End now")
	form.Set("tag", w.tags[ben].Tag)
	v.refused("/operator/coupons", form, http.StatusConflict, "for good")
	v.refused("/operator/coupons", url.Values{"code": {"x"}, "tag": {"ada-20"}}, http.StatusUnprocessableEntity, "is not a coupon&#39;s code")
	v.refused("/operator/coupons", url.Values{"code": {"later"}, "tag": {"ada-20"}, "from": {"soon"}}, http.StatusUnprocessableEntity, "is not a date")
	v.sends("/operator/coupons", url.Values{"code": {"later"}, "tag": {"ada-20"}, "from": {"2027-01-01"}}, "to come")
	v.wants("/operator/coupons", "ada10", "later")
	v.wants("/operator/coupons?creator="+ada.Text("cr_"), "Coupons of", "ada10")
	v.wants("/operator/creators/"+ada.Text("cr_"), "ada10", "in force", "Tracking ids", "ada-20")
	v.sends("/operator/coupons/later/end", nil, "Its end is set.", "never began")
	w.set(now.Add(time.Hour))
	v.sends("/operator/coupons/ada10/end", nil, "ended", "!End now")
	v.refused("/operator/coupons/none-such/end", nil, http.StatusNotFound, "no such coupon")
	w.as("The auditor").wants("/operator/coupons", "ada10", "!Open a coupon")
}

func TestBountiesOfOperator(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v := w.as("The admin")
	v.wants("/operator/bounties", "No bounty is offered here", "Publish an offer")
	form := url.Values{"action": {"business_signup"}, "name": {"A company opens an account"}, "amount": {"15"}, "page": {"/business"}, "from": {"2026-11-22"}, "new": {"yes"}}
	v.sends("/operator/bounties", form, "Published.", "$15.00", "new customers only", "without end")
	for name, c := range map[string]struct{ value, want string }{
		"action": {"Business Sign-up", "is not the name of an action"}, "amount": {"-2", "is negative"}, "share": {"2", "either an amount or a share"},
		"page": {"https://evil.example/", "Page:"}, "from": {"2026-13-40", "is not a date"}, "window_days": {"x", "is not a whole number"},
	} {
		wrong := url.Values{}
		for key, values := range form {
			wrong[key] = values
		}
		wrong.Set(name, c.value)
		v.refused("/operator/bounties", wrong, http.StatusUnprocessableEntity, c.want, "A company opens an account")
	}
	cut := url.Values{"action": {"business_signup"}, "name": {"Less"}, "amount": {"12"}, "page": {"/business"}, "from": {"2026-11-25"}}
	v.refused("/operator/bounties", cut, http.StatusUnprocessableEntity, "no sooner than 14 days", "Less")
	cut.Set("from", "2027-01-01")
	v.sends("/operator/bounties", cut, "$12.00", "to come", "in force")
	form = url.Values{"action": {"trade_in"}, "name": {"A device"}, "share": {"2"}, "max": {"40"}, "page": {"/trade"}, "from": {"2026-11-22"}}
	body := v.sends("/operator/bounties", form, "2 % of the value, at most $40.00")
	_, row, _ := strings.Cut(body, "trade_in")
	at := cutOut(row, `action="`, `"`)
	v.refused(at, url.Values{"last": {"2026-11-23"}}, http.StatusUnprocessableEntity, "no sooner than 14 days")
	v.refused(at, nil, http.StatusUnprocessableEntity, "is empty")
	v.sends(at, url.Values{"last": {"2026-12-31"}}, "Its end is set.", "December 31")
	w.set(now.Add(60 * 24 * time.Hour))
	v.wants("/operator/bounties", "Past offers", "over")
	w.as("The finance").wants("/operator/bounties", "A device", "!Publish an offer")
}

// What lines brought and cost, in every way in which it is cut.
func TestReports(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v := w.as("The auditor")
	v.wants("/operator/reports", "Nothing earned in these months", "June to November", "$0.00")
	v.wants("/operator/reports/attribution", "No purchase with a click")
	v.wants("/operator/reports/reasons", "Every line of these months earns")
	v.wants("/operator/reports/free", "Nothing stands out", "from 20,000 free units on, and 80 % of all units")
	w = newWorld(t)
	w.live()
	v = w.as("The finance")
	// July, September, October, November: a kettle at 4.5 % and, unshipped, a lamp; in November another kettle, half shipped.
	v.wants("/operator/reports", "Revenue", "$98.00", "$4.41", "−$4.41", "July", "November", "by=category")
	v.wants("/operator/reports?by=category&from=2026-07&to=2026-07", "Kettles", "deep2", "100 % of the revenue", "4.5 % in all")
	v.wants("/operator/reports?by=creator&category=Home+%3E+Kitchen", "Only Home &gt; Kitchen", "Ada Lindholm", "everything")
	v.wants("/operator/reports?creator="+ada.Text("cr_"), "Only Ada Lindholm")
	v.wants("/operator/reports/attribution", "All together", "by=creator")
	v.wants("/operator/reports/attribution?by=creator", "Ada Lindholm", "Ben Okri")
	body := v.wants("/operator/reports/reasons", "the click came from a paid ad", "returned", "no click was known")
	v.wants(linkTo(body[strings.Index(body, "paid_ad")-200:], "/operator/reports/reasons"), "the click came from a paid ad", "Gooseneck kettle", "why nothing", "!Desk lamp")
	v.wants("/operator/reports/reasons?month=2026-07&reason=resale", "No line here")
	v.wants("/operator/orders/1003", "Margin", "−$4.41 left", "Tiers and bounties belong to months")
	w.as("The support").wants("/operator/orders/1003", "!Tiers and bounties belong")
	w.as("The support").wants("/operator", "!/operator/reports")
	for path, want := range map[string]string{"/operator/reports/margin.csv?by=creator": "Ada Lindholm", "/operator/reports/attribution.csv": "last_revenue",
		"/operator/reports/reasons.csv": "paid_ad"} {
		if status, body := v.open(path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
	}
	for _, query := range []string{"?from=x", "?from=2026-05&to=2026-01", "?creator=none", "/reasons?month=2026-13&reason=x", "/reasons?month=2026-11&reason=x&after=a%09b%09c", "/free?month=x"} {
		if status, _ := v.open("/operator/reports" + query); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", query, status)
		}
	}
}

// Lines behind a count are turned page by page, each once.
func TestReasonLines(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	for i := range 120 {
		w.buy(fmt.Sprintf("none-%03d", i), now, "", kettle)
	}
	v := w.as("The finance")
	seen, pages := map[string]bool{}, 0
	for next := "/operator/reports/reasons?month=2026-11&reason=no_touch"; next != ""; pages++ {
		body := v.wants(next)
		for _, part := range strings.Split(body, `data-key="`)[1:] {
			key, _, _ := strings.Cut(part, `"`)
			if seen[key] {
				t.Errorf("%s stands twice", key)
			}
			seen[key] = true
		}
		next = nextPage(body, "Next page")
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d lines on %d pages", len(seen), pages)
	}
}
