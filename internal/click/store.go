package click

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var (
	insertClicks = db.Bulk("BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BYTEA",
		`INSERT INTO click (edge, epoch, sequence, id, at, creator, record) VALUES $ROWS`)

	addHours = db.Bulk("BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO click_hour (market, creator, tracking, hour, gross, counted) VALUES $ROWS
		 ON CONFLICT (market, creator, tracking, hour) DO UPDATE
		 SET gross = click_hour.gross + excluded.gross, counted = click_hour.counted + excluded.counted`)

	addDays = db.Bulk("BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO click_day (creator, market, day, kind, gross, counted) VALUES $ROWS
		 ON CONFLICT (creator, market, day, kind) DO UPDATE
		 SET gross = click_day.gross + excluded.gross, counted = click_day.counted + excluded.counted`)

	addMarketDays = db.Bulk("BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO click_market_day (market, day, verdict, gross, counted) VALUES $ROWS
		 ON CONFLICT (market, day, verdict) DO UPDATE
		 SET gross = click_market_day.gross + excluded.gross, counted = click_market_day.counted + excluded.counted`)

	beginWatermark = db.Statement(
		`INSERT INTO click_watermark (edge, epoch, sequence) VALUES ($1, $2, 0) ON CONFLICT (edge, epoch) DO NOTHING`)

	// The condition is what makes shipping idempotent: whoever ships the same clicks a second time changes no row.
	moveWatermark = db.Statement(
		`UPDATE click_watermark SET sequence = $4 WHERE edge = $1 AND epoch = $2 AND sequence = $3`)

	newestWatermark = db.Statement(
		`SELECT epoch, sequence FROM click_watermark WHERE edge = $1 ORDER BY epoch DESC NULLS LAST LIMIT 1`)
)

// write puts the batch into the database and moves the watermark over it; first the watermark, whose row keeps two
// shippers of one log apart.
func (b *batch) write(tx *db.Tx) error {
	edge, epoch := int64(b.upto.Edge), int64(b.upto.Epoch)
	before := int64(0)
	if b.from.Epoch == b.upto.Epoch {
		before = int64(b.from.Sequence)
	}
	if before == 0 {
		if _, err := tx.Exec(beginWatermark, edge, epoch); err != nil {
			return err
		}
	}
	moved, err := tx.Exec(moveWatermark, edge, epoch, before, int64(b.upto.Sequence))
	if err != nil {
		return err
	}
	if moved != 1 {
		return fault.New(fault.Conflict, "", "these clicks were shipped meanwhile", "the shipper goes on from the watermark")
	}
	rows := b.table(7, len(b.rows))
	for i := range b.rows {
		r := &b.rows[i]
		set(rows[i], edge, epoch, int64(r.number.Sequence), r.click.Click, clock.Micro(r.click.At), int64(r.click.Creator),
			b.records[r.start:r.end])
	}
	if _, err := tx.Bulk(insertClicks, rows); err != nil {
		return err
	}
	return b.writeTallies(tx)
}

func (b *batch) writeTallies(tx *db.Tx) error {
	err := writeSums(tx, b, addHours, 6, b.tallies.hours, hourKey.compare, func(row []any, k hourKey, sum tally) {
		set(row, int64(k.market), int64(k.creator), int64(k.tracking), k.hour, sum.gross, sum.counted)
	})
	if err != nil {
		return err
	}
	err = writeSums(tx, b, addDays, 6, b.tallies.days, dayKey.compare, func(row []any, k dayKey, sum tally) {
		set(row, int64(k.creator), int64(k.market), k.day, int64(k.kind), sum.gross, sum.counted)
	})
	if err != nil {
		return err
	}
	return writeSums(tx, b, addMarketDays, 5, b.tallies.marketDays, marketDayKey.compare,
		func(row []any, k marketDayKey, sum tally) {
			set(row, int64(k.market), k.day, int64(k.verdict), sum.gross, sum.counted)
		})
}

// writeSums adds one rollup. Its keys are sorted, so that shippers of several edges never wait for each other in a
// circle.
func writeSums[K comparable](tx *db.Tx, b *batch, add *db.BulkStmt, width int, sums map[K]tally, order func(a, b K) int,
	row func(row []any, key K, sum tally)) error {
	rows := b.table(width, len(sums))
	for i, key := range slices.SortedFunc(maps.Keys(sums), order) {
		row(rows[i], key, sums[key])
	}
	_, err := tx.Bulk(add, rows)
	return err
}

// table gives rows of that width on one piece of memory, which is used again by every table of the batch.
func (b *batch) table(width, count int) [][]any {
	if cap(b.flat) < width*count {
		b.flat = make([]any, width*count)
	}
	b.args = b.args[:0]
	for i := range count {
		b.args = append(b.args, b.flat[:cap(b.flat)][i*width:(i+1)*width])
	}
	return b.args
}

func set(row []any, values ...any) { copy(row, values) }

// Watermark is the number of the newest click of an edge that is in the database, zero where none is. Its epoch is
// what OpenLog wants as AfterEpoch.
func Watermark(ctx context.Context, d *db.DB, edge uint16) (Number, error) {
	var epoch, sequence int64
	err := d.Read(ctx, func(tx *db.Tx) error {
		found, err := tx.One(newestWatermark, []any{&epoch, &sequence}, int64(edge))
		if !found {
			epoch, sequence = 0, 0
		}
		return err
	})
	if err != nil || epoch == 0 {
		return Number{}, fault.Wrap(err, "read the clicks' watermark")
	}
	return Number{edge, uint32(epoch), uint64(sequence)}, nil
}

var (
	creatorClicks = db.Statement(
		`SELECT edge, epoch, sequence, record FROM click WHERE creator = $1 AND at < $2
		 ORDER BY at DESC, id DESC NULLS LAST LIMIT $3`)

	tokenClick = db.Statement(
		`SELECT edge, epoch, sequence, record FROM click WHERE creator = $1 AND at = $2 AND id = $3
		 ORDER BY edge, epoch, sequence NULLS LAST LIMIT 1`)
)

// Recent gives a creator's newest clicks before an instant, newest first.
func Recent(tx *db.Tx, creator id.ID, before time.Time, limit int) ([]Click, error) {
	var found []Click
	err := tx.Each(creatorClicks, func(scan func(...any) error) error {
		_, c, err := scanClick(scan)
		found = append(found, c)
		return err
	}, int64(creator), clock.Micro(before), int64(limit))
	return found, fault.Wrap(err, "read a creator's clicks")
}

// Find gives the click that a token came from; ok is false where it is not shipped, or was never logged.
func Find(tx *db.Tx, t Token) (number Number, c Click, ok bool, err error) {
	err = tx.Each(tokenClick, func(scan func(...any) error) error {
		ok = true
		number, c, err = scanClick(scan)
		return err
	}, int64(t.Creator), clock.Micro(t.At), t.Click)
	return number, c, ok, fault.Wrap(err, "find a click")
}

func scanClick(scan func(...any) error) (Number, Click, error) {
	var edge, epoch, sequence int64
	var record []byte
	var c Click
	if err := scan(&edge, &epoch, &sequence, &record); err != nil {
		return Number{}, c, err
	}
	number := Number{uint16(edge), uint32(epoch), uint64(sequence)}
	if err := c.ReadRecord(record); err != nil {
		return number, c, fmt.Errorf("click %s: %w", number, err)
	}
	return number, c, nil
}

// Count is a number of clicks. Filtered is Gross less Counted.
type Count struct{ Gross, Counted int64 }

// Filtered is what did not count, for whichever rule.
func (c Count) Filtered() int64 { return c.Gross - c.Counted }

var (
	creatorDays = db.Statement(
		`SELECT day, kind, 0, gross, counted FROM click_day
		 WHERE creator = $1 AND market = $2 AND day >= $3 AND day <= $4 ORDER BY creator, market, day, kind NULLS LAST`)

	creatorTracking = db.Statement(
		`SELECT tracking, CAST(SUM(gross) AS BIGINT), CAST(SUM(counted) AS BIGINT) FROM click_hour
		 WHERE market = $1 AND creator = $2 AND hour >= $3 AND hour < $4 GROUP BY tracking ORDER BY tracking NULLS LAST`)

	marketDays = db.Statement(
		`SELECT day, 0, verdict, gross, counted FROM click_market_day
		 WHERE market = $1 AND day >= $2 AND day <= $3 ORDER BY market, day, verdict NULLS LAST`)
)

// DayCount is one local day, for one kind of link or one verdict; the other is zero.
type DayCount struct {
	Day     int64 // as Day gives it
	Kind    LinkKind
	Verdict Verdict
	Count
}

// CreatorDays gives a creator's days in a marketplace from first to last, both included, each kind of link apart.
func CreatorDays(tx *db.Tx, creator id.ID, market uint16, first, last int64) ([]DayCount, error) {
	return days(tx, creatorDays, int64(creator), int64(market), first, last)
}

// MarketDays gives a marketplace's days from first to last, both included: what was filtered stands under its rule.
func MarketDays(tx *db.Tx, market uint16, first, last int64) ([]DayCount, error) {
	return days(tx, marketDays, int64(market), first, last)
}

func days(tx *db.Tx, statement *db.Stmt, args ...any) (found []DayCount, err error) {
	err = tx.Each(statement, func(scan func(...any) error) error {
		var one DayCount
		err := scan(&one.Day, &one.Kind, &one.Verdict, &one.Gross, &one.Counted)
		found = append(found, one)
		return err
	}, args...)
	return found, fault.Wrap(err, "read clicks by day")
}

// TrackingCounts gives a creator's clicks by tracking id, for whole hours from one instant up to before another.
func TrackingCounts(tx *db.Tx, creator id.ID, market uint16, from, before time.Time) (map[id.ID]Count, error) {
	found := map[id.ID]Count{}
	err := tx.Each(creatorTracking, func(scan func(...any) error) error {
		var tracking int64
		var sum Count
		err := scan(&tracking, &sum.Gross, &sum.Counted)
		found[id.ID(tracking)] = sum
		return err
	}, int64(market), int64(creator), floorDiv(clock.Micro(from), hourMicros), floorDiv(clock.Micro(before), hourMicros))
	return found, fault.Wrap(err, "read clicks by tracking id")
}
