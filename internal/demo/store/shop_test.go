package store

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/fault"
	"tributary/internal/product"
)

// customer is a browser without script.
type customer struct {
	t    *testing.T
	base string
	*http.Client
}

func enter(t *testing.T, s *Store) *customer {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &customer{t, server.URL, &http.Client{Jar: jar}}
}

// get and post give the status, the page, and the address that the browser ends at.
func (b *customer) get(path string) (int, string, string) { return b.read(b.Get(b.base + path)) }

func (b *customer) post(path string, fields ...string) (int, string, string) {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.read(b.PostForm(b.base+path, form))
}

func (b *customer) read(answer *http.Response, err error) (int, string, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.StatusCode, string(body), strings.TrimPrefix(answer.Request.URL.String(), b.base)
}

// buy orders some of a sku and gives the order's number.
func (b *customer) buy(prefix, sku, quantity string) string {
	b.t.Helper()
	if status, _, at := b.post(prefix+"/cart/add", "sku", sku, "quantity", quantity); status != 200 || at != prefix+"/cart" {
		b.t.Fatalf("adding %s: %d at %s", sku, status, at)
	}
	status, body, at := b.post(prefix+"/checkout", "name", "Ada Quill", "email", "ada@example.com", "address", "1 Pier Head")
	if status != 200 || !strings.Contains(body, "Thank you, Ada Quill") {
		b.t.Fatalf("paying: %d at %s", status, at)
	}
	id, _ := strings.CutSuffix(strings.TrimPrefix(at, prefix+"/orders/"), "?thanks=1")
	return id
}

const token = "AbCdEf_0123456789-AbCdEf_0123456789-AbCdEf_0123456789-AbCdEf_0123456789"

func sampleSKU(t *testing.T, digital bool) string {
	t.Helper()
	for _, item := range stock().Items("us") {
		if item.Digital == digital && item.State == product.Available && item.Seller != "" {
			return item.SKU
		}
	}
	t.Fatal("no such product")
	return ""
}

func TestOrderIsReportedAsTheGuideSays(t *testing.T) {
	p := newPlatform(t)
	s := openStore(t, p, filepath.Join(t.TempDir(), "shop.json"))
	b := enter(t, s)
	sku := sampleSKU(t, false)
	item := stock().Find("us", sku)
	b.get("/dp/" + sku + "?tclid=" + token)
	b.get("/?tclid=no-token")
	id := b.buy("", sku, "3")
	s.deliver(t.Context())
	if p.token != "Bearer tk_shop" || len(p.bodies) != 1 {
		t.Fatalf("%q, %d events", p.token, len(p.bodies))
	}
	visitor := b.visitor()
	want := map[string]any{
		"id": "hm-" + id + "-0-placed-0", "type": "order.placed", "marketplace": "us", "occurred_at": "2026-11-22T14:03:11Z",
		"order": map[string]any{"id": id, "currency": "USD",
			"shopper": map[string]any{"customer": "hm-" + visitor, "email": "ada@example.com", "address": "1 Pier Head",
				"payment": "hm-pay-" + visitor, "device": "hm-dev-" + visitor, "new_customer": true},
			"lines": []any{map[string]any{"id": "1", "sku": sku, "quantity": 3.0,
				"amount":   map[string]any{"amount": float64(3 * item.Price), "currency": "USD"},
				"category": item.Category, "seller": item.Seller, "digital": false, "clicks": []any{token},
				"added_at": "2026-11-22T14:03:11Z"}}},
	}
	if diff := cmp.Diff(want, p.bodies[0]); diff != "" {
		t.Error(diff)
	}
	for _, step := range []struct{ action, units, want string }{
		{"ship", "1", "1 shipped"}, {"ship", "1", "2 shipped"}, {"cancel", "1", "1 cancelled"}, {"return", "1", "1 returned"},
	} {
		status, body, _ := b.post("/orders/"+id+"/1/"+step.action, "units", step.units)
		if status != 200 || !strings.Contains(body, step.want) {
			t.Errorf("%s: %d", step.action, status)
		}
	}
	for _, action := range []string{"ship", "cancel"} {
		if status, _, _ := b.post("/orders/"+id+"/1/"+action, "units", "1"); status != http.StatusConflict {
			t.Errorf("%s of nothing: %d", action, status)
		}
	}
	s.deliver(t.Context())
	wantTypes := []string{"order.placed", "line.shipped", "line.shipped", "line.cancelled", "line.returned"}
	if diff := cmp.Diff(wantTypes, p.types()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"id": "hm-" + id + "-1-ship-2", "type": "line.shipped", "marketplace": "us",
		"occurred_at": "2026-11-22T14:03:11Z", "order": id, "line": "1", "quantity": 1.0}, p.bodies[2]); diff != "" {
		t.Error(diff)
	}
}

