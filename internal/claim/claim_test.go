package claim_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/claim"
	"tributary/internal/fault"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	at, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The day of opening is day 0; Saturdays, Sundays and days off do not count; dates are those of the marketplace.
func TestDue(t *testing.T) {
	newYork, tokyo := zone(t, "America/New_York"), zone(t, "Asia/Tokyo")
	for _, c := range []struct {
		opened string
		zone   *time.Location
		off    string
		want   string
	}{
		{"2026-03-10T12:00:00Z", newYork, "", "2026-03-17"},           // Tuesday → Tuesday
		{"2026-03-13T12:00:00Z", newYork, "", "2026-03-20"},           // Friday → Friday
		{"2026-03-14T12:00:00Z", newYork, "", "2026-03-20"},           // Saturday → Friday
		{"2026-03-15T12:00:00Z", newYork, "", "2026-03-20"},           // Sunday → Friday
		{"2026-03-16T12:00:00Z", newYork, "", "2026-03-23"},           // Monday → Monday
		{"2026-03-17T03:59:59Z", newYork, "", "2026-03-23"},           // still Monday there
		{"2026-03-17T04:00:00Z", newYork, "", "2026-03-24"},           // Tuesday has begun
		{"2026-03-16T15:00:00Z", tokyo, "", "2026-03-24"},             // Tuesday already there
		{"2026-03-10T12:00:00Z", newYork, "2026-03-12", "2026-03-18"}, // one day off
		{"2026-12-23T12:00:00Z", newYork, "2026-12-25 2026-12-28 2027-01-01", "2027-01-04"},
		{"2026-03-06T23:00:00Z", newYork, "", "2026-03-13"}, // over a change of the clocks
	} {
		at, err := time.Parse(time.RFC3339, c.opened)
		if err != nil {
			t.Fatal(err)
		}
		off := map[string]bool{}
		for _, day := range strings.Fields(c.off) {
			off[day] = true
		}
		if got := claim.Due(at, c.zone, off); got != c.want {
			t.Errorf("opened %s: due %s, want %s", c.opened, got, c.want)
		}
	}
}

// Whenever it is opened: five business days lie between the day of opening and the end of the last day, and who opens
// later is answered no earlier.
func TestDueCountsFive(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		at := time.Unix(rapid.Int64Range(1_700_000_000, 2_000_000_000).Draw(r, "at"), 0)
		where := zone(t, rapid.SampledFrom([]string{"America/New_York", "Asia/Tokyo", "Africa/Cairo", "America/Santiago"}).Draw(r, "zone"))
		off := map[string]bool{}
		for _, day := range rapid.SliceOfN(rapid.IntRange(0, 9), 0, 4).Draw(r, "off") {
			off[at.AddDate(0, 0, day).Format("2006-01-02")] = true
		}
		due := claim.Due(at, where, off)
		business, last := 0, at.In(where).Format("2006-01-02")
		for day := 1; last < due; day++ {
			year, month, date := at.In(where).Date()
			one := time.Date(year, month, date+day, 12, 0, 0, 0, time.UTC)
			last = one.Format("2006-01-02")
			if one.Weekday() != time.Saturday && one.Weekday() != time.Sunday && !off[last] {
				business++
			}
		}
		if business != claim.AnswerDays || off[due] {
			r.Fatalf("due %s, %d business days after %s", due, business, at.In(where))
		}
		if later := claim.Due(at.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(r, "later"))), where, off); later < due {
			r.Fatalf("opened later and due earlier: %s before %s", later, due)
		}
		c := claim.Claim{State: claim.StateOpen, Due: due}
		end, err := time.ParseInLocation("2006-01-02", due, where)
		if err != nil {
			r.Fatal(err)
		}
		if c.Overdue(end.Add(20*time.Hour), where) || !c.Overdue(end.Add(30*time.Hour), where) {
			r.Fatalf("the last day is not the last: %s", due)
		}
	})
}

