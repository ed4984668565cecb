// Package bench measures the product's figures (`tributary bench`). Machines differ and are shared, so a speed counts only
// as a ratio of two things measured side by side: in turn, in one run, the median of all rounds, with the spread beside it.
//
// What must always hold: what is measured is the product's own code, opened and served as the program does it; every
// installation that a bench makes is gone at its end; a figure names the settings and the scale that made it.
//
// It owns no rule and keeps nothing. A speed is never a reason to fail, a wrong result always is. World is an installation
// ready for orders; the tests that kill the program begin with one, too.
package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/secret"
)

// benches are what there is to measure, in the order of the river.
var benches = []struct {
	name string
	run  func(context.Context, Options) (Report, error)
}{
	{"redirect", redirects},
	{"ship", ships},
	{"orders", orders},
	{"syncs", syncs},
	{"audit", audits},
	{"whatif", whatIfs},
	{"import", imports},
	{"pages", pages},
}

// All is the name for every bench.
const All = "all"

// Names are the benches that there are.
func Names() (names []string) {
	for _, b := range benches {
		names = append(names, b.name)
	}
	return names
}

// Options are what every bench is told.
type Options struct {
	Program
	Full     bool
	Database string // a PostgreSQL server; empty is SQLite, in a folder that is gone at the end
	folder   string // empty at the start
}

// Program is what the program lends the benches: they open, serve and dial as it does, and in no way of their own.
type Program struct {
	// Open opens an installation in a folder, makes it where there is none, and brings its schema up to date.
	Open func(ctx context.Context, data, database string, options db.Options) (Installation, error)
	// Serve answers on a listener until the context ends.
	Serve func(ctx context.Context, listener net.Listener, handler http.Handler) error
	// Client keeps that many connections to one server open.
	Client func(connections int) *http.Client
	// Dial connects to a server on this machine.
	Dial func(network, address string) (net.Conn, error)
}

// Installation is an opened folder with its database, its keys and its clock.
type Installation struct {
	Data, Database string
	DB             *db.DB
	Ring           *secret.Ring
	Clock          *clock.Business
}

// rounds is how often each side of a ratio is measured; one round more comes first and is not counted, because it
// pays for cold caches.
const rounds = 5

// scale is what a bench divides its amount of data by.
func (o Options) scale() int {
	const short = 20
	if o.Full {
		return 1
	}
	return short
}

// Report is what a bench found.
type Report struct {
	Bench    string                `json:"bench"`
	Ratios   map[string]float64    `json:"ratios"`
	Spread   map[string][2]float64 `json:"spread"`
	Settings map[string]string     `json:"settings"`
	Figures  map[string]string     `json:"figures"`
}

// newReport begins a report with what every bench depends on.
func newReport(name string, o Options) Report {
	words := []string{"tributary bench", name}
	if o.Full {
		words = append(words, "--full")
	}
	if o.Database != "" {
		words = append(words, "--database …")
	}
	return Report{Bench: name, Ratios: map[string]float64{}, Spread: map[string][2]float64{}, Figures: map[string]string{},
		Settings: map[string]string{
			"command": strings.Join(words, " "), "go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH, "build": buildOf(),
			"cores": strconv.Itoa(runtime.GOMAXPROCS(0)), "scale": "1/" + strconv.Itoa(o.scale()), "rounds": strconv.Itoa(rounds),
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
func (r *Report) inTurn(ctx context.Context, unit string, sides ...side) (map[string][]float64, error) {
	rates := map[string][]float64{}
	for round := range rounds + 1 {
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
func (r *Report) ratio(name string, ours, theirs []float64) {
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

// Run runs the bench of that name, or all of them, and hands over each report when it is there.
func Run(ctx context.Context, name string, o Options, done func(Report) error) error {
	for _, b := range benches {
		if name != All && name != b.name {
			continue
		}
		report, err := o.one(ctx, b.run)
		if err == nil {
			err = done(report)
		}
		if err != nil {
			return fmt.Errorf("bench %s: %w", b.name, err)
		}
	}
	return nil
}

func (o Options) one(ctx context.Context, run func(context.Context, Options) (Report, error)) (report Report, err error) {
	if o.folder, err = os.MkdirTemp("", "tributary-bench-"); err != nil {
		return report, err
	}
	defer os.RemoveAll(o.folder)
	begin := clock.Wall()
	report, err = run(ctx, o)
	if err == nil {
		report.Settings["took"] = clock.Since(begin).Round(time.Second).String()
	}
	return report, err
}

// Print writes a report for people.
func (r *Report) Print(out io.Writer) {
	fmt.Fprintf(out, "%s\n", r.Bench)
	for _, name := range slices.Sorted(maps.Keys(r.Ratios)) {
		fmt.Fprintf(out, "  ratio    %-34s %6.2f   (%.2f to %.2f)\n", name, r.Ratios[name], r.Spread[name][0], r.Spread[name][1])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		fmt.Fprintf(out, "  figure   %-34s %s\n", name, r.Figures[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		fmt.Fprintf(out, "  setting  %-34s %s\n", name, r.Settings[name])
	}
	fmt.Fprintln(out)
}
