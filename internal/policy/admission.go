package policy

import (
	"time"

	"tributary/internal/fault"
)

// Fate is what becomes of what a line or bounty has earned: paid like any other, or kept apart.
type Fate string

// The fates. What is withheld matures and is kept apart until its enrolment is approved (docs/spec.md §9, §10).
const (
	Paid      Fate = ""
	Withheld  Fate = "withheld"
	Forfeited Fate = "forfeited"
)

// Kept is what the row of a line or bounty remembers of what is kept apart of it: its fate, and its newest decision.
type Kept struct {
	Version int64 `json:"n,omitempty"`
	Fate    Fate  `json:"f,omitempty"`
}

// What a marketplace does with the money of an enrolment that was closed or declined without ever having been approved.
const (
	KeepUnapproved    = ""        // it stays withheld, and the approval of a later application releases it
	PayUnapproved     = "pay"     // it is paid at once
	ForfeitUnapproved = "forfeit" // it goes back to the operator
)

// Admission holds the operator's numbers for the life of enrolments (docs/spec.md §9). A zero means what is shipped, so that
// a marketplace of before keeps its rules.
type Admission struct {
	TrialDays      int      `json:"trial_days,omitempty"`      // in which a provisional enrolment shows sales; 0: 180
	Sales          int      `json:"sales,omitempty"`           // qualifying sales that are wanted; 0: 3
	LateDays       int      `json:"late_days,omitempty"`       // an order of the window received this long after it counts; 0: 14
	Reminders      []int    `json:"reminders,omitempty"`       // days of the window on which a creator is reminded; none: 90, 150, 170
	Items          int      `json:"items,omitempty"`           // original items on a site; 0: 10
	NewestDays     int      `json:"newest_days,omitempty"`     // the newest item's greatest age; 0: 60
	ReviewDays     int      `json:"review_days,omitempty"`     // business days in which a person decides; 0: 5
	Holidays       []string `json:"holidays,omitempty"`        // local dates that are no business days: 2026-12-25, or 12-25 for each year
	Unapproved     string   `json:"unapproved,omitempty"`      // keep (empty), pay or forfeit
	RecheckDays    int      `json:"recheck_days,omitempty"`    // connected accounts are looked at again this often; 0: 30
	Score          int64    `json:"score,omitempty"`           // points that a connected account needs; 0: 350
	NoSocial       bool     `json:"no_influencer,omitempty"`   // influencer is not offered here
	Connections    bool     `json:"connections,omitempty"`     // connections is open here
	GateClicks     int64    `json:"gate_clicks,omitempty"`     // counted clicks of a quarter that make bronze; 0: 100
	GateRevenue    int64    `json:"gate_revenue,omitempty"`    // minor units shipped in a quarter that make bronze; 0: 1.00
	LeastFollowers int64    `json:"least_followers,omitempty"` // that a channel needs to begin associates by itself; 0: none
	CooldownDays   int      `json:"cooldown_days,omitempty"`   // after a refusal, before applying again; 0: none
	DormantDays    int      `json:"dormant_days,omitempty"`    // associates without a click this long are closed; 0: never
	NewTags        bool     `json:"new_tags,omitempty"`        // applying again gives a new tracking id beside the old ones
	NoticeOfText   int      `json:"document_days,omitempty"`   // notice of changed documents; 0: 14
}

// Trial is the length of a trial in days.
func (a Admission) Trial() int { return orElse(a.TrialDays, 180) }

// Wanted is how many qualifying sales a trial needs.
func (a Admission) Wanted() int { return orElse(a.Sales, 3) }

// Late is how long after a trial's end an order of its window may be received and still count.
func (a Admission) Late() time.Duration {
	return time.Duration(orElse(a.LateDays, 14)) * 24 * time.Hour
}

// RemindOn gives the days of a trial on which a creator is reminded.
func (a Admission) RemindOn() []int {
	if len(a.Reminders) == 0 {
		return []int{90, 150, 170}
	}
	return a.Reminders
}

// LeastItems is how many original items a site should have.
func (a Admission) LeastItems() int { return orElse(a.Items, 10) }

// Newest is how old the newest item may be, in days.
func (a Admission) Newest() int { return orElse(a.NewestDays, 60) }

// Review is in how many business days a person decides.
func (a Admission) Review() int { return orElse(a.ReviewDays, 5) }

