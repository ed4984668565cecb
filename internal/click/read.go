package click

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
)

// frameReader walks frames. raw is the last frame's bytes, good until the next call.
type frameReader struct {
	file   io.ReaderAt
	seed   uint32
	at     int64 // of the end of buffer in the file
	limit  int64 // nothing at or behind it is read
	buffer []byte
	start  int // of the next frame in buffer
	raw    []byte
}

// next gives the next frame, io.EOF at the limit or where the file ends exactly there, errNoFrame where no whole frame
// follows.
func (r *frameReader) next() (frame, error) {
	f, err := readFrame(r.buffer[r.start:], r.seed)
	if err != nil {
		if err := r.fill(); err != nil {
			return frame{}, err
		}
		if r.start == len(r.buffer) {
			return frame{}, io.EOF
		}
		if f, err = readFrame(r.buffer[r.start:], r.seed); err != nil {
			return frame{}, err
		}
	}
	r.raw = r.buffer[r.start : r.start+int(f.size())]
	r.start += int(f.size())
	return f, nil
}

// fill moves what is left to the front and reads on.
func (r *frameReader) fill() error {
	left := copy(r.buffer[:cap(r.buffer)], r.buffer[r.start:])
	r.buffer, r.start = r.buffer[:left], 0
	room := min(int64(cap(r.buffer)-left), r.limit-r.at)
	if room <= 0 {
		return nil
	}
	n, err := r.file.ReadAt(r.buffer[left:left+int(room)], r.at)
	r.buffer, r.at = r.buffer[:left+n], r.at+int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Entry is one record of the log. Record is good until the next entry is read; Click reads it.
type Entry struct {
	Number Number
	Record []byte
}

// Click decodes the entry's record.
func (e Entry) Click(into *Click) error {
	if err := into.ReadRecord(e.Record); err != nil {
		return fmt.Errorf("%w: record %s: %w", ErrDamaged, e.Number, err)
	}
	return nil
}

// Reader reads the synced records of a log in the order of their numbers, and checks that none is missing. It belongs
// to one goroutine.
type Reader struct {
	log     *Log
	after   Number
	segment *segment
	file    *os.File
	frames  *frameReader
	last    Entry
	again   bool // last is given once more
}

// Reader gives a reader that begins behind that number; the zero Number begins with the oldest record kept.
func (l *Log) Reader(after Number) *Reader { return &Reader{log: l, after: after} }

// Close lets the reader's file go.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// Next gives the next synced record, and io.EOF where there is none yet. Anything else that does not read is ErrDamaged.
func (r *Reader) Next() (Entry, error) {
	if r.again {
		r.again = false
		return r.last, nil
	}
	for {
		if r.segment == nil {
			if err := r.enter(r.log.holding(r.after)); err != nil {
				return Entry{}, err
			}
		}
		r.frames.limit = r.log.syncedLength(r.segment)
		f, err := r.frames.next()
		switch {
		case errors.Is(err, io.EOF):
			next := r.log.successor(r.segment)
			if next == nil {
				return Entry{}, io.EOF
			}
			// With a successor a segment grows no more, but it may have between the two looks at it.
			if r.frames.limit == r.log.syncedLength(r.segment) {
				if err := r.enter(next); err != nil {
					return Entry{}, err
				}
			}
			continue
		case errors.Is(err, errNoFrame):
			return Entry{}, fmt.Errorf("%w: %s after record %s", ErrDamaged, r.segment.path, r.after)
		case err != nil:
			return Entry{}, err
		}
		number := Number{r.segment.header.edge, r.segment.header.epoch, f.sequence}
		if number.Compare(r.after) <= 0 {
			continue // before the place where this reader begins
		}
		if err := r.follows(number); err != nil {
			return Entry{}, err
		}
		r.after, r.last = number, Entry{number, f.record}
		return r.last, nil
	}
}

// back lets Next give the last entry once more.
func (r *Reader) back() { r.again = true }

// follows checks that no number is missing between the last entry and this one. Where an epoch ends is known from the
// header of the segment that begins the next one. The first segment of a folder that was begun anew knows of nothing
// before it; what was lost with the old folder is for the audit to tell.
func (r *Reader) follows(number Number) error {
	wanted, before := r.after, r.segment.header.before()
	if r.after.Epoch == number.Epoch {
		before = Number{number.Edge, number.Epoch, number.Sequence - 1}
	} else if r.segment.header.index == 1 || r.after == (Number{}) {
		return nil
	}
	if before == wanted && (r.after.Epoch == number.Epoch || number.Sequence == 1) {
		return nil
	}
	return fmt.Errorf("%w: after record %s stands %s; those between are missing", ErrDamaged, r.after, number)
}

// enter goes to a segment; nil is the segment of a log that could not begin one yet.
func (r *Reader) enter(s *segment) error {
	if s == nil {
		return io.EOF
	}
	if err := r.Close(); err != nil {
		return err
	}
	file, err := os.Open(s.path)
	if err != nil {
		return err
	}
	r.segment, r.file, r.frames = s, file, s.frames(file, headerSize)
	return nil
}

func (l *Log) syncedLength(s *segment) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.length
}

// successor gives the oldest segment kept behind s; nil while s is the newest.
func (l *Log) successor(s *segment) *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, other := range l.segments {
		if other.header.index > s.header.index {
			return other
		}
	}
	return nil
}

