// Package notices answers whoever reads their messages and says what they wish to be told; and, in a sandbox, shows the
// mailbox that stands for everybody's.
//
// It owns no rule: notice does.
package notices

import (
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/secret"
)

// Pages answers requests about messages.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Ring  *secret.Ring
}
