package bounty

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/money"
)

// Limits of an offer.
const (
	maxAction = 64
	maxName   = 200  // characters
	maxPage   = 2000 // bytes
	maxWindow = 365  // days
	firstYear = 1990
	lastYear  = 2199
)

// Offer is a version of what an action pays. Of several versions of one action the one that began last holds; where it
// ends before an older one does, the older one holds again: so a raise for a season is an offer of its own.
type Offer struct {
	ID       id.ID  `json:"id"`
	Market   uint16 `json:"-"`
	Action   string `json:"action"` // business_signup: what the store's events name
	Name     string `json:"name"`   // for people
	Amount   int64  `json:"amount,omitempty"`
	ShareBPS int64  `json:"share_bps,omitempty"` // instead of Amount: of the value that the event names
	Max      int64  `json:"max,omitempty"`       // of a share; 0: none
	// From is its first instant, Until the first one after it; zero: without end.
	From         time.Time `json:"from"`
	Until        time.Time `json:"until,omitzero"`
	NewCustomers bool      `json:"new_customers,omitempty"`
	Page         string    `json:"page"`                  // of the store: where its links lead
	WindowDays   int       `json:"window_days,omitempty"` // × 24 h of validation; 0: the policy's
	Published    time.Time `json:"published"`
}

// Worth is what a completion pays: the amount, or the share of the value, half up, at most Max (docs/spec.md §2, §7).
func (o Offer) Worth(value *int64) int64 {
	if o.ShareBPS == 0 || value == nil {
		return o.Amount
	}
	share := money.Share(*value, o.ShareBPS)
	if o.Max != 0 {
		return min(share, o.Max)
	}
	return share
}

// Same tells whether two offers say the same, whoever published them and when.
func (o Offer) Same(other Offer) bool {
	return o.plain() == other.plain()
}

// plain leaves out what an offer is given when it is published.
func (o Offer) plain() Offer {
	o = o.Clean()
	o.ID, o.Market, o.Published = 0, 0, time.Time{}
	return o
}

// over tells whether it has ended by an instant.
func (o Offer) over(now time.Time) bool { return !o.Until.IsZero() && !o.Until.After(now) }

// withdrawn tells whether it ended before it began.
func (o Offer) withdrawn() bool { return !o.Until.IsZero() && !o.Until.After(o.From) }

func (o Offer) holds(at time.Time) bool {
	return !at.Before(o.From) && (o.Until.IsZero() || at.Before(o.Until))
}

// since orders versions of one action by their beginning, then by publication.
func (o Offer) since(other Offer) bool {
	if !o.From.Equal(other.From) {
		return o.From.After(other.From)
	}
	if !o.Published.Equal(other.Published) {
		return o.Published.After(other.Published)
	}
	return o.ID > other.ID
}

// At gives the offer for an action that is in force at an instant; nil where there is none.
func At(offers []Offer, action string, at time.Time) (found *Offer) {
	for i, o := range offers {
		if o.Action == action && o.holds(at) && (found == nil || o.since(*found)) {
			found = &offers[i]
		}
	}
	return found
}

// Current gives the offers in force at an instant, one for each action, by action.
func Current(offers []Offer, at time.Time) (current []Offer) {
	for _, action := range actions(offers) {
		if o := At(offers, action, at); o != nil {
			current = append(current, *o)
		}
	}
	return current
}

// Ahead gives the offers that hold at an instant or will hold after it, by action and beginning. What is left out is over,
// taken back, or replaced for good.
func Ahead(offers []Offer, now time.Time) (ahead []Offer) {
	for _, action := range actions(offers) {
		holds := map[id.ID]bool{}
		for _, at := range bends(offers, action, now) {
			if o := At(offers, action, at); o != nil {
				holds[o.ID] = true
			}
		}
		for _, o := range offers {
			if holds[o.ID] {
				ahead = append(ahead, o)
			}
		}
	}
	slices.SortFunc(ahead, func(a, b Offer) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), a.From.Compare(b.From), a.Published.Compare(b.Published),
			cmp.Compare(a.ID, b.ID))
	})
	return ahead
}

