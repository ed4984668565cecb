package network

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Limits of what is kept.
const (
	maxAccounts = 20  // of one creator, not ended
	keepLooks   = 12  // snapshots of one account
	maxStale    = 500 // accounts of one list
)

const columns = `id, creator, network, number, handle, title, address, state, version, connected, checked, tokens, snapshot, score`

var (
	// The unique index over accounts that have not ended decides between two who connect the same one at once.
	insertAccount = db.Statement(`INSERT INTO network_account (` + columns + `, ended)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'connected', 1, $8, $8, $9, $10, $11, 0) ON CONFLICT DO NOTHING`)
	renewAccount = db.Statement(`UPDATE network_account SET handle = $2, title = $3, address = $4, state = 'connected',
		version = version + 1, checked = $5, tokens = $6, snapshot = $7, score = $8 WHERE id = $1 AND state <> 'ended'`)
	// What was asked for with tokens that somebody else has replaced meanwhile is not written.
	checkAccount = db.Statement(`UPDATE network_account SET handle = $3, title = $4, address = $5, version = version + 1,
		checked = $6, snapshot = $7, score = $8 WHERE id = $1 AND version = $2 AND state = 'connected'`)
	keepTokens = db.Statement(`UPDATE network_account SET version = version + 1, tokens = $3
		WHERE id = $1 AND version = $2 AND state = 'connected'`)
	expireAccount = db.Statement(`UPDATE network_account SET state = 'expired', version = version + 1, checked = $3, tokens = $4
		WHERE id = $1 AND version = $2 AND state = 'connected'`)
	endAccount = db.Statement(`UPDATE network_account SET state = 'ended', version = version + 1, ended = $2, tokens = $3
		WHERE id = $1 AND state <> 'ended'`)

	selectAccount = db.Statement(`SELECT ` + columns + ` FROM network_account WHERE id = $1`)
	selectNumber  = db.Statement(`SELECT ` + columns + ` FROM network_account WHERE network = $1 AND number = $2 AND state <> 'ended'`)
	selectOf      = db.Statement(`SELECT ` + columns + ` FROM network_account WHERE creator = $1 AND state <> 'ended' ORDER BY id DESC`)
	selectStale   = db.Statement(`SELECT ` + columns + ` FROM network_account WHERE state = 'connected' AND checked < $1
		ORDER BY checked, id LIMIT $2`)
	countAccounts = db.Statement(`SELECT COUNT(*) FROM network_account WHERE creator = $1 AND state <> 'ended'`)
	countSame     = db.Statement(`SELECT COUNT(*) FROM network_account WHERE creator = $1 AND network = $2 AND state = 'connected'`)
	selectShared  = db.Statement(`SELECT DISTINCT theirs.creator FROM network_account AS mine JOIN network_account AS theirs
		ON theirs.network = mine.network AND theirs.number = mine.number WHERE mine.creator = $1 AND mine.number <> ''
		AND theirs.creator <> $1 ORDER BY theirs.creator LIMIT 100`)

	insertLook = db.Statement(`INSERT INTO network_snapshot (account, no, body) VALUES ($1,
		(SELECT COALESCE(MAX(no), 0) + 1 FROM network_snapshot WHERE account = $1), $2)`)
	dropLooks = db.Statement(`DELETE FROM network_snapshot WHERE account = $1 AND no <=
		(SELECT MAX(no) FROM network_snapshot WHERE account = $1) - $2`)
	selectLooks = db.Statement(`SELECT body FROM network_snapshot WHERE account = $1 ORDER BY no DESC`)

	selectEver    = db.Statement(`SELECT ` + columns + ` FROM network_account WHERE creator = $1 ORDER BY id`)
	forgetLooks   = db.Statement(`DELETE FROM network_snapshot WHERE account IN (SELECT id FROM network_account WHERE creator = $1)`)
	forgetAccount = db.Statement(`UPDATE network_account SET state = 'ended', version = version + 1, number = '', handle = '',
		title = '', address = '', ended = CASE WHEN ended = 0 THEN $2 ELSE ended END, tokens = $3, snapshot = $4, score = $5
		WHERE id = $1`)
)

