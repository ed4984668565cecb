package report_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/market"
	"tributary/internal/report"
)

// series makes days up to one, each with what a function says.
func series(last time.Time, count int, commission func(at time.Time) int64) (days []report.Day) {
	for i := range count {
		at := last.AddDate(0, 0, i-count+1)
		days = append(days, report.Day{Date: at.Format(time.DateOnly), Clicks: 1, Orders: 1, Commission: commission(at)})
	}
	return days
}

func date(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

// Days that are all alike, or alike by weekday, leave no doubt; what is there is never taken away.
func TestForecastMonth(t *testing.T) {
	weekly := func(at time.Time) int64 { return 100 * int64(at.Weekday()) }
	for name, c := range map[string]struct {
		days                       []report.Day
		known                      bool
		soFar, expected, low, high int64
	}{
		"nothing":          {nil, false, 0, 0, 0, 0},
		"two weeks":        {series(date("2026-06-10"), 15, func(time.Time) int64 { return 50 }), true, 500, 1500, 1500, 1500},
		"less":             {series(date("2026-06-10"), 14, func(time.Time) int64 { return 50 }), false, 500, 0, 0, 0},
		"always the same":  {series(date("2026-06-10"), 60, func(time.Time) int64 { return 100 }), true, 1000, 3000, 3000, 3000},
		"by weekday":       {series(date("2026-06-30"), 60, weekly), true, 8_700, 8_700, 8_700, 8_700},
		"on the first":     {series(date("2026-06-01"), 60, weekly), true, 100, 8_700, 8_700, 8_700},
		"no longer at all": {append(series(date("2026-06-09"), 60, func(time.Time) int64 { return 0 }), report.Day{Date: "2026-06-10", Commission: 0}), true, 0, 0, 0, 0},
		"a great day":      {append(series(date("2026-06-29"), 60, func(time.Time) int64 { return 10 }), report.Day{Date: "2026-06-30", Commission: 9000}), true, 9290, 9290, 9290, 9290},
		"the last so far":  {append(series(date("2026-06-29"), 60, func(time.Time) int64 { return 10 }), report.Day{Date: "2026-06-30", Commission: 4}), true, 294, 300, 300, 300},
	} {
		f, known := report.ForecastMonth(c.days)
		if known != c.known || f.SoFar != c.soFar || known && (f.Expected != c.expected || f.Low != c.low || f.High != c.high) {
			t.Errorf("%s: %+v, %v", name, f, known)
		}
		again, _ := report.ForecastMonth(c.days)
		if !reflect.DeepEqual(f, again) {
			t.Errorf("%s: another forecast of the same days", name)
		}
	}
	f, _ := report.ForecastMonth(series(date("2026-06-10"), 90, weekly))
	if f.History != 56 || f.ToCome != 21 || f.Month != "2026-06" || f.Ordinary[time.Saturday] != 600 {
		t.Errorf("%+v", f)
	}
	// Whoever began three weeks ago is judged by these three weeks.
	days := series(date("2026-06-10"), 60, func(at time.Time) int64 { return 100 })
	for i := range days[:38] {
		days[i] = report.Day{Date: days[i].Date}
	}
	if f, known := report.ForecastMonth(days); !known || f.History != 21 || f.Expected != 3000 {
		t.Errorf("%+v, %v", f, known)
	}
}

// likeTheDemo makes a creator's days as the demo makes them: clicks by reach and weekday, few of which buy, at prices of
// which some are high, some of it sent back.
func likeTheDemo(random *rand.Rand, reach int, growth float64) func(at time.Time) int64 {
	return func(at time.Time) (sum int64) {
		share := 1.0
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			share = 1.3
		}
		share *= 1 + growth*float64(at.YearDay())/365
		for range random.IntN(int(float64(2*reach)*share) + 1) {
			if random.IntN(100) >= 7 {
				continue
			}
			price := int64(500 + random.IntN(6000))
			if random.IntN(12) == 0 {
				price *= 5
			}
			if random.IntN(12) > 0 {
				sum += price * 4 / 100
			}
		}
		return sum
	}
}

