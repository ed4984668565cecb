package document

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/policy"
)

const (
	ada   = id.ID(11)
	ben   = id.ID(22)
	admin = id.ID(99)
)

func opened(t *testing.T) *db.DB {
	d := dbtest.Open(t)
	us := market.Market{No: 1, ID: "us", Name: "Harbour Market", Currency: "USD", Zone: "America/New_York", Policy: policy.Shipped()}
	uk := us
	uk.No, uk.ID, uk.Name, uk.Currency, uk.Zone = 2, "uk", "Harbour Market UK", "GBP", "Europe/London"
	do(t, d, func(tx *db.Tx) error {
		if err := market.Save(tx, us); err != nil {
			return err
		}
		return market.Save(tx, uk)
	})
	return d
}

func do(t *testing.T, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Interactive, fn); err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, d *db.DB, kind fault.Kind, want string, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Interactive, fn); !fault.Is(err, kind) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s with %q", err, kind, want)
	}
}

func TestInstall(t *testing.T) {
	empty := dbtest.Open(t)
	do(t, empty, func(tx *db.Tx) error { return Install(tx, begin) })
	do(t, empty, func(tx *db.Tx) error {
		found, err := InForce(tx, begin)
		if len(found) != 0 {
			t.Errorf("%d documents without an operator", len(found))
		}
		return err
	})
	d := opened(t)
	do(t, d, func(tx *db.Tx) error { return Install(tx, begin) })
	do(t, d, func(tx *db.Tx) error { return Install(tx, begin.Add(time.Hour)) })
	do(t, d, func(tx *db.Tx) error {
		found, err := InForce(tx, begin)
		if len(found) != len(Kinds) {
			t.Fatalf("%d documents", len(found))
		}
		for i, v := range found {
			if v.Kind != Kinds[i] || v.Number != 1 || v.By != 0 || v.Summary != "" || !v.Effective.Equal(begin) {
				t.Errorf("%+v", v)
			}
		}
		for _, words := range []string{"and Harbour Market, who runs", "Harbour Market and Harbour Market UK", "session of 24 hours", "89 days after the click",
			"You have 180 days to bring 3 qualifying sales", "payable 60 days after", "{{"} {
			if strings.Contains(found[0].Body, words) == (words == "{{") {
				t.Errorf("%q in the agreement: %v", words, words == "{{")
			}
		}
		history, err2 := History(tx, Agreement)
		if len(history) != 1 {
			t.Errorf("installed twice: %d versions", len(history))
		}
		if err == nil {
			err = err2
		}
		return err
	})
}

func TestPublishAndAccept(t *testing.T) {
	d := opened(t)
	do(t, d, func(tx *db.Tx) error { return Install(tx, begin) })
	var second Version
	do(t, d, func(tx *db.Tx) (err error) {
		second, err = Publish(tx, Version{Kind: Policies, Title: " Program policies ", Summary: "SMS is open\r\nto all.", By: admin,
			Body: "## 1. All\r\n\r\n{{.Operator}} lets you.\r\n"}, 14, days(1))
		return err
	})
	if second.Number != 2 || !second.Effective.Equal(days(15)) || second.Body != "## 1. All\n\nHarbour Market lets you.\n" || second.Title != "Program policies" ||
		second.Summary != "SMS is open\nto all." || second.Subject() != "policies/2" {
		t.Errorf("%+v", second)
	}
	missing := func(who id.ID, at time.Time) (names string) {
		do(t, d, func(tx *db.Tx) error {
			names = ""
			found, err := Missing(tx, who, at)
			for _, v := range found {
				names += v.Subject() + " "
			}
			return err
		})
		return names
	}
	if got := missing(ada, days(2)); got != "agreement/1 policies/1 privacy/1 " {
		t.Errorf("a newcomer lacks %s", got)
	}
	accept := func(who id.ID, v Version, at time.Time) func(*db.Tx) error {
		return func(tx *db.Tx) error { return Accept(tx, Accepted{Version: v.ID, Creator: who, Principal: 7, At: at}) }
	}
	var first []Version
	do(t, d, func(tx *db.Tx) (err error) { first, err = InForce(tx, days(2)); return err })
	for _, v := range first {
		if v.Kind.ToAccept() {
			do(t, d, accept(ada, v, days(2)))
			do(t, d, accept(ada, v, days(3))) // again: nothing changes
		}
	}
	refused(t, d, fault.Invalid, "it is told", accept(ada, first[2], days(2)))
	if got := missing(ada, days(2)); got != "" {
		t.Errorf("who accepted lacks %s", got)
	}
	if got := missing(ada, days(15)); got != "policies/2 " {
		t.Errorf("on the day of the change Ada lacks %q", got)
	}
	do(t, d, accept(ben, second, days(2))) // ahead of its day
	if got := missing(ben, days(15)); got != "agreement/1 privacy/1 " {
		t.Errorf("Ben lacks %q", got)
	}
	refused(t, d, fault.Conflict, "program policies has a later version", accept(ben, first[1], days(15)))
	refused(t, d, fault.NotFound, "no such version", accept(ben, Version{ID: 5}, days(15)))
	refused(t, d, fault.Invalid, "creator", accept(0, second, days(15)))
	do(t, d, func(tx *db.Tx) error {
		all, err := AcceptedBy(tx, ada)
		if len(all) != 3 || all[0].Principal != 7 || !all[0].At.Equal(days(2)) {
			t.Errorf("%+v", all)
		}
		if n, err := Count(tx, second.ID); n != 1 || err != nil {
			t.Errorf("%d have accepted version 2, %v", n, err)
		}
		coming, err2 := Coming(tx, days(2))
		if len(coming) != 1 || coming[0].ID != second.ID || err2 != nil {
			t.Errorf("coming: %+v, %v", coming, err2)
		}
		coming, err2 = Coming(tx, days(15))
		if len(coming) != 0 || err2 != nil {
			t.Errorf("coming on its day: %+v, %v", coming, err2)
		}
		return err
	})
}

