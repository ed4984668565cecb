package api_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/api"
	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/ratecard"
	"tributary/internal/report"
	"tributary/internal/secret"
)

const bob = id.ID(12)

// newShop is a world with sellers who pay a fee, and with a second creator.
func newShop(t *testing.T) *world {
	w := newWorld(t)
	long := now.AddDate(-1, 0, 0)
	err := w.db.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		fee := ratecard.Card{Kind: ratecard.SellerFee, Effective: long, Default: 1500, Entries: []ratecard.Entry{{Category: "Home > Kitchen", BPS: 400}}}
		if _, err := ratecard.Publish(tx, 1, fee, long, 0); err != nil {
			return err
		}
		if err := creator.Create(tx, secret.FixedRing("api"), creator.Creator{ID: bob, Name: "=Bob", Handle: "bob", Created: long},
			creator.Personal{Email: "b@creators.example"}); err != nil {
			return err
		}
		key := enrolment.Key{Market: 1, Creator: bob, Program: enrolment.Associates}
		if err := enrolment.Save(tx, key, enrolment.Standing{Since: long, State: enrolment.Active}); err != nil {
			return err
		}
		text, _, err := auth.MakeToken(tx, auth.Token{Name: "bob", Creator: bob, Scopes: []auth.Scope{auth.OrdersRead}}, now)
		w.tokens["bob"] = text
		if err != nil {
			return err
		}
		return link.Open(tx, link.Tracking{ID: 120, Tag: "bob-20", Creator: bob, Program: click.Associates, Market: 1, Name: "blog", Created: long})
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) tokenOf(who id.ID, before time.Duration) string {
	return w.sealer.Seal(click.Token{Click: click.NewID(), Creator: who, Program: click.Associates, Tracking: who * 10, Market: 1, At: now.Add(-before)})
}

// sold is an order of one line, of which all units are shipped.
func sold(order, category, seller string, quantity, amount int64, clicks ...string) string {
	tokens, _ := json.Marshal(append([]string{}, clicks...))
	return fmt.Sprintf(`{"id":"p%[1]s","type":"order.placed","marketplace":"us","occurred_at":"2026-11-22T13:50:00Z","order":{"id":"%[1]s","currency":"USD",
		"shopper":{"customer":"c-%[1]s"},"lines":[{"id":"1","sku":"SKU-%[1]s","quantity":%[4]d,"amount":{"amount":%[5]d,"currency":"USD"},
		"category":%[2]q,"seller":%[3]q,"clicks":%[6]s}]}},
		{"id":"s%[1]s","type":"line.shipped","marketplace":"us","occurred_at":"2026-11-22T13:55:00Z","order":"%[1]s","line":"1","quantity":%[4]d}`,
		order, category, seller, quantity, amount, tokens)
}

// trade makes four orders: Alice's above the fee, Bob's after a click of Alice's, the shop's own, and one of nobody's.
func (w *world) trade() {
	w.t.Helper()
	body := strings.Join([]string{
		sold("1", "Home > Kitchen > Kettles", "s-9", 2, 10_000, w.tokenOf(alice, time.Hour)),
		sold("2", "Home > Bedding", "s-9", 1, 20_000, w.tokenOf(alice, 3*time.Hour), w.tokenOf(bob, time.Hour)),
		sold("3", "Toys", "", 1, 1_000, w.tokenOf(bob, time.Hour)),
		sold("4", "Toys", "s-8", 1, 5_000),
		sold("5", "Toys", "", 1, 700, w.tokenOf(alice, 48*time.Hour)),
	}, ",")
	for _, r := range w.events("[" + body + "]") {
		if r.Status != "accepted" {
			w.t.Fatalf("%+v", r)
		}
	}
}

func (w *world) get(who, path string, into any) {
	w.t.Helper()
	code, text := w.call(who, "GET", path, nil)
	if code != 200 {
		w.t.Fatalf("%s as %s: %d %s", path, who, code, text)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		w.t.Fatalf("%s: %v in %s", path, err, text)
	}
}

type marginShown struct {
	From, To, By string
	Rows         []struct {
		Month, Category, Creator, Name, Line string
		Revenue, Commission                  int64
		Share                                int64 `json:"share_bps"`
		Fees                                 *struct {
			Fee, Margin int64
			Excess      int64 `json:"exceeds_fee_by"`
		}
	}
	Total struct{ Revenue, Commission int64 }
	Left  *int64
	Next  int
}

// lines writes the rows shortly: what for, revenue, commission, fee, margin, excess.
func (m marginShown) lines() (all []string) {
	for _, r := range m.Rows {
		text := fmt.Sprintf("%s%s%s%s %d %d", r.Month, r.Category, r.Name, r.Line, r.Revenue, r.Commission)
		if m.By == "line" {
			text = fmt.Sprintf("%s %d %d", r.Line, r.Revenue, r.Commission)
		}
		if r.Fees != nil {
			text += fmt.Sprintf(" %d %d %d", r.Fees.Fee, r.Fees.Margin, r.Fees.Excess)
		}
		all = append(all, text)
	}
	return all
}

