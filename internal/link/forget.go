package link

import (
	"crypto/sha256"
	"encoding/json"
	"math"
	"strings"

	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Addresses that are out there go on to lead to their products when their creator is erased, and earn nobody anything. What
// the creator chose to be called by goes: the words of tags, names, titles, channels and sub-ids. A short code stays: it is the address.

var (
	insertRetired = db.Statement(`INSERT INTO retired_name (kind, hash) VALUES ('tag', $1) ON CONFLICT DO NOTHING`)
	selectRetired = db.Statement(`SELECT kind FROM retired_name WHERE kind = 'tag' AND hash = $1`)
	forgetTag     = db.Statement(`UPDATE tracking SET tag = $2, name = '', archived = CASE WHEN archived = 0 THEN $3 ELSE archived END
		WHERE id = $1`)
	forgetLink = db.Statement(`UPDATE link SET title = '', target = $2, body = $3 WHERE id = $1`)
)

// forgotten begins what stands in place of a tag: no tag that somebody may send begins so.
const forgotten = "-"

// forgetBatch bounds how many rows are read at once.
const forgetBatch = 500

func tagHash(tag string) []byte {
	sum := sha256.Sum256([]byte("tag:" + tag))
	return sum[:]
}

// retired tells whether a tag was somebody's who is erased.
func retired(tx *db.Tx, tag string) (bool, error) {
	var kind string
	found, err := tx.One(selectRetired, []any{&kind}, tagHash(tag))
	return found, fault.Wrap(err, "looking for a tag of before")
}

// ForgetTags replaces a creator's tags by names that say nothing, archives them, and keeps hashes, so that nobody is given
// them again. Addresses with the old tags lead to their products as those of any unknown one do. now is when they are archived.
func ForgetTags(tx *db.Tx, creator id.ID, now int64) error {
	of, err := TrackingOf(tx, []id.ID{creator})
	if err != nil {
		return err
	}
	var changed []string
	for _, t := range of[creator] {
		if t.Tag[:1] == forgotten && t.Name == "" {
			continue
		}
		if _, err := tx.Exec(insertRetired, tagHash(t.Tag)); err != nil {
			return fault.Wrap(err, "retiring a tag")
		}
		if _, err := tx.Exec(forgetTag, int64(t.ID), forgotten+t.ID.Text(id.Tracking), now); err != nil {
			return fault.Wrap(err, "forgetting a tag")
		}
		changed = append(changed, t.ID.Text(id.Tracking))
	}
	return event.Changed(tx, event.FeedTracking, changed...)
}

// ForgetLinks takes titles, channels and sub-ids out of a page of a creator's short links before an id (zero: the newest). It
// gives the last link that was looked at, 0 behind the last page.
func ForgetLinks(tx *db.Tx, creator, before id.ID) (last id.ID, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	page, err := Of(tx, creator, before, forgetBatch)
	if err != nil || len(page) == 0 {
		return 0, err
	}
	codes := make([]string, len(page))
	for i, l := range page {
		target, body, err := l.bare()
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(forgetLink, int64(l.ID), target, body); err != nil {
			return 0, fault.Wrap(err, "forgetting a link's words")
		}
		codes[i] = l.Code
	}
	return page[len(page)-1].ID, event.Changed(tx, event.FeedLink, codes...)
}

// bare is a link's target and what stands beside it, without what its creator noted for the own reports.
func (l Link) bare() (target, body string, err error) {
	path, query, _ := strings.Cut(l.Target, "?")
	target = l.Target
	if w, err := Parse(path, query); err == nil {
		w.Sub, w.UTM = Wanted{}.Sub, Wanted{}.UTM
		target = w.Path()
	}
	text, err := json.Marshal(extra{Bounty: l.Bounty, Action: l.Action})
	return target, string(text), err
}
