package creator

import (
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// ErasedName is what somebody who was erased is called.
const ErasedName = "Erased creator"

// erasedHandle begins the handle of somebody who was erased; their id follows.
const erasedHandle = "erased-"

var (
	insertRetired = db.Statement(`INSERT INTO retired_name (kind, hash) VALUES ('handle', $1) ON CONFLICT DO NOTHING`)
	selectRetired = db.Statement(`SELECT kind FROM retired_name WHERE kind = 'handle' AND hash = $1`)
	forgetOne     = db.Statement(`UPDATE creator SET name = $2, handle = $3, routing = '', personal = $4 WHERE id = $1`)
	forgetFacts   = db.Statement(`DELETE FROM creator_fact WHERE creator = $1`)
)

func taken() error {
	return fault.New(fault.Conflict, "handle", "belongs to somebody else", "choose another one")
}

// handleHash is all that is kept of a handle whose creator was erased.
func handleHash(ring *secret.Ring, handle string) []byte { return ring.Hash("retired-handle", handle) }

func retired(tx *db.Tx, ring *secret.Ring, handle string) (bool, error) {
	var kind string
	found, err := tx.One(selectRetired, []any{&kind}, handleHash(ring, handle))
	return found, fault.Wrap(err, "looking for a handle of before")
}

// Forget takes the person out of an account: name, handle, personal data, and the facts by which own purchases are seen. The
// handle is given to nobody else. The account itself stays, for what was booked. Doing it again changes nothing.
func Forget(tx *db.Tx, ring *secret.Ring, creator id.ID) error {
	c, err := One(tx, creator)
	if err != nil {
		return err
	}
	handle := erasedHandle + creator.Text("")
	if c.Handle != handle {
		if _, err := tx.Exec(insertRetired, handleHash(ring, c.Handle)); err != nil {
			return fault.Wrap(err, "retiring a handle")
		}
	}
	sealed, err := seal(ring, creator, Personal{})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(forgetOne, int64(creator), ErasedName, handle, sealed); err != nil {
		return fault.Wrap(err, "forgetting a creator")
	}
	if _, err := tx.Exec(forgetFacts, int64(creator)); err != nil {
		return fault.Wrap(err, "forgetting a creator's facts")
	}
	return event.Changed(tx, event.FeedCreator, creator.Text(id.Creator))
}
