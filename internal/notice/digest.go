package notice

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/market"
)

var (
	selectDigest = db.Statement(`SELECT due FROM notice_digest WHERE principal = $1`)
	selectWaits  = db.Statement(`SELECT notice FROM notice_mail WHERE principal = $1 AND state = 'digest' AND at <= $2
		ORDER BY notice LIMIT $3`)
	nextWaits    = db.Statement(`SELECT COALESCE(MIN(at), 0) FROM notice_mail WHERE principal = $1 AND state = 'digest'`)
	deleteDigest = db.Statement(`DELETE FROM notice_digest WHERE principal = $1`)
	selectDue    = db.Statement(`SELECT principal, due FROM notice_digest WHERE due <= $1 AND (due > $2 OR due = $2 AND principal > $3)
		ORDER BY due, principal LIMIT $4`)
)

// Digest sends somebody all that has waited for it, in one letter.
func (p *Post) Digest(ctx context.Context, j job.Job) error {
	principal, err := id.Parse("principal", auth.Prefix, j.Key)
	if err != nil {
		return fault.New(fault.Invalid, "", "this job names nobody", "let it be").Because(err)
	}
	now := p.Clock.Now()
	var l Letter
	var found, listed []kept
	var due int64
	err = p.DB.Read(ctx, func(tx *db.Tx) error {
		found, listed = nil, nil
		planned, err := tx.One(selectDigest, []any{&due}, int64(principal))
		if err != nil || !planned || clock.FromMicro(due).After(now) {
			return fault.Wrap(err, "reading when a digest is due")
		}
		if found, err = p.waits(tx, principal, due); err != nil {
			return err
		}
		l, listed, err = p.gather(tx, principal, due, found)
		return err
	})
	var why drop
	switch {
	case errors.As(err, &why):
		return p.close(ctx, principal, found, nil, l, why.state(), string(why))
	case err != nil:
		return err
	case due == 0:
		return nil
	case clock.FromMicro(due).After(now): // the business clock is behind what was reckoned with
		return p.DB.Write(ctx, db.Background, func(tx *db.Tx) error { return plan(tx, principal, now, clock.FromMicro(due)) })
	}
	if len(listed) > 0 {
		err := p.send(ctx, l)
		var refused *refusal
		if errors.As(err, &refused) {
			if err := p.close(ctx, principal, found, nil, l, failed, refused.told()); err != nil {
				return err
			}
			return fault.New(fault.Invalid, "mail", refused.Error(), "ask the person for another address").Because(refused)
		}
		if err != nil {
			return err
		}
	}
	return p.close(ctx, principal, found, listed, l, dropped, "")
}

// waits reads what a digest is to hold.
func (p *Post) waits(tx *db.Tx, principal id.ID, due int64) (all []kept, err error) {
	var numbers []id.ID
	err = tx.Each(selectWaits, func(scan func(...any) error) error {
		var number int64
		err := scan(&number)
		numbers = append(numbers, id.ID(number))
		return err
	}, int64(principal), due, int64(maxDigest))
	if err != nil {
		return nil, fault.Wrap(err, "reading what waits for a digest")
	}
	for _, number := range numbers {
		k, ok, err := find(tx, number)
		if err != nil {
			return nil, err
		}
		if !ok {
			k = kept{id: number} // gone: its mail is ended with the others
		}
		all = append(all, k)
	}
	return all, nil
}

// gather writes the letter of a digest; listed are the messages that stand in it.
func (p *Post) gather(tx *db.Tx, principal id.ID, due int64, found []kept) (l Letter, listed []kept, err error) {
	w, err := newWriter(tx)
	if err != nil {
		return l, nil, err
	}
	zones, err := market.All(tx)
	if err != nil {
		return l, nil, err
	}
	s := sheet{Brand: p.Name, Action: "Read them all", Link: p.at("/messages"), Why: footFree, Settings: p.at("/messages/settings")}
	if s.Brand == "" {
		s.Brand = "Tributary"
	}
	for _, k := range found {
		c, why, err := p.listable(tx, k, principal)
		if err != nil {
			return l, nil, err
		}
		if why != "" {
			continue
		}
		if l.To == "" {
			if l, err = p.address(tx, k, content{}, principal); err != nil {
				return l, nil, err
			}
		}
		brand, err := p.brand(tx, k.Market)
		if err != nil {
			return l, nil, err
		}
		t := w.write(k.event, c.Facts, map[string]string{"recipient": l.Name, "market": brand})
		s.Items = append(s.Items, item{Text: t.Line, When: k.At.In(zone(zones, k.Market)).Format("Mon 2 Jan"),
			Link: p.at(leads(k.event, c.Facts))})
		listed = append(listed, k)
	}
	if len(listed) == 0 {
		return l, nil, nil
	}
	l.Unsubscribe = p.at("/unsubscribe?t=" + Token(p.Ring, principal, digests.Code))
	s.Unsubscribe = l.Unsubscribe
	l.Subject = "1 new message"
	if len(listed) > 1 {
		l.Subject = strconv.Itoa(len(listed)) + " new messages"
	}
	l.MessageID = "digest." + principal.Text(auth.Prefix) + "." + strconv.FormatInt(due, 36)
	s.Subject, s.Preview = l.Subject, s.Items[0].Text
	s.Blocks = blocks("Hello " + l.Name + ",\n\nthis has happened since the last time.")
	return l, listed, l.lay(s)
}

