// Package join answers whoever applies to a program: the application with its drafts, proofs of sites, connected
// accounts, and the status page, which always says what happens next and by when.
//
// It owns no rule: admission, site and network do.
package join

import (
	"tributary/internal/admission"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/secret"
)

// Pages answers requests of applicants.
type Pages struct {
	DB        *db.DB
	Clock     *clock.Business
	Ring      *secret.Ring
	Address   string // under which people reach the installation
	Admission *admission.Desk
}