// Of months that were lived through, day by day, about eight of ten end within the range that was given for them.
func TestForecastsOfBefore(t *testing.T) {
	for _, c := range []struct {
		name        string
		growth      float64
		least, most int // percent of the months that end within the range
	}{{"as ever", 0, 74, 92}, {"growing by half within the year", 0.5, 60, 92}} {
		inside, all, off, sum := 0, 0, int64(0), int64(0)
		byDay := map[int][2]int{}
		for creator := range 40 {
			random := rand.New(rand.NewPCG(uint64(creator), 11))
			days := series(date("2026-12-31"), 365, likeTheDemo(random, 20+creator*4, c.growth))
			for month := 3; month <= 12; month++ {
				first := time.Date(2026, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
				end := first.AddDate(0, 1, -1).YearDay()
				truth := report.Sum(days[first.YearDay()-1 : end]).Commission
				for _, day := range []int{3, 10, 17, 24} {
					today := first.AddDate(0, 0, day-1).YearDay()
					known := append([]report.Day(nil), days[:today]...)
					known[today-1].Commission /= 2 // half of the day is over
					f, ok := report.ForecastMonth(known)
					if !ok || f.Low > f.Expected || f.Expected > f.High || f.Low < f.SoFar {
						t.Fatalf("%+v, %v", f, ok)
					}
					in := byDay[day]
					if in[1]++; truth >= f.Low && truth <= f.High {
						inside++
						in[0]++
					}
					byDay[day] = in
					all++
					off, sum = off+max(truth-f.Expected, f.Expected-truth), sum+truth
				}
			}
		}
		coverage := inside * 100 / all
		t.Logf("%s: %d of %d forecasts (%d %%) hold the month's end; off by %d %% on the average", c.name, inside, all, coverage, off*100/sum)
		for _, day := range []int{3, 10, 17, 24} {
			t.Logf("  made on day %2d: %d %%", day, byDay[day][0]*100/byDay[day][1])
		}
		if coverage < c.least || coverage > c.most {
			t.Errorf("%s: %d %% of the months end within a range that is meant to hold 80 %%", c.name, coverage)
		}
	}
}

// The same, read from a creator's rows.
func TestForecastOf(t *testing.T) {
	d := dbtest.Open(t)
	now := time.Date(2026, 6, 10, 3, 0, 0, 0, time.UTC) // still the 9th in New York
	write(t, d, func(tx *db.Tx) error {
		for _, day := range series(date("2026-06-09"), 80, func(time.Time) int64 { return 100 }) {
			if _, err := tx.Exec(putDay, int64(1), int64(ada), day.Date, day.Commission); err != nil {
				return err
			}
		}
		return nil
	})
	read(t, d, func(tx *db.Tx) error {
		f, known, err := report.ForecastOf(tx, ada, us, now)
		if err != nil || !known || f.SoFar != 900 || f.Expected != 3000 || f.ToCome != 22 || f.History != 56 {
			t.Errorf("%+v, %v, %v", f, known, err)
		}
		_, known, err = report.ForecastOf(tx, ada+1, us, now)
		if known {
			t.Error("a forecast of nothing")
		}
		return err
	})
}

// Which month is payable when, as in example F of the rules: those that are still open.
func TestPayableCalendar(t *testing.T) {
	b := report.Balances{Months: []report.MonthPart{{Month: "2026-03", Amount: 90}, {Month: "2026-05", Amount: 7}}}
	for at, want := range map[string]string{
		"2026-05-29T12:00:00Z": "2026-03 90 2026-05-30, 2026-04 0 2026-06-29, 2026-05 7 2026-07-30",
		"2026-05-30T04:00:00Z": "2026-04 0 2026-06-29, 2026-05 7 2026-07-30",
		"2026-06-01T12:00:00Z": "2026-04 0 2026-06-29, 2026-05 7 2026-07-30, 2026-06 0 2026-08-29",
		"2027-12-31T12:00:00Z": "2027-11 0 2028-01-29, 2027-12 0 2028-02-29",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for i, part := range report.PayableCalendar(b, us, now) {
			if i > 0 {
				got += ", "
			}
			got += fmt.Sprintf("%s %d %s", part.Month, part.Amount, market.Day(part.Payable, us.Location()))
		}
		if got != want {
			t.Errorf("%s: %s; want %s", at, got, want)
		}
	}
}
