package edge

import (
	"net/url"
	"slices"
	"strings"

	"tributary/internal/click"
	"tributary/internal/link"
)

// paid tells whether a click came out of an ad (docs/spec.md §5.10): the networks' ids prove it; so does one of the
// operator's trademarks as the whole of utm_term, which names the keyword that was bought; and so does a trademark among
// the words searched for, together with a paid marker, which proves nothing alone. referer is where the shopper came from.
func (p *place) paid(w *link.Wanted, referer string) bool {
	if click.Paid(w.Ads, w.UTM[utmMedium], click.PaidMarkers) {
		return true
	}
	if p.trademarks.None() {
		return false
	}
	whole, within := p.trademarks.Match(w.UTM[utmTerm])
	if whole || w.UTM[utmMedium] == "" {
		return whole
	}
	marked := slices.Contains(click.PaidMarkers, strings.ToLower(strings.TrimSpace(w.UTM[utmMedium])))
	return marked && (within || p.searchedFor(referer))
}

// Where link.Carried keeps the two fields.
const (
	utmMedium = 1
	utmTerm   = 3
)

// searchNames are the parameters in which search engines name what was searched for.
var searchNames = []string{"q", "query", "p", "text", "wd", "keyword"}

// A referrer beyond this is no search engine's; what is behind it is not read.
const maxSearchReferer = 4096

// searchedFor tells whether the referrer is a search for one of the trademarks. Most engines name no words any more.
func (p *place) searchedFor(referer string) bool {
	if len(referer) > maxSearchReferer {
		return false
	}
	_, query, found := strings.Cut(referer, "?")
	if !found {
		return false
	}
	query, _, _ = strings.Cut(query, "#")
	values, _ := url.ParseQuery(query) // what cannot be read of it is left out
	for _, name := range searchNames {
		if _, within := p.trademarks.Match(values.Get(name)); within {
			return true
		}
	}
	return false
}
