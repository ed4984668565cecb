// Package papers answers whoever reads, accepts or publishes a document.
//
// It owns no rule: document does.
package papers

import (
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/secret"
)

// Pages answers requests about documents.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Ring  *secret.Ring
}
