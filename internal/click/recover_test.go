package click

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A group whose sync failed stays on the disk whole, and the process dies before it could cut it. Its successor's
// header does not vouch for it, so it must not come back; the numbers were given again.
func TestWhatWasRefusedDoesNotComeBack(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, small)
	for i := range 5 {
		appendOne(t, l, int64(i))
	}
	l.Close()
	paths, _ := segmentPaths(dir)
	ghost := appendFrame(nil, frameSeed(7, 1), frame{6, 0, someClick(666).AppendRecord(nil)})
	l = openLog(t, dir, small) // its header vouches for five records
	l.Close()
	file, err := os.OpenFile(paths[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(ghost); err != nil {
		t.Fatal(err)
	}
	file.Close()
	l = openLog(t, dir, small)
	if got := kept(t, l); len(got) != 5 {
		t.Errorf("kept %v", got)
	}
	if _, err := l.Verify(); err != nil {
		t.Error(err)
	}
}

// tail makes a log whose newest segment holds one group of three clicks after two groups of one, and gives its path
// and the offsets at which the groups begin.
func tail(t *testing.T, dir string) (path string, starts []int64) {
	t.Helper()
	l := openLog(t, dir, small)
	appendOne(t, l, 1)
	starts = append(starts, headerSize, l.current.length)
	appendOne(t, l, 2)
	starts = append(starts, l.current.length)
	var group []byte
	for i := range 3 {
		group = appendFrame(group, l.seed, frame{uint64(3 + i), uint32(i), someClick(int64(3 + i)).AppendRecord(nil)})
	}
	path = l.current.path
	l.Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, group...)
	if err := os.WriteFile(path, append(raw, make([]byte, 2000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, append(starts, int64(len(raw)))
}

// copied gives a folder with the segment's bytes altered.
func copied(t *testing.T, path string, raw []byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func recovered(dir string) ([]int64, error) {
	l, err := OpenLog(dir, 7, small)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	var clicks []int64
	for logged, err := range l.ReadFrom(Number{}) {
		if err != nil {
			return nil, err
		}
		clicks = append(clicks, logged.Click.Click)
	}
	return clicks, nil
}

// Wherever a write is torn, the whole records before it are kept and nothing else.
func TestTornAtEveryByte(t *testing.T) {
	path, starts := tail(t, t.TempDir())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := (starts[3] - starts[2]) / 3
	for at := starts[0]; at <= starts[3]; at++ {
		want := 0
		for want < 5 && at >= headerSize+int64(want+1)*size {
			want++
		}
		rest := at % 2 * 100 // the file ends there, or zeros follow
		clicks, err := recovered(copied(t, path, append(whole[:at:at], make([]byte, rest)...)))
		if err != nil || len(clicks) != want {
			t.Fatalf("cut at %d with %d zeros behind: %v, %v; want %d clicks", at, rest, clicks, err, want)
		}
	}
}

// A flipped bit in the last group may be a torn write: the records before it are kept. In an earlier group it is
// damage to what was acknowledged, and is never passed over.
func TestFlippedAtEveryByte(t *testing.T) {
	path, starts := tail(t, t.TempDir())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := (starts[3] - starts[2]) / 3
	for at := int64(0); at < starts[3]; at++ {
		flipped := append([]byte{}, whole...)
		flipped[at] ^= 1 << (at % 8)
		clicks, err := recovered(copied(t, path, flipped))
		switch {
		case at < starts[2]:
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("header or acknowledged record flipped at %d: %v, %v", at, clicks, err)
			}
		default:
			if want := int((at - headerSize) / size); err != nil || len(clicks) != want {
				t.Fatalf("last group flipped at %d: %v, %v; want %d clicks", at, clicks, err, want)
			}
		}
	}
}

func TestVerifyFindsEveryFlippedByte(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		l := openLog(t, dir, small)
		for i := range 3 {
			appendOne(t, l, int64(i))
		}
		l.Close()
	}
	openLog(t, dir, small).Close()
	paths, _ := segmentPaths(dir)
	for _, path := range paths[:2] { // the newest holds nothing yet
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range whole {
			flipped := append([]byte{}, whole...)
			flipped[at] ^= 0x10
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			if verified, err := VerifyLog(dir); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s flipped at %d: %+v, %v", filepath.Base(path), at, verified, err)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := VerifyLog(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(paths[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyLog(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("a missing segment: %v", err)
	}
	if _, err := OpenLog(dir, 7, small); !errors.Is(err, ErrDamaged) {
		t.Errorf("opening with a missing segment: %v", err)
	}
}

// A record that is whole by its checksum and stands in a chain that was forged as a whole is what the seal is for.
func TestAReplacedSegmentBreaksTheSeal(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, small)
	for i := range 3 {
		appendOne(t, l, int64(i))
	}
	path := l.current.path
	l.Close()
	openLog(t, dir, small).Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	forged := raw[:headerSize:headerSize]
	for i := range 3 {
		forged = appendFrame(forged, frameSeed(7, 1), frame{uint64(i + 1), 0, someClick(int64(90 + i)).AppendRecord(nil)})
	}
	if len(forged) != len(raw) {
		t.Fatal("the forgery has another length")
	}
	if err := os.WriteFile(path, forged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyLog(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
