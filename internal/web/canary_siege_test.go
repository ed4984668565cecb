package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/web"
)

// stolen is another browser with a copy of somebody's cookies.
func (v *visitor) stolen() *visitor {
	v.t.Helper()
	home, err := url.Parse(v.server.URL)
	if err != nil {
		v.t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	jar.SetCookies(home, v.client.Jar.Cookies(home))
	return &visitor{v.world, &http.Client{Jar: jar}}
}

func (v *visitor) session() string {
	home, _ := url.Parse(v.server.URL)
	for _, cookie := range v.client.Jar.Cookies(home) {
		if cookie.Name == "tributary" {
			return cookie.Value
		}
	}
	return ""
}

func (v *visitor) in() bool {
	v.t.Helper()
	status, _ := v.open("/account")
	return status == http.StatusOK
}

// A copied cookie opens nothing after whatever should end it.
func TestStolenCookies(t *testing.T) {
	w := newWorld(t)
	form := url.Values{"email": {"ida@new.example"}, "password": {password}}
	w.joins("Ida Holm", "ida@new.example").puts("/account/password", url.Values{"password": {password}}, "The password was set")
	for name, end := range map[string]func(*visitor){
		"signing out":     func(v *visitor) { v.puts("/logout", nil, "Sign in") },
		"signing in anew": func(v *visitor) { v.puts("/login", form, "Ida Holm") },
		"a change elsewhere": func(*visitor) {
			w.guestIn(form).puts("/account/password", url.Values{"password": {password}}, "The password was set")
		},
		"ending all others": func(*visitor) { w.guestIn(form).puts("/account/devices/end", nil, "All other devices") },
	} {
		v := w.guestIn(form)
		thief := v.stolen()
		if !thief.in() {
			t.Fatalf("%s: the copy opens nothing to begin with", name)
		}
		end(v)
		if thief.in() {
			t.Errorf("%s: the copied cookie still opens the account", name)
		}
	}
	staff := w.as("The support")
	w.write(func(tx *db.Tx) error {
		who, _, err := auth.OfRole(tx, auth.Support)
		if err == nil {
			err = auth.Close(tx, who.ID, clock.Wall())
		}
		return err
	})
	if staff.in() {
		t.Error("who was closed is still in")
	}
}

func (w *world) guestIn(form url.Values) *visitor {
	w.t.Helper()
	v := w.guest()
	v.puts("/login", form, "Ida Holm")
	return v
}

// A cookie that somebody was given before they signed in is not the one after: at each step it is another.
func TestFixedSessions(t *testing.T) {
	w := newWorld(t)
	_, recovery := w.joins("Ida Holm", "ida@new.example").setUp()
	v := w.guest()
	v.puts("/login/mail", url.Values{"email": {"nobody@new.example"}}, "Check your mail") // makes a session
	given, cookie := v.stolen(), v.session()
	v.puts("/login", url.Values{"email": {"ida@new.example"}, "password": {password}}, "One more step")
	half, second := v.stolen(), v.session()
	v.puts("/login/second", url.Values{"code": {recovery[0]}}, "Ida Holm")
	if third := v.session(); cookie == "" || second == "" || cookie == second || second == third || third == cookie {
		t.Errorf("cookies %q, %q, %q", cookie, second, third)
	}
	if given.in() || half.in() || !v.in() {
		t.Errorf("in: the one before %v, the one of the password alone %v, the last one %v", given.in(), half.in(), v.in())
	}
	half.puts("/login/second", url.Values{"code": {recovery[1]}}, "!Who acts for", "!Where your money is")
}

// besieged lets each request say where it comes from.
func besieged(t *testing.T) *world {
	w := newWorld(t)
	config := w.pages.Config
	config.Client = func(r *http.Request) string { return r.Header.Get("X-From") }
	pages := web.New(config)
	t.Cleanup(pages.Close)
	w.server.Config.Handler = pages
	return w
}

type from struct{ address string }

func (f from) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-From", f.address)
	return http.DefaultTransport.RoundTrip(r)
}

func (v *visitor) at(address string) *visitor { v.client.Transport = from{address}; return v }

var laterThrottle = db.Statement(`UPDATE throttle SET level = level - $1, last_failed = last_failed - $1`)

