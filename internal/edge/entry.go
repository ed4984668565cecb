package edge

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"

	"tributary/internal/click"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/product"
)

// What the edge knows, as keys and values of bytes. A key begins with its kind.
const (
	keyTag     = 't' // tag → owner
	keyCode    = 'c' // short code → owner, link, channel, target
	keyActive  = 'e' // marketplace, creator, program → when it is active
	keyCreator = 'r' // creator → routing preference and tracking ids
	keyProduct = 'p' // marketplace, sku → GTIN, likeness, title
	keyGTIN    = 'g' // marketplace, GTIN → sku
	keyLike    = 'l' // marketplace, likeness → sku
)

// owner is whom a tag or a short link stands for.
type owner struct {
	tracking, creator id.ID
	program           click.Program
	market            uint16
}

const ownerSize = 8 + 8 + 1 + 2

func (o owner) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, uint64(o.tracking))
	to = binary.LittleEndian.AppendUint64(to, uint64(o.creator))
	return binary.LittleEndian.AppendUint16(append(to, byte(o.program)), o.market)
}

func readOwner(value []byte) (o owner, ok bool) {
	if len(value) < ownerSize {
		return o, false
	}
	o.tracking = id.ID(binary.LittleEndian.Uint64(value))
	o.creator = id.ID(binary.LittleEndian.Uint64(value[8:]))
	o.program, o.market = click.Program(value[16]), binary.LittleEndian.Uint16(value[17:])
	return o, true
}

func tagKey(to []byte, tag string) []byte { return append(append(to, keyTag), tag...) }

func codeKey(to []byte, code string) []byte { return append(append(to, keyCode), code...) }

// short is a short link.
type short struct {
	owner
	link    id.ID
	channel string
	target  string
}

func appendShort(to []byte, l link.Link) []byte {
	to = owner{l.Tracking, l.Creator, l.Program, l.Market}.append(to)
	to = binary.LittleEndian.AppendUint64(to, uint64(l.ID))
	channel := l.Channel[:min(len(l.Channel), 255)]
	to = append(append(to, byte(len(channel))), channel...)
	return append(to, l.Target...)
}

func readShort(value []byte) (s short, ok bool) {
	if s.owner, ok = readOwner(value); !ok || len(value) < ownerSize+9 {
		return s, false
	}
	value = value[ownerSize:]
	s.link = id.ID(binary.LittleEndian.Uint64(value))
	length := int(value[8])
	if value = value[9:]; len(value) < length {
		return s, false
	}
	s.channel, s.target = string(value[:length]), string(value[length:])
	return s, true
}

func activeKey(to []byte, market uint16, creator id.ID, program click.Program) []byte {
	to = binary.LittleEndian.AppendUint16(append(to, keyActive), market)
	return append(binary.LittleEndian.AppendUint64(to, uint64(creator)), byte(program))
}

const spanSize = 9

// appendSpans keeps when an enrolment is active, decisions that act later included, so that the edge needs no word of the
// database at that instant.
func appendSpans(to []byte, spans []enrolment.Span) []byte {
	if most := maxValue / spanSize; len(spans) > most {
		spans = spans[len(spans)-most:]
	}
	for _, span := range spans {
		active := byte(0)
		if span.Active {
			active = 1
		}
		to = append(binary.LittleEndian.AppendUint64(to, uint64(span.Since.UnixMicro())), active)
	}
	return to
}

func activeAt(value []byte, at time.Time) bool {
	for ; len(value) >= spanSize; value = value[:len(value)-spanSize] { // the newest stand last
		span := value[len(value)-spanSize:]
		if int64(binary.LittleEndian.Uint64(span)) <= at.UnixMicro() {
			return span[8] == 1
		}
	}
	return false
}

func creatorKey(to []byte, creator id.ID) []byte {
	return binary.LittleEndian.AppendUint64(append(to, keyCreator), uint64(creator))
}

