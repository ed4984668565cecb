package auth

import (
	"tributary/internal/db"
	"tributary/internal/fault"
)

var countNamed = db.Statement(`SELECT COUNT(*) FROM api_token WHERE name = $1 AND revoked = 0`)

// HasToken tells whether a token of that name is in use: a setup that runs again makes no second one.
func HasToken(tx *db.Tx, name string) (bool, error) {
	var count int64
	_, err := tx.One(countNamed, []any{&count}, name)
	return count > 0, fault.Wrap(err, "looking for an API token")
}
