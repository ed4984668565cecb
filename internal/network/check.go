package network

import (
	"context"
	"errors"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// maxFarewell bounds telling a network that a connection has ended: nobody's page waits longer for it.
const maxFarewell = 10 * time.Second

// Check reads a connected account again and keeps a snapshot; one whose consent is gone becomes Expired, and is given so
// without an error. Where the network cannot be asked, that is Unavailable (RetryAfter tells for how long), and the account
// stays as it was. An account that is not connected is Denied. wall is for tokens, now is business time.
func (c *Connector) Check(ctx context.Context, account id.ID, wall, now time.Time) (Account, error) {
	if !c.reserve(account) {
		return Account{}, errOvertaken
	}
	defer c.release(account)
	r, err := c.load(ctx, account)
	if err != nil {
		return Account{}, err
	}
	if r.State != Connected {
		return r.Account, fault.New(fault.Denied, "account", "is "+string(r.State), "its owner can connect it again")
	}
	l, err := c.line(r.Network)
	if err != nil {
		return r.Account, err
	}
	t, err := openTokens(c.Ring, account, r.sealed)
	if err != nil {
		return r.Account, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxJourney)
	defer cancel()
	p, err := c.ask(ctx, l, &r, t, wall, now)
	const again = "its owner connects it again"
	switch {
	case err == nil && p.number == r.Number:
		return c.checked(ctx, r, p, now)
	case err == nil, because(err, gone), because(err, missing):
		// The sign-in still works for another account, for none, or not at all: this one's consent is gone.
		return c.expired(ctx, r, now)
	}
	return r.Account, l.fault(err, again)
}

// ask reads the account, with tokens that are renewed where they must be: before, when they end soon, or once after the
// network refused them.
func (c *Connector) ask(ctx context.Context, l *line, r *row, t tokens, wall, now time.Time) (p profile, err error) {
	renewed := false
	renew := func() error {
		fresh, err := l.renew(ctx, t, wall)
		if err != nil {
			return err
		}
		t, renewed = fresh, true
		return c.keep(ctx, r, t)
	}
	if l.speaks.due != nil && l.speaks.due(t, wall) {
		if err := renew(); err != nil {
			return p, err
		}
	}
	p, err = l.look(ctx, t, now)
	if because(err, gone) && !renewed && l.speaks.due != nil && t.Refresh != "" {
		if err := renew(); err != nil {
			return p, err
		}
		p, err = l.look(ctx, t, now)
	}
	return p, err
}

// reserve keeps two checks of one account apart: of two renewals with one token, the later would look like a consent that
// is gone. Between nodes, the job's lease does the same.
func (c *Connector) reserve(account id.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading == nil {
		c.reading = map[id.ID]bool{}
	}
	if c.reading[account] {
		return false
	}
	c.reading[account] = true
	return true
}

func (c *Connector) release(account id.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.reading, account)
}

// errOvertaken says that somebody else has written the account since it was loaded.
var errOvertaken = fault.New(fault.Unavailable, "account", "is being checked or changed by somebody else", "try again in a moment")

// keep stores renewed tokens at once: some networks have made the old ones worthless by then, whatever comes next.
func (c *Connector) keep(ctx context.Context, r *row, t tokens) error {
	sealed, err := t.seal(c.Ring, r.ID)
	if err != nil {
		return err
	}
	if err := c.change(ctx, keepTokens, int64(r.ID), r.version, sealed); err != nil {
		return err
	}
	r.version++
	return nil
}

// change runs one conditional statement in a transaction of its own.
func (c *Connector) change(ctx context.Context, statement *db.Stmt, args ...any) error {
	return c.DB.Write(context.WithoutCancel(ctx), db.Background, func(tx *db.Tx) error {
		changed, err := tx.Exec(statement, args...)
		if err == nil && changed == 0 {
			err = errOvertaken
		}
		return err
	})
}

func (c *Connector) checked(ctx context.Context, r row, p profile, now time.Time) (Account, error) {
	a := r.Account
	a.take(p, Judge(a.Network, p.Snapshot, c.Weights, now))
	_, snapshot, score, err := c.written(a, tokens{})
	if err != nil {
		return r.Account, err
	}
	err = c.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		changed, err := tx.Exec(checkAccount, int64(a.ID), r.version, a.Handle, a.Title, a.Address, a.Checked.UnixMicro(), snapshot, score)
		if err != nil {
			return err
		}
		if changed == 0 {
			return errOvertaken
		}
		return noteLook(tx, a)
	})
	return c.orNow(ctx, a, fault.Wrap(err, "storing what was read of an account"))
}

func (c *Connector) expired(ctx context.Context, r row, now time.Time) (Account, error) {
	a := r.Account
	a.State, a.Checked = Expired, now
	err := c.change(ctx, expireAccount, int64(a.ID), r.version, now.UnixMicro(), none)
	return c.orNow(ctx, a, err)
}

// orNow gives the account as it is now where somebody else was quicker: theirs is the newer finding.
func (c *Connector) orNow(ctx context.Context, a Account, err error) (Account, error) {
	if !errors.Is(err, errOvertaken) {
		return a, err
	}
	r, err := c.load(ctx, a.ID)
	return r.Account, err
}

func (c *Connector) load(ctx context.Context, account id.ID) (r row, err error) {
	err = c.DB.Read(ctx, func(tx *db.Tx) error { r, err = one(tx, account); return err })
	return r, err
}

// Disconnect ends a connection at its owner's wish, and tells the network where it can be told. The tokens are gone at
// once, also where the network cannot be reached: there, the owner can withdraw the consent in its settings.
func (c *Connector) Disconnect(ctx context.Context, creator, account id.ID, now time.Time) error {
	var r row
	var others int64
	err := c.DB.Write(ctx, db.Interactive, func(tx *db.Tx) (err error) {
		others = 0
		if r, err = one(tx, account); err != nil {
			return err
		}
		if r.Creator != creator || r.State == Ended {
			return fault.New(fault.NotFound, "account", "there is no such connected account", "check the id")
		}
		if _, err := tx.Exec(endAccount, int64(account), now.UnixMicro(), none); err != nil {
			return err
		}
		_, err = tx.One(countSame, []any{&others}, int64(creator), string(r.Network))
		return err
	})
	if err != nil {
		return fault.Wrap(err, "ending a connection")
	}
	// A consent is the person's, not the account's: ending it would end the other accounts' of the same sign-in.
	if others == 0 && len(r.sealed) > 0 {
		c.farewell(ctx, r)
	}
	return nil
}

// farewell tells a network that a consent has ended. Whether it listens changes nothing here.
func (c *Connector) farewell(ctx context.Context, r row) {
	l, err := c.line(r.Network)
	if err != nil || l.speaks.revoke == nil {
		return
	}
	t, err := openTokens(c.Ring, r.ID, r.sealed)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxFarewell)
	defer cancel()
	_ = l.speaks.revoke(ctx, l, t)
}
