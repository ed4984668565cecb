package web_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/browser"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/person"
)

// The page says what is kept, and the export holds it.
func TestYourData(t *testing.T) {
	w := newWorld(t)
	w.live()
	v := w.as("Ada Lindholm")
	v.wants("/account/data", "Your data", "Order lines that are credited", "lines.csv", "Export everything", "Harbour Market", "Still coming",
		"I forgo the money that is due", "type the handle ada", "Your data")
	w.as("Cleo Day").wants("/account/data", "No money is due to this account", "!I forgo")
	status, body := v.post("/account/data/export", nil)
	if status != http.StatusOK {
		t.Fatalf("exported: %d\n%s", status, body)
	}
	archive, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.File {
		opened, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	for name, want := range map[string]string{"account.json": "Ada Lindholm", "lines.csv": "us,1000,1,", "README.txt": "All that is kept about Ada Lindholm",
		"explanations.json": `"order": "2001"`, "journal.json": "person.exported"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not hold %q:\n%.400s", name, want, files[name])
		}
	}
	for name, text := range files {
		if strings.Contains(text, "Ben Okri") || strings.Contains(text, ben.Text(id.Creator)) {
			t.Errorf("%s holds somebody else", name)
		}
	}
}

// Only the owner takes the data along, and nobody else's is ever sent.
func TestWhoseDataItIs(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	var viewer auth.Principal
	w.write(func(tx *db.Tx) (err error) {
		if viewer, err = auth.OpenPerson(tx, "Vera Sand", now); err != nil {
			return err
		}
		owner, _, err := auth.OfCreator(tx, ada)
		if err != nil {
			return err
		}
		token, err := auth.Invite(tx, auth.Invitation{Account: ada, Kind: auth.Creator, Seat: auth.Manager, Hint: "Vera"}, owner.ID, now)
		if err != nil {
			return err
		}
		return auth.TakeInvite(tx, token, viewer.ID, now)
	})
	w.write(func(tx *db.Tx) (err error) {
		w.logins["Vera Sand"], err = auth.OpenLogin(tx, viewer.ID, clock.Wall(), clock.Wall().Add(time.Hour), true)
		return err
	})
	v := w.as("Vera Sand")
	v.wants("/account/data", "Only an owner of the account exports or erases it", "!Export everything", "!Erase this account for good")
	for _, name := range []string{"", "Vera Sand", "The admin"} {
		for _, path := range []string{"/account/data/export", "/account/data/erase"} {
			if status, body := w.as(name).post(path, url.Values{"handle": {"ada"}, "forgo": {"yes"}}); status != http.StatusForbidden {
				t.Errorf("%q posts to %s: %d\n%.300s", name, path, status, body)
			}
		}
	}
	w.write(func(tx *db.Tx) error {
		erased, err := person.Erased(tx, ada)
		if erased {
			t.Error("somebody else erased the account")
		}
		return err
	})
}

// An erasure wants the handle and, where money is due, that it is forgone; then nobody is signed in any more.
func TestErasingAnAccount(t *testing.T) {
	w := newWorld(t)
	w.live()
	v, other := w.as("Ada Lindholm"), w.as("Ada Lindholm")
	v.refused("/account/data/erase", url.Values{"handle": {"ben"}, "forgo": {"yes"}}, http.StatusUnprocessableEntity, "is not the handle of this account",
		`value="ben"`, `aria-invalid="true"`)
	v.refused("/account/data/erase", url.Values{"handle": {"ada"}}, http.StatusConflict, "money is due to this account", `value="ada"`)
	w.write(func(tx *db.Tx) error {
		c, err := creator.One(tx, ada)
		if c.Name != "Ada Lindholm" {
			t.Errorf("what was refused left %+v", c)
		}
		return err
	})
	status, body := v.post("/account/data/erase", url.Values{"handle": {" Ada "}, "forgo": {"yes"}})
	if status != http.StatusOK {
		t.Fatalf("erased: %d\n%s", status, body)
	}
	v.holds("the last page", body, "The account is erased", "The ledger", "!Ada Lindholm", "Sign in")
	for _, one := range []*visitor{v, other, w.as("")} {
		if status, body := one.open("/creator"); status == http.StatusOK && !strings.Contains(body, "Sign in") || strings.Contains(body, "Ada Lindholm") {
			t.Errorf("the account is open after its erasure: %d\n%s", status, body)
		}
	}
	late := w.as("")
	late.open("/login?token=" + url.QueryEscape(w.logins["Ada Lindholm"]))
	late.post("/login", url.Values{"token": {w.logins["Ada Lindholm"]}})
	if status, _ := late.open("/account/data"); status != http.StatusForbidden {
		t.Errorf("a login link of before signs in: %d", status)
	}
	w.as("The admin").wants("/operator/creators/"+ada.Text(id.Creator), creator.ErasedName, "!Ada Lindholm")
	w.as("The auditor").wants("/operator/journal", "A person was erased", "!Ada Lindholm")
	w.write(func(tx *db.Tx) error {
		_, err := journal.Verify(tx, 0, func(p journal.Problem) { t.Error(p.Text) })
		return err
	})
}

func TestYourDataOnEveryScreen(t *testing.T) {
	w := newWorld(t)
	w.live()
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		for _, name := range []string{"Ada Lindholm", "Cleo Day"} {
			w.signIn(p, name)
			p.Goto(w.server.URL + "/account/data")
			browser.AXE(t, p)
			if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s: %d pixels wider than the screen", name, wide)
			}
		}
	})
}
