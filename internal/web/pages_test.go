package web_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/id"
	"tributary/internal/order"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/web"
)

func TestHome(t *testing.T) {
	w := newWorld(t)
	v := w.as("Ada Lindholm")
	v.wants("/creator", "No orders yet", "Make your first link", "$0.00", "Earned, July")
	w.live()
	// Today: 4.41 for the kettle of 2001, 2002 and 2004 at 4.5 %, of which 2004 came back.
	body := v.wants("/creator", "Where your money is", "November so far", "Ordered, not shipped", "Payable now", "Earned, November", "payable January 29, 2027",
		"Gooseneck kettle, matte black", "$8.82", "why nothing", "partly shipped", "this product earns no commission", "data-stream=\"/creator/events?market=us\"",
		"3 orders", "Your best day of these thirty", "!<script>alert", "&lt;script&gt;")
	if strings.Count(body, "data-key=") < 8+5 {
		t.Errorf("few rows can light up:\n%s", body)
	}
	v.wants("/creator?market=uk", "£0.00", "Harbour Market UK", "No orders yet")
	w.as("Ben Okri").wants("/creator", "2 more qualifying sales for full approval", "1 of 3 · 36 days left", "!2001")
	w.as("Cleo Day").wants("/creator", "No orders yet", "Make your first link")
}

func TestNumbersInTheViewersLocale(t *testing.T) {
	w := newWorld(t)
	w.live()
	v := w.as("Ada Lindholm")
	for accept, want := range map[string]string{"en-GB": "payable 29 January 2027", "en-US": "payable January 29, 2027", "de-DE": "8,82", "not a locale!": "$8.82", "": "$8.82"} {
		request, err := http.NewRequest(http.MethodGet, w.server.URL+"/creator", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Language", accept)
		response, err := v.client.Do(request)
		_, body := v.read(response, err)
		v.holds(accept, body, want)
	}
}

func TestEarnings(t *testing.T) {
	w := newWorld(t)
	v := w.as("Ada Lindholm")
	v.wants("/creator/earnings", "No lines yet")
	w.live()
	v.wants("/creator/earnings", "2001/1", "2006/1", "1000/1", "!2007", "!2009", "Download CSV")
	for query, texts := range map[string][]string{
		"state=ordered":                  {"2001/1", "!2002/1", "!2003/1"},
		"state=part":                     {"2002/1", "!2001/1"},
		"state=earned":                   {"1000/1", "!2001/1"},
		"state=nothing":                  {"2003/1", "2004/1", "2006/1", "!2001/1"},
		"reason=paid_ad":                 {"2006/1", "!2003/1"},
		"reason=returned":                {"2004/1", "!2003/1"},
		"reason=resale":                  {"No line fits", "Show all lines"},
		"month=2026-07":                  {"1000/1", "!2001/1"},
		"program=associates&sort=amount": {"1000/1"},
		"program=influencer":             {"No line fits"},
		"sort=order":                     {"2001/1", "Ordered"},
		"q=gooseneck":                    {"2001/1", "!1000/2"},
		"q=LAMP-1":                       {"1000/2", "!2001/1"},
		"q=2001":                         {"2001/1", "!2002/1"},
		"q=100%25":                       {"No line fits"},
	} {
		v.wants("/creator/earnings?"+query, texts...)
	}
	for _, query := range []string{"state=x", "reason=x", "program=x", "month=2026-13", "sort=x", "q=" + strings.Repeat("x", 201)} {
		if status, _ := v.open("/creator/earnings?" + query); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", query, status)
		}
	}
}

// Every line stands on exactly one page, however the pages are turned.
func TestPagesOfEarnings(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	for i := range 95 {
		w.buy("p"+string(rune('a'+i%26))+time.Duration(i).String(), now.Add(-time.Minute), w.token(ada, now.Add(-time.Hour)), kettle)
	}
	v := w.as("Ada Lindholm")
	for _, first := range []string{"/creator/earnings", "/creator/earnings?sort=amount", "/creator/earnings?state=ordered"} {
		seen, pages := map[string]bool{}, 0
		for next := first; next != ""; pages++ {
			body := v.wants(next)
			for _, part := range strings.Split(body, `data-key="`)[1:] {
				key, _, _ := strings.Cut(part, `"`)
				if seen[key] {
					t.Errorf("%s shows %s twice", first, key)
				}
				seen[key] = true
			}
			next = nextPage(body, "Next page")
		}
		if len(seen) != 95 || pages != 3 {
			t.Errorf("%s: %d lines on %d pages", first, len(seen), pages)
		}
	}
}

