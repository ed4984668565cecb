// Package account answers whoever signs up, signs in, and looks after how they do it: passkeys, passwords, second factors,
// devices, teams and API tokens; and the staff's page of staff and roles.
//
// What must always hold: an answer never tells whether an address is known here; whoever changes how money or identity is
// reached has proved who they are within the last minutes; what opens a door is shown once.
//
// It owns no rule: auth, auth/credential and auth/oidc do.
package account

import (
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/secret"
)

// Pages answers requests about accounts.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Ring  *secret.Ring
}
