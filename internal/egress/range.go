package egress

import "net/netip"

// Blocks that are not the public internet, from IANA's registries of special-purpose addresses (RFC 6890 and its updates),
// and one address that answers inside a large cloud only.
var closed = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared between carriers and their customers
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // the wire server of a cloud, though the address is a public one
	"169.254.0.0/16",   // link-local, and the metadata of most clouds
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // relays of 6to4
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, and broadcast
	"2001::/23",        // protocol assignments: Teredo, benchmarks, ORCHID
	"2001:db8::/32",    // documentation
	"2002::/16",        // 6to4: any IPv4 address in disguise
	"3fff::/20",        // documentation
)

var (
	// Global unicast addresses of IPv6 are all in here.
	global6 = netip.MustParsePrefix("2000::/3")
	// A network without IPv4 reaches IPv4 servers through addresses that end in theirs (RFC 6052).
	translated = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// public tells whether an address is one of the public internet: whatever is not known to be, is not. An IPv4 address in the
// form of an IPv6 one is refused, as are zones.
func public(address netip.Addr) bool {
	if !address.IsValid() || address.Zone() != "" || address.Is4In6() {
		return false
	}
	if address.Is6() {
		raw := address.As16()
		last := netip.AddrFrom4([4]byte(raw[12:]))
		if translated.Contains(address) {
			return public(last)
		}
		// An interface id that holds an IPv4 address (ISATAP, RFC 5214) leads to that.
		if (raw[8]&^2 == 0 && raw[9] == 0 && raw[10] == 0x5e && raw[11] == 0xfe) && !public(last) {
			return false
		}
		if !global6.Contains(address) {
			return false
		}
	}
	for _, block := range closed {
		if block.Contains(address) {
			return false
		}
	}
	return true
}
