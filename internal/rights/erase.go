package rights

import (
	"context"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/auth/oidc"
	"tributary/internal/claim"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/notice"
	"tributary/internal/person"
	"tributary/internal/secret"
	"tributary/internal/site"
)

// Reason is why an enrolment of somebody who was erased is closed.
const Reason = "erased"

// Stays tells what an erasure leaves, as whoever asks for one reads it, and as the last message says it.
const Stays = "The ledger, decisions about order lines, and that documents were accepted stay, without your name, as the law on accounts asks."

var (
	insertErasure = db.Statement(`INSERT INTO erasure (creator, asked_by, begun, done) VALUES ($1, $2, $3, 0) ON CONFLICT (creator) DO NOTHING`)
	selectErasure = db.Statement(`SELECT asked_by, begun, done FROM erasure WHERE creator = $1`)
	selectOpen    = db.Statement(`SELECT creator FROM erasure WHERE done = 0 ORDER BY creator`)
	endErasure    = db.Statement(`UPDATE erasure SET done = $2 WHERE creator = $1 AND done = 0`)

	// What no room forgets by itself: seats of others in the account, and who may act for it; words that people chose.
	deleteSeats       = db.Statement(`DELETE FROM seat WHERE account = $1`)
	deleteGrants      = db.Statement(`DELETE FROM agency_grant WHERE creator = $1`)
	deleteInvitations = db.Statement(`DELETE FROM invitation WHERE account = $1`)
	nameTokens        = db.Statement(`UPDATE api_token SET name = 'erased' WHERE creator = $1 AND creator <> 0`)
	emptySites        = db.Statement(`UPDATE site SET address = '', root = '', key = '', token = '', report = '' WHERE creator = $1`)
	deleteReports     = db.Statement(`DELETE FROM site_report WHERE site IN (SELECT id FROM site WHERE creator = $1)`)
	deleteOwned       = db.Statement(`DELETE FROM site_owner WHERE creator = $1`)
	deleteReview      = db.Statement(`DELETE FROM review WHERE creator = $1`)
	deleteDrafts      = db.Statement(`DELETE FROM application WHERE creator = $1 AND sent = 0`)
	deleteLetters     = db.Statement(`DELETE FROM mailbox WHERE creator = $1 AND creator <> 0`)
	deleteOwnLetters  = db.Statement(`DELETE FROM mailbox WHERE principal = $1 AND principal <> 0`)
	deleteSwitches    = db.Statement(`DELETE FROM notice_switch WHERE principal = $1`)
)

// erasing is an erasure while it is done.
type erasing struct {
	ctx  context.Context
	db   *db.DB
	ring *secret.Ring
	who  subject
	by   string
	now  time.Time
}

// Erase takes the person out of an account, and closes it: `by` (`us_…`) has asked for it. Money that is due is forgone, which
// whoever asks confirms by forgo: without it, it is a Conflict. What was cut off is gone on with, by calling it again; once it
// is done, calling it again changes nothing. now is business time.
func Erase(ctx context.Context, d *db.DB, ring *secret.Ring, one id.ID, by string, forgo bool, now time.Time) error {
	e := &erasing{ctx: ctx, db: d, ring: ring, by: by, now: now}
	begun, err := e.begin(one, forgo)
	if err != nil || !begun {
		return err
	}
	return e.run(len(steps))
}