// What four orders brought and cost, as the operator sees it and as each creator does.
func TestMarginReport(t *testing.T) {
	w := newShop(t)
	w.trade()
	for _, c := range []struct {
		who, query string
		want       string
	}{
		{"admin", "", "2026-11 36000 1395 4150 2755 0"},
		{"store", "by=category", "Home 30000 1350 3400 2050 0; Home > Bedding 20000 900 3000 2100 0; Home > Kitchen 10000 450 400 -50 50; " +
			"Home > Kitchen > Kettles 10000 450 400 -50 50; Toys 6000 45 750 705 0"},
		{"reader", "by=category&category=Home+>+Kitchen", "Home > Kitchen 10000 450 400 -50 50; Home > Kitchen > Kettles 10000 450 400 -50 50"},
		{"admin", "by=creator", "=Bob 21000 945 3000 2055 0; Alice 10000 450 400 -50 50;  5000 0 750 750 0"},
		{"admin", "by=creator&creator=" + bob.Text(id.Creator), "=Bob 21000 945 3000 2055 0"},
		{"admin", "order=1", "1 10000 450 400 -50 50"},
		{"admin", "order=4", "1 5000 0 750 750 0"},
		{"admin", "from=2026-01&to=2026-10", ""},
		{"creator", "", "2026-11 10000 450"},
		{"creator", "by=creator", "Alice 10000 450"},
		{"creator", "order=1", "1 10000 450"},
		{"bob", "by=category", "Home 20000 900; Home > Bedding 20000 900; Toys 1000 45"},
	} {
		var shown marginShown
		w.get(c.who, "/v1/reports/margin?marketplace=us&"+c.query, &shown)
		if got := strings.Join(shown.lines(), "; "); got != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.who, c.query, got, c.want)
		}
		if operator := c.who != "creator" && c.who != "bob"; shown.Left != nil != (operator && !strings.Contains(c.query, "order=")) {
			t.Errorf("%s %s: left is %v", c.who, c.query, shown.Left)
		}
	}
	var first, second marginShown
	w.get("admin", "/v1/reports/margin?marketplace=us&by=creator&limit=2", &first)
	w.get("admin", fmt.Sprintf("/v1/reports/margin?marketplace=us&by=creator&limit=2&after=%d", first.Next), &second)
	if len(first.Rows) != 2 || len(second.Rows) != 1 || second.Next != 0 || first.Total != second.Total || first.From != "2025-12" || first.To != "2026-11" {
		t.Errorf("pages: %+v\n%+v", first, second)
	}
	if code, text := w.call("creator", "GET", "/v1/reports/margin?marketplace=us&order=2", nil); code != 404 {
		t.Errorf("another creator's order: %d %s", code, text)
	}
}

// Whatever a creator asks, nothing of another creator's and no fee is in the answer.
func TestReportsKeepCreatorsApart(t *testing.T) {
	w := newShop(t)
	w.trade()
	for _, path := range []string{"margin", "attribution", "reasons", "reasons/lines"} {
		for _, form := range []string{"", ".csv"} {
			for _, by := range []string{"month", "creator", "category"} {
				at := "/v1/reports/" + path + form + "?marketplace=us&month=2026-11&reason=expired&by=" + by
				if code, text := w.call("creator", "GET", at+"&creator="+bob.Text(id.Creator), nil); code != 403 && code != 422 {
					t.Errorf("%s of another: %d %s", at, code, text)
				}
				code, text := w.call("creator", "GET", at, nil)
				for _, secret := range []string{bob.Text(id.Creator), "Bob", "fee", "margin,", `"margin"`, "seller"} {
					if code == 200 && strings.Contains(text, secret) {
						t.Errorf("%s holds %q: %s", at, secret, text)
					}
				}
			}
		}
	}
}

