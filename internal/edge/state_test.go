package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/product"
)

func mustAddr(text string) netip.Addr { return netip.MustParseAddr(text) }

// The table holds what was put in, and nothing else.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.MapOfN(rapid.StringN(0, 40, 200), rapid.String(), 0, 200).Draw(t, "entries")
		var b builder
		for key, value := range entries {
			b.add([]byte(key), []byte(value))
		}
		made, err := b.finish()
		if err != nil || made.count != len(entries) {
			t.Fatalf("%d entries, %v", made.count, err)
		}
		for key, value := range entries {
			if found, ok := made.find([]byte(key)); !ok || string(found) != value {
				t.Fatalf("%q gives %q, want %q", key, found, value)
			}
			other := key + "x"
			if _, there := entries[other]; !there {
				if _, ok := made.find([]byte(other)); ok {
					t.Fatalf("%q was never put in", other)
				}
			}
		}
		count := 0
		made.each(func(key, value []byte) {
			if count++; entries[string(key)] != string(value) {
				t.Fatalf("each gives %q for %q", value, key)
			}
		})
		if count != len(entries) {
			t.Fatalf("each gives %d of %d", count, len(entries))
		}
	})
	var b builder
	b.add(make([]byte, 256), nil)
	if _, err := b.finish(); !errors.Is(err, errTooMuch) {
		t.Errorf("a key of 256 bytes: %v", err)
	}
}

// Entries are read as they were written, and rubbish is no entry.
func TestEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := link.Link{ID: id.ID(rapid.Int64().Draw(t, "id")), Tracking: 5, Creator: 6, Program: click.Connections, Market: 65535,
			Channel: rapid.StringN(0, 20, 60).Draw(t, "channel"), Target: rapid.String().Draw(t, "target")}
		want := short{owner{5, 6, click.Connections, 65535}, l.ID, l.Channel, l.Target}
		if got, ok := readShort(appendShort(nil, l)); !ok || got != want {
			t.Fatalf("%+v is read as %+v", want, got)
		}
		p := product.Product{GTIN: rapid.StringMatching(`[0-9]{0,14}`).Draw(t, "gtin"), Title: rapid.String().Draw(t,
			"title"), Brand: "b"}
		if got, ok := readGoods(appendGoods(nil, p)); !ok || got != (goods{p.GTIN, likeness(p), p.Title}) {
			t.Fatalf("%+v is read as %+v", p, got)
		}
		raw := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "raw")
		readShort(raw)
		readGoods(raw)
		readOwner(raw)
		activeAt(raw, start)
		readPreference(raw)
		reach(raw, 1, click.Associates, 7)
	})
}

// knowledge is everything a state knows, in a form that can be compared.
func knowledge(s *State) map[string]string {
	all := map[string]string{}
	v := s.view.Load()
	v.base.each(func(key, value []byte) { all[string(key)] = string(value) })
	for _, over := range []map[string]string{v.frozen, s.overlay} {
		for key, value := range over {
			if all[key] = value; value == "" {
				delete(all, key)
			}
		}
	}
	return all
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: %q is %q, want %q", what, key, got[key], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d entries, want %d", what, len(got), len(want))
	}
}

