package accrual_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/bounty"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
)

// Permutations of the normal run, and of one world: it has some stories, and each of them is lived by many shoppers who
// know nothing of each other, to whom the same things happen and of whom the same is heard in another order.
// TRIBUTARY_PERMUTATIONS makes it more.
const (
	normalPermutations = 1000
	shortPermutations  = 100
	storiesOfWorld     = 10
	livesOfStory       = 200
)

// foundSeeds are worlds in which a difference was found once; each line of the file begins with a seed.
const foundSeeds = "testdata/permutation.seeds"

// Events of which none is refused, in any order of arrival, in any grouping, some of them sent again, while the clock
// stands still and no budget is scarce: one hash of account → balance, and of what every line stands at (docs/spec.md §6).
// An audit of each world finds no difference.
func TestPermutations(t *testing.T) {
	for _, seed := range seedsIn(t, foundSeeds) {
		permuteWorld(t, seed, storiesOfWorld*livesOfStory)
	}
	count, seed := permutationCount(t), rand.Uint64()
	if text := os.Getenv("TRIBUTARY_PERMUTATION_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	begin := clock.Wall()
	for done := 0; done < count && !t.Failed(); seed++ {
		t.Logf("seed %d", seed)
		done += permuteWorld(t, seed, count-done)
		if took := clock.Since(begin); took > time.Minute {
			fmt.Printf("%d permutations of %d in %s\n", done, count, took.Round(time.Second))
		}
	}
}

func permutationCount(t *testing.T) int {
	if text := os.Getenv("TRIBUTARY_PERMUTATIONS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("TRIBUTARY_PERMUTATIONS %q", text)
		}
		return n
	}
	if testing.Short() {
		return shortPermutations
	}
	return normalPermutations
}

func seedsIn(t *testing.T, path string) (seeds []uint64) {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		seed, err := strconv.ParseUint(words[0], 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// permuteWorld lives one world's stories and gives the number of permutations, no more than so many.
func permuteWorld(t *testing.T, seed uint64, most int) (count int) {
	t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
		w := openStage(t, rand.New(rand.NewPCG(seed, 0)))
		for n := range storiesOfWorld {
			lives := min(livesOfStory, most-count)
			if lives <= 0 || t.Failed() {
				break
			}
			w.live(seed, uint64(n)+1, lives)
			count += lives
		}
		w.audit()
	})
	return count
}

// stage is a world in which stories are lived: with everything that prices and credits, under a policy of its own.
type stage struct {
	*world
	links map[id.ID]id.ID // of a bounty, by creator
}

const carol = id.ID(33) // her enrolment ends on the way

// openStage makes a world of that seed.
func openStage(t *testing.T, random *rand.Rand) *stage {
	s := &stage{}
	s.world = newWorld(t, resale, func(m *market.Market) {
		m.Seller = "house"
		m.Policy.AwaitPayment, m.Policy.CouponsFirst = random.IntN(4) == 0, random.IntN(4) == 0
		m.Policy.PaidEarns = random.IntN(4) == 0
		m.Policy.RateAt = []policy.RateAt{policy.AtOrder, policy.AtClick, policy.AtShipment}[random.IntN(3)]
		m.Policy.ViewScope = []policy.Scope{policy.ScopeProduct, policy.ScopeVariation, policy.ScopeCategory}[random.IntN(3)]
	})
	s.write(func(tx *db.Tx) error {
		one := creator.Creator{ID: carol, Name: "Creator 33", Handle: "creator33", Created: begin}
		if err := creator.Create(tx, s.ring, one, creator.Personal{Email: "c33@creators.example"}); err != nil {
			return err
		}
		key := enrolment.Key{Market: 1, Creator: carol, Program: enrolment.Associates}
		for _, standing := range []enrolment.Standing{{Since: begin.AddDate(-1, 0, 0), State: enrolment.Active},
			{Since: begin.Add(36 * time.Hour), State: enrolment.Suspended}} {
			if err := enrolment.Save(tx, key, standing); err != nil {
				return err
			}
		}
		if err := s.offerBounties(tx); err != nil {
			return err
		}
		if err := link.OpenCoupon(tx, link.Coupon{Market: 1, Code: "KETTLE10", Creator: bob, Program: click.Associates, Tracking: bob * 10,
			Since: begin.AddDate(0, -1, 0)}); err != nil {
			return err
		}
		return product.Save(tx, 1, click.ProductPlace, []product.Product{
			{SKU: "K-RED", Parent: "K", Title: "Kettle", Category: "Home > Kettles", State: product.Available},
			{SKU: "K-BLUE", Parent: "K", Title: "Kettle", Category: "Home > Kettles", State: product.Available},
			{SKU: "MUG", Title: "Mug", Category: "Home > Mugs", State: product.Available}})
	})
	s.enrol(alice, enrolment.Influencer)
	year := begin.AddDate(-1, 0, 0)
	s.rates(
		ratecard.Card{Kind: ratecard.Offsite, Effective: year, Default: 333, Entries: []ratecard.Entry{
			{Category: "Home > Kettles", BPS: 450}, {Category: "Home > Mugs", BPS: 1010, Cap: 77}}},
		ratecard.Card{Kind: ratecard.Offsite, Effective: begin.Add(24 * time.Hour), Default: 700},
		ratecard.Card{Kind: ratecard.Onsite, Effective: year, Default: 1000},
		ratecard.Card{Kind: ratecard.SellerFee, Effective: year, Default: 1500, Entries: []ratecard.Entry{
			{Category: "Home > Mugs", BPS: 2000, Minimum: 99}}},
		ratecard.Promotion{ID: 1, Name: "Half more", From: begin.Add(12 * time.Hour), Until: begin.Add(60 * time.Hour),
			Change: ratecard.Multiply, Value: 15000},
		ratecard.Contract{ID: 2, Creator: alice, Kind: ratecard.Offsite, BPS: 812, From: year})
	s.clock.Set(begin.AddDate(0, 0, 30)) // when everything is heard
	return s
}

