package web_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/notice"
)

// letter brings what is to be mailed into the mailbox, and gives the newest letter; the subject says that it is the right one.
func (w *world) letter(subject string) string {
	w.t.Helper()
	for _, text := range w.allMail() {
		if head, body, _ := strings.Cut(text, "\n"); strings.Contains(head, subject) {
			return body
		}
	}
	w.t.Fatalf("no letter %q among %q", subject, w.allMail())
	return ""
}

// allMail is all letters in the mailbox, the newest first: the address and the subject on a line, and the text.
func (w *world) allMail() (all []string) {
	w.t.Helper()
	post := &notice.Post{DB: w.db, Ring: w.ring, Clock: w.clock, Home: w.server.URL, Name: "Tributary"}
	run := &job.Runner{DB: w.db, Work: map[string]job.Work{notice.JobMail: post.Deliver, notice.JobDigest: post.Digest}}
	if err := run.Drain(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		found, err := notice.Mailbox(tx, w.ring, 0, 100)
		for _, one := range found {
			all = append(all, one.To+": "+one.Subject+"\n"+one.Text)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

var (
	digitsOf = regexp.MustCompile(`\b(\d{3}) ?(\d{3})\b`)
	tokenOf  = regexp.MustCompile(`/(?:verify|login|recover)\?[^\s]*token=([A-Za-z0-9_-]+)`)
)

// code is the one in a letter.
func (w *world) code(letter string) string {
	w.t.Helper()
	found := digitsOf.FindStringSubmatch(letter)
	if found == nil {
		w.t.Fatalf("no code in\n%s", letter)
	}
	return found[1] + " " + found[2]
}

func (w *world) link(letter string) string {
	w.t.Helper()
	found := tokenOf.FindStringSubmatch(html.UnescapeString(letter))
	if found == nil {
		w.t.Fatalf("no link in\n%s", letter)
	}
	return found[1]
}

// guest is a visitor who has not signed in.
func (w *world) guest() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &visitor{w, &http.Client{Jar: jar}}
}

// puts posts a form and looks for texts on the page that comes of it.
func (v *visitor) puts(path string, form url.Values, texts ...string) string {
	v.t.Helper()
	status, body := v.post(path, form)
	if status >= 500 {
		v.t.Fatalf("%s: %d\n%s", path, status, body)
	}
	v.holds(path, body, texts...)
	return body
}

// joins signs somebody up, by mail.
func (w *world) joins(name, email string) *visitor {
	w.t.Helper()
	v := w.guest()
	v.puts("/signup", url.Values{"name": {name}, "email": {email}}, "Check your mail")
	v.puts("/verify", url.Values{"code": {w.code(w.letter("Confirm your address"))}}, "Welcome, "+name)
	return v
}

func TestSigningUp(t *testing.T) {
	w := newWorld(t)
	v := w.joins("Zoë Ångström", "zoe@new.example")
	v.wants("/creator", "Zoë Ångström")
	v.wants("/account", "zoe@new.example", "zoe-angstrom")
	// Wrong forms are refused, and leave nothing.
	g := w.guest()
	g.puts("/signup", url.Values{"name": {""}, "email": {"x@new.example"}}, "is not a name", "!Check your mail")
	g.puts("/signup", url.Values{"name": {"X"}, "email": {"not an address"}}, "!Check your mail")
	// An address that is known gets a letter, and the same page.
	before := len(w.allMail())
	unknown := w.guest().puts("/signup", url.Values{"name": {"Zoë"}, "email": {"other@new.example"}}, "Check your mail")
	known := w.guest().puts("/signup", url.Values{"name": {"Zoë"}, "email": {"ZOE@new.example"}}, "Check your mail")
	if unknown != known {
		t.Error("the pages tell whether an address is known")
	}
	if count := len(w.allMail()); count != before+2 {
		t.Errorf("%d letters", count-before)
	}
	w.letter("zoe@new.example: You already have an account")
	// The link of the letter works in another browser, once, and asks for a press first.
	other := w.guest()
	token := w.link(w.letter("other@new.example: Confirm your address"))
	other.wants("/verify?token="+token, "Confirm your address", "!Welcome")
	other.puts("/verify", url.Values{"token": {token}}, "Welcome, Zoë")
	w.guest().puts("/verify", url.Values{"token": {token}}, "is not valid", "!Welcome")
	var handles []string
	w.write(func(tx *db.Tx) error {
		all, err := creator.Search(tx, "zoe", 10)
		for _, one := range all {
			handles = append(handles, one.Handle)
		}
		return err
	})
	if fmt.Sprint(handles) != "[zoe-angstrom zoe]" {
		t.Errorf("handles %v", handles)
	}
}

// Digits are typed in the browser that asked for them, and five wrong ones end them.
func TestMailedCodes(t *testing.T) {
	w := newWorld(t)
	w.joins("Ida Holm", "ida@new.example")
	v := w.guest()
	v.puts("/login/mail", url.Values{"email": {"ida@new.example"}}, "Check your mail")
	letter := w.letter("Your link to sign in")
	w.guest().puts("/verify", url.Values{"code": {w.code(letter)}}, "!Ida Holm") // of another browser
	for range 5 {
		v.puts("/verify", url.Values{"code": {"000 000"}}, "is not right")
	}
	v.puts("/verify", url.Values{"code": {w.code(letter)}}, "is not right")
	v.puts("/login", url.Values{"token": {w.link(letter)}}, "Ida Holm") // the link still works
	unknown := w.guest().puts("/login/mail", url.Values{"email": {"nobody@new.example"}}, "Check your mail")
	known := w.guest().puts("/login/mail", url.Values{"email": {"ida@new.example"}}, "Check your mail")
	if unknown != known {
		t.Error("the pages tell whether an address is known")
	}
}

const password = "correct horse battery"

// app is an authenticator app: the key that is shown, and its codes.
type app struct {
	key  string
	last time.Time
}

var keyOf = regexp.MustCompile(`<span class="secret">([A-Z2-7 ]+)</span>`)

// setUp sets a password and an authenticator app up, and gives the app and the recovery codes.
func (v *visitor) setUp() (*app, []string) {
	v.t.Helper()
	v.puts("/account/password", url.Values{"password": {"short"}}, "!The password was set")
	v.puts("/account/password", url.Values{"password": {password}}, "The password was set")
	found := keyOf.FindStringSubmatch(v.puts("/account/app", nil, "QR code"))
	if found == nil {
		v.t.Fatal("no key is shown")
	}
	a := &app{key: strings.ReplaceAll(found[1], " ", "")}
	v.puts("/account/app/confirm", url.Values{"code": {"000000"}}, "!Your recovery codes")
	body := v.puts("/account/app/confirm", url.Values{"code": {a.next(v.t)}}, "Your recovery codes")
	var codes []string
	for _, part := range strings.Split(cutOut(body, `<ul class="secrets">`, "</ul>"), "<li>")[1:] {
		code, _, _ := strings.Cut(part, "</li>")
		codes = append(codes, code)
	}
	if len(codes) != 10 {
		v.t.Fatalf("%d recovery codes", len(codes))
	}
	return a, codes
}

// next is a code that was not used yet: those of the step before and after are taken, too.
func (a *app) next(t testing.TB) string {
	t.Helper()
	at := clock.Wall().Add(-30 * time.Second)
	if !a.last.IsZero() {
		at = a.last.Add(30 * time.Second)
	}
	a.last = at
	code, err := totp.GenerateCode(a.key, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestPasswordAndSecondFactor(t *testing.T) {
	w := newWorld(t)
	mine := w.joins("Ida Holm", "ida@new.example")
	a, recovery := mine.setUp()
	v := w.guest()
	form := url.Values{"email": {"Ida@New.example"}, "password": {password}, "next": {"/account/team"}}
	wrong := url.Values{"email": {"ida@new.example"}, "password": {"wrong " + password}}
	unknown := url.Values{"email": {"nobody@new.example"}, "password": {password}}
	said := cutOut(v.puts("/login", wrong, `role="alert"`), `role="alert">`, "<")
	if other := cutOut(v.puts("/login", unknown, `role="alert"`), `role="alert">`, "<"); other != said || said == "" {
		t.Errorf("a wrong password is answered %q, an unknown address %q", said, other)
	}
	v.puts("/login", form, "One more step")
	if status, _ := v.open("/account"); status != http.StatusForbidden {
		t.Errorf("a password alone lets in: %d", status)
	}
	// A password alone, and then another form on the way, lead nowhere near the account.
	v.puts("/recover", url.Values{"email": {"nobody@new.example"}}, "Check your mail")
	v.puts("/recover/new", url.Values{"password": {"mine from now on"}}, "Recover your account")
	if status, _ := v.open("/account"); status != http.StatusForbidden {
		t.Errorf("recovering in the middle lets in: %d", status)
	}
	code := a.next(t)
	v.puts("/login/second", url.Values{"code": {"123 456"}}, "is not right")
	v.puts("/login/second", url.Values{"code": {code}}, "Who acts for Ida Holm")
	w.letter("A new device signed in")
	// A code works once; a recovery code stands in for the app, once.
	for i, one := range []struct {
		code string
		in   bool
	}{{code, false}, {recovery[0], true}, {recovery[0], false}, {strings.ToUpper(recovery[1]), true}} {
		g := w.guest()
		g.puts("/login", form, "One more step")
		body := g.puts("/login/second", url.Values{"code": {one.code}})
		if in := strings.Contains(body, "Who acts for"); in != one.in {
			t.Errorf("%d: %s lets in: %v", i, one.code, in)
		}
	}
	mine.wants("/account/security", "8 recovery codes are left")
	mine.puts("/account/app/end", nil, "The authenticator app was removed")
	w.letter("Your second factor changed")
	w.guest().puts("/login", form, "Who acts for Ida Holm")
}

func TestRecovering(t *testing.T) {
	w := newWorld(t)
	lost := w.joins("Ida Holm", "ida@new.example")
	v := w.guest()
	v.puts("/recover", url.Values{"email": {"ida@new.example"}}, "Check your mail")
	token := w.link(w.letter("sign in"))
	v.puts("/recover/link", url.Values{"token": {token}}, "A new way to sign in")
	v.puts("/recover/new", url.Values{"password": {"ida@new.example"}}, "!You are in again")
	v.puts("/recover/new", url.Values{"password": {password}}, "You are in again")
	w.letter("Your account was recovered")
	if status, _ := lost.open("/account"); status != http.StatusForbidden {
		t.Errorf("a device from before is still in: %d", status)
	}
	w.guest().puts("/recover/link", url.Values{"token": {token}}, "!A new way to sign in")
	w.guest().puts("/recover/new", url.Values{"password": {password}}, "Recover your account")
	w.guest().puts("/login", url.Values{"email": {"ida@new.example"}, "password": {password}}, "Ida Holm")
}

// A device that was ended is out at once; a cookie that was copied before signing out opens nothing after it.
func TestDevices(t *testing.T) {
	w := newWorld(t)
	v, other := w.joins("Ida Holm", "ida@new.example"), w.guest()
	other.puts("/login/mail", url.Values{"email": {"ida@new.example"}}, "Check your mail")
	other.puts("/verify", url.Values{"code": {w.code(w.letter("Your link to sign in"))}}, "Ida Holm")
	body := v.wants("/account/security", "this one", "A browser", "!signed out</span>")
	device := cutOut(body, `action="/account/devices/dv_`, `/end"`)
	foreign := w.as("Ada Lindholm")
	if status, _ := foreign.post("/account/devices/dv_"+device+"/end", nil); status != http.StatusNotFound {
		t.Errorf("somebody else's device: %d", status)
	}
	v.puts("/account/devices/dv_"+device+"/end", nil, "The device was signed out")
	if status, _ := other.open("/account"); status != http.StatusForbidden {
		t.Errorf("an ended device: %d", status)
	}
	home, _ := url.Parse(w.server.URL)
	stolen := w.guest()
	stolen.client.Jar.SetCookies(home, v.client.Jar.Cookies(home))
	stolen.wants("/account", "ida@new.example")
	v.puts("/logout", nil, "Sign in")
	if status, _ := stolen.open("/account"); status != http.StatusForbidden {
		t.Errorf("a stolen session after signing out: %d", status)
	}
}

// Guessing is slowed down, at one account from anywhere, and says when to come back.
func TestGuessing(t *testing.T) {
	w := newWorld(t)
	v := w.joins("Ida Holm", "ida@new.example")
	v.puts("/account/password", url.Values{"password": {password}}, "The password was set")
	slowed := false
	for i := range 8 {
		status, body := w.guest().post("/login", url.Values{"email": {"ida@new.example"}, "password": {fmt.Sprint("guess number ", i)}})
		if status == http.StatusTooManyRequests {
			slowed = strings.Contains(body, "come back in")
		}
	}
	if !slowed {
		t.Error("eight guesses are not slowed down")
	}
	if status, _ := w.guest().post("/login", url.Values{"email": {"ida@new.example"}, "password": {password}}); status != http.StatusTooManyRequests {
		t.Errorf("the right one while it is slowed down: %d", status)
	}
	v.wants("/account", "ida@new.example") // who is in stays in
}

// An address changes once the new one is confirmed, and the old one is told.
func TestAnotherAddress(t *testing.T) {
	w := newWorld(t)
	v := w.joins("Ida Holm", "ida@new.example")
	w.joins("Jon Berg", "jon@new.example")
	v.puts("/account/email", url.Values{"email": {"jon@new.example"}}, "Check your mail") // says nothing of whose it is
	w.letter("jon@new.example: You already have an account")
	v.puts("/account/email", url.Values{"email": {"ida@moved.example"}}, "Check your mail")
	v.wants("/account", "ida@moved.example waits to be confirmed")
	v.puts("/verify", url.Values{"code": {w.code(w.letter("ida@moved.example: Confirm"))}}, "The new address is confirmed", "ida@moved.example")
	w.letter("ida@new.example: Your mail address was changed")
	var personal creator.Personal
	w.write(func(tx *db.Tx) error {
		principal, _, err := credential.FindByEmail(tx, w.ring, "ida@moved.example")
		if err != nil {
			return err
		}
		who, _, err := auth.Find(tx, principal)
		if err == nil {
			personal, err = creator.FindPersonal(tx, w.ring, who.Creator)
		}
		return err
	})
	if personal.Email != "ida@moved.example" {
		t.Errorf("%+v", personal)
	}
}

// What changes identity asks for a proof first, and leads back.
func TestProving(t *testing.T) {
	w := newWorld(t)
	v := w.joins("Ida Holm", "ida@new.example")
	v.puts("/account/password", url.Values{"password": {password}}, "The password was set")
	w.age()
	v.puts("/account/password", url.Values{"password": {"another " + password}}, "Is it you?", "Mail a code to i…@new.example")
	v.puts("/account/prove", url.Values{"password": {"wrong"}, "next": {"/account/team"}}, "Is it you?")
	v.puts("/account/prove", url.Values{"password": {password}, "next": {"/account/team"}}, "Who acts for")
	w.age()
	v.puts("/account/prove/mail", url.Values{"next": {"//elsewhere.example/x"}}, "Check your mail")
	v.puts("/verify", url.Values{"code": {w.code(w.letter("Your link to sign in"))}}, "Signed in as Ida Holm")
	v.puts("/account/password", url.Values{"password": {"another " + password}}, "The password was set")
}

var shown = regexp.MustCompile(`<span class="secret">([^<]+)</span>`)

// secret is what a page shows this once.
func (v *visitor) secret(body string) string {
	v.t.Helper()
	found := shown.FindStringSubmatch(body)
	if found == nil {
		v.t.Fatalf("nothing is shown:\n%s", body)
	}
	return html.UnescapeString(found[1])
}

func TestTeams(t *testing.T) {
	w := newWorld(t)
	ada := w.as("Ada Lindholm")
	link := ada.secret(ada.puts("/account/team/invite", url.Values{"seat": {"manager"}, "hint": {"Mara"}}, "The invitation is ready"))
	path := strings.TrimPrefix(link, w.home)
	v := w.guest()
	v.wants(path, "Ada Lindholm invites you to act for them as manager")
	invite := strings.TrimPrefix(path, "/signup?invite=")
	v.puts("/signup", url.Values{"name": {"Mara Lind"}, "email": {"mara@new.example"}, "invite": {invite}}, "Check your mail")
	v.puts("/verify", url.Values{"code": {w.code(w.letter("Confirm your address"))}}, "Welcome, Mara Lind")
	v.wants("/account/team", "Who acts for Ada Lindholm", "manager", "!Invite somebody")
	w.guest().wants(path, "was used already", "!invites you")
	// Who has an account takes one, too, and acts for either.
	link = ada.secret(ada.puts("/account/team/invite", url.Values{"seat": {"viewer"}}, "The invitation is ready"))
	ben := w.as("Ben Okri")
	ben.wants(strings.TrimPrefix(link, w.home), "Join as Ben Okri")
	ben.puts("/account/team/take", url.Values{"invite": {strings.TrimPrefix(link, w.home+"/signup?invite=")}}, "You have joined", "Who acts for Ada Lindholm")
	ben.wants("/creator", "Switch account")
	if status, _ := ben.post("/creator/tracking", url.Values{"name": {"mine"}}); status != http.StatusForbidden {
		t.Errorf("a viewer changes something: %d", status)
	}
	ben.puts("/account/switch", url.Values{"account": {id.ID(1102).Text("")}}, "Where your money is")
	if status, _ := ben.post("/account/switch", url.Values{"account": {id.ID(1103).Text("")}}); status != http.StatusNotFound {
		t.Errorf("an account of somebody else: %d", status)
	}
	// A seat that ends is out at once; the last owner stays.
	body := ada.wants("/account/team", "Mara Lind")
	member := cutOut(body[strings.Index(body, "Mara Lind"):], "/account/team/members/", `"`)
	ada.puts("/account/team/members/"+member+"/end", nil, "The seat has ended", "!Mara Lind")
	if status, _ := v.open("/creator"); status != http.StatusForbidden {
		t.Errorf("who has no seat any more: %d", status)
	}
	v.wants("/account/team", "You act for nobody yet")
	ada.puts("/account/team/leave", nil, "is the last owner")
	v.puts("/account/team/open", url.Values{"kind": {"agency"}, "name": {"Lind & Co"}}, "The team was made", "Who acts for Lind &amp; Co")
}

func TestAPITokens(t *testing.T) {
	w := newWorld(t)
	ada := w.as("Ada Lindholm")
	ada.puts("/account/tokens", url.Values{"name": {"x"}, "scope": {"admin"}}, "may not hold admin")
	text := ada.secret(ada.puts("/account/tokens", url.Values{"name": {"my site"}, "scope": {"links.read", "links.write"}, "days": {"30"}}, "shown this once"))
	find := func() (found auth.Token, err error) {
		err = w.db.Read(context.Background(), func(tx *db.Tx) (err error) { found, err = auth.FindToken(tx, text); return err })
		return found, err
	}
	found, err := find()
	if err != nil || found.Creator != 1101 || !found.May(auth.LinksWrite) || found.Expires.IsZero() {
		t.Errorf("%+v, %v", found, err)
	}
	body := ada.wants("/account/tokens", "my site", "links.read", "by Ada Lindholm", "!"+text)
	token := cutOut(body, "/account/tokens/", "/revoke")
	if status, _ := w.as("Ben Okri").post("/account/tokens/"+token+"/revoke", nil); status != http.StatusNotFound {
		t.Errorf("somebody else's token: %d", status)
	}
	ada.puts("/account/tokens/"+token+"/revoke", nil, "opens nothing any more", "!my site")
	if _, err := find(); err == nil {
		t.Error("a revoked token is good")
	}
}

func TestStaff(t *testing.T) {
	w := newWorld(t)
	admin := w.as("The admin")
	admin.puts("/operator/staff", url.Values{"name": {"Rosa"}, "role": {"creator"}}, "is not a role of the staff")
	link := admin.secret(admin.puts("/operator/staff", url.Values{"name": {"Rosa Field"}, "role": {"finance"}}, "A login link for Rosa Field"))
	token := strings.TrimPrefix(link, w.home+"/login?token=")
	rosa := w.guest()
	rosa.puts("/login", url.Values{"token": {token}}, "Rosa Field")
	rosa.wants("/operator/reports", "Rosa Field")
	w.guest().puts("/login", url.Values{"token": {token}}, "!Rosa Field")
	body := admin.wants("/operator/staff", "Rosa Field")
	who := cutOut(body[strings.Index(body, "Rosa Field"):], "/operator/staff/", "/role")
	admin.puts("/operator/staff/"+who+"/role", url.Values{"role": {"support"}}, "The role was changed")
	if status, _ := rosa.open("/operator/reports"); status != http.StatusForbidden {
		t.Errorf("another role: %d", status)
	}
	admin.puts("/operator/staff/"+who+"/close", nil, "is signed out everywhere")
	if status, _ := rosa.open("/operator"); status != http.StatusForbidden {
		t.Errorf("a closed account: %d", status)
	}
	body = body[strings.Index(body, `aria-labelledby="all"`):]
	first := cutOut(body[strings.Index(body, "The admin"):], "/operator/staff/", "/role")
	admin.puts("/operator/staff/"+first+"/role", url.Values{"role": {"auditor"}}, "is the last admin")
}
