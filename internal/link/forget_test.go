package link_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
)

// Erased: tags and the creator's words go, nobody else gets the tags, and short links lead where they led.
func TestForgottenLinks(t *testing.T) {
	d := dbtest.Open(t)
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	m := market.Market{No: 1, ID: "us", Home: "http://store.example", ProductURL: "http://store.example/product/{sku}", Hosts: []string{"store.example"}}
	write := func(fn func(*db.Tx) error) {
		t.Helper()
		if err := d.Write(context.Background(), db.Interactive, fn); err != nil {
			t.Fatal(err)
		}
	}
	tracking := link.Tracking{ID: 5, Tag: "canary-20", Creator: 11, Program: click.Associates, Market: 1, Name: "canary blog", Created: now}
	other := link.Tracking{ID: 6, Tag: "other-20", Creator: 22, Program: click.Associates, Market: 1, Name: "hers", Created: now}
	var made, kept link.Link
	write(func(tx *db.Tx) (err error) {
		for _, one := range []link.Tracking{tracking, other} {
			if err := link.Open(tx, one); err != nil {
				return err
			}
		}
		draft := link.Draft{Tracking: 5, Target: "/dp/KETTLE-1", Title: "canary title", Channel: "canary channel", Sub: [5]string{"canary-sub"}}
		if made, err = link.Make(tx, now, m, 11, draft); err != nil {
			return err
		}
		draft.Tracking = 6
		kept, err = link.Make(tx, now, m, 22, draft)
		return err
	})
	for range 2 {
		write(func(tx *db.Tx) error { return link.ForgetTags(tx, 11, now.UnixMicro()) })
		for before, pages := id.ID(0), 0; ; pages++ {
			write(func(tx *db.Tx) (err error) { before, err = link.ForgetLinks(tx, 11, before); return err })
			if before == 0 {
				if pages != 1 {
					t.Errorf("%d pages", pages)
				}
				break
			}
		}
	}
	write(func(tx *db.Tx) error {
		of, err := link.TrackingOf(tx, []id.ID{11, 22})
		if err != nil {
			return err
		}
		if gone := of[11][0]; strings.Contains(gone.Tag+gone.Name, "canary") || gone.Archived.IsZero() || link.CheckTag(gone.Tag) == nil {
			t.Errorf("what is left: %+v", gone)
		}
		if of[22][0] != other {
			t.Errorf("somebody else's: %+v", of[22][0])
		}
		links, err := link.ByCode(tx, []string{made.Code, kept.Code})
		if err != nil {
			return err
		}
		if got := links[made.Code]; got.Target != "/dp/KETTLE-1" || got.Title+got.Channel != "" {
			t.Errorf("the link: %+v", got)
		}
		if got := links[kept.Code]; got != kept {
			t.Errorf("somebody else's link: %+v", got)
		}
		again := tracking
		again.ID, again.Creator = 7, 33
		if err := link.Open(tx, again); !fault.Is(err, fault.Conflict) {
			t.Errorf("the tag is given to somebody else: %v", err)
		}
		next, err := link.OpenNext(tx, again, "canary")
		if next.Tag == "canary-20" || err != nil {
			t.Errorf("the tag is given to somebody else: %+v, %v", next, err)
		}
		return err
	})
}
