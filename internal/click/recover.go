package click

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// ErrDamaged says that bytes which had been synced are no longer what was written. Nothing is cut or skipped then: the
// file must come back from a copy, or an operator takes it away knowing what is lost.
var ErrDamaged = errors.New("click log is damaged")

// OpenLog opens the folder's log, made where there is none, and begins its next epoch. Segments that are complete are
// taken by their headers; only the newest is read, and cut after its last whole record.
func OpenLog(dir string, edge uint16, opts Options) (*Log, error) {
	if edge == presentedEdge {
		return nil, errors.New("click log: edges are numbered from 1")
	}
	opts.Segment = max(cmp.Or(opts.Segment, defaultSegment), minSegment)
	opts.Retry = cmp.Or(opts.Retry, defaultRetry)
	l := &Log{
		dir: dir, edge: edge, opts: opts, disk: realDisk(), next: 1,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), stopped: make(chan struct{}),
	}
	if opts.disk != nil {
		l.disk = *opts.disk
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("click log: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("click log: %w", err)
	}
	if ok, err := lockFile(lock); err != nil || !ok {
		err = cmp.Or(err, errors.New("another process writes it"))
		return nil, errors.Join(fmt.Errorf("click log %s: %w", dir, err), lock.Close())
	}
	l.lock = lock
	if err := l.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("click log %s: %w", dir, err), lock.Close())
	}
	l.seed = frameSeed(edge, l.epoch)
	// A disk that is full must not keep the edge from redirecting: the log opens, refuses, and goes on when it can.
	l.resume()
	go l.run()
	return l, nil
}

// recover finds what earlier epochs left.
func (l *Log) recover() error {
	segments, err := chain(l.dir)
	if err != nil {
		return err
	}
	l.epoch = l.opts.AfterEpoch
	for i, s := range segments {
		if s.header.edge != l.edge {
			return fmt.Errorf("%s belongs to edge %d, not to edge %d", s.path, s.header.edge, l.edge)
		}
		l.epoch = max(l.epoch, s.header.epoch)
		if i < len(segments)-1 {
			continue
		}
		if err := s.recoverTail(); err != nil {
			return err
		}
	}
	l.segments = segments
	l.epoch++
	if err := removeIfThere(filepath.Join(l.dir, sparePartName)); err != nil {
		return err
	}
	// A spare of another size would make a segment of another size.
	spare := filepath.Join(l.dir, spareName)
	if info, err := os.Stat(spare); err == nil && info.Size() != l.opts.Segment {
		return removeIfThere(spare)
	}
	return nil
}

// chain reads the headers of a folder's segments. Each but the newest gets its length and last sequence from the
// header after it; the newest has both unknown, as if it were empty.
func chain(dir string) ([]*segment, error) {
	paths, err := segmentPaths(dir)
	if err != nil {
		return nil, err
	}
	var segments []*segment
	for _, path := range paths {
		h, err := readHeader(path)
		if errors.Is(err, fs.ErrNotExist) && len(segments) == 0 {
			continue // shipped and released meanwhile
		}
		if errors.Is(err, errHeader) {
			return nil, fmt.Errorf("%w: %s has no readable header", ErrDamaged, path)
		}
		if err != nil {
			return nil, err
		}
		s := &segment{path: path, header: h, length: headerSize, last: h.first - 1}
		if len(segments) > 0 {
			before := segments[len(segments)-1]
			if before.header.index+1 != h.index || before.header.edge != h.edge {
				return nil, fmt.Errorf("%w: %s does not follow %s; a file between them is missing", ErrDamaged, path, before.path)
			}
			before.length = h.prevLength
			if h.prevEpoch == before.header.epoch && h.prevLast >= before.header.first {
				before.last = h.prevLast
			}
			if info, err := os.Stat(before.path); err == nil && info.Size() < before.length {
				return nil, fmt.Errorf("%w: %s has %d bytes, and %d were synced", ErrDamaged, before.path, info.Size(), before.length)
			}
		}
		segments = append(segments, s)
	}
	return segments, nil
}

// recoverTail reads the newest segment to its last whole record and cuts what follows: bytes of groups that were never
// acknowledged. Bytes that were acknowledged and do not read are damage.
func (s *segment) recoverTail() error {
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	s.seal = sha256.New()
	if err := s.scan(file, s.seal); err != nil {
		return err
	}
	if err := file.Truncate(s.length); err != nil {
		return err
	}
	return syncData(file)
}

// scan sets length and last to the end of the whole records of a segment whose end nobody vouches for.
func (s *segment) scan(file io.ReaderAt, seal hash.Hash) error {
	if err := s.walk(file, math.MaxInt64, seal, func(frame) error { return nil }); err != nil {
		return err
	}
	return s.proveTorn(file)
}

// walk visits the whole records of a segment that follow each other from its first to limit, and sets length and last
// to where they end.
func (s *segment) walk(file io.ReaderAt, limit int64, seal hash.Hash, visit func(frame) error) error {
	s.length, s.last = headerSize, s.header.first-1
	seal.Write(s.header.bytes())
	frames := s.frames(file, limit)
	for {
		f, err := frames.next()
		// A record with another sequence is whole, but not of this segment's life.
		if errors.Is(err, errNoFrame) || errors.Is(err, io.EOF) || err == nil && f.sequence != s.last+1 {
			return nil
		}
		if err == nil {
			err = visit(f)
		}
		if err != nil {
			return err
		}
		s.last = f.sequence
		s.length += f.size()
		seal.Write(frames.raw)
	}
}

// proveTorn looks behind the first bytes that are no record of this segment. A whole record of a later group there
// means that the broken one had been synced and acknowledged.
func (s *segment) proveTorn(file io.ReaderAt) error {
	broken, ended := s.last+1, false
	r := s.frames(file, math.MaxInt64)
	for r.at = s.length; ; {
		if !ended && len(r.buffer)-r.start < maxFrame {
			before := r.at
			if err := r.fill(); err != nil {
				return err
			}
			ended = r.at == before
		}
		rest := r.buffer[r.start:]
		if len(rest) < frameHead {
			return nil
		}
		if binary.LittleEndian.Uint64(rest) == 0 {
			r.start += 5 // a frame begins with four bytes that are not all zero
			continue
		}
		if sequence := laterFrame(rest, r.seed, broken); sequence != 0 {
			return fmt.Errorf("%w: %s is broken at byte %d, record %d, and record %d behind it was written later",
				ErrDamaged, s.path, s.length, broken, sequence)
		}
		r.start++
	}
}

// laterFrame gives the sequence of the frame at the beginning of raw (frameHead bytes at least) if it is of a group that began after record
// broken, else 0. The sequence is looked at first, since most bytes are no frame and checksums cost more.
func laterFrame(raw []byte, seed uint32, broken uint64) uint64 {
	sequence := binary.LittleEndian.Uint64(raw[8:])
	if sequence <= broken || sequence-broken > 1<<32 {
		return 0
	}
	f, err := readFrame(raw, seed)
	if err != nil || uint64(f.back) >= f.sequence-broken {
		return 0
	}
	return f.sequence
}

// frames walks the frames of a segment's file from its first to limit.
func (s *segment) frames(file io.ReaderAt, limit int64) *frameReader {
	return &frameReader{
		file: file, seed: frameSeed(s.header.edge, s.header.epoch), at: headerSize, limit: limit,
		buffer: make([]byte, 0, readAhead),
	}
}

// readAhead is how much of a segment is read at once.
const readAhead = 256 << 10
