package site_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
	"tributary/internal/site"
)

const (
	ada = id.ID(101)
	bob = id.ID(102)
)

var begin = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

type world struct {
	*testing.T
	db   *db.DB
	ring *secret.Ring
}

func newWorld(t *testing.T) *world {
	return &world{t, dbtest.Open(t), secret.FixedRing("sites")}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) write(do func(*db.Tx) error) error {
	return w.db.Write(context.Background(), db.Interactive, do)
}

func (w *world) read(do func(*db.Tx) error) {
	w.Helper()
	w.must(w.db.Read(context.Background(), do))
}

func (w *world) add(creator id.ID, address string, kind site.Kind) (s site.Site, err error) {
	err = w.write(func(tx *db.Tx) error { s, err = site.Add(tx, w.ring, creator, address, kind, begin); return err })
	return s, err
}

func (w *world) prove(one id.ID, method site.Method, at time.Time) error {
	return w.write(func(tx *db.Tx) error { return site.SaveProof(tx, one, method, at) })
}

func (w *world) one(one id.ID) (s site.Site) {
	w.Helper()
	w.read(func(tx *db.Tx) (err error) { s, err = site.One(tx, one); return err })
	return s
}

func (w *world) of(creator id.ID) (all []site.Site) {
	w.Helper()
	w.read(func(tx *db.Tx) (err error) { all, err = site.Of(tx, creator); return err })
	return all
}

var (
	countSites = db.Statement(`SELECT (SELECT COUNT(*) FROM site) + (SELECT COUNT(*) FROM site_owner) + (SELECT COUNT(*) FROM site_report)`)
	ownerRows  = db.Statement(`SELECT COUNT(*) FROM site_owner WHERE key = 'ada.example'`)
)

// refused wants a fault of that kind at that field, and that it left nothing.
func (w *world) refused(name string, err error, kind fault.Kind, field string, rows int64) {
	w.Helper()
	if !fault.Is(err, kind) || fault.Of(err).Field != field {
		w.Errorf("%s: %v, want %s at %q", name, err, kind, field)
	}
	if now := w.rows(); now != rows {
		w.Errorf("%s: %d rows, and before %d", name, now, rows)
	}
}

func (w *world) rows() (count int64) {
	w.Helper()
	w.read(func(tx *db.Tx) error { _, err := tx.One(countSites, []any{&count}); return err })
	return count
}

func TestSiteIsNamedProvedAndRemoved(t *testing.T) {
	w := newWorld(t)
	s, err := w.add(ada, "Ada.Example/", site.Web)
	w.must(err)
	if s.Address != "https://ada.example" || s.State != site.Pending || len(s.Token) != 26 || !s.Added.Equal(begin) || s.Report != nil {
		t.Errorf("added %+v", s)
	}
	if got := w.one(s.ID); got != s {
		t.Errorf("read %+v, added %+v", got, s)
	}
	again, err := w.add(ada, "http://www.ada.example", site.Web)
	if err != nil || again != s {
		t.Errorf("again: %+v %v", again, err)
	}
	w.must(w.prove(s.ID, site.DNS, begin.Add(time.Hour)))
	w.must(w.prove(s.ID, site.File, begin.Add(2*time.Hour))) // again, otherwise
	got := w.one(s.ID)
	if got.State != site.Proved || got.Method != site.File || !got.Proved.Equal(begin.Add(2*time.Hour)) {
		t.Errorf("proved %+v", got)
	}
	w.must(w.write(func(tx *db.Tx) error { return site.Remove(tx, ada, s.ID, begin.Add(3*time.Hour)) }))
	if all := w.of(ada); len(all) != 0 {
		t.Errorf("still on the list: %+v", all)
	}
	if got := w.one(s.ID); !got.Removed.Equal(begin.Add(3*time.Hour)) || got.State != site.Proved {
		t.Errorf("its history: %+v", got)
	}
	rows := w.rows()
	w.refused("removed twice", w.write(func(tx *db.Tx) error { return site.Remove(tx, ada, s.ID, begin) }), fault.NotFound, "site", rows)
	w.refused("proved after removal", w.prove(s.ID, site.File, begin), fault.NotFound, "site", rows)
	// Named again, it is another row with the same token, and nobody's until it is proved.
	anew, err := w.add(ada, "https://ada.example", site.Web)
	w.must(err)
	if anew.ID == s.ID || anew.Token != s.Token || anew.State != site.Pending {
		t.Errorf("anew %+v", anew)
	}
	var past []site.Site
	w.read(func(tx *db.Tx) (err error) { past, err = site.Past(tx, ada); return err })
	if len(past) != 2 {
		t.Errorf("past: %+v", past)
	}
}

