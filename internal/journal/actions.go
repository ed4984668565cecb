package journal

import "strings"

// Actions lists the codes of what is decided, with what they mean in plain words. A test holds it against every code that
// is written anywhere in the product.
var Actions = map[string]string{
	"account.closed":           "an account was closed",
	"account.opened":           "an account was opened",
	"application.sent":         "an application was sent",
	"application.withdrawn":    "an application was taken back",
	"creator.changed":          "a creator's data was changed",
	"device.ended":             "a device was signed out",
	"document.accepted":        "a document was accepted",
	"document.published":       "a document was published",
	"enrolment.applied":        "a program was applied for",
	"enrolment.approved":       "an enrolment was approved",
	"enrolment.closed":         "an enrolment was closed",
	"enrolment.declined":       "an application was declined",
	"enrolment.provisional":    "an enrolment began, provisionally",
	"enrolment.reopened":       "an enrolment was reopened",
	"enrolment.under_review":   "an enrolment came under review",
	"person.erased":            "a person was erased",
	"person.erasure_begun":     "the erasure of a person was begun",
	"person.exported":          "a person's data was exported",
	"staff.added":              "a member of the staff was added",
	"staff.closed":             "a member of the staff was closed",
	"staff.role":               "a member of the staff got another role",
	"staff.opened":             "a member of the staff was added on the command line",
	"staff.link_made":          "a member of the staff got a new link on the command line",
	"team.granted":             "an agency may act for a creator",
	"team.grant_ended":         "an agency may act for a creator no more",
	"template.saved":           "the wording of a message was changed",
	"mail.resent":              "a letter that did not arrive was sent again",
	"token.made":               "an API token was made",
	"token.revoked":            "an API token was revoked",
	"enrolment.drafted":        "an application was begun",
	"enrolment.limited":        "an enrolment was limited",
	"enrolment.restored":       "an enrolment has the standing of before again",
	"enrolment.suspended":      "an enrolment was suspended",
	"enrolment.warned":         "an enrolment was warned",
	"hold.released":            "money that was withheld was given free",
	"network.connected":        "a social account was connected",
	"site.proved":              "a site was proved to be its creator's own",
	"account.email_changed":    "somebody's address was changed",
	"account.password_changed": "a password was set",
	"account.password_ended":   "a password was removed",
	"account.recovered":        "an account was recovered by mail",
	"account.renamed":          "somebody changed their name",
	"account.second_factor":    "a second factor was changed",
	"creator.pin":              "a phone PIN was set or removed",
	"identity.tied":            "an account elsewhere was connected",
	"identity.untied":          "an account elsewhere was removed",
	"passkey.added":            "a passkey was added",
	"passkey.removed":          "a passkey was removed",
	"staff.linked":             "a login link was made for a member of the staff",
	"team.invited":             "somebody was invited to a team",
	"team.joined":              "somebody joined a team",
	"team.left":                "somebody left a team",
	"team.opened":              "a team was made",
	"team.seat":                "somebody's seat in a team was changed",
	"team.uninvited":           "an invitation was taken back",
	"rates.published":          "rates were published",
	"bounty.published":         "a bounty was published",
	"bounty.ended":             "a bounty has another end",
	"coupon.opened":            "a coupon was given to a creator",
	"coupon.ended":             "a coupon was ended",
	"correction.proposed":      "a correction was proposed",
	"correction.approved":      "a correction was approved",
	"correction.declined":      "a correction was declined",
	"correction.withdrawn":     "a correction was withdrawn",
	"claim.asked":              "a creator was asked about a claim",
	"claim.answered":           "a claim was answered",
}

// Words says a code in plain words; one that is not listed is said by its own.
func Words(action string) string {
	if words, ok := Actions[action]; ok {
		return words
	}
	return strings.NewReplacer(".", " ", "_", " ").Replace(action)
}
