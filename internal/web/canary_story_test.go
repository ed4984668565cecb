package web_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/secret"
)

func creatorOf(tx *db.Tx, ring *secret.Ring, email string) (id.ID, error) {
	principal, _, err := credential.FindByEmail(tx, ring, email)
	if err != nil {
		return 0, err
	}
	who, _, err := auth.Find(tx, principal)
	return who.Creator, err
}

// unpacked gives the files of an export.
func unpacked(t testing.TB, body string) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
	if err != nil {
		t.Fatalf("%v\n%.300s", err, body)
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
	return files
}

// logBook is the log with what is sealed in it opened.
func (s *story) logBook() string {
	s.T().Helper()
	var text strings.Builder
	s.write(func(tx *db.Tx) error {
		found, err := journal.Search(tx, s.ring, journal.Query{Limit: journal.MaxPage})
		for _, one := range found.Entries {
			raw, _ := json.Marshal(one)
			text.Write(raw)
		}
		return err
	})
	return text.String()
}

var farewellOf = regexp.MustCompile(`/unsubscribe\?t=([A-Za-z0-9._~%-]+)`)

// farewells plants what switches mails off, and uses one.
func (s *story) farewells() {
	known := map[string]bool{}
	for _, letter := range s.allMail() {
		for _, found := range farewellOf.FindAllStringSubmatch(letter, -1) {
			if known[found[1]] {
				continue
			}
			known[found[1]] = true
			s.add(canary{name: "what switches mails off", text: found[1], at: []string{"GET /unsubscribe", "POST /unsubscribe"}, letters: 100})
			g := s.guestAs("somebody")
			g.wants("/unsubscribe?t=" + found[1])
			g.post("/unsubscribe?t="+found[1]+"x", nil)
			g.post("/unsubscribe?t="+found[1], url.Values{"mail": {"off"}})
		}
	}
	if len(known) == 0 {
		s.T().Error("no mail can be switched off")
	}
}

// malformed sends what no page takes, with secrets in it, to every form there is.
func (s *story) malformed() {
	for _, v := range []*visitor{s.zara, s.guestAs("somebody"), s.watch(s.as("Ben Okri"), "Ben")} {
		for _, pattern := range s.pages.Patterns() {
			method, path, _ := strings.Cut(pattern, " ")
			if method != http.MethodPost || path == "/logout" {
				continue
			}
			path = strings.NewReplacer("{$}", "", "{program}", "associates", "{network}", "youtube", "{provider}", "desk", "{creator}", ben.Text(id.Creator)).Replace(path)
			v.knock(method, path, "password="+url.QueryEscape(zaraWord)+"&pin="+zaraPIN+"&email="+url.QueryEscape(zaraMail)+"&x=%zz")
		}
	}
}

var losses = []*db.Stmt{db.Statement(`DROP TABLE throttle`), db.Statement(`DROP TABLE mail_code`), db.Statement(`DROP TABLE journal`),
	db.Statement(`DROP TABLE phone_pin`)}

// down asks with secrets while the database fails: the answers say nothing, and neither does the log.
func (s *story) down() {
	s.write(func(tx *db.Tx) error {
		for _, loss := range losses {
			if _, err := tx.Exec(loss); err != nil {
				return err
			}
		}
		return nil
	})
	g := s.guestAs("somebody")
	for path, form := range map[string]url.Values{
		"/login":         {"email": {zaraNext}, "password": {zaraWord}},
		"/login/mail":    {"email": {zaraNext}},
		"/signup":        {"name": {"Zebulon Quillfeather"}, "email": {zaraMail}},
		"/recover":       {"email": {zaraMail}},
		"/verify":        {"token": {zaraWord}},
		"/recover/link":  {"token": {zaraWord}},
		"/unsubscribe":   {"t": {zaraWord}},
		"/account/prove": {"password": {zaraWord}},
	} {
		for _, v := range []*visitor{g, s.zara} {
			if status, body := v.post(path, form); status < 400 || strings.Contains(strings.ToLower(body), "sql") {
				s.T().Errorf("%s without a database: %d\n%s", path, status, body)
			}
		}
	}
	s.zara.post("/account/profile", url.Values{"full_name": {"Zebulon Quillfeather"}, "phone": {"+15550177234"}})
	s.zara.open("/account/data?address=77+Wrenhollow+Lane")
}

// Secrets and what is personal, planted all through the product, are nowhere but where they belong.
func TestCanaries(t *testing.T) {
	s := newStory(t)
	for _, step := range []func(){s.signUp, s.secure, s.team, s.apply, s.networks, s.elsewhere, s.farewells, s.malformed} {
		step()
	}
	s.zara.puts("/account/prove", url.Values{"password": {"another " + zaraWord}})
	status, body := s.zara.post("/account/data/export", nil)
	if status != http.StatusOK {
		t.Fatalf("exported: %d\n%.500s", status, body)
	}
	texts := map[string]string{"the log, opened": s.logBook()}
	for name, text := range unpacked(t, body) {
		texts["her export: "+name] = text
	}
	if !strings.Contains(texts["her export: account.json"], "77 Wrenhollow Lane") {
		t.Error("the export does not hold what is hers")
	}
	// What is personal is hers to export and in the log for those who may read it: only secrets must not be there.
	secrets := &traces{t: t}
	for _, c := range s.canaries {
		if c.owner == "" {
			secrets.canaries = append(secrets.canaries, c)
		}
	}
	report := func(found []string) {
		t.Helper()
		for _, one := range found {
			t.Error(one)
		}
	}
	report(secrets.leaks(nil, texts))
	_, theirs := s.watch(s.as("Ada Lindholm"), "Ada").post("/account/data/export", nil)
	others := map[string]string{}
	for name, text := range unpacked(t, theirs) {
		others["somebody else's export: "+name] = text
	}
	letters := s.allMail()
	raw := s.stored()
	delete(raw, "site.token")    // stands on the person's public site
	delete(raw, "ceremony.body") // holds what a passkey signs: everybody may know it, and it works once
	for name, text := range raw {
		others[name] = text
	}
	s.down()
	if len(s.canaries) < 60 || len(s.answers) < 250 || len(letters) < 10 || !strings.Contains(s.logged(), "a page failed") {
		t.Errorf("%d canaries, %d answers, %d letters: the story is shorter than it was", len(s.canaries), len(s.answers), len(letters))
	}
	report(s.leaks(letters, others))
}