func TestBadSitesLeaveNothing(t *testing.T) {
	w := newWorld(t)
	s, err := w.add(ada, "https://ada.example", site.Web)
	w.must(err)
	for name, c := range map[string]struct {
		address string
		kind    site.Kind
		want    fault.Kind
		field   string
	}{
		"number":             {"http://127.0.0.1/", site.Web, fault.Invalid, "address"},
		"kind":               {"https://other.example", "shop", fault.Invalid, "kind"},
		"no kind":            {"https://other.example", "", fault.Invalid, "kind"},
		"channel as web":     {"https://www.tiktok.com/@ada", site.Web, fault.Invalid, "kind"},
		"another kind there": {"https://ada.example", site.Podcast, fault.Conflict, "kind"},
	} {
		_, err := w.add(ada, c.address, c.kind)
		w.refused(name, err, c.want, c.field, 1)
	}
	w.refused("another's", w.write(func(tx *db.Tx) error { return site.Remove(tx, bob, s.ID, begin) }), fault.NotFound, "site", 1)
	w.refused("nobody's", w.prove(77, site.File, begin), fault.NotFound, "site", 1)
	w.refused("no method", w.prove(s.ID, "telegraph", begin), fault.Invalid, "method", 1)
	w.refused("no site to report", w.write(func(tx *db.Tx) error { return site.SaveReport(tx, 77, site.Report{At: begin}) }), fault.NotFound, "site", 1)
	for i := 1; i < site.MaxSites; i++ {
		if _, err := w.add(ada, fmt.Sprintf("https://s%d.example/x", i), site.Web); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.add(ada, "https://one-more.example", site.Web)
	w.refused("one more", err, fault.Exhausted, "address", site.MaxSites)
	if _, err := w.add(ada, "https://ada.example", site.Web); err != nil {
		t.Errorf("what is there already, in a full list: %v", err)
	}
	if _, err := w.add(bob, "https://one-more.example", site.Web); err != nil {
		t.Errorf("another's list: %v", err)
	}
}

// What one creator proved is nobody else's, until it is removed or rejected.
func TestOneOwner(t *testing.T) {
	w := newWorld(t)
	first, err := w.add(ada, "https://ada.example", site.Web)
	w.must(err)
	second, err := w.add(bob, "http://www.ada.example", site.Web)
	w.must(err)
	if first.Token == second.Token {
		t.Error("two creators share a token")
	}
	w.must(w.prove(first.ID, site.File, begin))
	rows := w.rows()
	err = w.prove(second.ID, site.DNS, begin)
	w.refused("proved twice", err, fault.Conflict, "address", rows)
	if strings.Contains(err.Error(), first.Creator.Text(id.Creator)) || strings.Contains(err.Error(), first.Address) {
		t.Errorf("tells of the other: %v", err)
	}
	if got := w.one(second.ID); got.State != site.Pending || got.Method != "" {
		t.Errorf("left %+v", got)
	}
	_, err = w.add(id.ID(103), "https://ada.example", site.Web)
	w.refused("named by a third", err, fault.Conflict, "address", rows)
	if _, err := w.add(id.ID(103), "https://ada.example/~cleo", site.Web); err != nil {
		t.Errorf("a place on the same host: %v", err)
	}
	w.must(w.write(func(tx *db.Tx) error { return site.Remove(tx, ada, first.ID, begin) }))
	w.must(w.prove(second.ID, site.DNS, begin))
	w.must(w.write(func(tx *db.Tx) error { return site.Reject(tx, second.ID) }))
	if got := w.one(second.ID); got.State != site.Rejected {
		t.Errorf("rejected %+v", got)
	}
	if err := w.prove(second.ID, site.DNS, begin); !fault.Is(err, fault.Conflict) {
		t.Errorf("proved after rejection: %v", err)
	}
	if _, err := w.add(ada, "https://ada.example", site.Web); err != nil {
		t.Errorf("named again after all: %v", err)
	}
}

// Of many who prove the same site at once, one does.
func TestOwnersRace(t *testing.T) {
	w := newWorld(t)
	const people = 8
	var sites [people]site.Site
	for i := range sites {
		s, err := w.add(id.ID(200+i), "https://ada.example", site.Web)
		w.must(err)
		sites[i] = s
	}
	var errs [people]error
	var all sync.WaitGroup
	for i := range sites {
		all.Go(func() { errs[i] = w.prove(sites[i].ID, site.File, begin) })
	}
	all.Wait()
	won := 0
	for i, err := range errs {
		switch got := w.one(sites[i].ID); {
		case err == nil && got.State == site.Proved:
			won++
		case !fault.Is(err, fault.Conflict) || got.State != site.Pending:
			t.Errorf("%d: %v %s", i, err, got.State)
		}
	}
	var owners int64
	w.read(func(tx *db.Tx) error { _, err := tx.One(ownerRows, []any{&owners}); return err })
	if won != 1 || owners != 1 {
		t.Errorf("%d won, %d rows", won, owners)
	}
	// And of the same added many times at once, there is one.
	for i := range errs {
		all.Go(func() { sites[i], errs[i] = w.add(bob, "https://bob.example", site.Web) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil || sites[i].ID != sites[0].ID {
			t.Errorf("%d: %v, %d and %d", i, err, sites[i].ID, sites[0].ID)
		}
	}
}

func TestOwnersOfAHost(t *testing.T) {
	w := newWorld(t)
	for _, one := range []struct {
		creator id.ID
		address string
	}{
		{ada, "https://ada.example"}, {bob, "https://www.ada.example"}, {bob, "https://shared.example/~bob"}, {ada, "https://shared.example/~ada"},
		{105, "https://shared.example/~ada/blog"}, {106, "https://adas.example"},
	} {
		_, err := w.add(one.creator, one.address, site.Web)
		w.must(err)
	}
	for address, want := range map[string]string{
		"http://ada.example": "101 102", "https://ada.example/deep/page": "101 102", "https://shared.example/~ada": "101 105",
		"https://shared.example/~bob/": "102", "https://shared.example": "101 102 105", "https://nobody.example": "",
		"https://shared.example/~a": "",
	} {
		var found []site.Site
		w.read(func(tx *db.Tx) (err error) { found, err = site.Owners(tx, address); return err })
		var got []string
		for _, s := range found {
			got = append(got, fmt.Sprint(s.Creator))
		}
		slices.Sort(got) // ids of one instant are in no order
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", address, got, want)
		}
	}
	w.read(func(tx *db.Tx) error {
		if _, err := site.Owners(tx, "127.0.0.1"); !fault.Is(err, fault.Invalid) {
			t.Errorf("no address: %v", err)
		}
		return nil
	})
}

func TestReportsAreKept(t *testing.T) {
	w := newWorld(t)
	s, err := w.add(ada, "https://ada.example", site.Web)
	w.must(err)
	save := func(r site.Report) {
		t.Helper()
		w.must(w.write(func(tx *db.Tx) error { return site.SaveReport(tx, s.ID, r) }))
	}
	for day := range 7 {
		save(site.Report{At: begin.AddDate(0, 0, day), Items: day, Sources: []string{"feed"}})
	}
	save(site.Report{At: begin.AddDate(0, 0, 3), Items: 33}) // late, and again
	got := w.one(s.ID)
	if got.Report == nil || got.Report.Items != 6 || !got.Report.At.Equal(begin.AddDate(0, 0, 6)) {
		t.Errorf("newest: %+v", got.Report)
	}
	var kept []site.Report
	w.read(func(tx *db.Tx) (err error) { kept, err = site.Reports(tx, s.ID); return err })
	var items []int
	for _, r := range kept {
		items = append(items, r.Items)
	}
	if fmt.Sprint(items) != "[6 5 4 33 2]" {
		t.Errorf("kept %v", items)
	}
	// Whatever a site says, a report is small and can be shown.
	long := strings.Repeat("long \u202e\x00 ", 10_000)
	huge := site.Report{At: begin.AddDate(0, 0, 9), Disclosure: &site.Passage{Address: long, Text: long}}
	for range 1000 {
		huge.Listed = append(huge.Listed, site.Item{Title: long, Address: long})
		huge.Problems = append(huge.Problems, site.Problem{Code: "status", Address: long, Words: long})
	}
	save(huge)
	got = w.one(s.ID)
	if len(got.Report.Listed) != 30 || len(got.Report.Problems) != 20 {
		t.Errorf("%d items and %d problems", len(got.Report.Listed), len(got.Report.Problems))
	}
	for _, text := range []string{got.Report.Disclosure.Text, got.Report.Listed[0].Title, got.Report.Problems[0].Words} {
		if len([]rune(text)) > 300 || strings.ContainsAny(text, "\x00\u202e\n") {
			t.Errorf("kept %q", text)
		}
	}
}

// Of a creator who was erased, no row tells an address.
func TestForget(t *testing.T) {
	w := newWorld(t)
	s, err := w.add(ada, "https://ada.example", site.Web)
	w.must(err)
	other, err := w.add(bob, "https://bob.example", site.Web)
	w.must(err)
	w.must(w.prove(s.ID, site.File, begin))
	report := site.Report{At: begin, Items: 3, Listed: []site.Item{{Address: "https://ada.example/1"}}}
	for _, one := range []site.Site{s, other} {
		w.must(w.write(func(tx *db.Tx) error { return site.SaveReport(tx, one.ID, report) }))
	}
	for range 2 {
		w.must(w.write(func(tx *db.Tx) error { return site.Forget(tx, ada, begin.Add(time.Hour)) }))
	}
	w.must(w.write(func(tx *db.Tx) error { return site.SaveReport(tx, s.ID, report) })) // a look that ends late
	got := w.one(s.ID)
	if got.Address+got.Token != "" || got.Report != nil || !got.Removed.Equal(begin.Add(time.Hour)) {
		t.Errorf("left %+v", got)
	}
	w.read(func(tx *db.Tx) error {
		kept, err := site.Reports(tx, s.ID)
		if len(kept) != 0 {
			t.Errorf("kept %+v", kept)
		}
		return err
	})
	if got := w.one(other.ID); got.Address != other.Address || got.Report == nil || len(w.of(bob)) != 1 {
		t.Errorf("another's: %+v", got)
	}
	if again, err := w.add(bob, "https://ada.example", site.Web); err != nil || w.prove(again.ID, site.File, begin) != nil {
		t.Errorf("the address is not free: %v", err)
	}
}
