package egress

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/net/idna"

	"tributary/internal/fault"
)

// Limits of a request to an address that somebody gave. A stranger's server may be slow, but not for ever.
const (
	maxRedirects   = 5
	maxAddresses   = 4 // of one name that are tried
	publicIdle     = 30 * time.Second
	publicPerHost  = 2
	maxHostLength  = 253
	maxLabelLength = 63
)

// What a refusal or a failure is about, for errors.Is: the fault around it has the words.
var (
	// ErrPrivate: the address leads to something that is not on the public internet.
	ErrPrivate = errors.New("egress: not a public address")
	// ErrForm: scheme, port, user info or host are of a form that is not taken.
	ErrForm = errors.New("egress: not an address of this form")
	// ErrRedirects: too many redirects, or one from https to http.
	ErrRedirects = errors.New("egress: redirects")
	// ErrTooLarge: the body is larger than the caller takes.
	ErrTooLarge = errors.New("egress: too large")
	// ErrShort: the body ended before the length that was announced.
	ErrShort = errors.New("egress: ended early")
	// ErrCoding: the body is compressed in a way that was not asked for.
	ErrCoding = errors.New("egress: content coding")
)

// Public gives a client for addresses that people give. It connects to public addresses only: a name is resolved, every
// address it has is checked, and the very address that is dialled is checked again, so that a name which resolves anew in
// between gains nothing. http and https on ports 80 and 443, no proxy, no cookies, no user info, at most five redirects, each
// checked like the first address, none from https to http; 30 seconds in all. A refusal is a fault that wraps ErrPrivate,
// ErrForm or ErrRedirects. Callers set a User-Agent, and read bodies with Body.
func Public() *http.Client { return PublicFor() }

// PublicFor is Public for tests and sandboxes: it connects to those hosts and ports besides, wherever they are. Each is
// `host:port` or an http address, exactly as requests name it; names under .localhost are this machine. `host:port=ip:port`
// says where that host is found, so that a server on this machine can stand for `blog.example:80`.
func PublicFor(allowed ...string) *http.Client {
	direct := &net.Dialer{Timeout: dialTimeout}
	checked := &net.Dialer{Timeout: dialTimeout, Control: control}
	return newGuard(allowed, resolve, checked.DialContext, direct.DialContext).client()
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// guard stands in front of a transport twice: before a request, on its address as written, and before a connection, on
// the address that is dialled.
type guard struct {
	look      func(ctx context.Context, host string) ([]netip.Addr, error)
	dial      dialFunc          // to an address that was checked
	near      dialFunc          // to what is allowed by name
	allowed   map[string]string // host:port as requested → as dialled
	transport *http.Transport
}

func newGuard(allowed []string, look func(context.Context, string) ([]netip.Addr, error), dial, near dialFunc) *guard {
	g := &guard{look: look, dial: dial, near: near, allowed: make(map[string]string, len(allowed))}
	for _, text := range allowed {
		name, target, found := strings.Cut(text, "=")
		if strings.Contains(name, "://") {
			name, _ = hostPort(name)
		}
		if name = strings.ToLower(name); !found {
			target = loopback(name)
		}
		g.allowed[name] = target
	}
	// No proxy: a proxy would resolve the name again, elsewhere. No jar: nobody is to be recognised.
	g.transport = &http.Transport{
		DialContext: g.connect, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout,
		IdleConnTimeout: publicIdle, MaxIdleConnsPerHost: publicPerHost, MaxConnsPerHost: publicPerHost,
		MaxResponseHeaderBytes: maxHeaderBytes, ForceAttemptHTTP2: true,
	}
	return g
}

func (g *guard) client() *http.Client {
	return &http.Client{Transport: g, CheckRedirect: g.redirect, Timeout: requestTimeout}
}

// RoundTrip checks the address of a request and sends it.
func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := g.check(request.URL); err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, err
	}
	return g.transport.RoundTrip(request)
}

// CloseIdleConnections lets the client close what it keeps open.
func (g *guard) CloseIdleConnections() { g.transport.CloseIdleConnections() }

func (g *guard) redirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fault.Invalidf("address", "redirects more than %d times", "give the address it ends at", maxRedirects).
			Because(ErrRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme == "http" {
		return fault.Invalidf("address", "redirects from https to http", "let it stay on https").Because(ErrRedirects)
	}
	return g.check(next.URL)
}

// check judges an address as it is written, before anything is asked about it.
func (g *guard) check(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.Host == "" {
		return fault.Invalidf("address", "is not an http or https address", "write it as https://host/path").Because(ErrForm)
	}
	if u.User != nil {
		return fault.Invalidf("address", "holds a user name or password", "leave out what stands before the @").Because(ErrForm)
	}
	host, err := plainHost(u.Hostname())
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if _, ok := g.allowed[net.JoinHostPort(host, port)]; ok {
		return nil
	}
	if err := checkPort(port); err != nil {
		return err
	}
	_, _, err = literal(host)
	return err
}