func (b *customer) visitor() string {
	address, _ := url.Parse(b.base)
	for _, cookie := range b.Jar.Cookies(address) {
		if cookie.Name == visitorCookie {
			return cookie.Value
		}
	}
	return ""
}

func TestOtherRegionAndDigitalGoods(t *testing.T) {
	p := newPlatform(t)
	s := openStore(t, p, filepath.Join(t.TempDir(), "shop.json"))
	b := enter(t, s)
	b.get("/?tclid=" + token) // a token of the other marketplace stays there
	sku := ""
	for _, item := range stock().Items("uk") {
		if item.Digital {
			sku = item.SKU
			break
		}
	}
	id := b.buy("/uk", sku, "1")
	s.deliver(t.Context())
	line := p.bodies[0]["order"].(map[string]any)["lines"].([]any)[0].(map[string]any)
	if line["digital"] != true || line["clicks"] != nil || line["amount"].(map[string]any)["currency"] != "GBP" ||
		p.bodies[0]["marketplace"] != "uk" {
		t.Errorf("%v", p.bodies[0])
	}
	if status, _, _ := b.post("/uk/orders/"+id+"/1/ship", "units", "1"); status != http.StatusConflict {
		t.Errorf("a digital thing was shipped: %d", status)
	}
	if status, _, _ := b.get("/orders/" + id); status != http.StatusNotFound {
		t.Errorf("the order stands in the other region: %d", status)
	}
}

// Nothing is lost while the platform is away, or when the shop is closed and opened again meanwhile.
func TestOrdersOutliveThePlatformAndTheShop(t *testing.T) {
	p := newPlatform(t)
	path := filepath.Join(t.TempDir(), "shop.json")
	p.set(func() { p.down = true })
	first := openStore(t, p, path)
	id := enter(t, first).buy("", sampleSKU(t, false), "1")
	if wait := first.deliver(t.Context()); wait > firstRetry {
		t.Errorf("tries again in %s", wait)
	}
	second := openStore(t, p, path)
	p.set(func() { p.down = false })
	second.change(func(st *state) error { // the wait is over
		for _, r := range st.Reports {
			if r.Tries != 1 || !r.waiting() {
				t.Errorf("%+v", r)
			}
			r.Next = now.AddDate(-20, 0, 0)
		}
		return nil
	})
	if wait := second.deliver(t.Context()); wait != quiet {
		t.Errorf("something waits: %s", wait)
	}
	if len(p.kept) != 1 || p.kept[0].ID != "hm-"+id+"-0-placed-0" {
		t.Errorf("%+v", p.kept)
	}
	if openStore(t, p, path).deliver(t.Context()); p.seen[p.kept[0].ID] != 1 {
		t.Error("it was sent again")
	}
}

