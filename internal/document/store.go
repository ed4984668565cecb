package document

import (
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

const columns = `id, kind, number, title, body, summary, published, effective, principal`

var (
	insertVersion = db.Statement(`INSERT INTO document (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT DO NOTHING`)
	// Lists show no text: a page that names every version does not read every text.
	selectBare    = db.Statement(`SELECT id, kind, number, title, '', summary, published, effective, principal FROM document ORDER BY kind, number`)
	selectHistory = db.Statement(`SELECT ` + columns + ` FROM document WHERE kind = $1 ORDER BY number`)
	selectVersion = db.Statement(`SELECT ` + columns + ` FROM document WHERE kind = $1 AND number = $2`)
	selectByID    = db.Statement(`SELECT ` + columns + ` FROM document WHERE id = $1`)

	insertAccepted = db.Statement(`INSERT INTO document_acceptance (creator, version, principal, accepted)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`)
	selectAccepted = db.Statement(`SELECT version, creator, principal, accepted FROM document_acceptance
		WHERE creator = $1 ORDER BY version`)
	countAccepted = db.Statement(`SELECT COUNT(*) FROM document_acceptance WHERE version = $1`)
)

func list(tx *db.Tx, statement *db.Stmt, args ...any) (all []Version, err error) {
	err = tx.Each(statement, func(scan func(...any) error) error {
		var v Version
		var number, published, effective, by int64
		if err := scan(&number, &v.Kind, &v.Number, &v.Title, &v.Body, &v.Summary, &published, &effective, &by); err != nil {
			return err
		}
		v.ID, v.By = id.ID(number), id.ID(by)
		v.Published, v.Effective = time.UnixMicro(published).UTC(), time.UnixMicro(effective).UTC()
		all = append(all, v)
		return nil
	}, args...)
	return all, fault.Wrap(err, "reading documents")
}

// ofKind gives the versions of one kind out of all.
func ofKind(all []Version, kind Kind) (some []Version) {
	for _, v := range all {
		if v.Kind == kind {
			some = append(some, v)
		}
	}
	return some
}

// InForce gives the versions that are in force at an instant, one of each kind that has any, in the order of Kinds.
func InForce(tx *db.Tx, at time.Time) ([]Version, error) {
	all, err := list(tx, selectBare)
	if err != nil {
		return nil, err
	}
	var found []Version
	for _, kind := range Kinds {
		v, ok := inForce(ofKind(all, kind), at)
		if !ok {
			continue
		}
		if v, err = One(tx, kind, v.Number); err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, nil
}

// Coming gives the versions that are published and take effect after an instant, the next one first, without their texts.
// One that a later version replaces before its day is not among them.
func Coming(tx *db.Tx, at time.Time) ([]Version, error) {
	all, err := list(tx, selectBare)
	if err != nil {
		return nil, err
	}
	var found []Version
	for _, kind := range Kinds {
		some := ofKind(all, kind)
		for _, v := range some {
			if now, _ := inForce(some, v.Effective); v.Effective.After(at) && now.ID == v.ID {
				found = append(found, v)
			}
		}
	}
	return found, nil
}

// History gives every version of a document, newest first.
func History(tx *db.Tx, kind Kind) ([]Version, error) {
	all, err := list(tx, selectHistory, string(kind))
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all, err
}

// One gives a version by its number; one that does not exist is NotFound.
func One(tx *db.Tx, kind Kind, number int64) (Version, error) {
	return single(tx, selectVersion, string(kind), number)
}

func single(tx *db.Tx, statement *db.Stmt, args ...any) (Version, error) {
	found, err := list(tx, statement, args...)
	if err == nil && len(found) == 0 {
		return Version{}, fault.New(fault.NotFound, "version", "there is no such version", "choose one of the list")
	}
	if err != nil {
		return Version{}, err
	}
	return found[0], nil
}

// Missing gives the versions in force that a creator has not accepted. Agreement, policies and privacy are to be accepted;
// the rate statement is told.
func Missing(tx *db.Tx, creator id.ID, at time.Time) ([]Version, error) {
	all, err := InForce(tx, at)
	if err != nil {
		return nil, err
	}
	done, err := AcceptedBy(tx, creator)
	if err != nil {
		return nil, err
	}
	accepted := map[id.ID]bool{}
	for _, a := range done {
		accepted[a.Version] = true
	}
	var missing []Version
	for _, v := range all {
		if v.Kind.ToAccept() && !accepted[v.ID] {
			missing = append(missing, v)
		}
	}
	return missing, nil
}

// Accept notes an acceptance. Accepting again changes nothing. What is in force can be accepted, and what will be: a version
// that a later one has replaced is a Conflict.
func Accept(tx *db.Tx, a Accepted) error {
	if a.Creator == 0 || a.Principal == 0 {
		return fault.Invalidf("creator", "is missing", "say who accepts, and for which creator")
	}
	v, err := single(tx, selectByID, int64(a.Version))
	if err != nil {
		return err
	}
	if !v.Kind.ToAccept() {
		return fault.Invalidf("version", "is not accepted by anybody: it is told", "leave it out")
	}
	all, err := list(tx, selectHistory, string(v.Kind))
	if err != nil {
		return err
	}
	if now, ok := inForce(all, a.At); !v.Effective.After(a.At) && ok && now.ID != v.ID {
		return fault.New(fault.Conflict, "version", strings.ToLower(Names[v.Kind])+" has a later version by now", "read and accept that one")
	}
	_, err = tx.Exec(insertAccepted, int64(a.Creator), int64(a.Version), int64(a.Principal), a.At.UnixMicro())
	return fault.Wrap(err, "noting an acceptance")
}

// AcceptedBy gives what a creator has accepted, in the order of the versions' publication.
func AcceptedBy(tx *db.Tx, creator id.ID) (all []Accepted, err error) {
	err = tx.Each(selectAccepted, func(scan func(...any) error) error {
		var version, who, principal, at int64
		err := scan(&version, &who, &principal, &at)
		all = append(all, Accepted{id.ID(version), id.ID(who), id.ID(principal), time.UnixMicro(at).UTC()})
		return err
	}, int64(creator))
	return all, fault.Wrap(err, "reading acceptances")
}

// Count tells how many creators have accepted a version.
func Count(tx *db.Tx, version id.ID) (count int64, err error) {
	_, err = tx.One(countAccepted, []any{&count}, int64(version))
	return count, fault.Wrap(err, "counting acceptances")
}

// Prepare makes a version ready without storing it: numbered, its blanks filled in (Blanks), checked, with the instant at
// which it takes effect; without one in v, as soon as it may. One that changes what is in force and takes effect sooner than
// noticeDays later (0: DefaultNotice) is Invalid; the first version of a kind may take effect at once.
func Prepare(tx *db.Tx, v Version, noticeDays int, now time.Time) (Version, error) {
	now = now.UTC().Truncate(time.Microsecond)
	if err := v.Kind.Check(); err != nil {
		return v, err
	}
	before, err := list(tx, selectHistory, string(v.Kind))
	if err != nil {
		return v, err
	}
	v.ID, v.Published, v.Number = id.New(now), now, int64(len(before))+1
	v.Title, v.Summary = strings.TrimSpace(v.Title), unixLines(strings.TrimSpace(v.Summary))
	v.Body = strings.TrimSpace(unixLines(v.Body)) + "\n"
	if v.Number == 1 {
		v.Summary = ""
	}
	if v.Effective.IsZero() {
		v.Effective = now
		if len(before) > 0 { // no sooner than what is published already
			v.Effective = later(Earliest(now, noticeDays), before[len(before)-1].Effective)
		}
	}
	v.Effective = v.Effective.UTC().Truncate(time.Microsecond)
	blanks, err := Blanks(tx)
	if err != nil {
		return v, err
	}
	if v.Body, err = fill(v.Body, blanks); err != nil {
		return v, err
	}
	if err := v.Check(); err != nil {
		return v, err
	}
	return v, admit(v, before, noticeDays, now)
}

// Publish adds a version, as Prepare makes it.
func Publish(tx *db.Tx, v Version, noticeDays int, now time.Time) (Version, error) {
	v, err := Prepare(tx, v, noticeDays, now)
	if err != nil {
		return v, err
	}
	added, err := insert(tx, v)
	if err == nil && !added {
		err = fault.New(fault.Conflict, "kind", "somebody else has just published a version of this document", "look at it first")
	}
	return v, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func insert(tx *db.Tx, v Version) (added bool, err error) {
	changed, err := tx.Exec(insertVersion, int64(v.ID), string(v.Kind), v.Number, v.Title, v.Body, v.Summary,
		v.Published.UnixMicro(), v.Effective.UnixMicro(), int64(v.By))
	return changed > 0, fault.Wrap(err, "publishing a document")
}

// unixLines ends lines as this page of code does: forms send them as Windows has them.
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
