package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/api"
	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/explain"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
)

const alice = id.ID(11)

const stranger = id.ID(33) // has nothing but a token

var now = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

type world struct {
	t       *testing.T
	db      *db.DB
	handler http.Handler
	sealer  *click.Sealer
	tokens  map[string]string
}

func newWorld(t *testing.T) *world {
	d, ring, business := dbtest.Open(t), secret.FixedRing("api"), clock.NewStopped(now)
	w := &world{t: t, db: d, sealer: click.NewSealer(ring), tokens: map[string]string{}}
	long, past := now.AddDate(-1, 0, 0), now.AddDate(-10, 0, 0)
	err := d.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		for no, currency := range []string{"USD", "GBP"} {
			m := market.Market{No: uint16(no + 1), ID: []string{"us", "uk"}[no], Name: "M", Currency: currency, Zone: "UTC", Home: "http://store.example",
				ProductURL: "http://store.example/dp/{sku}", Hosts: []string{"store.example"}, Policy: policy.Shipped()}
			if err := market.Save(tx, m); err != nil {
				return err
			}
			if _, err := ratecard.Publish(tx, m.No, ratecard.Card{Kind: ratecard.Offsite, Effective: long, Default: 450}, long, 0); err != nil {
				return err
			}
		}
		if err := creator.Create(tx, ring, creator.Creator{ID: alice, Name: "Alice", Handle: "alice", Created: long}, creator.Personal{Email: "a@creators.example"}); err != nil {
			return err
		}
		if err := enrolment.Save(tx, enrolment.Key{Market: 1, Creator: alice, Program: enrolment.Associates}, enrolment.Standing{Since: long, State: enrolment.Active}); err != nil {
			return err
		}
		if err := link.Open(tx, link.Tracking{ID: 110, Tag: "alice-20", Creator: alice, Program: click.Associates, Market: 1, Name: "blog", Created: long}); err != nil {
			return err
		}
		for name, token := range map[string]auth.Token{
			"store":   {Name: "store", Scopes: []auth.Scope{auth.OrdersWrite, auth.OrdersRead}},
			"reader":  {Name: "reader", Scopes: []auth.Scope{auth.OrdersRead}},
			"links":   {Name: "links", Scopes: []auth.Scope{auth.LinksRead, auth.LinksWrite}},
			"creator": {Name: "creator", Creator: alice, Scopes: []auth.Scope{auth.LinksWrite, auth.LinksRead, auth.OrdersRead}},
			"admin":   {Name: "admin", Scopes: []auth.Scope{auth.AdminScope}},
			"foreign": {Name: "another creator's", Creator: stranger, Scopes: []auth.Scope{auth.LinksWrite, auth.LinksRead, auth.OrdersRead}},
			"expired": {Name: "expired", Scopes: []auth.Scope{auth.AdminScope}, Expires: past.Add(time.Hour)},
			"revoked": {Name: "revoked", Scopes: []auth.Scope{auth.AdminScope}},
		} {
			at := now
			if name == "expired" {
				at = past
			}
			text, made, err := auth.MakeToken(tx, token, at)
			if err == nil && name == "revoked" {
				err = auth.RevokeOf(tx, 0, made.ID, now)
			}
			if err != nil {
				return err
			}
			w.tokens[name] = text
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a := accrual.New(d, business, ring, 0)
	t.Cleanup(a.Close)
	w.handler = api.New(api.Config{DB: d, Clock: business, Ring: ring, Accrual: a, Home: "http://go.example"})
	return w
}

func (w *world) call(who, method, path string, body io.Reader) (int, string) {
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Content-Type", "application/json")
	if token := w.tokens[who]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer.Code, answer.Body.String()
}

// events sends events as the store and gives each one's fate.
func (w *world) events(body string) []accrual.Result {
	w.t.Helper()
	code, text := w.call("store", "POST", "/v1/orders/events", strings.NewReader(body))
	var results []accrual.Result
	if err := json.Unmarshal([]byte(text), &results); code != 200 || err != nil {
		w.t.Fatalf("%d %s", code, text)
	}
	return results
}

func placed(event, order, token string) string {
	return fmt.Sprintf(`{"id":%q,"type":"order.placed","marketplace":"us","occurred_at":"2026-11-22T13:59:00Z","order":{"id":%q,"currency":"USD",
		"shopper":{"customer":"c-77","email":"x@y.example"},"lines":[{"id":"1","sku":"KETTLE-1","quantity":3,"amount":{"amount":1999,"currency":"USD"},
		"category":"Home > Kitchen > Kettles","clicks":[%q]}]}}`, event, order, token)
}

func (w *world) token(market uint16) string {
	return w.sealer.Seal(click.Token{Click: click.NewID(), Creator: alice, Program: click.Associates, Tracking: 110, Market: market, At: now.Add(-time.Hour)})
}

func TestOrderAndItsExplanation(t *testing.T) {
	w := newWorld(t)
	shipped := `{"id":"e2","type":"line.shipped","marketplace":"us","occurred_at":"2026-11-22T13:59:30Z","order":"1001","line":"1","quantity":1}`
	for i, r := range w.events("[" + placed("e1", "1001", w.token(1)) + "," + shipped + "," + shipped + "]") {
		if want := []string{"accepted", "accepted", "duplicate"}[i]; string(r.Status) != want {
			t.Errorf("event %d: %+v, want %s", i, r, want)
		}
	}
	for _, who := range []string{"store", "creator"} {
		code, text := w.call(who, "GET", "/v1/orders/us/1001", nil)
		var shown struct{ Lines []explain.Explanation }
		if err := json.Unmarshal([]byte(text), &shown); err != nil || code != 200 || len(shown.Lines) != 1 {
			t.Fatalf("%s: %d %s", who, code, text)
		}
		l := shown.Lines[0]
		if l.Pending != 60 || l.Earned != 30 || l.Rate.BPS != 450 || !l.Touches[0].Won || len(l.Postings) == 0 || l.Months[0].Month != "2026-11" {
			t.Errorf("%s: %s", who, text)
		}
		if strings.Contains(text, "x@y.example") || strings.Contains(text, "c-77") {
			t.Errorf("%s: the shopper is in it", who)
		}
	}
	// What waits for an order is the store's to see; to a creator there is no such order.
	w.events(`[{"id":"early","type":"line.shipped","marketplace":"us","occurred_at":"2026-11-22T13:59:30Z","order":"2002","line":"1","quantity":1}]`)
	if code, text := w.call("store", "GET", "/v1/orders/us/2002", nil); code != 200 || !strings.Contains(text, "early") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := w.call("creator", "GET", "/v1/orders/us/2002", nil); code != 404 || strings.Contains(text, "early") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := w.call("store", "GET", "/v1/orders/us/none", nil); code != 404 || !strings.Contains(text, "order") {
		t.Errorf("%d %s", code, text)
	}
}

func TestNDJSON(t *testing.T) {
	w := newWorld(t)
	body := strings.ReplaceAll(placed("e1", "1", w.token(1)), "\n", " ") + "\n\n{broken\n" + strings.ReplaceAll(placed("e3", "2", w.token(1)), "\n", " ")
	code, text := w.call("store", "POST", "/v1/orders/events", strings.NewReader(body))
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if code != 200 || len(lines) != 3 || !strings.Contains(lines[0], "accepted") || !strings.Contains(lines[1], "refused") || !strings.Contains(lines[2], "accepted") {
		t.Errorf("%d %s", code, text)
	}
}

// Every bad event is refused with field and rule, the good ones of its batch are taken, and nothing refused leaves a trace.
func TestBadEvents(t *testing.T) {
	w := newWorld(t)
	good := placed("good", "good", w.token(1))
	replace := func(pairs ...string) string {
		return strings.NewReplacer(pairs...).Replace(placed("bad", "bad", w.token(1)))
	}
	for want, bad := range map[string]string{
		"order.lines[0].amount.amount: is beyond": replace("1999", "1000000000000001"),
		"order.currency":                                     replace(`"currency":"USD",`, `"currency":"XXQ",`),
		"order.lines[0].quantity: is -3":                     replace(`"quantity":3`, `"quantity":-3`),
		"order.lines[0].quantity":                            replace(`"quantity":3`, `"quantity":0`),
		"quantity: is number 1.5":                            replace(`"quantity":3`, `"quantity":1.5`),
		"occurred_at: lies more than 24 hours in the future": replace("2026-11-22T13", "2027-11-22T13"),
		"occurred_at: is before 1990":                        replace("2026-11-22T13", "0001-11-22T13"),
		"marketplace":                                        replace(`"marketplace":"us"`, `"marketplace":"fr"`),
		"order.lines[0].sku: is missing":                     replace("KETTLE-1", ""),
		"order.lines[0].id":                                  replace(`{"id":"1",`, `{"id":"`+strings.Repeat("x", 129)+`",`),
		"is not a field of this event":                       replace(`"quantity"`, `"qantity"`),
		"type":                                               replace("order.placed", "order.vanished"),
		"order: is an object":                                replace("order.placed", "line.shipped"),
		"not a time":                                         replace("2026-11-22T13:59:00Z", "yesterday"),
		"id: is missing":                                     replace(`"id":"bad","type"`, `"id":"","type"`),
		"order.lines[0].clicks: has 11":                      replace(`"clicks":[`, `"clicks":["","","","","","","","","","",`),
		"holds a control character":                          replace("KETTLE-1", `KETTLE\u0000`),
		"order.lines[0].added_at: is after the order":        replace(`"category"`, `"added_at":"2026-11-22T13:59:01Z","category"`),
		"order.lines[0].amount.amount: is -1999":             replace("1999", "-1999"),
		"order.lines[0].touches[0].clicked_at: lies more than 24 h": replace(`"category"`, `"touches":[{"tag":"alice-20","clicked_at":"2031-11-22T13:59:01Z"}],"category"`),
	} {
		results := w.events("[" + bad + "," + good + "]")
		if results[0].Status != "refused" || !strings.Contains(results[0].Detail, want) {
			t.Errorf("want %q: %+v", want, results[0])
		}
		if results[1].Status != "accepted" && results[1].Status != "duplicate" {
			t.Errorf("the good event beside it: %+v", results[1])
		}
	}
	if code, _ := w.call("store", "GET", "/v1/orders/us/bad", nil); code != 404 {
		t.Error("a refused order left a trace")
	}
	// A token of another marketplace is no error of the event: the line earns nothing, and says why.
	w.events("[" + placed("other", "other", w.token(2)) + "]")
	if _, text := w.call("store", "GET", "/v1/orders/us/other", nil); !strings.Contains(text, `"reason":"wrong_marketplace"`) {
		t.Errorf("%s", text)
	}
}

// endless gives a body of a gigabyte without holding it.
type endless struct{ left int64 }

func (e *endless) Read(into []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	for i := range into {
		into[i] = 'x'
	}
	e.left -= int64(len(into))
	return len(into), nil
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	many := "[" + strings.Repeat(`{"id":"1"},`, 99_999) + `{"id":"1"}]`
	large := `[{"id":"` + strings.Repeat("x", api.MaxEvent) + `"}]`
	for name, c := range map[string]struct {
		body io.Reader
		code int
		want string
	}{
		"a body of 1 GB":        {io.MultiReader(strings.NewReader(`["`), &endless{1 << 30}), 413, "16 MB"},
		"1 GB in one line":      {io.MultiReader(strings.NewReader(`{"`), &endless{1 << 30}), 413, "512 kB"},
		"100,000 events":        {strings.NewReader(many), 413, "10,000"},
		"100,000 lines":         {strings.NewReader(strings.Repeat("{}\n", 100_000)), 413, "10,000"},
		"a large event":         {strings.NewReader(large), 413, "512 kB"},
		"nothing":               {strings.NewReader(""), 422, "empty"},
		"half an array":         {strings.NewReader(`[{"id":"1"}`), 422, "ends in the middle"},
		"no JSON":               {strings.NewReader(`[nonsense]`), 422, "not JSON"},
		"something behind":      {strings.NewReader(`[] {}`), 422, "follows the array"},
		"an array of a number":  {strings.NewReader(`[7]`), 200, "refused"},
		"an empty array":        {strings.NewReader(`[]`), 200, "[]"},
		"nested beyond reason":  {strings.NewReader(strings.Repeat("[", 20_000)), 422, "not JSON"},
		"an order that is null": {strings.NewReader(`[{"id":"1","type":"order.placed","marketplace":"us","occurred_at":"2026-11-22T13:00:00Z","order":null}]`), 200, "refused"},
	} {
		if code, text := w.call("store", "POST", "/v1/orders/events", c.body); code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %.200s, want %d with %q", name, code, text, c.code, c.want)
		}
	}
}