// What is refused leaves no row, and what was published is never touched.
func TestPublishRefuses(t *testing.T) {
	d := opened(t)
	do(t, d, func(tx *db.Tx) error { return Install(tx, begin) })
	good := Version{Kind: Agreement, Title: "Operating agreement", Summary: "New.", Body: "Text.", Effective: days(30), By: admin}
	for want, spoil := range map[string]func(*Version){
		"is not a document":               func(v *Version) { v.Kind = "x" },
		"summary: is empty":               func(v *Version) { v.Summary = "  " },
		"line 1 holds a blank":            func(v *Version) { v.Body = "{{.Secret}}" },
		"holds HTML":                      func(v *Version) { v.Body = "<p>x</p>" },
		"effective: is too soon":          func(v *Version) { v.Effective = days(1) },
		"effective: lies in the past":     func(v *Version) { v.Effective = days(-1) },
		"effective: is more than 366 day": func(v *Version) { v.Effective = days(900) },
	} {
		v := good
		spoil(&v)
		refused(t, d, fault.Invalid, want, func(tx *db.Tx) error { _, err := Publish(tx, v, 14, begin); return err })
	}
	for _, effective := range []time.Time{{}, days(30)} { // a mistake is mended before its day
		v := good
		v.Effective, v.Body = effective, "Text "+effective.String()
		do(t, d, func(tx *db.Tx) error { _, err := Publish(tx, v, 14, begin); return err })
	}
	do(t, d, func(tx *db.Tx) error {
		all, err := History(tx, Agreement)
		if len(all) != 3 || all[0].Number != 3 || all[2].Number != 1 {
			t.Errorf("%d versions", len(all))
		}
		one, err2 := One(tx, Agreement, 1)
		if err2 != nil || one.Body != all[2].Body {
			t.Errorf("%v", err2)
		}
		if _, err := One(tx, Agreement, 9); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		return err
	})
}

// Of two who publish at once each is a version of its own or is told: no number is given twice.
func TestTwoPublishAtOnce(t *testing.T) {
	d := opened(t)
	do(t, d, func(tx *db.Tx) error { return Install(tx, begin) })
	var both sync.WaitGroup
	failed := make([]error, 4)
	for i := range failed {
		both.Go(func() {
			failed[i] = d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
				_, err := Publish(tx, Version{Kind: Privacy, Title: "Privacy notice", Summary: "New.", Body: strings.Repeat("x", i+1)}, 14, begin)
				return err
			})
		})
	}
	both.Wait()
	taken := int64(1)
	for _, err := range failed {
		if err == nil {
			taken++
		} else if !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
	}
	do(t, d, func(tx *db.Tx) error {
		all, err := History(tx, Privacy)
		if int64(len(all)) != taken || all[0].Number != taken {
			t.Errorf("%d versions, the newest number %d, %d were taken", len(all), all[0].Number, taken)
		}
		return err
	})
}
