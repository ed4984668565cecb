package model

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/audit"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/link"
	markets "tributary/internal/market"
	"tributary/internal/money"
	orders "tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
	"tributary/internal/shopper"
)

// The harness: it translates a tale for the engine, lets it be lived there, and reads where everything stands.

// engines is a database in which every tale gets a marketplace of its own.
type engines struct {
	t    testing.TB
	db   *db.DB
	ring *secret.Ring
	last uint16
	// drifted counts the tales in which nothing but months differ, after the clock had moved.
	drifted int
}

func newEngines(t testing.TB) *engines {
	return &engines{t: t, db: dbtest.Open(t), ring: secret.FixedRing("model")}
}

// engine is one marketplace of the engine.
type engine struct {
	*engines
	*accrual.Accrual
	tale   *Tale
	no     uint16
	name   string
	clock  *clock.Business
	tokens map[int]string
}

const currency = "USD"

var (
	insertPromotion = db.Statement(`INSERT INTO promotion (id, market, starts, ends, published, body)
		VALUES ($1, $2, 0, 0, 0, $3)`)
	insertContract = db.Statement(`INSERT INTO contract (id, market, creator, published, body)
		VALUES ($1, $2, $3, 0, $4)`)
	insertVolume = db.Statement(`INSERT INTO volume (id, market, number, published, body)
		VALUES ($1, $2, $3, 0, $4)`)
	selectStanding = db.Statement(`SELECT order_id, line_id, creator, reason, pending, earned, state FROM line
		WHERE market = $1 ORDER BY order_id, line_id`)
	selectExtra = db.Statement(`SELECT creator, month, extra FROM volume_month
		WHERE market = $1 AND extra <> 0 ORDER BY creator, month`)
)

// open sets a marketplace up for a tale.
func (es *engines) open(tale *Tale) *engine {
	es.last++
	e := &engine{engines: es, tale: tale, no: es.last, name: fmt.Sprint("m", es.last),
		clock: clock.NewStopped(tale.Begin.time())}
	e.tokens = e.seal()
	if err := es.db.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		for _, step := range []func(*db.Tx) error{e.saveMarket, e.saveCreators, e.saveRates, e.saveGoods} {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		panic(fmt.Sprintf("%s: %v", tale.text(), err))
	}
	e.Accrual = accrual.New(es.db, e.clock, es.ring, 0)
	return e
}

func (e *engine) saveMarket(tx *db.Tx) error {
	p := e.tale.Program.Policy
	return markets.Save(tx, markets.Market{No: e.no, ID: e.name, Name: e.name, Currency: currency, Zone: e.tale.Program.Zone,
		Home: "http://store.example", Seller: e.tale.Program.House, Policy: policy.Policy{
			SessionHours: p.SessionHours, CartDays: p.CartDays, LapseDays: p.LapseDays, AwaitPayment: p.AwaitPayment,
			PaidEarns: p.PaidEarns, ResaleUnits: p.ResaleUnits, ResaleDays: p.ResaleDays, BusinessOut: p.BusinessOut,
			HoldDays: p.HoldDays, ViewSeconds: p.ViewSeconds, ViewScope: policy.Scope(p.ViewScope),
			CouponsFirst: p.CouponsFirst, RateAt: policy.RateAt(p.RateAt)}})
}

// who is a creator's id, and which its tracking id in a program.
func (e *engine) who(number int) id.ID { return id.ID(int64(e.no)<<16 + int64(number)) }
func (e *engine) which(number, program int) id.ID {
	return id.ID(int64(e.who(number))<<4 + int64(program))
}

// tag names a creator's tracking id in a program; nobody has one under the number 0.
func (e *engine) tag(number, program int) string {
	return fmt.Sprintf("%sc%d-%d-20", e.name, number, program)
}

// own makes a fact one of this marketplace's people alone: creators are known to all marketplaces.
func (e *engine) own(text string) string {
	if text == "" {
		return ""
	}
	return e.name + "/" + text
}

