package admission

import (
	"fmt"
	"strings"
	"time"

	"tributary/internal/application"
	"tributary/internal/enrolment"
	"tributary/internal/market"
)

// Names are the programs as people read them.
var Names = map[enrolment.Program]string{
	enrolment.Associates: "Associates", enrolment.Influencer: "Influencer", enrolment.Connections: "Connections",
}

// Reasons that standings carry beside those of package enrolment.
const (
	ReasonScore     = "score"    // a connected account was scored
	ReasonGate      = "gate"     // what connections ask for was met
	ReasonWish      = "own_wish" // the creator ended it
	ReasonReview    = "review"   // a person decided
	ReasonChildren  = "children" // directed at children under 13
	ReasonDormant   = "dormant"  // no click for longer than the operator allows
	ReasonBanned    = "banned"   // closed for good
	ReasonProof     = "proof"    // a site was proved
	ReasonSentForm  = "applied"  // an application was sent
	ReasonWaiting   = "waiting"  // a person decides about a connected account
	betweenCodes    = ", "       // between codes in the journal
	mostReasonWords = 2000       // characters that a reviewer may write
)

// DeclineReasons are why an application may be declined, as reviewers choose them and applicants read them.
var DeclineReasons = []application.Choice{
	{Code: "thin", Label: "The site has too few items of its own"},
	{Code: "stale", Label: "The newest item is too old"},
	{Code: "no_disclosure", Label: "The site does not say that it earns a commission"},
	{Code: "not_public", Label: "The site cannot be opened by everybody"},
	{Code: "copied", Label: "What is published is not original"},
	{Code: "undeclared", Label: "Sales came from somewhere that was not named"},
	{Code: "own_sales", Label: "The sales were your own, or those of people close to you"},
	{Code: "incentives", Label: "Buyers are rewarded for using the links"},
	{Code: "cloaking", Label: "The links hide where they lead"},
	{Code: "trademark", Label: "A name or an address uses a trademark that is not yours"},
	{Code: ReasonChildren, Label: "It is directed at children under 13"},
	{Code: "duplicate", Label: "You have another account here"},
	{Code: "business_account", Label: "The account is not a business account"},
	{Code: "private", Label: "The account is private"},
	{Code: "no_posts", Label: "Nothing was published on the account"},
	{Code: ReasonScore, Label: "The account does not reach the points that are needed"},
	{Code: "other", Label: "Another reason, which is written below"},
}

// ReasonText says a code of DeclineReasons, or of a standing, in words.
func ReasonText(code string) string {
	if label, ok := application.LabelOf(DeclineReasons, code); ok {
		return label
	}
	switch code {
	case enrolment.ReasonOver:
		return "The time for the first sales is over"
	case ReasonWish:
		return "You ended it"
	case ReasonDormant:
		return "Nobody has followed your links for a long time"
	case ReasonBanned:
		return "It was closed for good"
	case "erased":
		return "The account was erased"
	case "":
		return ""
	}
	return strings.ReplaceAll(code, "_", " ")
}

// day writes a local date.
func day(m market.Market, at time.Time) string { return at.In(m.Location()).Format("2 January 2006") }

// lastDay writes the last local date before an end that is not included.
func lastDay(m market.Market, until time.Time) string { return day(m, until.Add(-time.Microsecond)) }

// dateText writes a stored local date.
func dateText(date string) string {
	at, err := time.Parse("2006-01-02", date)
	if err != nil {
		return date
	}
	return at.Format("2 January 2006")
}

// dueAt is the end of a local date: until then somebody has answered.
func dueAt(m market.Market, date string) time.Time {
	at, err := time.ParseInLocation("2006-01-02", date, m.Location())
	if err != nil {
		return time.Time{}
	}
	return at.AddDate(0, 0, 1).UTC()
}

func plural(count int, one, many string) string {
	if count == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", count, many)
}