// bends are the instants from now on at which what is offered for an action may change.
func bends(offers []Offer, action string, now time.Time) []time.Time {
	instants := []time.Time{now}
	for _, o := range offers {
		for _, at := range []time.Time{o.From, o.Until} {
			if o.Action == action && at.After(now) {
				instants = append(instants, at)
			}
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	return slices.CompactFunc(instants, time.Time.Equal)
}

func actions(offers []Offer) []string {
	names := make([]string, len(offers))
	for i, o := range offers {
		names[i] = o.Action
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Clean gives an offer in the one form in which it is kept.
func (o Offer) Clean() Offer {
	o.Action, o.Name, o.Page = strings.TrimSpace(o.Action), strings.TrimSpace(o.Name), strings.TrimSpace(o.Page)
	o.From = o.From.UTC().Truncate(time.Microsecond)
	if !o.Until.IsZero() {
		o.Until = o.Until.UTC().Truncate(time.Microsecond)
	}
	return o
}

// Check refuses an offer that could never be right. That its page is one of the store's is for whoever knows the addresses.
func (o Offer) Check() error {
	if o.Action == "" || len(o.Action) > maxAction || strings.Trim(o.Action, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return fault.Invalidf("action", "is not the name of an action", "use small letters, digits and _, such as business_signup")
	}
	if o.Name == "" || utf8.RuneCountInString(o.Name) > maxName || !oneLine(o.Name) {
		return fault.Invalidf("name", "is missing, or not one line of %d characters at most",
			"say what it is paid for, in a few words", maxName)
	}
	if err := o.checkPay(); err != nil {
		return err
	}
	if len(o.Page) > maxPage || !oneLine(o.Page) || !strings.HasPrefix(o.Page, "/") && !strings.Contains(o.Page, "://") {
		return fault.Invalidf("page", "is not the address of a page", "write the page of the store as its address bar shows it")
	}
	if o.WindowDays < 0 || o.WindowDays > maxWindow {
		return fault.Invalidf("window_days", "is %d, and may be 0 to %d", "leave it out to take the policy's", o.WindowDays, maxWindow)
	}
	if o.From.IsZero() {
		return fault.Invalidf("from", "is missing", "write its first day")
	}
	if year := o.From.Year(); year < firstYear || year > lastYear {
		return fault.Invalidf("from", "is in the year %d", "write its first day", year)
	}
	if !o.Until.IsZero() && !o.Until.After(o.From) {
		return fault.Invalidf("until", "is not after its beginning", "write its last day, or leave it out")
	}
	if year := o.Until.Year(); year > lastYear {
		return fault.Invalidf("until", "is in the year %d", "write its last day, or leave it out", year)
	}
	return nil
}

func (o Offer) checkPay() error {
	if (o.Amount != 0) == (o.ShareBPS != 0) {
		return fault.Invalidf("amount", "an offer pays either an amount or a share, and one of them", "write amount or share")
	}
	if o.Amount < 0 {
		return fault.Invalidf("amount", "is negative", "write what a completion pays")
	}
	if o.ShareBPS < 0 || o.ShareBPS > money.FullRate {
		return fault.Invalidf("share", "is not between 0 and 100 %%", "write the share of the value that is paid")
	}
	if o.Max < 0 || o.Max != 0 && o.ShareBPS == 0 {
		return fault.Invalidf("max", "is negative, or stands beside an amount", "give a share its most, or leave it out")
	}
	if err := money.CheckAmount("amount", o.Amount); err != nil {
		return err
	}
	return money.CheckAmount("max", o.Max)
}

func oneLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// Text says what a completion pays: `15.00 USD for new customers`, `2 % of the value, at most 50.00 USD`. Without a currency
// amounts are minor units.
func (o Offer) Text(currency string) string {
	text := amount(o.Amount, currency)
	if o.ShareBPS != 0 {
		text = strings.TrimSuffix(strings.TrimRight(money.Decimal(o.ShareBPS, 2), "0"), ".") + " % of the value"
		if o.Max != 0 {
			text += ", at most " + amount(o.Max, currency)
		}
	}
	if o.NewCustomers {
		text += " for new customers"
	}
	return text
}

func amount(minor int64, currency string) string {
	if currency == "" {
		return strconv.FormatInt(minor, 10)
	}
	return money.Money{Amount: minor, Currency: currency}.String()
}

// Cut is what creators lose by a change, from an instant on.
type Cut struct {
	At       time.Time
	From, To *Offer // To is nil where nothing is offered any more
}

// Text says what is cut: `business_signup from 15.00 USD to 12.00 USD`.
func (c Cut) Text(currency string) string {
	if c.To == nil {
		return c.From.Action + " ends"
	}
	return c.From.Action + " from " + c.From.Text(currency) + " to " + c.To.Text(currency)
}

// FirstCut finds the first instant from now on at which creators get less than they were promised; nil: none. Promised is
// what runs now, as far as what is published does not end it: what has not begun yet is no promise that anybody acts on and
// may still be withdrawn, and a cut that was announced in its time needs no second notice.
func FirstCut(before, after []Offer, action string, now time.Time) *Cut {
	var running []Offer
	for _, o := range before {
		if !o.From.After(now) {
			running = append(running, o)
		}
	}
	for _, at := range bends(slices.Concat(before, after), action, now) {
		had, gets := At(running, action, at), At(after, action, at)
		if less(had, gets) && less(At(before, action, at), gets) {
			return &Cut{at, had, gets}
		}
	}
	return nil
}

// less tells whether one offer pays less than another did, for any completion at all.
func less(had, gets *Offer) bool {
	switch {
	case had == nil:
		return false
	case gets == nil || gets.NewCustomers && !had.NewCustomers:
		return true
	case had.ShareBPS == 0 && gets.ShareBPS == 0:
		return gets.Amount < had.Amount
	case had.ShareBPS != 0 && gets.ShareBPS != 0:
		return gets.ShareBPS < had.ShareBPS || gets.Max != 0 && (had.Max == 0 || gets.Max < had.Max)
	case had.ShareBPS != 0:
		return had.Max == 0 || gets.Amount < had.Max
	}
	return true // a share of a small value is less than any amount
}
