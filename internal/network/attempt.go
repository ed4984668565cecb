package network

import (
	"context"
	"crypto/rand"
	"time"

	"golang.org/x/oauth2"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Limits of signing in to a network.
const (
	attemptLife = 10 * time.Minute // of the wall clock, from Begin to the answer
	maxAttempts = 20               // of one creator at a time
	maxCode     = 4096             // bytes
	maxState    = 100
)

var (
	insertAttempt = db.Statement(`INSERT INTO network_attempt (state, creator, network, session, verifier, expires)
		VALUES ($1, $2, $3, $4, $5, $6)`)
	dropAttempts   = db.Statement(`DELETE FROM network_attempt WHERE expires <= $1`)
	countAttempts  = db.Statement(`SELECT COUNT(*) FROM network_attempt WHERE creator = $1`)
	selectAttempt  = db.Statement(`SELECT creator, network, session, verifier, expires FROM network_attempt WHERE state = $1`)
	deleteAttempt  = db.Statement(`DELETE FROM network_attempt WHERE state = $1`)
	forgetAttempts = db.Statement(`DELETE FROM network_attempt WHERE creator = $1`)
)

// attempt is somebody on the way to a network and back.
type attempt struct {
	creator  id.ID
	network  Kind
	verifier string
}

// Begin gives the address at which a creator signs in to a network. session binds the answer to whoever asked: a text that
// is secret, and changes whenever somebody signs in. now is wall time.
func (c *Connector) Begin(ctx context.Context, creator id.ID, k Kind, session string, now time.Time) (address string, err error) {
	l, err := c.line(k)
	if err != nil {
		return "", err
	}
	if creator == 0 || session == "" {
		return "", fault.New(fault.Denied, "session", "is none that an account can be connected in", "sign in first")
	}
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	hash := c.Ring.Hash("network-state", state)
	err = c.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if _, err := tx.Exec(dropAttempts, now.UnixMicro()); err != nil {
			return err
		}
		var open int64
		if _, err := tx.One(countAttempts, []any{&open}, int64(creator)); err != nil {
			return err
		}
		if open >= maxAttempts {
			return fault.New(fault.Exhausted, "network", "you have begun this too often without finishing", "wait ten minutes")
		}
		_, err := tx.Exec(insertAttempt, hash, int64(creator), string(k), c.Ring.Hash("network-session", session),
			c.Ring.Seal(sealPurpose, string(hash), []byte(verifier)), now.Add(attemptLife).UnixMicro())
		return err
	})
	if err != nil {
		return "", fault.Wrap(err, "beginning to connect an account")
	}
	path, query := l.speaks.authorize(l.app, c.Redirect(), state, verifier)
	return l.app.Auth + path + "?" + query.Encode(), nil
}

// errForeign is the answer to every state that is not this session's: it does not tell whether there is one.
var errForeign = fault.New(fault.Denied, "state", "this answer was not asked for here, or has been used", "begin again on the page of your networks")

// take uses up an attempt. One of another session stays for whoever began it.
func (c *Connector) take(ctx context.Context, state, session string, wall time.Time) (a attempt, err error) {
	if state == "" || len(state) > maxState || session == "" {
		return a, errForeign
	}
	hash := c.Ring.Hash("network-state", state)
	err = c.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		var creator, expires int64
		var network string
		var bound, sealed []byte
		found, err := tx.One(selectAttempt, []any{&creator, &network, &bound, &sealed, &expires}, hash)
		if err != nil {
			return err
		}
		if !found || !secret.Equal(bound, c.Ring.Hash("network-session", session)) {
			return errForeign
		}
		// Of two answers at once only one finds the row still there.
		changed, err := tx.Exec(deleteAttempt, hash)
		if err != nil {
			return err
		}
		if changed == 0 {
			return errForeign
		}
		verifier, err := c.Ring.Open(sealPurpose, string(hash), sealed)
		a = attempt{id.ID(creator), Kind(network), string(verifier)}
		if wall.UnixMicro() >= expires {
			a.creator = 0
		}
		return err
	})
	if err == nil && a.creator == 0 {
		err = fault.New(fault.Denied, "state", "this answer took longer than ten minutes", "begin again on the page of your networks")
	}
	return a, err
}

// Refused takes an answer that came with an error in place of a code, such as `access_denied`. It uses the attempt up and
// always gives the fault to show.
func (c *Connector) Refused(ctx context.Context, state, reason, session string, wall time.Time) error {
	a, err := c.take(ctx, state, session, wall)
	if err != nil {
		return err
	}
	l, err := c.line(a.network)
	if err != nil {
		return err
	}
	no := &refused{network: a.network, path: "the sign-in"}
	if no.oauth(reason); no.code != "" {
		return l.fault(no, "begin again on the page of your networks")
	}
	return fault.New(fault.Denied, "network", "you did not agree at "+l.speaks.name+", so nothing was connected",
		"begin again if that was not meant")
}

// Finish takes the network's answer: exchanges the code, reads the account, stores and scores it. An answer that is expired,
// replayed, or for another session is Denied; one without a code is as Refused. An account that another creator has connected
// is a Conflict which names nobody; the owner's own is renewed. wall is for tokens, now is business time.
func (c *Connector) Finish(ctx context.Context, state, text, session string, wall, now time.Time) (Account, error) {
	if text == "" {
		return Account{}, c.Refused(ctx, state, "access_denied", session, wall)
	}
	a, err := c.take(ctx, state, session, wall)
	if err != nil {
		return Account{}, err
	}
	l, err := c.line(a.network)
	if err != nil {
		return Account{}, err
	}
	if len(text) > maxCode {
		return Account{}, fault.Invalidf("code", "is longer than %d bytes", "begin again on the page of your networks", maxCode)
	}
	ctx, cancel := context.WithTimeout(ctx, maxJourney)
	defer cancel()
	const again = "begin again on the page of your networks"
	t, err := l.signIn(ctx, code{text, c.Redirect(), a.verifier}, wall)
	if err != nil {
		return Account{}, l.fault(err, again)
	}
	p, err := l.look(ctx, t, now)
	if err != nil {
		return Account{}, l.fault(err, again)
	}
	return c.connect(ctx, a, t, p, now)
}
