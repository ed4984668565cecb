package ledger

import (
	"fmt"

	"tributary/internal/db"
	"tributary/internal/fault"
)

var (
	sumDebits   = db.Statement(`SELECT debit, CAST(SUM(amount) AS BIGINT) FROM transfer GROUP BY debit`)
	sumCredits  = db.Statement(`SELECT credit, CAST(SUM(amount) AS BIGINT) FROM transfer GROUP BY credit`)
	allAccounts = db.Statement(`SELECT path, debits, credits FROM account ORDER BY path`)
	badAmounts  = db.Statement(`SELECT subject, version, component, leg FROM transfer WHERE amount <= 0 OR debit = credit ORDER BY lane, subject, version, component, leg`)
)

// Verify recomputes every balance from the transfers and tells each difference in plain words.
func Verify(tx *db.Tx, differ func(string)) (accounts int, err error) {
	sums := map[string][2]int64{}
	for side, statement := range map[int]*db.Stmt{0: sumDebits, 1: sumCredits} {
		if err := tx.Each(statement, func(scan func(...any) error) error {
			var path string
			var sum int64
			err := scan(&path, &sum)
			pair := sums[path]
			pair[side] = sum
			sums[path] = pair
			return err
		}); err != nil {
			return 0, fault.Wrap(err, "summing transfers")
		}
	}
	err = tx.Each(allAccounts, func(scan func(...any) error) error {
		var path string
		var stored [2]int64
		if err := scan(&path, &stored[0], &stored[1]); err != nil {
			return err
		}
		accounts++
		if stored != sums[path] {
			differ(fmt.Sprintf("account %s holds debits %d, credits %d; its transfers sum to %d, %d", path, stored[0], stored[1], sums[path][0], sums[path][1]))
		}
		if stored[1] < stored[0] && !Negative(Account(path)) {
			differ(fmt.Sprintf("account %s is %d, and may not be below zero", path, stored[1]-stored[0]))
		}
		delete(sums, path)
		return nil
	})
	if err != nil {
		return 0, fault.Wrap(err, "reading accounts")
	}
	for path, sum := range sums {
		differ(fmt.Sprintf("account %s is missing; its transfers sum to debits %d, credits %d", path, sum[0], sum[1]))
	}
	return accounts, tx.Each(badAmounts, func(scan func(...any) error) error {
		var subject, component string
		var version, leg int64
		err := scan(&subject, &version, &component, &leg)
		differ(fmt.Sprintf("transfer %s v%d %s/%d moves nothing", subject, version, component, leg))
		return err
	})
}
