package operator

import (
	"net/http"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/report"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// river is the first page: what flows, and what stands still.
type river struct {
	*staff.Desk
	report.River
	unshipped int64
	oldest    time.Time
	known     bool // this process has a click log
	turn      int64
	newest    []report.Order
	days      []report.Day
}

// newestOrders is how many orders the first page shows, chartDays how many days its chart does.
const (
	newestOrders = 8
	chartDays    = 30
)

// stage is one step of the river, with what waits there.
type stage struct {
	name, figure, what string
	age                string // of the oldest thing that waits
	late               bool
	href               string
}

// Ages from which a step is shown as late.
const (
	lateClicks  = 10 * time.Second
	lateWaiting = 24 * time.Hour
	lateOpen    = 30 * 24 * time.Hour
	lateClose   = 24 * time.Hour
)

// River is the first page.
func (p *Pages) River(w http.ResponseWriter, r *http.Request) error {
	return p.Show(w, r, "River", staff.AtRiver, func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		page, err := p.readRiver(tx, d)
		d.Stream = d.InMarket("/operator/events")
		return riverPage(page), err
	})
}

// Live gives the parts that change, and the turn that they show.
func (p *Pages) Live(r *http.Request) (page templ.Component, turn int64, err error) {
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.Open(tx, r, "River", staff.AtRiver)
		if err != nil {
			return err
		}
		read, err := p.readRiver(tx, d)
		page, turn = riverParts(read), read.turn
		return err
	})
	return page, turn, err
}

// readRiver reads the first page. The log's backlog is this process's own: it is asked, not read.
func (p *Pages) readRiver(tx *db.Tx, d *staff.Desk) (*river, error) {
	v := &river{Desk: d}
	var err error
	if v.turn, err = event.Turn(tx, d.Market.Lane()); err != nil {
		return v, err
	}
	if p.Unshipped != nil {
		v.unshipped, v.oldest = p.Unshipped()
		v.known = true
	}
	if v.River, err = report.RiverOf(tx, d.Market, d.Now); err != nil {
		return v, err
	}
	if v.newest, err = report.Orders(tx, d.Market, "", time.Time{}, "", newestOrders); err != nil {
		return v, err
	}
	v.days, err = report.MarketClicks(tx, d.Market, d.Now.AddDate(0, 0, 1-chartDays), d.Now)
	return v, err
}

// bars are the days of clicks; the last one is still growing.
func (v *river) bars() []ui.Bar {
	bars := make([]ui.Bar, len(v.days))
	for i, day := range v.days {
		bars[i] = ui.Bar{Label: ui.DayName(day.Date), Value: day.Clicks, Text: v.Format.Count(day.Clicks), Now: i == len(v.days)-1}
	}
	return bars
}

// age says how long the oldest waiting thing has waited, and gives the time for judging whether that is late.
func (v *river) age(since, now time.Time) (string, time.Duration) {
	if since.IsZero() {
		return "nothing waits", 0
	}
	return "oldest " + ui.Age(now.Sub(since)), now.Sub(since)
}

// stages are the steps of the river in the order in which money goes through them.
func (v *river) stages() []stage {
	f := v.Format
	shipped, open, waiting, due := "", "", "", ""
	var shipAge, openAge, waitAge, dueAge time.Duration
	shipped, shipAge = v.age(v.oldest, clock.Wall()) // the log's own time, not the business clock's
	waiting, waitAge = v.age(v.OldestWaiting, v.Now)
	open, openAge = v.age(v.OpenSince, v.Now)
	due, dueAge = v.age(v.OverdueSince, v.Now)
	unshipped := ui.Plural(f, v.unshipped, "waits in the log", "wait in the log")
	if !v.known {
		unshipped, shipped = "the log is another process's", ""
	}
	return []stage{
		{name: "Clicks in", figure: f.Count(v.Clicks), what: f.Count(v.Filtered) + " filtered, today", age: "each counted once"},
		{name: "Shipped", figure: f.Count(v.Clicks + v.Filtered), what: unshipped, age: shipped, late: shipAge > lateClicks},
		{name: "Orders in", figure: f.Count(v.Orders), what: ui.Plural(f, v.Waiting, "event is early", "events are early"),
			age: waiting, late: waitAge > lateWaiting, href: v.InMarket("/operator/orders")},
		{name: "Attributed", figure: f.Count(v.Credited), what: "of the newest " + ui.Plural(f, v.Lines, "line", "lines"),
			age: "decided at once"},
		{name: "Posted", figure: v.Money(v.Pending), what: "ordered, not shipped", age: open, late: openAge > lateOpen},
		{name: "Payable", figure: v.Money(v.Payable), what: v.Money(v.Overdue) + " of it not yet moved", age: due,
			late: dueAge > lateClose},
	}
}

// reaches are the same places as on a creator's page, of all creators together.
func (v *river) reaches() []ui.Reach { return ui.Reaches(v.Balances, v.Market, v.Format, v.Now, nil) }