func TestEarningsFile(t *testing.T) {
	w := newWorld(t)
	w.live()
	w.write(func(tx *db.Tx) error {
		return product.Save(tx, 1, func(string) int64 { return 1 }, []product.Product{{SKU: kettle, Title: `=cmd|"calc"`, Category: "Home > Kitchen"}})
	})
	_, body := w.as("Ada Lindholm").open("/creator/earnings.csv?month=2026-11&sort=amount")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+6+2 || rows[0][1] != "order" {
		t.Fatalf("%d rows:\n%s", len(rows), body)
	}
	for _, row := range rows[1:] {
		if strings.HasPrefix(row[4], "=") {
			t.Errorf("a formula: %v", row)
		}
		if row[1] == "2001" && (row[9] != "98.00" || row[11] != "4.41" || row[13] != "USD" || row[14] != "ordered") {
			t.Errorf("%v", row)
		}
	}
}

func TestWhy(t *testing.T) {
	w := newWorld(t)
	w.live()
	v := w.as("Ada Lindholm")
	for path, texts := range map[string][]string{
		"2001/1": {"Why you will earn $4.41 on Gooseneck kettle, matte black", "A shopper clicked your link", "this click won the line", "Ordered: 2 ×",
			"Home &gt; Kitchen, 4.5 % of $98.00", "at most $20.00 per unit", "To come, when it is shipped", "In the books", "The facts that this was decided on"},
		"1000/1": {"Why you earned $4.41", "Shipped: 2 of 2", "Earned in July, payable since September 29"},
		"2004/1": {"earned nothing", "Returned: 2 of 2", "Earns nothing: returned"},
		"2003/1": {"this product earns no commission", "the rate card gives this product 0 %", "digital: it counts as shipped"},
		"2005/1": {"ordered too long after the click", "a click counts for 24 hours"},
		"2006/1": {"the click came from a paid ad", "clicks that were bought as ads earn nothing"},
	} {
		v.wants("/creator/lines/"+path, texts...)
	}
	for _, path := range []string{"2007/1", "2009%2Fa%20b/1"} {
		if status, _ := v.open("/creator/lines/" + path); status != http.StatusNotFound {
			t.Errorf("%s of somebody else: %d", path, status)
		}
	}
	w.as("Ben Okri").wants("/creator/lines/2009%2Fa%20b/1", "Why you will earn")
	_, body := v.open("/creator/lines/2001/1/facts")
	var facts struct {
		Net     int64
		Touches []struct{ Won bool }
	}
	if err := json.Unmarshal([]byte(body), &facts); err != nil || facts.Net != 9800 || !facts.Touches[0].Won {
		t.Errorf("%v:\n%s", err, body)
	}
}

func TestLinks(t *testing.T) {
	w := newWorld(t)
	v := w.as("Ada Lindholm")
	v.wants("/creator/links", "No short links yet", "ada-20")
	for question, texts := range map[string][]string{
		"http://store.example/product/KETTLE-1": {"Gooseneck kettle, matte black", "http://go.example/dp/KETTLE-1?tag=ada-20", "4.5 % of $49.00", `class="qr"`},
		"/dp/KETTLE-1":                          {"http://go.example/dp/KETTLE-1?tag=ada-20"},
		"store.example/search?q=lamps":          {"http://go.example/s?k=lamps&amp;tag=ada-20"},
		"gooseneck":                             {"Products for", "Gooseneck kettle", "$49.00"},
		"no such thing":                         {"Nothing found"},
		"https://evil.example/x":                {"not a page of this marketplace", "https://evil.example/x"},
		"/dp/NONE":                              {"leads to a product that this marketplace does not have"},
		"":                                      {"needs a product"},
	} {
		_, body := v.post("/creator/links", url.Values{"q": {question}, "market": {"us"}})
		v.holds(question, body, texts...)
	}
	body := v.wants("/creator/links")
	if made := strings.Count(body, `data-copy="http://go.example/`); made != 2 {
		t.Errorf("%d short links, want one per target:\n%s", made, body)
	}
	if _, body := v.post("/creator/tracking", url.Values{"name": {"Videos"}}); !strings.Contains(body, "videos-20") || !strings.Contains(body, `<select`) {
		t.Errorf("no tracking id was made:\n%s", body)
	}
	if status, body := v.post("/creator/tracking", nil); status != http.StatusUnprocessableEntity || !strings.Contains(body, "is empty") {
		t.Errorf("a tracking id without a name: %d", status)
	}
	cleo := w.as("Cleo Day")
	_, body = cleo.post("/creator/links", url.Values{"q": {"/dp/KETTLE-1"}})
	cleo.holds("without a tracking id", body, "you have no tracking id in this marketplace yet")
}

