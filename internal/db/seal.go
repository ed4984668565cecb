package db

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A row that nothing else repeats carries a seal: the length of its values and a checksum over them, in a column of its
// own. Whoever reads all rows (package audit) notices by it that a value is no longer what was written, also where the
// value looks as sound as before. It is no secret and keeps nobody from forging (docs/decisions/sealed-rows.md).

// sealed is the type of the last column of a Bulk that seals its rows, sealPlace the value of that column in a Statement.
const (
	sealed    = "SEAL"
	sealPlace = "$SEAL"
)

// castagnoli has an instruction of its own on most processors: a decision is sealed in a third of a microsecond.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal gives the seal of a row's values, or of what pointers to them hold, in the order of the columns. It is never 0,
// which a row has that was written before rows were sealed.
func Seal(values []any) int64 { return new(Sealer).Seal(values) }

// Sealer gives seals, one after the other, without new memory for each.
type Sealer struct{ row []byte }

// Seal is as the function of that name. Texts and bytes are told apart, and each says how long it is: no value can take
// over what belongs to its neighbour.
func (s *Sealer) Seal(values []any) int64 {
	row := s.row[:0]
	for _, value := range values {
		switch v := value.(type) {
		case int64:
			row = number(row, v)
		case *int64:
			row = number(row, *v)
		case string:
			row = append(length(row, 't', len(v)), v...)
		case *string:
			row = append(length(row, 't', len(*v)), *v...)
		case []byte:
			row = append(length(row, 'b', len(v)), v...)
		case *[]byte:
			row = append(length(row, 'b', len(*v)), *v...)
		default:
			panic(fmt.Sprintf("db.Seal: a value of type %T", value))
		}
	}
	s.row = row
	return int64(len(row)&0x7fffffff)<<32 | int64(crc32.Checksum(row, castagnoli))
}

func number(row []byte, n int64) []byte {
	return binary.LittleEndian.AppendUint64(append(row, 'n'), uint64(n))
}

func length(row []byte, kind byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(append(row, kind), uint32(n))
}