func (e *engine) saveCreators(tx *db.Tx) error {
	for _, c := range e.tale.Program.Creators {
		name := fmt.Sprint(e.name, "c", c.Number)
		account := creator.Creator{ID: e.who(c.Number), Name: name, Handle: name, Created: e.tale.Begin.time()}
		if err := creator.Create(tx, e.ring, account, creator.Personal{}); err != nil {
			return err
		}
		own := &orders.Shopper{Customer: e.own(c.Facts.Customer), Email: e.own(c.Facts.Email), Address: e.own(c.Facts.Address),
			Household: e.own(c.Facts.Household), Payment: e.own(c.Facts.Payment), Device: e.own(c.Facts.Device)}
		if err := creator.AddFacts(tx, e.who(c.Number), shopper.Keyed(e.ring, own).Known); err != nil {
			return err
		}
		for program := 1; program <= 3; program++ {
			tracking := link.Tracking{ID: e.which(c.Number, program), Tag: e.tag(c.Number, program), Market: e.no,
				Creator: account.ID, Program: click.Program(program), Name: name, Created: account.Created}
			if err := link.Open(tx, tracking); err != nil {
				return err
			}
		}
		for _, one := range c.Enrolments {
			key := enrolment.Key{Market: e.no, Creator: e.who(c.Number), Program: enrolment.Program(one.Program)}
			for _, s := range one.Standings {
				standing := enrolment.Standing{Since: s.Since.time(), State: enrolment.State(s.State)}
				if err := enrolment.Save(tx, key, standing); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (e *engine) saveRates(tx *db.Tx) error {
	long := e.tale.Begin.time().AddDate(-3, 0, 0)
	for _, c := range e.tale.Program.Cards {
		card := ratecard.Card{Kind: ratecard.Kind(c.Kind), Effective: c.Effective.time(), Default: c.Default}
		for _, one := range c.Entries {
			card.Entries = append(card.Entries, ratecard.Entry{Category: one.Category, SKU: one.SKU, BPS: one.Rate,
				Cap: one.Cap, Excluded: one.Excluded, Minimum: one.Minimum})
		}
		if _, err := ratecard.Publish(tx, e.no, card, long, 0); err != nil {
			return err
		}
	}
	number := func(i int) int64 { return int64(e.no)<<16 + int64(i) }
	for i, p := range e.tale.Program.Promotions {
		body := ratecard.Promotion{ID: id.ID(number(i)), Name: fmt.Sprint("promotion ", i), From: p.From.time(),
			Until: p.Until.time(), Change: ratecard.Change(p.Change), Value: p.Value, NewCustomers: p.NewCustomers,
			Categories: p.Categories, SKUs: p.SKUs}
		for _, kind := range p.Kinds {
			body.Kinds = append(body.Kinds, ratecard.Kind(kind))
		}
		if _, err := tx.Exec(insertPromotion, number(i), int64(e.no), text(body)); err != nil {
			return err
		}
	}
	for i, c := range e.tale.Program.Contracts {
		body := ratecard.Contract{ID: id.ID(number(i)), Creator: e.who(c.Creator), Kind: ratecard.Kind(c.Kind), BPS: c.Rate,
			Cap: c.Cap, From: c.From.time(), NoPromotions: c.NoPromotions}
		if c.Until != 0 {
			body.Until = c.Until.time()
		}
		if _, err := tx.Exec(insertContract, number(i), int64(e.no), int64(e.who(c.Creator)), text(body)); err != nil {
			return err
		}
	}
	for i, v := range e.tale.Program.Volumes {
		body := ratecard.Volume{ID: id.ID(number(i)), Number: int64(i) + 1, From: v.From}
		for _, band := range v.Bands {
			body.Bands = append(body.Bands, ratecard.Band(band))
		}
		if _, err := tx.Exec(insertVolume, number(i), int64(e.no), int64(i)+1, text(body)); err != nil {
			return err
		}
	}
	return nil
}

func text(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// saveGoods saves products, coupons, and the clicks of signed-in customers.
func (e *engine) saveGoods(tx *db.Tx) error {
	p := e.tale.Program
	products := make([]product.Product, len(p.Products))
	for i, one := range p.Products {
		products[i] = product.Product{SKU: one.SKU, Title: one.SKU, Category: one.Category, Parent: one.Parent,
			Seller: one.Seller}
	}
	if err := product.Save(tx, e.no, click.ProductPlace, products); err != nil {
		return err
	}
	for _, c := range p.Coupons {
		opened := link.Coupon{Market: e.no, Code: c.Code, Creator: e.who(c.Creator), Program: click.Program(c.Program),
			Tracking: e.which(c.Creator, c.Program)}
		if c.Since != 0 {
			opened.Since = c.Since.time()
		}
		if c.Until != 0 {
			opened.Until = c.Until.time()
		}
		if err := link.OpenCoupon(tx, opened); err != nil {
			return err
		}
	}
	for _, b := range p.Bound {
		customer := creator.Fact(e.ring, creator.FactCustomer, e.own(b.Customer))
		for _, c := range p.Clicks {
			if c.Number != b.Click {
				continue
			}
			// What counts for nobody is not kept; that is no mistake.
			err := link.Bind(tx, e.no, customer, e.token(c), e.tokens[c.Number], c.At.time())
			if err != nil && err != link.ErrNoTouch {
				return err
			}
		}
	}
	return nil
}

func (e *engine) token(c Click) click.Token {
	t := click.Token{Click: int64(c.Number), Creator: e.who(c.Creator), Program: click.Program(c.Program),
		Tracking: e.which(c.Creator, c.Program), Market: e.no, At: c.At.time()}
	if c.Creator == 0 {
		t.Creator, t.Tracking = 0, 0
	}
	if c.View {
		owner := link.Tracking{ID: t.Tracking, Creator: t.Creator, Program: t.Program, Market: e.no}
		t = link.NewView(owner, 0, c.Product, c.Seconds, c.BoostedView, c.At.time())
		t.Click = int64(c.Number)
	} else if c.Product != "" {
		t.Landed, t.Place, t.Kind = click.LandedProduct, click.ProductPlace(c.Product), click.KindProduct
	} else if c.Category != "" {
		t.Landed, t.Place, t.Kind = click.LandedCategory, click.CategoryPlace(c.Category), click.KindCategory
	}
	if c.Invalid {
		t.Flags |= click.FlagInvalid
	}
	if c.Paid {
		t.Flags |= click.FlagPaid
	}
	if c.Elsewhere {
		t.Market = 65_000
	}
	return t
}

func (e *engine) seal() map[int]string {
	sealer, tokens := click.NewSealer(e.ring), map[int]string{}
	for _, c := range e.tale.Program.Clicks {
		sealed := sealer.Seal(e.token(c))
		if c.Forged {
			sealed = strings.Repeat("A", 40) + sealed[40:]
		}
		tokens[c.Number] = sealed
	}
	return tokens
}

// event translates an event.
func (e *engine) event(told Event) accrual.Incoming {
	usd := func(amount int64) money.Money { return money.Money{Amount: amount, Currency: currency} }
	out := orders.Event{ID: told.ID, Type: orders.Type(told.Type), Market: e.name, OccurredAt: told.At.time(),
		Order: told.Order, Line: told.Line, Quantity: told.Quantity}
	if told.Amount != nil {
		amount := usd(*told.Amount)
		out.Amount = &amount
	}
	in := accrual.Incoming{}
	if told.Placed != nil {
		out.Placed = &orders.Placed{ID: told.Order, Currency: currency, Coupons: told.Placed.Coupons}
		if s := told.Placed.Shopper; s != nil {
			out.Placed.Shopper = &orders.Shopper{Customer: e.own(s.Customer), Email: e.own(s.Email), Address: e.own(s.Address),
				Household: e.own(s.Household), Payment: e.own(s.Payment), Device: e.own(s.Device),
				Business: s.Business, NewCustomer: s.New}
			in.Facts = shopper.Keyed(e.ring, out.Placed.Shopper)
		}
		for _, l := range told.Placed.Lines {
			line := orders.Line{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, Amount: usd(l.Net), Category: l.Category,
				Seller: l.Seller, Digital: l.Digital}
			for _, number := range l.Clicks {
				line.Clicks = append(line.Clicks, e.tokens[number])
			}
			for _, c := range l.Imported {
				line.Touches = append(line.Touches, orders.Imported{Tag: e.tag(c.Creator, c.Program), ClickedAt: c.At.time()})
			}
			if l.Added != 0 {
				added := l.Added.time()
				line.AddedAt = &added
			}
			out.Placed.Lines = append(out.Placed.Lines, line)
		}
	}
	if err := out.Check(e.clock.Now(), currency, true); err != nil {
		panic(fmt.Sprintf("the tale tells of an event that no store may send: %+v: %v", told, err))
	}
	in.Event, in.Hash = out, out.Hash()
	return in
}

// runDue lets jobs post what the clock has decided.
func (e *engine) runDue(ctx context.Context) error {
	if _, err := e.Lapse(ctx, e.no); err != nil {
		return err
	}
	if _, err := e.CloseMonths(ctx, e.no); err != nil {
		return err
	}
	for _, c := range e.tale.Program.Creators {
		for _, one := range c.Enrolments { // what an approval gives free
			key := enrolment.Key{Market: e.no, Creator: e.who(c.Number), Program: enrolment.Program(one.Program)}
			if _, err := e.Settle(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// live goes through the steps of the tale and gives the fate of each event. At the end what is due runs.
func (e *engine) live() (fates []string) {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			panic(fmt.Sprintf("%s: %v", e.tale.text(), err))
		}
	}
	finding := id.ID(int64(e.no))
	for _, step := range e.tale.Steps {
		if step.Clock != 0 {
			must(e.clock.Set(step.Clock.time()))
		}
		if step.Clock != 0 && !step.Idle {
			must(e.runDue(ctx))
		}
		if len(step.Events) > 0 {
			incoming := make([]accrual.Incoming, len(step.Events))
			for i, told := range step.Events {
				incoming[i] = e.event(told)
			}
			results, err := e.Take(ctx, e.no, incoming)
			must(err)
			for _, r := range results {
				fates = append(fates, strings.TrimSpace(string(r.Status)+" "+r.Reason))
			}
		}
		if len(step.Invalid) > 0 {
			verdicts := make([]accrual.ClickVerdict, len(step.Invalid))
			for i, number := range step.Invalid {
				verdicts[i] = accrual.ClickVerdict{Click: int64(number), Rule: "pattern"}
			}
			_, err := e.Invalidate(ctx, e.no, verdicts)
			must(err)
		}
		if len(step.Disqualify) > 0 {
			violation := accrual.Violation{ID: finding, Code: "incentive", By: "reviewer"}
			_, err := e.Disqualify(ctx, e.no, violation, keys(step.Disqualify))
			must(err)
		}
		if len(step.Reinstate) > 0 {
			_, err := e.Reinstate(ctx, e.no, finding, keys(step.Reinstate))
			must(err)
		}
	}
	must(e.runDue(ctx))
	return fates
}

func keys(names []string) (keys []accrual.LineKey) {
	for _, name := range names {
		order, line, _ := strings.Cut(name, "/")
		keys = append(keys, accrual.LineKey{Order: order, Line: line})
	}
	return keys
}

// kept is what the engine's row keeps of a line beside its columns.
type kept struct {
	Basis struct {
		Direct   bool `json:"d"`
		Credited bool `json:"w"`
	} `json:"b"`
	Held struct {
		Promo  int64            `json:"promo"`
		Months map[string]int64 `json:"months"`
		Fee    int64            `json:"fee"`
		Bases  map[string]int64 `json:"bases"`
	} `json:"h"`
}

// stands reads where the engine's lines, months and accounts stand.
func (e *engine) stands() standing {
	s := standing{}
	if err := e.db.Read(context.Background(), func(tx *db.Tx) error {
		if err := tx.Each(selectStanding, func(scan func(...any) error) error {
			var l lineStanding
			var order, line, state string
			var who int64
			if err := scan(&order, &line, &who, &l.Reason, &l.Pending, &l.Earned, &state); err != nil {
				return err
			}
			var k kept
			if err := json.Unmarshal([]byte(state), &k); err != nil {
				return err
			}
			if who != 0 {
				l.Creator = int(who - int64(e.who(0)))
			}
			l.Credited, l.Direct = k.Basis.Credited, k.Basis.Direct
			l.Promo, l.Fee, l.Months, l.Bases = k.Held.Promo, k.Held.Fee, k.Held.Months, k.Held.Bases
			s.add("line "+order+"/"+line, l.text())
			return nil
		}, int64(e.no)); err != nil {
			return err
		}
		if err := tx.Each(selectExtra, func(scan func(...any) error) error {
			var who, extra int64
			var month string
			err := scan(&who, &month, &extra)
			s.add(fmt.Sprintf("extra of %d in %s", who-int64(e.who(0)), month), fmt.Sprint(extra))
			return err
		}, int64(e.no)); err != nil {
			return err
		}
		return e.readAccounts(tx, s)
	}); err != nil {
		e.t.Fatal(err)
	}
	return s
}

// readAccounts gives the balances of the marketplace, by names of the model's.
func (e *engine) readAccounts(tx *db.Tx, s standing) error {
	prefixes := map[string]string{"operator/" + e.name + "/": "operator/"}
	for _, c := range e.tale.Program.Creators {
		prefixes["creator/"+e.who(c.Number).Text(id.Creator)+"/"+e.name+"/"] = fmt.Sprintf("creator %d/", c.Number)
	}
	for _, seller := range sellers {
		prefixes["seller/"+seller+"/"] = "seller " + seller + " "
	}
	for prefix, name := range prefixes {
		entries, err := ledger.Under(tx, prefix)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			rest := strings.TrimPrefix(string(entry.Account), prefix)
			if strings.HasPrefix(prefix, "seller/") {
				if rest != e.name {
					continue
				}
				rest = ""
			}
			if entry.Balance != 0 {
				s.add(strings.TrimSpace(name+rest), fmt.Sprint(entry.Balance))
			}
		}
	}
	return nil
}

// audit lets the engine recompute everything that it has stored.
func (es *engines) audit() {
	es.t.Helper()
	if err := es.db.Read(context.Background(), func(tx *db.Tx) error {
		differ := func(text string) { es.t.Error(text) }
		if _, err := ledger.Verify(tx, differ); err != nil {
			return err
		}
		for no := uint16(1); no <= es.last; no++ {
			if _, err := audit.Verify(tx, int64(no), differ); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		es.t.Fatal(err)
	}
}
