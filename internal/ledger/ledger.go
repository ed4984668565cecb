// Package ledger keeps the double entry: transfers from one debit account to one credit account, each of one positive
// amount, and the balances that are their sums (docs/spec.md §10).
//
// What must always hold: nothing is ever changed or deleted; an account's balance equals its credits less its debits
// over all transfers; only accounts that Negative names may be below zero when a transaction ends.
//
// It knows no creator, no order and no rule: accounts are paths, and package accrual is the only poster for lines. It
// runs in the caller's transaction, which holds the lane.
package ledger

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/money"
)

// Account is a path such as `creator/cr_…/us/pending`. The paths and what they hold stand in docs/spec.md §10.
type Account string

// Transfer moves Amount (minor units of the lane's currency, above zero) from Debit to Credit. (Subject, Version,
// Component, Leg) is its natural key within the lane: the same decision posts once.
type Transfer struct {
	Subject   string
	Version   int64
	Component string
	Leg       int
	Debit     Account
	Credit    Account
	Amount    int64
	At        time.Time // effective time
}

// Negative tells whether an account may be below zero: earned and payable of creators, sellers, the operator's own.
func Negative(account Account) bool {
	path := string(account)
	return strings.HasPrefix(path, "operator/") || strings.HasPrefix(path, "seller/") ||
		strings.HasSuffix(path, "/payable") || strings.Contains(path, "/earned/")
}

var (
	insertTransfers = db.Bulk("BIGINT TEXT BIGINT TEXT BIGINT BIGINT BIGINT TEXT TEXT BIGINT BIGINT",
		`INSERT INTO transfer (lane, subject, version, component, leg, turn, idx, debit, credit, amount, at) VALUES $ROWS`)
	upsertAccounts = db.Bulk("TEXT BIGINT BIGINT", `INSERT INTO account (path, debits, credits) VALUES $ROWS
		ON CONFLICT (path) DO UPDATE SET debits = account.debits + excluded.debits, credits = account.credits + excluded.credits`)
	selectBelow    = db.In(`SELECT path, credits - debits FROM account WHERE credits < debits AND path IN ($LIST)`)
	selectBalances = db.In(`SELECT path, credits - debits FROM account WHERE path IN ($LIST)`)
	selectUnder    = db.Statement(`SELECT path, credits - debits FROM account WHERE path >= $1 AND path < $2 ORDER BY path`)
	selectLegs     = db.Statement(`SELECT subject, version, component, leg, debit, credit, amount, at FROM transfer
		WHERE lane = $1 AND subject = $2 ORDER BY version, component, leg`)
)

// Post writes transfers and brings the balances along: one update per account, in the order of their paths, last in
// the transaction. First is the index of the first transfer within the lane's turn.
func Post(tx *db.Tx, lane int64, first int, transfers []Transfer) error {
	if len(transfers) == 0 {
		return nil
	}
	rows := make([][]any, len(transfers))
	moved := make(map[Account][2]int64, 2*len(transfers))
	for i, t := range transfers {
		if t.Amount <= 0 || t.Amount > money.Limit || t.Debit == t.Credit || t.Debit == "" || t.Credit == "" {
			return fmt.Errorf("ledger: %s v%d %s/%d is no transfer: %d from %q to %q", t.Subject, t.Version, t.Component, t.Leg, t.Amount, t.Debit, t.Credit)
		}
		rows[i] = []any{lane, t.Subject, t.Version, t.Component, int64(t.Leg), tx.Turn(lane), int64(first + i),
			string(t.Debit), string(t.Credit), t.Amount, clock.Micro(t.At)}
		debit, credit := moved[t.Debit], moved[t.Credit]
		debit[0] += t.Amount
		moved[t.Debit] = debit
		credit = moved[t.Credit]
		credit[1] += t.Amount
		moved[t.Credit] = credit
	}
	if _, err := tx.Bulk(insertTransfers, rows); err != nil {
		return fault.Wrap(err, "posting transfers")
	}
	return settle(tx, moved)
}

// settle updates the balances and refuses the transaction where one that may not be is below zero.
func settle(tx *db.Tx, moved map[Account][2]int64) error {
	paths := make([]string, 0, len(moved))
	for account := range moved {
		paths = append(paths, string(account))
	}
	sort.Strings(paths)
	rows := make([][]any, len(paths))
	var lowered []any
	for i, path := range paths {
		m := moved[Account(path)]
		rows[i] = []any{path, m[0], m[1]}
		if m[0] > m[1] && !Negative(Account(path)) {
			lowered = append(lowered, path)
		}
	}
	if _, err := tx.Bulk(upsertAccounts, rows); err != nil {
		return fault.Wrap(err, "bringing balances along")
	}
	return tx.In(selectBelow, lowered, func(scan func(...any) error) error {
		var path string
		var balance int64
		if err := scan(&path, &balance); err != nil {
			return err
		}
		return fmt.Errorf("ledger: %s would be %d, and may not be below zero", path, balance)
	})
}

// Balances gives the balances of the accounts that exist; the others are zero and left out.
func Balances(tx *db.Tx, accounts []Account) (map[Account]int64, error) {
	keys := make([]any, len(accounts))
	for i, account := range accounts {
		keys[i] = string(account)
	}
	found := make(map[Account]int64, len(accounts))
	err := tx.In(selectBalances, keys, func(scan func(...any) error) error {
		var path string
		var balance int64
		err := scan(&path, &balance)
		found[Account(path)] = balance
		return err
	})
	return found, fault.Wrap(err, "reading balances")
}

// Entry is an account with its balance.
type Entry struct {
	Account Account
	Balance int64
}

// Under gives all accounts whose path begins with prefix, which ends in a slash, by path.
func Under(tx *db.Tx, prefix string) ([]Entry, error) {
	if !strings.HasSuffix(prefix, "/") {
		panic("ledger: prefix " + prefix + " does not end in a slash")
	}
	var entries []Entry
	end := prefix[:len(prefix)-1] + "0" // the character after the slash
	err := tx.Each(selectUnder, func(scan func(...any) error) error {
		var path string
		var balance int64
		err := scan(&path, &balance)
		entries = append(entries, Entry{Account(path), balance})
		return err
	}, prefix, end)
	return entries, fault.Wrap(err, "reading accounts under "+prefix)
}

// Of gives the transfers of a subject, oldest version first.
func Of(tx *db.Tx, lane int64, subject string) ([]Transfer, error) {
	var transfers []Transfer
	err := tx.Each(selectLegs, func(scan func(...any) error) error {
		var t Transfer
		var debit, credit string
		var leg, at int64
		err := scan(&t.Subject, &t.Version, &t.Component, &leg, &debit, &credit, &t.Amount, &at)
		t.Leg, t.Debit, t.Credit, t.At = int(leg), Account(debit), Account(credit), clock.FromMicro(at)
		transfers = append(transfers, t)
		return err
	}, lane, subject)
	return transfers, fault.Wrap(err, "reading transfers of "+subject)
}