// Every route × every token: what no row allows is denied.
func TestAuthorisation(t *testing.T) {
	w := newWorld(t)
	w.events("[" + placed("e1", "1001", w.token(1)) + "]")
	covered := http.NewServeMux() // finds the row of the table that a request belongs to
	left := map[string]bool{}
	for _, row := range api.Routes() {
		covered.HandleFunc(row, http.NotFound)
		left[row] = true
	}
	foreign := map[string]int{"/v1/orders/us/1001": 404, "/v1/links": 422}
	makeLink := `{"marketplace":"us","creator":"` + alice.Text(id.Creator) + `","target":"/dp/KETTLE-1","tracking":"alice-20"}`
	for _, c := range []struct {
		method, path, body string
		allowed            map[string]int
	}{
		{"POST", "/v1/orders/events", "[]", map[string]int{"store": 200, "admin": 200}},
		{"GET", "/v1/orders/us/1001", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"POST", "/v1/links", makeLink, map[string]int{"links": 201, "creator": 201, "admin": 201}},
		{"GET", "/v1/rate-cards/us", "", map[string]int{"links": 200, "creator": 200, "admin": 200}},
		{"POST", "/v1/coupons", `{"marketplace":"us","code":"KETTLE10","tag":"alice-20"}`, map[string]int{"admin": 201}},
		{"GET", "/v1/coupons/us", "", map[string]int{"admin": 200}},
		{"POST", "/v1/coupons/us/kettle10/end", "", map[string]int{"admin": 200}},
		{"POST", "/v1/clicks/invalid", `{"marketplace":"us","clicks":["ck_0000000000001"],"rule":"click_farm","evidence":"seen"}`, map[string]int{"admin": 200}},
		{"GET", "/v1/bounties/us", "", map[string]int{"links": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/bounties/us/b-1", "", map[string]int{"store": 404, "reader": 404, "creator": 404, "admin": 404}}, // allowed, and there is none
		{"GET", "/v1/reports/margin?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/reports/margin.csv?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/reports/rates?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 403, "admin": 200}},
		{"GET", "/v1/reports/rates.csv?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 403, "admin": 200}},
		{"GET", "/v1/reports/attribution?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/reports/attribution.csv?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/reports/reasons?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/reports/reasons.csv?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/reports/reasons/lines?marketplace=us&month=2026-11&reason=expired", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/reports/reasons/lines.csv?marketplace=us&month=2026-11&reason=expired", "", map[string]int{"store": 200, "reader": 200, "creator": 200, "admin": 200}},
		{"GET", "/v1/reports/free-items?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 403, "admin": 200}},
		{"GET", "/v1/reports/free-items.csv?marketplace=us", "", map[string]int{"store": 200, "reader": 200, "creator": 403, "admin": 200}},
		{"POST", "/v1/sandbox/clock", `{"to":"2027-01-01T00:00:00Z"}`, map[string]int{"admin": 403}}, // allowed, but this installation is no sandbox
	} {
		_, row := covered.Handler(httptest.NewRequest(c.method, c.path, nil))
		delete(left, row)
		for _, who := range []string{"nobody", "forged", "expired", "revoked", "store", "reader", "links", "creator", "foreign", "admin"} {
			w.tokens["forged"] = "trib_0000000000000000000000000000000000000000000"
			want, ok := c.allowed[who]
			if who == "foreign" { // may what a creator may, about their own: of Alice's there is nothing for them
				if want, ok = c.allowed["creator"]; ok && foreign[c.path] != 0 {
					want = foreign[c.path]
				}
			}
			if !ok {
				want = 403
				if who == "nobody" || who == "forged" || who == "expired" || who == "revoked" {
					want = 401
				}
			}
			code, text := w.call(who, c.method, c.path, strings.NewReader(c.body))
			if code != want {
				t.Errorf("%s %s as %s: %d, want %d: %s", c.method, c.path, who, code, want, text)
			}
			if who == "foreign" && (strings.Contains(text, "1001") || strings.Contains(text, alice.Text(id.Creator)) || strings.Contains(text, "alice-20")) {
				t.Errorf("%s %s tells another creator of Alice: %s", c.method, c.path, text)
			}
		}
	}
	for row := range left {
		t.Errorf("%s has no row in this test", row)
	}
	if code, _ := w.call("admin", "GET", "/v1/nothing", nil); code != 404 {
		t.Errorf("an unknown address: %d", code)
	}
}

func TestOpenAPI(t *testing.T) {
	w := newWorld(t)
	code, text := w.call("", "GET", "/v1/openapi.json", nil)
	if code != 200 || !strings.Contains(text, `"openapi":"3.1`) || !strings.Contains(text, "/v1/orders/{marketplace}/{order}") ||
		!strings.Contains(text, "exceeds_fee_by") || !strings.Contains(text, "/v1/reports/margin.csv") {
		t.Errorf("%d %.300s", code, text)
	}
}

func FuzzReadEvents(f *testing.F) {
	for _, seed := range []string{`[{"id":"1"}]`, "{}\n{}", "", "[", "[[[[", `{"id":"` + "\n", "[]x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		raws, _, err := api.ReadEvents(strings.NewReader(body))
		if err == nil && len(raws) > api.MaxEvents {
			t.Errorf("%d events", len(raws))
		}
	})
}
