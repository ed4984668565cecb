package egress

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// Addresses of the IPv4 internet that nobody outside may reach, one of each kind.
var inside = []string{
	"127.0.0.1", "127.8.9.10", "10.0.0.1", "10.255.1.2", "172.16.0.1", "172.31.9.9", "192.168.0.1", "192.168.178.1", "169.254.169.254",
	"100.64.0.1", "100.100.100.200", "0.0.0.0", "0.1.2.3", "192.0.0.8", "192.0.2.5", "198.18.0.1", "198.51.100.4", "203.0.113.7",
	"224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255", "168.63.129.16",
}

var inside6 = []string{
	"::", "::1", "fe80::1", "fe80::1%25eth0", "fe80::1%25lo", "fec0::1", "fc00::1", "fd00:ec2::254", "fd12:3456:789a::1", "ff02::1",
	"ff0e::1", "2001:db8::1", "2001::1", "2001:10::1", "2001:2::1", "100::1", "64:ff9b:1::1", "3fff::1", "5f00::1",
	"0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "0:0::1", "::0001",
}

// numbers gives the ways in which some resolver reads one part of a dotted address.
func numbers(part uint32) []string {
	return []string{
		fmt.Sprint(part), fmt.Sprintf("0%o", part), fmt.Sprintf("0x%x", part), fmt.Sprintf("0X%X", part), fmt.Sprintf("%03d", part),
		fmt.Sprintf("0x%08x", part), fmt.Sprintf("000%o", part),
	}
}

// spellings gives hosts that mean an IPv4 address to somebody.
func spellings(address string, random *rand.Rand) (hosts []string) {
	raw := netip.MustParseAddr(address).As4()
	a, b, c, d := uint32(raw[0]), uint32(raw[1]), uint32(raw[2]), uint32(raw[3])
	whole := a<<24 | b<<16 | c<<8 | d
	hosts = append(hosts, numbers(whole)...)
	for _, first := range numbers(a) {
		for _, rest := range numbers(b<<16 | c<<8 | d) { // in two parts
			hosts = append(hosts, first+"."+rest)
		}
		for _, second := range numbers(b) { // in three
			hosts = append(hosts, first+"."+second+"."+fmt.Sprint(c<<8|d), first+"."+second+"."+fmt.Sprintf("0x%x", c<<8|d))
		}
	}
	for range 60 { // in four, mixed
		pick := func(part uint32) string { all := numbers(part); return all[random.IntN(len(all))] }
		hosts = append(hosts, pick(a)+"."+pick(b)+"."+pick(c)+"."+pick(d))
	}
	hosts = append(hosts, fmt.Sprint(uint64(whole)+1<<32), fmt.Sprintf("%d.%d.%d.%d", a+256, b+256, c, d+512)) // past the end
	for _, digits := range []string{"０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "⓪①②③④⑤⑥⑦⑧⑨", "⁰¹²³⁴⁵⁶⁷⁸⁹", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९"} {
		for _, dot := range []string{".", "。", "．", "｡"} {
			shown := []rune(digits)
			hosts = append(hosts, strings.Map(func(r rune) rune {
				if r == '.' {
					return []rune(dot)[0]
				}
				return shown[r-'0']
			}, address))
		}
	}
	return append(hosts, strings.ReplaceAll(address, ".", "%2e"), strings.ReplaceAll(address, "1", "%31"),
		strings.ReplaceAll(address, "1", "%EF%BC%91"), address+"%00.example.com", address+"%20", " "+address, address+"\t", "\""+address+"\"")
}

// embedded gives IPv6 addresses that lead to an IPv4 address.
func embedded(address string) (hosts []string) {
	raw := netip.MustParseAddr(address).As4()
	high, low := uint16(raw[0])<<8|uint16(raw[1]), uint16(raw[2])<<8|uint16(raw[3])
	for _, prefix := range []string{"::ffff:", "::", "::ffff:0:", "64:ff9b::", "64:ff9b:1::", "0:0:0:0:0:ffff:", "2001:db8::", "::FFFF:",
		"2606:4700::5efe:", "2606:4700::200:5efe:"} {
		hosts = append(hosts, prefix+address, fmt.Sprintf("%s%x:%x", prefix, high, low), fmt.Sprintf("%s%04X:%04X", prefix, high, low),
			prefix+address+"%25eth0")
	}
	return append(hosts, fmt.Sprintf("2002:%x:%x::", high, low), fmt.Sprintf("2002:%x:%x::1", high, low),
		fmt.Sprintf("2001:0:808:808::%x:%x", ^high, ^low))
}

