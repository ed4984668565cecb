package rates

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/ratecard/terms"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// AnnounceJob is the kind of job whose work is Announce.
const AnnounceJob = "announce-rates"

// Limits of what a message says of a publication: whoever wants more reads the rates themselves.
const (
	saidPieces = 3   // of one line
	saidPiece  = 160 // characters
)

// announcement is the body of a job: what changes, and beyond which creator it is still to be told.
type announcement struct {
	Market  string    `json:"market"`
	Version int64     `json:"version"` // of the marketplace when it was published: the occasion
	At      time.Time `json:"at"`
	From    string    `json:"from"` // the first day, as the marketplace writes it
	Summary string    `json:"summary"`
	Only    id.ID     `json:"only,omitempty"` // whose contract it is; nobody else may know
	After   id.ID     `json:"after,omitempty"`
}

// occasion is what a creator is told of once.
func (a announcement) occasion() string {
	text := a.Market + "/" + strconv.FormatInt(a.Version, 10)
	if a.Only != 0 {
		text += "/contract"
	}
	return text
}

// ask asks for the next stretch. Each has a key of its own, so that the one that runs is not taken for it.
func (a announcement) ask(tx *db.Tx) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return job.Add(tx, job.Job{Kind: AnnounceJob, Key: a.occasion() + "/" + (a.Only + a.After).Text(id.Creator), Body: body})
}

// Tell asks, in the transaction that published a plan, that creators are told of it: all with an open enrolment in the marketplace,
// of a contract its creator alone. The first rates of a marketplace, and a plan that changes nothing, are told to nobody.
func Tell(tx *db.Tx, m market.Market, plan ratefile.Plan) error {
	if plan.First {
		return nil
	}
	said := make([]ratecard.Publication, len(plan.Steps))
	for i, step := range plan.Steps {
		said[i] = step.Publication
	}
	return tell(tx, m, plan.Version, said, tx.Now())
}

// publishBounty publishes what a form says of a bounty, and asks that creators are told of it. The words are those of a plan.
func publishBounty(tx *db.Tx, d *staff.Desk, e bounty.Edition, publish func() error) error {
	has, err := terms.Load(tx, d.Market.No)
	if err != nil {
		return err
	}
	if err := publish(); err != nil || has.Empty() {
		return err
	}
	_, planned, err := has.With(terms.Edition{Bounties: e}, ratecard.Occasion{Market: d.Market.No, Marketplace: d.Market.ID,
		Currency: d.Market.Currency, Zone: d.Market.Location(), Now: d.Now, NoticeDays: d.Market.Policy.Notice()})
	if err != nil {
		return err
	}
	said := make([]ratecard.Publication, len(planned))
	for i, one := range planned {
		said[i] = one.Publication
	}
	// The desk has read the marketplace before: its version may be another's by now, that of the rows is this publication's.
	all, err := market.All(tx)
	i := slices.IndexFunc(all, func(m market.Market) bool { return m.No == d.Market.No })
	if err != nil || i < 0 {
		return err
	}
	return tell(tx, all[i], all[i].Version-1, said, d.Now)
}

// tell asks for the jobs of a publication: one for everybody, and one for each creator with a contract in it.
func tell(tx *db.Tx, m market.Market, version int64, said []ratecard.Publication, now time.Time) error {
	var everybody []ratecard.Publication
	own, owners := map[id.ID][]ratecard.Publication{}, []id.ID{}
	for _, one := range said {
		switch {
		case one.Kind == ratecard.SellerFee: // creators earn nothing by it
		case one.Owner == 0:
			everybody = append(everybody, one)
		case own[one.Owner] == nil:
			owners = append(owners, one.Owner)
			fallthrough
		default:
			own[one.Owner] = append(own[one.Owner], one)
		}
	}
	own[0] = everybody
	for _, owner := range append([]id.ID{0}, owners...) {
		a := announcement{Market: m.ID, Version: version, At: now, Only: owner}
		if a.From, a.Summary = summarise(m, own[owner], now); a.Summary == "" {
			continue
		}
		if err := a.ask(tx); err != nil {
			return err
		}
	}
	return nil
}