// listable tells whether a message still belongs into somebody's digest.
func (p *Post) listable(tx *db.Tx, k kept, principal id.ID) (c content, why drop, err error) {
	if k.Event == "" {
		return c, dropGone, nil
	}
	mode, err := modeOf(tx, k.event, principal)
	if err != nil || mode == Off {
		return c, dropOff, err
	}
	if k.Creator != 0 {
		if in, err := seated(tx, k.Creator, principal); err != nil || !in {
			return c, dropGone, err
		}
	}
	c, ok, err := unseal(tx, p.Ring, k.event, k.who(), k.id, k.sealed)
	if err == nil && !ok {
		why = dropErased
	}
	return c, why, err
}

func zone(markets []market.Market, name string) *time.Location {
	for _, m := range markets {
		if m.ID == name {
			return m.Location()
		}
	}
	if len(markets) > 0 {
		return markets[0].Location()
	}
	return time.UTC
}

// close notes what became of a digest: those listed were sent, the others are in that state; and plans the next one where more
// waits.
func (p *Post) close(ctx context.Context, principal id.ID, found, listed []kept, l Letter, others, code string) error {
	return p.DB.Write(context.WithoutCancel(ctx), db.Background, func(tx *db.Tx) error {
		// The row is taken first: whoever sends something for a digest waits here, and is seen below.
		if _, err := tx.Exec(deleteDigest, int64(principal)); err != nil {
			return fault.Wrap(err, "ending a digest")
		}
		now := clock.Micro(p.Clock.Now())
		hash := []byte{}
		if l.To != "" {
			hash = p.hash(l.To)
		}
		in := map[id.ID]bool{}
		for _, k := range listed {
			in[k.id] = true
		}
		for _, k := range found {
			state := others
			if in[k.id] {
				state = sent
			}
			if _, err := tx.Exec(endMail, int64(k.id), int64(principal), state, now, code, hash); err != nil {
				return fault.Wrap(err, "noting what became of a digest")
			}
		}
		if err := bounced(tx, hash, code); err != nil {
			return err
		}
		if len(listed) > 0 && p.Mail == nil {
			if err := keepInMailbox(tx, p.Ring, 0, principal, p.Clock.Now(), l); err != nil {
				return err
			}
		}
		var next int64
		if _, err := tx.One(nextWaits, []any{&next}, int64(principal)); err != nil || next == 0 {
			return fault.Wrap(err, "looking for more that waits")
		}
		return plan(tx, principal, p.Clock.Now(), clock.FromMicro(next))
	})
}

// duePage is how many digests are asked for in one transaction.
const duePage = 500

// DueDigests asks for the digests that the business clock says are due. They come by themselves; this is for a sandbox, whose
// clock was moved.
func (p *Post) DueDigests(ctx context.Context) error {
	now := clock.Micro(p.Clock.Now())
	for due, last := int64(-1), int64(0); ; {
		count := 0
		err := p.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
			count = 0
			var page []id.ID
			from, after := due, last
			if err := tx.Each(selectDue, func(scan func(...any) error) error {
				err := scan(&last, &due)
				page = append(page, id.ID(last))
				return err
			}, now, from, after, int64(duePage)); err != nil {
				return fault.Wrap(err, "reading which digests are due")
			}
			for _, principal := range page {
				if err := job.Add(tx, digestJob(principal, time.Time{})); err != nil {
					return err
				}
			}
			count = len(page)
			return nil
		})
		if err != nil || count < duePage {
			return err
		}
	}
}
