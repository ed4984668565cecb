package rights_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/application"
	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/claim"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/notice"
	"tributary/internal/order"
	"tributary/internal/person"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
	"tributary/internal/shopper"
	"tributary/internal/site"
)

var (
	ctx   = context.Background()
	begin = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
)

// somebody is a creator whose every text holds a mark that stands nowhere else.
type somebody struct {
	id, tracking, owner, device id.ID
	mark                        string
}

// world is two marketplaces in which two creators have left something in every room.
type world struct {
	t        testing.TB
	db       *db.DB
	ring     *secret.Ring
	clock    *clock.Business
	accrual  *accrual.Accrual
	sealer   *click.Sealer
	us, uk   market.Market
	ada, ben *somebody
	count    int
}

func newWorld(t testing.TB) *world { return newWorldOn(t, dbtest.Open(t)) }

func newWorldOn(t testing.TB, d *db.DB) *world {
	w := &world{t: t, db: d, ring: secret.FixedRing("rights"), clock: clock.NewStopped(begin)}
	w.sealer = click.NewSealer(w.ring)
	w.us = market.Market{No: 1, ID: "us", Name: "Harbour", Currency: "USD", Zone: "America/New_York", Locale: "en-US", Home: "http://store.example",
		ProductURL: "http://store.example/product/{sku}", Hosts: []string{"store.example"}, Policy: policy.Shipped()}
	w.uk = w.us
	w.uk.No, w.uk.ID, w.uk.Currency, w.uk.Zone = 2, "uk", "GBP", "Europe/London"
	w.write(func(tx *db.Tx) error {
		for _, m := range []market.Market{w.us, w.uk} {
			if err := market.Save(tx, m); err != nil {
				return err
			}
			card := ratecard.Card{Kind: ratecard.Offsite, Effective: begin.AddDate(-2, 0, 0), Default: 1000}
			if _, err := ratecard.Publish(tx, m.No, card, begin.AddDate(-2, 0, 0), 0); err != nil {
				return err
			}
		}
		return document.Install(tx, begin)
	})
	w.accrual = accrual.New(w.db, w.clock, w.ring, 0)
	t.Cleanup(w.accrual.Close)
	w.ada, w.ben = w.plant(101, "zolquark"), w.plant(202, "kolwjark")
	return w
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(ctx, db.Interactive, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Read(ctx, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) lane(number int64, fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Lane(ctx, db.Interactive, w.clock.Now(), []int64{number}, fn); err != nil {
		w.t.Fatal(err)
	}
}

// do runs one thing after the other, each in a transaction of its own.
func (w *world) do(all ...func(*db.Tx) error) {
	w.t.Helper()
	for i, one := range all {
		if err := w.db.Write(ctx, db.Interactive, one); err != nil {
			w.t.Fatalf("step %d: %v", i, err)
		}
	}
}

var (
	insertNetwork = db.Statement(`INSERT INTO network_account (id, creator, network, number, handle, title, address, state, version,
		connected, checked, ended, tokens, snapshot, score) VALUES ($1, $2, 'youtube', $3, $4, $5, $6, 'connected', 1, $7, $7, 0, $8, '{"followers":1200}', '{}')`)
	insertLook    = db.Statement(`INSERT INTO network_snapshot (account, no, body) VALUES ($1, 1, '{"followers":1200}')`)
	insertVerdict = db.Statement(`INSERT INTO review_verdict (market, creator, program, at, reviewer, approved, reasons, words)
		VALUES (1, $1, 1, $2, 0, 0, 'thin_content', $3)`)
)

// plant lets a creator leave a mark in every field that they can.
func (w *world) plant(one id.ID, mark string) *somebody {
	s := &somebody{id: one, mark: mark}
	now, wall := w.clock.Now(), clock.Wall()
	text := func(what string) string { return mark + " " + what }
	account := creator.Creator{ID: one, Name: text("name"), Handle: mark + "handle", Created: now}
	personal := creator.Personal{FullName: text("full name"), Email: mark + "@mail.example", Address: text("street 1"), Payee: text("payee"), Phone: "+1 555 0100",
		Country: "US", Language: "en"}
	password, err := credential.PreparePassword(ctx, "a long pass phrase of nobody")
	if err != nil {
		w.t.Fatal(err)
	}
	pin, err := credential.PreparePIN(ctx, w.ring, one, "482913")
	if err != nil {
		w.t.Fatal(err)
	}
	key := enrolment.Key{Market: 1, Creator: one, Program: enrolment.Associates}
	w.do(
		func(tx *db.Tx) error { return creator.Create(tx, w.ring, account, personal) },
		func(tx *db.Tx) error {
			p, err := auth.Open(tx, auth.Principal{Name: text("person"), Role: auth.Creator, Creator: one}, now)
			s.owner = p.ID
			return err
		},
		func(tx *db.Tx) (err error) {
			s.device, err = auth.OpenDevice(tx, s.owner, text("phone"), "passkey", wall)
			return err
		},
		func(tx *db.Tx) error { return credential.TrustEmail(tx, w.ring, s.owner, mark+"@mail.example", wall) },
		func(tx *db.Tx) error { return credential.SetPassword(tx, s.owner, password, wall) },
		func(tx *db.Tx) error { return credential.SetPIN(tx, pin, wall) },
		func(tx *db.Tx) error {
			_, _, err := auth.MakeToken(tx, auth.Token{Name: text("token"), Creator: one, Scopes: []auth.Scope{auth.LinksRead}}, now)
			return err
		},
		func(tx *db.Tx) error {
			_, err := auth.Invite(tx, auth.Invitation{Account: one, Kind: auth.Creator, Seat: auth.Manager, Hint: text("guest")}, s.owner, now)
			return err
		},
		func(tx *db.Tx) error {
			return enrolment.Save(tx, key, enrolment.Standing{Since: now.AddDate(-1, 0, 0), State: enrolment.Active})
		},
		func(tx *db.Tx) error {
			other := enrolment.Key{Market: 2, Creator: one, Program: enrolment.Influencer}
			return enrolment.Save(tx, other, enrolment.Standing{Since: now.AddDate(0, -1, 0), State: enrolment.Applied})
		},
		func(tx *db.Tx) error { return w.plantLinks(tx, s) },
		func(tx *db.Tx) error { return w.plantSites(tx, s) },
		func(tx *db.Tx) error {
			form := application.Form{About: strings.Repeat(text("about "), 6), Topics: []string{"home"}, Traffic: []string{"search"}, Methods: []string{"posts"}, Visits: "1k-10k"}
			if err := application.Save(tx, w.ring, key, form, now); err != nil {
				return err
			}
			_, err := application.Send(tx, w.ring, key, now)
			return err
		},
		func(tx *db.Tx) error {
			return application.Save(tx, w.ring, enrolment.Key{Market: 2, Creator: one, Program: 2}, application.Form{About: text("draft")}, now)
		},
		func(tx *db.Tx) error {
			in, err := document.InForce(tx, now)
			if err != nil {
				return err
			}
			return document.Accept(tx, document.Accepted{Version: in[0].ID, Creator: one, Principal: s.owner, At: now})
		},
		func(tx *db.Tx) error {
			return notice.Send(tx, w.ring, notice.Notice{Event: "application.received", Creator: one, Market: "us", At: now, Key: mark[:1],
				Facts: map[string]string{"program": "Associates", "next": text("next") + "."}})
		},
		func(tx *db.Tx) error {
			return journal.Add(tx, w.ring, journal.Entry{At: now, Actor: personName(s.owner), Action: "creator.changed", Subject: one.Text(id.Creator), Person: one,
				Reason: text("reason"), Before: map[string]any{"name": text("before")}, After: map[string]any{"name": text("after")}})
		},
		func(tx *db.Tx) error {
			return journal.Add(tx, w.ring, journal.Entry{At: now, Actor: personName(s.owner), Action: "device.ended", Subject: personName(s.owner), Person: s.owner,
				Reason: text("device")})
		},
		func(tx *db.Tx) error {
			words, err := person.Seal(tx, w.ring, one, fmt.Sprintf("review_verdict:%d", now.UnixMicro()), []byte(text("verdict")))
			if err != nil {
				return err
			}
			_, err = tx.Exec(insertVerdict, int64(one), now.UnixMicro(), words)
			return err
		},
	)
	w.lane(1, func(tx *db.Tx) error {
		keys := person.Keys{Ring: w.ring}
		c, _, err := claim.Open(tx, keys, 1, w.us.Location(), one, one.Text(id.Creator), claim.Request{
			Question: claim.Question{Date: "2026-03-09", Product: text("product")}, Message: text("message"), Evidence: []string{text("evidence")}})
		if err != nil {
			return err
		}
		return claim.Ask(tx, keys, 1, c.ID, "us_0000000000001", text("question of the staff"))
	})
	return s
}

func personName(one id.ID) string { return one.Text(auth.Prefix) }

func (w *world) plantLinks(tx *db.Tx, s *somebody) error {
	now := w.clock.Now()
	t, err := link.OpenNext(tx, link.Tracking{ID: id.New(now), Creator: s.id, Program: click.Associates, Market: 1, Name: s.mark + " blog", Created: now}, s.mark+"tag")
	if err != nil {
		return err
	}
	s.tracking = t.ID
	if _, err := link.Make(tx, now, w.us, s.id, link.Draft{Tracking: t.ID, Target: "/dp/KETTLE", Title: "=" + s.mark + " title", Channel: s.mark + " channel",
		Sub: [5]string{s.mark + "sub"}}); err != nil {
		return err
	}
	return link.OpenCoupon(tx, link.Coupon{Market: 1, Code: fmt.Sprintf("CODE%d", s.id), Creator: s.id, Program: click.Associates, Tracking: t.ID, Since: now})
}

func (w *world) plantSites(tx *db.Tx, s *somebody) error {
	now := w.clock.Now()
	one, err := site.Add(tx, w.ring, s.id, "https://"+s.mark+".example/blog", site.Web, now)
	if err != nil {
		return err
	}
	if err := site.SaveProof(tx, one.ID, site.Meta, now); err != nil {
		return err
	}
	if err := site.SaveReport(tx, one.ID, site.Report{At: now, Items: 1, Listed: []site.Item{{Title: s.mark + " item", Address: "https://" + s.mark + ".example/blog/1"}}}); err != nil {
		return err
	}
	gone, err := site.Add(tx, w.ring, s.id, "https://old."+s.mark+".example", site.Web, now)
	if err == nil {
		err = site.Remove(tx, s.id, gone.ID, now)
	}
	if err != nil {
		return err
	}
	account := id.New(now)
	if _, err := tx.Exec(insertNetwork, int64(account), int64(s.id), s.mark+"number", "@"+s.mark, s.mark+" channel", "https://tube.example/"+s.mark, now.UnixMicro(),
		w.ring.Seal("network", "x", []byte(s.mark))); err != nil {
		return err
	}
	_, err = tx.Exec(insertLook, int64(account))
	return err
}

// buy books an order that one of them is credited with, and ships it.
func (w *world) buy(s *somebody, number string) {
	w.t.Helper()
	at := w.clock.Now()
	token := w.sealer.Seal(click.Token{Click: click.NewID(), Creator: s.id, Program: click.Associates, Tracking: s.tracking, Market: 1, At: at.Add(-time.Hour)})
	w.send(order.Event{Type: order.TypePlaced, OccurredAt: at, Order: number, Placed: &order.Placed{ID: number, Currency: "USD",
		Lines: []order.Line{{ID: "1", SKU: "KETTLE", Quantity: 1, Amount: money.Money{Amount: 4900, Currency: "USD"}, Clicks: []string{token}}}}})
	w.send(order.Event{Type: order.TypeShipped, OccurredAt: at, Order: number, Line: "1", Quantity: 1})
}

func (w *world) send(e order.Event) {
	w.t.Helper()
	w.count++
	e.ID, e.Market = fmt.Sprintf("event-%d", w.count), "us"
	if err := e.Check(w.clock.Now(), "USD", true); err != nil {
		w.t.Fatal(err)
	}
	in := accrual.Incoming{Event: e, Hash: e.Hash()}
	if e.Placed != nil {
		in.Facts = shopper.Keyed(w.ring, e.Placed.Shopper)
	}
	if results, err := w.accrual.Take(ctx, 1, []accrual.Incoming{in}); err != nil || results[0].Status == order.Refused {
		w.t.Fatalf("%+v, %v", results, err)
	}
}
