package edge

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"tributary/internal/market"
)

// The base is kept in a file, so that an edge answers at once after a start, and also while the database is away. The
// file is written whole beside the old one and renamed; a checksum over all of it tells whether it may be used.
const fileMagic = "tributary edge 1"

// fileHead stands behind the magic.
type fileHead struct {
	Seed  uint64
	Count int64
	Slots int64
	Arena int64
	Facts int64 // bytes of JSON
}

const (
	fileHeadSize = 5 * 8
	maxFacts     = 16 << 20
)

var errFile = errors.New("the kept base is not whole")

// keptFacts are what the file holds besides the table.
type keptFacts struct {
	seq    int64  // the last change that the base holds
	origin string // of the feed that counts it
	all    []market.Market
}

// keptJSON is their form in the file.
type keptJSON struct {
	Seq     int64
	Origin  string
	Markets []keptMarket
}

// keptMarket is a marketplace with what its stored form leaves to columns.
type keptMarket struct {
	No      uint16
	ID      string
	Version int64
	Market  market.Market
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// keep writes a base. That it could not be written harms nobody now; Age shows it.
func (s *State) keep(base *table, origin string, seq int64) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if s.file == "" || origin == s.keptOrigin && seq < s.kept {
		return // a newer one lies there already
	}
	s.kept, s.keptOrigin = seq, origin
	if err := writeBase(s.file, base, keptFacts{seq, origin, s.markets.Load().all}); err != nil {
		s.fail(fmt.Errorf("keeping what the edge knows: %w", err))
	}
}

func writeBase(path string, base *table, facts keptFacts) error {
	text, err := facts.write()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)
	head := fileHead{base.seed, int64(base.count), int64(len(base.slots)), int64(len(base.arena)), int64(len(text))}
	// A bufio.Writer keeps its first error until Flush.
	_, _ = out.WriteString(fileMagic)
	_ = binary.Write(out, binary.LittleEndian, head)
	_, _ = out.Write(text)
	var word [8]byte
	for _, slot := range base.slots {
		binary.LittleEndian.PutUint64(word[:], slot)
		_, _ = out.Write(word[:])
	}
	_, _ = out.Write(base.arena)
	err = out.Flush()
	if err == nil {
		_, err = file.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return os.Rename(path+".new", path)
}

// readFile takes the kept base, where there is one. It is false without an error where there is no file.
func (s *State) readFile() (bool, error) {
	if s.file == "" {
		return false, nil
	}
	base, facts, err := readBase(s.file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.markets.Store(layOut(facts.all, s.nearest))
	s.replace(base)
	s.seq, s.origin = facts.seq, facts.origin
	return true, nil
}

func readBase(path string) (*table, keptFacts, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, keptFacts{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, keptFacts{}, err
	}
	return decodeBase(bufio.NewReaderSize(file, 1<<20), info.Size())
}

// decodeBase reads a base of that size; it takes any bytes.
func decodeBase(file io.Reader, size int64) (*table, keptFacts, error) {
	in := &summed{in: file}
	head, err := in.head(size)
	if err != nil {
		return nil, keptFacts{}, err
	}
	text := make([]byte, head.Facts)
	t := &table{seed: head.Seed, count: int(head.Count), slots: make([]uint64, head.Slots), arena: make([]byte, head.Arena)}
	if err := errors.Join(in.read(text), in.readSlots(t.slots), in.read(t.arena)); err != nil {
		return nil, keptFacts{}, err
	}
	want := in.sum
	var tail [crc32.Size]byte
	if err := in.read(tail[:]); err != nil || binary.LittleEndian.Uint32(tail[:]) != want {
		return nil, keptFacts{}, errFile
	}
	facts, err := readFacts(text)
	return t, facts, err
}

// summed reads and keeps the checksum of what was read.
type summed struct {
	in  io.Reader
	sum uint32
}

func (s *summed) read(into []byte) error {
	if _, err := io.ReadFull(s.in, into); err != nil {
		return fmt.Errorf("%w: %w", errFile, err)
	}
	s.sum = crc32.Update(s.sum, castagnoli, into)
	return nil
}

func (s *summed) readSlots(slots []uint64) error {
	var words [1 << 13]byte
	for at := 0; at < len(slots); {
		part := words[:min(len(words), 8*(len(slots)-at))]
		if err := s.read(part); err != nil {
			return err
		}
		for ; len(part) > 0; part = part[8:] {
			slots[at] = binary.LittleEndian.Uint64(part)
			at++
		}
	}
	return nil
}

// head reads the lengths, which are believed only as far as the file goes: a flipped bit must not ask for all memory.
func (s *summed) head(size int64) (head fileHead, err error) {
	raw := make([]byte, len(fileMagic)+fileHeadSize)
	if err := s.read(raw); err != nil {
		return head, err
	}
	if _, err := binary.Decode(raw[len(fileMagic):], binary.LittleEndian, &head); err != nil {
		return head, err
	}
	bad := head.Facts < 0 || head.Facts > maxFacts || head.Slots < 1 || head.Slots > size/8 ||
		head.Slots&(head.Slots-1) != 0 || head.Arena < 0 || head.Arena > size || head.Count < 0 || head.Count >= head.Slots
	whole := int64(len(raw)) + head.Facts + 8*head.Slots + head.Arena + crc32.Size
	if string(raw[:len(fileMagic)]) != fileMagic || bad || whole != size {
		return head, errFile
	}
	return head, nil
}

func (f keptFacts) write() ([]byte, error) {
	kept := keptJSON{Seq: f.seq, Origin: f.origin}
	for _, m := range f.all {
		kept.Markets = append(kept.Markets, keptMarket{m.No, m.ID, m.Version, m})
	}
	return json.Marshal(kept)
}

func readFacts(text []byte) (keptFacts, error) {
	var kept keptJSON
	if err := json.Unmarshal(text, &kept); err != nil {
		return keptFacts{}, fmt.Errorf("%w: %w", errFile, err)
	}
	facts := keptFacts{seq: kept.Seq, origin: kept.Origin}
	for _, k := range kept.Markets {
		m := k.Market
		m.No, m.ID, m.Version = k.No, k.ID, k.Version
		facts.all = append(facts.all, m)
	}
	return facts, nil
}
