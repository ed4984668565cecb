package ratefile

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ratecard/terms"
)

func drawOffers(t *rapid.T, zone *time.Location) (offers []terms.Offer) {
	at := func(label string) time.Time {
		date := now.In(zone).AddDate(0, 0, rapid.IntRange(-40, 40).Draw(t, label))
		start := startOf(time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, time.UTC), zone)
		return start.Add(time.Duration(rapid.SampledFrom([]int64{0, 0, 1, 3_600_000_000}).Draw(t, "µs")) * time.Microsecond)
	}
	for n := range rapid.IntRange(0, 5).Draw(t, "offers") {
		o := terms.Offer{ID: id.ID(n + 1), Action: rapid.SampledFrom([]string{"trial", "null", "_1"}).Draw(t, "action"), Name: drawName(t, "offered"), From: at("offered from"),
			NewCustomers: rapid.Bool().Draw(t, "new"), Page: rapid.SampledFrom([]string{"/", "/a?b=#c", "https://shop.example/x: y"}).Draw(t, "page"),
			WindowDays: rapid.SampledFrom([]int{0, 0, 30}).Draw(t, "window")}
		if rapid.Bool().Draw(t, "share") {
			o.ShareBPS, o.Max = rapid.Int64Range(1, 10_000).Draw(t, "of the value"), rapid.Int64Range(0, 300).Draw(t, "max")
		} else {
			o.Amount = rapid.Int64Range(1, 5_000).Draw(t, "pays")
		}
		if rapid.Bool().Draw(t, "offer ends") { // some are taken back
			o.Until = o.From.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "offered days")) * day)
		}
		if o = o.Clean(); strings.TrimSpace(o.Name) != "" && !strings.ContainsAny(o.Name, "\t\u2028") && !slices.ContainsFunc(offers, o.Same) {
			offers = append(offers, o)
		}
	}
	return offers
}

// withBounties is a marketplace in use, in which two actions are paid for and a third is to be.
func withBounties(t *testing.T) *db.DB {
	t.Helper()
	d := used(t)
	if _, err := publishAt(d, `{marketplace: us, currency: USD, bounties: [
		{action: business_signup, name: A company signs up, amount: 15, new_customers: true, from: 2026-01-01, page: /business, window_days: 30},
		{action: trade_in, name: A device is traded in, share: 2, max: 50, from: 2026-03-01, page: /trade},
		{action: trial, name: A trial is begun, amount: 3, from: 2027-01-01, page: /trial}]}`, now.Add(-30*day)); err != nil {
		t.Fatal(err)
	}
	if _, err := publishAt(d, strings.Replace(export(t, d, now.Add(-20*day)), "\n  - action: trade_in", `
  - {action: business_signup, name: Season, amount: 25, new_customers: true, from: 2026-11-10, until: 2026-12-31, page: /business}
  - action: trade_in`, 1), now.Add(-20*day)); err != nil {
		t.Fatal(err)
	}
	return d
}