const reachSize = 8 + 2 + 1 + 4

var preferenceNumbers = map[market.Preference]byte{market.Exact: 1, market.Off: 2}

// appendCreator keeps what routing asks of a creator: the preference, and the tracking ids in use, oldest first. Where a
// creator has more than fit, the newest are left out: routing needs one of each marketplace.
func appendCreator(to []byte, preference market.Preference, tracking []link.Tracking) []byte {
	to = append(to, preferenceNumbers[preference])
	for _, t := range tracking {
		if !t.Archived.IsZero() || len(to)+reachSize > maxValue {
			continue
		}
		to = binary.LittleEndian.AppendUint64(to, uint64(t.ID))
		to = binary.LittleEndian.AppendUint16(to, t.Market)
		to = binary.LittleEndian.AppendUint32(append(to, byte(t.Program)), stemOf(t.Tag))
	}
	return to
}

// stemOf stands for a tag without its number: a creator's tags for one purpose in several marketplaces share it.
func stemOf(tag string) uint32 {
	sum := sha256.Sum256([]byte(tag[:max(len(tag)-2, 0)]))
	return binary.LittleEndian.Uint32(sum[:])
}

func readPreference(value []byte) market.Preference {
	if len(value) > 0 {
		for preference, number := range preferenceNumbers {
			if value[0] == number {
				return preference
			}
		}
	}
	return market.Close
}

// reach finds the tracking id of a creator in a marketplace and program: the one with the stem of the tag that was
// clicked, else the oldest.
func reach(value []byte, no uint16, program click.Program, clicked id.ID) (found id.ID) {
	if len(value) == 0 {
		return 0
	}
	rows := value[1:]
	stem, known := uint32(0), false
	for row := rows; len(row) >= reachSize; row = row[reachSize:] {
		if id.ID(binary.LittleEndian.Uint64(row)) == clicked {
			stem, known = binary.LittleEndian.Uint32(row[11:]), true
		}
	}
	for row := rows; len(row) >= reachSize; row = row[reachSize:] {
		if binary.LittleEndian.Uint16(row[8:]) != no || click.Program(row[10]) != program {
			continue
		}
		if known && binary.LittleEndian.Uint32(row[11:]) == stem {
			return id.ID(binary.LittleEndian.Uint64(row))
		}
		if found == 0 {
			found = id.ID(binary.LittleEndian.Uint64(row))
		}
	}
	return found
}

func productKey(to []byte, kind byte, market uint16, text string) []byte {
	return append(binary.LittleEndian.AppendUint16(append(to, kind), market), text...)
}

func likeKey(to []byte, market uint16, likeness uint64) []byte {
	to = binary.LittleEndian.AppendUint16(append(to, keyLike), market)
	return binary.LittleEndian.AppendUint64(to, likeness)
}

// known product, for finding it again in another marketplace.
type goods struct {
	gtin     string
	likeness uint64
	title    string
}

func appendGoods(to []byte, p product.Product) []byte {
	to = append(append(to, byte(len(p.GTIN))), p.GTIN...)
	to = binary.LittleEndian.AppendUint64(to, likeness(p))
	return append(to, p.Title...)
}

func readGoods(value []byte) (g goods, ok bool) {
	if len(value) < 1 || len(value) < 1+int(value[0])+8 {
		return g, false
	}
	length := int(value[0])
	g.gtin, value = string(value[1:1+length]), value[1+length:]
	g.likeness, g.title = binary.LittleEndian.Uint64(value), string(value[8:])
	return g, true
}

// likeness is equal for a close match (docs/spec.md §4): the same brand and the same words of the title, in any order of
// letters' case and spaces.
func likeness(p product.Product) uint64 {
	words := strings.Join(strings.Fields(strings.ToLower(p.Brand+" \x00 "+p.Title)), " ")
	sum := sha256.Sum256([]byte(words))
	return binary.LittleEndian.Uint64(sum[:])
}
