package site

import (
	"encoding/json"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

const (
	keptReports = 5  // of each site
	maxOwners   = 50 // sites that Owners gives
)

const columns = `id, creator, address, kind, state, method, token, added, proved, report, removed`

var (
	insertSite = db.Statement(`INSERT INTO site (id, creator, address, root, key, kind, state, method, token, added, proved,
		reported, report, removed) VALUES ($1, $2, $3, $4, $5, $6, 'pending', '', $7, $8, 0, 0, '', 0) ON CONFLICT DO NOTHING`)
	removeSite = db.Statement(`UPDATE site SET removed = $3 WHERE id = $1 AND creator = $2 AND removed = 0`)
	proveSite  = db.Statement(`UPDATE site SET state = 'proved', method = $2, proved = $3
		WHERE id = $1 AND removed = 0 AND state <> 'rejected'`)
	rejectSite = db.Statement(`UPDATE site SET state = 'rejected' WHERE id = $1 AND removed = 0`)
	// A report that comes late does not take the place of a newer one.
	reportSite = db.Statement(`UPDATE site SET reported = $2, report = $3 WHERE id = $1 AND reported <= $2`)

	insertOwner = db.Statement(`INSERT INTO site_owner (key, site, creator) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`)
	moveOwner   = db.Statement(`UPDATE site_owner SET site = $2 WHERE key = $1 AND creator = $3`)
	deleteOwner = db.Statement(`DELETE FROM site_owner WHERE key = $1 AND site = $2`)
	selectOwner = db.Statement(`SELECT creator FROM site_owner WHERE key = $1`)

	insertReport = db.Statement(`INSERT INTO site_report (site, at, body) VALUES ($1, $2, $3)
		ON CONFLICT (site, at) DO UPDATE SET body = excluded.body`)
	pruneReports = db.Statement(`DELETE FROM site_report WHERE site = $1 AND at NOT IN
		(SELECT at FROM site_report WHERE site = $1 ORDER BY at DESC LIMIT $2)`)
	selectReports = db.Statement(`SELECT body FROM site_report WHERE site = $1 ORDER BY at DESC`)

	// What is left of a person who was erased: that there was a site, and when.
	forgetReports = db.Statement(`DELETE FROM site_report WHERE site IN (SELECT id FROM site WHERE creator = $1)`)
	forgetOwner   = db.Statement(`DELETE FROM site_owner WHERE creator = $1`)
	forgetSites   = db.Statement(`UPDATE site SET address = '', root = '', key = '', token = '', report = '', removed =
		CASE WHEN removed = 0 THEN CAST($2 AS BIGINT) ELSE removed END WHERE creator = $1`)

	selectSite = db.Statement(`SELECT ` + columns + ` FROM site WHERE id = $1`)
	selectKey  = db.Statement(`SELECT ` + columns + ` FROM site WHERE creator = $1 AND key = $2 AND removed = 0`)
	selectOf   = db.Statement(`SELECT ` + columns + ` FROM site WHERE creator = $1 AND removed = 0 ORDER BY id`)
	selectPast = db.Statement(`SELECT ` + columns + ` FROM site WHERE creator = $1 ORDER BY id`)
	selectRoot = db.Statement(`SELECT ` + columns + ` FROM site WHERE root = $1 AND removed = 0 ORDER BY id LIMIT $2`)
	countOf    = db.Statement(`SELECT COUNT(*) FROM site WHERE creator = $1 AND removed = 0`)
)

// Add names a site. An address that another creator has proved is a Conflict. One that is on the creator's list already is
// given as it stands there; as another kind it is a Conflict. More than MaxSites are Exhausted.
func Add(tx *db.Tx, ring *secret.Ring, creator id.ID, address string, kind Kind, now time.Time) (Site, error) {
	p, err := parse(address)
	if err != nil {
		return Site{}, err
	}
	if err := checkKind(p, kind); err != nil {
		return Site{}, err
	}
	before, err := list(tx, selectKey, int64(creator), p.key())
	if err != nil {
		return Site{}, err
	}
	if len(before) > 0 {
		return sameKind(before[0], kind)
	}
	if err := checkOwner(tx, p.key(), creator); err != nil {
		return Site{}, err
	}
	var count int64
	if _, err := tx.One(countOf, []any{&count}, int64(creator)); err != nil {
		return Site{}, fault.Wrap(err, "counting sites")
	}
	if count >= MaxSites {
		return Site{}, fault.New(fault.Exhausted, "address", "is one more than the 50 that a list may hold",
			"remove another first")
	}
	s := Site{ID: id.New(now), Creator: creator, Address: p.String(), Kind: kind, State: Pending,
		Token: Token(ring, creator, p.root()), Added: now.UTC().Truncate(time.Microsecond)}
	changed, err := tx.Exec(insertSite, int64(s.ID), int64(creator), s.Address, p.root(), p.key(), string(kind), s.Token,
		now.UnixMicro())
	if err == nil && changed == 0 { // the same was added a moment ago
		if before, err = list(tx, selectKey, int64(creator), p.key()); err == nil && len(before) > 0 {
			return sameKind(before[0], kind)
		}
		err = fault.New(fault.Unavailable, "", "the list has changed meanwhile", "try again")
	}
	return s, fault.Wrap(err, "adding a site")
}

func sameKind(s Site, kind Kind) (Site, error) {
	if s.Kind != kind {
		return Site{}, fault.New(fault.Conflict, "kind", "is another than on your list", "remove the address there, and add it again")
	}
	return s, nil
}

// checkOwner refuses what another creator has proved, and tells nothing of them.
func checkOwner(tx *db.Tx, key string, creator id.ID) error {
	var owner int64
	found, err := tx.One(selectOwner, []any{&owner}, key)
	if err == nil && found && id.ID(owner) != creator {
		err = owned()
	}
	return fault.Wrap(err, "looking for the owner of a site")
}

func owned() error {
	return fault.New(fault.Conflict, "address", "was proved by another account",
		"sign in with that account, or write to the support")
}

// Remove takes a site away from a creator's list; its history stays. Another creator may prove the address from then on.
func Remove(tx *db.Tx, creator, one id.ID, now time.Time) error {
	s, err := One(tx, one)
	if err != nil || s.Creator != creator || !s.Removed.IsZero() {
		return notFoundOr(err)
	}
	changed, err := tx.Exec(removeSite, int64(one), int64(creator), now.UnixMicro())
	if err != nil || changed == 0 {
		return notFoundOr(err)
	}
	_, err = tx.Exec(deleteOwner, split(s.Address).key(), int64(one))
	return fault.Wrap(err, "removing a site")
}

func notFoundOr(err error) error {
	if err == nil {
		err = fault.New(fault.NotFound, "site", "there is no such site", "check the id")
	}
	return err
}

// Of gives the sites of a creator that were not removed, oldest first.
func Of(tx *db.Tx, creator id.ID) ([]Site, error) { return list(tx, selectOf, int64(creator)) }

// Past gives all sites that a creator ever named, also those that were removed, oldest first.
func Past(tx *db.Tx, creator id.ID) ([]Site, error) { return list(tx, selectPast, int64(creator)) }

// One reads a site, also one that was removed.
func One(tx *db.Tx, one id.ID) (Site, error) {
	found, err := list(tx, selectSite, int64(one))
	if err != nil || len(found) == 0 {
		return Site{}, notFoundOr(err)
	}
	return found[0], nil
}

// Owners gives the sites on the same host as an address, whoever names them: for seeing duplicate people. Where many people
// have a place on one host (`host/~ada`, `host/~bob`), those beside the address's own are left out. At most 50 are given.
func Owners(tx *db.Tx, address string) ([]Site, error) {
	p, err := parse(address)
	if err != nil {
		return nil, err
	}
	found, err := list(tx, selectRoot, p.root(), maxRows)
	near := found[:0]
	for _, s := range found {
		if other := split(s.Address); (under(other.path, p.path) || under(p.path, other.path)) && len(near) < maxOwners {
			near = append(near, s)
		}
	}
	return near, err
}

// maxRows bounds what is read of a host that many people share.
const maxRows = 2000

// SaveProof notes that a site is its creator's own. What another creator has proved meanwhile is a Conflict, and so is what
// was rejected.
func SaveProof(tx *db.Tx, one id.ID, method Method, now time.Time) error {
	s, err := One(tx, one)
	if err != nil || !s.Removed.IsZero() {
		return notFoundOr(err)
	}
	if method != File && method != Meta && method != DNS && method != Connected {
		return fault.Invalidf("method", "is not a way to prove a site", "choose file, meta, dns or oauth")
	}
	if s.State == Rejected {
		return fault.New(fault.Conflict, "site", "was rejected by a reviewer", "write to the support")
	}
	// Proved again, perhaps by other means, the newest proof stands.
	key := split(s.Address).key()
	// The key of this table decides who was first; a conflict that were an error would end the whole transaction.
	changed, err := tx.Exec(insertOwner, key, int64(one), int64(s.Creator))
	if err == nil && changed == 0 { // somebody's already: perhaps this creator's, by a row that was removed or this very one
		if changed, err = tx.Exec(moveOwner, key, int64(one), int64(s.Creator)); err == nil && changed == 0 {
			err = owned()
		}
	}
	if err != nil {
		return fault.Wrap(err, "noting whose a site is")
	}
	changed, err = tx.Exec(proveSite, int64(one), string(method), now.UnixMicro())
	if err == nil && changed == 0 {
		err = fault.New(fault.Conflict, "site", "has changed meanwhile", "look at it again")
	}
	return fault.Wrap(err, "noting the proof of a site")
}

// Reject marks a site as one that a reviewer does not accept. It cannot be proved again.
func Reject(tx *db.Tx, one id.ID) error {
	s, err := One(tx, one)
	if err != nil {
		return err
	}
	changed, err := tx.Exec(rejectSite, int64(one))
	if err != nil || changed == 0 {
		return notFoundOr(err)
	}
	_, err = tx.Exec(deleteOwner, split(s.Address).key(), int64(one))
	return fault.Wrap(err, "rejecting a site")
}

// Forget takes the addresses of a creator who is erased, and what was seen there, out of the rows. Doing it again changes
// nothing.
func Forget(tx *db.Tx, creator id.ID, now time.Time) error {
	if _, err := tx.Exec(forgetReports, int64(creator)); err != nil {
		return fault.Wrap(err, "forgetting reports")
	}
	if _, err := tx.Exec(forgetOwner, int64(creator)); err != nil {
		return fault.Wrap(err, "forgetting whose a site was")
	}
	_, err := tx.Exec(forgetSites, int64(creator), now.UnixMicro())
	return fault.Wrap(err, "forgetting sites")
}

// SaveReport keeps what the crawler saw: as the newest on the site, and among the newest five.
func SaveReport(tx *db.Tx, one id.ID, r Report) error {
	// A look may end after its site was removed, or its creator erased: of those nothing is kept.
	if s, err := One(tx, one); err != nil || s.Address == "" {
		return err
	}
	r.bound()
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	at := r.At.UnixMicro()
	if _, err := tx.Exec(reportSite, int64(one), at, string(body)); err != nil {
		return fault.Wrap(err, "keeping a report")
	}
	if _, err := tx.Exec(insertReport, int64(one), at, string(body)); err != nil {
		return fault.Wrap(err, "keeping a report")
	}
	_, err = tx.Exec(pruneReports, int64(one), keptReports)
	return fault.Wrap(err, "dropping old reports")
}

// Reports gives the reports of a site that are kept, newest first.
func Reports(tx *db.Tx, one id.ID) (all []Report, err error) {
	err = tx.Each(selectReports, func(scan func(...any) error) error {
		var body string
		var r Report
		if err := scan(&body); err != nil {
			return err
		}
		all = append(all, r)
		return json.Unmarshal([]byte(body), &all[len(all)-1])
	}, int64(one))
	return all, fault.Wrap(err, "reading the reports of a site")
}

func list(tx *db.Tx, statement *db.Stmt, args ...any) (all []Site, err error) {
	err = tx.Each(statement, func(scan func(...any) error) error {
		var s Site
		var number, creator, added, proved, removed int64
		var report string
		if err := scan(&number, &creator, &s.Address, &s.Kind, &s.State, &s.Method, &s.Token, &added, &proved, &report,
			&removed); err != nil {
			return err
		}
		s.ID, s.Creator = id.ID(number), id.ID(creator)
		s.Added, s.Proved, s.Removed = instant(added), instant(proved), instant(removed)
		if report != "" {
			s.Report = new(Report)
			if err := json.Unmarshal([]byte(report), s.Report); err != nil {
				return err
			}
		}
		all = append(all, s)
		return nil
	}, args...)
	return all, fault.Wrap(err, "reading sites")
}

func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