// Recheck is how often connected accounts are looked at again.
func (a Admission) Recheck() time.Duration {
	return time.Duration(orElse(a.RecheckDays, 30)) * 24 * time.Hour
}

// DocumentNotice is how many days ahead a changed document is published.
func (a Admission) DocumentNotice() int { return orElse(a.NoticeOfText, 14) }

// Bronze gives the clicks, or the minor units shipped, in a quarter that let a creator into connections (§8).
func (a Admission) Bronze() (clicks, revenue int64) {
	clicks, revenue = a.GateClicks, a.GateRevenue
	if clicks == 0 {
		clicks = 100
	}
	if revenue == 0 {
		revenue = 100
	}
	return clicks, revenue
}

// FateOf says what becomes of an enrolment's money: approved is whether it ever was, over whether it is closed or declined.
func (a Admission) FateOf(approved, over bool) Fate {
	switch {
	case approved:
		return Paid
	case over && a.Unapproved == PayUnapproved:
		return Paid
	case over && a.Unapproved == ForfeitUnapproved:
		return Forfeited
	}
	return Withheld
}

const (
	dateForm   = "2006-01-02"
	yearlyForm = "01-02"
)

// Due is the local date that lies so many business days after an instant: the day of the instant does not count, Saturdays,
// Sundays and holidays do not either.
func (a Admission) Due(from time.Time, zone *time.Location, days int) string {
	year, month, day := from.In(zone).Date()
	date := time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
	for days > 0 {
		date = date.AddDate(0, 0, 1)
		if a.businessDay(date) {
			days--
		}
	}
	return date.Format(dateForm)
}

func (a Admission) businessDay(date time.Time) bool {
	if date.Weekday() == time.Saturday || date.Weekday() == time.Sunday {
		return false
	}
	for _, holiday := range a.Holidays {
		if holiday == date.Format(dateForm) || holiday == date.Format(yearlyForm) {
			return false
		}
	}
	return true
}

// maxHolidays bounds the list: some years of a country's.
const maxHolidays = 500

// Check refuses numbers with which the rules make no sense.
func (a Admission) Check() error {
	for _, bound := range []struct {
		field       string
		value, most int
	}{
		{"trial_days", a.TrialDays, 3650}, {"sales", a.Sales, 1000}, {"late_days", a.LateDays, 365}, {"items", a.Items, 1000},
		{"newest_days", a.NewestDays, 3650}, {"review_days", a.ReviewDays, 60}, {"recheck_days", a.RecheckDays, 365},
		{"dormant_days", a.DormantDays, 3650}, {"document_days", a.NoticeOfText, 365}, {"score", int(a.Score), 1000},
		{"cooldown_days", a.CooldownDays, 365},
	} {
		if bound.value < 0 || bound.value > bound.most {
			return fault.Invalidf("admission."+bound.field, "is %d, and may be 0 to %d", "set a number within these; 0 is what is shipped",
				bound.value, bound.most)
		}
	}
	last := 0
	for _, day := range a.Reminders {
		if day <= last || day > a.Trial() {
			return fault.Invalidf("admission.reminders", "are not rising days of the window", "write days such as [90, 150, 170]")
		}
		last = day
	}
	if len(a.Holidays) > maxHolidays {
		return fault.Invalidf("admission.holidays", "are more than %d", "write yearly ones as 12-25", maxHolidays)
	}
	for _, holiday := range a.Holidays {
		_, err := time.Parse(dateForm, holiday)
		if _, yearly := time.Parse(yearlyForm, holiday); err != nil && yearly != nil {
			return fault.Invalidf("admission.holidays", "hold %q, which is no date", "write 2026-12-25, or 12-25 for each year", holiday)
		}
	}
	switch a.Unapproved {
	case KeepUnapproved, PayUnapproved, ForfeitUnapproved:
	default:
		return fault.Invalidf("admission.unapproved", "is %q", "write pay or forfeit, or leave it out to keep it withheld", a.Unapproved)
	}
	if a.LeastFollowers < 0 {
		return fault.Invalidf("admission.least_followers", "is negative", "write how many, or leave it out")
	}
	if a.GateClicks < 0 || a.GateRevenue < 0 {
		return fault.Invalidf("admission.gate_clicks", "is negative", "write how many clicks, or minor units, make bronze")
	}
	return nil
}