// passes lets time go by for whoever guessed.
func (w *world) passes(d time.Duration) {
	w.write(func(tx *db.Tx) error { _, err := tx.Exec(laterThrottle, d.Microseconds()); return err })
}

var waitOf = regexp.MustCompile(`come back in (\d+|a) (second|minute)s?`)

// Two hundred guesses, from one place and from many, at an address that is known and at one that is not: they are slowed
// alike, and after the longest pause the owner is in with the right one.
func TestSieges(t *testing.T) {
	for place, address := range map[string]func(int) string{
		"one":  func(int) string { return "192.0.2.1" },
		"many": func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/200, i%200+1) },
	} {
		w := besieged(t)
		w.joins("Ida Holm", "ida@new.example").puts("/account/password", url.Values{"password": {password}}, "The password was set")
		asked := func(email string) (outcomes []string) {
			for i := range 200 {
				status, body := w.guest().at(address(i)).post("/login", url.Values{"email": {email}, "password": {fmt.Sprint("guess number ", i)}})
				outcome := waitOf.ReplaceAllString(cutOut(body, `role="alert">`, "</"), "later")
				outcomes = append(outcomes, fmt.Sprint(status, outcome))
			}
			return outcomes
		}
		known := asked("ida@new.example")
		w.passes(24 * time.Hour) // the place itself begins anew
		unknown := asked("nobody@new.example")
		slowed := 0
		for i := range known {
			if known[i] != unknown[i] {
				t.Errorf("%s: guess %d is answered %q, and %q where nobody has the address", place, i, known[i], unknown[i])
				break
			}
			if strings.HasPrefix(known[i], "429") {
				slowed++
			}
		}
		if slowed < 190 {
			t.Errorf("%s: %d of 200 guesses were slowed down", place, slowed)
		}
		asked("ida@new.example")
		w.passes(15 * time.Minute)
		w.guest().at("203.0.113.9").puts("/login", url.Values{"email": {"ida@new.example"}, "password": {password}}, "Ida Holm")
	}
}

// The same for second factors, whoever has the password already; and for what is said on the phone.
func TestSiegeOfSecondFactors(t *testing.T) {
	w := besieged(t)
	_, recovery := w.joins("Ida Holm", "ida@new.example").setUp()
	slowed, form := 0, url.Values{"email": {"ida@new.example"}, "password": {password}}
	v := w.guest().at("192.0.2.1")
	v.puts("/login", form, "One more step")
	for i := range 200 {
		code := fmt.Sprintf("%06d", i)
		if i%2 == 1 {
			code = fmt.Sprintf("aaaaa-%05d", i)
		}
		status, body := v.at(fmt.Sprintf("198.51.0.%d", i+1)).post("/login/second", url.Values{"code": {code}})
		if status == http.StatusTooManyRequests {
			slowed++
		}
		if strings.Contains(body, "Who acts for") || v.in() {
			t.Fatalf("%s lets in", code)
		}
	}
	if slowed < 190 {
		t.Errorf("%d of 200 codes were slowed down", slowed)
	}
	if status, _ := v.post("/login/second", url.Values{"code": {recovery[0]}}); status != http.StatusTooManyRequests {
		t.Errorf("the right one in between: %d", status)
	}
	w.passes(15 * time.Minute)
	v.puts("/login/second", url.Values{"code": {recovery[0]}}, "Ida Holm")
	// The phone: a caller's guesses are slowed, and the creator's own is taken after the pause.
	ctx, wall := context.Background(), clock.Wall()
	pin, err := credential.PreparePIN(ctx, w.ring, ada, "739164")
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(tx *db.Tx) error { return credential.SetPIN(tx, pin, wall) })
	slowed = 0
	for i := range 200 {
		ok, err := credential.CheckPIN(ctx, w.db, w.ring, ada, fmt.Sprintf("%06d", i), wall)
		if ok {
			t.Fatal("a wrong PIN is right")
		}
		if err != nil {
			slowed++
		}
	}
	if slowed < 190 {
		t.Errorf("%d of 200 PINs were slowed down", slowed)
	}
	if ok, err := credential.CheckPIN(ctx, w.db, w.ring, ada, "739164", wall.Add(15*time.Minute)); err != nil || !ok {
		t.Errorf("the right PIN after the pause: %v, %v", ok, err)
	}
}

