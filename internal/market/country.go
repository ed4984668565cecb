package market

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Countries tells which country an address is registered in. It is a sorted table with an index of its first bits, so
// that a look-up touches two or three cache lines (docs/decisions/country-data.md). Registration is not presence:
// routing always leaves the visitor a way back.
type Countries struct {
	codes  []Country // by number; 0 is the unknown country
	four   ranges[uint32]
	six    ranges[uint64] // the first 64 bits: nobody registers less
	source string
}

// ranges is one family's table: range i begins at starts[i], ends before starts[i+1], and has country codes[i]. index
// holds, for every value of an address's indexed bits, the range in which they begin.
type ranges[T uint32 | uint64] struct {
	starts []T
	codes  []uint8
	index  []uint32
	shift  uint
}

// How many leading bits are indexed. Of IPv6 only 2000::/3 is given out; the three bits that it begins with are left out.
const (
	indexBits4 = 16
	indexBits6 = 17
	shift4     = 32 - indexBits4
	shift6     = 61 - indexBits6
	globalSix  = 0b001 // the three bits
)

// Source says where the table comes from, for whoever looks after the installation.
func (c *Countries) Source() string { return c.source }

// Of gives the country of an address; zero where it is unknown, private or invalid.
func (c *Countries) Of(address netip.Addr) Country {
	switch {
	case address.Is4() || address.Is4In6():
		raw := address.As4()
		return c.codes[c.four.find(uint32(raw[0])<<24|uint32(raw[1])<<16|uint32(raw[2])<<8|uint32(raw[3]))]
	case address.Is6():
		raw := address.As16()
		if raw[0]>>5 != globalSix {
			return Country{}
		}
		high := uint64(0)
		for _, b := range raw[:8] {
			high = high<<8 | uint64(b)
		}
		return c.codes[c.six.find(high)]
	}
	return Country{}
}

func (r *ranges[T]) find(key T) uint8 {
	at := uint64(key) >> r.shift & uint64(len(r.index)-2)
	low, high := r.index[at], r.index[at+1]
	for low < high { // the last range that begins at or before the key
		middle := (low + high + 1) / 2
		if r.starts[middle] <= key {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return r.codes[low]
}

// build is a table in the making. Ranges come in order of their starts.
type build struct {
	table   Countries
	numbers map[Country]uint8
}

func newBuild(source string) *build {
	b := &build{numbers: map[Country]uint8{{}: 0}}
	b.table.source = source
	b.table.codes = []Country{{}}
	b.table.four = ranges[uint32]{starts: []uint32{0}, codes: []uint8{0}, shift: shift4}
	b.table.six = ranges[uint64]{starts: []uint64{globalSix << 61}, codes: []uint8{0}, shift: shift6}
	return b
}

func (b *build) number(c Country) (uint8, error) {
	number, ok := b.numbers[c]
	if !ok {
		if len(b.table.codes) == 256 {
			return 0, errors.New("the country data names more than 255 countries")
		}
		number = uint8(len(b.table.codes))
		b.numbers[c] = number
		b.table.codes = append(b.table.codes, c)
	}
	return number, nil
}

func (b *build) add4(start uint32, c Country) error {
	number, err := b.number(c)
	if err == nil {
		err = b.table.four.add(start, number)
	}
	return err
}

func (b *build) add6(start uint64, c Country) error {
	if start>>61 != globalSix {
		return nil
	}
	number, err := b.number(c)
	if err == nil {
		err = b.table.six.add(start, number)
	}
	return err
}

// add puts a range behind the others. One that begins where the last began takes its place; one of the same country goes
// on with it.
func (r *ranges[T]) add(start T, code uint8) error {
	last := len(r.starts) - 1
	switch {
	case start < r.starts[last]:
		return fmt.Errorf("the country data is out of order at %x", start)
	case start == r.starts[last]:
		r.codes[last] = code
		if last > 0 && r.codes[last-1] == code {
			r.starts, r.codes = r.starts[:last], r.codes[:last]
		}
	case r.codes[last] != code:
		r.starts, r.codes = append(r.starts, start), append(r.codes, code)
	}
	return nil
}

func (b *build) finish() *Countries {
	b.table.four.finish(0, indexBits4)
	b.table.six.finish(globalSix<<61, indexBits6)
	return &b.table
}

func (r *ranges[T]) finish(first T, bits uint) {
	r.starts, r.codes = append([]T(nil), r.starts...), append([]uint8(nil), r.codes...) // without spare room
	r.index = make([]uint32, 1<<bits+1)
	at := uint32(0)
	for i := range r.index {
		if i == 1<<bits {
			at = uint32(len(r.starts) - 1)
		} else {
			begin := first + T(i)<<r.shift
			for int(at)+1 < len(r.starts) && r.starts[at+1] <= begin {
				at++
			}
		}
		r.index[i] = at
	}
}

// OpenCountries reads an operator's own country data, a file in the MaxMind DB format, and lays it out in the same way.
// The file is read once and closed.
func OpenCountries(path string) (*Countries, error) {
	reader, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("country data %s: %w", path, err)
	}
	defer reader.Close()
	b := newBuild(reader.Metadata.DatabaseType + " " + path)
	for network := range reader.Networks(maxminddb.IncludeNetworksWithoutData()) {
		c, err := networkCountry(network)
		if err != nil {
			return nil, fmt.Errorf("country data %s: %w", path, err)
		}
		if err := b.addPrefix(network.Prefix(), c); err != nil {
			return nil, fmt.Errorf("country data %s: %w", path, err)
		}
	}
	if len(b.table.codes) == 1 {
		return nil, fmt.Errorf("country data %s: holds no country; a file of countries or cities is needed", path)
	}
	return b.finish(), nil
}

// networkCountry reads the country of a network, as the usual files have it: `country.iso_code`, `country_code`, or the
// code itself under `country`. A network without any is of an unknown country.
func networkCountry(network maxminddb.Result) (Country, error) {
	if err := network.Err(); err != nil {
		return Country{}, err
	}
	if !network.Found() {
		return Country{}, nil
	}
	var code string
	for _, path := range [][]any{{"country", "iso_code"}, {"registered_country", "iso_code"}, {"country_code"}, {"country"}} {
		// A path that is not there, or leads to something else, is no error: the next one is tried.
		if err := network.DecodePath(&code, path...); err == nil && code != "" {
			break
		}
		code = ""
	}
	return ParseCountry(code), nil
}

func (b *build) addPrefix(prefix netip.Prefix, c Country) error {
	address := prefix.Addr()
	if address.Is4() || address.Is4In6() {
		raw := address.As4()
		return b.add4(uint32(raw[0])<<24|uint32(raw[1])<<16|uint32(raw[2])<<8|uint32(raw[3]), c)
	}
	raw := address.As16()
	high := uint64(0)
	for _, part := range raw[:8] {
		high = high<<8 | uint64(part)
	}
	return b.add6(high, c)
}
