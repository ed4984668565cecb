package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/internal/clock"
)

// benchCmd measures the product's figures. Machines differ and are shared, so a speed counts only as a ratio of two
// things measured side by side: in turn, in one run, the median of all rounds, with the spread beside it.
type benchCmd struct {
	Name     string `arg:"" optional:"" default:"all" enum:"all,redirect,ship,orders,import,pages" help:"redirect, ship, orders, import, pages or all."`
	JSON     bool   `name:"json" help:"Print JSON, one object for each bench."`
	Full     bool   `help:"The full amount of data instead of a twentieth."`
	Database string `help:"Measure on this PostgreSQL server, in a database that is made for the bench and dropped after it." placeholder:"postgres://…"`
	Profile  string `help:"Write a CPU profile into this file." type:"path"`
}

// benches are what there is to measure, in the order of the river.
var benches = []struct {
	name string
	run  func(context.Context, benchOptions) (benchReport, error)
}{
	{"redirect", benchRedirect},
	{"ship", benchShip},
	{"orders", benchOrders},
	{"import", benchImport},
	{"pages", benchPages},
}

// benchOptions are what every bench is told.
type benchOptions struct {
	Full     bool
	Database string // a PostgreSQL server; empty is SQLite, in Folder
	Folder   string // empty at the start and gone at the end
}

// benchRounds is how often each side of a ratio is measured; one round more comes first and is not counted, because it
// pays for cold caches.
const benchRounds = 5

// scale is what a bench divides its amount of data by.
func (o benchOptions) scale() int {
	const short = 20
	if o.Full {
		return 1
	}
	return short
}

// benchReport is what a bench found.
type benchReport struct {
	Bench    string                `json:"bench"`
	Ratios   map[string]float64    `json:"ratios"`
	Spread   map[string][2]float64 `json:"spread"`
	Settings map[string]string     `json:"settings"`
	Figures  map[string]string     `json:"figures"`
}

// newReport begins a report with what every bench depends on.
func newReport(name string, o benchOptions) benchReport {
	words := []string{"tributary bench", name}
	if o.Full {
		words = append(words, "--full")
	}
	if o.Database != "" {
		words = append(words, "--database …")
	}
	return benchReport{Bench: name, Ratios: map[string]float64{}, Spread: map[string][2]float64{}, Figures: map[string]string{},
		Settings: map[string]string{
			"command": strings.Join(words, " "), "go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH, "build": buildOf(),
			"cores": strconv.Itoa(runtime.GOMAXPROCS(0)), "scale": "1/" + strconv.Itoa(o.scale()), "rounds": strconv.Itoa(benchRounds),
		}}
}

// buildOf says which build this is.
func buildOf() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

// side is one of the things that are measured in turn. Its rate may be of any unit, as long as all have the same.
type side struct {
	name string
	run  func(ctx context.Context) (rate float64, err error)
}

// inTurn measures the sides A B A B …, and gives each one's rates.
func (r *benchReport) inTurn(ctx context.Context, unit string, sides ...side) (map[string][]float64, error) {
	rates := map[string][]float64{}
	for round := range benchRounds + 1 {
		for _, s := range sides {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			runtime.GC() // nobody pays for what the other left behind
			rate, err := s.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			if round > 0 {
				rates[s.name] = append(rates[s.name], rate)
			}
		}
	}
	for name, all := range rates {
		r.Figures[name] = fmt.Sprintf("%.0f %s", median(all), unit)
	}
	return rates, nil
}

// ratio notes how many times as fast one was as the other, round by round.
func (r *benchReport) ratio(name string, ours, theirs []float64) {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	r.Ratios[name] = median(ratios)
	r.Spread[name] = [2]float64{slices.Min(ratios), slices.Max(ratios)}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// percentile gives the time that a share of all stays below; it sorts them.
func percentile(times []time.Duration, share float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(int(float64(len(times))*share), len(times)-1)]
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

// Run runs one bench, or all of them.
func (c *benchCmd) Run(ctx context.Context) error {
	if c.Profile != "" {
		file, err := os.Create(c.Profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, b := range benches {
		if c.Name != "all" && c.Name != b.name {
			continue
		}
		report, err := c.one(ctx, b.run)
		if err != nil {
			return fmt.Errorf("bench %s: %w", b.name, err)
		}
		if c.JSON {
			err = json.NewEncoder(os.Stdout).Encode(report)
		} else {
			report.print()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *benchCmd) one(ctx context.Context, run func(context.Context, benchOptions) (benchReport, error)) (benchReport, error) {
	folder, err := os.MkdirTemp("", "tributary-bench-")
	if err != nil {
		return benchReport{}, err
	}
	defer os.RemoveAll(folder)
	begin := clock.Wall()
	report, err := run(ctx, benchOptions{Full: c.Full, Database: c.Database, Folder: folder})
	if err == nil {
		report.Settings["took"] = clock.Since(begin).Round(time.Second).String()
	}
	return report, err
}

func (r *benchReport) print() {
	fmt.Printf("%s\n", r.Bench)
	for _, name := range slices.Sorted(maps.Keys(r.Ratios)) {
		fmt.Printf("  ratio    %-34s %6.2f   (%.2f to %.2f)\n", name, r.Ratios[name], r.Spread[name][0], r.Spread[name][1])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		fmt.Printf("  figure   %-34s %s\n", name, r.Figures[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		fmt.Printf("  setting  %-34s %s\n", name, r.Settings[name])
	}
	fmt.Println()
}
