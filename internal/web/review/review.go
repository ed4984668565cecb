// Package review is the reviewer's queue: applications with their evidence beside the decision, worked by keys.
//
// It owns no rule: admission does.
package review

import (
	"tributary/internal/admission"
	"tributary/internal/secret"
	"tributary/internal/web/staff"
)

// Pages answers reviewers' requests.
type Pages struct {
	staff.Pages
	Ring      *secret.Ring
	Admission *admission.Desk
}
