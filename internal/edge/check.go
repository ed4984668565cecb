package edge

import (
	"strings"

	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
)

// Checked is what the link checker shows: what the edge itself would do with an address, asked of the same code.
type Checked struct {
	Kind        click.LinkKind
	Market      string // where it leads
	Destination string // without a token
	Tag         string // as it was read; empty for a short link
	Creator     id.ID  // whom it stands for; 0 nobody
	Program     click.Program
	Tracking    id.ID
	Link        id.ID
	Counts      bool
	Reason      click.Verdict // why it does not count
}

// Check resolves an address without a click, for a visitor from a country (zero: unknown). The address may be whole,
// with the host of the edge, or its path alone; a path on the store with a tag is a direct link, and checked as one.
func (e *Edge) Check(address string, country market.Country) (Checked, error) {
	address = strings.TrimSpace(address)
	now := e.Clock.Now()
	rest := address
	if scheme, after, found := strings.Cut(address, "://"); found {
		host, path, _ := strings.Cut(after, "/")
		for _, m := range e.State.markets.Load().list() {
			if m.addresses.Origin(strings.ToLower(scheme + "://" + host)) {
				return e.checkDirect(m, address, country)
			}
		}
		rest = "/" + path
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	w, err := link.Parse(path, query)
	if err != nil {
		return Checked{}, err
	}
	res, err := e.State.resolve(&w, guest{country: country, at: now})
	if err != nil {
		return Checked{}, err
	}
	d := res.market.addresses.Destination(&w, e.Parameter)
	return res.checked(string(d.Append(nil, e.Parameter, "")), w.Tag), nil
}

func (r *resolved) checked(destination, tag string) Checked {
	return Checked{
		Kind: r.kind, Market: r.market.ID, Destination: destination, Tag: tag, Creator: r.creator, Program: r.program,
		Tracking: r.tracking, Link: r.link, Counts: r.verdict == click.VerdictCounted, Reason: r.verdict,
	}
}

func (e *Edge) checkDirect(m *place, address string, country market.Country) (Checked, error) {
	w, res, err := e.State.resolveDirect(m, address, guest{country: country, at: e.Clock.Now()})
	if err != nil {
		return Checked{}, err
	}
	return res.checked(w.Page, w.Tag), nil
}

func (m *markets) list() []*place {
	if m == nil {
		return nil
	}
	all := make([]*place, len(m.all))
	for i, one := range m.all {
		all[i] = m.byNo[one.No]
	}
	return all
}

// resolveDirect finds whom a page of the store with a tag in its address stands for. Nobody is routed: the shopper is
// there already, so a tag of another marketplace counts for nobody.
func (s *State) resolveDirect(m *place, address string, g guest) (link.Wanted, resolved, error) {
	pageAddress, err := m.addresses.Page(address)
	if err != nil {
		return link.Wanted{}, resolved{}, err
	}
	_, query, _ := strings.Cut(pageAddress, "?")
	query, _, _ = strings.Cut(query, "#")
	w, err := link.Parse("/", query) // for what any address may carry
	if err != nil {
		return w, resolved{}, err
	}
	if w.Tag == "" {
		return w, resolved{}, fault.Invalidf("address", "carries no tag", "send the address of the page as the shopper came to it")
	}
	read := m.addresses.Read(pageAddress)
	w.Kind, w.SKU, w.Category, w.Query, w.Page = read.Kind, read.SKU, read.Category, read.Query, pageAddress
	r := resolved{kind: click.KindDirect, market: m, wanted: &w}
	if found, ok := s.tag(w.Tag); ok && found.market == m.No {
		r.owner = found
	}
	r.judge(s, g.at)
	r.landOn(w.Kind, w.SKU, w.Category)
	return w, r, nil
}
