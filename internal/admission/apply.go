package admission

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/internal/application"
	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/journal"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/site"
)

// Kinds of jobs that ask the outside.
const (
	JobCrawl   = "crawl"   // the key is a site's id
	JobNetwork = "network" // the key is a connected account's id
)

// Apply sends the draft of an application: what is missing is Invalid with its field. The documents in force must be accepted.
// What the rules can decide at once they decide in the same transaction: a proved site begins associates, an account of
// YouTube or Facebook decides influencer, and connections open where their gate is met.
func (d *Desk) Apply(ctx context.Context, by auth.Principal, key enrolment.Key) error {
	if err := key.Program.Check(); err != nil {
		return err
	}
	m, err := d.marketOf(ctx, key.Market)
	if err != nil {
		return err
	}
	return d.lane(ctx, m, func(tx *db.Tx) error {
		if err := d.mayApply(tx, m, key); err != nil {
			return err
		}
		var form application.Form
		if key.Program != enrolment.Connections {
			a, err := application.Send(tx, d.Ring, key, tx.Now())
			if err != nil {
				return err
			}
			form = a.Form
		}
		if err := d.make(tx, move{m: m, key: key, by: actor(by), action: "enrolment.applied", topic: topicApplied,
			// Just before now, so that what the rules decide at once acts from now.
			next: enrolment.Standing{Since: tx.Now().Add(-time.Microsecond), State: enrolment.Applied, Reason: ReasonSentForm}}); err != nil {
			return err
		}
		if form.Children {
			return d.decline(tx, m, key, journal.System, Verdict{Reasons: []string{ReasonChildren}}, nil)
		}
		moved, err := d.advance(tx, m, key)
		if err != nil || moved {
			return err
		}
		return d.notify(tx, m, key, "application.received", tx.Now(), key.Text()+"/"+tx.Now().Format(time.RFC3339Nano),
			map[string]string{"program": Names[key.Program], "next": waitingFor[key.Program]})
	})
}

// waitingFor says what an application that was sent waits for.
var waitingFor = map[enrolment.Program]string{
	enrolment.Associates:  "Prove that one of your sites is yours, and you can begin at once.",
	enrolment.Influencer:  "Connect one of your social accounts: it is what we go by.",
	enrolment.Connections: "It opens by itself as soon as what it asks for is there.",
}

// mayApply refuses who cannot apply now, and says why.
func (d *Desk) mayApply(tx *db.Tx, m market.Market, key enrolment.Key) error {
	missing, err := document.Missing(tx, key.Creator, tx.Now())
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		titles := make([]string, len(missing))
		for i, v := range missing {
			titles[i] = v.Title
		}
		return fault.Invalidf("documents", "are not accepted yet: %s", "read and accept them", strings.Join(titles, ", "))
	}
	if key.Program == enrolment.Influencer && m.Admission.NoSocial || key.Program == enrolment.Connections && !m.Admission.Connections {
		return fault.New(fault.Denied, "program", "is not offered in "+m.Name, "choose another program or marketplace")
	}
	history, err := enrolment.One(tx, key)
	if err != nil {
		return err
	}
	now := history.Now(tx.Now())
	switch now.State {
	case "", enrolment.Draft:
	case enrolment.Declined:
		if from := now.Since.Add(time.Duration(m.Admission.CooldownDays) * 24 * time.Hour); tx.Now().Before(from) {
			return fault.New(fault.Conflict, "program", "can be applied for again from "+day(m, from), "use the time to mend what was named")
		}
	case enrolment.Closed:
		if now.Reason == ReasonBanned {
			return fault.New(fault.Denied, "program", "was closed for good", "ask the operator what can be done")
		}
	default:
		return fault.New(fault.Conflict, "program", "was applied for already: it is "+strings.ReplaceAll(string(now.State), "_", " "),
			"look at your programs to see what happens next")
	}
	if key.Program == enrolment.Connections {
		gate, err := d.GateOf(tx, key.Creator, m)
		if err == nil && !gate.Open {
			err = fault.New(fault.Denied, "program", "asks for more: "+strings.Join(gate.Missing, "; "), "it opens by itself once that is there")
		}
		return err
	}
	return nil
}