// Following the feed, merging, and reading everything anew give the same knowledge.
func TestFollowingKnowsTheSame(t *testing.T) {
	w := newWorld(t)
	followed := w.state
	for i := range 30 {
		handle := fmt.Sprint("new-", i)
		w.account(handle)
		w.tracking(handle, handle+"-20", 1, click.Associates, enrolment.Active)
		if i%3 == 0 {
			w.standing(handle, 1, click.Associates, enrolment.Closed, start.Add(-1))
		}
		w.short(handle+"-20", 1, link.Draft{Target: "/dp/KETTLE-1"})
		if i%10 == 0 {
			w.know()
		}
		if i == 20 {
			followed.mu.Lock()
			followed.grown.Store(mergeAt) // as if there were as many
			followed.mu.Unlock()
			w.know()
			followed.merging.Wait()
		}
	}
	w.write(func(tx *db.Tx) error {
		if err := link.Archive(tx, w.ids["ada"], w.ids["ada-21"], start); err != nil {
			return err
		}
		return creator.SetRouting(tx, w.ids["offy"], market.Close)
	})
	w.know()
	fresh, err := OpenState(context.Background(), w.db, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "followed", knowledge(followed), knowledge(fresh))
	if followed.Seq() != fresh.Seq() || fresh.Seq() == 0 {
		t.Errorf("followed up to %d, fresh %d", followed.Seq(), fresh.Seq())
	}
	for range 100 { // reads while everything is being merged see all of it
		followed.mu.Lock()
		followed.grown.Store(mergeAt)
		followed.mu.Unlock()
		followed.following.Lock()
		followed.merge()
		followed.following.Unlock()
		if _, ok := followed.tag("new-7-20"); !ok {
			t.Fatal("a tag was not seen during a merge")
		}
	}
	followed.merging.Wait()
	same(t, "merged", knowledge(followed), knowledge(fresh))
}

// A link works as soon as its maker is told so.
func TestKnow(t *testing.T) {
	w := newWorld(t)
	if answer := w.ask("GET", "/brand-new", american); answer.Code != 404 {
		t.Fatalf("answered %d", answer.Code)
	}
	w.short("ada-20", 1, link.Draft{Target: "/dp/KETTLE-1", Code: "brand-new"})
	w.know()
	if to, _ := w.follow(w.ask("GET", "/brand-new", american)); to != "https://us.example/p/KETTLE-1" {
		t.Errorf("leads to %s", to)
	}
}

// Marketplaces and products that change are seen.
func TestMarketplacesAndCatalogFollow(t *testing.T) {
	w := newWorld(t)
	w.write(func(tx *db.Tx) error {
		w.markets[0].ProductURL = "https://us.example/item/{sku}"
		if err := market.Save(tx, w.markets[0]); err != nil {
			return err
		}
		return product.Save(tx, 2, click.ProductPlace, []product.Product{{SKU: "SPOON-UK", Title: "Wooden Spoon",
			Brand: "Oak", Category: "Home"}})
	})
	w.announceCatalog("2")
	w.know()
	if to, _ := w.follow(w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american)); to != "https://us.example/item/KETTLE-1" {
		t.Errorf("the new template is not used: %s", to)
	}
	if to, _ := w.follow(w.ask("GET", "/dp/SPOON-US?tag=ada-20", british)); to != "https://uk.example/p/SPOON-UK" {
		t.Errorf("the new product is not found: %s", to)
	}
}

// An edge that was away for longer than the feed reaches back reads everything.
func TestGapInTheFeed(t *testing.T) {
	w := newWorld(t)
	w.account("late")
	w.tracking("late", "late-20", 1, click.Associates, enrolment.Active)
	w.write(func(tx *db.Tx) error { _, err := tx.Exec(dropChanges, w.state.Seq()+1); return err })
	w.know()
	if _, ok := w.state.tag("late-20"); !ok {
		t.Error("what the feed no longer told was not read")
	}
	mustHave(t, w.db, func(tx *db.Tx) error {
		last, err := event.Last(tx)
		if last != w.state.Seq() {
			t.Errorf("followed to %d of %d", w.state.Seq(), last)
		}
		return err
	})
}

var dropChanges = db.Statement(`DELETE FROM edge_change WHERE seq <= $1`)

// While the database is away the edge serves what it knows, and says how old that is.
func TestDatabaseAway(t *testing.T) {
	w := newWorld(t)
	if _, err := w.state.Age(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.state.Know(ctx); err == nil {
		t.Fatal("the database was reached")
	}
	if _, err := w.state.Age(); err == nil {
		t.Error("nobody is told")
	}
	if to, token := w.follow(w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american)); to != "https://us.example/p/KETTLE-1" ||
		token == nil {
		t.Errorf("leads to %s, %v", to, token)
	}
	w.know()
	if _, err := w.state.Age(); err != nil {
		t.Errorf("still says %v", err)
	}
}

