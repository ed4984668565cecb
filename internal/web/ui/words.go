package ui

import (
	"strings"
	"unicode"

	"tributary/internal/attribution"
	"tributary/internal/bounty"
	"tributary/internal/fault"
)

// short is a marketplace's id as the switch shows it.
func short(id string) string { return strings.ToUpper(id) }

// initials are one or two letters of a name.
func initials(name string) string {
	var out []rune
	for word := range strings.FieldsSeq(name) {
		if r := []rune(word)[0]; unicode.IsLetter(r) && len(out) < 2 {
			out = append(out, unicode.ToUpper(r))
		}
	}
	return string(out)
}

// inMarket keeps the marketplace that is being looked at when one goes to another page.
func (f Frame) inMarket(href string) string {
	if len(f.Markets) < 2 {
		return href
	}
	return Link(href, nil, "market", f.Market.ID)
}

// failureTitle is the heading of an error's page.
func failureTitle(kind fault.Kind) string {
	switch kind {
	case fault.NotFound:
		return "There is nothing here"
	case fault.Denied:
		return "This is not yours to see"
	case fault.Unavailable:
		return "Something went wrong on our side"
	}
	return "This could not be done"
}

// sentence writes a fault for a person: rule and fix, with a capital in front.
func sentence(f *fault.Error) string {
	text := f.Error()
	if text == "" {
		return ""
	}
	return Capital(text) + "."
}

// Capital begins a text with a capital.
func Capital(text string) string {
	runes := []rune(text)
	if len(runes) > 0 {
		runes[0] = unicode.ToUpper(runes[0])
	}
	return string(runes)
}

// Sentence is what a page says of an error that somebody caused.
func Sentence(err error) string { return sentence(fault.Of(err)) }

// Reason says in a few plain words why a line earns nothing (docs/spec.md §5 lists the codes).
func Reason(code string) string {
	if words, ok := reasons[attribution.Reason(code)]; ok {
		return words
	}
	if words, ok := bountyReasons[attribution.Reason(code)]; ok {
		return words
	}
	return strings.ReplaceAll(code, "_", " ")
}

// Reasons are the codes in the order in which filters offer them.
var Reasons = []attribution.Reason{
	attribution.NoTouch, attribution.InCartBeforeClick, attribution.SessionEnded, attribution.Superseded, attribution.Expired,
	attribution.InvalidTraffic, attribution.PaidAd, attribution.EnrolmentNotActive, attribution.BadToken,
	attribution.WrongMarketplace, attribution.SelfPurchase, attribution.RelatedBuyer, attribution.Resale,
	attribution.ExcludedProduct, attribution.PolicyViolation, attribution.RateZero, attribution.ZeroPrice,
	attribution.RoundsToZero, attribution.NotFulfilled, attribution.Cancelled, attribution.Returned, attribution.AwaitingPayment,
}

// Words for the codes: what happened, as it is said to somebody who has never read the rules.
var reasons = map[attribution.Reason]string{
	attribution.BadToken:           "the click could not be read",
	attribution.WrongMarketplace:   "the click belongs to another marketplace",
	attribution.InvalidTraffic:     "the click was not made by a person",
	attribution.PaidAd:             "the click came from a paid ad",
	attribution.EnrolmentNotActive: "the enrolment was not active",
	attribution.InCartBeforeClick:  "it was in the cart before the click",
	attribution.SessionEnded:       "an order in between ended the session",
	attribution.Superseded:         "a later click of another creator",
	attribution.Expired:            "ordered too long after the click",
	attribution.NoTouch:            "no click was known",
	attribution.SelfPurchase:       "bought by the creator",
	attribution.RelatedBuyer:       "bought by somebody of the same household or address",
	attribution.Resale:             "bought for resale",
	attribution.ExcludedProduct:    "this product is excluded",
	attribution.PolicyViolation:    "found in breach of the program's rules",
	attribution.RateZero:           "this product earns no commission",
	attribution.ZeroPrice:          "nothing was paid for it",
	attribution.RoundsToZero:       "the commission is less than half a cent",
	attribution.NotFulfilled:       "not shipped in time",
	attribution.Cancelled:          "cancelled before it was shipped",
	attribution.Returned:           "returned",
	attribution.AwaitingPayment:    "not paid for yet",
}

// Of bounties there are some more; lists of lines do not offer them.
var bountyReasons = map[attribution.Reason]string{
	bounty.NotOffered:       "no bounty was offered for it then",
	bounty.NotNewCustomer:   "for new customers only",
	bounty.AlreadyCompleted: "the same customer had done it before",
	bounty.ValueMissing:     "the store named no value",
	bounty.Reversed:         "taken back by the store",
}