// connect resolves, checks and dials what a request needs.
func (g *guard) connect(ctx context.Context, network, target string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, fault.Invalidf("address", "is not a host and port", "write it as https://host/path").Because(ErrForm)
	}
	host, err := plainHost(name)
	if err != nil {
		return nil, err
	}
	if where, ok := g.allowed[net.JoinHostPort(host, port)]; ok {
		return g.near(ctx, network, where)
	}
	if err := checkPort(port); err != nil {
		return nil, err
	}
	addresses, err := g.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	// No race between the addresses, as browsers run one: a crawler has time, and each is tried with what is left of it.
	for _, address := range addresses[:min(len(addresses), maxAddresses)] {
		conn, dialErr := g.dial(ctx, network, netip.AddrPortFrom(address, portNumbers[port]).String())
		if dialErr == nil {
			return conn, nil
		}
		err = errors.Join(err, dialErr)
	}
	if errors.Is(err, ErrPrivate) {
		return nil, private().Because(err)
	}
	return nil, fault.New(fault.Unavailable, "address", "does not answer", "see that the site can be reached").Because(err)
}

// addresses gives the public addresses of a host. One that is not public spoils them all: who mixes them tries something.
func (g *guard) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	address, isAddress, err := literal(host)
	if err != nil {
		return nil, err
	}
	if isAddress {
		return []netip.Addr{address}, nil
	}
	found, err := g.look(ctx, host)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "address", "has a host that cannot be found", "check its spelling").Because(err)
	}
	for i, address := range found {
		// A resolver may write an IPv4 address as the IPv6 address that stands for it.
		if found[i] = address.Unmap(); !public(found[i]) {
			return nil, private()
		}
	}
	if len(found) == 0 {
		return nil, fault.New(fault.Unavailable, "address", "has a host without an address", "check its spelling")
	}
	return found, nil
}

// resolve looks a name up as it stands: the dot at its end keeps search domains away.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host+".")
}

// control is asked by the dialler right before it connects, with the address it connects to.
func control(_, target string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(target); err != nil || !public(at.Addr()) {
		return private()
	}
	return nil
}

func private() *fault.Error {
	return fault.New(fault.Denied, "address", "does not lead to the public internet",
		"give an address that everybody can open").Because(ErrPrivate)
}

var portNumbers = map[string]uint16{"80": 80, "443": 443}

func checkPort(port string) error {
	if _, ok := portNumbers[port]; !ok {
		return fault.Invalidf("address", "names a port other than 80 and 443", "leave the port out").Because(ErrForm)
	}
	return nil
}

// plainHost gives a host in lower case and ASCII letters, without the dot of an absolute name.
func plainHost(host string) (string, error) {
	for i := range len(host) {
		if host[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return "", badHost()
			}
			host = ascii
			break
		}
	}
	return strings.TrimSuffix(strings.ToLower(host), "."), nil
}

func badHost() *fault.Error {
	return fault.Invalidf("address", "has no host name that could be public", "write it as https://host.example/path").
		Because(ErrForm)
}

// literal tells whether a plain host is written as an address, and refuses one that is not public, every other way to write
// a number (octal, hexadecimal, shortened: resolvers read them differently), and names that no public server has.
func literal(host string) (address netip.Addr, ok bool, err error) {
	if address, err := netip.ParseAddr(host); err == nil {
		if !public(address) {
			return address, true, private()
		}
		return address, true, nil
	}
	labels := strings.Split(host, ".")
	if len(host) > maxHostLength || len(labels) < 2 {
		return address, false, badHost()
	}
	for _, label := range labels {
		if label == "" || len(label) > maxLabelLength || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return address, false, badHost()
		}
	}
	if last := labels[len(labels)-1]; nowhere[last] || numeric(last) {
		return address, false, private()
	}
	return address, false, nil
}

// numeric tells whether a label is a number in some script. No top-level domain is, nor does one begin with a digit.
func numeric(label string) bool {
	if label[0] >= '0' && label[0] <= '9' {
		return true
	}
	shown, err := idna.Punycode.ToUnicode(label)
	return err != nil || strings.IndexFunc(shown, unicode.IsLetter) < 0
}

// nowhere are the top-level domains that are never public (RFC 6761, 6762, 7686, 8375; .internal by ICANN's decision).
var nowhere = map[string]bool{"localhost": true, "local": true, "internal": true, "invalid": true, "onion": true, "arpa": true}

// Body reads a body of at most limit bytes. One that is larger wraps ErrTooLarge, whether its announced length says so or not,
// and what was read is given with the error; one that ends before its announced length wraps ErrShort, one that is compressed
// wrongly, or as nobody asked, ErrCoding. Compression is undone by the transport before bytes are counted, so a small body
// that unpacks into a large one is too large.
func Body(answer *http.Response, limit int64) ([]byte, error) {
	coded := fault.Invalidf("address", "is compressed in a way that cannot be read", "answer with gzip, or plainly").
		Because(ErrCoding)
	if coding := answer.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, coded
	}
	large := fault.New(fault.Exhausted, "address", fmt.Sprintf("answers with more than %d bytes", limit), "make it smaller").
		Because(ErrTooLarge)
	// The announced length is only believed where it is too short: the transport cuts there, and says so.
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	switch {
	case int64(len(body)) > limit:
		return body[:limit], large
	case errors.Is(err, io.ErrUnexpectedEOF):
		return body, fault.Invalidf("address", "ended its answer before the length it announced", "send the whole answer").
			Because(fmt.Errorf("%w: %w", ErrShort, err))
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, new(flate.CorruptInputError)):
		return body, coded
	case err != nil:
		return body, fault.New(fault.Unavailable, "address", "stopped in the middle of its answer", "try again later").Because(err)
	}
	return body, nil
}
