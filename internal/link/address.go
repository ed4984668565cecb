package link

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/market"
)

// Addresses builds the addresses of one marketplace's store and reads them again. It is made once per version of the
// marketplace and is immutable.
type Addresses struct {
	home                            place
	product, search, category, cart template
	hosts                           map[string]bool
	scheme                          string
}

// place is an address cut so that parameters can be put in: before its query, the query without `?`, and the fragment
// with its `#`.
type place struct{ front, query, fragment string }

// template is a place with a hole for one escaped value. The hole is in its front or in its query.
type template struct {
	before, after place
	inQuery       bool
	usable        bool
}

// NewAddresses cuts the templates of a marketplace. A template that is missing leads to the home page, so that a shopper
// always arrives.
func NewAddresses(m market.Market) *Addresses {
	a := &Addresses{hosts: map[string]bool{}, scheme: "https"}
	home := m.Home
	if home == "" && len(m.Hosts) > 0 {
		home = "https://" + m.Hosts[0] + "/"
	}
	if u, err := url.Parse(home); err == nil && u.Host != "" {
		if u.Scheme == "http" { // a store on the operator's own machine
			a.scheme = "http"
		}
		if u.Path == "" {
			u.Path = "/"
		}
		home = u.String()
		a.addHost(u.Host)
	}
	for _, host := range m.Hosts {
		a.addHost(host)
	}
	a.home = cut(home)
	a.product = newTemplate(m.ProductURL, "{sku}")
	a.search = newTemplate(m.SearchURL, "{query}")
	a.category = newTemplate(m.CategoryURL, "{category}")
	a.cart = newTemplate(m.CartURL, "{items}")
	return a
}

func (a *Addresses) addHost(text string) {
	if host, ok := a.cleanHost(text); ok {
		a.hosts[host] = true
	}
}

// Own tells whether a host (with its port, where it is not the scheme's own) is one of the marketplace's.
func (a *Addresses) Own(host string) bool {
	host, ok := a.cleanHost(host)
	return ok && a.hosts[host]
}

// Origin tells whether a browser's Origin is a page of the marketplace: its scheme and one of its hosts, nothing more.
func (a *Addresses) Origin(origin string) bool {
	host, found := strings.CutPrefix(origin, a.scheme+"://")
	return found && a.Own(host)
}

// cleanHost writes a host in its one form: small letters, punycode, without the scheme's own port. What is no plain
// host, such as one with user info, a zone or a trailing dot, is refused.
func (a *Addresses) cleanHost(text string) (string, bool) {
	host := strings.ToLower(text)
	switch a.scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	name, port, hasPort := strings.Cut(host, ":")
	if hasPort && (port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return "", false
	}
	for i := range len(name) {
		if name[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(name)
			if err != nil {
				return "", false
			}
			host = ascii + host[len(name):]
			name = ascii
			break
		}
	}
	if name == "" || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") {
		return "", false
	}
	for i := range len(name) {
		if c := name[i]; !unreserved(c) || c == '~' {
			return "", false
		}
	}
	return host, true
}

// Page judges the address that `/to?url=` names, and gives it in one clean form. Only absolute addresses of the
// marketplace's own hosts, and paths from its root, lead anywhere; there is no open redirect.
func (a *Addresses) Page(text string) (string, error) {
	// Browsers take a backslash for a slash and drop tabs and line breaks; whoever reads the address another way than
	// the browser sends the shopper elsewhere than he judged. So they are refused before anything is read.
	if len(text) > maxPage || !clean(text) || strings.ContainsAny(text, "\\ ") {
		return "", errForeign
	}
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		home, err := url.Parse(a.home.front)
		if err != nil || home.Host == "" {
			return "", errForeign
		}
		text = home.Scheme + "://" + home.Host + text
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.Opaque != "" {
		return "", errForeign
	}
	asked := &Addresses{scheme: u.Scheme}
	host, ok := asked.cleanHost(u.Host)
	if !ok || !a.hosts[host] {
		return "", errForeign
	}
	u.Scheme, u.Host = a.scheme, host
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = escapeQuery(u.RawQuery)
	return u.String(), nil
}

// escapeQuery escapes what net/url lets stand in a query and a header or a page may not hold.
func escapeQuery(query string) string {
	bad := func(c byte) bool { return c >= 0x80 || strings.IndexByte("\"'<>`{}|^#", c) >= 0 }
	to := make([]byte, 0, len(query))
	for i := range len(query) {
		if c := query[i]; bad(c) {
			to = append(to, '%', hexDigits[c>>4], hexDigits[c&15])
		} else {
			to = append(to, c)
		}
	}
	return string(to)
}

var errForeign error = fault.Invalidf("url", "is not a page of this marketplace's own hosts",
	"name a page of the store, written out as its address bar shows it")

// own are the parameters that the edge itself puts into a destination. In a page's own query they are dropped first, so
// that nobody smuggles in another click's token or another creator's tag.
func own(name, token string) bool {
	switch name {
	case token, "tag", "sub1", "sub2", "sub3", "sub4", "sub5":
		return true
	}
	return false
}

// Destination is where a link leads in a store, before the token.
type Destination struct {
	place
	carried *Carried
}

