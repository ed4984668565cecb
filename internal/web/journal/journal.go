// Package journal shows the audit log to the staff: who decided what, when, why, and how it was before and after.
//
// It owns no rule: the log itself does.
package journal

import (
	"tributary/internal/secret"
	"tributary/internal/web/staff"
)

// Pages answers requests about the audit log.
type Pages struct {
	staff.Pages
	Ring *secret.Ring
}