// offerBounties opens tracking ids, and links of a bounty for each.
func (s *stage) offerBounties(tx *db.Tx) error {
	year := begin.AddDate(-1, 0, 0)
	s.links = map[id.ID]id.ID{}
	offer, err := bounty.Publish(tx, 1, bounty.Offer{Action: "signup", Name: "Sign up", Amount: 1500, From: year, Page: "/"}, year, 0)
	if err != nil {
		return err
	}
	for _, c := range []id.ID{alice, bob, carol} {
		tracking := link.Tracking{ID: c * 10, Tag: fmt.Sprintf("tag%d-20", c), Creator: c, Program: click.Associates, Market: 1,
			Name: "blog", Created: begin}
		if err := link.Open(tx, tracking); err != nil {
			return err
		}
		made, err := link.MakeBounty(tx, begin, s.m, c, link.Draft{Tracking: c * 10},
			link.Bounty{ID: offer.ID, Action: offer.Action, Page: offer.Page})
		if err != nil {
			return err
		}
		s.links[c] = made.ID
	}
	return nil
}

// life is what happens to one shopper of a story: its events in order of time, and a click that is found invalid at some
// moment (none: 0).
type life struct {
	name    string
	events  []order.Event
	invalid int64
	random  *rand.Rand
}

// live lets many shoppers live one story: of the first everything is heard as it happens, event by event; of the others
// in any order, some of it twice.
func (s *stage) live(seed, story uint64, lives int) {
	s.t.Helper()
	all := make([]*life, lives+1)
	for n := range all {
		// Names are of one length, so that whatever is ordered by them has one order in all lives.
		all[n] = s.tell(fmt.Sprintf("s%03d-%06d", story, n), int64(story)<<32|int64(n+1)<<8, rand.New(rand.NewPCG(seed, story)))
	}
	first := all[0]
	for _, e := range first.events {
		s.hear(first.name, []order.Event{e})
	}
	s.invalidate(first)
	random := rand.New(rand.NewPCG(seed, story<<32))
	heard := s.shuffled(all[1:], random)
	for group := range groups(heard, random) {
		s.hear(first.name, group)
		if random.IntN(8) == 0 {
			s.invalidate(all[1+random.IntN(lives)])
		}
	}
	for _, one := range all[1:] {
		s.invalidate(one)
	}
	found := s.outcomes(fmt.Sprintf("s%03d-", story))
	want := found[first.name]
	for _, one := range all[1:] {
		if got := found[one.name]; hashOf(got) != hashOf(want) {
			s.t.Errorf("%s: %s\nas it happened: %s\nevents: %s\nheard in the order: %s", one.name, hashOf(got), difference(want, got),
				first.text(first.events), one.text(heard))
			return
		}
	}
}

// shuffled gives all events of lives in one random order, some of them once more at any later or earlier moment.
func (s *stage) shuffled(lives []*life, random *rand.Rand) (heard []order.Event) {
	for _, one := range lives {
		for _, e := range one.events {
			for range 1 + random.IntN(4)/3 + random.IntN(12)/11 {
				heard = append(heard, e)
			}
		}
	}
	random.Shuffle(len(heard), func(i, j int) { heard[i], heard[j] = heard[j], heard[i] })
	return heard
}

// groups cuts events into groups, of a size that changes on the way: one transaction each.
func groups(events []order.Event, random *rand.Rand) func(func([]order.Event) bool) {
	return func(yield func([]order.Event) bool) {
		for len(events) > 0 {
			size := min(1+random.IntN([]int{4, 60, 600, accrual.MaxGroup}[random.IntN(4)]), len(events))
			if !yield(events[:size]) {
				return
			}
			events = events[size:]
		}
	}
}

// hear books events; of none it may be said that it contradicts another.
func (s *stage) hear(name string, events []order.Event) {
	s.t.Helper()
	for i, fate := range s.send(events...) {
		if fate != "accepted" && fate != "duplicate" && !strings.HasPrefix(fate, "waiting") {
			s.t.Fatalf("%s: event %s of %v is %s", name, events[i].ID, events[i].Order, fate)
		}
	}
}

