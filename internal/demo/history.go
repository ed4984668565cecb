package demo

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/admission"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/demo/blog"
	"tributary/internal/demo/catalog"
	"tributary/internal/due"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/network/standin"
	"tributary/internal/order"
	"tributary/internal/secret"
	"tributary/internal/shopper"
)

// HistoryDays is how far back the demo's history goes: far enough that months have closed and are payable.
const HistoryDays = 150

// History lives through months of clicks and orders, day by day, through the real money path: clicks enter the click
// log, orders the accrual, months close on the way.
type History struct {
	World   *World
	DB      *db.DB
	Due     due.Schedule
	Accrual *accrual.Accrual
	Clock   *clock.Business
	Ring    *secret.Ring
	Log     *click.Log
	Desk    *admission.Desk
	// What stands for the world outside: networks, and the sites of people, which are reached on Port.
	Networks *standin.Networks
	Sites    *blog.Sites
	Port     string
	Drain    func(ctx context.Context) error         // does the work that waits: crawls, mails
	Keep     func() error                            // keeps the clock after each day
	Shown    func(day, days int, clicks, orders int) // progress
}

// story is what happens, made up before it is lived: a seed gives the same one every time.
type story struct {
	*History
	end    time.Time
	random *rand.Rand
	guests *rand.Rand // of those who join on the way, so that they change nothing for the others
	acts   []act      // in order of time
	sales  int        // of those who join
	sealer *click.Sealer
	clicks []*click.Click
	events []happening
	serial int
	coupon string // of the purchase that is made up now
}

type happening struct {
	at     time.Time
	market uint16
	event  order.Event
}

// Live makes the story up and lives it, from begin to end. The shops open at opening: who joined before has the time to
// come to the end of a trial.
func (h *History) Live(ctx context.Context, begin, opening, end time.Time) error {
	s := &story{History: h, end: end, random: rand.New(rand.NewPCG(2026, 11)), guests: rand.New(rand.NewPCG(2026, 4)), sealer: click.NewSealer(h.Ring)}
	days := int((end.Sub(begin) + 24*time.Hour - 1) / (24 * time.Hour)) // the present day is lived up to now
	for day := range days {
		at := begin.Add(time.Duration(day) * 24 * time.Hour)
		for _, m := range h.World.Markets {
			if !at.Before(opening) {
				s.imagine(m, at)
			}
		}
	}
	s.cast()
	s.arrange()
	if err := s.agree(ctx); err != nil {
		return err
	}
	orders := 0
	for day := range days {
		until := begin.Add(time.Duration(day+1) * 24 * time.Hour)
		if day == days-1 {
			until = end
		}
		if err := s.play(ctx, until); err != nil {
			return err
		}
		if err := s.advance(ctx, until); err != nil {
			return err
		}
		clicked, err := s.click(ctx, until)
		if err != nil {
			return err
		}
		placed, err := s.book(ctx, until)
		if err != nil {
			return err
		}
		orders += placed
		if told, err := h.Desk.Follow(ctx); err != nil {
			return err
		} else if told > 0 { // what a reviewer goes by is looked at on the day
			if err := h.Drain(ctx); err != nil {
				return err
			}
		}
		h.Shown(day+1, days, clicked, orders)
	}
	return h.Drain(ctx)
}

// arrange brings what is made up into the order in which it happens.
func (s *story) arrange() {
	slices.SortStableFunc(s.clicks, func(a, b *click.Click) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(s.events, func(a, b happening) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(a.event.ID, b.event.ID))
	})
	slices.SortStableFunc(s.acts, func(a, b act) int { return a.at.Compare(b.at) })
}

// advance moves the clock to an instant, from one thing that falls due to the next.
func (s *story) advance(ctx context.Context, to time.Time) error {
	_, err := s.Due.Advance(ctx, s.World.Markets, later(to, s.Clock.Now()), s.Keep)
	return err
}