// row is an account with what stays inside.
type row struct {
	Account
	version int64
	sealed  []byte
}

// none is an empty BYTEA: nil would be NULL.
var none = []byte{}

var errTaken = fault.New(fault.Conflict, "account", "this account cannot be connected here, because it is connected already",
	"disconnect it where it is, or write to us if it is yours")

// connect stores a freshly read account: a new one, or the owner's own again.
func (c *Connector) connect(ctx context.Context, a attempt, t tokens, p profile, now time.Time) (Account, error) {
	fresh := Account{ID: id.New(now), Creator: a.creator, Network: a.network, Number: p.number, State: Connected, Connected: now}
	fresh.take(p, Judge(a.network, p.Snapshot, c.Weights, now))
	var kept Account
	err := c.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		kept = fresh
		var live int64
		if _, err := tx.One(countAccounts, []any{&live}, int64(a.creator)); err != nil {
			return err
		}
		inserted, err := c.insert(tx, kept, t, live < maxAccounts)
		if err != nil {
			return err
		}
		if !inserted {
			if err := c.again(tx, &kept, t, live >= maxAccounts); err != nil {
				return err
			}
		}
		return noteLook(tx, kept)
	})
	return kept, fault.Wrap(err, "storing a connected account")
}

// insert is false where the account is connected already, by whomever.
func (c *Connector) insert(tx *db.Tx, a Account, t tokens, room bool) (bool, error) {
	if !room {
		return false, nil
	}
	sealed, snapshot, score, err := c.written(a, t)
	if err != nil {
		return false, err
	}
	changed, err := tx.Exec(insertAccount, int64(a.ID), int64(a.Creator), string(a.Network), a.Number, a.Handle, a.Title, a.Address,
		a.Connected.UnixMicro(), sealed, snapshot, score)
	return changed == 1, err
}

// again renews the owner's own account.
func (c *Connector) again(tx *db.Tx, a *Account, t tokens, full bool) error {
	found, err := list(tx, selectNumber, string(a.Network), a.Number)
	switch {
	case err != nil:
		return err
	case len(found) == 0 && full:
		return fault.New(fault.Exhausted, "account", "you have connected as many accounts as can be", "disconnect one first")
	case len(found) == 0: // it ended between two statements
		return fault.New(fault.Unavailable, "account", "it was being disconnected at the same time", "try again")
	case found[0].Creator != a.Creator:
		return errTaken
	}
	a.ID, a.Connected = found[0].ID, found[0].Connected
	sealed, snapshot, score, err := c.written(*a, t)
	if err != nil {
		return err
	}
	changed, err := tx.Exec(renewAccount, int64(a.ID), a.Handle, a.Title, a.Address, a.Checked.UnixMicro(), sealed, snapshot, score)
	if err == nil && changed == 0 {
		err = errTaken
	}
	return err
}

// written is an account's contents in their stored forms.
func (c *Connector) written(a Account, t tokens) (sealed []byte, snapshot, score string, err error) {
	sealed, err = t.seal(c.Ring, a.ID)
	looks, lookErr := json.Marshal(a.Snapshot)
	points, pointsErr := json.Marshal(a.Score)
	return sealed, string(looks), string(points), errors.Join(err, lookErr, pointsErr)
}

// take makes an account what was read of it.
func (a *Account) take(p profile, s Score) {
	a.Handle, a.Title, a.Address = p.handle, p.title, p.address
	a.Snapshot, a.Score, a.Checked = p.Snapshot, s, p.At
}

// noteLook keeps a snapshot beside the newest ones.
func noteLook(tx *db.Tx, a Account) error {
	body, err := json.Marshal(a.Snapshot)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(insertLook, int64(a.ID), string(body)); err != nil {
		return err
	}
	_, err = tx.Exec(dropLooks, int64(a.ID), int64(keepLooks))
	return err
}

// Of gives a creator's accounts, newest first, ended ones left out.
func Of(tx *db.Tx, creator id.ID) ([]Account, error) {
	return accounts(list(tx, selectOf, int64(creator)))
}

