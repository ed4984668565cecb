package edge

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"math/rand/v2"
)

// table is the base of what the edge knows: keys and values as bytes in one arena, found through one array of slots. It
// holds no pointers, so ten million links cost the garbage collector nothing, and it is never changed once it is built,
// so readers need no lock and it can be written to a file as it lies.
type table struct {
	seed  uint64
	slots []uint64 // upper half: upper half of the hash; lower half: offset of the entry + 1; 0 empty
	arena []byte   // entries: length of key (1 byte), of value (2 bytes), key, value
	count int
}

const (
	entryHead = 3
	maxKey    = 255
	maxValue  = 1<<16 - 1
	maxArena  = 1<<32 - 2
	// Slots are at most two thirds full: probes stay short, and ten million links fit into 1.2 GB.
	slotsPerThree = 2
)

var errTooMuch = errors.New("edge: a key, a value or the whole of what is known is too large")

// find gives the value of a key; it must not be changed.
func (t *table) find(key []byte) (value []byte, ok bool) {
	if len(t.slots) == 0 {
		return nil, false
	}
	hash := hashKey(t.seed, key)
	mask := uint64(len(t.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		slot := t.slots[at]
		if slot == 0 {
			return nil, false
		}
		if slot>>32 == hash>>32 {
			if found, value := entryAt(t.arena, slot&(1<<32-1)-1); string(found) == string(key) {
				return value, true
			}
		}
	}
}

func entryAt(arena []byte, offset uint64) (key, value []byte) {
	entry := arena[offset:]
	keyEnd := entryHead + int(entry[0])
	valueEnd := keyEnd + int(binary.LittleEndian.Uint16(entry[1:]))
	return entry[entryHead:keyEnd], entry[keyEnd:valueEnd:valueEnd]
}

// each calls row for every entry, in the order in which they were added.
func (t *table) each(row func(key, value []byte)) {
	for offset := uint64(0); offset < uint64(len(t.arena)); {
		key, value := entryAt(t.arena, offset)
		row(key, value)
		offset += uint64(entryHead + len(key) + len(value))
	}
}

// builder collects entries. Keys are added once each.
type builder struct {
	arena []byte
	count int
	err   error
}

func (b *builder) add(key, value []byte) {
	if len(key) > maxKey || len(value) > maxValue || len(b.arena)+entryHead+len(key)+len(value) > maxArena {
		b.err = errTooMuch
		return
	}
	b.arena = append(b.arena, byte(len(key)), byte(len(value)), byte(len(value)>>8))
	b.arena = append(append(b.arena, key...), value...)
	b.count++
}

// finish lays out the slots.
func (b *builder) finish() (*table, error) {
	if b.err != nil {
		return nil, b.err
	}
	size := 8
	for size*slotsPerThree < b.count*3 {
		size *= 2
	}
	t := &table{seed: rand.Uint64(), slots: make([]uint64, size), arena: b.arena, count: b.count}
	mask := uint64(size - 1)
	for offset := uint64(0); offset < uint64(len(t.arena)); {
		key, value := entryAt(t.arena, offset)
		hash := hashKey(t.seed, key)
		at := hash & mask
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = hash&^(1<<32-1) | (offset + 1)
		offset += uint64(entryHead + len(key) + len(value))
	}
	return t, nil
}

// hashKey multiplies and folds eight bytes at a time. The seed is random with every table, so that nobody can choose
// codes that collide.
func hashKey(seed uint64, key []byte) uint64 {
	const odd1, odd2 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	hash := seed ^ uint64(len(key))*odd1
	for len(key) >= 8 {
		high, low := bits.Mul64(hash^binary.LittleEndian.Uint64(key), odd1)
		hash, key = high^low, key[8:]
	}
	var rest [8]byte
	copy(rest[:], key)
	high, low := bits.Mul64(hash^binary.LittleEndian.Uint64(rest[:]), odd2)
	hash = high ^ low
	high, low = bits.Mul64(hash^seed, odd1)
	return high ^ low
}
