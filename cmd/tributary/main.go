// Command tributary is the whole platform in one binary: `tributary demo` shows it, `tributary serve` runs it. Every
// command has a file of its own; wiring.go says who is connected to whom.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // months are counted in the marketplaces' zones, also where the system has no zone files

	"github.com/alecthomas/kong"

	"tributary/internal/fault"
)

// commands are what the binary does, in the order in which help shows them.
type commands struct {
	Demo      demoCmd      `cmd:"" help:"Start two marketplaces, a store and creators with months of history, to try everything."`
	Serve     serveCmd     `cmd:"" help:"Run the platform."`
	Setup     setupCmd     `cmd:"" help:"Make marketplaces, rate cards, staff, creators and tokens out of one file."`
	Operator  operatorCmd  `cmd:"" help:"Make an admin, or another of the operator's people, and print a link with which they sign in once."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database's schema up to date."`
	Rates     ratesCmd     `cmd:"" help:"What a marketplace pays, as a file: export it, edit it, see what that changes, publish it."`
	Whatif    whatifCmd    `cmd:"" help:"Try rates or rules over past lines, before they are published. Nothing is posted."`
	Import    importCmd    `cmd:"" help:"Bring in what another system has: orders from a file."`
	Clock     clockCmd     `cmd:"" help:"Show the two clocks, or move a sandbox's business clock forward."`
	Bench     benchCmd     `cmd:"" help:"Measure the product's figures, as ratios of two things side by side."`
	BenchLoad benchLoadCmd `cmd:"" hidden:""`
	Keys      keysCmd      `cmd:"" help:"Show which key seals click tokens and personal data, or add one."`
	Audit     auditCmd     `cmd:"" help:"Recompute everything from stored facts; exits 1 with the first differences."`
	Doctor    doctorCmd    `cmd:"" help:"Show the settings as engine and disk read them back."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// run parses and runs one command line and gives its exit code: 0 done, 1 found something wrong, 2 could not be read.
func run(ctx context.Context, args []string) int {
	var cli commands
	parser, err := kong.New(&cli, kong.Name("tributary"), kong.UsageOnError(),
		kong.Description("Creator programs for marketplaces and stores: measured, priced, explained and paid."), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Vars{"benches": benchNames()})
	if err != nil {
		panic(err) // the struct above is wrong
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tributary:", err)
		return 2
	}
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "tributary:", explain(err))
		return 1
	}
	return 0
}

// explain gives the operator the whole of an error: unlike a door's caller they may see what is behind it.
func explain(err error) string {
	f := fault.Of(err)
	if cause := f.Unwrap(); cause != nil && cause != err {
		return err.Error() + " (" + cause.Error() + ")"
	}
	return err.Error()
}