// advance takes an application as far as the rules decide without a person. moved is false where something is awaited.
func (d *Desk) advance(tx *db.Tx, m market.Market, key enrolment.Key) (moved bool, err error) {
	switch key.Program {
	case enrolment.Associates:
		sites, err := site.Of(tx, key.Creator)
		if err != nil || !slices.ContainsFunc(sites, func(s site.Site) bool { return s.State == site.Proved }) {
			return false, err
		}
		return true, d.begin(tx, m, key)
	case enrolment.Influencer:
		accounts, err := network.Of(tx, key.Creator)
		if err != nil {
			return false, err
		}
		return d.score(tx, m, key, accounts)
	}
	return true, d.make(tx, move{m: m, key: key, by: journal.System, action: "enrolment.approved", topic: topicApproved, event: "connections.open",
		next: enrolment.Standing{Since: tx.Now(), State: enrolment.Active, Reason: ReasonGate}})
}

// begin lets associates earn, provisionally and at once: docs/spec.md §9. Old tracking ids live again by themselves.
func (d *Desk) begin(tx *db.Tx, m market.Market, key enrolment.Key) error {
	if err := d.track(tx, m, key); err != nil {
		return err
	}
	rules := m.Admission
	ends := lastDay(m, enrolment.Window(tx.Now(), m.Location(), rules.Trial()))
	return d.make(tx, move{m: m, key: key, by: journal.System, action: "enrolment.provisional", event: "enrolment.provisional",
		next:  enrolment.Standing{Since: tx.Now(), State: enrolment.Provisional, Reason: ReasonProof},
		facts: map[string]string{"until": ends, "wanted": strconv.Itoa(rules.Wanted()), "days": strconv.Itoa(rules.Trial())}})
}

// track opens the first tracking id of an enrolment, so that a link can be made at once; and a new one with every beginning
// where the policy says so.
func (d *Desk) track(tx *db.Tx, m market.Market, key enrolment.Key) error {
	have, err := link.TrackingOf(tx, []id.ID{key.Creator})
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(have[key.Creator], func(t link.Tracking) bool {
		return t.Market == m.No && t.Program == click.Program(key.Program)
	})
	if known && !m.Admission.NewTags {
		return nil
	}
	c, err := creator.One(tx, key.Creator)
	if err != nil {
		return err
	}
	now := tx.Now()
	_, err = link.OpenNext(tx, link.Tracking{ID: id.New(now), Creator: key.Creator, Program: click.Program(key.Program), Market: m.No,
		Name: "main", Created: now}, link.Stem(c.Handle))
	return err
}

// score decides about influencer by the connected accounts: at once where a network is decided at once, else by a person
// within a few business days (docs/spec.md §9).
func (d *Desk) score(tx *db.Tx, m market.Market, key enrolment.Key, accounts []network.Account) (moved bool, err error) {
	var passed, waits, failed *network.Account
	for i := range accounts {
		a := &accounts[i]
		switch {
		case a.State != network.Connected:
		case len(a.Score.Against) > 0 && !onlyDoubts(a.Score):
			failed = orFirst(failed, a)
		case a.Network.Instant() && reaches(m, a) && !a.Score.Doubtful():
			passed = orFirst(passed, a)
		case a.Network.Instant() && !reaches(m, a):
			failed = orFirst(failed, a)
		default: // decided by a person; a name in confusable letters is, too
			waits = orFirst(waits, a)
		}
	}
	switch {
	case passed != nil:
		if err := d.track(tx, m, key); err != nil {
			return false, err
		}
		return true, d.make(tx, move{m: m, key: key, by: journal.System, action: "enrolment.approved", topic: topicApproved,
			event: "enrolment.approved", evidence: evidenceOf(passed), next: enrolment.Standing{Since: tx.Now(), State: enrolment.Active, Reason: ReasonScore}})
	case waits != nil:
		due := m.Admission.Due(tx.Now(), m.Location(), m.Admission.Review())
		if err := enqueue(tx, key, tx.Now(), due); err != nil {
			return false, err
		}
		return true, d.make(tx, move{m: m, key: key, by: journal.System, action: "enrolment.under_review", event: "enrolment.under_review",
			evidence: evidenceOf(waits), facts: map[string]string{"by": dateText(due)},
			next: enrolment.Standing{Since: tx.Now(), State: enrolment.UnderReview, Reason: ReasonWaiting}})
	case failed != nil:
		reasons := slices.DeleteFunc(slices.Clone(failed.Score.Against), func(code string) bool { return code == network.Confusable })
		if len(reasons) == 0 { // nothing is in its way but the points
			reasons = []string{ReasonScore}
		}
		return true, d.decline(tx, m, key, journal.System, Verdict{Reasons: reasons}, evidenceOf(failed))
	}
	return false, nil
}