// play has people do what they do before an instant, each when they do it.
func (s *story) play(ctx context.Context, until time.Time) error {
	for len(s.acts) > 0 && s.acts[0].at.Before(until) {
		next := s.acts[0]
		s.acts = s.acts[1:]
		if err := s.advance(ctx, next.at); err != nil {
			return err
		}
		if err := next.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// imagine makes up one day in one marketplace: what creators' readers click and buy, and what others buy.
func (s *story) imagine(m market.Market, day time.Time) {
	share := 1.0
	if m.ID == catalog.UK {
		share = 0.5
	}
	if weekday := day.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		share *= 1.3
	}
	for i := range s.World.Creators {
		c := &s.World.Creators[i]
		if len(c.Tracking[m.ID]) == 0 {
			continue
		}
		for range s.random.IntN(int(float64(2*c.reach)*share) + 1) {
			s.visit(m, c, s.hour(day))
		}
	}
	for range s.random.IntN(int(8*share) + 1) { // shoppers whom nobody sent
		s.stroll(m, s.hour(day))
	}
}

// stroll is a purchase of somebody whom no link brought: some bring a coupon, some watched a video on the product's page.
func (s *story) stroll(m market.Market, at time.Time) {
	item, c := s.pick(m, nil), &s.World.Creators[s.random.IntN(5)]
	switch s.random.IntN(6) {
	case 0:
		s.coupon = c.coupon
	case 1:
		if c.videos != nil && c.videos.Market == m.No {
			s.view(m, c, at)
			return
		}
	}
	s.buy(m, item, nil, "", at, nil)
	s.coupon = ""
}

// view is a video that is watched on a product's page, and the purchase after it.
func (s *story) view(m market.Market, c *Creator, at time.Time) {
	item := s.pick(m, c)
	seen := link.NewView(*c.videos, 0, item.SKU, int64(3+s.random.IntN(40)), false, at.Add(-10*time.Minute).Truncate(time.Microsecond))
	s.buy(m, item, nil, s.sealer.Seal(seen), at, &order.Shopper{Customer: fmt.Sprintf("viewer-%s-%d", m.ID, s.serial)})
}

// act is somebody who follows a bounty's link and does what it pays for; a few are taken back.
func (s *story) act(m market.Market, c *Creator, at time.Time) {
	made, ok := c.bounties[m.ID]
	if !ok {
		return
	}
	token := click.Token{Click: click.NewID(), Creator: c.ID, Program: click.Associates, Tracking: made.Tracking, Link: made.ID, Market: m.No,
		Kind: click.KindShort, At: at.Truncate(time.Microsecond), Flags: click.FlagSandbox}
	s.clicks = append(s.clicks, &click.Click{Token: token, Device: click.Device(1 + s.random.IntN(3)), RefererHost: c.handle + ".example", Country: countryOf(m)})
	s.serial++
	done := fmt.Sprintf("%s-b%04d", strings.ToUpper(m.ID), s.serial)
	customer := &order.Shopper{Customer: fmt.Sprintf("company-%s-%d", m.ID, s.serial), NewCustomer: s.random.IntN(8) > 0}
	s.tell(m, at.Add(20*time.Minute), order.Event{Type: order.TypeBountyCompleted, BountyPart: order.BountyPart{Bounty: done, Action: made.Action,
		Shopper: customer, Clicks: []string{s.sealer.Seal(token)}}})
	if s.random.IntN(9) == 0 {
		s.tell(m, at.Add(5*24*time.Hour), order.Event{Type: order.TypeBountyReversed, BountyPart: order.BountyPart{Bounty: done}})
	}
}

// hour is an instant of the day, more often in the evening.
func (s *story) hour(day time.Time) time.Time {
	minute := s.random.IntN(24 * 60)
	if s.random.IntN(3) > 0 {
		minute = 16*60 + s.random.IntN(8*60)
	}
	return day.Add(time.Duration(minute)*time.Minute + time.Duration(s.random.IntN(60_000_000))*time.Microsecond)
}

// pick chooses a product: of the creator's topics mostly.
func (s *story) pick(m market.Market, c *Creator) *catalog.Item {
	items := s.World.Catalog.Items(m.ID)
	if c != nil && s.random.IntN(10) > 0 {
		topic := s.World.Catalog.In(m.ID, c.topics[s.random.IntN(len(c.topics))])
		if len(topic) > 0 {
			items = topic
		}
	}
	return items[s.random.IntN(len(items))]
}

// visit is a click on a creator's link, and perhaps a purchase.
func (s *story) visit(m market.Market, c *Creator, at time.Time) {
	tracking := c.Tracking[m.ID][min(s.random.IntN(4), 1)*s.random.IntN(2)]
	item := s.pick(m, c)
	k := &click.Click{Product: item.SKU, Device: click.Device(1 + s.random.IntN(3)), RefererHost: c.handle + ".example", Country: countryOf(m)}
	k.Token = click.Token{Click: click.NewID(), Creator: c.ID, Program: click.Associates, Tracking: tracking.ID, Market: m.No,
		Landed: click.LandedProduct, Place: click.ProductPlace(item.SKU), Kind: click.KindProduct, At: at.Truncate(time.Microsecond), Flags: click.FlagSandbox}
	switch s.random.IntN(40) {
	case 0:
		k.Verdict, k.Flags = click.VerdictDeclaredBot, k.Flags|click.FlagInvalid
	case 1:
		k.Verdict, k.Flags = click.VerdictPaidAd, k.Flags|click.FlagPaid
	}
	s.clicks = append(s.clicks, k)
	if s.random.IntN(90) == 0 {
		s.act(m, c, at.Add(time.Minute))
	}
	if s.random.IntN(100) >= 8 || k.Verdict == click.VerdictDeclaredBot {
		return
	}
	wait := time.Duration(1+s.random.IntN(90)) * time.Minute
	switch s.random.IntN(12) {
	case 0: // comes back the next day, too late
		wait = time.Duration(26+s.random.IntN(40)) * time.Hour
	case 1:
		wait = time.Duration(2+s.random.IntN(20)) * time.Hour
	}
	shopper := &order.Shopper{Customer: fmt.Sprintf("shopper-%s-%d", m.ID, s.random.IntN(1200))}
	if s.random.IntN(120) == 0 {
		shopper.Email = c.Email // buys through the own link
	}
	s.buy(m, item, c, s.sealer.Seal(k.Token), at.Add(wait), shopper)
}

func countryOf(m market.Market) [2]byte { return [2]byte([]byte(m.Countries[0])) }

// buy is an order of one to three lines with everything that happens to them later.
func (s *story) buy(m market.Market, first *catalog.Item, c *Creator, token string, at time.Time, shopper *order.Shopper) {
	s.serial++
	orderID := fmt.Sprintf("%s-%05d", strings.ToUpper(m.ID), s.serial)
	placed := &order.Placed{ID: orderID, Currency: m.Currency, Shopper: shopper}
	if s.coupon != "" {
		placed.Coupons = []string{s.coupon}
	}
	items := []*catalog.Item{first}
	for s.random.IntN(3) == 0 && len(items) < 3 {
		items = append(items, s.pick(m, c))
	}
	var after []happening
	for i, item := range items {
		quantity := int64(1)
		if s.random.IntN(6) == 0 {
			quantity += int64(s.random.IntN(3))
		}
		l := order.Line{ID: fmt.Sprint(i + 1), SKU: item.SKU, Quantity: quantity, Category: item.Category, Digital: item.Digital,
			Amount: money.Money{Amount: item.Price * quantity, Currency: m.Currency}, Seller: item.Seller}
		if s.random.IntN(10) == 0 { // a sale
			l.Amount.Amount = money.Share(l.Amount.Amount, 8500)
		}
		if token != "" {
			added := at.Add(-time.Duration(s.random.IntN(45)) * time.Second)
			l.Clicks, l.AddedAt = []string{token}, &added
		}
		placed.Lines = append(placed.Lines, l)
		if !item.Digital {
			after = append(after, s.fulfil(m, orderID, l, at)...)
		}
	}
	s.tell(m, at, order.Event{Type: order.TypePlaced, Order: orderID, Placed: placed})
	for _, next := range after {
		s.tell(m, next.at, next.event)
	}
}

// fulfil makes up what happens to a line: shipped in a day or three, now and then cancelled, returned or refunded.
func (s *story) fulfil(m market.Market, orderID string, l order.Line, at time.Time) []happening {
	event := func(kind order.Type, quantity int64, after time.Duration) happening {
		return happening{at: at.Add(after), event: order.Event{Type: kind, Order: orderID, Line: l.ID, Quantity: quantity}}
	}
	hours := func(from, to int) time.Duration {
		return time.Duration(from)*time.Hour + time.Duration(s.random.IntN((to-from)*3600))*time.Second
	}
	fate := s.random.IntN(100)
	if fate < 3 {
		return []happening{event(order.TypeCancelled, l.Quantity, hours(1, 12))}
	}
	shipped := hours(18, 72)
	list := []happening{event(order.TypeShipped, l.Quantity, shipped)}
	switch {
	case fate < 9:
		list = append(list, event(order.TypeReturned, 1, shipped+hours(4*24, 16*24)))
	case fate < 11 && l.Amount.Amount > 1000:
		refund := event(order.TypeRefunded, 0, shipped+hours(2*24, 9*24))
		refund.event.Amount = &money.Money{Amount: money.Share(l.Amount.Amount, 1500), Currency: m.Currency}
		list = append(list, refund)
	}
	return list
}

func (s *story) tell(m market.Market, at time.Time, e order.Event) {
	e.Market, e.OccurredAt = m.ID, at.UTC().Truncate(time.Microsecond)
	e.ID = fmt.Sprintf("history-%s-%s%s-%s-%d", e.Type, e.Order, e.Bounty, e.Line, len(s.events))
	s.events = append(s.events, happening{e.OccurredAt, m.No, e})
}

// appenders is how many clicks are handed to the log at once: it commits them in groups.
const appenders = 64

// click puts the clicks up to an instant into the click log.
func (s *story) click(ctx context.Context, until time.Time) (int, error) {
	due := 0
	for due < len(s.clicks) && !s.clicks[due].At.After(until) {
		due++
	}
	batch := s.clicks[:due]
	s.clicks = s.clicks[due:]
	var work sync.WaitGroup
	failed := make(chan error, appenders)
	for worker := range appenders {
		work.Go(func() {
			for i := worker; i < len(batch); i += appenders {
				if _, err := s.Log.Append(ctx, batch[i]); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	work.Wait()
	select {
	case err := <-failed:
		return due, err
	default:
		return due, nil
	}
}

// book sends the events up to an instant, marketplace by marketplace, as a store would.
func (s *story) book(ctx context.Context, until time.Time) (placed int, err error) {
	due := 0
	batches := map[uint16][]accrual.Incoming{}
	for due < len(s.events) && !s.events[due].at.After(until) {
		one := s.events[due]
		in := accrual.Incoming{Event: one.event, Hash: one.event.Hash()}
		if one.event.Placed != nil {
			in.Facts = shopper.Keyed(s.Ring, one.event.Placed.Shopper)
			placed++
		}
		batches[one.market] = append(batches[one.market], in)
		due++
	}
	s.events = s.events[due:]
	for _, m := range s.World.Markets {
		results, err := s.Accrual.Take(ctx, m.No, batches[m.No])
		if err != nil {
			return placed, err
		}
		for _, r := range results {
			if r.Status != order.Accepted && r.Status != order.Waiting {
				return placed, fmt.Errorf("history: event %s was %s: %s", r.ID, r.Status, r.Reason)
			}
		}
	}
	return placed, nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic("demo: bad address " + address) // a constant of the command
	}
	return u.Host
}

// First is the link that the demo opens with: a creator's, to a product of theirs.
func (w *World) First(home string) (product string, tag link.Tracking) {
	c := w.Creators[0]
	tag = c.Tracking[catalog.US][0]
	for _, item := range w.Catalog.In(catalog.US, c.topics[0]) {
		if !item.Digital && item.Price > 2000 {
			return home + "/dp/" + item.SKU + "?tag=" + tag.Tag, tag
		}
	}
	return home + "/?tag=" + tag.Tag, tag
}
