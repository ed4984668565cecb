package event

import (
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Change rows of the outbox are written by whoever books (package accrual) and are read here: the live pages follow them
// by turn, which rises in order of commit.

var (
	creatorsAfter = db.Statement(`SELECT turn, creator FROM outbox WHERE lane = $1 AND turn > $2 ORDER BY turn, idx LIMIT $3`)
	laneTurn      = db.Statement(`SELECT turn FROM lane WHERE id = $1`)
)

// Touched gives the creators whom outbox rows of a lane behind a turn speak of, each with the newest such turn, and the
// turn up to which that is known.
func Touched(tx *db.Tx, lane, after int64, limit int) (creators map[id.ID]int64, upto int64, err error) {
	creators, upto = map[id.ID]int64{}, after
	err = tx.Each(creatorsAfter, func(scan func(...any) error) error {
		var turn, creator int64
		if err := scan(&turn, &creator); err != nil {
			return err
		}
		upto = turn
		if creator != 0 {
			creators[id.ID(creator)] = turn
		}
		return nil
	}, lane, after, int64(limit))
	return creators, upto, fault.Wrap(err, "reading the outbox")
}

// Turn is the turn of the lane's newest commit.
func Turn(tx *db.Tx, lane int64) (int64, error) {
	var turn int64
	_, err := tx.One(laneTurn, []any{&turn}, lane)
	return turn, fault.Wrap(err, "reading a lane's turn")
}