// forms gives addresses to ask for: each host as it is and in disguise.
func forms(random *rand.Rand) (addresses []string) {
	seen := map[string]bool{}
	add := func(address string) {
		if !seen[address] {
			seen[address] = true
			addresses = append(addresses, address)
		}
	}
	disguise := func(host string) {
		add("http://" + host + "/")
		add("https://" + host + ":443/x")
		switch random.IntN(6) {
		case 0:
			add("http://" + host + "./")
			add("http://" + host + "../")
		case 1:
			add("http://blog.example@" + host + "/")
			add("http://blog.example:80@" + host + "/")
		case 2:
			add("http://blog.example\\@" + host + "/")
			add("http://" + host + "\\.blog.example/")
		case 3:
			add("http://" + host + ":22/")
			add("ftp://" + host + "/")
		case 4:
			add("http://" + host + ":0080/")
			add("http://" + host + "#@blog.example/")
		case 5:
			add("//" + host + "/")
			add("http:" + host)
		}
	}
	for _, address := range inside {
		for _, host := range spellings(address, random) {
			disguise(host)
		}
		for _, host := range embedded(address) {
			disguise("[" + host + "]")
		}
		disguise(address + ".nip.example") // names that resolve there
		disguise(strings.ReplaceAll(address, ".", "-") + ".names.example")
	}
	for _, host := range inside6 {
		disguise("[" + host + "]")
		disguise("[" + strings.ToUpper(host) + "]")
		disguise(host)
	}
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.localdomain", "a.localhost", "router", "printer.local",
		"vault.internal", "1.0.0.127.in-addr.arpa", "rebound.example", "ⓛocalhost", "loc\u00adalhost", "ｌocalhost"} {
		disguise(host)
	}
	return addresses
}

// Of ten thousand ways to write an address that is not public, or a name that leads to one, none reaches the dialler, and
// none that is no name is looked up.
func TestNoPacketLeavesForForbiddenAddresses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	addresses := forms(random)
	if len(addresses) < 10_000 {
		t.Fatalf("only %d forms", len(addresses))
	}
	var dialled, looked atomic.Int64
	secret := append(append([]string{}, inside...), "::1", "fe80::1", "fd00::1", "64:ff9b::7f00:1")
	look := func(_ context.Context, host string) ([]netip.Addr, error) {
		looked.Add(1)
		labels := strings.Split(host, ".")
		if last := labels[len(labels)-1]; last != "example" && last != "com" && last != "localdomain" {
			t.Errorf("looked up %q", host)
		}
		answer := []netip.Addr{netip.MustParseAddr(secret[int(looked.Load())%len(secret)])}
		if looked.Load()%2 == 0 { // a public one in front
			answer = append([]netip.Addr{netip.MustParseAddr("8.8.8.8")}, answer...)
		}
		return answer, nil
	}
	dial := func(_ context.Context, _, target string) (net.Conn, error) {
		dialled.Add(1)
		return nil, errors.New("dialled " + target)
	}
	g := newGuard(nil, look, dial, dial)
	client, asked := g.client(), 0
	for _, address := range addresses {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			continue // not even an address to Go
		}
		asked++
		if _, err := client.Do(request); err == nil || dialled.Load() > 0 {
			t.Fatalf("%q: %v, %d connections", address, err, dialled.Load())
		}
		// Whoever skips the check of what is written meets the check of what is dialled.
		host := request.URL.Hostname()
		if _, err := g.connect(t.Context(), "tcp", net.JoinHostPort(host, "80")); err == nil || dialled.Load() > 0 {
			t.Fatalf("%q: dialled %s: %v", address, host, err)
		}
	}
	if asked < 10_000 || looked.Load() == 0 {
		t.Errorf("%d forms were asked for, %d names looked up", asked, looked.Load())
	}
	// The same hooks do dial what is public, so that the count means something.
	g.look = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
	}
	if _, err := client.Get("http://open.example/"); err == nil || dialled.Load() != 1 {
		t.Errorf("a public address was dialled %d times: %v", dialled.Load(), err)
	}
}

// The same forms as the target of a redirect.
func TestNoPacketLeavesForForbiddenRedirects(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Location"] = []string{r.Header.Get("To")}
		w.WriteHeader([]int{301, 302, 303, 307, 308}[len(r.Header.Get("To"))%5])
	}))
	defer server.Close()
	var dialled, near atomic.Int64
	g := newGuard([]string{"blog.example:80=" + server.Listener.Addr().String()},
		func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("10.1.2.3")}, nil
		},
		func(context.Context, string, string) (net.Conn, error) {
			dialled.Add(1)
			return nil, errors.New("dialled")
		}, func(ctx context.Context, network, target string) (net.Conn, error) {
			near.Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, target)
		})
	client := g.client()
	followed := 0
	for i, address := range forms(rand.New(rand.NewPCG(3, 4))) {
		if i%5 != 0 || strings.ContainsAny(address, "\t\r\n") {
			continue
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://blog.example/away", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("To", address)
		answer, err := client.Do(request)
		if err == nil {
			answer.Body.Close()
		}
		// What stays on the host loops there until the bound.
		if target, parseErr := url.Parse(address); err == nil || dialled.Load() > 0 {
			t.Fatalf("%q (%v, %v): %v, %d connections", address, target, parseErr, err, dialled.Load())
		}
		followed++
	}
	if followed < 2000 || near.Load() == 0 {
		t.Errorf("only %d redirects over %d connections", followed, near.Load())
	}
}