// summarise says from when something changes and what, in at most three lines; both are empty where nothing does.
func summarise(m market.Market, said []ratecard.Publication, now time.Time) (from, summary string) {
	format := ui.NewFormat("", m.Locale, m.Location())
	var first time.Time
	for _, one := range said {
		if (len(one.Rises)+len(one.Cuts) > 0 || begins(one)) && (first.IsZero() || one.From.Before(first)) {
			first = one.From
		}
	}
	if first.IsZero() {
		return "", ""
	}
	if first.Before(now) {
		first = now
	}
	from = format.Date(first, now)
	var more, less, begun []string
	for _, one := range said {
		span := ""
		if day := format.Date(one.From, now); one.From.After(now) && day != from {
			span = ", from " + day
		}
		if !one.Until.IsZero() && !one.TakenBack && !one.Until.Equal(one.From) {
			span += ", until " + format.Date(one.Until.Add(-time.Microsecond), now)
		}
		name := partOf(one)
		for _, text := range one.Rises {
			more = append(more, shorten(name+text)+span)
		}
		for _, text := range one.Cuts {
			less = append(less, shorten(name+text)+span)
		}
		if begins(one) {
			begun = append(begun, string(one.Kind)+" rates"+span)
		}
	}
	var lines []string
	for _, line := range []struct {
		name   string
		pieces []string
	}{{"Pays more: ", more}, {"Pays less: ", less}, {"New: ", begun}} {
		if len(line.pieces) > saidPieces {
			line.pieces = append(slices.Clone(line.pieces[:saidPieces]), "and others")
		}
		if len(line.pieces) > 0 {
			lines = append(lines, line.name+strings.Join(line.pieces, "; ")+".")
		}
	}
	return from, strings.Join(lines, "\n")
}

// begins tells whether it is the first card of its kind, with which nothing rises or is cut; it may have a default rate alone.
func begins(one ratecard.Publication) bool {
	return one.What == ratecard.OfCard && (one.NewEntries > 0 || one.Version == 1)
}

// partOf names what a publication is about, before what it says.
func partOf(one ratecard.Publication) string {
	switch one.What {
	case ratecard.OfPromotion:
		return "promotion " + one.Name + ", "
	case ratecard.OfContract:
		return "your contract (" + string(one.Kind) + "), "
	case ratecard.OfVolume:
		return "volume tiers, "
	case terms.OfBounty:
		return "bounty " + one.Name + ", "
	}
	return string(one.Kind) + ", "
}

func shorten(text string) string {
	if utf8.RuneCountInString(text) <= saidPiece {
		return text
	}
	return string([]rune(text)[:saidPiece-1]) + "…"
}

// Announce is the work of a job: it tells the next creators of a publication, and asks for the job that goes on behind them, in one
// transaction.
func (p *Pages) Announce(ctx context.Context, j job.Job) error {
	var a announcement
	if err := json.Unmarshal(j.Body, &a); err != nil {
		return fault.New(fault.Invalid, "body", "is not an announcement", "look at the rates' page").Because(err)
	}
	return p.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		next := a // the transaction may run twice
		markets, err := market.All(tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(markets, func(m market.Market) bool { return m.ID == a.Market })
		if i < 0 {
			return fault.Invalidf("market", "there is no marketplace %q", "look at the rates' page", a.Market)
		}
		told := notice.Notice{Event: "rates.published", Market: a.Market, At: a.At, Key: a.occasion(),
			Facts: map[string]string{"summary": a.Summary, "from": a.From, "link": ui.Link("/rates", nil, "market", a.Market)}}
		if a.Only != 0 {
			told.Creator = a.Only
			return notice.Send(tx, p.Ring, told)
		}
		open, last, err := staff.NextEnrolled(tx, markets[i:i+1], a.After, p.Clock.Now())
		if err != nil || last == 0 {
			return err
		}
		for _, one := range open {
			told.Creator = one.Creator
			if err := notice.Send(tx, p.Ring, told); err != nil {
				return err
			}
		}
		next.After = last
		return next.ask(tx)
	})
}

// shortPlan bounds what the audit log keeps of a plan, in bytes; the whole stands with what was published.
const shortPlan = 8000

// Short is as much of a plan's text as the audit log keeps.
func Short(text string) string {
	if len(text) <= shortPlan {
		return text
	}
	return strings.ToValidUTF8(text[:shortPlan], "") + "…"
}
