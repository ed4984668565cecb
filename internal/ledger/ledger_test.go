package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/ledger"
)

var (
	newLane = db.Statement(`INSERT INTO lane (id, turn, now) VALUES ($1, 0, 0)`)
	spoil   = db.Statement(`UPDATE account SET credits = credits + 1 WHERE path = $1`)
)

var now = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

func open(t testing.TB) *db.DB {
	d := dbtest.Open(t)
	if err := d.Write(context.Background(), db.Money, func(tx *db.Tx) error { _, err := tx.Exec(newLane, int64(1)); return err }); err != nil {
		t.Fatal(err)
	}
	return d
}

func post(d *db.DB, transfers ...ledger.Transfer) error {
	return d.Lane(context.Background(), db.Money, now, []int64{1}, func(tx *db.Tx) error { return ledger.Post(tx, 1, 0, transfers) })
}

// Whatever is posted: balances are the sums of transfers, they sum to zero, and nothing that may not be is below zero.
func TestBalancesAreSums(t *testing.T) {
	d := open(t)
	accounts := []ledger.Account{"operator/us/commission", "creator/cr_1/us/pending", "creator/cr_1/us/earned/2026-11",
		"creator/cr_1/us/payable", "creator/cr_2/us/pending", "seller/s-1/us", "campaign/c1/budget"}
	want := map[ledger.Account]int64{}
	version := int64(0)
	rapid.Check(t, func(r *rapid.T) {
		version++
		var batch []ledger.Transfer
		after := map[ledger.Account]int64{}
		for account, balance := range want {
			after[account] = balance
		}
		for leg := range rapid.IntRange(1, 12).Draw(r, "legs") {
			from := rapid.IntRange(0, len(accounts)-1).Draw(r, "from")
			to := (from + rapid.IntRange(1, len(accounts)-1).Draw(r, "step")) % len(accounts)
			amount := rapid.Int64Range(1, 5000).Draw(r, "amount")
			batch = append(batch, ledger.Transfer{Subject: fmt.Sprintf("line/%d", version), Version: version, Component: "commission",
				Leg: leg, Debit: accounts[from], Credit: accounts[to], Amount: amount, At: now})
			after[accounts[from]] -= amount
			after[accounts[to]] += amount
		}
		allowed := true
		for account, balance := range after {
			// An account that is only raised is not asked again: it was not below zero before.
			allowed = allowed && (balance >= 0 || ledger.Negative(account))
		}
		if err := post(d, batch...); (err == nil) != allowed {
			r.Fatalf("allowed %v, but %v", allowed, err)
		}
		if allowed {
			want = after
		}
	})
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		got, err := ledger.Balances(tx, accounts)
		sum := int64(0)
		for _, account := range accounts {
			sum += got[account]
			if got[account] != want[account] {
				t.Errorf("%s is %d, want %d", account, got[account], want[account])
			}
		}
		if sum != 0 {
			t.Errorf("all accounts together are %d, want 0", sum)
		}
		if _, verr := ledger.Verify(tx, func(text string) { t.Error(text) }); verr != nil {
			t.Error(verr)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTheSameDecisionPostsOnce(t *testing.T) {
	d := open(t)
	one := ledger.Transfer{Subject: "line/1001/1", Version: 1, Component: "commission", Debit: "operator/us/commission", Credit: "creator/cr_1/us/pending", Amount: 90, At: now}
	if err := post(d, one); err != nil {
		t.Fatal(err)
	}
	if err := post(d, one); err == nil {
		t.Error("a second posting of the same leg went through")
	}
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		entries, err := ledger.Under(tx, "creator/cr_1/us/")
		if len(entries) != 1 || entries[0].Balance != 90 {
			t.Errorf("entries %v", entries)
		}
		legs, _ := ledger.Of(tx, 1, "line/1001/1")
		if len(legs) != 1 || !legs[0].At.Equal(now) || legs[0].Amount != 90 {
			t.Errorf("legs %v", legs)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsNoTransfer(t *testing.T) {
	d := open(t)
	good := ledger.Transfer{Subject: "s", Version: 1, Component: "c", Debit: "operator/us/a", Credit: "operator/us/b", Amount: 1, At: now}
	for name, spoil := range map[string]func(*ledger.Transfer){
		"zero": func(t *ledger.Transfer) { t.Amount = 0 }, "negative": func(t *ledger.Transfer) { t.Amount = -5 },
		"itself": func(t *ledger.Transfer) { t.Credit = t.Debit }, "nowhere": func(t *ledger.Transfer) { t.Credit = "" },
		"too much": func(t *ledger.Transfer) { t.Amount = 2_000_000_000_000_000 },
	} {
		bad := good
		spoil(&bad)
		if err := post(d, bad); err == nil {
			t.Errorf("%s was posted", name)
		}
	}
}

func TestVerifyFindsASpoiledBalance(t *testing.T) {
	d := open(t)
	if err := post(d, ledger.Transfer{Subject: "s", Version: 1, Component: "c", Debit: "operator/us/a", Credit: "creator/cr_1/us/pending", Amount: 7, At: now}); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(context.Background(), db.Money, func(tx *db.Tx) error { _, err := tx.Exec(spoil, "creator/cr_1/us/pending"); return err }); err != nil {
		t.Fatal(err)
	}
	found := 0
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		_, err := ledger.Verify(tx, func(string) { found++ })
		return err
	}); err != nil || found != 1 {
		t.Errorf("%d differences, %v", found, err)
	}
}
