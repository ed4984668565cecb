package claim

import (
	"strconv"
	"time"

	"tributary/internal/explain"
)

// What is known is said in plain sentences, too. Times are the marketplace's; pages that know the reader's zone write
// their own from the data beside.

const timeForm = "2 January 2006, 15:04"

// sentences sum a case up.
func (k Known) sentences() []string {
	switch k.Case {
	case Credited:
		if !k.Claimable {
			return []string{"This order is known, and it is credited to you. There is nothing to claim."}
		}
		return []string{"This order is known, and part of it is credited to you.", "What earns you nothing says why."}
	case Touched:
		if !k.Claimable {
			return []string{"This order is known, and it waits for its payment.", "It is decided once it is paid."}
		}
		return []string{"This order is known, and a click of yours came with it.", "Each line says why it did not win."}
	case NoClick:
		return []string{"The store has reported this order. No click of yours came with it."}
	case Waiting:
		return []string{"The store has sent news of this order, and not yet the order itself.",
			"It is decided as soon as it comes."}
	}
	return []string{"The store has not reported this order, or not yet.",
		"Check the number; orders usually come within minutes."}
}

// byDate sums up what was found around a date.
func (k Known) byDate() []string {
	clicks := int64(0)
	for _, d := range k.Days {
		clicks += d.Counted
	}
	words := []string{"Around this date " + count(clicks, "click", "clicks") + " of yours counted."}
	switch {
	case len(k.Orders) == 0:
		words = append(words, "No order of these days came with a click of yours.")
	default:
		words = append(words, count(int64(len(k.Orders)), "order", "orders")+" of these days came with a click of yours.")
	}
	if k.Partial {
		words = append(words, "There is more than was looked through. An order's number always finds it.")
	}
	return words
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

// lineReasons say why a line that a creator won earns nothing, behind lineWon.
var lineReasons = map[string]string{
	"self_purchase":         "It earns nothing: it was bought with an account, e-mail, payment or device of your own.",
	"related_buyer":         "It earns nothing: it went to your own address or household.",
	"resale":                "It earns nothing: it was bought for resale.",
	"excluded_product":      "It earns nothing: this product is excluded.",
	"policy_violation":      "It earns nothing: it was found in breach of the rules.",
	"rate_zero":             "It earns nothing: its category pays no commission.",
	"zero_price":            "It earns nothing: nothing was paid for it.",
	"rounds_to_zero":        "It earns nothing: the commission is less than half of the smallest coin.",
	"not_fulfilled_in_time": "It earns nothing any more: it was not shipped in time.",
	"cancelled":             "It earns nothing any more: it was cancelled.",
	"returned":              "It earns nothing any more: everything was given back.",
	"awaiting_payment":      "It is decided once it is paid.",
}

const lineWon = "This line was won by you. "

func lineWords(e *explain.Explanation, l Line) string {
	if l.Own != nil {
		if words, known := lineReasons[l.Reason]; known {
			if e.Finding != nil && l.Reason == "policy_violation" {
				words += " " + e.Finding.Words
			}
			return lineWon + words
		}
	}
	switch {
	case l.Credited && e.Pending > 0 && e.Earned > 0:
		return "This line is credited to you. Part of it has shipped."
	case l.Credited && e.Pending > 0:
		return "This line is credited to you. It is pending until it ships."
	case l.Credited:
		return "This line is credited to you."
	case len(l.Touches) == 0:
		return "No click of yours came with this line."
	}
	return l.Touches[len(l.Touches)-1].Words
}

// touchWords tell what became of a touch of the reader's.
func touchWords(e *explain.Explanation, t Touch, zone *time.Location) string {
	says := func(at *time.Time) string { return at.In(zone).Format(timeForm) }
	what := "Your click"
	switch {
	case t.Source == "coupon":
		return couponWords(t)
	case t.View:
		what = "The view of your video"
	}
	if t.At != nil {
		what += " of " + says(t.At)
	}
	if t.Won {
		return what + " won this line."
	}
	switch t.Reason {
	case "bad_token":
		return what + " could not be read."
	case "wrong_marketplace":
		return what + " belongs to another marketplace."
	case "invalid_traffic":
		return what + " was found not to be made by a person."
	case "paid_ad":
		return what + " came from a paid ad, which earns nothing here."
	case "enrolment_not_active":
		return what + " did not count: your enrolment was not active at the click or at the order."
	case "in_cart_before_click":
		if e.AddedAt != nil && !e.Digital {
			return what + " came too late: the product was in the cart since " + says(e.AddedAt) + "."
		}
		return what + " came after the order."
	}
	return what + endWords(e, t, says)
}

// endWords say what ended the session of a touch.
func endWords(e *explain.Explanation, t Touch, says func(*time.Time) string) string {
	switch t.EndedBy {
	case EndOtherClick:
		return ": its session ended on " + says(t.EndedAt) + ", when the shopper clicked a link of another creator."
	case EndOwnClick:
		return " gave way to a later click of yours, of " + says(t.EndedAt) + "."
	case EndOrder:
		return ": its session ended on " + says(t.EndedAt) + ", when the shopper placed another order."
	case EndTime:
		return ": its session ended on " + says(t.EndedAt) + ", after " + count(int64(e.Rules.SessionHours), "hour", "hours") +
			". The product was chosen later."
	case EndCart:
		return " had until " + says(t.EndedAt) + ": " + count(int64(e.Rules.CartDays), "day", "days") +
			" for what was put in the cart in time. It was ordered later."
	case EndView:
		return " gave way to a video that was seen later."
	case EndCoupon:
		return " gave way to a coupon, which comes first in this marketplace."
	}
	if t.Reason == "no_touch" {
		return " was not one for this product."
	}
	return " did not win this line."
}

func couponWords(t Touch) string {
	switch {
	case t.Won:
		return "Your coupon won this line."
	case t.Reason == "enrolment_not_active":
		return "Your coupon did not count: your enrolment was not active at the order."
	case t.Reason == "no_touch":
		return "Your coupon was not valid when this was ordered."
	case t.EndedBy == EndCoupon:
		return "Your coupon came behind another one of this order."
	}
	return "Your coupon gave way to a click or a view, which come first in this marketplace."
}
