package market

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phuslu/iploc"
)

func shipped(t testing.TB) *Countries {
	t.Helper()
	countries, err := ShippedCountries()
	if err != nil {
		t.Fatal(err)
	}
	return countries
}

// The table says what the library says, for addresses anywhere and at the very edges of its ranges.
func TestShippedCountries(t *testing.T) {
	countries := shipped(t)
	random := rand.New(rand.NewPCG(1, 2))
	var probes []netip.Addr
	for range 50_000 {
		var raw [16]byte
		binary.LittleEndian.PutUint64(raw[:], random.Uint64())
		binary.LittleEndian.PutUint64(raw[8:], random.Uint64())
		probes = append(probes, netip.AddrFrom4([4]byte(raw[:4])))
		raw[0] = 0x20 | raw[0]&0x0f
		probes = append(probes, netip.AddrFrom16(raw))
	}
	for range 20_000 {
		start := countries.four.starts[random.IntN(len(countries.four.starts))]
		for _, key := range []uint32{start - 1, start, start + 1} {
			probes = append(probes, netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, key))))
		}
		high := countries.six.starts[random.IntN(len(countries.six.starts))]
		for _, key := range []uint64{high, high + 1, high - 1} {
			probes = append(probes, netip.AddrFrom16([16]byte(append(binary.BigEndian.AppendUint64(nil, key), make([]byte, 8)...))))
		}
	}
	different := 0
	for _, probe := range probes {
		want := ParseCountry(iploc.IPCountry(probe))
		if got := countries.Of(probe); got != want {
			// Of IPv6 the table keeps whole customers' networks (64 bits): a range that begins within one starts later.
			if different++; probe.Is4() || different > len(probes)/1000 {
				t.Fatalf("%s is in %s, the library says %s", probe, got, want)
			}
		}
	}
}

func TestCountriesOfOddAddresses(t *testing.T) {
	countries := shipped(t)
	for address, want := range map[string]string{
		"8.8.8.8": "US", "::ffff:8.8.8.8": "US", "81.2.69.142": "GB", "2001:4860:4860::8888": "US", "2a02:c7c::1": "GB",
		"127.0.0.1": "", "10.1.2.3": "", "192.168.0.1": "", "0.0.0.0": "", "255.255.255.255": "", "::1": "", "fe80::1": "",
		"fd00::1": "", "ff02::1": "",
	} {
		if got := countries.Of(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s is in %q, want %q", address, got, want)
		}
	}
	if countries.Of(netip.Addr{}) != (Country{}) {
		t.Error("no address has a country")
	}
}

