package auth

import (
	"context"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
)

// Sessions keeps the sessions of the pages in the database; the session library calls it with the hash of a cookie,
// never with the cookie. Which of its methods runs when, and that a session is saved at most once a minute, is decided
// by the door.
type Sessions struct{ DB *db.DB }

var (
	selectSession = db.Statement(`SELECT data FROM session WHERE token = $1 AND expires > $2`)
	upsertSession = db.Statement(`INSERT INTO session (token, data, expires) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires = excluded.expires`)
	deleteSession = db.Statement(`DELETE FROM session WHERE token = $1`)
	sweepSessions = db.Statement(`DELETE FROM session WHERE expires <= $1`)
)

// FindCtx gives a session's content; found is false for one that is not there or is over.
func (s Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		found, err = tx.One(selectSession, []any{&data}, token, clock.Micro(clock.Wall()))
		return err
	})
	return data, found, fault.Wrap(err, "reading a session")
}

// CommitCtx saves a session, and takes away those that are over: they are few, since it is done so often.
func (s Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return fault.Wrap(s.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if _, err := tx.Exec(sweepSessions, clock.Micro(clock.Wall())); err != nil {
			return err
		}
		_, err := tx.Exec(upsertSession, token, data, clock.Micro(expiry))
		return err
	}), "saving a session")
}

// DeleteCtx ends a session. One that is not there is no error.
func (s Sessions) DeleteCtx(ctx context.Context, token string) error {
	return fault.Wrap(s.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		_, err := tx.Exec(deleteSession, token)
		return err
	}), "ending a session")
}

// Find is FindCtx without a context: the form that the library falls back to.
func (s Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context.
func (s Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