// Destination builds the address of what is wanted. Short links are resolved before; a page must have gone through Page.
func (a *Addresses) Destination(w *Wanted, token string) Destination {
	d := Destination{place: a.home, carried: &w.Carried}
	switch w.Kind {
	case click.KindProduct:
		d.place = a.product.fill(w.SKU, a.home)
	case click.KindSearch:
		d.place = a.search.fill(w.Query, a.home)
	case click.KindCategory:
		d.place = a.category.fill(w.Category, a.home)
	case click.KindCart:
		d.place = a.cart.fill(w.Items, a.home)
	case click.KindPage:
		d.place = cut(w.Page)
	}
	if d.query != "" && w.Kind == click.KindPage {
		d.query = dropOwn(d.query, token, &w.Carried)
	}
	return d
}

// Append writes the destination with what is carried along, and with the token where there is one.
func (d *Destination) Append(to []byte, parameter, token string) []byte {
	to = append(to, d.front...)
	separator := byte('?')
	if d.query != "" {
		to = append(append(to, '?'), d.query...)
		separator = '&'
	}
	before := len(to)
	to = d.carried.appendCarried(to, separator)
	if len(to) > before {
		separator = '&'
	}
	if token != "" {
		to = append(append(append(to, separator), parameter...), '=')
		to = append(to, token...)
	}
	return append(to, d.fragment...)
}

// dropOwn leaves out of a page's query what the edge puts in itself.
func dropOwn(query, token string, c *Carried) string {
	kept := make([]string, 0, 8)
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, ok := decode(name, true); ok {
			name = decoded
		}
		drop := own(name, token)
		for i, utm := range utmNames { // a field that the link brings replaces the page's
			drop = drop || name == utm && c.UTM[i] != ""
		}
		if !drop && pair != "" {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

func cut(address string) place {
	var p place
	address, fragment, found := strings.Cut(address, "#")
	if found && fragment != "" {
		p.fragment = "#" + fragment
	}
	p.front, p.query, _ = strings.Cut(address, "?")
	return p
}

func newTemplate(text, hole string) template {
	before, after, found := strings.Cut(text, hole)
	_, whole := url.Parse(before + "x" + after)
	u, err := url.Parse(before)
	// The hole must stand behind the host, or the value would choose it.
	if !found || whole != nil || err != nil || u.Host == "" || u.Path == "" || strings.Contains(before, "#") {
		return template{}
	}
	t := template{usable: true}
	if front, query, inQuery := strings.Cut(before, "?"); inQuery {
		t.inQuery = true
		t.before = place{front: front, query: query}
		rest, fragment, _ := strings.Cut(after, "#")
		t.after = place{query: rest, fragment: fragment}
	} else {
		t.before = place{front: before}
		t.after = cut(after)
		t.after.fragment = strings.TrimPrefix(t.after.fragment, "#")
	}
	if t.after.fragment != "" {
		t.after.fragment = "#" + t.after.fragment
	}
	return t
}

// fill puts an escaped value into the hole; a template that cannot be used gives the fallback.
func (t *template) fill(value string, fallback place) place {
	if !t.usable {
		return fallback
	}
	var room [128]byte
	if t.inQuery {
		query := append(appendEscaped(append(room[:0], t.before.query...), value), t.after.query...)
		return place{t.before.front, string(query), t.after.fragment}
	}
	front := append(appendEscaped(append(room[:0], t.before.front...), value), t.after.front...)
	return place{string(front), t.after.query, t.after.fragment}
}

// read gives the value that an address holds where the template has its hole.
func (t *template) read(p place) (string, bool) {
	if !t.usable {
		return "", false
	}
	raw, found := strings.CutPrefix(p.front, t.before.front)
	if !found {
		return "", false
	}
	if t.inQuery {
		at := strings.LastIndexByte(t.before.query, '&') + 1
		name := strings.TrimSuffix(t.before.query[at:], "=")
		if raw != "" {
			return "", false
		}
		for pair := range strings.SplitSeq(p.query, "&") {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				text, ok := decode(value, true)
				return text, ok && text != "" && clean(text)
			}
		}
		return "", false
	}
	raw, found = strings.CutSuffix(raw, t.after.front)
	if !found || raw == "" || strings.Contains(raw, "/") {
		return "", false
	}
	text, ok := decode(raw, false)
	return text, ok && clean(text)
}

// Read tells what a page of the store is: a product or a category, where a template fits, else a page. It takes what
// Page gave. So a pasted address becomes a product link, and a page that is landed on directly has its place.
func (a *Addresses) Read(page string) Wanted {
	p := cut(page)
	if sku, ok := a.product.read(p); ok && len(sku) <= maxSKU {
		return Wanted{Kind: click.KindProduct, SKU: sku}
	}
	if category, ok := a.category.read(p); ok && len(category) <= maxLevels {
		return Wanted{Kind: click.KindCategory, Category: category}
	}
	if query, ok := a.search.read(p); ok && len(query) <= maxSearch {
		return Wanted{Kind: click.KindSearch, Query: query}
	}
	if p.front == a.home.front && p.query == "" {
		return Wanted{Kind: click.KindHome}
	}
	return Wanted{Kind: click.KindPage, Page: page}
}