// mmdb writes a file in the MaxMind DB format: a tree of 24-bit records over IPv6, in which IPv4 lies under ::/96.
// Networks must not lie within one another.
func mmdb(t *testing.T, networks map[string]string, wrap func(code string) []byte) string {
	t.Helper()
	type node [2]int // children: >0 a node, <0 data -1-offset, 0 nothing
	nodes := []node{{}}
	var data []byte
	for text, code := range networks {
		prefix := netip.MustParsePrefix(text)
		raw, length := prefix.Addr().As16(), prefix.Bits()
		if prefix.Addr().Is4() {
			four := prefix.Addr().As4()
			raw, length = [16]byte{12: four[0], 13: four[1], 14: four[2], 15: four[3]}, 96+length
		}
		at := 0
		for bit := range length {
			side := int(raw[bit/8] >> (7 - bit%8) & 1)
			if bit == length-1 {
				nodes[at][side] = -1 - len(data)
				break
			}
			if nodes[at][side] == 0 {
				nodes = append(nodes, node{})
				nodes[at][side] = len(nodes) - 1
			}
			at = nodes[at][side]
		}
		data = append(data, wrap(code)...)
	}
	var file []byte
	for _, n := range nodes {
		for _, child := range n {
			record := child
			if child == 0 {
				record = len(nodes)
			} else if child < 0 {
				record = len(nodes) + 16 + (-1 - child)
			}
			file = append(file, byte(record>>16), byte(record>>8), byte(record))
		}
	}
	file = append(append(file, make([]byte, 16)...), data...)
	file = append(file, "\xab\xcd\xefMaxMind.com"...)
	file = append(file, 0xe7) // a map of seven
	number := func(name string, kind byte, value int) {
		file = append(append(file, mmdbText(name)...), kind|4, byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
	}
	number("node_count", 0xc0, len(nodes))
	file = append(append(file, mmdbText("record_size")...), 0xa1, 24)
	file = append(append(file, mmdbText("ip_version")...), 0xa1, 6)
	file = append(append(file, mmdbText("database_type")...), mmdbText("Test-Country")...)
	file = append(append(file, mmdbText("binary_format_major_version")...), 0xa1, 2)
	file = append(append(file, mmdbText("binary_format_minor_version")...), 0xa1, 0)
	file = append(append(file, mmdbText("build_epoch")...), 0x01, 0x02, 1)
	path := filepath.Join(t.TempDir(), "test.mmdb")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mmdbText(text string) []byte { return append([]byte{0x40 | byte(len(text))}, text...) }

func TestOpenCountries(t *testing.T) {
	networks := map[string]string{"1.0.0.0/8": "GB", "2a00::/16": "DE", "9.9.9.9/32": "CH"}
	for name, wrap := range map[string]func(string) []byte{
		"nested": func(code string) []byte {
			return append(append(append([]byte{0xe1}, mmdbText("country")...), 0xe1), append(mmdbText("iso_code"),
				mmdbText(code)...)...)
		},
		"flat": func(code string) []byte {
			return append(append([]byte{0xe1}, mmdbText("country_code")...), mmdbText(strings.ToLower(code))...)
		},
	} {
		countries, err := OpenCountries(mmdb(t, networks, wrap))
		if err != nil {
			t.Fatal(name, err)
		}
		for address, want := range map[string]string{
			"0.255.255.255": "", "1.0.0.0": "GB", "1.255.255.255": "GB", "2.0.0.0": "", "9.9.9.8": "", "9.9.9.9": "CH",
			"9.9.9.10":    "",
			"29ff:ffff::": "", "2a00::1": "DE", "2a00:ffff:ffff:ffff::1": "DE", "2a01::": "",
		} {
			if got := countries.Of(netip.MustParseAddr(address)).String(); got != want {
				t.Errorf("%s: %s is in %q, want %q", name, address, got, want)
			}
		}
	}
	for name, path := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "none.mmdb"),
		"empty":   mmdb(t, map[string]string{"1.0.0.0/8": "x"}, mmdbText),
	} {
		if _, err := OpenCountries(path); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	broken := mmdb(t, networks, mmdbText)
	if err := os.WriteFile(broken, []byte("no database at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCountries(broken); err == nil {
		t.Error("a file that is none is taken")
	}
}

func BenchmarkCountry(b *testing.B) {
	countries := shipped(b)
	random := rand.New(rand.NewPCG(3, 4))
	var four, six [4096]netip.Addr
	for i := range four {
		four[i] = netip.AddrFrom4([4]byte(binary.LittleEndian.AppendUint32(nil, random.Uint32())))
		start := countries.six.starts[random.IntN(len(countries.six.starts))]
		six[i] = netip.AddrFrom16([16]byte(append(binary.BigEndian.AppendUint64(nil, start), make([]byte, 8)...)))
	}
	b.Run("v4", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			countries.Of(four[i%len(four)])
		}
	})
	b.Run("v6", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			countries.Of(six[i%len(six)])
		}
	})
	b.Run("layout", func(b *testing.B) {
		for b.Loop() {
			build := newBuild("")
			if err := build.addShipped(); err != nil {
				b.Fatal(err)
			}
			build.finish()
		}
	})
}