func TestOperator(t *testing.T) {
	w := newWorld(t)
	v := w.as("The auditor")
	v.wants("/operator", "No orders yet", "nothing waits")
	v.wants("/operator/orders", "No orders yet")
	w.live()
	v.wants("/operator", "Clicks in", "3 wait in the log", "1 event is early", "of the newest 17 lines", "Orders just now", "2009/a b", "oldest 1 min")
	v.wants("/operator?market=uk", "£0.00")
	v.wants("/operator/orders", "2007", "2001", "1000")
	v.wants("/operator/orders?q=200", "2007", "!1000")
	v.wants("/operator/orders?q=zzz", "No order begins so")
	v.wants("/operator/orders/2001", "Order 2001", "Gooseneck", "!Early events")
	v.wants("/operator/orders/2009%2Fa%20b", "Order 2009/a b")
	v.wants("/operator/lines/2001/1", "Why $4.41 for", "Credited to", "Ada Lindholm", "In the books")
	v.wants("/operator/lines/2007/1", "earned nobody anything", "No click of a creator was known")
	v.wants("/operator/lines/2008/1", "A click that could not be read was sent along", "the click could not be read")
	v.wants("/operator/lines/2006/1", "The reason speaks of a click of", "A shopper clicked a link of Ada Lindholm")
	if _, body := v.open("/operator/lines/2007/1/facts"); !strings.Contains(body, `"reason": "no_touch"`) {
		t.Errorf("facts:\n%s", body)
	}
	v.wants("/operator/rates", "In force since June 1", "From December 22", "product KETTLE-1", "cut", "rise", "Everything else", "at most $20.00")
	v.wants("/operator/rates?kind=onsite", "No card of this kind yet")
	v.wants("/operator/creators", "Ada Lindholm", "associates: active", "associates: provisional", "not in this marketplace")
	v.wants("/operator/creators?q=ben", "Ben Okri", "!Ada Lindholm")
	v.wants("/operator/creators?q=zzz", "Nobody found")
	v.wants("/operator/creators/"+ada.Text("cr_"), "Ada Lindholm", "Where the money is", "Newest lines", "Gooseneck")
	v.wants("/operator/creators/"+cleo.Text("cr_"), "No lines yet")
	for _, path := range []string{"orders/none", "lines/none/1", "lines/none/1/facts", "creators/none", "creators/" + id.ID(9).Text("cr_"), "?market=none"} {
		if status, _ := v.open("/operator/" + strings.TrimPrefix(path, "/")); path != "?market=none" && status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// Long lists are turned page by page, and each row stands on one of them.
func TestLongLists(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v, staff := w.as("Ada Lindholm"), w.as("The finance")
	for i := range 45 {
		w.buy(fmt.Sprintf("order-%02d", i), now, "", kettle)
		if i < 42 {
			v.post("/creator/links", url.Values{"q": {fmt.Sprintf("/s?k=lamp+%02d", i)}})
		}
	}
	w.write(func(tx *db.Tx) error {
		for i := range 45 {
			one := creator.Creator{ID: id.ID(2000 + i), Name: fmt.Sprintf("Creator %02d", i), Handle: fmt.Sprintf("creator-%02d", i), Created: begin}
			if err := creator.Create(tx, w.ring, one, creator.Personal{}); err != nil {
				return err
			}
		}
		soon := ratecard.Card{Kind: ratecard.Offsite, Effective: now.Add(time.Hour), Default: 500}
		_, err := ratecard.Publish(tx, 1, soon, now, 0)
		return err
	})
	for _, list := range []struct {
		who               *visitor
		path, more, prove string
		all               int
	}{
		{staff, "/operator/orders", "Older orders", "/operator/orders/order-", 45}, {staff, "/operator/creators", "Next page", ">creator-", 45},
		{v, "/creator/links", "Older links", "aria-label=\"Copy the short link of", 42},
	} {
		seen, pages := 0, 0
		for next := list.path; next != ""; pages++ {
			body := list.who.wants(next)
			seen += strings.Count(body, list.prove)
			next = nextPage(body, list.more)
		}
		if seen != list.all || pages != 2 {
			t.Errorf("%s: %d of %d rows on %d pages", list.path, seen, list.all, pages)
		}
	}
	w.set(now.Add(2 * time.Hour))
	staff.wants("/operator/rates", "3 versions, with what each changed", "In force since November 22")
}

// nextPage is the address behind a link of that text; empty where there is none.
func nextPage(body, text string) string {
	before, _, found := strings.Cut(body, text)
	if !found {
		return ""
	}
	address, _, _ := strings.Cut(before[strings.LastIndex(before, `href="`)+len(`href="`):], `"`)
	return strings.ReplaceAll(address, "&amp;", "&")
}

// A creator whose account is closed is out with the next request.
func TestClosedAccount(t *testing.T) {
	w := newWorld(t)
	v := w.as("Ada Lindholm")
	v.wants("/creator", "Where your money is")
	w.write(func(tx *db.Tx) error {
		p, _, err := auth.OfCreator(tx, ada)
		if err != nil {
			return err
		}
		return auth.Close(tx, p.ID, now)
	})
	if status, _ := v.open("/creator"); status != http.StatusForbidden {
		t.Errorf("a closed account sees its home: %d", status)
	}
}

// A link is shown once this process's edge knows it; one that is slow keeps nobody waiting for ever.
func TestLinkWaitsForTheEdge(t *testing.T) {
	w := newWorld(t)
	asked := 0
	pages := web.New(web.Config{DB: w.db, Clock: w.clock, Ring: w.ring, Address: "http://go.example", LinkMade: func(context.Context) error { asked++; return nil }})
	defer pages.Close()
	w.server.Config.Handler = pages
	v := w.as("Ada Lindholm")
	_, body := v.post("/creator/links", url.Values{"q": {"/dp/" + kettle}})
	v.holds("a link", body, "Short link")
	if asked != 1 {
		t.Errorf("the edge was asked %d times", asked)
	}
}

// An order that nobody knows, with an event that waits for it, is shown as such.
func TestEarlyOrder(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	w.happen(order.TypeShipped, "3001", 1, now)
	w.as("The support").wants("/operator/orders/3001", "The order itself is not here yet", "Early events")
}

// stream opens a live stream and gives its messages.
func (v *visitor) stream(path string) (messages <-chan string) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	v.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.server.URL+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { response.Body.Close() })
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
		v.t.Fatalf("%s answers %q, %d", path, kind, response.StatusCode)
	}
	to := make(chan string, 64)
	go func() {
		defer close(to)
		scanner := bufio.NewScanner(response.Body)
		scanner.Buffer(nil, 1<<20)
		var message strings.Builder
		for scanner.Scan() {
			if scanner.Text() != "" {
				message.WriteString(scanner.Text() + "\n")
				continue
			}
			to <- message.String()
			message.Reset()
		}
	}()
	return to
}

