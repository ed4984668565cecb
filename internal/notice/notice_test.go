package notice

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/person"
)

var pairs = regexp.MustCompile(`[{}]|  |\n\n\n|,\.| ,`)

// Every message, as its reader gets it: with all facts, and without those that may be missing.
func TestEveryMessage(t *testing.T) {
	w := newWorld(t)
	var all strings.Builder
	for _, e := range Events {
		if !slices.ContainsFunc(Groups, func(g Group) bool { return g.Code == e.Group }) {
			t.Errorf("%s is of the unknown group %q", e.Code, e.Group)
		}
		for _, bare := range []bool{false, true} {
			facts := e.samples()
			for _, f := range e.Facts {
				if bare && f.Optional {
					facts[f.Name] = ""
				}
			}
			w.send(e.Code, func(n *Notice) { n.Principal, n.Facts = w.owner, facts })
			box := w.box()
			l := box[len(box)-1]
			if rest, _, _ := strings.Cut(l.Text, "\n-- \n"); pairs.MatchString(strings.TrimLeft(rest, " ")) && e.Code != "account.verify" && e.Code != "account.sign_in_link" {
				t.Errorf("%s reads badly:\n%s", e.Code, l.Text)
			}
			if bare {
				continue
			}
			fmt.Fprintf(&all, "=== %s\nTo: %s <%s>\nSubject: %s\nIn the product: %s\n\n%s\n", e.Code, l.Name, l.To, l.Subject, shippedParts[e.Code].write(facts).Line, l.Text)
		}
	}
	golden(t, "messages.txt", regexp.MustCompile(`us_[0-9a-z]+\.([a-z]+)\.[0-9A-Za-z_-]+`).ReplaceAllString(all.String(), "us_….$1.…"))
	files, err := templateFiles.ReadDir("templates")
	if err != nil || len(files) != len(Events) {
		t.Errorf("%d templates for %d events, %v", len(files), len(Events), err)
	}
}

func TestToldOnce(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.send("enrolment.approved", func(n *Notice) { n.Creator, n.Key = ada, "us/associates/1" })
	}
	w.send("enrolment.approved", func(n *Notice) { n.Creator, n.Key = ada, "us/associates/2" })
	if got := len(w.list(ada, w.owner)); got != 2 {
		t.Errorf("%d messages", got)
	}
	if got := len(w.box()); got != 4 { // two people, two occasions
		t.Errorf("%d letters", got)
	}
}

func TestWhatCannotBeSaid(t *testing.T) {
	w := newWorld(t)
	invalid(t, w.try("enrolment.won", toAda), "event")
	invalid(t, w.try("enrolment.approved", func(*Notice) {}), "recipient")
	invalid(t, w.try("enrolment.approved", func(n *Notice) { n.Creator, n.Principal = ada, w.owner }), "recipient")
	invalid(t, w.try("enrolment.closed", func(n *Notice) { n.Creator, n.Facts = ada, map[string]string{"program": "Associates"} }), "facts.why")
	invalid(t, w.try("enrolment.approved", func(n *Notice) { n.Creator = ada; n.Facts["words"] = strings.Repeat("a", maxFact+1) }), "facts.words")
	invalid(t, w.try("enrolment.approved", func(n *Notice) { n.Creator, n.Key = ada, strings.Repeat("k", maxKey+1) }), "key")
	for _, address := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/a b", "/a\nb"} {
		invalid(t, w.try("enrolment.approved", func(n *Notice) { n.Creator = ada; n.Facts["link"] = address }), "facts.link")
	}
	for _, to := range []string{"ada", "ada@", "@host", "a@b@c", "ada@host\r\nBcc: all@host", "Ada <ada@host>", "a@b, c@d"} {
		invalid(t, w.try("account.verify", func(n *Notice) { n.Principal, n.To = w.owner, to }), "to")
	}
	if len(w.list(ada, w.owner)) != 0 || len(w.box()) != 0 {
		t.Error("what was refused left a trace")
	}
}

