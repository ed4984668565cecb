package click

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A frame is a record in the log: length, checksum, sequence, place in its group, then the record's bytes. The
// checksum covers all of it and edge and epoch besides, so that bytes of another log or of an earlier life of this one
// are never taken for a record.
//
// The place in the group (how many records back the group began) is what recovery needs to tell a torn write from
// damage: a group is written only after the one before it was synced, so a whole frame of a later group proves that a
// broken frame before it had been acknowledged.
const (
	frameHead = 4 + 4 + 8 + 4
	maxFrame  = frameHead + maxRecord
)

// castagnoli is CRC-32C, which processors compute themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errNoFrame says that no whole frame of the expected log stands here.
var errNoFrame = errors.New("click: no whole frame here")

// frame is what stands in the log beside the record's bytes.
type frame struct {
	sequence uint64
	back     uint32
	record   []byte
}

// size is what the frame takes in the log.
func (f frame) size() int64 { return frameHead + int64(len(f.record)) }

// frameSeed binds checksums to one edge and epoch.
func frameSeed(edge uint16, epoch uint32) uint32 {
	var raw [6]byte
	binary.LittleEndian.PutUint16(raw[:], edge)
	binary.LittleEndian.PutUint32(raw[2:], epoch)
	return crc32.Checksum(raw[:], castagnoli)
}

// appendFrame writes the frame behind to.
func appendFrame(to []byte, seed uint32, f frame) []byte {
	start := len(to)
	to = binary.LittleEndian.AppendUint32(to, uint32(len(f.record)))
	to = append(to, 0, 0, 0, 0)
	to = binary.LittleEndian.AppendUint64(to, f.sequence)
	to = binary.LittleEndian.AppendUint32(to, f.back)
	to = append(to, f.record...)
	binary.LittleEndian.PutUint32(to[start+4:], frameSum(seed, to[start:]))
	return to
}

func frameSum(seed uint32, raw []byte) uint32 {
	sum := crc32.Update(seed, castagnoli, raw[:4])
	return crc32.Update(sum, castagnoli, raw[8:])
}

// readFrame reads the frame at the beginning of raw; its record is a part of raw. The error is errNoFrame for all that
// is not a whole frame of that seed, also where raw merely ends too early.
func readFrame(raw []byte, seed uint32) (frame, error) {
	if len(raw) < frameHead {
		return frame{}, errNoFrame
	}
	length := binary.LittleEndian.Uint32(raw)
	if length == 0 || length > maxRecord || int(length) > len(raw)-frameHead {
		return frame{}, errNoFrame
	}
	raw = raw[:frameHead+int(length)]
	if binary.LittleEndian.Uint32(raw[4:]) != frameSum(seed, raw) {
		return frame{}, errNoFrame
	}
	return frame{
		sequence: binary.LittleEndian.Uint64(raw[8:]),
		back:     binary.LittleEndian.Uint32(raw[16:]),
		record:   raw[frameHead:],
	}, nil
}