// until reads messages until one holds the text.
func until(t *testing.T, messages <-chan string, text string) string {
	t.Helper()
	patience := time.After(30 * time.Second)
	for {
		select {
		case message, open := <-messages:
			if strings.Contains(message, text) {
				return message
			}
			if !open {
				t.Fatalf("the stream ended without %q", text)
			}
		case <-patience:
			t.Fatalf("no message holds %q", text)
		}
	}
}

func TestLive(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	own := w.as("Ada Lindholm").stream("/creator/events?market=us")
	staff := w.as("The admin").stream("/operator/events?market=us")
	until(t, own, "No orders yet")
	until(t, staff, "No orders yet")
	w.buy("5001", now, w.token(ada, now.Add(-time.Hour)), kettle)
	message := until(t, own, "$4.41")
	if !strings.Contains(message, "id: 1\n") || !strings.Contains(message, "event: page") {
		t.Errorf("the message says no turn:\n%s", message)
	}
	until(t, staff, "5001")
	w.write(func(tx *db.Tx) error {
		_, err := tx.Exec(countClicks, int64(ada), int64(w.us.No), now.Unix()/86400, int64(7))
		return err
	})
	w.hints.Clicks(w.us.No, []id.ID{ada})
	until(t, own, "7 clicks")
}

// Hints may be lost: what is committed is shown all the same.
func TestLiveWithoutHints(t *testing.T) {
	w := newWorld(t)
	w.accrual.Committed = func(uint16, int64) {}
	w.set(now)
	own := w.as("Ada Lindholm").stream("/creator/events")
	until(t, own, "No orders yet")
	w.buy("5001", now, w.token(ada, now.Add(-time.Hour)), kettle)
	until(t, own, "$4.41")
}

var countClicks = db.Statement(`INSERT INTO click_day (creator, market, day, kind, gross, counted) VALUES ($1, $2, $3, 1, $4, $4)`)

// Whom the outbox speaks of.
func TestTouched(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	w.buy("5001", now, w.token(ada, now.Add(-time.Hour)), kettle)
	w.buy("5002", now, w.token(ben, now.Add(-time.Hour)), kettle)
	w.write(func(tx *db.Tx) error {
		touched, upto, err := event.Touched(tx, 1, 0, 100)
		if err != nil || len(touched) != 2 || touched[ada] != 1 || touched[ben] != 2 || upto != 2 {
			t.Errorf("%v up to %d, %v", touched, upto, err)
		}
		return nil
	})
}
