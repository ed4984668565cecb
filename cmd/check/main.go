// Command check runs every check of this repository, with the engines it needs, and says how long each took.
//
//	go run ./cmd/check                  everything: what a change must pass
//	go run ./cmd/check quick            formatting, vet, the house and short tests on SQLite
//	go run ./cmd/check race             the race detector on the rooms where goroutines meet
//	go run ./cmd/check fuzz [TIME]      every fuzz target for TIME (default 1m)
//	go run ./cmd/check postgres CMD...  CMD with TEST_DB set to a PostgreSQL cluster of its own
//
// What is missing on the machine is installed on Debian as root; elsewhere the run fails with the one line to run. No
// check is ever skipped because something is missing. It does not know what the tests test.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"tributary/internal/clock"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch {
	case name == "":
		return everything(ctx)
	case name == "quick":
		// The tests of this command and of pages need them, on whatever engine the rest runs.
		if err := haveEngines(ctx, postgresql, chromium); err != nil {
			return err
		}
		return inTurn(ctx, quickSteps)
	case name == "race":
		return inTurn(ctx, []step{{"race detector", raceDetector}})
	case name == "fuzz":
		return fuzz(ctx, args)
	case name == "postgres" && len(args) > 0:
		if err := haveEngines(ctx, postgresql); err != nil {
			return err
		}
		return withCluster(ctx, func(address string) error {
			return command(ctx, []string{"TEST_DB=" + address}, args...)
		})
	}
	return fmt.Errorf("there is no %q: give nothing, quick, race, fuzz [TIME] or postgres CMD", name)
}

// step is one check. Its output goes straight to the terminal.
type step struct {
	name string
	run  func(context.Context) error
}

var quickSteps = []step{
	{"gofmt", gofmt},
	{"go vet", func(ctx context.Context) error { return command(ctx, nil, "go", "vet", "./...") }},
	{"house", house},
	{"short tests, SQLite", func(ctx context.Context) error {
		return command(ctx, sqlite, "go", "test", "-short", "-timeout", testTimeout, "./...")
	}},
}

var allSteps = []step{
	{"gofmt", gofmt},
	{"generated pages", generatedPages},
	{"go vet", quickSteps[1].run},
	{"staticcheck", func(ctx context.Context) error {
		return command(ctx, nil, "go", "tool", "-modfile=tools/staticcheck.mod", "staticcheck", "./...")
	}},
	{"house", house},
	{"tests, SQLite", func(ctx context.Context) error {
		return command(ctx, sqlite, "go", "test", "-count=1", "-timeout", testTimeout, "./...")
	}},
	{"tests, PostgreSQL", testsOnPostgreSQL},
	{"race detector", raceDetector},
}

// testTimeout ends a package that hangs with its goroutines' stacks, long before a build machine would kill the run.
const testTimeout = "20m"

// sqlite makes sure that a PostgreSQL address in the caller's environment does not leak into the run on SQLite.
var sqlite = []string{"TEST_DB="}

func everything(ctx context.Context) error {
	if err := haveEngines(ctx, postgresql, chromium, compiler); err != nil {
		return err
	}
	return inTurn(ctx, allSteps)
}

// inTurn runs every step, also after one has failed, so that one run shows all that is wrong.
func inTurn(ctx context.Context, steps []step) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "step\ttime\tresult")
	var failed []string
	begin := clock.Wall()
	for _, s := range steps {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		fmt.Printf("== %s\n", s.name)
		start := clock.Wall()
		err := s.run(ctx)
		result := "ok"
		if err != nil {
			result = "FAILED"
			failed = append(failed, s.name)
			fmt.Printf("%s: %v\n", s.name, err)
		}
		took := clock.Since(start).Round(100 * time.Millisecond)
		fmt.Printf("== %s: %s in %s\n\n", s.name, result, took)
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.name, took, result)
	}
	fmt.Fprintf(table, "all\t%s\t\n", clock.Since(begin).Round(100*time.Millisecond))
	if err := table.Flush(); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// graceAfterInterrupt is how long a command may take to clean up before it is killed.
const graceAfterInterrupt = 10 * time.Second

// command runs a program to its end, in a process group of its own, so that an interrupt reaches its children too.
func command(ctx context.Context, env []string, words ...string) error {
	cmd := prepare(ctx, env, words...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(words, " "), err)
	}
	return nil
}

// output runs a program and gives what it printed.
func output(ctx context.Context, env []string, words ...string) (string, error) {
	cmd := prepare(ctx, env, words...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

func prepare(ctx context.Context, env []string, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = graceAfterInterrupt
	return cmd
}
