package click

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
)

// The test binary runs itself as the process that is killed: childMode names what it does there.
const (
	childMode = "CLICK_TEST_CHILD"
	childDir  = "CLICK_TEST_DIR"
	childDB   = "CLICK_TEST_DB"
	childBase = "CLICK_TEST_BASE"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "":
		os.Exit(m.Run())
	case "append":
		appendUntilKilled()
	case "full":
		appendWithoutRoom()
	}
}

// killOptions make several segments in a life of some thousand clicks.
var killOptions = Options{Segment: 64 << 10}

// appendUntilKilled appends from many goroutines and prints the number of every click that was acknowledged.
func appendUntilKilled() {
	ctx := context.Background()
	l, err := OpenLog(os.Getenv(childDir), 7, killOptions)
	if err != nil {
		fail(err)
	}
	if address := os.Getenv(childDB); address != "" {
		d, err := db.Open(ctx, address, db.Options{})
		if err != nil {
			fail(err)
		}
		go (&Shipper{DB: d, Log: l}).Run(ctx)
	}
	base, err := strconv.ParseInt(os.Getenv(childBase), 10, 64)
	if err != nil {
		fail(err)
	}
	var mu sync.Mutex
	next := base
	for range 32 {
		go func() {
			for {
				mu.Lock()
				next++
				c := someClick(next)
				mu.Unlock()
				number, err := l.Append(ctx, c)
				if err != nil {
					fail(err)
				}
				// One write for each line: what the pipe holds when the process dies was acknowledged.
				os.Stdout.WriteString(fmt.Sprintf("%d %d %d\n", number.Epoch, number.Sequence, c.Click))
			}
		}()
	}
	select {}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// child starts this binary in that mode.
func child(t *testing.T, mode string, environment ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(append(os.Environ(), childMode+"="+mode), environment...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command, bufio.NewScanner(out)
}

// killed lets a child append, kills it after that many acknowledgements, and adds what it acknowledged.
func killed(t *testing.T, after int, acknowledged map[Number]int64, environment ...string) {
	t.Helper()
	command, lines := child(t, "append", environment...)
	seen := 0
	for ; seen < after && lines.Scan(); seen++ {
		noted(t, lines.Text(), acknowledged)
	}
	if seen < after {
		t.Fatalf("the child ended by itself after %d clicks", seen)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what was still in the pipe
		noted(t, lines.Text(), acknowledged)
	}
	command.Wait() // its error is the kill
}

func noted(t *testing.T, line string, acknowledged map[Number]int64) {
	t.Helper()
	number := Number{Edge: 7}
	var click int64
	if n, err := fmt.Sscanf(line, "%d %d %d", &number.Epoch, &number.Sequence, &click); n != 3 || err != nil {
		t.Fatalf("line %q of the child: %v", line, err)
	}
	if other, twice := acknowledged[number]; twice {
		t.Fatalf("number %s was given to clicks %d and %d", number, other, click)
	}
	acknowledged[number] = click
}

// kills is how often a test kills its child: CLICK_TEST_KILLS makes it more.
func kills(t *testing.T, normal int) int {
	t.Helper()
	if text := os.Getenv("CLICK_TEST_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return normal
}

// seeded gives random numbers that a failing test can repeat: the seed stands in its log.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// checkKept checks that all that was acknowledged is there under its number, and that no click is there twice.
func checkKept(t *testing.T, acknowledged, found map[Number]int64) {
	t.Helper()
	for number, click := range acknowledged {
		if found[number] != click {
			t.Fatalf("click %d was acknowledged as %s, where %d is now", click, number, found[number])
		}
	}
	clicks := make(map[int64]Number, len(found))
	for number, click := range found {
		if other, twice := clicks[click]; twice {
			t.Fatalf("click %d is there as %s and as %s", click, number, other)
		}
		clicks[click] = number
		if _, before := found[Number{number.Edge, number.Epoch, number.Sequence - 1}]; !before && number.Sequence != 1 {
			t.Fatalf("nothing stands before %s", number)
		}
	}
}

func TestKilledWhileAppendingLosesNothing(t *testing.T) {
	dir, random := t.TempDir(), seeded(t)
	acknowledged := map[Number]int64{}
	found := map[Number]int64{}
	var after Number
	for kill := range kills(t, 40) {
		killed(t, random.IntN(1500), acknowledged, childDir+"="+dir, childBase+"="+strconv.Itoa(kill<<32))
		l := openLog(t, dir, killOptions)
		for logged, err := range l.ReadFrom(after) {
			if err != nil {
				t.Fatal(err)
			}
			found[logged.Number] = logged.Click.Click
			after = logged.Number
		}
		l.Close()
	}
	checkKept(t, acknowledged, found)
	verified, err := VerifyLog(dir)
	if err != nil || verified.Records != int64(len(found)) {
		t.Fatalf("verified %+v, %v; read %d", verified, err, len(found))
	}
	t.Logf("%d clicks acknowledged, %d kept", len(acknowledged), len(found))
}

func TestKilledWhileShippingCountsOnce(t *testing.T) {
	dir, random, address := t.TempDir(), seeded(t), dbtest.Address(t)
	acknowledged := map[Number]int64{}
	for kill := range kills(t, 20) {
		killed(t, random.IntN(6000), acknowledged,
			childDir+"="+dir, childDB+"="+address, childBase+"="+strconv.Itoa(kill<<32))
	}
	ctx := context.Background()
	d, err := db.Open(ctx, address, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l := openLog(t, dir, killOptions)
	rest := shipAll(t, &Shipper{DB: d, Log: l})
	found := map[Number]int64{}
	err = d.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(numberedClicks, func(scan func(...any) error) error {
			var edge, epoch, sequence, click int64
			err := scan(&edge, &epoch, &sequence, &click)
			found[Number{uint16(edge), uint32(epoch), uint64(sequence)}] = click
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	checkKept(t, acknowledged, found)
	if gross, _ := totals(t, d); gross != int64(len(found)) {
		t.Errorf("%d clicks, gross %d", len(found), gross)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, segmentPrefix+"*")); len(left) != 1 {
		t.Errorf("%d segments left after all was shipped", len(left))
	}
	t.Logf("%d clicks acknowledged, %d in the database, %d of them shipped last", len(acknowledged), len(found), rest)
}

var numberedClicks = db.Statement(
	`SELECT edge, epoch, sequence, id FROM click ORDER BY edge, epoch, sequence NULLS LAST`)
