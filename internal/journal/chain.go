package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
)

// row is an entry as it is stored.
type row struct {
	no, at                 int64
	actor, action, subject string
	person                 int64
	body, prev, hash       []byte
}

// chained begins what is hashed, so that a hash of this chain is one of nothing else.
const chained = "tributary/journal/1"

// sum is the hash of an entry: SHA-256 over all its values as they are stored, each with its length before it, and the
// hash of the entry before. The body goes in as it is sealed, and so needs no key to be verified.
func (r *row) sum() []byte {
	out := make([]byte, 0, len(r.body)+256)
	text := func(b []byte) { out = append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...) }
	number := func(n int64) { out = binary.BigEndian.AppendUint64(out, uint64(n)) }
	text([]byte(chained))
	number(r.no)
	number(r.at)
	text([]byte(r.actor))
	text([]byte(r.action))
	text([]byte(r.subject))
	number(r.person)
	text(r.body)
	text(r.prev)
	sum := sha256.Sum256(out)
	return sum[:]
}

const columns = `no, at, actor, action, subject, person, body, prev, hash`

func (r *row) scan(scan func(...any) error) error {
	return scan(&r.no, &r.at, &r.actor, &r.action, &r.subject, &r.person, &r.body, &r.prev, &r.hash)
}

// Problem is something that does not agree in the chain.
type Problem struct {
	No   int64 // the entry at which it was found
	Text string
}

// Verified is how far the chain was looked at.
type Verified struct {
	Entries  int64  // that were looked at
	No       int64  // the newest of them
	Hash     []byte // of the newest
	Problems int
	Told     []string // the first problems, up to maxTold
}

// maxTold is how many problems are kept in words: a broken chain has few causes.
const maxTold = 20

// pageVerified is how many entries are read at once.
const pageVerified = 1000

var (
	selectRows = db.Statement(`SELECT ` + columns + ` FROM journal WHERE no > $1 ORDER BY no LIMIT $2`)
	selectRow  = db.Statement(`SELECT ` + columns + ` FROM journal WHERE no = $1`)
	selectKept = db.Statement(`SELECT no, hash, at, problems, told FROM journal_check WHERE id = 1`)
	putKept    = db.Statement(`INSERT INTO journal_check (id, no, hash, at, problems, told) VALUES (1, $1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET no = excluded.no, hash = excluded.hash, at = excluded.at, problems = excluded.problems,
		told = excluded.told`)
)

// Verify recomputes the chain behind entry number from (0: from the first one on), page by page, and tells whatever does not
// agree: an entry that is missing, altered or put elsewhere, one that follows another one than it says, a head that is not
// the newest, and a chain that no longer holds what Keep kept of it.
func Verify(tx *db.Tx, from int64, problem func(Problem)) (v Verified, err error) {
	tell := func(no int64, text string, args ...any) {
		v.Problems++
		p := Problem{no, fmt.Sprintf(text, args...)}
		if len(v.Told) < maxTold {
			v.Told = append(v.Told, p.Text)
		}
		problem(p)
	}
	before := row{no: max(from, 0)}
	if from > 0 {
		found, err := tx.One(selectRow, before.dest(), from)
		if err != nil {
			return v, fault.Wrap(err, "reading the journal")
		}
		if !found {
			return v, fault.New(fault.NotFound, "from", "there is no entry of that number", "begin at 0")
		}
	}
	kept, held, err := Kept(tx)
	if err != nil {
		return v, err
	}
	for {
		count := 0
		err := tx.Each(selectRows, func(scan func(...any) error) error {
			var r row
			if err := r.scan(scan); err != nil {
				return err
			}
			count++
			for missing := before.no + 1; missing < r.no && missing < before.no+4; missing++ {
				tell(missing, "entry %d is missing", missing)
			}
			switch {
			case r.no == before.no+1 && !bytes.Equal(r.prev, before.hash):
				tell(r.no, "entry %d does not follow entry %d as it is stored", r.no, before.no)
			case !bytes.Equal(r.hash, r.sum()):
				tell(r.no, "entry %d is not as it was written", r.no)
			}
			if held && r.no == kept.No && !bytes.Equal(r.hash, kept.Hash) {
				tell(r.no, "entry %d is not the one that was verified on %s", r.no, kept.At.Format(time.RFC3339))
			}
			v.Entries++
			before = r
			return nil
		}, before.no, int64(pageVerified))
		if err != nil {
			return v, fault.Wrap(err, "reading the journal")
		}
		if count < pageVerified {
			break
		}
	}
	v.No, v.Hash = before.no, before.hash
	var head row
	found, err := tx.One(selectHead, []any{&head.no, &head.hash})
	switch {
	case err != nil:
		return v, fault.Wrap(err, "reading the head of the journal")
	case !found:
		tell(v.No, "the journal has no head")
	case head.no != v.No || !bytes.Equal(head.hash, v.Hash):
		tell(v.No, "the journal ends with entry %d, and its head says %d", v.No, head.no)
	}
	if held && kept.No > v.No {
		tell(v.No, "the journal was verified up to entry %d on %s, and ends with %d", kept.No, kept.At.Format(time.RFC3339), v.No)
	}
	return v, nil
}

func (r *row) dest() []any {
	return []any{&r.no, &r.at, &r.actor, &r.action, &r.subject, &r.person, &r.body, &r.prev, &r.hash}
}

// Check is the last verification that was kept.
type Check struct {
	No       int64
	Hash     []byte
	At       time.Time
	Problems int
	Told     []string
}

// Keep notes a verification of the whole chain. One that found problems leaves what was sound before as it was, and notes
// that there are some.
func Keep(tx *db.Tx, v Verified, now time.Time) error {
	no, hash := v.No, v.Hash
	if v.Problems > 0 {
		kept, _, err := Kept(tx)
		if err != nil {
			return err
		}
		no, hash = kept.No, kept.Hash
	}
	if hash == nil {
		hash = []byte{}
	}
	_, err := tx.Exec(putKept, no, hash, clock.Micro(now), int64(v.Problems), strings.Join(v.Told, "\n"))
	return fault.Wrap(err, "noting that the journal was verified")
}

// Kept gives what Keep noted last; ok is false where nothing sound was ever verified.
func Kept(tx *db.Tx) (c Check, ok bool, err error) {
	var at, problems int64
	var told string
	ok, err = tx.One(selectKept, []any{&c.No, &c.Hash, &at, &problems, &told})
	if ok {
		c.At, c.Problems = clock.FromMicro(at), int(problems)
	}
	if told != "" {
		c.Told = strings.Split(told, "\n")
	}
	return c, ok, fault.Wrap(err, "reading when the journal was verified")
}