func TestAnswersOfThePlatform(t *testing.T) {
	p := newPlatform(t)
	s := openStore(t, p, filepath.Join(t.TempDir(), "shop.json"))
	b := enter(t, s)
	p.set(func() { p.status["order.placed"], p.status["line.shipped"] = "refused", "unavailable" })
	id := b.buy("", sampleSKU(t, false), "1")
	b.post("/orders/"+id+"/1/ship", "units", "1")
	s.deliver(t.Context())
	_, body, _ := b.get("/orders/" + id)
	for _, want := range []string{"refused: refused_for_a_reason", "not answered yet, tried 1 times", `data-waiting="1"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}

// What cannot be written has not happened.
func TestFullDisk(t *testing.T) {
	p := newPlatform(t)
	folder := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, p, filepath.Join(folder, "shop.json"))
	b := enter(t, s)
	sku := sampleSKU(t, false)
	b.post("/cart/add", "sku", sku)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	status, body, _ := b.post("/checkout", "name", "A", "email", "a@example.com", "address", "1 Pier")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "nothing was changed") {
		t.Errorf("%d", status)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if s.deliver(t.Context()); len(p.kept) != 0 {
		t.Error("an order was reported that nobody saw confirmed")
	}
	if id := b.buy("", sku, "1"); id == "" {
		t.Error("the cart is lost")
	}
}

func TestDamagedSnapshotIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.json")
	if err := os.WriteFile(path, []byte(`{"orders": [`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlatform(t)
	if _, err := New(Config{Catalog: stock(), Regions: Regions, TributaryURL: p.URL, SnapshotPath: path}); err == nil ||
		!strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{TributaryURL: "localhost:8080"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestEveryPageAnswers(t *testing.T) {
	s := openStore(t, newPlatform(t), filepath.Join(t.TempDir(), "shop.json"))
	b := enter(t, s)
	sku := sampleSKU(t, false)
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/", 200, "Every department"}, {"/uk", 200, "United Kingdom"}, {"/uk/", 200, `data-market="uk"`},
		{"/c/Home%20%3E%20Kitchen", 200, "Kettles"}, {"/c/Home>Kitchen", 200, "Kettles"},
		{"/c/Home?sort=low&page=2", 200, "Page 2 of"},
		{"/c/Home?page=9999", 200, `rel="prev"`}, {"/c/Nothing", 404, "no such department"},
		{"/s?k=kettle", 200, "Electric Kettle"},
		{"/s", 200, "What are you looking for"}, {"/s?k=%3Cscript%3E", 200, "&lt;script&gt;"},
		{"/s?k=" + strings.Repeat("é", 500), 200, "Nothing for"},
		{"/dp/" + sku, 200, "Add to cart"}, {"/dp/none", 404, "not on our shelves"}, {"/uk/dp/GB-" + sku, 200, "£"},
		{"/cart", 200, "nothing in it yet"}, {"/cart?add=" + sku + ":2,none:1,," + sku, 200, "The link you followed suggests"},
		{"/checkout", 200, "nothing in it yet"}, {"/orders", 200, "not ordered anything"}, {"/orders/HM-1", 404, "no such order"},
		{"/nowhere", 404, "no page at this address"}, {"/uk/nowhere", 404, `href="/uk/"`}, {"/static/shop.js", 200, "strict"},
		{"/static/none", 404, ""}, {"/picture/" + sku + ".svg", 200, "<svg"}, {"/picture/" + sku, 404, ""},
		{"/picture/none.svg", 404, ""},
	} {
		status, body, _ := b.get(c.path)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d, want %d with %q", c.path, status, c.status, c.want)
		}
		if len(body) > 50<<10 {
			t.Errorf("%s: %d bytes", c.path, len(body))
		}
	}
}

func TestFormsAreChecked(t *testing.T) {
	s := openStore(t, newPlatform(t), filepath.Join(t.TempDir(), "shop.json"))
	b := enter(t, s)
	sku, other := sampleSKU(t, false), sampleSKU(t, true)
	for _, c := range []struct {
		path   string
		fields []string
		status int
		want   string
	}{
		{"/cart/add", nil, 422, "Choose a product"}, {"/cart/add", []string{"sku", "none"}, 404, "cannot be bought"},
		{"/cart/set", []string{"sku", sku, "quantity", "-1"}, 422, "not a number of units"},
		{"/cart/set", []string{"sku", sku, "quantity", "2"}, 200, "nothing in it yet"},
		{"/checkout", []string{"name", "A"}, 200, "not ordered anything"},
		{"/cart/add", []string{"sku", sku, "quantity", "999", "sku", other, "quantity", "x"}, 200, "Your cart"},
		{"/cart/set", []string{"sku", other, "quantity", "0"}, 200, "To the checkout"},
		{"/checkout", []string{"name", "", "email", "a b", "address", " "}, 422, "Write an e-mail address"},
		{"/orders/HM-1/1/ship", []string{"units", "1"}, 404, "no such order"},
		{"/cart/add", []string{"sku", strings.Repeat("x", maxBody)}, 422, "Cannot be read"},
	} {
		status, body, _ := b.post(c.path, c.fields...)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %.80v: %d, want %d with %q", c.path, c.fields, status, c.status, c.want)
		}
	}
	lines := s.state.Visitors[b.visitor()].Carts["us"]
	if len(lines) != 1 || lines[0].Quantity != maxQuantity {
		t.Errorf("%+v", lines)
	}
}

func TestFormsFromElsewhereAreRefused(t *testing.T) {
	s := openStore(t, newPlatform(t), filepath.Join(t.TempDir(), "shop.json"))
	for origin, want := range map[string]int{"https://evil.example": http.StatusForbidden,
		"http://store.localhost:8081": http.StatusSeeOther} {
		r := httptest.NewRequest("POST", "http://store.localhost:8081/cart/add", strings.NewReader("sku="+sampleSKU(t, false)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d", origin, w.Code)
		}
		if w.Code == http.StatusSeeOther {
			cookie := w.Result().Cookies()[0]
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
				t.Errorf("%+v", cookie)
			}
		}
	}
}

func TestStateIsBounded(t *testing.T) {
	st := state{Visitors: map[string]*visitor{}}
	for i := range maxVisitors + 10 {
		st.Visitors[randomName(visitorLength)] = &visitor{Seen: now.AddDate(0, 0, i)}
	}
	for i := range maxOrders + 3 {
		id := randomName(8)
		st.Orders = append(st.Orders, &order{ID: id})
		answered := "accepted"
		if i == 0 {
			answered = "" // the oldest is still to be reported
		}
		st.Reports = append(st.Reports, &report{ID: id, Order: id, Answer: answered, Body: json.RawMessage(`{}`)})
	}
	oldest := st.Orders[0]
	st.trim()
	if len(st.Visitors) != maxVisitors || len(st.Orders) != maxOrders || len(st.Reports) != maxOrders ||
		st.Orders[0] != oldest {
		t.Errorf("%d visitors, %d orders, %d events", len(st.Visitors), len(st.Orders), len(st.Reports))
	}
}

func TestTokensAreReadCarefully(t *testing.T) {
	other := strings.Repeat("z", 60)
	got := readTokens(token + ". " + other + "." + token + ".short.<script>" + strings.Repeat("."+strings.Repeat("y", 61), 9))
	if !slices.Equal(got, []string{token, other, strings.Repeat("y", 61)}) {
		t.Errorf("%q", got)
	}
}

func FuzzReadTokens(f *testing.F) {
	f.Add(token + "." + token)
	f.Add("...  .")
	f.Fuzz(func(t *testing.T, text string) {
		for _, one := range readTokens(text) {
			if !tokenForm.MatchString(one) {
				t.Fatalf("%q", one)
			}
		}
	})
}

func TestPrice(t *testing.T) {
	for minor, want := range map[int64]string{5: "$0.05", 1999: "$19.99", 123456: "$1,234.56", 100000000: "$1,000,000.00"} {
		if got := Regions[0].Price(minor); got != want {
			t.Errorf("%d: %s, want %s", minor, got, want)
		}
	}
}
