package link_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/secret"
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ada   = id.New(start)
	bob   = id.New(start.Add(time.Hour))
)

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) error {
	t.Helper()
	return d.Write(context.Background(), db.Interactive, fn)
}

func read(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func tracking(creator id.ID, tag string, market uint16, offset int) link.Tracking {
	return link.Tracking{ID: id.New(start.Add(time.Duration(offset) * time.Minute)), Tag: tag, Creator: creator,
		Program: click.Associates,
		Market:  market, Name: "for " + tag, Created: start}
}

func TestTagsBelongToOneForEver(t *testing.T) {
	d := dbtest.Open(t)
	mine, other := tracking(ada, "kettles-20", 1, 1), tracking(ada, "kettles-21", 2, 2)
	if err := write(t, d, func(tx *db.Tx) error {
		if err := link.Open(tx, mine); err != nil {
			return err
		}
		return link.Open(tx, other)
	}); err != nil {
		t.Fatal(err)
	}
	for _, theirs := range []link.Tracking{tracking(bob, "kettles-20", 1, 3), tracking(ada, "kettles-20", 2, 4)} {
		if err := write(t, d, func(tx *db.Tx) error { return link.Open(tx, theirs) }); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v took a tag that is given: %v", theirs, err)
		}
	}
	if err := write(t, d, func(tx *db.Tx) error { return link.Archive(tx, bob, mine.ID, start) }); !fault.Is(err,
		fault.NotFound) {
		t.Errorf("a stranger archives: %v", err)
	}
	if err := write(t, d, func(tx *db.Tx) error { return link.Archive(tx, ada, mine.ID, start.Add(time.Hour)) }); err != nil {
		t.Fatal(err)
	}
	if err := write(t, d, func(tx *db.Tx) error {
		return link.Open(tx, tracking(bob, "kettles-20", 1,
			5))
	}); !fault.Is(err, fault.Conflict) {
		t.Errorf("an archived tag was given again: %v", err)
	}
	mine.Archived = start.Add(time.Hour)
	read(t, d, func(tx *db.Tx) error {
		byTag, err := link.TrackingByTag(tx, []string{" KETTLES-20_", "nobody-20"})
		if err != nil || len(byTag) != 1 || byTag["kettles-20"] != mine {
			t.Errorf("by tag %v, %v", byTag, err)
		}
		of, err := link.TrackingOf(tx, []id.ID{ada, bob})
		if err != nil || !slices.Equal(of[ada], []link.Tracking{mine, other}) || of[bob] != nil {
			t.Errorf("of creators %v, %v", of, err)
		}
		var all []link.Tracking
		err = link.AllTracking(tx, func(one link.Tracking) error { all = append(all, one); return nil })
		if !slices.Equal(all, []link.Tracking{mine, other}) {
			t.Errorf("all %v", all)
		}
		return err
	})
}

