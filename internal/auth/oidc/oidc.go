// Package oidc lets people sign in with an account elsewhere by OpenID Connect: the staff with the operator's directory, a
// shop's customers with their store account.
//
// What must always hold: state, nonce and PKCE verifier are made here, work once, and for the browser that asked; accounts
// are never tied together by an address that nobody verified; roles come from the operator's configuration alone.
//
// It owns no session and no page.
package oidc
