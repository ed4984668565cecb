package creator

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/report"
	"tributary/internal/web/ui"
)

// newestLines is how many lines home shows: what fits a screen.
const newestLines = 8

// chartDays is how many days the chart on home shows.
const chartDays = 30

// home is what the first page shows.
type home struct {
	*desk
	today, month, before report.Day // before: the same days of the month before
	balances             report.Balances
	lines                []report.Line
	days                 []report.Day
	next                 []suggestion
	forecast             *report.Forecast // of the running month; nil: too little to go by
	turn                 int64
}

// suggestion is something to do next.
type suggestion struct {
	done, all  int // where it is counted
	text, more string
	label      string
	href, icon string
}

// Home is the first page.
func (p *Pages) Home(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Home", "/creator", func(tx *db.Tx, d *desk) (templ.Component, error) {
		h, err := p.readHome(tx, d)
		if err != nil {
			return nil, err
		}
		d.Stream = ui.Link("/creator/events", nil, "market", d.Market.ID)
		return homePage(h), nil
	})
}

// Live gives the parts of home that change, and the turn that they show.
func (p *Pages) Live(r *http.Request) (page templ.Component, turn int64, err error) {
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "Home", "/creator")
		if err != nil {
			return err
		}
		d.Path = "/creator" // the stream's own address is nobody's page
		h, err := p.readHome(tx, d)
		if err == nil {
			page, turn = liveParts(h), h.turn
		}
		return err
	})
	return page, turn, err
}

// readHome reads what home shows: a dozen short ranges, whatever the number of lines.
func (p *Pages) readHome(tx *db.Tx, d *desk) (*home, error) {
	h := &home{desk: d}
	me, m := d.me.Creator, d.Market
	var err error
	if h.turn, err = event.Turn(tx, m.Lane()); err != nil {
		return nil, err
	}
	if h.balances, err = report.BalancesOf(tx, me, m, d.now); err != nil {
		return nil, err
	}
	// One range of days holds this month, the one before it and the chart.
	local := d.now.In(m.Location())
	first := time.Date(local.Year(), local.Month(), 1, 12, 0, 0, 0, m.Location())
	lastFirst := first.AddDate(0, -1, 0)
	days, err := report.Days(tx, me, m, lastFirst, d.now)
	if err != nil {
		return nil, err
	}
	monthName, dayOfMonth := local.Format("2006-01"), local.Format("02")
	for _, day := range days {
		switch {
		case day.Date[:7] == monthName:
			h.month = report.Sum([]report.Day{h.month, day})
		case day.Date[8:] <= dayOfMonth:
			h.before = report.Sum([]report.Day{h.before, day})
		}
	}
	h.today = days[len(days)-1]
	h.days = days[max(0, len(days)-chartDays):]
	forecast, known, err := report.ForecastOf(tx, me, m, d.now)
	if err != nil {
		return nil, err
	}
	if known {
		h.forecast = &forecast
	}
	page, err := report.Lines(tx, me, m, report.Filter{Limit: newestLines})
	if err != nil {
		return nil, err
	}
	h.lines = page.Lines
	if h.next, err = p.suggest(tx, h); err != nil {
		return nil, err
	}
	book, err := p.books.of(tx, d)
	if err != nil {
		return nil, err
	}
	for _, c := range comingOf(book, d.now) {
		text, more := d.noticeText(c)
		h.next = append([]suggestion{{text: text, more: more, label: "See all", icon: "rates", href: d.inMarket("/creator/rates")}}, h.next...)
	}
	return h, nil
}

// delta compares this month so far with the same days of the month before, in whole percent.
func (h *home) delta() string {
	if h.before.Commission <= 0 {
		return ""
	}
	percent := (h.month.Commission - h.before.Commission) * 100 / h.before.Commission
	last := h.now.In(h.Market.Location()).AddDate(0, 0, -h.now.In(h.Market.Location()).Day())
	against := "the same days of " + last.Format("January")
	switch {
	case percent > 0:
		return fmt.Sprintf("%d %% more than %s", percent, against)
	case percent < 0:
		return fmt.Sprintf("%d %% less than %s", -percent, against)
	}
	return "as much as in " + against
}

// reaches are the places of the river; each leads to its lines.
func (h *home) reaches() []ui.Reach {
	return ui.Reaches(h.balances, h.Market, h.Format, h.now, func(name, value string) string {
		return h.inMarket("/creator/earnings", name, value)
	})
}

// bars are the days of the chart; the last one is still growing.
func (h *home) bars() []ui.Bar {
	bars := make([]ui.Bar, len(h.days))
	for i, day := range h.days {
		bars[i] = ui.Bar{Label: ui.DayName(day.Date), Value: day.Commission, Text: h.money(day.Commission), Now: i == len(h.days)-1}
	}
	return bars
}