// The last click is paid; the first click and all clicks alike are shown beside it, with a word about that.
func TestAttributionReport(t *testing.T) {
	w := newShop(t)
	w.trade()
	type shown struct {
		Note string
		Rows []struct {
			Month, Name string
			Last        struct{ Orders, Revenue int64 }
			First       struct{ Lines, Revenue int64 }
			Linear      struct{ Revenue int64 }
		}
	}
	for _, c := range []struct{ who, query, want string }{
		// Nobody is paid for order 5, which came too late; its first click is Alice's all the same.
		{"admin", "", "2026-11 3/31000 4/31700 31700"},
		{"admin", "by=creator", "=Bob 2/21000 1/1000 11000; Alice 1/10000 3/30700 20700"},
		{"creator", "", "2026-11 1/10000 3/30700 20700"},
		{"bob", "by=creator", "=Bob 2/21000 1/1000 11000"},
		{"bob", "to=2026-10", ""},
	} {
		var s shown
		w.get(c.who, "/v1/reports/attribution?marketplace=us&"+c.query, &s)
		var got []string
		for _, r := range s.Rows {
			got = append(got, fmt.Sprintf("%s%s %d/%d %d/%d %d", r.Month, r.Name, r.Last.Orders, r.Last.Revenue, r.First.Lines, r.First.Revenue, r.Linear.Revenue))
		}
		if text := strings.Join(got, "; "); text != c.want || !strings.Contains(s.Note, "no amount of money") {
			t.Errorf("%s %s:\n got %s\nwant %s", c.who, c.query, text, c.want)
		}
	}
}

// Every count of lines that earned nothing opens to its lines.
func TestReasonsReport(t *testing.T) {
	w := newShop(t)
	w.trade()
	type shown struct {
		Rows []struct {
			Month, Reason, Open string
			Lines, Revenue      int64
		}
	}
	for who, want := range map[string]string{"admin": "expired 1 700; no_touch 1 5000", "creator": "expired 1 700", "bob": ""} {
		var s shown
		w.get(who, "/v1/reports/reasons?marketplace=us", &s)
		var got []string
		for _, r := range s.Rows {
			got = append(got, fmt.Sprintf("%s %d %d", r.Reason, r.Lines, r.Revenue))
			var opened struct {
				Lines []struct {
					Order  string
					Amount int64
				}
				Next string
			}
			w.get(who, r.Open, &opened)
			if len(opened.Lines) != 1 || opened.Lines[0].Amount != r.Revenue || opened.Next != "" {
				t.Errorf("%s as %s: %+v", r.Open, who, opened)
			}
		}
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("%s: %s, want %s", who, text, want)
		}
	}
}

// Pages of lines follow one another, whoever asks.
func TestReasonLinesPages(t *testing.T) {
	w := newShop(t)
	var orders []string
	for n := range 7 {
		orders = append(orders, sold(fmt.Sprint("x!/", n), "Toys", "", 1, 100, w.tokenOf(alice, 48*time.Hour)))
	}
	w.events("[" + strings.Join(orders, ",") + "]")
	for _, query := range []string{"", "&creator=" + alice.Text(id.Creator)} {
		for _, who := range []string{"admin", "creator"} {
			found, after := map[string]bool{}, ""
			for range 10 {
				var shown struct {
					Lines []struct{ Order, Open string }
					Next  string
				}
				w.get(who, "/v1/reports/reasons/lines?marketplace=us&month=2026-11&reason=expired&limit=3"+query+"&after="+url.QueryEscape(after), &shown)
				for _, l := range shown.Lines {
					found[l.Order] = true
				}
				if after = shown.Next; after == "" {
					break
				}
			}
			if len(found) != 7 || after != "" {
				t.Errorf("%s%s: %v, then %q", who, query, found, after)
			}
		}
	}
}

