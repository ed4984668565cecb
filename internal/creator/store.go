package creator

import (
	"encoding/json"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/secret"
)

// maxPage bounds one page of a list.
const maxPage = 1000

var (
	insertCreator = db.Statement(`INSERT INTO creator (id, name, handle, created, routing, personal)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)
	selectMany = db.In(`SELECT id, name, handle, created, routing FROM creator WHERE id IN ($LIST)`)
	selectPage = db.Statement(`SELECT id, name, handle, created, routing FROM creator WHERE id > $1 ORDER BY id LIMIT $2`)
	selectHand = db.Statement(`SELECT id, name, handle, created, routing FROM creator WHERE handle = $1`)
	// Small letters on both sides fold only ASCII alike on the two engines: good enough to find a name as it is typed.
	selectLike = db.Statement(`SELECT id, name, handle, created, routing FROM creator
		WHERE lower(name) LIKE $1 ESCAPE '!' OR handle LIKE $1 ESCAPE '!' ORDER BY id LIMIT $2`)
	selectSealed  = db.Statement(`SELECT personal FROM creator WHERE id = $1`)
	updateSealed  = db.Statement(`UPDATE creator SET personal = $2 WHERE id = $1`)
	updateRouting = db.Statement(`UPDATE creator SET routing = $2 WHERE id = $1`)
	insertFacts   = db.Bulk("TEXT BYTEA BIGINT",
		`INSERT INTO creator_fact (kind, hash, creator) VALUES $ROWS ON CONFLICT DO NOTHING`)
	selectOwners = db.In(`SELECT kind, hash, creator FROM creator_fact WHERE kind = $1 AND hash IN ($LIST)`)
)

func notFound() error {
	return fault.New(fault.NotFound, "creator", "there is no such creator", "check the id")
}

const personalPurpose = "creator-personal"

// sealContext binds what is personal to its row, so that rows cannot be exchanged.
func sealContext(creator id.ID) string { return "creator:" + creator.Text(id.Creator) + ":personal" }

// Create makes an account, with the facts that follow from what is personal. A handle that is taken is a Conflict.
func Create(tx *db.Tx, ring *secret.Ring, c Creator, personal Personal) error {
	if err := c.Check(); err != nil {
		return err
	}
	if gone, err := retired(tx, ring, c.Handle); err != nil {
		return err
	} else if gone {
		return taken()
	}
	sealed, err := seal(ring, c.ID, personal)
	if err != nil {
		return err
	}
	added, err := tx.Exec(insertCreator, int64(c.ID), c.Name, c.Handle, c.Created.UnixMicro(), string(c.Routing), sealed)
	if err != nil {
		return fault.Wrap(err, "saving a creator")
	}
	if added == 0 {
		return taken()
	}
	return AddFacts(tx, c.ID, personal.Facts(ring))
}

func seal(ring *secret.Ring, creator id.ID, personal Personal) ([]byte, error) {
	text, err := json.Marshal(personal)
	if err != nil {
		return nil, err
	}
	return ring.Seal(personalPurpose, sealContext(creator), text), nil
}

// Facts gives the hashes by which purchases of one's own are seen, by kind.
func (p Personal) Facts(ring *secret.Ring) map[string][]byte {
	facts := map[string][]byte{}
	for kind, text := range map[string]string{FactEmail: p.Email, FactAddress: p.Address, FactCustomer: p.Customer} {
		if hash := Fact(ring, kind, text); hash != nil {
			facts[kind] = hash
		}
	}
	return facts
}

// AddFacts remembers facts of a creator, by kind; those known already stay.
func AddFacts(tx *db.Tx, creator id.ID, facts map[string][]byte) error {
	rows := make([][]any, 0, len(facts))
	for _, kind := range []string{FactAddress, FactCustomer, FactDevice, FactEmail, FactHousehold, FactPayment} {
		if hash := facts[kind]; hash != nil {
			rows = append(rows, []any{kind, hash, int64(creator)})
		}
	}
	_, err := tx.Bulk(insertFacts, rows)
	return fault.Wrap(err, "saving a creator's facts")
}

// Owners tells which creators have those facts of one kind: hash, as text of its bytes, to creators.
func Owners(tx *db.Tx, kind string, hashes [][]byte) (map[string][]id.ID, error) {
	keys := make([]any, len(hashes))
	for i, hash := range hashes {
		keys[i] = hash
	}
	owners := map[string][]id.ID{}
	err := tx.In(selectOwners, keys, func(scan func(...any) error) error {
		var found string
		var hash []byte
		var creator int64
		err := scan(&found, &hash, &creator)
		owners[string(hash)] = append(owners[string(hash)], id.ID(creator))
		return err
	}, kind)
	return owners, fault.Wrap(err, "reading creators' facts")
}

// Find reads creators by id; those that do not exist are left out.
func Find(tx *db.Tx, ids []id.ID) (map[id.ID]Creator, error) {
	keys := make([]any, len(ids))
	for i, one := range ids {
		keys[i] = int64(one)
	}
	found := make(map[id.ID]Creator, len(ids))
	err := tx.In(selectMany, keys, func(scan func(...any) error) error {
		c, err := read(scan)
		found[c.ID] = c
		return err
	})
	return found, fault.Wrap(err, "reading creators")
}

// One reads one creator.
func One(tx *db.Tx, creator id.ID) (Creator, error) {
	found, err := Find(tx, []id.ID{creator})
	if err != nil {
		return Creator{}, err
	}
	c, ok := found[creator]
	if !ok {
		return Creator{}, notFound()
	}
	return c, nil
}

// ByHandle reads the creator of a handle, which is compared without case.
func ByHandle(tx *db.Tx, handle string) (Creator, error) {
	list, err := list(tx, selectHand, strings.ToLower(strings.TrimSpace(handle)))
	if err != nil {
		return Creator{}, err
	}
	if len(list) == 0 {
		return Creator{}, notFound()
	}
	return list[0], nil
}

// All gives a page of the creators by id. after is the last id of the page before, zero for the first.
func All(tx *db.Tx, after id.ID, limit int) ([]Creator, error) {
	return list(tx, selectPage, int64(after), int64(min(max(limit, 1), maxPage)))
}

// Search finds creators whose name or handle holds the text.
func Search(tx *db.Tx, text string, limit int) ([]Creator, error) {
	pattern := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_",
		"!_").Replace(strings.ToLower(strings.TrimSpace(text))) + "%"
	return list(tx, selectLike, pattern, int64(min(max(limit, 1), maxPage)))
}

func list(tx *db.Tx, statement *db.Stmt, args ...any) ([]Creator, error) {
	var all []Creator
	err := tx.Each(statement, func(scan func(...any) error) error {
		c, err := read(scan)
		all = append(all, c)
		return err
	}, args...)
	return all, fault.Wrap(err, "reading creators")
}

func read(scan func(...any) error) (Creator, error) {
	var c Creator
	var creator, created int64
	var routing string
	err := scan(&creator, &c.Name, &c.Handle, &created, &routing)
	c.ID, c.Created, c.Routing = id.ID(creator), time.UnixMicro(created).UTC(), market.Preference(routing)
	return c, err
}

// FindPersonal opens what is personal of one creator.
func FindPersonal(tx *db.Tx, ring *secret.Ring, creator id.ID) (Personal, error) {
	var sealed []byte
	found, err := tx.One(selectSealed, []any{&sealed}, int64(creator))
	if err != nil {
		return Personal{}, fault.Wrap(err, "reading a creator's personal data")
	}
	if !found {
		return Personal{}, notFound()
	}
	text, err := ring.Open(personalPurpose, sealContext(creator), sealed)
	if err != nil {
		return Personal{}, fault.Wrap(err, "opening a creator's personal data")
	}
	var personal Personal
	return personal, json.Unmarshal(text, &personal)
}

// SavePersonal replaces what is personal. Facts of before stay: a purchase under the old address is one's own too.
func SavePersonal(tx *db.Tx, ring *secret.Ring, creator id.ID, personal Personal) error {
	sealed, err := seal(ring, creator, personal)
	if err != nil {
		return err
	}
	changed, err := tx.Exec(updateSealed, int64(creator), sealed)
	if err != nil {
		return fault.Wrap(err, "saving a creator's personal data")
	}
	if changed == 0 {
		return notFound()
	}
	return AddFacts(tx, creator, personal.Facts(ring))
}

// SetRouting changes how the creator's visitors from other countries are routed.
func SetRouting(tx *db.Tx, creator id.ID, routing market.Preference) error {
	if err := routing.Check(); err != nil {
		return err
	}
	changed, err := tx.Exec(updateRouting, int64(creator), string(routing))
	if err != nil {
		return fault.Wrap(err, "saving a creator's routing")
	}
	if changed == 0 {
		return notFound()
	}
	return event.Changed(tx, event.FeedCreator, creator.Text(id.Creator))
}
