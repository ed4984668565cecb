package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tributary/internal/click"
	"tributary/internal/explain"
	"tributary/internal/id"
)

// coupon sends a request as the operator; its answer is a coupon where the code is 200 or 201.
func (w *world) coupon(method, path, body string) (code int, shown map[string]string, text string) {
	code, text = w.call("admin", method, path, strings.NewReader(body))
	if code < 300 {
		if err := json.Unmarshal([]byte(text), &shown); err != nil {
			w.t.Fatal(code, text, err)
		}
		delete(shown, "$schema")
	}
	return code, shown, text
}

// A coupon's life through the door: opened, opened again, ended, opened once more; its order is credited to the owner.
func TestCoupons(t *testing.T) {
	w := newWorld(t)
	const open = `{"marketplace":"us","code":" Kettle10_","tag":"ALICE-20","since":"2026-11-01T00:00:00Z"}`
	want := map[string]string{"marketplace": "us", "code": "kettle10", "creator": alice.Text(id.Creator), "program": "associates",
		"tag": "alice-20", "since": "2026-11-01T00:00:00Z"}
	for _, status := range []int{http.StatusCreated, http.StatusOK} {
		if code, shown, text := w.coupon("POST", "/v1/coupons", open); code != status || fmt.Sprint(shown) != fmt.Sprint(want) {
			t.Errorf("%d %s, want %d %v", code, text, status, want)
		}
	}
	order := strings.Replace(strings.Replace(placed("e1", "1001", ""), `"clicks":[""]`, `"clicks":[]`, 1), `"currency":"USD",`,
		`"currency":"USD","coupons":["NOBODYS","KETTLE10"],`, 1)
	if results := w.events("[" + order + "]"); results[0].Status != "accepted" {
		t.Fatal(results)
	}
	if _, text := w.call("store", "GET", "/v1/orders/us/1001", nil); !strings.Contains(text, alice.Text(id.Creator)) ||
		!strings.Contains(text, `"source":"coupon"`) {
		t.Errorf("the order is not the coupon's: %s", text)
	}
	want["until"] = now.Format(time.RFC3339)
	for range 2 { // a coupon that has ended stays as it is
		code, shown, text := w.coupon("POST", "/v1/coupons/us/KETTLE10/end", "{}")
		if code != http.StatusOK || fmt.Sprint(shown) != fmt.Sprint(want) {
			t.Errorf("%d %s, want %v", code, text, want)
		}
	}
	delete(want, "until")
	code, shown, text := w.coupon("POST", "/v1/coupons", `{"marketplace":"us","code":"kettle10","tag":"alice-20"}`)
	if code != http.StatusCreated || fmt.Sprint(shown) != fmt.Sprint(want) {
		t.Errorf("opened again: %d %s, want %v", code, text, want)
	}
	for i := range 3 {
		w.coupon("POST", "/v1/coupons", fmt.Sprintf(`{"marketplace":"us","code":"ANOTHER-%d","tag":"alice-20"}`, i))
	}
	var codes []string
	for after, pages := "", 0; pages < 3; pages++ {
		code, text := w.call("admin", "GET", "/v1/coupons/us?limit=3&after="+after, nil)
		var page struct {
			Coupons []struct{ Code, Tag string }
			Next    string
		}
		if err := json.Unmarshal([]byte(text), &page); code != 200 || err != nil {
			t.Fatal(code, text)
		}
		for _, c := range page.Coupons {
			codes = append(codes, c.Code+"="+c.Tag)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if got := strings.Join(codes, " "); got != "another-0=alice-20 another-1=alice-20 another-2=alice-20 kettle10=alice-20" {
		t.Errorf("listed: %s", got)
	}
	if code, text := w.call("admin", "GET", "/v1/coupons/uk", nil); code != 200 || !strings.Contains(text, `"coupons":[]`) {
		t.Errorf("another marketplace: %d %s", code, text)
	}
}

func TestCouponsRefused(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		path, body string
		code       int
		want       string
	}{
		"form":                {"/v1/coupons", `{"marketplace":"us","code":"a b","tag":"alice-20"}`, 422, "3 to 40 letters"},
		"length":              {"/v1/coupons", `{"marketplace":"us","code":"` + strings.Repeat("a", 161) + `","tag":"alice-20"}`, 422, "code"},
		"no code":             {"/v1/coupons", `{"marketplace":"us","tag":"alice-20"}`, 422, "code"},
		"nobody's tag":        {"/v1/coupons", `{"marketplace":"us","code":"KETTLE10","tag":"nobody-20"}`, 422, "tag"},
		"another market's":    {"/v1/coupons", `{"marketplace":"uk","code":"KETTLE10","tag":"alice-20"}`, 422, "tag"},
		"unknown marketplace": {"/v1/coupons", `{"marketplace":"fr","code":"KETTLE10","tag":"alice-20"}`, 422, "marketplace"},
		"no time":             {"/v1/coupons", `{"marketplace":"us","code":"KETTLE10","tag":"alice-20","since":"soon"}`, 422, "since"},
		"year":                {"/v1/coupons", `{"marketplace":"us","code":"KETTLE10","tag":"alice-20","since":"0001-01-01T00:00:00Z"}`, 422, "since"},
		"backwards": {"/v1/coupons",
			`{"marketplace":"us","code":"KETTLE10","tag":"alice-20","since":"2026-11-02T00:00:00Z","until":"2026-11-01T00:00:00Z"}`, 422, "until"},
		"unknown field": {"/v1/coupons", `{"marketplace":"us","code":"KETTLE10","tag":"alice-20","owner":"me"}`, 422, "owner"},
		"nothing":       {"/v1/coupons", ``, 400, "body"},
		"no such code":  {"/v1/coupons/us/KETTLE10/end", ``, 404, "no such coupon"},
	} {
		if code, _, text := w.coupon("POST", c.path, c.body); code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s, want %d with %q", name, code, text, c.code, c.want)
		}
	}
	for _, query := range []string{"limit=0", "limit=501", "limit=x"} {
		if code, text := w.call("admin", "GET", "/v1/coupons/us?"+query, nil); code != 422 || !strings.Contains(text, "limit") {
			t.Errorf("%s: %d %s", query, code, text)
		}
	}
	if _, text := w.call("admin", "GET", "/v1/coupons/us", nil); !strings.Contains(text, `"coupons":[]`) {
		t.Errorf("what was refused left %s", text)
	}
}