// The kept base answers after a start without the database; with it, it is brought up to date.
func TestKeptBase(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "edge.base")
	w.open(file)
	before := knowledge(w.state)
	away, cancel := context.WithCancel(context.Background())
	cancel()
	alone, err := OpenState(away, w.db, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "kept", knowledge(alone), before)
	if alone.Seq() != w.state.Seq() || !alone.markets.Load().same(w.state.markets.Load().all) {
		t.Error("another state was kept")
	}
	if _, ageErr := alone.Age(); ageErr == nil {
		t.Error("nobody is told that the database is away")
	}
	w.short("ada-20", 1, link.Draft{Target: "/", Code: "later"})
	w.open(file)
	if _, ok := w.state.short("later"); !ok {
		t.Error("what changed since was not followed")
	}
	if _, err := OpenState(away, w.db, "", nil); err == nil {
		t.Error("without base and database there is nothing to serve")
	}
}

// A base that was kept from another database is not taken for this one's, however far this one's feed has come.
func TestKeptBaseOfAnotherDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edge.base")
	first := newWorld(t)
	first.account("old")
	first.tracking("old", "old-20", 1, click.Associates, enrolment.Active)
	first.open(file)
	second := newWorld(t)
	for i := range 5 {
		second.account(fmt.Sprint("new-", i))
		second.tracking(fmt.Sprint("new-", i), fmt.Sprintf("new-%d-20", i), 1, click.Associates, enrolment.Active)
	}
	second.open(file)
	if _, ok := second.state.tag("old-20"); ok {
		t.Error("another database's tag is known")
	}
	if _, ok := second.state.tag("new-0-20"); !ok {
		t.Error("the database's own tag is not known")
	}
}

// A kept base with a flipped bit, or cut anywhere, is not used.
func TestDamagedBase(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "edge.base")
	w.open(file)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, damaged []byte) {
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := readBase(file); !errors.Is(err, errFile) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for at := 0; at < len(raw); at += 1 + at/200 {
		damaged := bytes.Clone(raw)
		damaged[at] ^= 1 << (at % 8)
		check(fmt.Sprint("bit at ", at), damaged)
	}
	for length := 0; length < len(raw); length += 1 + length/50 {
		check(fmt.Sprint("cut to ", length), raw[:length])
	}
	check("longer", append(bytes.Clone(raw), 0))
	w.open(file) // a damaged base is read anew from the database
	if _, ok := w.state.tag("ada-20"); !ok {
		t.Error("a damaged base was not replaced")
	}
	if _, _, err := readBase(file); err != nil {
		t.Errorf("the base was not kept anew: %v", err)
	}
}

func FuzzReadBase(f *testing.F) {
	var b builder
	b.add([]byte("key"), []byte("value"))
	made, err := b.finish()
	if err != nil {
		f.Fatal(err)
	}
	file := filepath.Join(f.TempDir(), "base")
	if err := writeBase(file, made, keptFacts{7, "origin", marketplaces()}); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if read, _, err := decodeBase(bytes.NewReader(raw), int64(len(raw))); err == nil {
			read.find([]byte("key"))
		}
	})
}

func TestRefererHost(t *testing.T) {
	for referer, want := range map[string]string{
		"https://Blog.Example/a?b#c": "blog.example", "http://[::1]:80/": "[::1]:80",
		"https://user:pass@x.example/": "x.example", "": "", "about:blank": "",
		"https://": "", "https://a b/": "", "https://x.example\r\nEvil": "", "https://" + strings.Repeat("a", 300): "",
		"android-app://com.example/": "com.example",
	} {
		if got := refererHost(referer); got != want {
			t.Errorf("%q gives %q, want %q", referer, got, want)
		}
	}
}