// The mail of an account goes to those who manage it; without an address of their own it goes to the account's, once.
func TestWhoGetsTheMail(t *testing.T) {
	w := newWorld(t)
	w.send("site.proved", toAda)
	w.send("site.proved", func(n *Notice) { n.Creator = ben })
	got := strings.Split(w.got(), "\n")
	slices.Sort(got)
	if want := []string{"ada@people.example: ada.example is yours", "ben@account.example: ada.example is yours", "mia@people.example: ada.example is yours"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	w.write(func(tx *db.Tx) error { // two of three have no address any more; one of them only looks on
		for _, who := range []id.ID{w.owner, w.manager, w.viewer} {
			if err := credential.Forget(tx, who); err != nil {
				return err
			}
		}
		return nil
	})
	w.send("site.proved", func(n *Notice) { n.Creator, n.Facts["site"] = ada, "new.example" })
	w.send("account.signed_in", w.toOwner)
	got = strings.Split(w.got(), "\n")
	slices.Sort(got)
	if want := []string{"ada@account.example: A new device signed in", "ada@account.example: new.example is yours"}; !slices.Equal(got[:2], want) || len(got) != 5 {
		t.Errorf("got %v", got)
	}
	w.read(func(tx *db.Tx) error {
		list, err := UndeliveredMail(tx, 10)
		if err != nil || len(list) != 1 || list[0].Principal != w.manager || list[0].Code != "no address" {
			t.Errorf("undelivered %+v, %v", list, err)
		}
		return err
	})
}

// A message that confirms an address goes to that address, and nothing else does before it is confirmed.
func TestAddressThatIsNotConfirmed(t *testing.T) {
	w := newWorld(t)
	var fresh id.ID
	w.write(func(tx *db.Tx) error {
		p, err := auth.OpenPerson(tx, "Fresh Person", now)
		fresh = p.ID
		if err == nil {
			err = credential.SetEmail(tx, w.ring, fresh, "fresh@people.example", now)
		}
		return err
	})
	toFresh := func(n *Notice) { n.Principal = fresh }
	w.send("account.verify", toFresh)
	w.send("account.signed_in", toFresh)
	w.send("account.email_changed", func(n *Notice) { n.Principal, n.To = w.owner, "old@people.example" })
	got := strings.Split(w.got(), "\n")
	slices.Sort(got)
	if want := []string{"fresh@people.example: Confirm your address", "old@people.example: Your mail address was changed"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestReading(t *testing.T) {
	w := newWorld(t)
	w.send("site.proved", toAda)
	w.send("rates.published", toAda)
	w.send("account.signed_in", w.toOwner)
	w.send("site.proved", func(n *Notice) { n.Creator = ben })
	all := w.list(ada, w.owner)
	if len(all) != 3 || all[0].Event != "account.signed_in" || all[0].Text != "Firefox on Linux signed in" || all[0].Link != "/account/security" || all[2].Event != "site.proved" {
		t.Fatalf("list %+v", all)
	}
	if w.unread(ada, w.owner) != 3 || w.unread(ada, w.viewer) != 2 || w.unread(0, w.owner) != 1 || w.unread(0, w.admin) != 0 {
		t.Errorf("unread %d, %d, %d", w.unread(ada, w.owner), w.unread(ada, w.viewer), w.unread(0, w.owner))
	}
	theirs := w.list(ben, 0)[0].ID
	w.write(func(tx *db.Tx) error {
		for _, number := range []id.ID{all[2].ID, all[2].ID, theirs, 5} {
			if err := MarkRead(tx, ada, w.owner, number, now); err != nil {
				return err
			}
		}
		return nil
	})
	if after := w.list(ada, w.owner); !after[2].Read || after[1].Read || w.unread(ada, w.owner) != 2 || w.unread(ada, w.viewer) != 2 || w.list(ben, w.owner)[0].Read {
		t.Errorf("after reading one: %+v", after)
	}
	w.read(func(tx *db.Tx) error {
		if m, err := One(tx, w.ring, ada, w.owner, all[1].ID); err != nil || m.Event != "rates.published" {
			t.Errorf("one: %+v, %v", m, err)
		}
		for _, number := range []id.ID{theirs, 5} {
			if _, err := One(tx, w.ring, ada, w.owner, number); !fault.Is(err, fault.NotFound) {
				t.Errorf("somebody else's message: %v", err)
			}
		}
		page, err := List(tx, w.ring, Query{Creator: ada, Principal: w.owner, Before: all[0].ID, Limit: 1})
		if err != nil || len(page) != 1 || page[0].ID != all[1].ID {
			t.Errorf("page %+v, %v", page, err)
		}
		group, err := List(tx, w.ring, Query{Creator: ada, Principal: w.owner, Group: "rates", Limit: 5})
		if err != nil || len(group) != 1 {
			t.Errorf("group %+v, %v", group, err)
		}
		return nil
	})
	w.write(func(tx *db.Tx) error { return MarkAllRead(tx, ada, w.owner, all[1].ID, now) })
	if w.unread(ada, w.owner) != 1 { // the newest came while the page was open
		t.Errorf("unread %d", w.unread(ada, w.owner))
	}
}

// What opens a door stands in the mail only, and nowhere once that is sent.
func TestWhatOpensADoorIsForgotten(t *testing.T) {
	w := newWorld(t)
	const code, token = "CANARY-418220", "/verify?token=CANARY-TOKEN"
	w.send("account.verify", func(n *Notice) { n.Principal = w.owner; n.Facts["code"], n.Facts["link"] = code, token })
	if all := w.list(0, w.owner); len(all) != 1 || strings.Contains(fmt.Sprintf("%+v", all), "CANARY") {
		t.Errorf("in the product: %+v", all)
	}
	w.nothingHolds("CANARY")
	box := w.box()
	if len(box) != 1 || !strings.Contains(box[0].Text, code) || !strings.Contains(box[0].HTML, code) ||
		!strings.Contains(box[0].Text, "https://programs.example/verify?token=CANARY-TOKEN") {
		t.Fatalf("letter %+v", box)
	}
	w.read(func(tx *db.Tx) error {
		k, ok, err := find(tx, w.list(0, w.owner)[0].ID)
		if err != nil || !ok {
			return fmt.Errorf("notice %v, %v", ok, err)
		}
		c, ok, err := unseal(tx, w.ring, k.event, k.who(), k.id, k.sealed)
		if err != nil || !ok || strings.Contains(fmt.Sprint(c), "CANARY") || c.Facts["minutes"] != "20" {
			t.Errorf("kept %v, %v", c, err)
		}
		return nil
	})
	w.nothingHolds("CANARY")
	// One that could not be sent in time opens nothing any more.
	w.send("account.sign_in_link", w.toOwner)
	if err := w.clock.Set(now.Add(3 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := w.got(); strings.Contains(got, "link to sign in") {
		t.Errorf("a stale link was sent: %s", got)
	}
}

var everything = []*db.Stmt{
	db.Statement(`SELECT CAST(id AS TEXT), facts, key FROM notice ORDER BY id`),
	db.Statement(`SELECT state, hash, code FROM notice_mail ORDER BY notice, principal`),
	db.Statement(`SELECT key, body, last_error FROM job ORDER BY id`),
	db.Statement(`SELECT CAST(id AS TEXT), sealed, '' FROM mailbox ORDER BY id`),
	db.Statement(`SELECT CAST(count AS TEXT), hash, '' FROM mail_bounce ORDER BY hash`),
}

// nothingHolds looks for a text in all rows as they are stored.
func (w *world) nothingHolds(texts ...string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		for _, statement := range everything {
			if err := tx.Each(statement, func(scan func(...any) error) error {
				var first, last string
				var middle []byte
				err := scan(&first, &middle, &last)
				for _, text := range texts {
					if strings.Contains(first+string(middle)+last, text) {
						w.t.Errorf("%q is stored as it is: %s %s", text, first, last)
					}
				}
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestStoredSealed(t *testing.T) {
	w := newWorld(t)
	w.send("claim.question", func(n *Notice) { n.Creator = ada; n.Facts["question"] = "CANARY" })
	w.send("account.email_changed", func(n *Notice) { n.Principal, n.To = w.owner, "canary@people.example" })
	w.nothingHolds("CANARY", "canary@", "people.example")
	w.drain()
	w.nothingHolds("CANARY", "canary@", "people.example")
}

// Somebody who leaves gets a last letter, and then nothing of them is left; nobody tells them anything afterwards.
func TestForget(t *testing.T) {
	w := newWorld(t)
	w.send("site.proved", toAda)
	w.send("site.proved", func(n *Notice) { n.Creator = ben })
	w.send("account.signed_in", w.toOwner)
	w.box()
	w.send("data.erased", func(n *Notice) { n.Principal, n.To = w.owner, "ada@people.example" })
	w.write(func(tx *db.Tx) error {
		for range 2 { // doing it again changes nothing
			for _, who := range []id.ID{ada, w.owner} {
				if err := Forget(tx, who); err != nil {
					return err
				}
				if err := person.Erase(tx, who, now); err != nil {
					return err
				}
			}
			if err := credential.Forget(tx, w.owner); err != nil {
				return err
			}
		}
		return auth.Close(tx, w.owner, now)
	})
	w.send("site.proved", toAda)
	w.send("account.signed_in", w.toOwner)
	if got := len(w.list(ada, w.owner)); got != 0 {
		t.Errorf("%d messages are left", got)
	}
	got := strings.Split(w.got(), "\n")
	if last := got[len(got)-1]; last != "ada@people.example: Your account was erased" || len(got) != 2 { // Ben's and the last one
		t.Errorf("letters %v", got)
	}
	box := w.box()
	if l := box[len(box)-1]; !strings.Contains(l.Text, "Hello Ada Lindholm,") {
		t.Errorf("the last letter:\n%s", l.Text)
	}
	w.read(func(tx *db.Tx) error {
		var left int
		for _, statement := range everything[:1] {
			if err := tx.Each(statement, func(scan func(...any) error) error {
				left++
				var first, last string
				var middle []byte
				return scan(&first, &middle, &last)
			}); err != nil {
				return err
			}
		}
		if left != 1 { // Ben's
			t.Errorf("%d notices are left", left)
		}
		return nil
	})
}

func TestStaffAreTold(t *testing.T) {
	w := newWorld(t)
	w.write(func(tx *db.Tx) error {
		return SendStaff(tx, w.ring, auth.Of(auth.Admin, auth.Reviewer), Notice{Event: "staff.review_due", At: now, Key: "2026-11-22",
			Facts: map[string]string{"count": "4"}})
	})
	if got := w.got(); got != "admin@people.example: Reviews wait: 4" || w.unread(0, w.admin) != 1 {
		t.Errorf("got %q", got)
	}
}

func TestOldLettersLeaveTheMailbox(t *testing.T) {
	w := newWorld(t)
	w.write(func(tx *db.Tx) error {
		for i := range mailboxKept + 5 {
			if err := keepInMailbox(tx, w.ring, 0, w.owner, now, Letter{To: "a@b", Subject: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	count, first := 0, id.ID(0)
	w.read(func(tx *db.Tx) error {
		for before := id.ID(0); ; {
			page, err := Mailbox(tx, w.ring, before, 200)
			if err != nil || len(page) == 0 {
				return err
			}
			count, before = count+len(page), page[len(page)-1].ID
			first = before
		}
	})
	if count != mailboxKept {
		t.Errorf("%d letters", count)
	}
	w.read(func(tx *db.Tx) error {
		if _, err := MailboxLetter(tx, w.ring, first); err != nil {
			t.Error(err)
		}
		if _, err := MailboxLetter(tx, w.ring, 7); !fault.Is(err, fault.NotFound) {
			t.Errorf("a letter that is not there: %v", err)
		}
		return nil
	})
}

// A job that names nothing that is there ends quietly; one that cannot be read is given up.
func TestJobsOfNothing(t *testing.T) {
	w := newWorld(t)
	if err := w.post.Deliver(context.Background(), job.Job{Body: []byte(`{"notice":7,"principal":8}`)}); err != nil {
		t.Error(err)
	}
	invalid(t, w.post.Deliver(context.Background(), job.Job{Body: []byte(`{`)}), "")
	invalid(t, w.post.Digest(context.Background(), job.Job{Key: "nobody"}), "")
	if err := w.post.Digest(context.Background(), digestJob(w.owner, clock.Wall())); err != nil {
		t.Error(err)
	}
}
