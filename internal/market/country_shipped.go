package market

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	_ "unsafe" // for go:linkname

	_ "github.com/phuslu/iploc" // brings the data
)

// The library embeds its tables and offers one look-up at a time, which searches them from end to end. Its tables are
// read here in place, to be laid out once in the way of Countries; nothing of them is changed or copied into this
// repository. A test compares every answer with the library's own, and fails should its tables ever look different.
//
//go:linkname shippedFour github.com/phuslu/iploc.ip4bin
var shippedFour []byte

//go:linkname shippedFourCodes github.com/phuslu/iploc.ip4txt
var shippedFourCodes []byte

//go:linkname shippedSix github.com/phuslu/iploc.ip6bin
var shippedSix []byte

//go:linkname shippedSixCodes github.com/phuslu/iploc.ip6txt
var shippedSixCodes []byte

// ShippedCountries is the country data that comes with the product, laid out when it is first asked for.
var ShippedCountries = sync.OnceValues(func() (*Countries, error) {
	b := newBuild("IP2Location LITE, by iploc")
	if err := b.addShipped(); err != nil {
		return nil, fmt.Errorf("the shipped country data: %w", err)
	}
	return b.finish(), nil
})

func (b *build) addShipped() error {
	six := shippedSix
	if bytes.HasPrefix(six, []byte{0x1f, 0x8b}) { // the library unpacks it in place when it is first asked
		unpacked, err := gzip.NewReader(bytes.NewReader(six))
		if err == nil {
			six, err = io.ReadAll(unpacked)
		}
		if err != nil {
			return err
		}
	}
	// Four bytes, or twice eight, for the start of a range; two letters for its country.
	if len(shippedFour) == 0 || len(shippedFour)/4 != len(shippedFourCodes)/2 || len(six) == 0 ||
		len(six)/16 != len(shippedSixCodes)/2 {
		return errors.New("is not laid out as expected")
	}
	for i := 0; 4*i < len(shippedFour); i++ {
		c := ParseCountry(string(shippedFourCodes[2*i : 2*i+2]))
		if err := b.add4(binary.NativeEndian.Uint32(shippedFour[4*i:]), c); err != nil {
			return err
		}
	}
	for i := 0; 16*i < len(six); i++ {
		c := ParseCountry(string(shippedSixCodes[2*i : 2*i+2]))
		high, low := binary.NativeEndian.Uint64(six[16*i:]), binary.NativeEndian.Uint64(six[16*i+8:])
		if low != 0 { // begins within one customer's network: the range starts with the next one
			high++
		}
		if err := b.add6(high, c); err != nil {
			return err
		}
	}
	return nil
}
