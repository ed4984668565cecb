package intake

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/order"
)

// cursor is how far an import is: it is kept after every group, under the name that file, mapping and marketplace make.
// Events that were booked after it was kept are sent again and answered as duplicates.
type cursor struct {
	Rows    int64   `json:"rows"`
	Done    bool    `json:"done,omitempty"`
	Replay  bool    `json:"replay,omitempty"`
	Latest  int64   `json:"latest"` // rows beyond this instant (microseconds) are not taken: fixed when the import began
	Answers Answers `json:"answers"`
	// Ran are the due jobs that a replay ran on the way, as text.
	Ran []string `json:"ran,omitempty"`
}

// Answers counts what became of the events.
type Answers struct {
	Accepted  int64            `json:"accepted"`
	Duplicate int64            `json:"duplicate"` // known already, with the same content
	Waiting   int64            `json:"waiting"`
	Refused   map[string]int64 `json:"refused,omitempty"` // by reason
	First     []string         `json:"first,omitempty"`   // the first events that were refused or wait
}

// firstRefused is how many events a report names: enough to find the cause.
const firstRefused = 10

func (a *Answers) add(r accrual.Result) {
	switch r.Status {
	case order.Accepted:
		a.Accepted++
		return
	case order.Duplicate:
		a.Duplicate++
		return
	case order.Waiting:
		a.Waiting++
	default:
		if a.Refused == nil {
			a.Refused = map[string]int64{}
		}
		a.Refused[r.Reason]++
	}
	if len(a.First) < firstRefused {
		a.First = append(a.First, r.ID+": "+string(r.Status)+" "+r.Reason)
	}
}

var (
	selectCursor = db.Statement(`SELECT value FROM setting WHERE name = $1`)
	upsertCursor = db.Statement(`INSERT INTO setting (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`)
	selectLanes = db.Statement(`SELECT turn, now FROM lane ORDER BY id`)
)

func (i *Import) readCursor(ctx context.Context) (known bool, err error) {
	var text string
	err = i.DB.Read(ctx, func(tx *db.Tx) (err error) {
		known, err = tx.One(selectCursor, []any{&text}, i.name)
		return err
	})
	if err != nil || !known {
		return false, fault.Wrap(err, "reading how far the import is")
	}
	return true, fault.Wrap(json.Unmarshal([]byte(text), &i.at), "reading how far the import is")
}

func (i *Import) keep(ctx context.Context) error {
	text, err := json.Marshal(i.at)
	if err != nil {
		return err
	}
	return fault.Wrap(i.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		if _, err := tx.Exec(upsertCursor, i.name, string(text)); err != nil || !i.at.Done {
			return err
		}
		// Edges learn of the file's products once, with the end of the import.
		return event.Changed(tx, event.FeedCatalog, strconv.Itoa(int(i.market.No)))
	}), "noting how far the import is")
}

// latest is the latest business time that any lane has seen; zero where nothing has happened.
func (i *Import) latest(ctx context.Context) (at time.Time, err error) {
	err = i.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(selectLanes, func(scan func(...any) error) error {
			var turn, micro int64
			err := scan(&turn, &micro)
			if seen := clock.FromMicro(micro); turn > 0 && seen.After(at) {
				at = seen
			}
			return err
		})
	})
	return at, fault.Wrap(err, "reading what has happened")
}

// forgetDue lets the due jobs begin at the replay's own beginning, where a server that was started before had noted its
// own time.
func (i *Import) forgetDue(ctx context.Context) error {
	return i.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		_, err := tx.Exec(upsertCursor, "due/"+i.Mapping.Marketplace.ID, strconv.FormatInt(clock.Micro(i.clock.Now()), 10))
		return err
	})
}

// counter counts the bytes read, for the percentage.
type counter struct {
	from io.Reader
	read atomic.Int64
}

func (c *counter) Read(into []byte) (int, error) {
	n, err := c.from.Read(into)
	c.read.Add(int64(n))
	return n, err
}
