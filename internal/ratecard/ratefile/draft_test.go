package ratefile

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ratecard"
)

func inLane(d *db.DB, at time.Time, fn func(*db.Tx) error) error {
	return d.Lane(context.Background(), db.Interactive, at, []int64{us}, fn)
}

// draft → published → effective.
func TestDraftsLife(t *testing.T) {
	d := used(t)
	text := "# for the holidays\nmarketplace: us\ncurrency: USD\npromotions: [{name: Holidays, from: 2026-12-01, until: 2026-12-31, add: 1}]\n"
	draft := Draft{Market: us, Name: "Holidays", Author: 7, Text: []byte("marketplace: us\nnot yet")}
	do(t, d, func(tx *db.Tx) (err error) { draft, err = SaveDraft(tx, draft, now); return err })
	if err := inLane(d, now, func(tx *db.Tx) error { _, err := PublishDraft(tx, draft.ID, 0); return err }); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unfinished draft: %v", err)
	}
	stale := draft
	draft.Text = []byte(text)
	do(t, d, func(tx *db.Tx) (err error) { draft, err = SaveDraft(tx, draft, now); return err })
	err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { _, err := SaveDraft(tx, stale, now.Add(day)); return err })
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("two who write at once: %v", err)
	}
	check := func(at time.Time, want State) {
		t.Helper()
		do(t, d, func(tx *db.Tx) error {
			got, err := FindDraft(tx, draft.ID)
			if err != nil || got.State(at) != want || string(got.Text) != text || got.Author != 7 || got.Name != "Holidays" {
				t.Errorf("%v: %s of %+v, want %s", err, got.State(at), got, want)
			}
			list, err := Drafts(tx, us)
			if err != nil || len(list) != 1 || list[0].State(at) != want || len(list[0].Text) != 0 {
				t.Errorf("%v %+v", err, list)
			}
			return nil
		})
	}
	check(now, Drafted)
	if err := inLane(d, now, func(tx *db.Tx) error { _, err := PublishDraft(tx, draft.ID, 0); return err }); err != nil {
		t.Fatal(err)
	}
	check(now, Published)
	check(now.Add(20*day), Effective)
	for name, try := range map[string]func(tx *db.Tx) error{
		"published twice": func(tx *db.Tx) error { _, err := PublishDraft(tx, draft.ID, 0); return err },
		"discarded":       func(tx *db.Tx) error { return Discard(tx, draft.ID) },
		"changed":         func(tx *db.Tx) error { _, err := SaveDraft(tx, draft, now); return err },
	} {
		if err := inLane(d, now, try); !fault.Is(err, fault.Conflict) {
			t.Errorf("a published draft is %s: %v", name, err)
		}
	}
	do(t, d, func(tx *db.Tx) error {
		got, err := FindDraft(tx, draft.ID)
		if len(got.Outcome) != 1 || got.Outcome[0].Name != "Holidays" || !got.Outcome[0].From.Equal(got.Effective) {
			t.Errorf("%+v", got.Outcome)
		}
		return err
	})
}

