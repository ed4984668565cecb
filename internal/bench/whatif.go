package bench

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/replay"
)

const (
	// whatIfRequests are those before the first round; memory is measured over a fourth of them and over all.
	whatIfRequests = 100
)

// draftRates is what is tried: every line is priced anew, and most of them otherwise.
const draftRates = `marketplace: us
currency: USD
offsite:
  default: 4.5
  rates: {Home > Kitchen: 9, Home > Kitchen > Shelf 3: 2}
`

// whatIfs compares a what-if over past lines, on one core, with taking the orders; and its memory over few lines with that
// over many.
func whatIfs(ctx context.Context, o Options) (report Report, err error) {
	report = newReport("whatif", o)
	t, err := o.openTaker(ctx, orderCreators/o.scale(), db.Options{})
	if err != nil {
		return report, err
	}
	defer func() { err = joined(err, t.leave()) }()
	if err := t.describe(ctx, &report); err != nil {
		return report, err
	}
	if err := t.whatIfHeap(ctx, &report); err != nil {
		return report, err
	}
	lines := int64(0)
	rates, err := report.inTurn(ctx, "lines/s", side{"taking orders", t.paced(t.direct)},
		side{"what-if on one core", func(ctx context.Context) (float64, error) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			begin := clock.Wall()
			lines, err = t.whatIf(ctx, t.Clock.Now(), func() {})
			return float64(lines) / clock.Since(begin).Seconds(), err
		}})
	if err != nil {
		return report, err
	}
	report.ratio("vs_taking_orders", rates["what-if on one core"], rates["taking orders"])
	report.Settings["requests"] = requestsText
	report.Settings["tried"] = fmt.Sprintf("other rates over all lines, %d at the end", lines)
	return report, nil
}

// whatIf tries other rates over the lines that were ordered until an instant, and gives their number.
func (w *World) whatIf(ctx context.Context, until time.Time, shown func()) (lines int64, err error) {
	question := replay.Question{Market: w.Market.ID, From: w.since, Until: until, Rates: draftRates}
	found, err := replay.Run(ctx, w.DB, question, w.Clock.Now(), func(int64, int64) error { shown(); return nil })
	if err != nil {
		return 0, err
	}
	if found.Total.Changed == 0 || len(found.Unsaid) > 0 {
		return 0, fmt.Errorf("other rates change nothing of %d lines, or cannot be said of %v", found.Total.Lines, found.Unsaid)
	}
	return found.Total.Lines, nil
}

// whatIfHeap notes the most memory that is alive while a what-if runs over some lines, and over four times as many.
func (t *taker) whatIfHeap(ctx context.Context, report *Report) error {
	heaps := map[string][]float64{}
	var untils [2]time.Time
	for i, requests := range []int{whatIfRequests / 4, whatIfRequests * 3 / 4} {
		if _, err := t.direct(ctx, requests); err != nil {
			return err
		}
		time.Sleep(time.Millisecond) // what comes next is ordered later
		untils[i] = t.Clock.Now()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(5)) // garbage is collected several times in each page
	for range rounds {
		for i, name := range []string{"few", "many"} {
			most := uint64(0)
			lines, err := t.whatIf(ctx, untils[i], func() {
				most = max(most, heapAlive())
			})
			if err != nil {
				return err
			}
			heaps[name] = append(heaps[name], float64(most))
			report.Figures["heap, "+name+" lines"] = fmt.Sprintf("%.1f MB over %d lines", median(heaps[name])/1e6, lines)
		}
	}
	report.ratio("heap_at_4_times_the_lines", heaps["many"], heaps["few"])
	return nil
}

// heapAlive is what was reachable when garbage was last collected, at whatever moment that was.
func heapAlive() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