// holding gives the oldest segment with records behind that number, or else the newest one.
func (l *Log) holding(after Number) *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	after.Edge = l.edge
	for i, s := range l.segments {
		if s.newest().Compare(after) > 0 || i == len(l.segments)-1 {
			return s
		}
	}
	return nil
}

// ReadFrom gives the synced records behind that number up to the end of what is synced now, decoded. After an error it
// ends. The click is good until the next one is asked for.
func (l *Log) ReadFrom(after Number) iter.Seq2[Logged, error] {
	return func(yield func(Logged, error) bool) {
		reader := l.Reader(after)
		defer reader.Close()
		var c Click
		for end := l.Synced(); ; {
			entry, err := reader.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = entry.Click(&c)
			}
			if err != nil {
				yield(Logged{}, err)
				return
			}
			if entry.Number.Compare(end) > 0 || !yield(Logged{entry.Number, &c}, nil) {
				return
			}
		}
	}
}

// Logged is a click and its number.
type Logged struct {
	Number Number
	Click  *Click
}

// Synced is the number up to which this opening's clicks are on disk: its sequence is 0 before the first one.
func (l *Log) Synced() Number {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Number{l.edge, l.epoch, l.synced}
}

// Wait returns once records behind that number are synced, or with the context's error.
func (l *Log) Wait(ctx context.Context, after Number) error {
	for {
		l.mu.Lock()
		if (Number{l.edge, l.epoch, l.synced}).Compare(after) > 0 && l.synced > 0 {
			l.mu.Unlock()
			return nil
		}
		if l.grown == nil {
			l.grown = make(chan struct{})
		}
		grown := l.grown
		l.mu.Unlock()
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Release removes the segments whose records have all been shipped. The newest is kept always: its header carries the
// epoch and the seal of everything before it.
func (l *Log) Release(upto Number) error {
	for {
		l.mu.Lock()
		if len(l.segments) < 2 {
			l.mu.Unlock()
			return nil
		}
		oldest := l.segments[0]
		shipped := (Number{l.edge, oldest.header.epoch, oldest.last}).Compare(upto) <= 0
		if !shipped && oldest.last >= oldest.header.first {
			l.mu.Unlock()
			return nil
		}
		l.segments = l.segments[1:]
		l.mu.Unlock()
		if err := removeIfThere(oldest.path); err != nil {
			return fmt.Errorf("release shipped clicks: %w", err)
		}
	}
}

// Verified is what a look at every byte of a log found.
type Verified struct {
	Segments int
	Records  int64
	First    Number // oldest record kept
	Last     Number // newest
}

// Verify reads the whole log up to what is synced now: headers, checksums, sequences, seals. It may run beside Append
// and beside Release, which may take away the oldest segments before they are read.
func (l *Log) Verify() (Verified, error) {
	l.mu.Lock()
	segments := make([]*segment, len(l.segments))
	for i, s := range l.segments {
		segments[i] = &segment{path: s.path, header: s.header, length: s.length, last: s.last}
	}
	l.mu.Unlock()
	return verify(segments)
}

// VerifyLog is Verify for the folder of a log that this process has not opened; another may be writing it. The error
// is ErrDamaged and names the first difference.
func VerifyLog(dir string) (Verified, error) {
	segments, err := chain(dir)
	if err != nil || len(segments) == 0 {
		return Verified{}, err
	}
	newest := segments[len(segments)-1]
	file, err := os.Open(newest.path)
	if err != nil {
		return Verified{}, err
	}
	defer file.Close()
	// A writer may be between two looks at the file, so that a later group is seen and the one before it is not; what
	// is really broken does not get better.
	for {
		reached := newest.last
		err := newest.scan(file, sha256.New())
		if err == nil {
			return verify(segments)
		}
		if !errors.Is(err, ErrDamaged) || newest.last == reached {
			return Verified{}, err
		}
	}
}

func verify(segments []*segment) (Verified, error) {
	var found Verified
	for i, s := range segments {
		newest := i == len(segments)-1
		sum, err := found.segment(s)
		if errors.Is(err, fs.ErrNotExist) && found.Segments == 0 && !newest {
			continue // shipped and released meanwhile
		}
		if err != nil {
			return found, err
		}
		if !newest && !bytes.Equal(sum, segments[i+1].header.prevSeal[:]) {
			return found, fmt.Errorf("%w: the seal over %s does not fit its bytes", ErrDamaged, s.path)
		}
		if next := i + 1; !newest && segments[next].header.epoch == s.header.epoch && segments[next].header.first != s.last+1 {
			return found, fmt.Errorf("%w: %s ends with record %d and %s begins with %d", ErrDamaged,
				s.path, s.last, segments[next].path, segments[next].header.first)
		}
		found.Segments++
	}
	return found, nil
}

// segment checks one segment and gives the hash of its bytes.
func (v *Verified) segment(s *segment) ([]byte, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var c Click
	seal, found := sha256.New(), *s
	err = found.walk(file, s.length, seal, func(f frame) error {
		v.Last = Number{s.header.edge, s.header.epoch, f.sequence}
		if v.Records++; v.Records == 1 {
			v.First = v.Last
		}
		return Entry{v.Last, f.record}.Click(&c)
	})
	if err == nil && (found.length != s.length || found.last != s.last) {
		err = fmt.Errorf("%w: %s is whole up to record %d, byte %d; %d and %d were synced", ErrDamaged,
			s.path, found.last, found.length, s.last, s.length)
	}
	return seal.Sum(nil), err
}
