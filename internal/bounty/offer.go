package bounty

import (
	"fmt"
	"slices"
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
	if !o.Until.IsZero() && !o.Until.After(o.From) {
		return fault.Invalidf("until", "is not after its beginning", "write its last day, or leave it out")
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

// Cut is what creators lose by a change, from an instant on.
type Cut struct {
	At       time.Time
	From, To *Offer // To is nil where nothing is offered any more
}

// Text says what is cut: `business_signup from 1500 to 1200`. Amounts are minor units.
func (c Cut) Text() string {
	if c.To == nil {
		return fmt.Sprintf("%s ends", c.From.Action)
	}
	return fmt.Sprintf("%s from %s to %s", c.From.Action, c.From.pays(), c.To.pays())
}

func (o Offer) pays() string {
	text := fmt.Sprint(o.Amount)
	if o.ShareBPS != 0 {
		text = money.Decimal(o.ShareBPS, 2) + " %"
		if o.Max != 0 {
			text += fmt.Sprintf(", at most %d", o.Max)
		}
	}
	if o.NewCustomers {
		text += " for new customers"
	}
	return text
}

// FirstCut finds the first instant from now on at which creators get less than what runs now promises them; nil: none.
// What is published and has not begun yet is no promise that anybody acts on: it may still be withdrawn.
func FirstCut(before, after []Offer, action string, now time.Time) *Cut {
	var running []Offer
	instants := []time.Time{now}
	for _, o := range slices.Concat(before, after) {
		instants = append(instants, o.From, o.Until)
	}
	for _, o := range before {
		if !o.From.After(now) {
			running = append(running, o)
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	for _, at := range instants {
		if at.Before(now) {
			continue
		}
		if had, gets := At(running, action, at), At(after, action, at); less(had, gets) {
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

// Admit refuses a new version that would change the past, and one by which creators get less sooner than noticeDays × 24 h
// from now. The first version of an action may begin at any instant: an installation brings its history along.
func Admit(offers []Offer, next Offer, now time.Time, noticeDays int) error {
	if err := next.Check(); err != nil {
		return err
	}
	known := slices.ContainsFunc(offers, func(o Offer) bool { return o.Action == next.Action })
	if known && next.From.Before(now) {
		return fault.Invalidf("from", "is in the past, and what was offered is never changed",
			"set it later than "+now.Format(time.RFC3339Nano))
	}
	next.Published = now
	return noticed("from", FirstCut(offers, append(slices.Clone(offers), next), next.Action, now), now, noticeDays)
}

// Ended gives an offer with another end, zero for none. What has not begun is withdrawn by an end at its beginning or
// before; a running offer ends sooner with the notice of a cut only, and one that is over stays as it was.
func Ended(offers []Offer, which id.ID, until, now time.Time, noticeDays int) (Offer, error) {
	at := slices.IndexFunc(offers, func(o Offer) bool { return o.ID == which })
	if at < 0 {
		return Offer{}, fault.New(fault.NotFound, "bounty", "there is no such offer in this marketplace", "choose one of those listed")
	}
	changed := offers[at]
	if !changed.Until.IsZero() && !changed.Until.After(now) {
		return Offer{}, fault.New(fault.Conflict, "until", "the offer is over already", "publish it anew")
	}
	changed.Until = until
	switch {
	case until.IsZero():
	case changed.From.After(now) && !until.After(changed.From):
		changed.Until = changed.From
	case until.Before(now):
		return Offer{}, fault.Invalidf("until", "is in the past, and what was offered is never changed",
			"set it later than "+now.Format(time.RFC3339Nano))
	}
	changed = changed.Clean()
	after := slices.Clone(offers)
	after[at] = changed
	return changed, noticed("until", FirstCut(offers, after, changed.Action, now), now, noticeDays)
}

func noticed(field string, cut *Cut, now time.Time, noticeDays int) error {
	earliest := now.Add(time.Duration(noticeDays) * 24 * time.Hour).UTC()
	if cut == nil || !cut.At.Before(earliest) {
		return nil
	}
	return fault.Invalidf(field, "creators would get less, which takes effect no sooner than %d days after it is published: %s",
		"set it to "+earliest.Format(time.RFC3339)+" or later", noticeDays, cut.Text())
}
