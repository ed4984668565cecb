package click

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Unlogged clicks (docs/spec.md §3.4): the log could not take them, so they enter when their token is first presented.
// They are numbered like all others, under an edge and epoch of their own that no log may have.
const (
	presentedEdge  = 0
	presentedEpoch = 1
	presentedBatch = 500
)

var (
	present = db.Bulk("BIGINT BIGINT BYTEA",
		`INSERT INTO click_presented (id, number, record) VALUES $ROWS ON CONFLICT (id) DO NOTHING`)

	anyPresented = db.Statement(`SELECT id FROM click_presented WHERE number = 0 ORDER BY id NULLS LAST LIMIT 1`)

	waitingPresented = db.Statement(
		`SELECT record FROM click_presented WHERE number = 0 ORDER BY id NULLS LAST LIMIT $1`)

	numberPresented = db.Statement(`UPDATE click_presented SET number = $2 WHERE id = $1`)

	// Changes nothing and locks the row, so that two nodes number presented clicks one after the other.
	holdWatermark = db.Statement(
		`UPDATE click_watermark SET sequence = sequence WHERE edge = $1 AND epoch = $2 RETURNING sequence`)
)

// Present keeps those of the tokens that say *unlogged*, each id once whoever presents it how often. It is meant for
// the transaction that takes the order in; counting happens later, in Admit, and keeps nobody waiting.
func Present(tx *db.Tx, tokens []Token) error {
	var rows [][]any
	for _, t := range tokens {
		if t.Flags.Has(FlagUnlogged) {
			c := Click{Token: t}
			if t.Flags.Has(FlagPaid) {
				c.Verdict = VerdictPaidAd
			}
			rows = append(rows, []any{t.Click, int64(0), c.AppendRecord(nil)})
		}
	}
	// Sorted and once each: two transactions must not wait for each other in a circle.
	slices.SortFunc(rows, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	rows = slices.CompactFunc(rows, func(a, b []any) bool { return a[0] == b[0] })
	_, err := tx.Bulk(present, rows)
	return fault.Wrap(err, "keep unlogged clicks")
}

// Admit counts presented clicks that wait, one batch of them, and gives their number. A click whose record is in the
// database after all (the process died between refusing it and cutting it off the log) is not counted again.
func Admit(ctx context.Context, d *db.DB, zone func(market uint16) *time.Location,
	shipped func(market uint16, creators []id.ID)) (int, error) {
	var waiting bool
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		var first int64
		waiting, err = tx.One(anyPresented, []any{&first})
		return err
	})
	if err != nil || !waiting {
		return 0, fault.Wrap(err, "look for unlogged clicks")
	}
	var b batch
	err = d.Write(ctx, db.Ship, func(tx *db.Tx) error {
		b = batch{} // the body may run twice
		return b.admit(tx, zone)
	})
	if err != nil {
		return 0, fault.Wrap(err, "admit unlogged clicks")
	}
	if shipped != nil {
		b.announce(shipped)
	}
	return len(b.rows), nil
}

func (b *batch) admit(tx *db.Tx, zone func(uint16) *time.Location) error {
	if _, err := tx.Exec(beginWatermark, int64(presentedEdge), int64(presentedEpoch)); err != nil {
		return err
	}
	var sequence int64
	if _, err := tx.One(holdWatermark, []any{&sequence}, int64(presentedEdge), int64(presentedEpoch)); err != nil {
		return err
	}
	b.reset(Number{presentedEdge, presentedEpoch, uint64(sequence)})
	var records [][]byte
	err := tx.Each(waitingPresented, func(scan func(...any) error) error {
		var record []byte
		err := scan(&record)
		records = append(records, record)
		return err
	}, int64(presentedBatch))
	if err != nil {
		return err
	}
	for _, record := range records {
		row := shipRow{number: b.upto}
		row.number.Sequence++
		if err := row.click.readFixed(record); err != nil {
			return err
		}
		number := int64(row.number.Sequence)
		_, _, logged, err := Find(tx, row.click.Token)
		if err != nil {
			return err
		}
		if logged {
			number = -1
		} else {
			b.add(row, record, zone)
		}
		if _, err := tx.Exec(numberPresented, row.click.Click, number); err != nil {
			return err
		}
	}
	if len(b.rows) == 0 {
		return nil
	}
	return b.write(tx)
}
