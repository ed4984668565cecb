package bench

import (
	"context"
	"time"

	"tributary/internal/db"
)

const (
	// slowerSync is how much longer a sync takes on a disk that is far away.
	slowerSync = 5 * time.Millisecond
	// syncRequests are those of a round: enough that it has several groups, however large they grow.
	syncRequests = 100
)

// syncs notes what remains of the rate of taking orders on a disk whose syncs take longer: while a group waits for its sync,
// the next one gathers.
func syncs(ctx context.Context, o Options) (report Report, err error) {
	report = newReport("syncs", o)
	names := [...]string{"syncs as they are", "each sync 5 ms longer"}
	var sides []side
	for i, delay := range [...]time.Duration{0, slowerSync} {
		t, err := o.openTaker(ctx, orderCreators/o.scale(), db.Options{SyncDelay: delay})
		if err != nil {
			return report, err
		}
		defer func() { err = joined(err, t.leave()) }()
		if err := t.describe(ctx, &report); err != nil {
			return report, err
		}
		sides = append(sides, side{names[i], func(ctx context.Context) (float64, error) {
			took, err := t.direct(ctx, syncRequests)
			return syncRequests * ordersPerRequest * linesPerOrder / took.Seconds(), err
		}})
	}
	rates, err := report.inTurn(ctx, "lines/s", sides...)
	if err != nil {
		return report, err
	}
	report.ratio("with_syncs_5ms_longer", rates[names[1]], rates[names[0]])
	report.Settings["requests"] = requestsText
	report.Settings["slower syncs"] = "each commit of a write waits before it, holding its lane; folding back SQLite's log is not slowed"
	return report, nil
}