func TestCheck(t *testing.T) {
	where := zone(t, "America/New_York")
	with := func(change func(*claim.Request)) claim.Request { r := about("1001"); change(&r); return r }
	type r = claim.Request
	for _, c := range []struct {
		name  string
		r     claim.Request
		field string
	}{
		{"an order", about("1001"), ""},
		{"a date", with(func(r *r) { r.Order, r.Date = "", "2026-03-10" }), ""},
		{"with all that is known", with(func(r *r) {
			r.Product, r.Amount, r.Expected, r.Evidence = "kettle", 1999, 90, []string{"seen"}
		}), ""},
		{"neither", with(func(r *r) { r.Order = " " }), "order"},
		{"a number that is too long", about(strings.Repeat("1", claim.MaxOrder+1)), "order"},
		{"a number over two lines", about("1\n2"), "order"},
		{"a zero byte", about("1\x002"), "order"},
		{"no date", with(func(r *r) { r.Date = "10 March" }), "date"},
		{"a date that is none", with(func(r *r) { r.Date = "2026-02-30" }), "date"},
		{"tomorrow", with(func(r *r) { r.Date = "2026-03-11" }), "date"},
		{"400 days ago", with(func(r *r) { r.Date = "2025-02-03" }), ""},
		{"401 days ago", with(func(r *r) { r.Date = "2025-02-02" }), "date"},
		{"too many words of a title", with(func(r *r) { r.Product = strings.Repeat("ä", claim.MaxProduct+1) }), "product"},
		{"a negative amount", with(func(r *r) { r.Amount = -1 }), "amount"},
		{"too large a commission", with(func(r *r) { r.Expected = claim.MaxAmount + 1 }), "expected"},
		{"no message", with(func(r *r) { r.Message = "\n" }), "message"},
		{"too long a message", with(func(r *r) { r.Message = strings.Repeat("ä", claim.MaxMessage+1) }), "message"},
		{"a message of two lines", with(func(r *r) { r.Message = "She said so.\r\nI believe her." }), ""},
		{"too much evidence", with(func(r *r) { r.Evidence = make([]string, claim.MaxEvidence+1) }), "evidence"},
		{"evidence that says nothing", with(func(r *r) { r.Evidence = []string{"x", ""} }), "evidence[1]"},
	} {
		_, err := c.r.Check(begin, where)
		if (err == nil) != (c.field == "") || err != nil && fault.Of(err).Field != c.field {
			t.Errorf("%s: %v, want %q", c.name, err, c.field)
		}
		if err != nil && strings.Contains(err.Error(), "%") {
			t.Errorf("%s: a place without its number: %v", c.name, err)
		}
	}
}

func TestVerdictCheck(t *testing.T) {
	for name, c := range map[string]struct {
		v     claim.Verdict
		field string
	}{
		"accepted, adjusted":      {claim.Verdict{Outcome: claim.Accepted, Reason: "goodwill", Words: "Paid.", Correction: 5}, ""},
		"accepted, nothing moved": {claim.Verdict{Outcome: claim.Accepted, Reason: "other", Words: "It is there now."}, ""},
		"declined":                {claim.Verdict{Outcome: claim.Declined, Reason: "no_click", Words: "No click came."}, ""},
		"declined, and moved":     {claim.Verdict{Outcome: claim.Declined, Reason: "other", Words: "No.", Correction: 5}, "correction"},
		"no outcome":              {claim.Verdict{Reason: "other", Words: "Hm."}, "outcome"},
		"the other's reason":      {claim.Verdict{Outcome: claim.Accepted, Reason: "no_click", Words: "Hm."}, "reason"},
		"no words":                {claim.Verdict{Outcome: claim.Declined, Reason: "no_click"}, "words"},
	} {
		if err := c.v.Check(); (err == nil) != (c.field == "") || err != nil && fault.Of(err).Field != c.field {
			t.Errorf("%s: %v, want %q", name, err, c.field)
		}
	}
}

// Whatever a creator sends is taken or refused by name; what is taken stays the same when it is checked again, and holds
// nothing that the databases do not.
func FuzzCheck(f *testing.F) {
	f.Add("#1001", "2026-03-10", "kettle", "message", "evidence", int64(5))
	f.Add(" # 1001", "", "", "m", "e", int64(0))
	f.Fuzz(func(t *testing.T, order, date, product, message, evidence string, amount int64) {
		r := claim.Request{Question: claim.Question{Order: order, Date: date, Product: product, Amount: amount}, Message: message,
			Evidence: []string{evidence}}
		cleaned, err := r.Check(begin, time.UTC)
		if err != nil {
			if fault.Of(err).Field == "" {
				t.Errorf("refused without a field: %v", err)
			}
			return
		}
		if strings.ContainsRune(cleaned.Order+cleaned.Product+message+evidence, 0) {
			t.Error("a zero byte was taken")
		}
		if again, err := cleaned.Check(begin, time.UTC); err != nil || again.Question != cleaned.Question {
			t.Errorf("%+v becomes %+v, %v", cleaned.Question, again.Question, err)
		}
	})
}