// reaches tells whether an account has the points that the marketplace asks for.
func reaches(m market.Market, a *network.Account) bool {
	if m.Admission.Score > 0 {
		return a.Score.Points >= m.Admission.Score
	}
	return a.Score.Pass
}

func orFirst(have, next *network.Account) *network.Account {
	if have == nil {
		return next
	}
	return have
}

// onlyDoubts tells whether all that speaks against an account is what a person has to judge.
func onlyDoubts(s network.Score) bool {
	return !slices.ContainsFunc(s.Against, func(code string) bool { return code != network.Confusable })
}

func evidenceOf(a *network.Account) any {
	return map[string]any{"network": a.Network, "handle": a.Handle, "points": a.Score.Points, "needed": a.Score.Needed, "against": a.Score.Against}
}

// Prove looks for the proof of ownership of a creator's site and, where it is found, lets applied enrolments of associates
// begin at once, provisionally. A crawl is asked for with it.
func (d *Desk) Prove(ctx context.Context, by auth.Principal, one id.ID, method site.Method) error {
	var s site.Site
	var keys []enrolment.Key
	var lanes []int64
	var markets map[uint16]market.Market
	err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if s, err = site.One(tx, one); err != nil {
			return err
		}
		keys, lanes, markets, err = d.waiting(tx, s.Creator, enrolment.Associates)
		return err
	})
	if err != nil {
		return err
	}
	if by.Creator != s.Creator {
		return fault.New(fault.NotFound, "site", "there is no such site", "choose one of yours")
	}
	if err := d.Sites.Prove(ctx, s, method); err != nil {
		return err
	}
	return d.DB.Lane(ctx, db.Interactive, d.Clock.Now(), lanes, func(tx *db.Tx) error {
		if err := site.SaveProof(tx, one, method, d.Clock.Now()); err != nil {
			return err
		}
		if err := job.Add(tx, job.Job{Kind: JobCrawl, Key: one.Text(""), Due: clock.Wall()}); err != nil {
			return err
		}
		m := market.Market{}
		if err := d.notify(tx, m, enrolment.Key{Creator: s.Creator}, "site.proved", d.Clock.Now(), one.Text(""), map[string]string{"site": shortAddress(s.Address)}); err != nil {
			return err
		}
		for _, key := range keys {
			if _, err := d.advance(tx, markets[key.Market], key); err != nil {
				return err
			}
		}
		return journal.Add(tx, d.Ring, journal.Entry{At: d.Clock.Now(), Actor: actor(by), Action: "site.proved", Person: s.Creator,
			Subject: s.Creator.Text(id.Creator) + "/site/" + one.Text(""), After: map[string]any{"address": s.Address, "method": method}})
	})
}

// waiting finds a creator's applications to a program that are sent and wait for a proof, with their lanes in order.
func (d *Desk) waiting(tx *db.Tx, creator id.ID, program enrolment.Program) (keys []enrolment.Key, lanes []int64, markets map[uint16]market.Market, err error) {
	all, err := market.All(tx)
	if err != nil {
		return nil, nil, nil, err
	}
	markets = map[uint16]market.Market{}
	histories, err := enrolment.Of(tx, creator)
	for _, m := range all {
		markets[m.No] = m
		key := enrolment.Key{Market: m.No, Creator: creator, Program: program}
		if histories[key].At(d.Clock.Now()) == enrolment.Applied {
			keys, lanes = append(keys, key), append(lanes, m.Lane())
		}
	}
	return keys, lanes, markets, err
}