// Clicks that turn out to be invalid take their lines with them, once.
func TestInvalidClicks(t *testing.T) {
	w := newWorld(t)
	first, second := w.token(1), w.token(1)
	w.events("[" + placed("e1", "1001", first) + "," + strings.ReplaceAll(placed("e2", "1002", second), "c-77", "c-78") + "]")
	opened, err := w.sealer.Open(second)
	if err != nil {
		t.Fatal(err)
	}
	named := fmt.Sprintf(`[%q, %q, %q, "ck_0000000000001"]`, first, first, id.ID(opened.Click).Text(id.Click))
	body := `{"marketplace":"us","clicks":` + named + `,"rule":"click_farm","evidence":"400 clicks a minute,\nfrom one network"}`
	for _, want := range []string{`"clicks":3,"lines":2`, `"clicks":3,"lines":0`} {
		if code, text := w.call("admin", "POST", "/v1/clicks/invalid", strings.NewReader(body)); code != 200 || !strings.Contains(text, want) {
			t.Errorf("%d %s, want %s", code, text, want)
		}
	}
	for _, order := range []string{"1001", "1002"} {
		_, text := w.call("store", "GET", "/v1/orders/us/"+order, nil)
		var shown struct{ Lines []explain.Explanation }
		if err := json.Unmarshal([]byte(text), &shown); err != nil || len(shown.Lines) != 1 || shown.Lines[0].Pending != 0 ||
			!strings.Contains(text, "invalid_traffic") || !strings.Contains(text, "click_farm") {
			t.Errorf("%s: %s", order, text)
		}
	}
	token := func(change func(*click.Token)) string {
		made := click.Token{Click: 7, Creator: alice, Program: click.Associates, Market: 1, At: now}
		change(&made)
		return w.sealer.Seal(made)
	}
	many := strings.TrimSuffix(strings.Repeat(`"ck_0000000000001",`, 501), ",")
	for name, c := range map[string]struct{ clicks, rule, evidence, want string }{
		"no click":            {``, "click_farm", "seen", "clicks"},
		"too many":            {many, "click_farm", "seen", "clicks"},
		"nonsense":            {`"ck_0000000000001","x"`, "click_farm", "seen", "clicks[1]"},
		"half an id":          {`"ck_1"`, "click_farm", "seen", "clicks[0]"},
		"no click's id":       {`"ck_0000000000000"`, "click_farm", "seen", "clicks[0]"},
		"another id":          {`"` + alice.Text(id.Creator) + `"`, "click_farm", "seen", "clicks[0]"},
		"another marketplace": {`"` + token(func(t *click.Token) { t.Market = 2 }) + `"`, "click_farm", "seen", "another marketplace"},
		"no rule":             {`"ck_0000000000001"`, "", "seen", "rule"},
		"rule":                {`"ck_0000000000001"`, "Click farm", "seen", "rule"},
		"no evidence":         {`"ck_0000000000001"`, "click_farm", "  ", "evidence"},
		"long evidence":       {`"ck_0000000000001"`, "click_farm", strings.Repeat("x", 2001), "evidence"},
		"control":             {`"ck_0000000000001"`, "click_farm", `a\u0000b`, "evidence"},
	} {
		body := `{"marketplace":"us","clicks":[` + c.clicks + `],"rule":"` + c.rule + `","evidence":"` + c.evidence + `"}`
		if code, text := w.call("admin", "POST", "/v1/clicks/invalid", strings.NewReader(body)); code != 422 || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s, want %q", name, code, text, c.want)
		}
	}
}