// view is how home lists lines: newest change first.
func (h *home) view() ui.LineView {
	return h.lineView("Your newest order lines")
}

// lineView is how every page of a creator lists lines.
func (d *desk) lineView(caption string) ui.LineView {
	return ui.LineView{Format: d.Format, Currency: d.Market.Currency, Now: d.now, Href: d.lineAddress, Caption: caption, Earns: "You earn"}
}

// lineAddress leads to the explanation of a line. Ids are the store's: they are escaped.
func (d *desk) lineAddress(l report.Line) string {
	return d.inMarket("/creator/lines/" + url.PathEscape(l.Order) + "/" + url.PathEscape(l.ID))
}

// suggest finds what a creator should do next, from what is known of the account.
func (p *Pages) suggest(tx *db.Tx, h *home) (next []suggestion, err error) {
	missing, err := document.Missing(tx, h.me.Creator, h.now)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		next = append(next, suggestion{text: "Read and accept: " + missing[0].Title, more: ui.Plural(h.Format, int64(len(missing)), "document waits", "documents wait"),
			label: "Read", icon: "rates", href: "/documents"})
	}
	programs, err := p.suggestPrograms(tx, h)
	if err != nil {
		return nil, err
	}
	next = append(next, programs...)
	links, err := link.Of(tx, h.me.Creator, 0, 1)
	if err != nil {
		return nil, err
	}
	if len(links) == 0 {
		next = append(next, suggestion{text: "Make your first link", more: "paste a product's address, or type its name",
			label: "Make one", icon: "links", href: h.inMarket("/creator/links")})
	}
	if best := bestDay(h.days); best.Commission > 0 {
		if at, err := time.Parse("2006-01-02", best.Date); err == nil {
			next = append(next, suggestion{text: "Your best day of these thirty was " + at.Format("Monday 2 January"),
				more:  h.money(best.Commission) + " from " + ui.Plural(h.Format, best.Orders, "order", "orders"),
				label: "See it", icon: "earnings",
				href: h.inMarket("/creator/earnings", "month", best.Date[:7], "sort", report.SortAmount)})
		}
	}
	return next, nil
}

// suggestPrograms says what happens next in programs that are on their way. Whoever is in nothing is led to apply.
func (p *Pages) suggestPrograms(tx *db.Tx, h *home) (next []suggestion, err error) {
	histories, err := enrolment.Standings(tx, h.Market.No, []id.ID{h.me.Creator})
	if err != nil {
		return nil, err
	}
	settled, under := false, false
	for _, history := range histories {
		switch state := history.At(h.now); {
		case state == enrolment.Active:
			settled = true
		case state != "" && state != enrolment.Closed && state != enrolment.Declined:
			under = true
		}
	}
	if p.Admission == nil || settled && !under {
		return nil, nil
	}
	statuses, err := p.Admission.Statuses(tx, h.me.Creator, h.Market)
	if err != nil {
		return nil, err
	}
	at := h.inMarket("/creator/programs")
	for _, s := range statuses {
		switch s.State {
		case "", enrolment.Active, enrolment.Closed, enrolment.Declined:
			continue
		}
		one := suggestion{text: s.NextSentence(h.Market), more: admission.Names[s.Key.Program], label: "See it", icon: "queue", href: at}
		if s.State == enrolment.Provisional {
			one.done, one.all, one.text = s.Sales, s.Wanted, plainSales(s.Wanted-s.Sales)
			left := int(s.Until.Sub(h.now) / (24 * time.Hour))
			one.more = fmt.Sprintf("%d of %d · %d days left", s.Sales, s.Wanted, max(left, 0))
		}
		next = append(next, one)
	}
	if len(next) == 0 && !settled {
		next = append(next, suggestion{text: "Join a program, and your links earn", more: "it takes some minutes", label: "Join", icon: "queue", href: at})
	}
	return next, nil
}

// plainSales says how many sales are missing, as a person would.
func plainSales(missing int) string {
	switch {
	case missing <= 0:
		return "Enough qualifying sales: your review comes next"
	case missing == 1:
		return "One more qualifying sale for full approval"
	}
	return fmt.Sprintf("%d more qualifying sales for full approval", missing)
}

// bestDay is the first of the days that brought the most.
func bestDay(days []report.Day) (best report.Day) {
	for _, day := range days {
		if day.Commission > best.Commission {
			best = day
		}
	}
	return best
}

// monthName is the running month, for the figure beside today's.
func (h *home) monthName() string {
	return h.Format.Month(market.MonthOf(h.now, h.Market.Location()), h.now)
}