// One reads an account, also one that has ended.
func One(tx *db.Tx, account id.ID) (Account, error) {
	found, err := one(tx, account)
	return found.Account, err
}

func one(tx *db.Tx, account id.ID) (row, error) {
	found, err := list(tx, selectAccount, int64(account))
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "account", "there is no such connected account", "check the id")
	}
	if err != nil {
		return row{}, err
	}
	return found[0], nil
}

// Stale gives connected accounts that were last checked before an instant, oldest first.
func Stale(tx *db.Tx, before time.Time, limit int) ([]Account, error) {
	return accounts(list(tx, selectStale, before.UnixMicro(), int64(min(max(limit, 1), maxStale))))
}

// History gives the snapshots that are kept of an account, newest first: those of the last twelve checks.
func History(tx *db.Tx, account id.ID) (looks []Snapshot, err error) {
	err = tx.Each(selectLooks, func(scan func(...any) error) error {
		var body string
		if err := scan(&body); err != nil {
			return err
		}
		var s Snapshot
		err := json.Unmarshal([]byte(body), &s)
		looks = append(looks, s)
		return err
	}, int64(account))
	return looks, fault.Wrap(err, "reading an account's snapshots")
}

// Shared gives other creators who have, or had, an account that this creator has or had: at most 100.
func Shared(tx *db.Tx, creator id.ID) (others []id.ID, err error) {
	err = tx.Each(selectShared, func(scan func(...any) error) error {
		var other int64
		err := scan(&other)
		others = append(others, id.ID(other))
		return err
	}, int64(creator))
	return others, fault.Wrap(err, "looking for shared accounts")
}

// Forget removes what is personal of a creator's accounts, for erasure: tokens, names, numbers and figures. What stays is
// that there was an account of a network from when to when, and how many points it had. Doing it again changes nothing.
// Disconnect tells the network, which a transaction cannot: call it before, where that is wished.
func Forget(tx *db.Tx, creator id.ID, now time.Time) error {
	all, err := list(tx, selectEver, int64(creator))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(forgetAttempts, int64(creator)); err != nil {
		return fault.Wrap(err, "forgetting connected accounts")
	}
	if _, err := tx.Exec(forgetLooks, int64(creator)); err != nil {
		return fault.Wrap(err, "forgetting connected accounts")
	}
	for _, a := range all {
		if a.Number == "" {
			continue
		}
		look, err := json.Marshal(Snapshot{At: a.Snapshot.At, Business: a.Snapshot.Business, Public: a.Snapshot.Public})
		if err != nil {
			return err
		}
		for i := range a.Score.Parts {
			a.Score.Parts[i].Words = ""
		}
		points, err := json.Marshal(a.Score)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(forgetAccount, int64(a.ID), now.UnixMicro(), none, string(look), string(points)); err != nil {
			return fault.Wrap(err, "forgetting a connected account")
		}
	}
	return nil
}

func list(tx *db.Tx, statement *db.Stmt, args ...any) (all []row, err error) {
	err = tx.Each(statement, func(scan func(...any) error) error {
		var r row
		var number, creator, connected, checked int64
		var snapshot, score string
		if err := scan(&number, &creator, &r.Network, &r.Number, &r.Handle, &r.Title, &r.Address, &r.State, &r.version, &connected,
			&checked, &r.sealed, &snapshot, &score); err != nil {
			return err
		}
		r.ID, r.Creator = id.ID(number), id.ID(creator)
		r.Connected, r.Checked = time.UnixMicro(connected).UTC(), time.UnixMicro(checked).UTC()
		all = append(all, r)
		last := &all[len(all)-1]
		return errors.Join(json.Unmarshal([]byte(snapshot), &last.Snapshot), json.Unmarshal([]byte(score), &last.Score))
	}, args...)
	return all, fault.Wrap(err, "reading connected accounts")
}

// accounts leaves the tokens behind.
func accounts(rows []row, err error) ([]Account, error) {
	all := make([]Account, 0, len(rows))
	for _, r := range rows {
		all = append(all, r.Account)
	}
	return all, err
}
