package link_test

import (
	"strings"
	"testing"
	"time"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
)

func TestMakeBounty(t *testing.T) {
	d := dbtest.Open(t)
	mine := tracking(ada, "ada-20", 1, 1)
	if err := write(t, d, func(tx *db.Tx) error { return link.Open(tx, mine) }); err != nil {
		t.Fatal(err)
	}
	m := shop
	offer := link.Bounty{ID: 77, Action: "business_signup", Page: "/business"}
	for page, want := range map[string]string{ // of the store: what the link keeps as its target
		"/business":                          "/to?url=https%3A%2F%2Fstore.example%2Fbusiness",
		"https://store.example/business?a=b": "/to?url=https%3A%2F%2Fstore.example%2Fbusiness%3Fa%3Db",
		"/":                                  "/to?url=https%3A%2F%2Fstore.example%2F",
		"/p/KETTLE-1":                        "/to?url=https%3A%2F%2Fstore.example%2Fp%2FKETTLE-1",
	} {
		offer.Page = page
		var made link.Link
		if err := write(t, d, func(tx *db.Tx) (err error) {
			made, err = link.MakeBounty(tx, start, m, ada, link.Draft{Tracking: mine.ID, Title: "Sign up", Channel: "newsletter", Sub: [5]string{"mail"}}, offer)
			return err
		}); err != nil {
			t.Errorf("%s: %v", page, err)
			continue
		}
		if made.Target != want+"&sub1=mail" {
			t.Errorf("%s leads to %s, want %s", page, made.Target, want)
		}
		path, query, _ := strings.Cut(made.Target, "?")
		if w, err := link.Parse(path, query); err != nil || w.Kind != click.KindPage {
			t.Errorf("%s: the edge would read %+v, %v", made.Target, w, err)
		}
		read(t, d, func(tx *db.Tx) error {
			found, err := link.ByID(tx, []id.ID{made.ID})
			if found[made.ID] != made || made.Kind != link.KindBounty || made.Bounty != 77 || made.Action != "business_signup" {
				t.Errorf("made %+v, found %+v", made, found[made.ID])
			}
			return err
		})
	}
	for want, try := range map[string]func(*db.Tx) error{
		"bounty: is not offered": func(tx *db.Tx) error {
			_, err := link.MakeBounty(tx, start, m, ada, link.Draft{Tracking: mine.ID}, link.Bounty{})
			return err
		},
		"tracking: there is no such": func(tx *db.Tx) error {
			_, err := link.MakeBounty(tx, start, m, bob, link.Draft{Tracking: mine.ID}, offer)
			return err
		},
		"url: is not a page": func(tx *db.Tx) error {
			_, err := link.MakeBounty(tx, start, m, ada, link.Draft{Tracking: mine.ID}, link.Bounty{ID: 77, Action: "x", Page: "https://evil.example/"})
			return err
		},
	} {
		if err := write(t, d, try); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := write(t, d, func(tx *db.Tx) error {
		draft := link.Draft{Tracking: mine.ID, Code: "sign-up"}
		if _, err := link.MakeBounty(tx, start, m, ada, draft, offer); err != nil {
			return err
		}
		_, err := link.MakeBounty(tx, start.Add(time.Second), m, ada, draft, offer)
		return err
	}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a code that is taken: %v", err)
	}
}
