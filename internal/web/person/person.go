// Package person answers whoever asks what is kept about them: all of it as a file, and its erasure.
//
// It owns no rule: rights does.
package person

import (
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/secret"
)

// Pages answers requests about a person's own data.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Ring  *secret.Ring
}
