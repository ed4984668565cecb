package click

import (
	"net/url"
	"strings"
)

// AdName is one of the eleven ids that advertising networks put into links.
type AdName uint8

// The numbers are in every record: they never change. Up to adProving they prove an ad by themselves.
const (
	Gclid AdName = iota + 1
	Gbraid
	Wbraid
	GadSource
	GadCampaignID
	Msclkid
	Fbclid
	Ttclid
	Twclid
	LiFatID
	Rdclid
)

const (
	adProving = Msclkid
	adNames   = int(Rdclid)
)

var adNameTexts = [...]string{
	"", "gclid", "gbraid", "wbraid", "gad_source", "gad_campaignid", "msclkid",
	"fbclid", "ttclid", "twclid", "li_fat_id", "rdclid",
}

// String gives the name of the query parameter.
func (n AdName) String() string { return nameOf(adNameTexts[:], uint8(n)) }

// AdNameOf finds the id that a query parameter carries; ok is false for every other parameter. Names are compared as
// they are: networks write them in lower case.
func AdNameOf(parameter string) (name AdName, ok bool) {
	for number, text := range adNameTexts[1:] {
		if parameter == text {
			return AdName(number + 1), true
		}
	}
	return 0, false
}

// AdIDs picks the ids of advertising networks out of a query, in the order of their numbers.
func AdIDs(query url.Values) []AdID {
	var found []AdID
	for number, text := range adNameTexts[1:] {
		if value := query.Get(text); value != "" {
			found = append(found, AdID{Name: AdName(number + 1), Value: clipBytes(value, maxAdIDBytes)})
		}
	}
	return found
}

// PaidMarkers are the values of utm_medium that say *paid*: policy, compared without case. Markers alone prove nothing,
// and neither do the ids that networks also add to ordinary links; both together do (docs/spec.md §5.10).
var PaidMarkers = []string{
	"cpc", "ppc", "cpm", "cpv", "cpa", "paid", "paid_social", "paidsocial", "paid-social", "paid_search", "paidsearch",
	"paid-search", "paid_media", "display", "retargeting", "remarketing",
}

// PaidTraffic tells whether the query of a link proves paid traffic, by the shipped markers.
func PaidTraffic(query url.Values) bool {
	return Paid(AdIDs(query), query.Get("utm_medium"), PaidMarkers)
}

// Paid is the rule itself: an id that proves an ad, or any other network's id together with a paid marker.
func Paid(ids []AdID, medium string, markers []string) bool {
	ambiguous := false
	for _, ad := range ids {
		if ad.Name <= adProving && ad.Value != "" {
			return true
		}
		ambiguous = ambiguous || ad.Value != ""
	}
	if !ambiguous {
		return false
	}
	medium = strings.ToLower(strings.TrimSpace(medium))
	for _, marker := range markers {
		if medium == marker {
			return true
		}
	}
	return false
}
