package click

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"tributary/internal/fault"
)

// Number names one record of all logs. Within an edge's epoch sequences run 1, 2, 3 … without a gap; every opening of
// a log begins the next epoch.
type Number struct {
	Edge     uint16
	Epoch    uint32
	Sequence uint64
}

// String writes edge/epoch/sequence.
func (n Number) String() string { return fmt.Sprintf("%d/%d/%d", n.Edge, n.Epoch, n.Sequence) }

// Compare orders the numbers of one edge by time of writing.
func (n Number) Compare(other Number) int {
	return cmp.Or(cmp.Compare(n.Edge, other.Edge), cmp.Compare(n.Epoch, other.Epoch), cmp.Compare(n.Sequence, other.Sequence))
}

// What Append answers when it cannot take a click. The shopper is redirected all the same, with an *unlogged* token.
var (
	// ErrFull: there is no room on the disk for another segment.
	ErrFull error = fault.New(fault.Unavailable, "", "the click log has no room on its disk", "free space on the disk")
	// ErrDisk: writing or syncing failed; the click is not in the log and will not appear in it.
	ErrDisk error = fault.New(fault.Unavailable, "", "the click log cannot write to its disk", "see the disk's health")
	// ErrBusy: more clicks wait for the disk than the log lets wait.
	ErrBusy error = fault.New(fault.Unavailable, "", "too many clicks wait for the disk", "try again in a moment")
	// ErrClosed: the log was closed.
	ErrClosed error = fault.New(fault.Unavailable, "", "the click log is closed", "")
)

// Options of a log; the zero value is right for production.
type Options struct {
	// Segment is the size of a segment's file in bytes: 64 MB, some 300,000 clicks. The next one is always ready
	// beside it.
	Segment int64
	// AfterEpoch is an epoch known to have been used, from the database's watermark: a log whose folder was lost must
	// not give a number twice.
	AfterEpoch uint32
	// Retry is the time between attempts to write to a disk that failed or was full: one second.
	Retry time.Duration

	disk *disk // replaced by tests that make the disk fail
}

const (
	defaultSegment = 64 << 20
	minSegment     = headerSize + maxFrame
	defaultRetry   = time.Second
	maxGroup       = 1 << 20 // bytes written and synced at once
	maxWaiting     = 1 << 16 // clicks; each has a connection waiting behind it
	maxYields      = 32      // rounds for which a growing group is waited for
)

// Log is the click log of one edge: a folder of segments, written by one process. Append may be called by any number
// of goroutines; they share writes and syncs.
type Log struct {
	dir   string
	edge  uint16
	epoch uint32
	seed  uint32
	opts  Options
	disk  disk
	lock  *os.File

	mu       sync.Mutex
	queue    []*group // waiting to be written; the last one grows
	waiting  int      // clicks in queue
	next     uint64   // sequence of the next click
	refusing error    // why clicks are not taken; nil while they are
	closed   bool
	scratch  []byte
	buffers  [][]byte // emptied, for the next groups
	segments []*segment
	current  *segment      // the last of segments; nil where there is none to write to
	synced   uint64        // sequence up to which this epoch is on disk
	grown    chan struct{} // closed when synced grows; nil while nobody watches

	file    *os.File      // current's; only the committer and Close touch it
	wake    chan struct{} // tells the committer that the queue is not empty
	spares  chan error    // result of preparing the next spare; nil channel while none is being prepared
	quit    chan struct{}
	stopped chan struct{}
}

// group is what one write and one sync will carry. err is set before done is closed.
type group struct {
	frames []byte
	first  uint64
	count  int
	done   chan struct{}
	err    error
}

// Accepting tells whether clicks are taken; Refusal says why not.
func (l *Log) Accepting() bool { return l.Refusal() == nil }

// Refusal is nil, or the error that Append gives at present.
func (l *Log) Refusal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refusal()
}

func (l *Log) refusal() error {
	switch {
	case l.closed:
		return ErrClosed
	case l.refusing != nil:
		return l.refusing
	case l.waiting >= maxWaiting:
		return ErrBusy
	}
	return nil
}

// Append writes the click into the log and returns once it is on disk. Any error means that the click is not in the
// log. The context is asked only before the click is taken: after that the answer is the disk's.
func (l *Log) Append(ctx context.Context, c *Click) (Number, error) {
	if err := ctx.Err(); err != nil {
		return Number{}, err
	}
	l.mu.Lock()
	if err := l.refusal(); err != nil {
		l.mu.Unlock()
		return Number{}, err
	}
	l.scratch = c.AppendRecord(l.scratch[:0])
	g := l.growing(frameHead + len(l.scratch))
	sequence := l.next
	l.next++
	g.frames = appendFrame(g.frames, l.seed, frame{sequence, uint32(g.count), l.scratch})
	g.count++
	l.waiting++
	first := l.waiting == 1
	l.mu.Unlock()
	if first {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	<-g.done
	if g.err != nil {
		return Number{}, g.err
	}
	return Number{l.edge, l.epoch, sequence}, nil
}

// growing gives the group that has room for a frame of that size. Called with mu held.
func (l *Log) growing(size int) *group {
	limit := min(maxGroup, int(l.opts.Segment)-headerSize)
	if n := len(l.queue); n > 0 && len(l.queue[n-1].frames)+size <= limit {
		return l.queue[n-1]
	}
	g := &group{first: l.next, done: make(chan struct{})}
	if n := len(l.buffers); n > 0 {
		g.frames, l.buffers = l.buffers[n-1], l.buffers[:n-1]
	}
	l.queue = append(l.queue, g)
	return g
}

// run is the committer: the only goroutine that writes.
func (l *Log) run() {
	defer close(l.stopped)
	retry := time.NewTicker(l.opts.Retry)
	defer retry.Stop()
	for {
		select {
		case <-l.wake:
			l.settle()
			for g := l.take(); g != nil; g = l.take() {
				l.commit(g)
				l.settle()
			}
		case <-retry.C:
			if l.Refusal() != nil {
				l.resume()
			}
		case <-l.quit:
			for g := l.take(); g != nil; g = l.take() {
				l.commit(g)
			}
			return
		}
	}
}

// settle yields the processor while clicks still join: everyone who is on the way shares the sync that follows. This
// beats every fixed delay, and a click that comes alone waits for nobody.
func (l *Log) settle() {
	for seen, round := 0, 0; round < maxYields; round++ {
		l.mu.Lock()
		waiting := l.waiting
		l.mu.Unlock()
		if waiting == seen {
			return
		}
		seen = waiting
		runtime.Gosched()
	}
}

// take gives the oldest group and closes it to further clicks.
func (l *Log) take() *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	g := l.queue[0]
	l.queue = append(l.queue[:0], l.queue[1:]...)
	l.waiting -= g.count
	return g
}