// The story of a list of bounties: what an edit of the exported file would do.
func TestBountyPlans(t *testing.T) {
	d := withBounties(t)
	base := export(t, d, now)
	_, section, _ := strings.Cut(base, "\nbounties:\n")
	want := `  - action: business_signup
    name: A company signs up
    amount: 15.00
    new_customers: true
    from: 2026-01-01
    page: "/business"
    window_days: 30
  - action: business_signup
    name: Season
    amount: 25.00
    new_customers: true
    from: 2026-11-10
    until: 2026-12-31
    page: "/business"
  - action: trade_in
    name: A device is traded in
    share: 2
    max: 50.00
    from: 2026-03-01
    page: "/trade"
  - action: trial
    name: A trial is begun
    amount: 3.00
    from: 2027-01-01
    page: "/trial"
`
	if diff := cmp.Diff(want, section); diff != "" {
		t.Fatal(diff)
	}
	trial := "  - action: trial\n    name: A trial is begun\n    amount: 3.00\n    from: 2027-01-01\n    page: \"/trial\"\n"
	trade := "  - action: trade_in\n    name: A device is traded in\n    share: 2\n    max: 50.00\n    from: 2026-03-01\n    page: \"/trade\"\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "", "", "us: nothing changes\n"},
		{"the section is left out", "\nbounties:\n" + section, "", "us: nothing changes\n"},
		{"a date is left above an edited amount", "amount: 15.00", "amount: 20.00",
			"bounties[0].from (line 34): is in the past, and what was offered is never changed; write a later date, or leave it out"},
		{"a share rises at once", "share: 2\n    max: 50.00\n    from: 2026-03-01\n", "share: 2.5\n    max: 50.00\n",
			"us: bounty trade_in, from 2026-11-22 09:00:00 EST\n  + from 2 % of the value, at most 50.00 USD to 2.5 % of the value, at most 50.00 USD\n"},
		{"a share is cut, after its notice", "share: 2\n    max: 50.00\n    from: 2026-03-01\n", "share: 1.5\n    max: 50.00\n",
			"us: bounty trade_in, from 2026-12-07\n  - from 2 % of the value, at most 50.00 USD to 1.5 % of the value, at most 50.00 USD\n"},
		{"a share is cut too soon", "max: 50.00\n    from: 2026-03-01\n", "max: 40.00\n    from: 2026-12-01\n",
			"bounties[2].from (line 48): creators would get less, which takes effect no sooner than 14 days after it is published: trade_in from 2 % of the value, at most 50.00 USD to 2 % of the value, at most 40.00 USD; set it to 2026-12-06T14:00:00Z or later"},
		{"another page", "from: 2026-03-01\n    page: \"/trade\"", "from: 2026-12-01\n    page: /sell", "us: bounty trade_in with another page, from 2026-12-01\n"},
		{"a foreign page", "from: 2026-03-01\n    page: \"/trade\"", "from: 2026-12-01\n    page: https://other.example/", "bounties[2].page (line 49): is not a page of this marketplace's own hosts"},
		{"a season is longer", "until: 2026-12-31", "until: 2027-01-31",
			"us: bounty business_signup, ends 2027-01-31 instead of 2026-12-31\n  + from 15.00 USD for new customers to 25.00 USD for new customers\n"},
		{"a season is shorter", "until: 2026-12-31", "until: 2026-12-06",
			"us: bounty business_signup, ends 2026-12-06 instead of 2026-12-31\n  - from 25.00 USD for new customers to 15.00 USD for new customers\n"},
		{"a season is shorter too soon", "until: 2026-12-31", "until: 2026-12-05", "bounties[1].until (line 42): creators would get less"},
		{"a season has no end", "    until: 2026-12-31\n", "",
			"us: bounty business_signup, has no end any more, instead of 2026-12-31\n  + from 15.00 USD"},
		{"a running season is gone", section[strings.Index(section, "  - action: business_signup\n    name: Season"):strings.Index(section, "  - action: trade_in")], "",
			"bounties (line 29): business_signup, which runs since 2026-11-10, is not there; leave it in the file, and write its end: until: 2026-12-06 or later"},
		{"what is to come is gone", trial, "", "us: bounty trial, taken back before it begins\n  - from 3.00 USD to nothing\n"},
		{"what is to come moves", "from: 2027-01-01\n    page: \"/trial\"", "from: 2026-12-01\n    page: /trial",
			"us: bounty trial, taken back before it begins\nus: bounty trial, from 2026-12-01\n  + 3.00 USD\n"},
		{"an action ends", "max: 50.00\n    from: 2026-03-01", "max: 50.00\n    from: 2026-03-01\n    until: 2026-12-31", "us: bounty trade_in, ends 2026-12-31\n  - from 2 % of the value, at most 50.00 USD to nothing\n"},
		{"an action is gone", trade, "", "bounties (line 29): trade_in, which runs since 2026-03-01, is not there; leave it in the file, and write its end: until: 2026-12-06 or later"},
		{"an action has a season in place of what it had", trade, "  - {action: trade_in, name: T, share: 3, max: 60, from: 2026-12-10, until: 2026-12-20, page: /trade}\n",
			"us: bounty trade_in, ends 2026-12-09\nus: bounty trade_in, from 2026-12-10 until 2026-12-20\n  + from 2 % of the value, at most 50.00 USD to 3 % of the value, at most 60.00 USD\n"},
		{"and that too soon", trade, "  - {action: trade_in, name: T, share: 3, max: 60, from: 2026-11-25, until: 2026-11-30, page: /trade}\n",
			"bounties[2].until (line 44): creators would get less"},
		{"a new action at once", trial, trial + "  - {action: music, name: A music trial, amount: 2.5, page: /music}\n", "us: bounty music, from 2026-11-22 09:00:00 EST\n  + 2.50 USD\n"},
		{"one that is never paid", trial, trial + "  - {action: music, name: A, amount: 2.5, page: /}\n  - {action: music, name: B, amount: 2.6, from: 2026-11-22T14:00:00Z, page: /}\n",
			"bounties[4] (line 55): is never paid: another one of its action begins no sooner"},
		{"all of it is gone", "\nbounties:\n" + section, "\nbounties: []\n", "bounties (line 29): business_signup, which runs since 2026-01-01, is not there"},
	} {
		if !strings.Contains(base, c.old) {
			t.Fatalf("%s: %q is not in\n%s", c.name, c.old, base)
		}
		got := planned(t, d, strings.Replace(base, c.old, c.new, 1), now)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func planned(t *testing.T, d *db.DB, text string, at time.Time) (got string) {
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		f, err := Read(tx, []byte(text))
		if err != nil {
			return err
		}
		p, err := Draw(tx, f, at)
		got = p.Text(theUS)
		return err
	})
	if err == nil {
		return got
	}
	if f := fault.Of(err); f.Kind == fault.Unavailable || f.Fix == "" {
		t.Errorf("%+v", f)
	}
	return err.Error()
}