func (s *stage) invalidate(one *life) {
	s.t.Helper()
	if one.invalid == 0 {
		return
	}
	verdict := []accrual.ClickVerdict{{Click: one.invalid, Rule: "click_farm", Evidence: "ticket 12"}}
	if _, err := s.Invalidate(context.Background(), 1, verdict); err != nil {
		s.t.Fatal(err)
	}
}

var (
	selectStory = db.Statement(`SELECT subject, debit, credit, amount FROM transfer WHERE lane = 1 AND
		(subject >= $1 AND subject < $2 OR subject >= $3 AND subject < $4) ORDER BY subject, version, component, leg`)
	selectClaims = db.Statement(`SELECT id, '', creator, 0, 0, reason, pending, earned, 0 FROM bounty_claim
		WHERE market = 1 AND id >= $1 AND id < $2 ORDER BY id`)
	selectStands = db.Statement(`SELECT order_id, line_id, creator, program, tracking, reason, pending, earned, open_units FROM line
		WHERE market = 1 AND order_id >= $1 AND order_id < $2 ORDER BY order_id, line_id`)
)

// outcomes gives for every life of a story the balance that it brought to each account, and what its lines stand at.
func (s *stage) outcomes(story string) map[string]map[string]string {
	s.t.Helper()
	balances, found := map[string]map[string]int64{}, map[string]map[string]string{}
	length := len(story) + 6
	if err := s.db.Read(context.Background(), func(tx *db.Tx) error {
		end := story[:len(story)-1] + "."
		if err := tx.Each(selectStory, func(scan func(...any) error) error {
			var subject, debit, credit string
			var amount int64
			err := scan(&subject, &debit, &credit, &amount)
			_, name, _ := strings.Cut(subject, "/")
			name = name[:length]
			if balances[name] == nil {
				balances[name] = map[string]int64{}
			}
			balances[name][debit] -= amount
			balances[name][credit] += amount
			return err
		}, "bounty/"+story, "bounty/"+end, "line/"+story, "line/"+end); err != nil {
			return err
		}
		stands := func(scan func(...any) error) error {
			var orderID, lineID, reason string
			var c, program, tracking, pending, earned, open int64
			err := scan(&orderID, &lineID, &c, &program, &tracking, &reason, &pending, &earned, &open)
			name := orderID[:length]
			if found[name] == nil {
				found[name] = map[string]string{}
			}
			found[name][orderID[length:]+"/"+lineID] = fmt.Sprintf("creator %d, program %d, tracking %d, P %d, E %d, open %d, %s",
				c, program, tracking, pending, earned, open, reason)
			return err
		}
		if err := tx.Each(selectStands, stands, story, end); err != nil {
			return err
		}
		return tx.Each(selectClaims, stands, story, end)
	}); err != nil {
		s.t.Fatal(err)
	}
	for name, accounts := range balances {
		for account, balance := range accounts {
			if balance != 0 {
				found[name][account] = strconv.FormatInt(balance, 10)
			}
		}
	}
	return found
}

// hashOf is the hash of account → balance, and of where the lines stand.
func hashOf(outcome map[string]string) string {
	var text bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(outcome)) {
		fmt.Fprintf(&text, "%s %s\n", key, outcome[key])
	}
	sum := sha256.Sum256(text.Bytes())
	return hex.EncodeToString(sum[:8])
}

func difference(want, got map[string]string) string {
	var text strings.Builder
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if want[key] != got[key] {
			fmt.Fprintf(&text, "\n  %s: want %q, got %q", key, want[key], got[key])
		}
	}
	return text.String()
}

// text gives those of some events that are of a life, by their numbers in it.
func (l *life) text(events []order.Event) string {
	var text strings.Builder
	for _, e := range events {
		if !strings.HasPrefix(e.ID, l.name) {
			continue
		}
		fmt.Fprintf(&text, "\n  %s %s %s %s%s line %s quantity %d", e.ID[len(l.name):], e.Type, e.OccurredAt.Format(time.DateTime),
			e.Order, e.Bounty, e.Line, e.Quantity)
		if e.Amount != nil {
			fmt.Fprintf(&text, " amount %d", e.Amount.Amount)
		}
		if e.Placed != nil {
			for _, line := range e.Placed.Lines {
				fmt.Fprintf(&text, "\n      line %s: %d of %s for %d, digital %v, seller %q, %d clicks, added %v", line.ID, line.Quantity,
					line.SKU, line.Amount.Amount, line.Digital, line.Seller, len(line.Clicks), line.AddedAt)
			}
			fmt.Fprintf(&text, "\n      shopper %+v, coupons %v", e.Placed.Shopper, e.Placed.Coupons)
		}
	}
	return text.String()
}

// usdOf is a pointer to an amount.
func usdOf(amount int64) *money.Money {
	m := usd(amount)
	return &m
}
