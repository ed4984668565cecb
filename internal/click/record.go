package click

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode/utf8"
)

// Click is what the log and the database keep of a click (docs/spec.md §3.4): the token's fields and what only reports
// and reviewers need. Longer texts are cut to their limits when the record is written, never refused: the shopper is
// waiting. Values of ids are kept as they came, never lower-cased.
type Click struct {
	Token
	TagText     string    // the tag as it stood in the link, where it is unknown
	Product     string    // sku landed on
	Page        string    // path landed on, where it is no product
	Sub         [5]string // sub1 … sub5
	UTM         [5]string // source, medium, campaign, term, content
	Country     [2]byte   // ISO 3166, zero where unknown
	Device      Device
	RefererHost string
	AdIDs       []AdID
	Verdict     Verdict
	AddressHash [8]byte // keyed hash of address and day; the address itself is kept nowhere
	Channel     string  // the creator's channel that the tracking id stands for
}

// Counted tells whether the click counts for its creator; what does not count is filtered, and gross is both.
func (c *Click) Counted() bool {
	return c.Verdict == VerdictCounted && c.Flags&(FlagInvalid|FlagClosed) == 0 && c.Creator != 0
}

// AdID is one advertising network's id as it stood in the link.
type AdID struct {
	Name  AdName
	Value string
}

// Limits of the texts in a record. Characters for what people choose, bytes for what machines make.
const (
	maxSubChars     = 100
	maxAdIDBytes    = 256
	maxPlaceBytes   = 512 // sku, page
	maxRefererBytes = 253 // the longest host name
	maxRecord       = 16 << 10
)

const recordVersion = 1

// A record is the version, fixed fields, and texts: a bit set of the texts that are not empty, those texts each behind
// its length, and the ad ids, counted. The fixed part stands first so that the shipper reads it without the texts.
const (
	recordFixed = 1 + tokenFields + 1 + 1 + 2 + 8 // version, token, verdict, device, country, address hash
	recordTexts = 15
)

// ErrRecord says that bytes are not a click record of a version that is known here.
var ErrRecord = errors.New("click: not a click record")

func (c *Click) texts() [recordTexts]*string {
	return [recordTexts]*string{
		&c.TagText, &c.Product, &c.Page, &c.RefererHost, &c.Channel,
		&c.Sub[0], &c.Sub[1], &c.Sub[2], &c.Sub[3], &c.Sub[4],
		&c.UTM[0], &c.UTM[1], &c.UTM[2], &c.UTM[3], &c.UTM[4],
	}
}

// clipText cuts the text that stands at that place of texts to its limit.
func clipText(place int, text string) string {
	switch place {
	case 1, 2:
		return clipBytes(text, maxPlaceBytes)
	case 3:
		return clipBytes(text, maxRefererBytes)
	}
	return clipChars(text, maxSubChars)
}

func clipBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	// Back to where a character begins, unless it is no UTF-8 at all.
	for cut := limit; cut > limit-utf8.UTFMax; cut-- {
		if utf8.RuneStart(text[cut]) {
			return text[:cut]
		}
	}
	return text[:limit]
}

func clipChars(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	count := 0
	for at := range text {
		if count == limit {
			return text[:at]
		}
		count++
	}
	return text
}

// AppendRecord writes the record's bytes behind to.
func (c *Click) AppendRecord(to []byte) []byte {
	start := len(to)
	to = append(to, make([]byte, recordFixed)...)
	fixed := to[start:]
	fixed[0] = recordVersion
	putFields(fixed[1:], &c.Token)
	rest := fixed[1+tokenFields:]
	rest[0], rest[1], rest[2], rest[3] = byte(c.Verdict), byte(c.Device), c.Country[0], c.Country[1]
	copy(rest[4:], c.AddressHash[:])

	texts := c.texts()
	present := uint16(0)
	for place, text := range texts {
		if *text != "" {
			present |= 1 << place
		}
	}
	to = binary.LittleEndian.AppendUint16(to, present)
	for ; present != 0; present &= present - 1 {
		place := bits.TrailingZeros16(present)
		to = appendText(to, clipText(place, *texts[place]))
	}
	ids := c.AdIDs[:min(len(c.AdIDs), adNames)]
	to = append(to, byte(len(ids)))
	for _, ad := range ids {
		to = append(to, byte(ad.Name))
		to = appendText(to, clipBytes(ad.Value, maxAdIDBytes))
	}
	return to
}

func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// ReadRecord reads what AppendRecord wrote; the error is always ErrRecord. It takes any bytes, never panics, and
// accepts one spelling of a record only. The texts are copied once, together.
func (c *Click) ReadRecord(record []byte) error {
	*c = Click{AdIDs: c.AdIDs[:0]}
	if err := c.readFixed(record); err != nil {
		return err
	}
	rest := reader{text: string(record[recordFixed:])}
	present := uint16(rest.uint8()) | uint16(rest.uint8())<<8
	if present>>recordTexts != 0 {
		return ErrRecord
	}
	texts := c.texts()
	for ; present != 0; present &= present - 1 {
		place := bits.TrailingZeros16(present)
		text := rest.take(4 * maxPlaceBytes)
		if text == "" || clipText(place, text) != text {
			return ErrRecord
		}
		*texts[place] = text
	}
	count := int(rest.uint8())
	if count > adNames {
		return ErrRecord
	}
	for range count {
		name := AdName(rest.uint8())
		c.AdIDs = append(c.AdIDs, AdID{Name: name, Value: rest.take(maxAdIDBytes)})
	}
	if rest.bad || rest.text != "" {
		return ErrRecord
	}
	return nil
}

// readFixed reads the fields of fixed width alone.
func (c *Click) readFixed(record []byte) error {
	if len(record) < recordFixed || len(record) > maxRecord || record[0] != recordVersion {
		return ErrRecord
	}
	takeFields(record[1:], &c.Token)
	rest := record[1+tokenFields:]
	c.Verdict, c.Device = Verdict(rest[0]), Device(rest[1])
	c.Country = [2]byte(rest[2:4])
	c.AddressHash = [8]byte(rest[4:12])
	return nil
}

// reader takes pieces off a text until one does not fit; after that everything it gives is empty and bad is set.
type reader struct {
	text string
	bad  bool
}

func (r *reader) cut(n int) string {
	if n > len(r.text) {
		r.bad, r.text = true, ""
		return ""
	}
	piece := r.text[:n]
	r.text = r.text[n:]
	return piece
}

func (r *reader) uint8() byte {
	if piece := r.cut(1); piece != "" {
		return piece[0]
	}
	return 0
}

// take reads a text behind its length, which has up to two bytes and must be written in as few as it needs.
func (r *reader) take(limit int) string {
	length := int(r.uint8())
	if length >= 0x80 {
		high := int(r.uint8())
		if high == 0 || high >= 0x80 {
			r.bad = true
			return ""
		}
		length = length&0x7f | high<<7
	}
	if length > limit {
		r.bad = true
		return ""
	}
	return r.cut(length)
}
