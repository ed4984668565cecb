package click

import (
	"errors"
	"fmt"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var (
	allClicks = db.Statement(`SELECT edge, epoch, sequence, record FROM click ORDER BY edge, epoch, sequence NULLS LAST`)

	allWatermarks = db.Statement(`SELECT edge, epoch, sequence FROM click_watermark ORDER BY edge, epoch NULLS LAST`)

	// Each rollup's sums by marketplace and creator; of the marketplace's days there is no creator.
	rollupSums = db.Statement(`
		SELECT 'click_hour', market, creator, CAST(SUM(gross) AS BIGINT), CAST(SUM(counted) AS BIGINT)
		FROM click_hour GROUP BY market, creator
		UNION ALL SELECT 'click_day', market, creator, CAST(SUM(gross) AS BIGINT), CAST(SUM(counted) AS BIGINT)
		FROM click_day GROUP BY market, creator
		UNION ALL SELECT 'click_market_day', market, 0, CAST(SUM(gross) AS BIGINT), CAST(SUM(counted) AS BIGINT)
		FROM click_market_day GROUP BY market`)
)

// rollupKey says whose sum it is.
type rollupKey struct {
	rollup  string
	market  uint16
	creator id.ID
}

// VerifyRows reads every shipped click again and tells each difference in plain words: numbers that are missing or
// beyond the watermark, records that do not read, rollups that are not the sum of their clicks.
func VerifyRows(tx *db.Tx, differ func(string)) (clicks int64, err error) {
	newest := map[Number]uint64{} // by edge and epoch
	sums := map[rollupKey]tally{}
	err = tx.Each(allClicks, func(scan func(...any) error) error {
		number, c, err := scanClick(scan)
		if errors.Is(err, ErrRecord) {
			differ(err.Error())
		} else if err != nil {
			return err
		}
		life := Number{Edge: number.Edge, Epoch: number.Epoch}
		if number.Sequence != newest[life]+1 {
			differ(fmt.Sprintf("click %s follows sequence %d: those between are missing", number, newest[life]))
		}
		newest[life] = number.Sequence
		clicks++
		bump(sums, rollupKey{"click_hour", c.Market, c.Creator}, c.tally())
		bump(sums, rollupKey{"click_day", c.Market, c.Creator}, c.tally())
		bump(sums, rollupKey{"click_market_day", c.Market, 0}, c.tally())
		return nil
	})
	if err != nil {
		return clicks, fault.Wrap(err, "read every click")
	}
	err = tx.Each(allWatermarks, func(scan func(...any) error) error {
		var edge, epoch, sequence int64
		err := scan(&edge, &epoch, &sequence)
		life := Number{Edge: uint16(edge), Epoch: uint32(epoch)}
		if newest[life] != uint64(sequence) {
			differ(fmt.Sprintf("edge %d, epoch %d: shipped up to %d, and its clicks end with %d", edge, epoch, sequence, newest[life]))
		}
		return err
	})
	if err != nil {
		return clicks, fault.Wrap(err, "read the clicks' watermarks")
	}
	err = tx.Each(rollupSums, func(scan func(...any) error) error {
		var key rollupKey
		var market, creator int64
		var sum tally
		err := scan(&key.rollup, &market, &creator, &sum.gross, &sum.counted)
		key.market, key.creator = uint16(market), id.ID(creator)
		bump(sums, key, tally{-sum.gross, -sum.counted})
		return err
	})
	for key, sum := range sums {
		if err == nil && sum != (tally{}) {
			differ(fmt.Sprintf("%s of marketplace %d, creator %d lacks %d clicks, %d of them counted",
				key.rollup, key.market, key.creator, sum.gross, sum.counted))
		}
	}
	return clicks, fault.Wrap(err, "add up the clicks' rollups")
}
