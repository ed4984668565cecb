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
	Seq     int64 // the last change that the base holds
	Seed    uint64
	Count   int64
	Slots   int64
	Arena   int64
	Markets int64 // bytes of the marketplaces' JSON
}

const (
	fileHeadSize = 6 * 8
	maxMarkets   = 16 << 20
)

var errFile = errors.New("the kept base is not whole")

// keptMarket is a marketplace with what its stored form leaves to columns.
type keptMarket struct {
	No      uint16
	ID      string
	Version int64
	Market  market.Market
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// keep writes a base. That it could not be written harms nobody now; Age shows it.
func (s *State) keep(base *table, seq int64) {
	if s.file == "" {
		return
	}
	if err := writeBase(s.file, base, seq, s.markets.Load().all); err != nil {
		s.fail(fmt.Errorf("keeping what the edge knows: %w", err))
	}
}

func writeBase(path string, base *table, seq int64, all []market.Market) error {
	kept := make([]keptMarket, len(all))
	for i, m := range all {
		kept[i] = keptMarket{m.No, m.ID, m.Version, m}
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)
	head := fileHead{seq, base.seed, int64(base.count), int64(len(base.slots)), int64(len(base.arena)), int64(len(text))}
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
		_, err = file.Write(sum.Sum(nil))
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
	base, seq, all, err := readBase(s.file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.markets.Store(layOut(all, s.nearest))
	s.replace(base)
	s.seq = seq
	return true, nil
}

func readBase(path string) (*table, int64, []market.Market, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, nil, err
	}
	sum := crc32.New(castagnoli)
	in := bufio.NewReaderSize(file, 1<<20)
	read := func(into []byte) error {
		if _, err := io.ReadFull(in, into); err != nil {
			return fmt.Errorf("%w: %w", errFile, err)
		}
		_, err := sum.Write(into)
		return err
	}
	raw := make([]byte, len(fileMagic)+fileHeadSize)
	if err := read(raw); err != nil {
		return nil, 0, nil, err
	}
	var head fileHead
	if _, err := binary.Decode(raw[len(fileMagic):], binary.LittleEndian, &head); err != nil {
		return nil, 0, nil, err
	}
	// Lengths are believed only as far as the file goes: a flipped bit must not ask for all memory.
	size := info.Size()
	bad := head.Markets < 0 || head.Markets > maxMarkets || head.Slots < 0 || head.Slots > size/8 || head.Slots&(head.Slots-1) != 0 ||
		head.Arena < 0 || head.Arena > size || head.Count < 0 || head.Count >= max(head.Slots, 1)
	whole := int64(len(raw)) + head.Markets + 8*head.Slots + head.Arena + crc32.Size
	if string(raw[:len(fileMagic)]) != fileMagic || bad || whole != size {
		return nil, 0, nil, errFile
	}
	text := make([]byte, head.Markets)
	t := &table{seed: head.Seed, count: int(head.Count), slots: make([]uint64, head.Slots), arena: make([]byte, head.Arena)}
	if err := read(text); err != nil {
		return nil, 0, nil, err
	}
	var words [1 << 13]byte
	for at := 0; at < len(t.slots); {
		part := words[:min(len(words), 8*(len(t.slots)-at))]
		if err := read(part); err != nil {
			return nil, 0, nil, err
		}
		for ; len(part) > 0; part = part[8:] {
			t.slots[at] = binary.LittleEndian.Uint64(part)
			at++
		}
	}
	if err := read(t.arena); err != nil {
		return nil, 0, nil, err
	}
	want := sum.Sum32()
	var tail [crc32.Size]byte
	if _, err := io.ReadFull(in, tail[:]); err != nil || binary.BigEndian.Uint32(tail[:]) != want {
		return nil, 0, nil, errFile
	}
	all, err := readMarkets(text)
	return t, head.Seq, all, err
}

func readMarkets(text []byte) ([]market.Market, error) {
	var kept []keptMarket
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("%w: %w", errFile, err)
	}
	all := make([]market.Market, len(kept))
	for i, k := range kept {
		all[i] = k.Market
		all[i].No, all[i].ID, all[i].Version = k.No, k.ID, k.Version
	}
	return all, nil
}