// abroad are addresses that browsers read as another host's, however they look.
var abroad = []string{"//evil.example/x", `/\evil.example`, `\\evil.example`, "https://evil.example", "/%0d%0aLocation:%20https://evil.example", "/\t/evil.example",
	"/\r\n/evil.example", "javascript:alert(1)", "http:evil.example", "///evil.example", " //evil.example", "/%2f%2fevil.example/..//evil.example"}

// leads tells whether a Location stays here, as browsers read it: they drop tabs and line breaks, and take \ for /.
func leads(location string) bool {
	plain := strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimSpace(location))
	return !strings.HasPrefix(plain, "/") || strings.HasPrefix(plain, "//")
}

// No page leads to another host, whatever it is told of where to go afterwards; and none falls over a form that is too large.
func TestNothingLeadsElsewhere(t *testing.T) {
	if !leads("//evil.example") || !leads("/\t/evil.example") || !leads("javascript:x") || leads("/account?next=//x") {
		t.Fatal("the test cannot tell")
	}
	w := newWorld(t)
	fill := strings.NewReplacer("{$}", "", "{creator}", ada.Text(id.Creator), "{program}", "associates", "{order}", "1", "{line}", "1", "{kind}", "agreement")
	visitors := []*visitor{w.guest(), w.as("Ben Okri")}
	for i, to := range abroad {
		for _, v := range visitors {
			for _, pattern := range w.pages.Patterns() {
				method, path, _ := strings.Cut(pattern, " ")
				if pattern == "POST /logout" || strings.HasSuffix(path, "/events") {
					continue
				}
				form := url.Values{"next": {to}, "to": {to}, "return": {to}, "market": {to}}.Encode()
				if method == http.MethodPost && i == 0 {
					if status, _ := v.knock(method, fill.Replace(path), "name="+strings.Repeat("x", 6<<20)); status >= 500 || status == 0 {
						t.Errorf("%s with a huge form: %d", pattern, status)
					}
				}
				status, location := v.knock(method, fill.Replace(path)+"?"+form, map[string]string{http.MethodPost: form}[method])
				if status >= 500 || location != "" && leads(location) {
					t.Errorf("%s with %q: %d to %q", pattern, to, status, location)
				}
			}
		}
	}
	w.passes(24 * time.Hour)
	w.joins("Ida Holm", "ida@new.example").puts("/account/password", url.Values{"password": {password}}, "The password was set")
	for _, to := range abroad {
		v := w.guest()
		status, location := v.knock(http.MethodPost, "/login", url.Values{"email": {"ida@new.example"}, "password": {password}, "next": {to}}.Encode())
		if status != http.StatusSeeOther || leads(location) {
			t.Errorf("signing in with %q: %d to %q", to, status, location)
		}
		status, location = v.knock(http.MethodPost, "/account/prove", url.Values{"password": {password}, "next": {to}}.Encode())
		if status != http.StatusSeeOther || leads(location) {
			t.Errorf("proving with %q: %d to %q", to, status, location)
		}
	}
}

// What somebody is called gets into no header of a mail, and the host that a request names into no link.
func TestMailHeaders(t *testing.T) {
	w := newWorld(t)
	v := w.guest()
	for _, email := range []string{"eve@new.example\r\nBcc: all@new.example", "eve@new.example,all@new.example", "<eve@new.example>\n", "eve@new.example>\r\nX: y"} {
		if status, _ := v.knock(http.MethodPost, "/signup", url.Values{"name": {"Eve"}, "email": {email}}.Encode()); status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", email, status)
		}
	}
	request, _ := http.NewRequest(http.MethodPost, w.server.URL+"/signup",
		strings.NewReader(url.Values{"name": {"Eve\r\nBcc: all@new.example"}, "email": {"eve@new.example"}}.Encode()))
	request.Host = "evil.example"
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Forwarded-Host", "evil.example")
	response, err := v.client.Do(request)
	if status, body := v.read(response, err); status >= 500 {
		t.Fatalf("%d\n%s", status, body)
	}
	all := w.allMail()
	if len(all) != 1 || !strings.HasPrefix(all[0], "eve@new.example: Confirm your address\n") || strings.Contains(all[0], "evil.example") ||
		strings.Contains(all[0], "\nBcc:") {
		t.Errorf("mails %q", all)
	}
}
