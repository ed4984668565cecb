package correction

import (
	"fmt"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Propose takes a proposal, in a transaction that holds the marketplace's lane. What moves no more than limit (minor units,
// the marketplace's policy) is approved with it, and whoever calls posts it after the commit (Post); what moves more waits
// for a second person. The same proposal sent again, by its id, is answered with what it became.
func Propose(tx *db.Tx, marketplace uint16, by auth.Principal, limit int64, p Proposal) (Correction, error) {
	if err := mayPropose(by); err != nil {
		return Correction{}, err
	}
	if err := p.Check(); err != nil {
		return Correction{}, err
	}
	inLane(tx, marketplace)
	content := contentOf(marketplace, by.ID, p)
	if p.ID == 0 {
		p.ID = id.New(tx.Now())
	} else if before, found, err := again(tx, p.ID, content); found || err != nil {
		return before, err
	}
	c := Correction{Proposal: p, Market: marketplace, State: Proposed, Proposer: by.ID, Proposed: tx.Now()}
	worth, err := c.complete(tx)
	if err != nil {
		return Correction{}, err
	}
	alone := !NeedsSecond(c.Amount, limit)
	if alone {
		c.State, c.Decided = Approved, tx.Now()
	}
	if err := save(tx, c, content, worth); err != nil || !alone {
		return c, err
	}
	return c, step(tx, c.ID, c.Decided, who(by.ID), string(Approved), "within what one person may decide")
}

// complete fills in what follows from the rows: whom it concerns, what it moves, which lines. It refuses what cannot be.
func (c *Correction) complete(tx *db.Tx) (worth map[LineKey]int64, err error) {
	switch c.Kind {
	case Adjustment:
		return nil, c.checkSubject(tx)
	case Disqualification:
		return c.take(tx)
	}
	return c.giveBack(tx)
}

// checkSubject wants what an adjustment names to exist, and a claim to be the creator's own.
func (c *Correction) checkSubject(tx *db.Tx) error {
	for _, wanted := range []struct {
		statement *db.Stmt
		field     string
		needed    bool
		args      []any
	}{
		{hasCreator, "creator", true, []any{int64(c.Creator)}},
		{hasOrder, "ref.order", c.Ref.Order != "", []any{int64(c.Market), c.Ref.Order}},
		{hasClaim, "ref.claim", c.Ref.Claim != 0, []any{int64(c.Ref.Claim), int64(c.Market), int64(c.Creator)}},
	} {
		if !wanted.needed {
			continue
		}
		var key any
		found, err := tx.One(wanted.statement, []any{&key}, wanted.args...)
		if err != nil {
			return fault.Wrap(err, "looking for what is adjusted")
		}
		if !found {
			return fault.New(fault.NotFound, wanted.field, "there is none such for this creator in this marketplace", "check the id")
		}
	}
	if c.Ref.Line == "" {
		return nil
	}
	_, _, err := worthOf(tx, c.Market, []LineKey{{c.Ref.Order, c.Ref.Line}})
	return err
}

// take wants lines that are credited to one creator and stand under no other disqualification.
func (c *Correction) take(tx *db.Tx) (map[LineKey]int64, error) {
	worth, owners, err := worthOf(tx, c.Market, c.Lines)
	if err != nil {
		return nil, err
	}
	against, err := standing(tx, c.Market, c.Lines)
	if err != nil {
		return nil, err
	}
	for i, key := range c.Lines {
		field := fmt.Sprintf("lines[%d]", i)
		switch owner := owners[key]; {
		case owner == 0:
			return nil, fault.New(fault.Conflict, field, "is credited to nobody, and has nothing to lose", "leave it out")
		case c.Creator != 0 && owner != c.Creator:
			return nil, fault.Invalidf(field, "is credited to another creator than the lines before it",
				"send one correction for each creator")
		case against[key].by != 0:
			return nil, fault.New(fault.Conflict, field, "stands under "+against[key].by.Text(id.Correction)+" already",
				"leave it out")
		}
		c.Creator = owners[key]
		c.Amount -= worth[key]
	}
	return worth, nil
}

// giveBack wants a posted disqualification, and lines of it that no other reversal names.
func (c *Correction) giveBack(tx *db.Tx) (map[LineKey]int64, error) {
	first, err := one(tx, c.Reverses)
	if err != nil {
		return nil, err
	}
	switch {
	case first.Market != c.Market || first.Kind != Disqualification:
		return nil, fault.New(fault.NotFound, "reverses", "is no disqualification of this marketplace", "check the id")
	case first.State != Posted:
		return nil, fault.New(fault.Conflict, "reverses", "is "+string(first.State)+", and only what is posted can be reversed",
			"decline or withdraw what still waits")
	}
	of, worth, err := linesOf(tx, first.ID)
	if err != nil {
		return nil, err
	}
	against, err := standing(tx, c.Market, of)
	if err != nil {
		return nil, err
	}
	stands := func(key LineKey) bool { return against[key] == grip{by: first.ID} }
	if len(c.Lines) == 0 {
		for _, key := range of {
			if stands(key) {
				c.Lines = append(c.Lines, key)
			}
		}
		if len(c.Lines) == 0 {
			return nil, fault.New(fault.Conflict, "reverses", "none of its lines stands any more", "look at its reversals")
		}
	}
	c.Creator = first.Creator
	for i, key := range c.Lines {
		if !stands(key) {
			return nil, fault.New(fault.Conflict, fmt.Sprintf("lines[%d]", i),
				"does not stand under this disqualification, or is being reversed", "leave it out")
		}
		c.Amount += worth[key]
	}
	return worth, nil
}

// grip says what stands against a line: a disqualification, and a reversal of it that is not posted yet.
type grip struct{ by, reversal id.ID }

// standing tells for each line which disqualification holds it. One whose reversal was posted holds nothing any more.
func standing(tx *db.Tx, marketplace uint16, lines []LineKey) (map[LineKey]grip, error) {
	type hold struct {
		LineKey
		by id.ID
	}
	holds, reversed, found := map[hold]bool{}, map[hold]bool{}, map[LineKey]grip{}
	err := tx.In(selectAgainst, orders(lines), func(scan func(...any) error) error {
		var key LineKey
		var kind Kind
		var state State
		var number, reverses int64
		err := scan(&key.Order, &key.Line, &number, &kind, &reverses, &state)
		switch {
		case kind == Disqualification:
			holds[hold{key, id.ID(number)}] = true
		case state == Posted:
			reversed[hold{key, id.ID(reverses)}] = true
		default:
			found[key] = grip{reversal: id.ID(number)}
		}
		return err
	}, int64(marketplace))
	for h := range holds {
		if !reversed[h] {
			found[h.LineKey] = grip{h.by, found[h.LineKey].reversal}
		}
	}
	return found, fault.Wrap(err, "reading what stands against lines")
}

// worthOf reads what lines come to now, and to whom they are credited. A line that is not known is NotFound.
func worthOf(tx *db.Tx, marketplace uint16, lines []LineKey) (worth map[LineKey]int64, owners map[LineKey]id.ID, err error) {
	worth, owners = map[LineKey]int64{}, map[LineKey]id.ID{}
	if err := tx.In(selectWorth, orders(lines), func(scan func(...any) error) error {
		var key LineKey
		var creator, amount int64
		err := scan(&key.Order, &key.Line, &creator, &amount)
		worth[key], owners[key] = amount, id.ID(creator)
		return err
	}, int64(marketplace)); err != nil {
		return nil, nil, fault.Wrap(err, "reading lines")
	}
	for i, key := range lines {
		if _, known := owners[key]; !known {
			return nil, nil, fault.New(fault.NotFound, fmt.Sprintf("lines[%d]", i), "there is no such line in this marketplace",
				"check order and line")
		}
	}
	return worth, owners, nil
}

// orders gives the orders of lines, each once.
func orders(lines []LineKey) (keys []any) {
	seen := map[string]bool{}
	for _, key := range lines {
		if !seen[key.Order] {
			seen[key.Order] = true
			keys = append(keys, key.Order)
		}
	}
	return keys
}

// Approve lets a second person approve, in a transaction that holds the marketplace's lane. Whoever calls posts it after the
// commit (Post).
func Approve(tx *db.Tx, marketplace uint16, correction id.ID, by auth.Principal, words string) (Correction, error) {
	return decide(tx, marketplace, correction, by, Approved, words)
}

// Decline lets a second person refuse, with a reason in words.
func Decline(tx *db.Tx, marketplace uint16, correction id.ID, by auth.Principal, words string) (Correction, error) {
	return decide(tx, marketplace, correction, by, Declined, words)
}

// Withdraw lets the proposer take a proposal back on which nobody has decided.
func Withdraw(tx *db.Tx, marketplace uint16, correction id.ID, by auth.Principal, words string) (Correction, error) {
	return decide(tx, marketplace, correction, by, Withdrawn, words)
}

// decide ends the waiting. The update is conditional, so that of two who decide at once only one does.
func decide(tx *db.Tx, marketplace uint16, correction id.ID, by auth.Principal, state State, words string) (
	Correction, error) {
	inLane(tx, marketplace)
	c, err := one(tx, correction)
	if err != nil {
		return c, err
	}
	if c.Market != marketplace {
		return Correction{}, notFound()
	}
	may := mayDecide
	if state == Withdrawn {
		may = mayWithdraw
	}
	if err := may(c, by); err != nil {
		return c, err
	}
	if state == Declined || words != "" {
		if err := checkText("words", words, MaxWords); err != nil {
			return c, err
		}
	}
	if state != Withdrawn {
		c.Second = by.ID
	}
	c.State, c.Decided = state, tx.Now()
	changed, err := tx.Exec(decideOne, int64(c.ID), string(c.State), int64(c.Second), micro(c.Decided))
	if err != nil {
		return c, fault.Wrap(err, "deciding about a correction")
	}
	if changed == 0 {
		return c, fault.New(fault.Conflict, "", "somebody decided about this meanwhile", "look at it again")
	}
	return c, step(tx, c.ID, c.Decided, who(by.ID), string(state), words)
}

// inLane asserts that the transaction holds the marketplace's lane: what is read of lines holds until the commit.
func inLane(tx *db.Tx, marketplace uint16) { tx.Turn(int64(marketplace)) }