// The same file comes by its address and by what is accepted, and a spreadsheet takes nothing in it for a formula.
func TestReportFiles(t *testing.T) {
	w := newShop(t)
	w.trade()
	for path, want := range map[string]string{
		"margin?marketplace=us&by=creator":                           "lines,,,0," + bob.Text(id.Creator) + ",'=Bob,2,210.00,58.33,9.45,0.00,4.50,,,USD,30.00,15.00,20.55,200.00,9.00,0.00",
		"margin?marketplace=us&order=1":                              "1,1,SKU-1,,Home > Kitchen > Kettles,2026-11," + alice.Text(id.Creator) + ",Alice,2,100.00,4.50,0.00,USD,4.00,-0.50,0.50",
		"attribution?marketplace=us":                                 "2026-11,,,3,310.00,100.00,4,317.00,100.00,317.00,100.00,USD",
		"reasons?marketplace=us":                                     "2026-11,expired,1,50.00,7.00,USD",
		"rates?marketplace=us":                                       "offsite,Home > Kitchen,2026-11-22T14:00:00Z,,4.5,4.5,4,,default,Home > Kitchen",
		"reasons/lines?marketplace=us&month=2026-11&reason=no_touch": "4,1,2026-11-22T13:50:00Z,SKU-4,,Toys,1,50.00,USD,,,,no_touch",
		"free-items?marketplace=us":                                  "creator,name,units,free,share_percent,revenue,currency",
	} {
		name, query, _ := strings.Cut(path, "?")
		code, byAddress := w.call("admin", "GET", "/v1/reports/"+name+".csv?"+query, nil)
		r := httptest.NewRequest("GET", "/v1/reports/"+path, nil)
		r.Header.Set("Authorization", "Bearer "+w.tokens["admin"])
		r.Header.Set("Accept", "text/csv, application/json;q=0.5")
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		if code != 200 || byAddress != answer.Body.String() || answer.Header().Get("Content-Type") != "text/csv; charset=utf-8" ||
			!strings.Contains(answer.Header().Get("Content-Disposition"), ".csv") {
			t.Errorf("%s: %d %v\n%s\n%s", path, code, answer.Header(), byAddress, answer.Body)
		}
		if !strings.Contains(byAddress, want+"\r\n") {
			t.Errorf("%s: no row %s in\n%s", path, want, byAddress)
		}
		if rows, err := csv.NewReader(strings.NewReader(byAddress)).ReadAll(); err != nil || len(rows) == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

var putMargin = db.Statement(`INSERT INTO margin_month (market, month, creator, category, sold, units, free, revenue, commission, promotion, fee)
	VALUES (1, '2026-11', $1, $2, 0, $3, $4, 0, 0, 0, 0)`)

// A creator whose month is mostly given away is listed, with numbers and no consequence.
func TestFreeItemsReport(t *testing.T) {
	w := newShop(t)
	if err := w.db.Write(context.Background(), db.Background, func(tx *db.Tx) error {
		for category, units := range map[string][2]int64{"Toys": {20_000, 20_000}, "Home": {5_000, 0}} {
			if _, err := tx.Exec(putMargin, int64(alice), category, units[0], units[1]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Findings []struct {
			Name        string
			Units, Free int64
			Share       int64 `json:"share_bps"`
		}
	}
	w.get("admin", "/v1/reports/free-items?marketplace=us", &shown)
	if got := fmt.Sprint(shown.Findings); got != "[{Alice 25000 20000 8000}]" {
		t.Errorf("%s", got)
	}
}

func TestReportsRefused(t *testing.T) {
	w := newShop(t)
	for path, want := range map[string]string{
		"margin":                                                            "marketplace",
		"margin?marketplace=fr":                                             "marketplace",
		"margin?marketplace=us&by=week":                                     "by",
		"margin?marketplace=us&from=2026-1":                                 "from",
		"margin?marketplace=us&to=x":                                        "to",
		"margin?marketplace=us&from=2026-12":                                "to",
		"margin?marketplace=us&from=2020-01":                                "36 months",
		"margin?marketplace=us&limit=0":                                     "limit",
		"margin?marketplace=us&limit=10001":                                 "limit",
		"margin?marketplace=us&after=-1":                                    "after",
		"margin?marketplace=us&creator=alice":                               "creator",
		"margin?marketplace=us&category=" + strings.Repeat("a+>+", 9) + "a": "category",
		"margin?marketplace=us&category=%ff%00":                             "category",
		"attribution?marketplace=us&by=category":                            "by",
		"attribution?marketplace=us&to=0001-01":                             "from",
		"reasons?marketplace=us&from=2026-11&to=2026-10":                    "to",
		"reasons/lines?marketplace=us&month=2026-11":                        "reason",
		"reasons/lines?marketplace=us&reason=expired":                       "month",
		"reasons/lines?marketplace=us&reason=expired&month=1899-01":         "from",
		"reasons/lines?marketplace=us&reason=Expired!&month=2026-11":        "reason",
		"reasons/lines?marketplace=us&reason=expired&month=2026-11&after=x": "after",
		"reasons/lines?marketplace=us&reason=expired&month=2026-11&after=" + url.QueryEscape("5!%00!a"): "after",
		"free-items?marketplace=us&month=x": "month",
		"rates?marketplace=":                "marketplace",
	} {
		if code, text := w.call("admin", "GET", "/v1/reports/"+path, nil); code != 422 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %q", path, code, text, want)
		}
	}
	for path, code := range map[string]int{"margin?marketplace=us&order=none": 404, "margin?marketplace=us&order=%00": 404, "margin?marketplace=us&order=%ff": 404, "nothing?marketplace=us": 404} {
		if got, text := w.call("admin", "GET", "/v1/reports/"+path, nil); got != code {
			t.Errorf("%s: %d %s", path, got, text)
		}
	}
}

// A place in a list is what was answered, or refused: it never means another one.
func FuzzPlace(f *testing.F) {
	for _, seed := range []string{"5!a!b", "5!%21!", "0!a!b", "-1!a!b", "5!a", "5!%zz!b", "5!%00!b", "5!%ff!b", "9223372036854775808!a!b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		place, err := api.ReadPlace(text)
		if err != nil {
			if fault.Of(err).Field != "after" || place != (report.Cursor{}) {
				t.Fatalf("%q: %+v, %v", text, place, err)
			}
			return
		}
		again, err := api.ReadPlace(api.WritePlace(place))
		if err != nil || again != place || (text == "") != (place == report.Cursor{}) {
			t.Fatalf("%q: %+v, then %+v, %v", text, place, again, err)
		}
	})
}