func TestDraftsAreKeptApart(t *testing.T) {
	d := used(t)
	do(t, d, func(tx *db.Tx) error {
		for name, bad := range map[string]Draft{
			"without name": {Market: us}, "with a long name": {Market: us, Name: strings.Repeat("x", 101)}, "with a bad name": {Market: us, Name: "a\nb"},
			"of bytes": {Market: us, Name: "x", Text: []byte("\xff")}, "with a null": {Market: us, Name: "x", Text: []byte("a\x00")},
		} {
			if _, err := SaveDraft(tx, bad, now); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := SaveDraft(tx, Draft{Market: us, Name: "x", Text: make([]byte, MaxFile+1)}, now); !fault.Is(err, fault.Exhausted) {
			t.Errorf("without end: %v", err)
		}
		if err := Discard(tx, 5); !fault.Is(err, fault.NotFound) {
			t.Errorf("discarded: %v", err)
		}
		kept, err := SaveDraft(tx, Draft{Market: 2, Name: "x", Text: []byte("marketplace: us\ncurrency: USD\n")}, now)
		if err != nil {
			return err
		}
		if list, err := Drafts(tx, us); err != nil || len(list) != 0 {
			t.Errorf("%v %+v", err, list)
		}
		return Discard(tx, kept.ID)
	})
}

// A what-if asks the book as if the draft were in force since ever; what the draft leaves keeps its history.
func TestWhatIfBook(t *testing.T) {
	d := used(t)
	if _, err := publishAt(d, "{marketplace: us, currency: USD, promotions: [{name: Autumn, from: 2026-11-22, until: 2026-12-31, add: 1}]}", now.Add(-14*time.Hour)); err != nil {
		t.Fatal(err)
	}
	var base *ratecard.Book
	do(t, d, func(tx *db.Tx) (err error) { base, err = ratecard.LoadBook(tx, us); return err })
	long := now.AddDate(-2, 0, 0)
	ask := func(b *ratecard.Book, who id.ID, category string, at time.Time) (int64, string) {
		p := b.Quote(ratecard.Ask{Kind: ratecard.Offsite, Creator: who, Category: category, Rated: at, Ordered: at}).Price()
		if p.Offer != nil {
			return p.Final, p.Offer.Name
		}
		return p.Final, ""
	}
	for _, c := range []struct {
		name, text string
		dated      bool
		who        id.ID
		category   string
		at         time.Time
		want       int64
		offer      string
	}{
		{"a lower card since ever, without notice", "offsite: {default: 2}", false, bob, "Home", long, 200, ""},
		{"a card in the past", "offsite: {effective: 2026-06-01, default: 2}", false, bob, "Home", long, 200, ""},
		{"a card in the past, dated", "offsite: {effective: 2026-06-01, default: 2}", true, bob, "Home", now, 400, "Autumn"},
		{"a card to come", "offsite: {effective: 2027-06-01, default: 2}", false, bob, "Home", long, 200, ""},
		{"a card to come, dated", "offsite: {effective: 2027-06-01, default: 2}", true, bob, "Home", now.AddDate(1, 0, 0), 200, ""},
		{"a card to come, dated, before", "offsite: {effective: 2027-06-01, default: 2}", true, bob, "Home", now.AddDate(0, 2, 0), 300, ""},
		{"what is left keeps its history", "onsite: {default: 2}", false, bob, "Home", long, 0, ""},
		{"what is left keeps its dates", "onsite: {default: 2}", false, bob, "Home", now, 400, "Autumn"},
		{"a promotion since ever", "promotions: [{name: Autumn, from: 2026-11-22, until: 2026-12-31, add: 1}, {name: B, from: 2027-01-01, until: 2027-01-02, set: 9}]", false,
			bob, "Home", now.AddDate(0, -3, 0), 900, "B"},
		{"a running promotion is gone", "promotions: []", false, bob, "Home", now, 300, ""},
		{"a contract since ever", "contracts: [{creator: ada, rate: 2, from: 2027-01-01}]", false, ada, "Home", long, 200, ""},
		{"a contract is gone", "contracts: []", false, ada, "Home", now, 400, "Autumn"},
		{"a contract ends sooner", "contracts: [{creator: ada, rate: 12, from: 2026-06-01, until: 2026-12-31}]", false, ada, "Home", now, 400, "Autumn"},
	} {
		f, err := Parse([]byte("marketplace: us\ncurrency: USD\n"+c.text+"\n"), theUS)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Contracts {
			f.Contracts[i].Creator = ada
		}
		b, err := f.Book(base, now, c.dated)
		if err != nil {
			t.Fatal(err)
		}
		if got, offer := ask(b, c.who, c.category, c.at); got != c.want || offer != c.offer {
			t.Errorf("%s: %d by %q, want %d by %q", c.name, got, offer, c.want, c.offer)
		}
	}
	f, err := Parse([]byte("{marketplace: us, currency: USD, volume: {from: 2027-05, bands: [{above: 10, extra: 1}]}}"), theUS)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Book(base, now, false)
	if v := b.VolumeOf("2020-01"); err != nil || v == nil || v.Extra(2_000) != 10 {
		t.Errorf("%v %+v", err, v)
	}
	var again *ratecard.Book
	do(t, d, func(tx *db.Tx) (err error) { again, err = ratecard.LoadBook(tx, us); return err })
	if diff := cmp.Diff(base.Contracts, again.Contracts); diff != "" {
		t.Errorf("the base was changed: %s", diff)
	}
	f, err = Parse([]byte("{marketplace: us, currency: USD, offsite: {default: 2, coming: [{effective: 2026-11-01, default: 3}]}}"), theUS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Book(base, now, false); !fault.Is(err, fault.Invalid) {
		t.Errorf("a file that contradicts itself: %v", err)
	}
}