func TestTagForms(t *testing.T) {
	for tag, good := range map[string]bool{
		"abc-20": true, "a-b-c-99": true, strings.Repeat("a", 20) + "-00": true, "2024-20": true,
		"ab-20": false, strings.Repeat("a", 21) + "-20": false, "Abc-20": false, "abc20": false, "abc-2": false,
		"abc-200": false, "-abc-20": false, "abc--20": false,
		"abc_d-20": false, "äbc-20": false, "abc-20\n": false, "": false,
	} {
		if err := link.CheckTag(tag); (err == nil) != good {
			t.Errorf("%q: %v", tag, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		if err := link.CheckTag(link.Stem(name) + "-20"); err != nil {
			t.Fatalf("%q gives the stem %q: %v", name, link.Stem(name), err)
		}
	})
	if !link.SameStem("ada-20", "ada-21") || link.SameStem("ada-20", "eva-20") || link.SameStem("ada-20", "adas-20") {
		t.Error("stems are compared without their numbers")
	}
}

func TestOpenNextTakesTheFirstFreeNumber(t *testing.T) {
	d := dbtest.Open(t)
	var tags []string
	err := write(t, d, func(tx *db.Tx) error {
		tags = nil
		for i := range 101 {
			opened, err := link.OpenNext(tx, tracking(ada, "", 2, i), "ada")
			if err != nil {
				return err
			}
			tags = append(tags, opened.Tag)
		}
		return nil
	})
	if !fault.Is(err, fault.Exhausted) || len(tags) != 100 || tags[0] != "ada-21" || tags[1] != "ada-22" ||
		tags[99] != "ada-20" {
		t.Errorf("%v, %v", tags, err)
	}
}

func TestShortLinks(t *testing.T) {
	d := dbtest.Open(t)
	mine := tracking(ada, "kettles-20", 1, 1)
	var made, chosen link.Link
	if err := write(t, d, func(tx *db.Tx) (err error) {
		if err = link.Open(tx, mine); err != nil {
			return err
		}
		draft := link.Draft{Tracking: mine.ID, Target: "https://store.example/p/KETTLE-1", Title: " My kettle ",
			Channel: "youtube",
			Sub:     [5]string{"a%b+c"}}
		if made, err = link.Make(tx, start, shop, ada, draft); err != nil {
			return err
		}
		draft.Code, draft.Target = " Summer-Sale ", "/s?k=kettle"
		chosen, err = link.Make(tx, start.Add(time.Minute), shop, ada, draft)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if made.Target != "/dp/KETTLE-1?sub1=a%25b%2Bc" || made.Title != "My kettle" || made.Kind != "product" ||
		chosen.Code != "summer-sale" {
		t.Errorf("made %+v, chosen %+v", made, chosen)
	}
	read(t, d, func(tx *db.Tx) error {
		byCode, err := link.ByCode(tx, []string{made.Code, "summer-sale", "none"})
		if err != nil || len(byCode) != 2 || byCode[made.Code] != made || byCode["summer-sale"] != chosen {
			t.Errorf("by code %v, %v", byCode, err)
		}
		page, err := link.Of(tx, ada, 0, 1)
		if err != nil || len(page) != 1 || page[0] != chosen {
			t.Errorf("first page %v, %v", page, err)
		}
		if page, err = link.Of(tx, ada, page[0].ID, 10); err != nil || len(page) != 1 || page[0] != made {
			t.Errorf("second page %v, %v", page, err)
		}
		byID, err := link.ByID(tx, []id.ID{made.ID})
		if err != nil || byID[made.ID] != made {
			t.Errorf("by id %v, %v", byID, err)
		}
		changes, err := event.Changes(tx, 0, 10)
		if err != nil || len(changes) != 3 || changes[1] != (event.Change{Seq: 2, Kind: event.FeedLink, Key: made.Code}) {
			t.Errorf("the feed says %v, %v", changes, err)
		}
		return nil
	})
	for name, refused := range map[string]link.Draft{
		"taken code":       {Tracking: mine.ID, Target: "/dp/X", Code: "SUMMER-sale"},
		"reserved code":    {Tracking: mine.ID, Target: "/dp/X", Code: "operator"},
		"code form":        {Tracking: mine.ID, Target: "/dp/X", Code: "_x_"},
		"foreign target":   {Tracking: mine.ID, Target: "https://evil.example/"},
		"unknown tracking": {Tracking: 77, Target: "/dp/X"},
		"title":            {Tracking: mine.ID, Target: "/dp/X", Title: "a\nb"},
	} {
		err := write(t, d, func(tx *db.Tx) error { _, err := link.Make(tx, start, shop, ada, refused); return err })
		if err == nil || fault.Of(err).Kind == fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := write(t, d, func(tx *db.Tx) error {
		_, err := link.Make(tx, start, shop, bob, link.Draft{Tracking: mine.ID, Target: "/dp/X"})
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger makes links in my name: %v", err)
	}
}

func TestCodes(t *testing.T) {
	form := regexp.MustCompile(`^[1-9A-HJ-NP-Za-km-z]{8}$`)
	seen := map[string]bool{}
	for range 2000 {
		code := link.NewCode()
		if !form.MatchString(code) || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
	}
}

func TestCustomerTouches(t *testing.T) {
	d := dbtest.Open(t)
	sealer := click.NewSealer(secret.FixedRing("touch"))
	token := func(minute int) (click.Token, string) {
		made := click.Token{Click: int64(1000 + minute), Creator: ada, Program: click.Associates, Market: 1,
			At: start.Add(time.Duration(minute) * time.Minute)}
		return made, sealer.Seal(made)
	}
	bind := func(customer string, change func(*click.Token), minute int) error {
		made, sealed := token(minute)
		if change != nil {
			change(&made)
		}
		return write(t, d, func(tx *db.Tx) error { return link.Bind(tx, 1, []byte(customer), made, sealed, start) })
	}
	order := []int{5, 1, 9, 3, 14, 2, 8, 11, 7, 4, 10, 6, 13, 12, 5, 14}
	for _, minute := range order {
		if err := bind("c-1", nil, minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := bind("c-2", nil, 3); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*click.Token){
		"invalid": func(made *click.Token) { made.Flags = click.FlagInvalid },
		"closed":  func(made *click.Token) { made.Flags = click.FlagClosed },
		"nobody":  func(made *click.Token) { made.Creator = 0 },
	} {
		if err := bind("c-2", change, 20); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := bind("c-2", func(made *click.Token) { made.Market = 2 }, 20); !fault.Is(err, fault.Invalid) {
		t.Errorf("another marketplace: %v", err)
	}
	if err := bind("", nil, 20); !fault.Is(err, fault.Invalid) {
		t.Errorf("no customer: %v", err)
	}
	read(t, d, func(tx *db.Tx) error {
		found, err := link.CustomerTouches(tx, 1, [][]byte{[]byte("c-1"), []byte("c-2"), []byte("c-3")})
		if err != nil || len(found) != 2 || len(found["c-2"]) != 1 {
			t.Fatal(found, err)
		}
		var minutes []int64
		for _, sealed := range found["c-1"] {
			opened, err := sealer.Open(sealed)
			if err != nil {
				t.Fatal(err)
			}
			minutes = append(minutes, opened.Click-1000)
		}
		if want := []int64{14, 13, 12, 11, 10, 9, 8, 7, 6, 5}; !slices.Equal(minutes, want) {
			t.Errorf("kept %v, want the newest %v", minutes, want)
		}
		other, err := link.CustomerTouches(tx, 2, [][]byte{[]byte("c-1")})
		if len(other) != 0 {
			t.Errorf("another marketplace sees %v", other)
		}
		return err
	})
}

// Many announce at once: the feed has no gap, and whoever follows it misses nothing.
func TestFeedHasNoGaps(t *testing.T) {
	d := dbtest.Open(t)
	done := make(chan error, 8)
	for worker := range cap(done) {
		go func() {
			done <- func() error {
				for i := range 10 {
					err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
						keys := []string{fmt.Sprint(worker, "/", i), "x"}[:1+i%2]
						return event.Changed(tx, event.FeedLink, keys...)
					})
					if err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	seen := int64(0)
	follow := func() {
		read(t, d, func(tx *db.Tx) error {
			changes, err := event.Changes(tx, seen, 7)
			for _, change := range changes {
				if seen++; change.Seq != seen {
					t.Errorf("after %d comes %d", seen-1, change.Seq)
				}
			}
			return err
		})
	}
	for ended := 0; ended < cap(done); {
		select {
		case err := <-done:
			if ended++; err != nil {
				t.Fatal(err)
			}
		default:
			follow()
		}
	}
	for before := int64(-1); before != seen; {
		before = seen
		follow()
	}
	if seen != 8*15 {
		t.Errorf("%d changes, want 120", seen)
	}
}
