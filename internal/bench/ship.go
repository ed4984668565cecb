package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
)

// intakePerRound is how long clicks come in before they are shipped.
const intakePerRound = 2 * time.Second

// ships compares the rate at which clicks are shipped into rows and rollups with the rate at which one core takes
// them in: the edge answers links for a while, with nobody shipping, and then the shipper moves what was logged.
func ships(ctx context.Context, o Options) (report Report, err error) {
	report = newReport("ship", o)
	rig, err := o.openRig(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = joined(err, rig.close()) }()
	if err := rig.describe(ctx, &report); err != nil {
		return report, err
	}
	shipper := &click.Shipper{DB: rig.DB, Log: rig.log, Zone: func(uint16) *time.Location { return rig.Market.Location() }}
	spent := map[string][]float64{}
	var shipped []float64
	rates, err := report.inTurn(ctx, "clicks/s", side{"taken in by one core", func(context.Context) (float64, error) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		before := ownCPU()
		result, err := rig.load.run(load{Address: rig.address, Paths: rig.paths, Connections: redirectConnections, For: intakePerRound})
		spent["edge"] = append(spent["edge"], (ownCPU()-before).Seconds()*1e6/float64(result.Requests))
		return result.rate(), err
	}}, side{"shipped", func(ctx context.Context) (float64, error) {
		count, took, used, err := ShipAll(ctx, shipper)
		spent["shipper"] = append(spent["shipper"], used.Seconds()*1e6/float64(count))
		shipped = append(shipped, float64(count))
		return float64(count) / took.Seconds(), err
	}})
	if err != nil {
		return report, err
	}
	report.ratio("vs_intake", rates["shipped"], rates["taken in by one core"])
	report.Figures["shipper, own CPU"] = fmt.Sprintf("%.1f µs for each click", median(spent["shipper"]))
	report.Figures["edge, own CPU"] = fmt.Sprintf("%.1f µs for each click", median(spent["edge"]))
	report.Figures["shipped in a round"] = fmt.Sprintf("%.0f clicks", median(shipped))
	report.Settings["intake"] = fmt.Sprintf("links answered on one core (GOMAXPROCS 1), %d connections, the generator on another", redirectConnections)
	return report, nil
}

// ShipAll ships what waits in the log.
func ShipAll(ctx context.Context, shipper *click.Shipper) (count int, took, used time.Duration, err error) {
	begin, before := clock.Wall(), ownCPU()
	for {
		n, err := shipper.Step(ctx)
		if err != nil {
			return count, 0, 0, err
		}
		if n == 0 {
			return count, clock.Since(begin), ownCPU() - before, nil
		}
		count += n
	}
}