// commit writes and syncs a group and answers everyone in it.
func (l *Log) commit(g *group) {
	if l.current == nil || l.current.length+int64(len(g.frames)) > l.opts.Segment {
		if err := l.roll(); err != nil {
			l.refuse(g, err)
			return
		}
	}
	current := l.current
	err := l.disk.write(l.file, g.frames, current.length)
	if err == nil {
		err = l.disk.sync(l.file)
	}
	if err != nil {
		l.abandon()
		l.refuse(g, err)
		l.resume()
		return
	}
	current.seal.Write(g.frames)
	l.mu.Lock()
	current.length += int64(len(g.frames))
	current.last = g.first + uint64(g.count) - 1
	l.synced = current.last
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	if len(l.buffers) < 2 {
		l.buffers = append(l.buffers, g.frames[:0])
	}
	l.mu.Unlock()
	close(g.done)
}

// abandon gives up the current segment after a failed write or sync: what the disk kept of it beyond the synced length
// is unknown, and asking it to sync again would prove nothing. The bytes are cut off at once, before anyone is told
// that the click was not logged; should that fail too, the next segment's header does not vouch for them. Only a crash
// in between can leave a whole group that was refused: whoever admits unlogged clicks looks for their ids first.
func (l *Log) abandon() {
	if l.file.Truncate(l.current.length) == nil {
		_ = l.disk.sync(l.file) // of a file that is given up; its failure changes nothing
	}
	_ = l.file.Close()
	l.mu.Lock()
	l.current, l.file = nil, nil
	l.mu.Unlock()
}

// refuse answers a group and everyone behind it, and takes no more clicks until resume. Their numbers are given again.
func (l *Log) refuse(g *group, cause error) {
	answer := ErrDisk
	if isFull(cause) {
		answer = ErrFull
	}
	answer = fault.Of(answer).Because(errors.Join(answer, cause))
	l.mu.Lock()
	refused := l.queue
	if g != nil {
		refused = append([]*group{g}, refused...)
	}
	l.queue, l.waiting = nil, 0
	l.next = l.synced + 1
	l.refusing = answer
	l.mu.Unlock()
	for _, g := range refused {
		g.err = answer
		close(g.done)
	}
}

// resume tries to go on in a new segment; that it can be made and synced is the proof that the disk is well again.
func (l *Log) resume() {
	if err := l.roll(); err != nil {
		l.refuse(nil, err)
		return
	}
	l.mu.Lock()
	l.refusing = nil
	l.mu.Unlock()
}

// roll seals the newest segment and begins the next.
func (l *Log) roll() error {
	if l.spares != nil {
		<-l.spares
		l.spares = nil
	}
	h := header{edge: l.edge, epoch: l.epoch, index: 1, first: l.synced + 1}
	l.mu.Lock() // the shipper takes old segments off the list meanwhile, but never the newest
	before := append([]*segment{nil}, l.segments...)[len(l.segments)]
	l.mu.Unlock()
	if before != nil {
		newest := before.newest()
		h.index, h.prevLength = before.header.index+1, before.length
		h.prevEpoch, h.prevLast = newest.Epoch, newest.Sequence
		before.seal.Sum(h.prevSeal[:0])
	}
	file, err := l.disk.begin(l.dir, h)
	if errors.Is(err, os.ErrNotExist) {
		if err = l.disk.prepare(l.dir, l.opts.Segment); err == nil {
			file, err = l.disk.begin(l.dir, h)
		}
	}
	if err != nil {
		return err
	}
	if l.file != nil {
		_ = l.file.Close() // everything in it is synced
	}
	l.file = file
	begun := &segment{
		path: filepath.Join(l.dir, segmentName(h.index)), header: h, length: headerSize, last: l.synced, seal: sha256.New(),
	}
	begun.seal.Write(h.bytes())
	l.mu.Lock()
	l.segments = append(l.segments, begun)
	l.current = begun
	l.mu.Unlock()
	if before != nil {
		_ = os.Truncate(before.path, before.length) // gives unused zeros back to the disk; readers stop there anyway
	}
	l.spares = make(chan error, 1)
	go func(done chan<- error) { done <- l.disk.prepare(l.dir, l.opts.Segment) }(l.spares)
	return nil
}

// Close writes what waits, and lets the folder go. Appends that come later get ErrClosed.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.quit)
	<-l.stopped
	if l.spares != nil {
		<-l.spares
	}
	var err error
	if l.file != nil {
		// Without the zeros behind the last record the next opening has less to read.
		err = errors.Join(l.file.Truncate(l.current.length), l.file.Close())
	}
	return errors.Join(err, l.lock.Close())
}
