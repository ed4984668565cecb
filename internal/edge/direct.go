package edge

import (
	"net/http"

	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/link"
)

// Origin tells whether a browser's Origin is a page of one of the marketplaces.
func (e *Edge) Origin(origin string) bool {
	for _, m := range e.State.markets.Load().list() {
		if m.addresses.Origin(origin) {
			return true
		}
	}
	return false
}

// Direct logs a direct `?tag=` click, which the script on a store's page tells of, and gives its token; it is empty where
// there was no click, or where the tag stands for nobody. id names the marketplace, where several share a host; page is
// the address as the shopper came to it, and before the one he came from. A page that is not one of the marketplace's
// own is Denied.
func (e *Edge) Direct(r *http.Request, id, page, before string) (string, error) {
	m, err := e.directMarket(r.Header.Get("Origin"), id)
	if err != nil {
		return "", err
	}
	at := e.Clock.Now()
	address, visitor := e.visitor(r, link.StayHere, at)
	w, res, err := e.State.resolveDirect(m, page, visitor)
	if err != nil {
		return "", err
	}
	verdict, device := e.sieve.Judge(r.UserAgent(), click.ReadSigns(r.Method, r.Header.Get))
	if !verdict.IsClick() {
		return "", nil
	}
	var c click.Click
	res.wanted = &w
	// The request's own Referer is the store.
	e.describe(&c, before, &res, visitor, address, verdict, device)
	c.Flags |= click.FlagDirect
	c.Page = ""
	if w.SKU == "" {
		c.Page = w.Page
	}
	if !e.record(r, &c) || !res.tells() {
		return "", nil
	}
	return e.sealer.Seal(c.Token), nil
}

// directMarket finds the marketplace: the one that is named, which must have the page's host, or the first that has it.
func (e *Edge) directMarket(origin, id string) (*place, error) {
	all := e.State.markets.Load()
	for _, m := range all.list() {
		if (id == "" || m.ID == id) && m.addresses.Origin(origin) {
			return m, nil
		}
	}
	return nil, fault.New(fault.Denied, "origin", "is not a page of this marketplace",
		"add the store's host to the marketplace's hosts")
}
