package report

import (
	"math/rand/v2"
	"slices"
	"time"

	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/market"
)

// Forecast is what a creator's orders of the running month will come to at its end, if the days go on as those of the last
// eight weeks: what is there, and for each day that is still to come an ordinary day of its kind. Amounts are minor units.
//
// The range is how far such a guess would have been off: out of the same eight weeks a thousand histories and futures are
// drawn, day by day, each day from those of the same weekday; of the errors that the guess makes in them the lowest and the
// highest tenth are left out. The draw is the same every time.
type Forecast struct {
	Month    market.Month
	SoFar    int64 // of its days up to now, as they stand
	Expected int64
	Low      int64    // eight of ten months end from Low
	High     int64    // to High
	Ordinary [7]int64 // what a day of each kind brings on the average, by time.Weekday
	History  int      // days that it rests on
	ToCome   int      // days of the month, the running one included
}

const (
	forecastDays = 56 // eight weeks: each weekday eight times
	fewestDays   = 14 // two of each: below that nothing can be said
	draws        = 1000
	leftOut      = draws / 10 // at either end
	forecastSeed = 2026
)

// ForecastOf reads a creator's days and gives the forecast of the running month; known is false where there is too little to
// go by.
func ForecastOf(tx *db.Tx, creator id.ID, m market.Market, now time.Time) (f Forecast, known bool, err error) {
	days, err := Days(tx, creator, m, noonOf(now, m).AddDate(0, 0, -forecastDays), now)
	if err != nil {
		return f, false, err
	}
	f, known = ForecastMonth(days) // eight weeks reach back to the month's beginning, whichever month it is
	return f, known, nil
}

// ForecastMonth gives the forecast of the month in which the last of the days lies, that day not being over. The days are
// consecutive, the oldest first.
func ForecastMonth(days []Day) (f Forecast, known bool) {
	if len(days) == 0 {
		return f, false
	}
	today, err := time.Parse(dateForm, days[len(days)-1].Date)
	if err != nil {
		return f, false
	}
	f.Month = market.Month(days[len(days)-1].Date[:len("2006-01")])
	for _, d := range days {
		if d.Date[:len("2006-01")] == string(f.Month) {
			f.SoFar += d.Commission
		}
	}
	past := days[:len(days)-1]
	past = past[max(len(past)-forecastDays, 0):]
	for len(past) > 0 && past[0].Clicks == 0 && past[0].Orders == 0 {
		past = past[1:] // whoever has begun since is not held back by the days before
	}
	if f.History = len(past); f.History < fewestDays {
		return f, false
	}
	w := weeks{today: days[len(days)-1].Commission}
	for i, d := range past {
		weekday := today.AddDate(0, 0, i-len(past)).Weekday()
		w.kinds[weekday] = append(w.kinds[weekday], d.Commission)
	}
	for at := today; at.Month() == today.Month(); at = at.AddDate(0, 0, 1) {
		w.come = append(w.come, at.Weekday())
	}
	f.ToCome = len(w.come)
	f.Ordinary = w.means(w.kinds)
	f.Expected = f.SoFar - w.today + w.expect(f.Ordinary)
	low, high := w.errors()
	// Few draws of a kind spread less than what they are drawn from: with eight of each by about a fifteenth.
	each := int64(f.History / 7)
	low, high = rounded(low*(2*each-1), 2*each-2), rounded(high*(2*each-1), 2*each-2)
	f.Low, f.High = max(f.Expected+low, f.SoFar), max(f.Expected+high, f.Expected)
	f.Low = min(f.Low, f.Expected)
	return f, true
}

// weeks are days by their kind, and those that are still to come.
type weeks struct {
	kinds [7][]int64
	come  []time.Weekday // the running day first
	today int64          // what the running day has brought so far
}

// means are the averages of the weekdays, to the minor unit.
func (w *weeks) means(kinds [7][]int64) (means [7]int64) {
	for weekday, values := range kinds {
		sum, n := int64(0), int64(len(values))
		for _, v := range values {
			sum += v
		}
		if n > 0 {
			means[weekday] = rounded(sum, n)
		}
	}
	return means
}

// rounded divides, half up.
func rounded(sum, n int64) int64 {
	if sum < 0 {
		return -((-2*sum + n) / (2 * n))
	}
	return (2*sum + n) / (2 * n)
}

// expect sums up the days to come by what a day of each kind brings. The running day brings no less than it has.
func (w *weeks) expect(each [7]int64) (sum int64) {
	for i, weekday := range w.come {
		value := each[weekday]
		if i == 0 {
			value = max(value, w.today)
		}
		sum += value
	}
	return sum
}

// errors draws histories and futures, and gives between which errors eight of ten guesses lie.
func (w *weeks) errors() (low, high int64) {
	d := dice{source: rand.NewPCG(forecastSeed, uint64(len(w.come)))}
	found := make([]int64, draws)
	for n := range found {
		var means [7]int64
		for weekday, values := range w.kinds {
			sum, count := int64(0), int64(len(values))
			for range count {
				sum += d.pick(values)
			}
			means[weekday] = rounded(sum, max(count, 1))
		}
		comes := int64(0)
		for i, weekday := range w.come {
			value := d.pick(w.kinds[weekday])
			if i == 0 {
				value = max(value, w.today)
			}
			comes += value
		}
		found[n] = comes - w.expect(means)
	}
	slices.Sort(found)
	return found[leftOut], found[draws-1-leftOut]
}

// dice pick one of a few values. A draw of the source is enough for eight: a page that shows a forecast waits for it.
type dice struct {
	source *rand.PCG
	bits   uint64
	left   int
}

func (d *dice) pick(values []int64) int64 {
	if d.left == 0 {
		d.bits, d.left = d.source.Uint64(), 8
	}
	at := (d.bits & 0xff) * uint64(len(values)) >> 8
	d.bits >>= 8
	d.left--
	return values[at]
}

// PayableCalendar says which month is payable when: every month that is open at an instant, the oldest first, up to the
// running one, with what it holds of a creator's.
func PayableCalendar(b Balances, m market.Market, now time.Time) (months []MonthPart) {
	for month := m.Month(now); m.Open(month, now); month = monthBefore(month) {
		part := MonthPart{Month: month, Payable: month.Payable(m.Location(), m.Policy.HoldDays)}
		for _, held := range b.Months {
			if held.Month == month {
				part.Amount = held.Amount
			}
		}
		months = append(months, part)
	}
	slices.Reverse(months)
	return months
}
