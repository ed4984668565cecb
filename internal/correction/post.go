package correction

import (
	"context"
	"errors"
	"fmt"

	"tributary/internal/accrual"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// An approved correction is a promise: it is posted by the money path, in a transaction of its own, and then marked. A
// process that ends in between leaves it approved, and whoever looks next posts it again, which changes nothing where it
// was posted already.

// Post posts an approved correction. One that is posted already is given as it is.
func Post(ctx context.Context, d *db.DB, a *accrual.Accrual, correction id.ID) (Correction, error) {
	c, err := stored(ctx, d, correction)
	switch {
	case err != nil || c.State == Posted:
		return c, err
	case c.State != Approved:
		return c, fault.New(fault.Conflict, "", "this correction is "+string(c.State)+", and only what is approved is posted",
			"let a second person decide")
	}
	if err := post(ctx, d, a, c); err != nil {
		return c, fault.Wrap(err, "posting "+correction.Text(id.Correction))
	}
	return stored(ctx, d, correction)
}

func stored(ctx context.Context, d *db.DB, correction id.ID) (c Correction, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error { c, err = one(tx, correction); return err })
	return c, err
}

// resumeStride is how many corrections one look takes; the next ones follow at once.
const resumeStride = 100

// Resume posts whatever is approved and not posted: at start, and whenever somebody looks. One that cannot be posted does
// not keep the others; the errors come together.
func Resume(ctx context.Context, d *db.DB, a *accrual.Accrual) (posted int, err error) {
	var failed []error
	for after := id.ID(0); ; {
		var waiting []id.ID
		if err := d.Read(ctx, func(tx *db.Tx) error {
			return tx.Each(selectApproved, func(scan func(...any) error) error {
				var number int64
				err := scan(&number)
				waiting = append(waiting, id.ID(number))
				return err
			}, int64(after), int64(resumeStride))
		}); err != nil {
			return posted, fault.Wrap(err, "looking for approved corrections")
		}
		for _, one := range waiting {
			if _, err := Post(ctx, d, a, one); err != nil {
				failed = append(failed, err)
				continue
			}
			posted++
		}
		if len(waiting) < resumeStride || ctx.Err() != nil {
			return posted, errors.Join(failed...)
		}
		after = waiting[len(waiting)-1]
	}
}

// post books a correction as it was read, and marks it. Several may do so at once; one of them marks it.
func post(ctx context.Context, d *db.DB, a *accrual.Accrual, c Correction) error {
	words, err := c.book(ctx, d, a)
	if err != nil {
		return err
	}
	marked := false
	if err := d.Lane(ctx, db.Interactive, a.Now(), []int64{int64(c.Market)}, func(tx *db.Tx) error {
		changed, err := tx.Exec(postOne, int64(c.ID), micro(tx.Now()))
		if marked = changed > 0; !marked || err != nil {
			return fault.Wrap(err, "marking what was posted")
		}
		return step(tx, c.ID, tx.Now(), "", string(Posted), words)
	}); err != nil || marked {
		return err
	}
	return c.yield(ctx, d, a)
}

// book hands a correction to the money path, and says what came of it.
func (c Correction) book(ctx context.Context, d *db.DB, a *accrual.Accrual) (words string, err error) {
	switch c.Kind {
	case Adjustment:
		return "", a.Adjust(ctx, c.Market, accrual.Adjustment{ID: c.ID, Creator: c.Creator, Amount: c.Amount, Reason: c.Reason,
			Words: c.Words, By: who(c.Proposer), Second: who(c.Second), Ref: c.Ref.text()})
	case Reversal:
		changed, err := a.Reinstate(ctx, c.Market, c.Reverses, keys(c.Lines))
		return fmt.Sprintf("%d of %d lines changed", changed, len(c.Lines)), err
	}
	lines, err := c.still(ctx, d)
	if err != nil || len(lines) == 0 {
		return "no line is credited to this creator any more", err
	}
	changed, err := a.Disqualify(ctx, c.Market, accrual.Violation{ID: c.ID, Code: c.Reason, Words: c.Words, Evidence: c.Evidence,
		By: who(c.Proposer)}, keys(lines))
	return fmt.Sprintf("%d of %d lines changed", changed, len(c.Lines)), err
}

// still gives the lines that are credited to the creator whom the finding is about: a late event may have moved one to
// somebody else since it was proposed.
func (c Correction) still(ctx context.Context, d *db.DB) (lines []LineKey, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		_, owners, err := worthOf(tx, c.Market, c.Lines)
		for _, key := range c.Lines {
			if owners[key] == c.Creator {
				lines = append(lines, key)
			}
		}
		return err
	})
	return lines, err
}

// yield takes back what came too late: somebody else posted and marked this disqualification first, and it may have been
// reversed before the second posting got through. What its reversals name is given back once more.
func (c Correction) yield(ctx context.Context, d *db.DB, a *accrual.Accrual) error {
	if c.Kind != Disqualification {
		return nil // an adjustment is known by its id, and a reversal names the finding that it takes back
	}
	var back []LineKey
	if err := d.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(selectReversed, func(scan func(...any) error) error {
			var key LineKey
			err := scan(&key.Order, &key.Line)
			back = append(back, key)
			return err
		}, int64(c.Creator), int64(c.Market), int64(c.ID))
	}); err != nil || len(back) == 0 {
		return fault.Wrap(err, "reading reversals")
	}
	_, err := a.Reinstate(ctx, c.Market, c.ID, keys(back))
	return err
}

func keys(lines []LineKey) []accrual.LineKey {
	all := make([]accrual.LineKey, len(lines))
	for i, key := range lines {
		all[i] = accrual.LineKey(key)
	}
	return all
}

// text writes what an adjustment is about as the ledger's decision keeps it.
func (r Ref) text() string {
	switch {
	case r.Claim != 0:
		return r.Claim.Text(id.Claim)
	case r.Line != "":
		return accrual.LineKey{Order: r.Order, Line: r.Line}.Subject()
	case r.Order != "":
		return "order/" + r.Order
	}
	return ""
}
