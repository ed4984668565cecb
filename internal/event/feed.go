package event

import (
	"crypto/rand"

	"tributary/internal/db"
	"tributary/internal/fault"
)

// The change feed tells every edge what to read again: it names what changed and never carries it, so that applying a
// change twice, or late, gives the present state. Numbers have no gaps and rise in order of commit, on both engines: the
// one row of edge_turn is held from the number's making until the commit. It is the last lock a transaction takes.

// What can change for the edge.
const (
	FeedTracking = "tracking" // a tracking id; the key is its id
	FeedLink     = "link"     // a short link; the key is its code
	FeedStanding = "standing" // an enrolment; the key is `market/creator/program`
	FeedCreator  = "creator"  // a creator's preferences; the key is the id
	FeedMarket   = "market"   // any marketplace
	FeedCatalog  = "catalog"  // products of a marketplace; the key is its number. Announced once per import, not per product
)

// Change is one entry of the feed.
type Change struct {
	Seq       int64
	Kind, Key string
}

const (
	// An edge that was away for longer than this many changes reads everything again.
	feedKept = 200_000
	// Old entries go in strides, so that most transactions delete nothing.
	feedStride = 4096
)

var (
	takeSeq    = db.Statement(`UPDATE edge_turn SET seq = seq + $1 WHERE id = 1 RETURNING seq`)
	readSeq    = db.Statement(`SELECT seq FROM edge_turn WHERE id = 1`)
	putChanges = db.Bulk("BIGINT TEXT TEXT", `INSERT INTO edge_change (seq, kind, body) VALUES $ROWS`)
	dropOld    = db.Statement(`DELETE FROM edge_change WHERE seq <= $1`)
	putOrigin  = db.Statement(`INSERT INTO setting (name, value) VALUES ('feed.origin', $1) ON CONFLICT (name) DO NOTHING`)
	readOrigin = db.Statement(`SELECT value FROM setting WHERE name = 'feed.origin'`)
	readAfter  = db.Statement(`SELECT seq, kind, body FROM edge_change WHERE seq > $1 ORDER BY seq LIMIT $2`)
)

// Changed announces changes of one kind to every edge, when and if the transaction commits. Call it last.
func Changed(tx *db.Tx, kind string, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	count := int64(len(keys))
	var last int64
	if _, err := tx.One(takeSeq, []any{&last}, count); err != nil {
		return fault.Wrap(err, "numbering a change for the edge")
	}
	rows := make([][]any, len(keys))
	for i, key := range keys {
		rows[i] = []any{last - count + 1 + int64(i), kind, key}
	}
	if _, err := tx.Bulk(putChanges, rows); err != nil {
		return fault.Wrap(err, "announcing a change to the edge")
	}
	if before := last - count; last/feedStride != before/feedStride && last > feedKept {
		_, err := tx.Exec(dropOld, last-feedKept)
		return fault.Wrap(err, "dropping old changes")
	}
	return nil
}

// Begin gives the database's feed a name, once. Numbers mean something only together with it: another database, under the
// same address, counts from one again.
func Begin(tx *db.Tx) error {
	_, err := tx.Exec(putOrigin, rand.Text())
	return fault.Wrap(err, "naming the change feed")
}

// Origin is the name that Begin gave; empty before.
func Origin(tx *db.Tx) (string, error) {
	var origin string
	_, err := tx.One(readOrigin, []any{&origin})
	return origin, fault.Wrap(err, "reading the name of the change feed")
}

// Last is the number of the newest change; 0 where there was none.
func Last(tx *db.Tx) (int64, error) {
	var last int64
	_, err := tx.One(readSeq, []any{&last})
	return last, fault.Wrap(err, "reading the number of the last change")
}

// Changes reads the feed behind a number, oldest first. Where the first one is not the next number, the reader was away
// for too long and reads everything again.
func Changes(tx *db.Tx, after int64, limit int) ([]Change, error) {
	var all []Change
	err := tx.Each(readAfter, func(scan func(...any) error) error {
		var c Change
		err := scan(&c.Seq, &c.Kind, &c.Key)
		all = append(all, c)
		return err
	}, after, int64(limit))
	return all, fault.Wrap(err, "reading changes for the edge")
}
