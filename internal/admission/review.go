package admission

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/person"
	"tributary/internal/site"
	"tributary/internal/sums"
)

var (
	insertReview = db.Statement(`INSERT INTO review (market, creator, program, entered, due) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`)
	deleteReview = db.Statement(`DELETE FROM review WHERE market = $1 AND creator = $2 AND program = $3`)
	selectQueue  = db.Statement(`SELECT creator, program, entered, due FROM review WHERE market = $1 ORDER BY due, entered, creator, program LIMIT $2`)
	selectReview = db.Statement(`SELECT entered, due FROM review WHERE market = $1 AND creator = $2 AND program = $3`)

	insertVerdict = db.Statement(`INSERT INTO review_verdict (market, creator, program, at, reviewer, approved, reasons, words)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	selectVerdict = db.Statement(`SELECT at, reasons, words FROM review_verdict WHERE market = $1 AND creator = $2 AND program = $3
		ORDER BY at DESC LIMIT 1`)

	selectOrders = db.Statement(`SELECT order_id, MIN(at), CAST(SUM(pending + earned) AS BIGINT) FROM line WHERE creator = $1 AND creator <> 0 AND market = $2
		AND touched >= $3 AND at >= $3 AND at < $4 AND program = $5 AND pending + earned > 0 GROUP BY order_id ORDER BY MIN(at), order_id LIMIT $6`)
)

// maxQueue bounds what the queue shows: more than a day's work.
const maxQueue = 500

// maxOrders bounds the sales that a reviewer is shown.
const maxOrders = 50

// enqueue puts an enrolment before a person, who answers by a local date.
func enqueue(tx *db.Tx, key enrolment.Key, entered time.Time, due string) error {
	_, err := tx.Exec(insertReview, int64(key.Market), int64(key.Creator), int64(key.Program), clock.Micro(entered), due)
	return fault.Wrap(err, "putting into the reviewers' queue")
}

func unqueue(tx *db.Tx, key enrolment.Key) error {
	_, err := tx.Exec(deleteReview, int64(key.Market), int64(key.Creator), int64(key.Program))
	return fault.Wrap(err, "taking from the reviewers' queue")
}

// dueOf gives by when a person decides; ok is false where nobody does.
func dueOf(tx *db.Tx, key enrolment.Key) (entered time.Time, due string, ok bool, err error) {
	var at int64
	ok, err = tx.One(selectReview, []any{&at, &due}, int64(key.Market), int64(key.Creator), int64(key.Program))
	return clock.FromMicro(at), due, ok, fault.Wrap(err, "reading the reviewers' queue")
}

// Queue lists what waits for a reviewer in a marketplace, the most urgent first.
func (d *Desk) Queue(tx *db.Tx, m market.Market) ([]Entry, error) {
	var entries []Entry
	var ids []id.ID
	now := d.Clock.Now()
	if err := tx.Each(selectQueue, func(scan func(...any) error) error {
		var who, program, entered int64
		var due string
		err := scan(&who, &program, &entered, &due)
		key := enrolment.Key{Market: m.No, Creator: id.ID(who), Program: enrolment.Program(program)}
		e := Entry{Key: key, Entered: clock.FromMicro(entered), Due: dueAt(m, due)}
		e.Late = !now.Before(e.Due)
		entries, ids = append(entries, e), append(ids, id.ID(who))
		return err
	}, int64(m.No), int64(maxQueue)); err != nil {
		return nil, fault.Wrap(err, "reading the reviewers' queue")
	}
	slices.Sort(ids)
	people, err := creator.Find(tx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	standings, err := enrolment.Standings(tx, m.No, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	for i := range entries {
		e := &entries[i]
		e.Name, e.Handle = people[e.Key.Creator].Name, people[e.Key.Creator].Handle
		history := standings[e.Key]
		e.State = history.At(now)
		if e.Sales, err = d.sales(tx, m, e.Key, history); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// sales counts the qualifying sales of an enrolment's newest window, up to the number that is wanted.
func (d *Desk) sales(tx *db.Tx, m market.Market, key enrolment.Key, history enrolment.History) (int, error) {
	trial, ok := history.Trial()
	if !ok {
		return 0, nil
	}
	return sums.Sales(tx, m.Lane(), key.Creator, uint8(key.Program), clock.Micro(trial.Since), clock.Micro(trial.Until), m.Admission.Wanted())
}

// CaseOf gives the evidence of one enrolment.
func (d *Desk) CaseOf(tx *db.Tx, m market.Market, key enrolment.Key) (c Case, err error) {
	c.Key = key
	who, err := creator.One(tx, key.Creator)
	if err != nil {
		return c, err
	}
	c.Name, c.Handle = who.Name, who.Handle
	if c.History, err = enrolment.One(tx, key); err != nil {
		return c, err
	}
	if len(c.History) == 0 {
		return c, fault.New(fault.NotFound, "enrolment", "nobody of that name has applied here", "choose one of the queue")
	}
	statuses, err := d.Statuses(tx, key.Creator, m)
	if err != nil {
		return c, err
	}
	for _, s := range statuses {
		if s.Key == key {
			c.Status = s
		}
	}
	c.State = c.Status.State
	entered, due, waits, err := dueOf(tx, key)
	if err != nil {
		return c, err
	}
	if waits {
		c.Entered, c.Due = entered, dueAt(m, due)
		c.Late = !d.Clock.Now().Before(c.Due)
	}
	if c.Sites, err = site.Of(tx, key.Creator); err != nil {
		return c, err
	}
	if c.Accounts, err = network.Of(tx, key.Creator); err != nil {
		return c, err
	}
	if c.Orders, err = d.orders(tx, m, key, c.History); err != nil {
		return c, err
	}
	c.Sales = len(c.Orders)
	c.Others, err = d.twins(tx, m, who, c.Sites)
	return c, err
}

func (d *Desk) orders(tx *db.Tx, m market.Market, key enrolment.Key, history enrolment.History) (all []Sale, err error) {
	trial, ok := history.Trial()
	if !ok {
		return nil, nil
	}
	err = tx.Each(selectOrders, func(scan func(...any) error) error {
		var s Sale
		var at int64
		err := scan(&s.Order, &at, &s.Amount)
		s.At = clock.FromMicro(at)
		all = append(all, s)
		return err
	}, int64(key.Creator), int64(m.No), clock.Micro(trial.Since), clock.Micro(trial.Until), int64(key.Program), int64(maxOrders))
	return all, fault.Wrap(err, "reading qualifying sales")
}

// twins finds accounts that share something with an applicant: people may hold several programs, and only one account.
func (d *Desk) twins(tx *db.Tx, m market.Market, who creator.Creator, sites []site.Site) (all []Twin, err error) {
	shares := map[id.ID][]string{}
	note := func(other id.ID, what string) {
		if other != who.ID && !slices.Contains(shares[other], what) {
			shares[other] = append(shares[other], what)
		}
	}
	personal, err := creator.FindPersonal(tx, d.Ring, who.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	for kind, hash := range personal.Facts(d.Ring) {
		owners, err := creator.Owners(tx, kind, [][]byte{hash})
		if err != nil {
			return nil, err
		}
		for _, other := range owners[string(hash)] {
			note(other, kind)
		}
	}
	for _, s := range sites {
		same, err := site.Owners(tx, s.Address)
		if err != nil {
			return nil, err
		}
		for _, other := range same {
			note(other.Creator, "site")
		}
	}
	shared, err := network.Shared(tx, who.ID)
	if err != nil {
		return nil, err
	}
	for _, other := range shared {
		note(other, "network")
	}
	named, err := creator.Search(tx, who.Name, maxTwins)
	if err != nil {
		return nil, err
	}
	for _, other := range named {
		if strings.EqualFold(other.Name, who.Name) {
			note(other.ID, "name")
		}
	}
	return d.describe(tx, m, shares)
}

// describe names the accounts that share something, by their ids.
func (d *Desk) describe(tx *db.Tx, m market.Market, shares map[id.ID][]string) (all []Twin, err error) {
	ids := slices.Sorted(maps.Keys(shares))
	people, err := creator.Find(tx, ids)
	if err != nil {
		return nil, err
	}
	standings, err := enrolment.Standings(tx, m.No, ids)
	if err != nil {
		return nil, err
	}
	for _, other := range ids {
		twin := Twin{Creator: other, Name: people[other].Name, Shares: strings.Join(shares[other], ", ")}
		for _, program := range []enrolment.Program{enrolment.Connections, enrolment.Influencer, enrolment.Associates} {
			if state := standings[enrolment.Key{Market: m.No, Creator: other, Program: program}].At(d.Clock.Now()); state != "" {
				twin.State = state
			}
		}
		if all = append(all, twin); len(all) == maxTwins {
			break
		}
	}
	return all, nil
}

// maxTwins bounds the accounts that a reviewer is shown beside an applicant.
const maxTwins = 20

// check refuses a verdict that could not be explained.
func (v Verdict) check() error {
	if utf8.RuneCountInString(v.Words) > mostReasonWords || !utf8.ValidString(v.Words) {
		return fault.Invalidf("words", "are longer than %d characters", "say it shorter", mostReasonWords)
	}
	for i, reason := range v.Reasons {
		if slices.Contains(v.Reasons[:i], reason) || !slices.ContainsFunc(DeclineReasons, func(c choice) bool { return c.Code == reason }) {
			return fault.Invalidf("reasons", "hold one that does not exist, or one twice", "choose from the list")
		}
	}
	switch {
	case v.Approve && len(v.Reasons) > 0:
		return fault.Invalidf("reasons", "go with declining", "leave them out, or decline")
	case !v.Approve && len(v.Reasons) == 0:
		return fault.Invalidf("reasons", "are missing", "choose at least one: the applicant reads it")
	case slices.Contains(v.Reasons, "other") && strings.TrimSpace(v.Words) == "":
		return fault.Invalidf("words", "are missing", "write what the other reason is")
	}
	return nil
}

// Decide approves or declines what is under review, or applied for and not yet proved. Whatever is withheld follows at once:
// an approval gives it free, a refusal leaves it to the policy.
func (d *Desk) Decide(ctx context.Context, by auth.Principal, key enrolment.Key, v Verdict) error {
	if err := v.check(); err != nil {
		return err
	}
	m, err := d.marketOf(ctx, key.Market)
	if err != nil {
		return err
	}
	err = d.lane(ctx, m, func(tx *db.Tx) error {
		c, err := d.CaseOf(tx, m, key)
		if err != nil {
			return err
		}
		state := c.History.At(tx.Now())
		if state != enrolment.UnderReview && (state != enrolment.Applied || v.Approve) {
			return fault.New(fault.Conflict, "state", "the enrolment is "+strings.ReplaceAll(string(state), "_", " ")+", and nothing waits for a decision",
				"look at the queue again: somebody else may have decided")
		}
		evidence := map[string]any{"sales": c.Sales, "sites": len(c.Sites), "accounts": len(c.Accounts), "twins": len(c.Others)}
		if err := d.keep(tx, by, key, v); err != nil {
			return err
		}
		if !v.Approve {
			return d.decline(tx, m, key, actor(by), v, evidence)
		}
		if err := d.track(tx, m, key); err != nil {
			return err
		}
		if err := unqueue(tx, key); err != nil {
			return err
		}
		return d.make(tx, move{m: m, key: key, by: actor(by), action: "enrolment.approved", topic: topicApproved, event: "enrolment.approved",
			reason: v.Words, evidence: evidence, facts: map[string]string{"words": v.Words},
			next: enrolment.Standing{Since: tx.Now(), State: enrolment.Active, Reason: ReasonReview}})
	})
	if err == nil {
		_, err = d.settle(ctx, m, key)
	}
	return err
}

// standings that a person may give to what is active, warned, limited or suspended, with the code of the journal.
var standings = map[enrolment.State]string{enrolment.Active: "enrolment.restored", enrolment.Provisional: "enrolment.restored",
	enrolment.UnderReview: "enrolment.restored", enrolment.Warned: "enrolment.warned", enrolment.Limited: "enrolment.limited",
	enrolment.Suspended: "enrolment.suspended", enrolment.Closed: "enrolment.closed"}

// Stand gives an enrolment another standing by a person's decision, from now on: a warning, a limit, a suspension, its end, or
// the standing that it had before (docs/spec.md §9). reason is a code of DeclineReasons or ReasonBanned, words are told to the
// creator. Approving is Decide's.
func (d *Desk) Stand(ctx context.Context, by auth.Principal, key enrolment.Key, state enrolment.State, reason, words string) error {
	action, known := standings[state]
	switch {
	case !known:
		return fault.Invalidf("state", "is not one that a person gives", "choose warned, limited, suspended, closed, or the standing of before")
	case reason != ReasonBanned && !slices.ContainsFunc(DeclineReasons, func(c choice) bool { return c.Code == reason }):
		return fault.Invalidf("reason", "is missing, or does not exist", "choose one of the list")
	case strings.TrimSpace(words) == "" || utf8.RuneCountInString(words) > mostReasonWords:
		return fault.Invalidf("words", "are missing, or longer than %d characters", "write what was found: the creator reads it", mostReasonWords)
	}
	m, err := d.marketOf(ctx, key.Market)
	if err != nil {
		return err
	}
	err = d.lane(ctx, m, func(tx *db.Tx) error {
		history, err := enrolment.One(tx, key)
		if err != nil {
			return err
		}
		now := history.At(tx.Now())
		if action == "enrolment.restored" && (now != enrolment.Warned && now != enrolment.Limited && now != enrolment.Suspended || state != before(history, tx.Now())) {
			return fault.New(fault.Conflict, "state", "the enrolment is "+strings.ReplaceAll(string(now), "_", " ")+", and was not "+
				strings.ReplaceAll(string(state), "_", " ")+" before", "give back the standing that it had")
		}
		v := move{m: m, key: key, by: actor(by), action: action, reason: reason + "\n" + words,
			next: enrolment.Standing{Since: tx.Now(), State: state, Reason: reason}}
		if trial, ok := history.Trial(); ok && state == enrolment.Provisional {
			v.until = trial.Until
		}
		if state == enrolment.Closed {
			v.topic, v.event = topicClosed, "enrolment.closed"
			v.facts = map[string]string{"why": ReasonText(reason) + ". " + words}
			if reason != ReasonBanned {
				v.facts["again"] = againText
			}
			if err := unqueue(tx, key); err != nil {
				return err
			}
		} else {
			v.topic, v.event = topics[state], "enrolment.changed"
			v.facts = map[string]string{"standing": strings.ReplaceAll(string(state), "_", " "), "why": ReasonText(reason), "words": words}
		}
		return d.make(tx, v)
	})
	if err == nil {
		_, err = d.settle(ctx, m, key)
	}
	return err
}

// MayStand gives the standings that a person may give to an enrolment now, the mildest first.
func MayStand(history enrolment.History, now time.Time) (states []enrolment.State) {
	state := history.At(now)
	switch state {
	case enrolment.Warned, enrolment.Limited, enrolment.Suspended:
		states = append(states, before(history, now))
	case enrolment.Provisional, enrolment.UnderReview, enrolment.Active:
	default:
		return nil
	}
	for _, next := range []enrolment.State{enrolment.Warned, enrolment.Limited, enrolment.Suspended, enrolment.Closed} {
		if enrolment.May(state, next) {
			states = append(states, next)
		}
	}
	return states
}

// topics of the outbox for standings that people give.
var topics = map[enrolment.State]string{enrolment.Limited: "creator.limited", enrolment.Suspended: "creator.suspended"}

// before is the standing that an enrolment had before it was warned, limited or suspended.
func before(history enrolment.History, now time.Time) enrolment.State {
	for _, s := range slices.Backward(history) {
		switch {
		case s.Since.After(now):
		case s.State == enrolment.Warned, s.State == enrolment.Limited, s.State == enrolment.Suspended:
		default:
			return s.State
		}
	}
	return ""
}

// keep stores what a reviewer decided; the words are sealed, since they are about a person.
func (d *Desk) keep(tx *db.Tx, by auth.Principal, key enrolment.Key, v Verdict) error {
	at := clock.Micro(tx.Now())
	words, err := person.Seal(tx, d.Ring, key.Creator, verdictPlace(at), []byte(v.Words))
	if err != nil {
		return err
	}
	approved := int64(0)
	if v.Approve {
		approved = 1
	}
	_, err = tx.Exec(insertVerdict, int64(key.Market), int64(key.Creator), int64(key.Program), at, int64(by.ID), approved, strings.Join(v.Reasons, " "), words)
	return fault.Wrap(err, "keeping a reviewer's verdict")
}

func verdictPlace(at int64) string { return "review_verdict:" + strconv.FormatInt(at, 10) }

// verdict reads the newest verdict of a person; ok is false where there is none.
func (d *Desk) verdict(tx *db.Tx, key enrolment.Key) (v Verdict, at time.Time, ok bool, err error) {
	var micro int64
	var reasons string
	var words []byte
	ok, err = tx.One(selectVerdict, []any{&micro, &reasons, &words}, int64(key.Market), int64(key.Creator), int64(key.Program))
	if err != nil || !ok {
		return v, at, ok, fault.Wrap(err, "reading a reviewer's verdict")
	}
	v.Reasons = strings.Fields(reasons)
	text, _, err := person.Open(tx, d.Ring, key.Creator, verdictPlace(micro), words)
	v.Words = string(text)
	return v, clock.FromMicro(micro), true, err
}

// decline ends an application with its reasons, told in words.
func (d *Desk) decline(tx *db.Tx, m market.Market, key enrolment.Key, by string, v Verdict, evidence any) error {
	told := make([]string, len(v.Reasons))
	for i, code := range v.Reasons {
		told[i] = "- " + ReasonText(code) + "."
	}
	if err := unqueue(tx, key); err != nil {
		return err
	}
	return d.make(tx, move{m: m, key: key, by: by, action: "enrolment.declined", topic: topicDeclined, event: "enrolment.declined",
		reason: strings.TrimSpace(strings.Join(v.Reasons, betweenCodes) + "\n" + v.Words), evidence: evidence,
		facts: map[string]string{"reasons": strings.Join(told, "\n"), "words": v.Words},
		next:  enrolment.Standing{Since: tx.Now(), State: enrolment.Declined, Reason: strings.Join(v.Reasons, " ")}})
}

// settle gives free what was withheld, or does with it what the policy says, and tells the creator how much it was.
func (d *Desk) settle(ctx context.Context, m market.Market, key enrolment.Key) (changed int, err error) {
	held, err := d.heldOf(ctx, key.Creator, m)
	if err != nil {
		return 0, err
	}
	if changed, err = d.Accrual.Settle(ctx, key); err != nil || changed == 0 {
		return changed, err
	}
	left, err := d.heldOf(ctx, key.Creator, m)
	if err != nil || held <= left {
		return changed, err
	}
	return changed, d.lane(ctx, m, func(tx *db.Tx) error {
		history, err := enrolment.One(tx, key)
		if err != nil || !history.Approved(tx.Now()) {
			return err
		}
		amount := amountText(held-left, m.Currency)
		if err := d.notify(tx, m, key, "hold.released", tx.Now(), key.Text()+"/"+strconv.FormatInt(clock.Micro(tx.Now()), 10),
			map[string]string{"amount": amount, "program": Names[key.Program]}); err != nil {
			return err
		}
		return journal.Add(tx, d.Ring, journal.Entry{At: tx.Now(), Actor: journal.System, Action: "hold.released", Subject: d.subject(m, key),
			Person: key.Creator, After: map[string]any{"amount": held - left, "currency": m.Currency, "lines": changed}})
	})
}
