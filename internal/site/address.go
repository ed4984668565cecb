package site

import (
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"tributary/internal/fault"
)

// MaxAddress is how many bytes an address may have in its normal form.
const MaxAddress = 500

// place is an address in its normal form, taken apart. Path has no slash at its end; that of a whole host is empty.
type place struct{ scheme, host, port, path string }

// hostNames reads host names as browsers do, and takes the hyphens and underscores that names in use have.
var hostNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(false),
	idna.CheckHyphens(false), idna.CheckJoiners(true), idna.VerifyDNSLength(true))

// Address gives the normal form of an address as a person writes it: http or https (which is taken where neither stands
// there), host in lower case as it is looked up, no port, query or fragment, no slash at the end. Addresses of numbers, with
// user names, or of hosts that are not public are Invalid. Names under .localhost keep their port: they stand for this
// machine in a sandbox, and are reached nowhere else.
func Address(text string) (string, error) {
	p, err := parse(text)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

func parse(text string) (place, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return place{}, fault.Invalidf("address", "is missing", "write it as https://host.example")
	case len(text) > MaxAddress:
		return place{}, tooLong()
	case !utf8.ValidString(text) || strings.IndexFunc(text, forbiddenRune) >= 0:
		return place{}, fault.Invalidf("address", "holds a character that no address has", "copy it from your browser")
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		// People write `ada.example`, and mean https; `mailto:…` is something else, `ada.example:443` is not.
		head, tail, colon := strings.Cut(text, ":")
		if colon && strings.Trim(head, schemeLetters) == "" && (tail == "" || tail[0] < '0' || tail[0] > '9') {
			return place{}, badScheme()
		}
		scheme, rest = "https", strings.TrimPrefix(text, "//")
	}
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
		return place{}, badScheme()
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil {
		return place{}, fault.Invalidf("address", "cannot be read", "copy it from your browser")
	}
	if u.User != nil {
		return place{}, fault.Invalidf("address", "holds a user name or password", "leave out what stands before the @")
	}
	// What a query chooses cannot be told from what it only tracks: who means a page must name it by its path.
	if query := plainQuery(u.Query()); query != "" || strings.Contains(u.RawQuery, ";") {
		return place{}, fault.Invalidf("address", "holds a question mark and what follows it",
			"give the page where your work begins, without it")
	}
	return normal(scheme, u)
}

const schemeLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-"

func normal(scheme string, u *url.URL) (p place, err error) {
	p.scheme = scheme
	if p.host, err = hostOf(u.Hostname()); err != nil {
		return p, err
	}
	switch port := u.Port(); {
	case port == "" || port == "80" && scheme == "http" || port == "443" && scheme == "https":
	case strings.HasSuffix(p.host, ".localhost") && strings.Trim(port, "0123456789") == "" && len(port) <= 5:
		p.port = port
	default:
		return p, fault.Invalidf("address", "names a port", "leave it out: sites are looked at on the usual ports")
	}
	if p.path, err = pathOf(u); err != nil {
		return p, err
	}
	if len(p.String()) > MaxAddress {
		return p, tooLong()
	}
	return p, nil
}

func badScheme() error {
	return fault.Invalidf("address", "is not an http or https address", "write it as https://host.example")
}

func tooLong() error {
	return fault.Invalidf("address", "has more than %d bytes", "give the page where your work begins", MaxAddress)
}

func forbiddenRune(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' || r == utf8.RuneError
}

// private top-level names: a crawler finds nothing there, and nobody else does.
var nowhere = []string{"local", "internal", "invalid", "onion", "arpa", "lan", "home"}

func hostOf(text string) (string, error) {
	// Names are compared in the form in which they are looked up, so that two ways to write one are one.
	host, err := hostNames.ToASCII(strings.TrimSuffix(text, "."))
	if err != nil || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		if _, notName := netip.ParseAddr(text); notName == nil {
			return "", numberHost()
		}
		return "", fault.Invalidf("address", "has a host that is not a name", "write it as https://host.example")
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	shown, err := idna.Punycode.ToUnicode(last)
	switch { // no top-level name begins with a digit, or is a number in any script
	case len(last) > 0 && last[0] >= '0' && last[0] <= '9', err != nil, strings.IndexFunc(shown, unicode.IsLetter) < 0:
		return "", numberHost()
	case len(labels) < 2 || slices.Contains(nowhere, last):
		return "", fault.Invalidf("address", "has a host that is not a public name", "write it as https://host.example")
	}
	return host, nil
}

func numberHost() error {
	return fault.Invalidf("address", "has a number in place of a host's name", "write the name, as https://host.example")
}

// first pages are left out: they are what the folder shows.
var firstPages = []string{"index.html", "index.htm", "index.php", "default.htm", "default.html", "default.aspx"}

func pathOf(u *url.URL) (string, error) {
	// An escaped slash is no slash: undoing it would name another page.
	written := strings.ToLower(u.EscapedPath())
	if strings.Contains(written, "%2f") || !utf8.ValidString(u.Path) || strings.IndexFunc(u.Path, badInPath) >= 0 {
		return "", fault.Invalidf("address", "has a path with an escaped slash or a character that cannot be seen",
			"give the page where your work begins")
	}
	clean := path.Clean("/" + u.Path)
	for slices.Contains(firstPages, path.Base(clean)) {
		clean = path.Dir(clean)
	}
	if clean == "/" {
		return "", nil
	}
	return (&url.URL{Path: clean}).EscapedPath(), nil
}

func badInPath(r rune) bool { return unicode.IsControl(r) || r == '\\' || r == utf8.RuneError }

// tracking tells where a visitor came from; the page is the same without it.
var tracking = []string{"fbclid", "gclid", "igsh", "igshid", "mc_cid", "mc_eid", "msclkid", "hl", "lang", "ref", "feature", "si"}

// plainQuery gives a query without what only tracks.
func plainQuery(query url.Values) string {
	for name := range query {
		if strings.HasPrefix(name, "utm_") || slices.Contains(tracking, name) {
			query.Del(name)
		}
	}
	return query.Encode()
}

// split takes a normal form apart. What is none, is a place without a host.
func split(address string) place {
	p, err := parse(address)
	if err != nil {
		return place{}
	}
	return p
}

// String is the normal form.
func (p place) String() string { return p.origin() + p.path }

func (p place) origin() string {
	if p.port != "" {
		return p.scheme + "://" + p.host + ":" + p.port
	}
	return p.scheme + "://" + p.host
}

// root is the host that counts as one, with and without www.
func (p place) root() string { return rootOf(p.host, p.port) }

func rootOf(host, port string) string {
	host = strings.TrimPrefix(strings.ToLower(strings.TrimSuffix(host, ".")), "www.")
	if port == "" || port == "80" || port == "443" {
		return host
	}
	return host + ":" + port
}

// key is what makes two addresses one site: http or https, www or not, it is the same.
func (p place) key() string { return p.root() + p.path }

// holds tells whether an address is on this host.
func (p place) holds(u *url.URL) bool { return rootOf(u.Hostname(), u.Port()) == p.root() }

// covers tells whether an address is the site's: on its host and under its path.
func (p place) covers(u *url.URL) bool {
	return p.holds(u) && under((&url.URL{Path: path.Clean("/" + u.Path)}).EscapedPath(), p.path)
}

// under compares whole parts: /ada is not above /adam.
func under(path, base string) bool {
	return base == "" || path == base || strings.HasPrefix(path, base+"/")
}
