package event

import (
	"encoding/json"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var (
	nextIndex = db.Statement(`SELECT COALESCE(MAX(idx) + 1, 0) FROM outbox WHERE lane = $1 AND turn = $2`)
	insertRow = db.Statement(`INSERT INTO outbox (lane, turn, idx, topic, creator, body) VALUES ($1, $2, $3, $4, $5, $6)`)
)

// Tell writes a row of the outbox behind those of this transaction, which must hold the lane. creator is 0 for what concerns
// nobody in particular; body is written as JSON.
func Tell(tx *db.Tx, lane int64, topic string, creator id.ID, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fault.Wrap(err, "writing to the outbox")
	}
	var index int64
	if _, err := tx.One(nextIndex, []any{&index}, lane, tx.Turn(lane)); err != nil {
		return fault.Wrap(err, "reading the outbox")
	}
	_, err = tx.Exec(insertRow, lane, tx.Turn(lane), index, topic, int64(creator), string(raw))
	return fault.Wrap(err, "writing to the outbox")
}