var selectOutbox = db.Statement(`SELECT topic, idx, body FROM outbox WHERE lane = $1 AND turn = (SELECT turn FROM lane WHERE id = $1) ORDER BY idx`)

// Rates and bounties of one file are published together and told together, or neither is; and the file says nothing more
// once they are, also later.
func TestBountiesPublished(t *testing.T) {
	d := withBounties(t)
	text := strings.NewReplacer("share: 2\n    max: 50.00\n    from: 2026-03-01\n", "share: 1.5\n", "amount: 3.00\n    from: 2027-01-01", "amount: 4.00\n    from: 2026-12-24T18:00:00.5Z").
		Replace(export(t, d, now)) + "boosted: {default: 1}\n"
	if _, err := publishAt(d, strings.Replace(text, "page: \"/trial\"", "page: https://other.example/", 1), now); !fault.Is(err, fault.Invalid) {
		t.Fatalf("a foreign page: %v", err)
	}
	p, err := publishAt(d, text, now)
	want := `us: boosted card, version 1, from 2026-11-22 09:00:00 EST
us: bounty trial, taken back before it begins
us: bounty trade_in, from 2026-12-07
  - from 2 % of the value, at most 50.00 USD to 1.5 % of the value
us: bounty trial, from 2026-12-24 13:00:00 EST
  + 4.00 USD
`
	if diff := cmp.Diff(want, p.Text(theUS)); diff != "" || err != nil {
		t.Fatal(err, diff)
	}
	do(t, d, func(tx *db.Tx) error {
		var told []string
		err := tx.Each(selectOutbox, func(scan func(...any) error) error {
			var topic, body string
			var idx int
			err := scan(&topic, &idx, &body)
			if idx != len(told) || !strings.Contains(body, `"marketplace":"us"`) {
				t.Errorf("%d: %s", idx, body)
			}
			told = append(told, topic)
			return err
		}, int64(us))
		if diff := cmp.Diff([]string{"rate_card.published", "bounty.published", "bounty.published", "bounty.published"}, told); diff != "" {
			t.Error(diff)
		}
		return err
	})
	for _, days := range []time.Duration{0, 20, 40, 200} {
		at := now.Add(days * day)
		if got := planned(t, d, text, at); got != "us: nothing changes\n" {
			t.Errorf("the same file after %d days: %s", days, got)
		}
		if got := planned(t, d, export(t, d, at), at); got != "us: nothing changes\n" {
			t.Errorf("exported and imported after %d days: %s", days, got)
		}
	}
	do(t, d, func(tx *db.Tx) error {
		offers, err := bounty.Load(tx, us)
		if o := bounty.At(offers, "trade_in", now.Add(15*day)); o == nil || o.ShareBPS != 150 || o.Max != 0 {
			t.Errorf("%+v", o)
		}
		return err
	})
}

// A draft keeps bounties as any other section, and what was published of them.
func TestBountiesInDrafts(t *testing.T) {
	d := withBounties(t)
	draft := Draft{Market: us, Name: "Longer season", Text: []byte(strings.Replace(export(t, d, now), "until: 2026-12-31", "until: 2027-01-31", 1))}
	do(t, d, func(tx *db.Tx) (err error) { draft, err = SaveDraft(tx, draft, now); return err })
	if err := inLane(d, now, func(tx *db.Tx) error { _, err := PublishDraft(tx, draft.ID, 0); return err }); err != nil {
		t.Fatal(err)
	}
	do(t, d, func(tx *db.Tx) error {
		got, err := FindDraft(tx, draft.ID)
		if len(got.Outcome) != 1 || got.Outcome[0].What != "bounty" || got.Outcome[0].Name != "business_signup" || !got.Outcome[0].Ended ||
			got.State(now) != Published || got.State(now.Add(60*day)) != Effective {
			t.Errorf("%+v", got)
		}
		return err
	})
}
