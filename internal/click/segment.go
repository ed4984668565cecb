package click

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment is one file of the log. Its header names its place in the chain and vouches for the segment before it: how
// many bytes of that one hold, its last sequence, and its seal, the SHA-256 of those bytes. Since every header holds
// the seal before it, the newest seal covers the whole log.
//
// Vouching by the successor is also what a failed sync needs: bytes of a segment beyond what its successor vouches for
// were never acknowledged, whatever the disk may have kept of them.
type segment struct {
	path   string
	header header
	// What follows is guarded by Log.mu. length and last say what is synced; a frame beyond them does not exist yet.
	length int64
	last   uint64
	seal   hash.Hash // over the synced bytes; nil where a successor vouches
}

// header is the first headerSize bytes of a segment.
type header struct {
	edge       uint16
	epoch      uint32
	index      uint64 // counts the segments of a log from 1, over all epochs
	first      uint64 // sequence that its first frame has
	prevLength int64
	prevEpoch  uint32 // of the newest record before this segment, in whichever segment it stands; 0 where there is none
	prevLast   uint64
	prevSeal   [sha256.Size]byte
}

const (
	headerSize    = 128
	headerMagic   = "TRIBCLK1"
	headerSum     = headerSize - 4
	segmentPrefix = "clicks-"
	segmentSuffix = ".log"
	spareName     = "next.spare" // zeros, allocated and synced, ready to become a segment
	sparePartName = "next.part"  // a spare that is being written
	lockName      = "lock"
)

// newest is the number of the newest record up to the end of the segment.
func (s *segment) newest() Number {
	if s.last >= s.header.first {
		return Number{s.header.edge, s.header.epoch, s.last}
	}
	return s.header.before()
}

// before is the number of the newest record before the segment, zero where there is none.
func (h *header) before() Number {
	if h.prevEpoch == 0 {
		return Number{}
	}
	return Number{h.edge, h.prevEpoch, h.prevLast}
}

func segmentName(index uint64) string {
	return fmt.Sprintf("%s%010d%s", segmentPrefix, index, segmentSuffix)
}

func (h *header) bytes() []byte {
	raw := make([]byte, headerSize)
	copy(raw, headerMagic)
	binary.LittleEndian.PutUint16(raw[8:], h.edge)
	binary.LittleEndian.PutUint32(raw[12:], h.epoch)
	binary.LittleEndian.PutUint64(raw[16:], h.index)
	binary.LittleEndian.PutUint64(raw[24:], h.first)
	binary.LittleEndian.PutUint64(raw[32:], uint64(h.prevLength))
	binary.LittleEndian.PutUint64(raw[40:], h.prevLast)
	copy(raw[48:], h.prevSeal[:])
	binary.LittleEndian.PutUint32(raw[80:], h.prevEpoch)
	binary.LittleEndian.PutUint32(raw[headerSum:], crc32.Checksum(raw[:headerSum], castagnoli))
	return raw
}

// errHeader says that a file does not begin with a segment's header.
var errHeader = errors.New("click: not a segment of a click log")

func (h *header) read(raw []byte) error {
	if len(raw) < headerSize || string(raw[:8]) != headerMagic ||
		binary.LittleEndian.Uint32(raw[headerSum:]) != crc32.Checksum(raw[:headerSum], castagnoli) {
		return errHeader
	}
	h.edge = binary.LittleEndian.Uint16(raw[8:])
	h.epoch = binary.LittleEndian.Uint32(raw[12:])
	h.index = binary.LittleEndian.Uint64(raw[16:])
	h.first = binary.LittleEndian.Uint64(raw[24:])
	h.prevLength = int64(binary.LittleEndian.Uint64(raw[32:]))
	h.prevLast = binary.LittleEndian.Uint64(raw[40:])
	h.prevSeal = [sha256.Size]byte(raw[48:])
	h.prevEpoch = binary.LittleEndian.Uint32(raw[80:])
	if h.prevLength < 0 || h.epoch == 0 || h.index == 0 || h.first == 0 {
		return errHeader
	}
	return nil
}

// readHeader reads the header of the file and checks that the file's name is the one its index gives.
func readHeader(path string) (header, error) {
	var h header
	file, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer file.Close()
	raw := make([]byte, headerSize)
	if _, err := file.ReadAt(raw, 0); err != nil {
		return h, errHeader
	}
	if err := h.read(raw); err != nil {
		return h, err
	}
	if filepath.Base(path) != segmentName(h.index) {
		return h, errHeader
	}
	return h, nil
}

// segmentPaths lists the segments of a folder in the order of the chain.
func segmentPaths(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string // ReadDir sorts by name, and the numbers in the names are as wide as they ever get
	for _, entry := range entries {
		digits, isSegment := strings.CutPrefix(entry.Name(), segmentPrefix)
		digits, ends := strings.CutSuffix(digits, segmentSuffix)
		if _, err := strconv.ParseUint(digits, 10, 64); isSegment && ends && err == nil {
			paths = append(paths, filepath.Join(dir, entry.Name()))
		}
	}
	return paths, nil
}

// disk is what the log does to the machine's disk; tests replace single verbs to make them fail.
type disk struct {
	write    func(file *os.File, raw []byte, at int64) error
	sync     func(file *os.File) error
	syncDir  func(dir string) error
	allocate func(file *os.File, size int64) error
}

func realDisk() disk {
	return disk{
		write: func(file *os.File, raw []byte, at int64) error {
			_, err := file.WriteAt(raw, at)
			return err
		},
		sync:     syncData,
		syncDir:  syncFolder,
		allocate: allocate,
	}
}

// syncFolder makes names in a folder durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// zeros is what spares are filled with, a piece at a time.
var zeros [256 << 10]byte

// prepare makes the spare of a folder: allocated, written with zeros and synced. Writing the zeros once, ahead of time,
// makes every later sync a third cheaper: blocks that were never written need the file system's own log on first use.
func (d *disk) prepare(dir string, size int64) error {
	part := filepath.Join(dir, sparePartName)
	file, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = d.allocate(file, size)
	for at := int64(0); err == nil && at < size; at += int64(len(zeros)) {
		err = d.write(file, zeros[:min(int64(len(zeros)), size-at)], at)
	}
	if err == nil {
		err = d.sync(file)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		os.Remove(part) // a disk that is full gets its space back
		return err
	}
	return os.Rename(part, filepath.Join(dir, spareName))
}

// begin turns the spare into the segment of that header. It returns once the header and the name are durable.
func (d *disk) begin(dir string, h header) (*os.File, error) {
	spare, path := filepath.Join(dir, spareName), filepath.Join(dir, segmentName(h.index))
	file, err := os.OpenFile(spare, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err = d.write(file, h.bytes(), 0); err == nil {
		err = d.sync(file)
	}
	if err == nil {
		err = os.Rename(spare, path)
	}
	if err == nil {
		err = d.syncDir(dir)
	}
	if err != nil {
		// Under its name it would be taken for the newest segment.
		return nil, errors.Join(err, file.Close(), removeIfThere(path))
	}
	return file, nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