// Connected takes a freshly connected account: applications to influencer are decided at once, or queued.
func (d *Desk) Connected(ctx context.Context, creator id.ID, account network.Account) error {
	var keys, channels []enrolment.Key
	var lanes, more []int64
	var markets map[uint16]market.Market
	if err := d.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if channels, more, _, err = d.waiting(tx, creator, enrolment.Associates); err != nil {
			return err
		}
		keys, lanes, markets, err = d.waiting(tx, creator, enrolment.Influencer)
		return err
	}); err != nil {
		return err
	}
	lanes = append(lanes, more...)
	slices.Sort(lanes)
	lanes = slices.Compact(lanes)
	return d.DB.Lane(ctx, db.Interactive, d.Clock.Now(), lanes, func(tx *db.Tx) error {
		facts := map[string]string{"network": account.Network.Name(), "account": account.Handle}
		if err := d.notify(tx, market.Market{}, enrolment.Key{Creator: creator}, "network.connected", d.Clock.Now(),
			account.ID.Text("")+"/"+account.Connected.Format(time.RFC3339Nano), facts); err != nil {
			return err
		}
		for _, key := range keys {
			if _, err := d.advance(tx, markets[key.Market], key); err != nil {
				return err
			}
		}
		if err := d.proveChannels(tx, creator, account, channels, markets); err != nil {
			return err
		}
		return journal.Add(tx, d.Ring, journal.Entry{At: d.Clock.Now(), Actor: journal.System, Action: "network.connected", Person: creator,
			Subject: creator.Text(id.Creator) + "/network/" + account.ID.Text(""), After: evidenceOf(&account)})
	})
}

// proveChannels takes a connected account as the proof of the channel that a creator has named as a site of theirs: its network
// has said whose it is. Applications to associates begin with it as with any proof, where it is public and enough follow it.
func (d *Desk) proveChannels(tx *db.Tx, creator id.ID, a network.Account, keys []enrolment.Key, markets map[uint16]market.Market) error {
	sites, err := site.Of(tx, creator)
	if err != nil {
		return err
	}
	proved := false
	for _, s := range sites {
		if s.State == site.Proved || !slices.Equal(s.Methods(), []site.Method{site.Connected}) || !sameChannel(s.Address, a.Address) {
			continue
		}
		if err := site.SaveProof(tx, s.ID, site.Connected, d.Clock.Now()); err != nil {
			return err
		}
		proved = true
	}
	for _, key := range keys {
		m := markets[key.Market]
		if !proved || !a.Snapshot.Public || a.Snapshot.Followers < m.Admission.LeastFollowers {
			continue
		}
		if _, err := d.advance(tx, m, key); err != nil {
			return err
		}
	}
	return nil
}

// sameChannel compares the addresses of two channels, as people write them: with or without www, @ and capitals.
func sameChannel(one, other string) bool {
	plain := func(address string) string {
		address = strings.ToLower(strings.TrimSuffix(shortAddress(address), "/"))
		return strings.Replace(strings.TrimPrefix(strings.TrimPrefix(address, "www."), "m."), "/@", "/", 1)
	}
	return plain(one) == plain(other)
}

// Withdraw takes an application back, or ends an enrolment at the creator's own wish.
func (d *Desk) Withdraw(ctx context.Context, by auth.Principal, key enrolment.Key) error {
	m, err := d.marketOf(ctx, key.Market)
	if err != nil {
		return err
	}
	err = d.lane(ctx, m, func(tx *db.Tx) error {
		history, err := enrolment.One(tx, key)
		if err != nil {
			return err
		}
		switch history.At(tx.Now()) {
		case "", enrolment.Declined, enrolment.Closed:
			return fault.New(fault.Conflict, "program", "is not open", "look at your programs to see where you stand")
		}
		action := "enrolment.closed"
		if history.At(tx.Now()) == enrolment.Applied {
			action = "application.withdrawn"
		}
		if err := unqueue(tx, key); err != nil {
			return err
		}
		return d.make(tx, move{m: m, key: key, by: actor(by), action: action, topic: topicClosed, event: "enrolment.closed",
			facts: map[string]string{"why": "You ended it yourself.", "again": againText},
			next:  enrolment.Standing{Since: tx.Now(), State: enrolment.Closed, Reason: ReasonWish}})
	})
	if err == nil {
		_, err = d.Accrual.Settle(ctx, key)
	}
	return err
}

const againText = "You can apply again at any time; your links then work again."

// shortAddress is how messages name a site.
func shortAddress(address string) string {
	return strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
}
