package ui

import "strings"

// inPublic is a page that everybody may read in another marketplace: rates have an address for each, documents are the same
// in all of them.
func (f Frame) inPublic(path, market string) string {
	switch {
	case len(f.Markets) < 2 || strings.HasPrefix(path, "/documents"):
		return path
	case path == "/rates" || strings.HasPrefix(path, "/rates/"):
		return "/rates/" + market
	}
	return Link(path, nil, "market", market)
}
