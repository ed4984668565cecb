package application

import (
	"encoding/json"
	"math"
	"time"

	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/person"
	"tributary/internal/secret"
)

// maxRead bounds what is read of one creator's applications: whoever applied more often finds the newest.
const maxRead = 200

const columns = `id, market, creator, program, no, saved, sent, body`

var (
	insertDraft = db.Statement(`INSERT INTO application (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT DO NOTHING`)
	// Only a draft can change or be sent: of two who send at once only one does.
	updateDraft  = db.Statement(`UPDATE application SET saved = $2, body = $3 WHERE id = $1 AND sent = 0`)
	sendDraft    = db.Statement(`UPDATE application SET sent = $2 WHERE id = $1 AND sent = 0`)
	selectNewest = db.Statement(`SELECT ` + columns + ` FROM application
		WHERE market = $1 AND creator = $2 AND program = $3 ORDER BY no DESC LIMIT 1`)
	selectSent = db.Statement(`SELECT ` + columns + ` FROM application
		WHERE market = $1 AND creator = $2 AND program = $3 AND sent > 0 ORDER BY no DESC LIMIT 1`)
	selectOf = db.Statement(`SELECT ` + columns + ` FROM application WHERE creator = $1 ORDER BY id DESC LIMIT $2`)
)

// sealContext binds a form to its row, so that rows cannot be exchanged.
func sealContext(one id.ID) string { return "application:" + one.Text(Prefix) }

// Save keeps a draft. What was sent is never changed: the draft is then the next application. What not even a draft may
// hold is Invalid or Exhausted; an erased person's is Denied.
func Save(tx *db.Tx, ring *secret.Ring, key enrolment.Key, f Form, now time.Time) error {
	if err := key.Program.Check(); err != nil {
		return err
	}
	if err := f.bound(); err != nil {
		return err
	}
	newest, ok, err := Newest(tx, ring, key)
	if err != nil {
		return err
	}
	fresh := !ok || !newest.Sent.IsZero()
	if fresh {
		newest.ID, newest.No = id.New(now), newest.No+1
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	sealed, err := person.Seal(tx, ring, key.Creator, sealContext(newest.ID), text)
	if err != nil {
		return err
	}
	var changed int64
	if fresh {
		changed, err = tx.Exec(insertDraft, int64(newest.ID), int64(key.Market), int64(key.Creator), int64(key.Program), newest.No,
			now.UnixMicro(), sealed)
	} else {
		changed, err = tx.Exec(updateDraft, int64(newest.ID), now.UnixMicro(), sealed)
	}
	if err == nil && changed == 0 { // sent, or begun, by somebody else of the same team
		return fault.New(fault.Conflict, "", "this application was changed in another window", "open the page again")
	}
	return fault.Wrap(err, "saving an application")
}

// Newest gives the newest application, sent or not; ok is false where there is none. The form of an erased person is empty.
func Newest(tx *db.Tx, ring *secret.Ring, key enrolment.Key) (a Application, ok bool, err error) {
	return first(list(tx, ring, selectNewest, int64(key.Market), int64(key.Creator), int64(key.Program)))
}

// NewestSent gives the newest application that was sent: what reviewers go by while the next one is begun.
func NewestSent(tx *db.Tx, ring *secret.Ring, key enrolment.Key) (a Application, ok bool, err error) {
	return first(list(tx, ring, selectSent, int64(key.Market), int64(key.Creator), int64(key.Program)))
}

// Begin gives what an application begins with: its draft, else the form that was sent last in this program, else the one
// that was sent last in any: nothing is given twice.
func Begin(tx *db.Tx, ring *secret.Ring, key enrolment.Key) (Form, error) {
	newest, ok, err := Newest(tx, ring, key)
	if err != nil || ok {
		return newest.Form, err
	}
	all, err := All(tx, ring, key.Creator)
	for _, a := range all {
		if !a.Sent.IsZero() && !a.Empty() {
			return a.Form, err
		}
	}
	return Form{}, err
}

// Send freezes the draft, which must pass Check. Without a draft there is nothing to send: a Conflict.
func Send(tx *db.Tx, ring *secret.Ring, key enrolment.Key, now time.Time) (a Application, err error) {
	a, ok, err := Newest(tx, ring, key)
	switch {
	case err != nil:
		return a, err
	case !ok || !a.Sent.IsZero():
		return a, fault.New(fault.Conflict, "", "there is no application that waits to be sent", "fill it in first")
	}
	if err := a.Check(key.Program); err != nil {
		return a, err
	}
	sent, err := tx.Exec(sendDraft, int64(a.ID), now.UnixMicro())
	if err == nil && sent == 0 {
		err = fault.New(fault.Conflict, "", "this application was sent already", "look at where it stands")
	}
	a.Sent = time.UnixMicro(now.UnixMicro()).UTC()
	return a, fault.Wrap(err, "sending an application")
}

// All gives a creator's applications, newest first.
func All(tx *db.Tx, ring *secret.Ring, creator id.ID) ([]Application, error) {
	return list(tx, ring, selectOf, int64(creator), int64(maxRead))
}

func first(all []Application, err error) (a Application, ok bool, _ error) {
	if err != nil || len(all) == 0 {
		return a, false, err
	}
	return all[0], true, nil
}

func list(tx *db.Tx, ring *secret.Ring, statement *db.Stmt, args ...any) ([]Application, error) {
	var all []Application
	var sealed [][]byte
	err := tx.Each(statement, func(scan func(...any) error) error {
		var a Application
		var one, market, creator, program, saved, sent int64
		var body []byte
		err := scan(&one, &market, &creator, &program, &a.No, &saved, &sent, &body)
		a.ID, a.Saved = id.ID(one), time.UnixMicro(saved).UTC()
		a.Key = enrolment.Key{Market: uint16(market & math.MaxUint16), Creator: id.ID(creator), Program: enrolment.Program(program & math.MaxUint8)}
		if sent > 0 {
			a.Sent = time.UnixMicro(sent).UTC()
		}
		all, sealed = append(all, a), append(sealed, body)
		return err
	}, args...)
	if err != nil {
		return nil, fault.Wrap(err, "reading applications")
	}
	for i := range all {
		text, ok, err := person.Open(tx, ring, all[i].Key.Creator, sealContext(all[i].ID), sealed[i])
		if err != nil {
			return nil, fault.Wrap(err, "opening an application")
		}
		if !ok { // the person was erased: that there was an application is all that is left
			continue
		}
		if err := json.Unmarshal(text, &all[i].Form); err != nil {
			return nil, fault.Wrap(err, "reading an application")
		}
	}
	return all, nil
}
