package whatif

import (
	"encoding/json"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/replay"
)

const runColumns = `id, market, author, state, asked, began, ended, lines_done, lines_total, failure, body`

var (
	insertRun = db.Statement(`INSERT INTO whatif_run (id, market, author, state, asked, began, ended, lines_done, lines_total,
		tries, worker, beat, failure, body, result) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, 0, $8, $9, '', $10, '')`)
	countOpen = db.Statement(`SELECT COUNT(*) FROM whatif_run WHERE market = $1 AND (state = 'waiting' OR state = 'running')`)

	selectRun  = db.Statement(`SELECT ` + runColumns + `, result FROM whatif_run WHERE id = $1`)
	selectRuns = db.Statement(`SELECT ` + runColumns + `, '' FROM whatif_run WHERE market = $1 AND id < $2
		ORDER BY id DESC LIMIT $3`)

	// A run is free that waits, or whose process has not been heard of since $1. Whatever a process does with a run asks
	// whether the run is still its own: nobody waits for a lock meanwhile.
	selectFree = db.Statement(`SELECT id, tries FROM whatif_run WHERE (state = 'waiting' OR state = 'running')
		AND (state = 'waiting' OR beat < $1) ORDER BY id LIMIT 1`)
	claimRun = db.Statement(`UPDATE whatif_run SET state = 'running', tries = tries + 1, worker = $2, beat = $3, began = $4,
		lines_done = 0 WHERE id = $1 AND (state = 'waiting' OR state = 'running' AND beat < $5)`)
	beatRun = db.Statement(`UPDATE whatif_run SET lines_done = $3, lines_total = $4, beat = $5
		WHERE id = $1 AND worker = $2 AND state = 'running'`)
	freeRun = db.Statement(`UPDATE whatif_run SET state = 'waiting', tries = tries - 1
		WHERE id = $1 AND worker = $2 AND state = 'running'`)
	endRun = db.Statement(`UPDATE whatif_run SET state = $3, ended = $4, failure = $5, result = $6
		WHERE id = $1 AND worker = $2 AND state = 'running'`)
	cancelRun = db.Statement(`UPDATE whatif_run SET state = 'cancelled', ended = $2
		WHERE id = $1 AND (state = 'waiting' OR state = 'running')`)

	insertRows = db.Bulk("BIGINT TEXT BIGINT TEXT"+strings.Repeat(" BIGINT", 13), `INSERT INTO whatif_row (run, kind, no, key,
		lines, changed, moved, unsaid, unsaid_held, was_commission, was_promotion, was_volume, was_fee,
		would_commission, would_promotion, would_volume, would_fee) VALUES $ROWS`)
	selectRows = db.Statement(`SELECT no, key, lines, changed, moved, unsaid, unsaid_held, was_commission, was_promotion,
		was_volume, was_fee, would_commission, would_promotion, would_volume, would_fee
		FROM whatif_row WHERE run = $1 AND kind = $2 AND no > $3 ORDER BY no LIMIT $4`)
	// Rows are numbered without a gap, so that a part of them is a span.
	deleteRows = db.Statement(`DELETE FROM whatif_row WHERE run = $1 AND kind = $2 AND no > $3 AND no <= $4`)
	selectOld  = db.Statement(`SELECT id FROM whatif_run WHERE asked < $1 AND state <> 'waiting' AND state <> 'running'
		ORDER BY asked, id LIMIT 1`)
	deleteRun = db.Statement(`DELETE FROM whatif_run WHERE id = $1 AND state <> 'waiting' AND state <> 'running'`)
)

// body is what a run's row keeps beside its columns.
type body struct {
	replay.Question
	Name  string `json:"name,omitempty"`
	Draft id.ID  `json:"draft,omitempty"`
}

// save keeps a new run, of a worker where it is claimed already.
func save(tx *db.Tx, run Run, worker id.ID, beat int64) error {
	q := run.Request
	text, err := json.Marshal(body{q.Question, q.Name, q.Draft})
	if err != nil {
		return err
	}
	_, err = tx.Exec(insertRun, int64(run.ID), int64(run.No), int64(q.Author), string(run.State), clock.Micro(run.Asked),
		micro(run.Began), run.Total, int64(worker), beat, string(text))
	return fault.Wrap(err, "saving a what-if")
}

// Find reads a run with its answer; NotFound where there is none.
func Find(tx *db.Tx, run id.ID) (found Run, err error) {
	known := false
	err = tx.Each(selectRun, func(scan func(...any) error) (err error) {
		known = true
		found, err = readRun(scan)
		return err
	}, int64(run))
	if err == nil && !known {
		err = fault.New(fault.NotFound, "what-if", "there is no such what-if", "answers are kept for 90 days")
	}
	return found, fault.Wrap(err, "reading a what-if")
}

// List reads a marketplace's runs without their answers, the newest first, before one (0: from the newest).
func List(tx *db.Tx, market uint16, before id.ID, limit int) (runs []Run, err error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	err = tx.Each(selectRuns, func(scan func(...any) error) error {
		run, err := readRun(scan)
		runs = append(runs, run)
		return err
	}, int64(market), int64(before), int64(min(max(limit, 1), maxPage)))
	return runs, fault.Wrap(err, "reading what-ifs")
}

func readRun(scan func(...any) error) (run Run, err error) {
	var market, author, asked, began, ended int64
	var text, result string
	err = scan(&run.ID, &market, &author, &run.State, &asked, &began, &ended, &run.Done, &run.Total, &run.Failure, &text,
		&result)
	if err != nil {
		return run, err
	}
	var b body
	if err = json.Unmarshal([]byte(text), &b); err != nil {
		return run, err
	}
	run.No, run.Asked, run.Began, run.Ended = uint16(market), instant(asked), instant(began), instant(ended)
	run.Request = Request{Question: b.Question, Name: b.Name, Draft: b.Draft, Author: id.ID(author)}
	if result != "" {
		run.Result = &replay.Difference{}
		err = json.Unmarshal([]byte(result), run.Result)
	}
	return run, err
}

func micro(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return clock.Micro(at)
}

func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return clock.FromMicro(micro)
}

// The kinds of rows. A creator's key is the id as text, a category's its path.
const (
	ByCreator  = "creator"
	ByCategory = "category"
)

// Line is a row of an answer, numbered from 1 in the order of the size of its difference.
type Line struct {
	No int64
	replay.Keyed
}

// Lines reads a page of an answer's rows of a kind after a number.
func Lines(tx *db.Tx, run id.ID, kind string, after int64, limit int) (lines []Line, err error) {
	err = tx.Each(selectRows, func(scan func(...any) error) error {
		var l Line
		was, would := &l.Present, &l.Row.Draft
		err := scan(&l.No, &l.Key, &l.Row.Lines, &l.Changed, &l.Moved, &l.Unsaid, &l.UnsaidHeld, &was.Commission,
			&was.Promotion, &was.Volume, &was.Fee, &would.Commission, &would.Promotion, &would.Volume, &would.Fee)
		lines = append(lines, l)
		return err
	}, int64(run), kind, after, int64(min(max(limit, 1), maxPage)))
	return lines, fault.Wrap(err, "reading rows of a what-if")
}

func values(run id.ID, kind string, no int64, k replay.Keyed) []any {
	was, would := k.Present, k.Draft
	return []any{int64(run), kind, no, k.Key, k.Lines, k.Changed, k.Moved, k.Unsaid, k.UnsaidHeld, was.Commission,
		was.Promotion, was.Volume, was.Fee, would.Commission, would.Promotion, would.Volume, would.Fee}
}
