package market

import (
	"net/netip"
	"net/textproto"
	"strings"

	"tributary/internal/fault"
)

// Proxies says which machines in front of the edge may speak for a visitor. Nobody else's headers are believed: whoever
// could choose his address could choose his country and escape every limit. The zero value believes nobody.
type Proxies struct {
	Trusted       []netip.Prefix
	AddressHeader string // such as X-Forwarded-For or CF-Connecting-IP; the list is read from its end
	CountryHeader string // such as CF-IPCountry; empty: the country follows from the address
}

// NewProxies reads the operator's configuration: networks or single addresses, and the names of headers.
func NewProxies(trusted []string, addressHeader, countryHeader string) (Proxies, error) {
	p := Proxies{
		AddressHeader: textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(addressHeader)),
		CountryHeader: textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(countryHeader)),
	}
	for _, text := range trusted {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			address, single := netip.ParseAddr(strings.TrimSpace(text))
			if single != nil {
				return p, fault.Invalidf("proxies.trusted", "%q is not a network", "write it as 10.0.0.0/8 or as one address", text)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		if prefix.Bits() == 0 {
			return p, fault.Invalidf("proxies.trusted", "%q is everybody", "name the networks of your own proxies", text)
		}
		p.Trusted = append(p.Trusted, prefix.Masked())
	}
	if len(p.Trusted) == 0 && (p.AddressHeader != "" || p.CountryHeader != "") {
		return p, fault.Invalidf("proxies.trusted", "is empty, so the headers would never be read",
			"name the networks of your own proxies")
	}
	return p, nil
}

// hopsRead bounds how many entries of a forwarded list are looked at.
const hopsRead = 16

// Visitor gives the address of the visitor behind a connection from remote (`address:port`), and his country where a
// trusted proxy tells it. header is the request's, with canonical names. An address that cannot be read is the zero one.
func (p *Proxies) Visitor(remote string, header map[string][]string) (netip.Addr, Country) {
	var address netip.Addr
	if connection, err := netip.ParseAddrPort(remote); err == nil {
		address = connection.Addr().Unmap().WithZone("")
	}
	if len(p.Trusted) == 0 || !p.trusts(address) {
		return address, Country{}
	}
	var country Country
	if p.CountryHeader != "" {
		if values := header[p.CountryHeader]; len(values) == 1 {
			country = ParseCountry(values[0])
		}
	}
	if p.AddressHeader == "" {
		return address, country
	}
	// From the end: each proxy adds the one it heard from, and only what trusted ones have added is true.
	list := strings.Join(header[p.AddressHeader], ",")
	for range hopsRead {
		at := strings.LastIndexByte(list, ',')
		hop, ok := parseHop(list[at+1:])
		if !ok {
			break
		}
		address = hop
		if at < 0 || !p.trusts(hop) {
			break
		}
		list = list[:at]
	}
	return address, country
}

func (p *Proxies) trusts(address netip.Addr) bool {
	for _, prefix := range p.Trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// parseHop reads one entry: an address, or an address with a port.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), true
}
