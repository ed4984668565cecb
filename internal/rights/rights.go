// Package rights answers two rights of a person: to have all that is kept about them, as a file that a program can read, and to
// be erased.
//
// What must always hold: an export holds everything that names the person or is about them, and nothing of anybody else's; it
// is written page by page, in the same order each time; no cell of it is a formula. An erasure takes away whoever the
// decisions were about and leaves the decisions: the ledger, the journal and every sum stay as they were. It can be cut off at
// any point and done again; once it is done, what was sealed for the person opens nowhere.
//
// It owns no row but the note that an erasure was begun: each room forgets what is its own, where it can say how.
package rights

import (
	"time"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
)

// Kept is one kind of data that is kept about a person.
type Kept struct {
	File  string // in the export
	About string // in plain words
	Count int64  // rows; -1 where they are not counted
}

// Summary tells what is kept about a creator, in the order of the export's files.
func Summary(tx *db.Tx, creator id.ID) ([]Kept, error) {
	who, err := find(tx, creator)
	if err != nil {
		return nil, err
	}
	var all []Kept
	for _, p := range parts() {
		k := Kept{File: p.file, About: p.about, Count: -1}
		switch {
		case p.table != nil:
			k.Count, err = p.table.count(tx, who)
		case p.counted != nil:
			_, err = tx.One(p.counted, []any{&k.Count}, int64(creator))
		}
		if err != nil {
			return nil, fault.Wrap(err, "counting what is kept")
		}
		all = append(all, k)
	}
	return all, nil
}

// Due is money of a creator's in one marketplace, minor units of its currency.
type Due struct {
	Market  market.Market
	Payable int64 // would be paid with the next run
	Coming  int64 // pending, earned, withheld or in payment
}

// Total is all of it.
func (d Due) Total() int64 { return d.Payable + d.Coming }

// DueOf gives the marketplaces in which something is due to a creator, or owed by them.
func DueOf(tx *db.Tx, creator id.ID) (all []Due, err error) {
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	for _, m := range markets {
		prefix := "creator/" + creator.Text(id.Creator) + "/" + m.ID + "/"
		entries, err := ledger.Under(tx, prefix)
		if err != nil {
			return nil, err
		}
		d := Due{Market: m}
		for _, e := range entries {
			if string(e.Account) == prefix+"payable" {
				d.Payable += e.Balance
			} else {
				d.Coming += e.Balance
			}
		}
		if d.Payable != 0 || d.Coming != 0 {
			all = append(all, d)
		}
	}
	return all, nil
}

// subject is whose data it is: the account, and the people who act for it and for no other one.
type subject struct {
	creator id.ID
	people  []id.ID // principals, by id
}

func (s subject) name() string { return s.creator.Text(id.Creator) }

var selectPeople = db.Statement(`SELECT p.id FROM principal p WHERE (p.creator = $1
	OR p.id IN (SELECT s.principal FROM seat s WHERE s.account = $1)) AND p.creator IN (0, $1)
	AND NOT EXISTS (SELECT 1 FROM seat o WHERE o.principal = p.id AND o.account <> $1)
	AND p.role NOT IN ('admin', 'reviewer', 'finance', 'support', 'auditor') ORDER BY p.id`)

// find reads whose data an account's is. A person who has a seat elsewhere, too, has data of their own there.
func find(tx *db.Tx, creator id.ID) (s subject, err error) {
	if creator == 0 {
		return s, fault.New(fault.NotFound, "creator", "there is no such creator", "check the id")
	}
	s.creator = creator
	err = tx.Each(selectPeople, func(scan func(...any) error) error {
		var one int64
		err := scan(&one)
		s.people = append(s.people, id.ID(one))
		return err
	}, int64(creator))
	return s, fault.Wrap(err, "reading who acts for a creator")
}

// instant reads a stored time; empty where there is none.
func instant(micro int64) string {
	if micro == 0 {
		return ""
	}
	return time.UnixMicro(micro).UTC().Format(time.RFC3339Nano)
}

// person names somebody as the journal does.
func personName(one id.ID) string { return one.Text(auth.Prefix) }
