package intake_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/orderfile"
	"tributary/internal/orderfile/intake"
	"tributary/internal/secret"
)

// The test binary runs itself as the process that is killed.
const (
	childFile   = "INTAKE_TEST_FILE"
	childDB     = "INTAKE_TEST_DB"
	childReplay = "INTAKE_TEST_REPLAY"
)

// killedGroup makes groups so small that a file of a few thousand rows can be killed many times.
const killedGroup = 60

func TestMain(m *testing.M) {
	if os.Getenv(childFile) != "" {
		if err := importUntilKilled(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func killedJob(d *db.DB, m *orderfile.Mapping, file string, replays bool) *intake.Import {
	return &intake.Import{DB: d, Ring: secret.FixedRing("test"), Clock: clock.NewStopped(today), Mapping: m, Path: file, Replay: replays,
		Group: killedGroup}
}

// importUntilKilled imports and prints a line for every group that is noted as done.
func importUntilKilled() error {
	raw, err := os.ReadFile(realMapping)
	if err != nil {
		return err
	}
	m, err := orderfile.ParseMapping(raw)
	if err != nil {
		return err
	}
	d, err := db.Open(context.Background(), os.Getenv(childDB), db.Options{})
	if err != nil {
		return err
	}
	job := killedJob(d, m, os.Getenv(childFile), os.Getenv(childReplay) != "")
	job.Progress = func(p intake.Progress) { fmt.Println(p.Rows) }
	_, err = job.Run(context.Background())
	return err
}

// live starts a child and kills it after some groups; it tells whether the child came to its end before.
func live(t *testing.T, groups int, environment ...string) (ended bool) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), environment...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; n < groups && lines.Scan(); n++ {
	}
	if err := command.Process.Kill(); err != nil {
		t.Log(err) // it has just ended
	}
	for lines.Scan() {
	}
	return command.Wait() == nil
}

// An import that is killed again and again, at any instant, ends like one that was left alone.
func TestKilledImportGoesOn(t *testing.T) {
	left := 24
	if text := os.Getenv("CLICK_TEST_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		left = n
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for round := 0; left > 0; round++ {
		// A test of its own, so that its files and databases go when it ends.
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			left -= killedRound(t, random, seed+uint64(round), round%2 == 1, min(left, maxLives))
		})
	}
}

// maxLives is how often one file's import is killed at most; then it may end, and another file begins.
const maxLives = 12

// killedRound imports one file in several lives, compares, and tells how many they were.
func killedRound(t *testing.T, random *rand.Rand, seed uint64, replays bool, most int) (lives int) {
	file, address := filepath.Join(t.TempDir(), "orders.csv"), dbtest.Address(t)
	invent(t, file, 1500, seed)
	environment := []string{childFile + "=" + file, childDB + "=" + address}
	if replays {
		environment = append(environment, childReplay+"=1")
	}
	for ended := false; !ended && lives < most; lives++ {
		ended = live(t, random.IntN(8), environment...)
	}
	compareKilled(t, address, file, replays)
	t.Logf("%d lives, replay %v", lives, replays)
	return lives
}

func invent(t testing.TB, path string, rows int, seed uint64) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := orderfile.Invent(out, rows, seed); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// compareKilled finishes what was killed, and compares it with an import that nobody disturbed.
func compareKilled(t *testing.T, address, file string, replays bool) {
	t.Helper()
	d, err := db.Open(context.Background(), address, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m := mapping(t, realMapping)
	killed, err := killedJob(d, m, file, replays).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	calm := newWorld(t)
	undisturbed, err := killedJob(calm.db, m, file, replays).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	killed.Ran, undisturbed.Ran = nil, nil // each tells what it ran itself
	if diff := cmp.Diff(undisturbed.Text(), killed.Text()); diff != "" {
		t.Errorf("undisturbed -, killed +:\n%s", diff)
	}
	if a, b := killed.Answers, undisturbed.Answers; a.Accepted+a.Duplicate != b.Accepted {
		t.Errorf("%d events accepted and %d known; undisturbed %d", a.Accepted, a.Duplicate, b.Accepted)
	}
	if a, b := byPath(t, d), byPath(t, calm.db); a != b {
		t.Errorf("balances: %s; undisturbed: %s", a, b)
	}
	(&world{t, d, nil}).audit()
	calm.audit()
}

// byPath sums the balances of accounts that have one name but for their creator.
func byPath(t *testing.T, d *db.DB) string {
	t.Helper()
	sums := map[string]int64{}
	for path, balance := range (&world{t, d, nil}).balances() {
		if len(path) > 24 && path[:8] == "creator/" {
			path = "creator" + path[24:]
		}
		sums[path] += balance
	}
	return fmt.Sprint(sums)
}