// Resume goes on with all erasures that were begun and cut off. It gives how many it ended.
func Resume(ctx context.Context, d *db.DB, ring *secret.Ring, now time.Time) (done int, err error) {
	var open []id.ID
	if err := d.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(selectOpen, func(scan func(...any) error) error {
			var one int64
			err := scan(&one)
			open = append(open, id.ID(one))
			return err
		})
	}); err != nil {
		return 0, fault.Wrap(err, "reading erasures")
	}
	for _, one := range open {
		if err := Erase(ctx, d, ring, one, journal.System, true, now); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// begin notes that the erasure was asked for; begun is false where it is done already.
func (e *erasing) begin(one id.ID, forgo bool) (begun bool, err error) {
	err = e.write(func(tx *db.Tx) error {
		if e.who, err = find(tx, one); err != nil {
			return err
		}
		if _, err := creator.One(tx, one); err != nil {
			return err
		}
		var by string
		var since, done int64
		known, err := tx.One(selectErasure, []any{&by, &since, &done}, int64(one))
		if err != nil {
			return fault.Wrap(err, "looking for an erasure")
		}
		if begun = done == 0; known {
			e.by = by
			return nil
		}
		if err := e.forgone(tx, forgo); err != nil {
			return err
		}
		if _, err := tx.Exec(insertErasure, int64(one), e.by, e.now.UnixMicro()); err != nil {
			return fault.Wrap(err, "noting an erasure")
		}
		return journal.Add(tx, e.ring, journal.Entry{At: e.now, Actor: e.by, Action: "person.erasure_begun", Subject: e.who.name()})
	})
	return begun, err
}

// forgone refuses an erasure while there is money that somebody would have to be paid.
func (e *erasing) forgone(tx *db.Tx, forgo bool) error {
	if forgo {
		return nil
	}
	due, err := DueOf(tx, e.who.creator)
	if err != nil {
		return err
	}
	for _, d := range due {
		if d.Total() > 0 {
			return fault.New(fault.Conflict, "forgo", "money is due to this account in "+d.Market.Name+", and nobody can be paid once it is erased",
				"have it paid first, or confirm that it is forgone")
		}
	}
	return nil
}

// steps are what an erasure does, each in transactions of its own and each bearing to be done again. First nobody can act for
// the account any more; the keys go last, since whatever is added meanwhile goes with them.
var steps = []func(*erasing) error{(*erasing).part, (*erasing).leave, (*erasing).lock, (*erasing).unlink, (*erasing).forget, (*erasing).finish}

// run does the first so many steps.
func (e *erasing) run(upto int) error {
	for _, step := range steps[:upto] {
		if err := step(e); err != nil {
			return fault.Wrap(err, "erasing a person")
		}
	}
	return nil
}

func (e *erasing) write(fn func(*db.Tx) error) error { return e.db.Write(e.ctx, db.Background, fn) }

// all runs statements whose one value is whoever they are about.
func all(tx *db.Tx, of id.ID, statements ...*db.Stmt) error {
	for _, s := range statements {
		if _, err := tx.Exec(s, int64(of)); err != nil {
			return fault.Wrap(err, "removing what was personal")
		}
	}
	return nil
}

// part sends the last message, while there is an address to send it to.
func (e *erasing) part() error {
	return e.write(func(tx *db.Tx) error {
		for _, one := range e.who.people {
			email, verified, ok, err := credential.VerifiedEmail(tx, e.ring, one)
			if err != nil {
				return err
			}
			if !ok || !verified {
				continue
			}
			if err := notice.Send(tx, e.ring, notice.Notice{Event: "data.erased", Principal: one, At: e.now, Key: e.who.name(),
				Facts: map[string]string{"kept": Stays}, To: email}); err != nil {
				return err
			}
		}
		return nil
	})
}

// leave ends, in each marketplace, what the account is in: enrolments, coupons, questions that are open.
func (e *erasing) leave() error {
	var markets []market.Market
	if err := e.db.Read(e.ctx, func(tx *db.Tx) (err error) { markets, err = market.All(tx); return err }); err != nil {
		return err
	}
	for _, m := range markets {
		if err := e.db.Lane(e.ctx, db.Background, e.now, []int64{m.Lane()}, func(tx *db.Tx) error { return e.leaveMarket(tx, m) }); err != nil {
			return err
		}
	}
	return nil
}

func (e *erasing) leaveMarket(tx *db.Tx, m market.Market) error {
	if err := claim.Forget(tx, person.Keys{Ring: e.ring}, m.No, e.who.creator, e.by); err != nil {
		return err
	}
	coupons, err := link.CouponsOf(tx, e.who.creator)
	if err != nil {
		return err
	}
	for _, c := range coupons {
		if c.Market == m.No {
			if err := link.EndCoupon(tx, c.Market, c.Code, tx.Now()); err != nil {
				return err
			}
		}
	}
	histories, err := enrolment.Standings(tx, m.No, []id.ID{e.who.creator})
	if err != nil {
		return err
	}
	for _, program := range []enrolment.Program{enrolment.Associates, enrolment.Influencer, enrolment.Connections} {
		key := enrolment.Key{Market: m.No, Creator: e.who.creator, Program: program}
		if err := e.close(tx, key, histories[key]); err != nil {
			return err
		}
	}
	return nil
}

// close ends an enrolment that is open. One that ended, or was declined, stays as it is.
func (e *erasing) close(tx *db.Tx, key enrolment.Key, history enrolment.History) error {
	if len(history) == 0 {
		return nil
	}
	newest := history[len(history)-1]
	if newest.Reason == enrolment.ReasonOver && len(history) > 1 && newest.Since.After(tx.Now()) {
		newest = history[len(history)-2] // an end by the clock that is yet to come: this one forestalls it
	}
	if !enrolment.May(newest.State, enrolment.Closed) {
		return nil
	}
	at := tx.Now()
	if !at.After(newest.Since) {
		at = newest.Since.Add(time.Microsecond) // decided to begin later: it ends as it begins
	}
	// Nobody is told: there will be nobody to tell.
	return enrolment.SaveTold(tx, key, enrolment.Standing{Since: at, State: enrolment.Closed, Reason: Reason})
}

// lock ends whatever opens a door: seats, tokens, ways to sign in, devices. People who have a seat elsewhere keep theirs.
func (e *erasing) lock() error {
	return e.write(func(tx *db.Tx) error {
		if err := auth.RevokeAll(tx, e.who.creator, e.now); err != nil {
			return err
		}
		for _, one := range e.who.people {
			for _, forget := range []func() error{
				func() error { return credential.Forget(tx, one) }, func() error { return oidc.Forget(tx, one) },
				func() error { return auth.Forget(tx, one, e.now) }, func() error { return all(tx, one, deleteSwitches, deleteOwnLetters) },
				// Their key goes with them, since nothing leads from the account to them after this.
				func() error { return person.Erase(tx, one, e.now) },
			} {
				if err := forget(); err != nil {
					return err
				}
			}
		}
		if err := credential.EndPIN(tx, e.who.creator); err != nil {
			return err
		}
		return all(tx, e.who.creator, deleteSeats, deleteGrants, deleteInvitations, nameTokens)
	})
}

// unlink takes the creator's words out of tags and links, a page at a time. Where links lead stays.
func (e *erasing) unlink() error {
	if err := e.write(func(tx *db.Tx) error { return link.ForgetTags(tx, e.who.creator, e.now.UnixMicro()) }); err != nil {
		return err
	}
	for before, more := id.ID(0), true; more; more = before != 0 {
		var last id.ID
		if err := e.write(func(tx *db.Tx) (err error) { last, err = link.ForgetLinks(tx, e.who.creator, before); return err }); err != nil {
			return err
		}
		before = last
	}
	return nil
}

// forget empties what is said about the person.
func (e *erasing) forget() error {
	return e.write(func(tx *db.Tx) error {
		sites, err := site.Of(tx, e.who.creator)
		if err != nil {
			return err
		}
		for _, s := range sites {
			if err := site.Remove(tx, e.who.creator, s.ID, e.now); err != nil {
				return err
			}
		}
		if err := network.Forget(tx, e.who.creator, e.now); err != nil {
			return err
		}
		if err := all(tx, e.who.creator, deleteReports, deleteOwned, emptySites, deleteReview, deleteDrafts, deleteLetters); err != nil {
			return err
		}
		return creator.Forget(tx, e.ring, e.who.creator)
	})
}

// finish destroys the key, under which the rest is sealed: applications, messages, claims, entries of the journal.
func (e *erasing) finish() error {
	return e.write(func(tx *db.Tx) error {
		if err := person.Erase(tx, e.who.creator, e.now); err != nil {
			return err
		}
		ended, err := tx.Exec(endErasure, int64(e.who.creator), e.now.UnixMicro())
		if err != nil || ended == 0 {
			return fault.Wrap(err, "ending an erasure")
		}
		return journal.Add(tx, e.ring, journal.Entry{At: e.now, Actor: e.by, Action: "person.erased", Subject: e.who.name()})
	})
}
