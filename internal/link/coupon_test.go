package link_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
)

func TestCouponForms(t *testing.T) {
	for text, want := range map[string]string{
		"KETTLE10": "kettle10", " Kettle10_ ": "kettle10", "--a-b_c--": "a-b_c", "abc": "abc", "2026": "2026",
		"ＫＥＴＴＬＥ": "kettle", "ÉTÉ20": "été20", "E\u0301te\u0301": "été", "sommer-größe": "sommer-größe",
		strings.Repeat("ä", 40): strings.Repeat("ä", 40),
		"ab":                    "", "": "", "a b c": "", "a%b": "", "a\nb": "", "___": "", "a/b/c": "",
		strings.Repeat("a", 41): "", "\xff\xfe\xfd": "", "<script>": "", "\u0301abc": "",
	} {
		got, err := link.CheckCoupon(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q, %v; want %q", text, got, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z0-9]([A-Za-z0-9_-]{1,38})[A-Z0-9]`).Draw(t, "text")
		code, err := link.CheckCoupon(text)
		for _, spelled := range []string{strings.ToUpper(text), strings.ToLower(text), " " + text + "_", "-" + text + "\n"} {
			if again, err := link.CheckCoupon(spelled); err != nil || again != code {
				t.Fatalf("%q is %q, and %q is %q: %v", text, code, spelled, again, err)
			}
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func FuzzCheckCoupon(f *testing.F) {
	for _, text := range []string{"KETTLE10", " _x-y_ ", "ＫＥＴＴＬＥ", "\u0130stanbul", "\u1e9e\u1e9e\u1e9e", strings.Repeat("é", 50)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, err := link.CheckCoupon(text)
		if err != nil {
			return
		}
		if again, err := link.CheckCoupon(code); err != nil || again != code || link.CleanCode(text) != code {
			t.Errorf("%q is %q, and that is %q: %v", text, code, again, err)
		}
	})
}

// day is an instant of the coupons' calendar; 0 is unsaid.
func day(number int) time.Time {
	if number == 0 {
		return time.Time{}
	}
	return start.Add(time.Duration(number) * 24 * time.Hour)
}

func coupon(owner link.Tracking, since, until int) link.Coupon {
	return link.Coupon{Market: owner.Market, Code: "Kettle10", Creator: owner.Creator, Program: owner.Program,
		Tracking: owner.ID, Since: day(since), Until: day(until)}
}

// couponWorld has two tags of ada in marketplace 1, one of hers in 2, and one of bob in 1.
func couponWorld(t *testing.T) (d *db.DB, first, second, abroad, theirs link.Tracking) {
	d = dbtest.Open(t)
	first, second = tracking(ada, "kettles-20", 1, 1), tracking(ada, "teapots-20", 1, 2)
	abroad, theirs = tracking(ada, "kettles-21", 2, 3), tracking(bob, "bobs-20", 1, 4)
	second.Program = click.Influencer
	for _, one := range []link.Tracking{first, second, abroad, theirs} {
		if err := write(t, d, func(tx *db.Tx) error { return link.Open(tx, one) }); err != nil {
			t.Fatal(err)
		}
	}
	return d, first, second, abroad, theirs
}

func open(t *testing.T, d *db.DB, c link.Coupon) error {
	t.Helper()
	return write(t, d, func(tx *db.Tx) error { return link.OpenCoupon(tx, c) })
}

func end(t *testing.T, d *db.DB, code string, at int) error {
	t.Helper()
	return write(t, d, func(tx *db.Tx) error { return link.EndCoupon(tx, 1, code, day(at)) })
}

// stands gives the coupon's dates and tag as text.
func stands(t *testing.T, d *db.DB, tags map[id.ID]string) (text string) {
	t.Helper()
	read(t, d, func(tx *db.Tx) error {
		known, err := link.CouponsByCode(tx, 1, []string{"KETTLE10"})
		if c, ok := known["kettle10"]; ok {
			number := func(at time.Time) int {
				if at.IsZero() {
					return 0
				}
				return int(at.Sub(start).Hours()) / 24
			}
			text = fmt.Sprintf("%s %d-%d", tags[c.Tracking], number(c.Since), number(c.Until))
		}
		return err
	})
	return text
}

func TestCouponOpensAndEnds(t *testing.T) {
	d, first, second, _, theirs := couponWorld(t)
	tags := map[id.ID]string{first.ID: "kettles", second.ID: "teapots", theirs.ID: "bobs"}
	opens := func(owner link.Tracking, since, until int) func() error {
		return func() error { return open(t, d, coupon(owner, since, until)) }
	}
	ends := func(at int) func() error { return func() error { return end(t, d, " KETTLE10_", at) } }
	for i, step := range []struct {
		do      func() error
		refused string // part of the text
		want    string
	}{
		{ends(1), "no such coupon", ""},
		{opens(first, 10, 0), "", "kettles 10-0"},
		{opens(first, 10, 0), "", "kettles 10-0"}, // again
		{opens(first, 12, 15), "", "kettles 10-0"},
		{opens(theirs, 10, 0), ada.Text(id.Creator), "kettles 10-0"},
		{opens(second, 12, 0), "another tracking id", "kettles 10-0"},
		{ends(20), "", "kettles 10-20"},
		{ends(25), "", "kettles 10-20"},
		{opens(theirs, 30, 0), ada.Text(id.Creator), "kettles 10-20"}, // for good
		{opens(first, 20, 22), "", "kettles 10-22"},                   // reopened at its end: nothing between
		{opens(first, 8, 9), "before the coupon's present dates", "kettles 10-22"},
		{opens(first, 8, 10), "", "kettles 8-22"},
		{ends(15), "", "kettles 8-15"},
		{opens(second, 14, 0), "another tracking id", "kettles 8-15"},
		{opens(second, 15, 30), "", "teapots 15-30"},
		{opens(second, 40, 0), "", "teapots 40-0"}, // a gap: only the new dates stand
		{ends(35), "", "teapots 40-40"},            // it never began
		{opens(first, 5, 0), "", "kettles 5-0"},
		{opens(first, 0, 0), "", "kettles 0-0"},
	} {
		err := step.do()
		if (err == nil) != (step.refused == "") || err != nil && !strings.Contains(err.Error(), step.refused) {
			t.Fatalf("step %d: %v, want %q", i, err, step.refused)
		}
		if got := stands(t, d, tags); got != step.want {
			t.Fatalf("after step %d: %q, want %q", i, got, step.want)
		}
	}
}

func TestCouponsRefused(t *testing.T) {
	d, first, second, abroad, theirs := couponWorld(t)
	for name, change := range map[string]func(*link.Coupon){
		"code":                       func(c *link.Coupon) { c.Code = "a b" },
		"ends before it begins":      func(c *link.Coupon) { c.Since, c.Until = day(3), day(3) },
		"no such tracking id":        func(c *link.Coupon) { c.Tracking = 77 },
		"another creator's tag":      func(c *link.Coupon) { c.Tracking = theirs.ID },
		"a tag of another program":   func(c *link.Coupon) { c.Tracking = second.ID },
		"a tag of another market":    func(c *link.Coupon) { c.Tracking = abroad.ID },
		"another market of the same": func(c *link.Coupon) { c.Market = 2 },
	} {
		c := coupon(first, 1, 0)
		change(&c)
		var told *fault.Error
		if err := open(t, d, c); !errors.As(err, &told) || told.Field == "" || told.Fix == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := stands(t, d, nil); got != "" {
		t.Errorf("what was refused left %q", got)
	}
}

func TestCouponsAreFound(t *testing.T) {
	d, first, _, abroad, theirs := couponWorld(t)
	mine, away, his := coupon(first, 1, 5), coupon(abroad, 1, 0), coupon(theirs, 2, 0)
	his.Code = "BOB"
	for _, c := range []link.Coupon{mine, away, his} {
		if err := open(t, d, c); err != nil {
			t.Fatal(err)
		}
	}
	mine.Code, away.Code, his.Code = "kettle10", "kettle10", "bob"
	read(t, d, func(tx *db.Tx) error {
		found, err := link.CouponsByCode(tx, 1, []string{" Kettle10_", "BOB", "nobodys", "a b", strings.Repeat("x", 5000)})
		if err != nil || len(found) != 2 || found["kettle10"] != mine || found["bob"] != his {
			t.Errorf("by code %v, %v", found, err)
		}
		if found, err = link.CouponsByCode(tx, 1, []string{"no code at all", ""}); len(found) != 0 || err != nil {
			t.Errorf("%v, %v", found, err)
		}
		of, err := link.CouponsOf(tx, ada)
		if err != nil || !slices.Equal(of, []link.Coupon{mine, away}) {
			t.Errorf("ada's %v, %v", of, err)
		}
		page, err := link.Coupons(tx, 1, "", 1)
		if err != nil || !slices.Equal(page, []link.Coupon{his}) {
			t.Errorf("first page %v, %v", page, err)
		}
		page, err = link.Coupons(tx, 1, page[0].Code, 100)
		if err != nil || !slices.Equal(page, []link.Coupon{mine}) {
			t.Errorf("second page %v, %v", page, err)
		}
		return nil
	})
}

// Whatever is opened and ended: a coupon that stands with an owner's tag at an instant was opened so, and has one owner.
func TestCouponKeepsItsOwner(t *testing.T) {
	d, first, second, _, theirs := couponWorld(t)
	owners := []link.Tracking{first, second, theirs}
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++ // one database for all: every run has a code of its own
		code := fmt.Sprintf("code-%d", runs)
		owner, opened := id.ID(0), []link.Coupon{}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			since := rapid.IntRange(1, 30).Draw(t, "since")
			until := rapid.SampledFrom([]int{0, since + 3}).Draw(t, "until")
			c := coupon(rapid.SampledFrom(owners).Draw(t, "owner"), since, until)
			c.Code = code
			var now link.Coupon
			err := d.Write(t.Context(), db.Interactive, func(tx *db.Tx) error {
				known, err := link.CouponsByCode(tx, 1, []string{code})
				owner = known[code].Creator
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "end") {
				err = d.Write(t.Context(), db.Interactive, func(tx *db.Tx) error {
					return link.EndCoupon(tx, 1, code, c.Since)
				})
			} else {
				err = d.Write(t.Context(), db.Interactive, func(tx *db.Tx) error { return link.OpenCoupon(tx, c) })
				if err == nil {
					opened = append(opened, c)
				}
			}
			if err != nil && fault.Of(err).Kind == fault.Unavailable {
				t.Fatal(err)
			}
			if err := d.Read(t.Context(), func(tx *db.Tx) error {
				known, err := link.CouponsByCode(tx, 1, []string{code})
				now = known[code]
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if owner != 0 && now.Creator != owner {
				t.Fatalf("the owner was %d and is %d", owner, now.Creator)
			}
			for number := range 40 {
				at := day(number + 1)
				if covers(now, at) && !slices.ContainsFunc(opened, func(c link.Coupon) bool {
					return c.Tracking == now.Tracking && covers(c, at)
				}) {
					t.Fatalf("stands on day %d as %+v, which nobody asked for: %+v", number+1, now, opened)
				}
			}
		}
	})
}

// Of many who want a code at the same moment one gets it, and the others are told.
func TestCouponHasOneOwner(t *testing.T) {
	d := dbtest.Open(t)
	const wanting = 6
	fates := make(chan error, wanting)
	owners := make([]link.Tracking, wanting)
	for i := range owners {
		owners[i] = tracking(id.New(start.Add(time.Duration(i)*time.Hour)), fmt.Sprintf("owner-%c-20", 'a'+i), 1, i)
		if err := write(t, d, func(tx *db.Tx) error { return link.Open(tx, owners[i]) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, owner := range owners {
		go func() {
			fates <- d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
				return link.OpenCoupon(tx, coupon(owner, 1, 0))
			})
		}()
	}
	got := 0
	for range owners {
		if err := <-fates; err == nil {
			got++
		} else if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "for good") {
			t.Error(err)
		}
	}
	if got != 1 {
		t.Errorf("%d got the code", got)
	}
}

func covers(c link.Coupon, at time.Time) bool {
	return c.Tracking != 0 && !at.Before(c.Since) && (c.Until.IsZero() || at.Before(c.Until))
}
