package admission

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/notice"
	"tributary/internal/policy"
	"tributary/internal/site"
)

// page is how many enrolments one look takes.
const page = 200

var (
	insertStep = db.Statement(`INSERT INTO admission_step (market, creator, program, since, code, at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)

	selectWithheld = db.Statement(`SELECT DISTINCT creator FROM withheld WHERE market = $1 AND creator > $2 ORDER BY creator LIMIT $3`)

	selectActive = db.Statement(`SELECT creator, since FROM standing WHERE market = $1 AND program = $2 AND creator > $3 AND state = 'active'
		AND NOT EXISTS (SELECT 1 FROM standing AS later WHERE later.market = standing.market AND later.creator = standing.creator
			AND later.program = standing.program AND later.since > standing.since) ORDER BY creator LIMIT $4`)
	selectLastClick = db.Statement(`SELECT COALESCE(MAX(day), 0) FROM click_day WHERE creator = $1 AND market = $2 AND counted > 0`)
)

// once tells whether this is the first time that something is done about a standing.
func once(tx *db.Tx, key enrolment.Key, since time.Time, code string, at time.Time) (first bool, err error) {
	added, err := tx.Exec(insertStep, int64(key.Market), int64(key.Creator), int64(key.Program), clock.Micro(since), code, clock.Micro(at))
	return added == 1, fault.Wrap(err, "noting a step of an enrolment")
}

// Follow tells of standings that other rooms have saved: those that sales brought under review, above all. It gives how many.
func (d *Desk) Follow(ctx context.Context) (told int, err error) {
	for more := true; more; {
		var found []enrolment.Stood
		var markets map[uint16]market.Market
		if err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if found, err = enrolment.Untold(tx, d.Clock.Now(), page); err != nil || len(found) == 0 {
				return err
			}
			markets, err = byNumber(tx)
			return err
		}); err != nil {
			return told, err
		}
		for _, s := range found {
			if err := d.lane(ctx, markets[s.Market], func(tx *db.Tx) error { return d.follow(tx, markets[s.Market], s) }); err != nil {
				return told, err
			}
			told++
		}
		more = len(found) == page
	}
	return told, nil
}

func byNumber(tx *db.Tx) (map[uint16]market.Market, error) {
	all, err := market.All(tx)
	markets := make(map[uint16]market.Market, len(all))
	for _, m := range all {
		markets[m.No] = m
	}
	return markets, err
}

// actions are the codes of the journal by the state that was reached.
var actions = map[enrolment.State]string{
	enrolment.Draft: "enrolment.drafted", enrolment.Applied: "enrolment.applied", enrolment.Provisional: "enrolment.provisional",
	enrolment.UnderReview: "enrolment.under_review", enrolment.Active: "enrolment.approved", enrolment.Warned: "enrolment.warned",
	enrolment.Limited: "enrolment.limited", enrolment.Suspended: "enrolment.suspended", enrolment.Declined: "enrolment.declined",
	enrolment.Closed: "enrolment.closed",
}

func (d *Desk) follow(tx *db.Tx, m market.Market, s enrolment.Stood) error {
	first, err := enrolment.Tell(tx, s.Key, s.Since)
	if err != nil || !first {
		return err
	}
	history, err := enrolment.One(tx, s.Key)
	if err != nil {
		return err
	}
	before := history.Now(s.Since.Add(-time.Microsecond))
	v := move{m: m, key: s.Key, next: s.Standing, by: journal.System, action: actions[s.State], reason: s.Reason}
	switch s.State {
	case enrolment.UnderReview:
		due := m.Admission.Due(s.Since, m.Location(), m.Admission.Review())
		if err := enqueue(tx, s.Key, s.Since, due); err != nil {
			return err
		}
		v.event, v.facts = "enrolment.under_review", map[string]string{"by": dateText(due)}
		if before.Reason == enrolment.ReasonOver {
			v.action, v.event = "enrolment.reopened", "enrolment.reopened"
			v.facts = map[string]string{"why": "A sale from before the deadline was reported late, and makes enough: a person looks at it by " + dateText(due) + "."}
		}
		if err := d.lookAgain(tx, s.Creator); err != nil {
			return err
		}
	case enrolment.Active:
		v.topic, v.event = topicApproved, "enrolment.approved"
	case enrolment.Closed:
		v.topic, v.event = topicClosed, "enrolment.closed"
		v.facts = map[string]string{"why": ReasonText(s.Reason) + "."}
		if err := unqueue(tx, s.Key); err != nil {
			return err
		}
	case enrolment.Applied:
		v.topic = topicApplied
	}
	return d.tell(tx, v, before)
}

// lookAgain asks for a fresh look at a creator's proved sites, so that a reviewer sees what is there now.
func (d *Desk) lookAgain(tx *db.Tx, creator id.ID) error {
	sites, err := site.Of(tx, creator)
	if err != nil {
		return err
	}
	for _, one := range sites {
		if one.State != site.Proved {
			continue
		}
		if err := job.Add(tx, job.Job{Kind: JobCrawl, Key: one.ID.Text(""), Due: clock.Wall()}); err != nil {
			return err
		}
	}
	return nil
}

// Midnight does what falls due in a marketplace at the beginning of a local date: ends of trials, reminders, reviews that are
// due, accounts to be looked at again, connections that open, enrolments that sleep. It tells what it did.
func (d *Desk) Midnight(ctx context.Context, m market.Market) (ran []string, err error) {
	say := func(count int, what string) {
		if count > 0 {
			ran = append(ran, fmt.Sprintf("%s %s: %d %s", d.Clock.Now().In(m.Location()).Format("2006-01-02 15:04 MST"), m.ID, count, what))
		}
	}
	for _, step := range []struct {
		what string
		do   func(context.Context, market.Market) (int, error)
	}{
		{"enrolments ended without the sales that were wanted", d.endTrials},
		{"creators were reminded of the sales that are missing", d.remind},
		{"enrolments had money of theirs given free", d.settleAll},
		{"creators may join connections now", d.openGates},
		{"enrolments were closed, nobody had clicked for too long", d.endDormant},
		{"connected accounts are looked at again", d.recheck},
		{"reviews are due, and reviewers were told", d.tellReviewers},
	} {
		count, err := step.do(ctx, m)
		say(count, step.what)
		if err != nil {
			return ran, err
		}
	}
	return ran, nil
}

// endTrials tells of trials whose end has come: the clock has closed them already.
func (d *Desk) endTrials(ctx context.Context, m market.Market) (ended int, err error) {
	for after, more := (time.Time{}), true; more; {
		var found []enrolment.Stood
		if err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
			found, err = enrolment.Ending(tx, m.No, after, d.Clock.Now(), page)
			return err
		}); err != nil {
			return ended, err
		}
		for _, s := range found {
			closed := false
			if err := d.lane(ctx, m, func(tx *db.Tx) (err error) {
				closed, err = d.endTrial(tx, m, s)
				return err
			}); err != nil {
				return ended, err
			}
			if closed {
				if _, err := d.settle(ctx, m, s.Key); err != nil {
					return ended, err
				}
				ended++
			}
		}
		more = len(found) == page
	}
	return ended, nil
}

func (d *Desk) endTrial(tx *db.Tx, m market.Market, s enrolment.Stood) (closed bool, err error) {
	first, err := enrolment.End(tx, s.Key, s.Since)
	if err != nil || !first {
		return false, err
	}
	history, err := enrolment.One(tx, s.Key)
	if err != nil {
		return false, err
	}
	end := history.Now(s.Until)
	if end.Reason != enrolment.ReasonOver || !end.Since.Equal(s.Until) {
		return false, nil // something was decided before it came to that
	}
	count, err := d.sales(tx, m, s.Key, history)
	if err != nil {
		return false, err
	}
	waits, err := held(tx, s.Creator, m)
	if err != nil {
		return false, err
	}
	facts := map[string]string{"again": againText, "why": fmt.Sprintf("%s wanted by %s, and %s counted.",
		plural(m.Admission.Wanted(), "qualifying sale was", "qualifying sales were"), lastDay(m, s.Until), plural(count, "was", "were"))}
	if waits > 0 {
		facts["money"] = moneyAtTheEnd(m, waits)
	}
	return true, d.tell(tx, move{m: m, key: s.Key, next: end, by: journal.System, action: "enrolment.closed", reason: enrolment.ReasonOver, topic: topicClosed,
		event: "enrolment.closed", facts: facts, evidence: map[string]any{"sales": count, "wanted": m.Admission.Wanted()}}, s.Standing)
}

// moneyAtTheEnd says what happens to what was withheld, by the marketplace's policy (docs/spec.md §9).
func moneyAtTheEnd(m market.Market, amount int64) string {
	text := amountText(amount, m.Currency)
	switch m.Admission.Unapproved {
	case "pay":
		return text + " that was withheld is paid like other earnings."
	case "forfeit":
		return text + " that was withheld goes back to the shop, as its terms say."
	}
	return text + " stays on your balance, and is given free once a later application is approved."
}

// remind tells creators on trial how many sales are missing, on the days that the policy names; of several that were missed
// only the newest is told.
func (d *Desk) remind(ctx context.Context, m market.Market) (reminded int, err error) {
	now := d.Clock.Now()
	days := m.Admission.RemindOn()
	reach := time.Duration(m.Admission.Trial()-days[0]+2) * 24 * time.Hour
	for after, more := now, true; more; {
		var found []enrolment.Stood
		if err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
			found, err = enrolment.Ending(tx, m.No, after, now.Add(reach), page)
			return err
		}); err != nil {
			return reminded, err
		}
		for _, s := range found {
			after = s.Until
			sent := false
			if err := d.lane(ctx, m, func(tx *db.Tx) (err error) {
				sent, err = d.remindOne(tx, m, s, days)
				return err
			}); err != nil {
				return reminded, err
			}
			if sent {
				reminded++
			}
		}
		// Trials that end in the same instant may be cut by the page: the next midnight takes the rest, well before the next reminder.
		more = len(found) == page
	}
	return reminded, nil
}

func (d *Desk) remindOne(tx *db.Tx, m market.Market, s enrolment.Stood, days []int) (sent bool, err error) {
	history, err := enrolment.One(tx, s.Key)
	if err != nil || history.At(tx.Now()) != enrolment.Provisional {
		return false, err
	}
	day := int(dayNumber(tx.Now().In(m.Location())) - dayNumber(s.Since.In(m.Location())))
	for _, on := range days {
		if day < on {
			break
		}
		first, err := once(tx, s.Key, s.Since, "reminder/"+strconv.Itoa(on), tx.Now())
		if err != nil {
			return false, err
		}
		sent = sent || first
	}
	if !sent {
		return false, nil
	}
	count, err := d.sales(tx, m, s.Key, history)
	if err != nil || count >= m.Admission.Wanted() {
		return false, err
	}
	left := int(dayNumber(s.Until.In(m.Location())) - dayNumber(tx.Now().In(m.Location())))
	return true, d.notify(tx, m, s.Key, "enrolment.reminder", tx.Now(), s.Key.Text()+"/"+strconv.Itoa(day), map[string]string{
		"program": Names[s.Program], "until": lastDay(m, s.Until), "days": strconv.Itoa(left), "missing": strconv.Itoa(m.Admission.Wanted() - count)})
}

// settleAll does what approvals and ends have left to do about what is withheld: what a process left that ended in between. Of
// enrolments that go on waiting no line is read.
func (d *Desk) settleAll(ctx context.Context, m market.Market) (settled int, err error) {
	for after, more := int64(0), true; more; {
		var keys []enrolment.Key
		if err := d.DB.Read(ctx, func(tx *db.Tx) error {
			var ids []id.ID
			if err := tx.Each(selectWithheld, func(scan func(...any) error) error {
				err := scan(&after)
				ids = append(ids, id.ID(after))
				return err
			}, int64(m.No), after, int64(page)); err != nil {
				return fault.Wrap(err, "looking for what is withheld")
			}
			more = len(ids) == page
			histories, err := enrolment.Standings(tx, m.No, ids)
			for key, history := range histories {
				state := history.At(d.Clock.Now())
				over := state == enrolment.Closed || state == enrolment.Declined
				if m.Admission.FateOf(history.Approved(d.Clock.Now()), over) != policy.Withheld {
					keys = append(keys, key)
				}
			}
			return err
		}); err != nil {
			return settled, err
		}
		for _, key := range keys {
			changed, err := d.settle(ctx, m, key)
			if err != nil {
				return settled, err
			}
			if changed > 0 {
				settled++
			}
		}
	}
	return settled, nil
}

// endDormant closes associates whose links nobody has followed for longer than the operator allows.
func (d *Desk) endDormant(ctx context.Context, m market.Market) (closed int, err error) {
	if m.Admission.DormantDays == 0 {
		return 0, nil
	}
	for after, more := int64(0), true; more; {
		var keys []enrolment.Key
		if err := d.DB.Read(ctx, func(tx *db.Tx) error {
			count := 0
			today := dayNumber(d.Clock.Now().In(m.Location()))
			var found []enrolment.Stood
			if err := tx.Each(selectActive, func(scan func(...any) error) error {
				var since int64
				err := scan(&after, &since)
				count++
				found = append(found, enrolment.Stood{Key: enrolment.Key{Market: m.No, Creator: id.ID(after), Program: enrolment.Associates},
					Standing: enrolment.Standing{Since: clock.FromMicro(since)}})
				return err
			}, int64(m.No), int64(enrolment.Associates), after, int64(page)); err != nil {
				return fault.Wrap(err, "looking for enrolments that sleep")
			}
			for _, s := range found {
				var last int64
				if _, err := tx.One(selectLastClick, []any{&last}, int64(s.Creator), int64(m.No)); err != nil {
					return fault.Wrap(err, "looking for the last click")
				}
				if today-max(last, dayNumber(s.Since.In(m.Location()))) > int64(m.Admission.DormantDays) {
					keys = append(keys, s.Key)
				}
			}
			more = count == page
			return nil
		}); err != nil {
			return closed, err
		}
		for _, key := range keys {
			if err := d.lane(ctx, m, func(tx *db.Tx) error {
				return d.make(tx, move{m: m, key: key, by: journal.System, action: "enrolment.closed", topic: topicClosed, event: "enrolment.closed",
					reason: ReasonDormant, next: enrolment.Standing{Since: tx.Now(), State: enrolment.Closed, Reason: ReasonDormant},
					facts: map[string]string{"again": againText, "why": fmt.Sprintf("Nobody has followed your links for %d days.", m.Admission.DormantDays)}})
			}); err != nil {
				return closed, err
			}
			closed++
		}
	}
	return closed, nil
}

// tellReviewers says how many reviews are due by the end of the day, or late.
func (d *Desk) tellReviewers(ctx context.Context, m market.Market) (due int, err error) {
	return due, d.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		queue, err := d.Queue(tx, m)
		if err != nil {
			return err
		}
		due = 0
		late, now := 0, d.Clock.Now()
		for _, e := range queue {
			if e.Late {
				late++
			}
			if !e.Due.After(now.Add(24 * time.Hour)) {
				due++
			}
		}
		if due == 0 {
			return nil
		}
		return notice.SendStaff(tx, d.Ring, auth.Of(auth.Admin, auth.Reviewer), notice.Notice{Event: "staff.review_due", Market: m.ID, At: now,
			Key:   m.ID + "/" + now.In(m.Location()).Format(time.DateOnly),
			Facts: map[string]string{"count": strconv.Itoa(due), "late": strconv.Itoa(late), "link": "/operator/reviews?market=" + m.ID}})
	})
}

// recheck asks for a fresh look at connected accounts, of whichever marketplace: the first of them does it for all.
func (d *Desk) recheck(ctx context.Context, m market.Market) (asked int, err error) {
	before := d.Clock.Now().Add(-m.Admission.Recheck())
	var accounts []network.Account
	if err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		accounts, err = network.Stale(tx, before, page)
		return err
	}); err != nil || len(accounts) == 0 {
		return 0, err
	}
	return len(accounts), d.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		for _, a := range accounts {
			if err := job.Add(tx, job.Job{Kind: JobNetwork, Key: a.ID.Text(""), Due: clock.Wall()}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Crawl is the work of JobCrawl: it looks at a site and keeps what it saw.
func (d *Desk) Crawl(ctx context.Context, j job.Job) error {
	one, err := id.Parse("site", "", j.Key)
	if err != nil {
		return err
	}
	var s site.Site
	if err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		s, err = site.One(tx, one)
		return err
	}); err != nil {
		return err
	}
	if !s.Removed.IsZero() {
		return nil
	}
	r := d.Sites.Crawl(ctx, s, d.Clock.Now())
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		if err := site.SaveReport(tx, one, r); err != nil {
			return err
		}
		facts := map[string]string{"site": shortAddress(s.Address), "found": Seen(r)}
		for _, problem := range r.Problems {
			facts["problems"] += "- " + problem.Words + "\n"
		}
		return d.notify(tx, market.Market{}, enrolment.Key{Creator: s.Creator}, "site.report", r.At, one.Text("")+"/"+r.At.Format(time.RFC3339Nano), facts)
	})
}

// Seen says what a crawler saw in one sentence.
func Seen(r site.Report) string {
	text := plural(r.Items, "item of your own was found", "items of your own were found")
	if !r.Newest.IsZero() {
		text += ", the newest of " + r.Newest.Format("2 January 2006")
	}
	if r.Disclosure == nil {
		return text + "; no words were found that tell readers of the commission."
	}
	return text + "; readers are told of the commission."
}

// Recheck is the work of JobNetwork: it reads a connected account again.
func (d *Desk) Recheck(ctx context.Context, j job.Job) error {
	one, err := id.Parse("account", "", j.Key)
	if err != nil {
		return err
	}
	var before network.Account
	if err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		before, err = network.One(tx, one)
		return err
	}); err != nil {
		return err
	}
	if before.State != network.Connected {
		return nil
	}
	a, err := d.Networks.Check(ctx, one, clock.Wall(), d.Clock.Now())
	if err != nil && a.State != network.Expired {
		return err
	}
	return d.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		facts := map[string]string{"network": before.Network.Name(), "account": before.Handle}
		occasion := one.Text("") + "/" + d.Clock.Now().Format(time.DateOnly)
		if a.State == network.Expired {
			return d.notify(tx, market.Market{}, enrolment.Key{Creator: before.Creator}, "network.expired", d.Clock.Now(), occasion, facts)
		}
		facts["found"] = fmt.Sprintf("%s follow it, and %s made in the last 30 days.", plural(int(a.Snapshot.Followers), "person", "people"),
			plural(int(a.Snapshot.Recent), "post was", "posts were"))
		return d.notify(tx, market.Market{}, enrolment.Key{Creator: before.Creator}, "network.checked", d.Clock.Now(), occasion, facts)
	})
}
