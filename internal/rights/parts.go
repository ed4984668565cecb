package rights

import (
	"io"

	"tributary/internal/db"
)

// part is one file of an export.
type part struct {
	file, about string
	table       *table   // a flat one
	counted     *db.Stmt // of another one, where counting is quick
	write       func(x *export, w io.Writer) (count int64, err error)
}

// The flat parts. What only counts or secures (keys of shoppers, hashes of tokens, rows of queues) says nothing about a person
// and is left out; what is said about it stands in account.json.
var (
	devices = rows(`device WHERE principal = $1`,
		[]string{"id:dv_", "name", "method", "first_seen:t", "last_seen:t", "ended:t"}, []string{"id:n"}).people()
	switches = rows(`notice_switch WHERE principal = $1`, []string{"grp:s:messages", "mail"}, []string{"grp"}).people()
	tokens   = rows(`api_token WHERE creator = $1 AND creator <> 0`,
		[]string{"id:tk_", "name", "scopes", "created:t", "last_used:t", "expires:t", "revoked:t"}, []string{"id:n"})
	documents = rows(`document_acceptance a JOIN document d ON d.id = a.version WHERE a.creator = $1`,
		[]string{"d.kind", "d.number:n", "d.title", "a.accepted:t", "a.principal:us_:accepted_by"}, []string{"a.version:n"})
	standings = rows(`standing WHERE creator = $1`,
		[]string{"market:m", "program:p", "since:t", "state", "reason", "until:t"}, []string{"market:n", "program:n", "since:n"})
	reminders = rows(`admission_step WHERE creator = $1`,
		[]string{"market:m", "program:p", "code", "at:t"}, []string{"market:n", "program:n", "since:n", "code"})
	tracking = rows(`tracking WHERE creator = $1`,
		[]string{"id:tr_", "tag", "program:p", "market:m", "name", "created:t", "archived:t"}, []string{"id:n"})
	links = rows(`link WHERE creator = $1`,
		[]string{"id:li_", "code", "tracking:tr_", "market:m", "kind", "target", "title", "body:s:more", "created:t"}, []string{"id:n"})
	coupons = rows(`coupon WHERE creator = $1`,
		[]string{"market:m", "code", "program:p", "tracking:tr_", "since:t", "until:t"}, []string{"market:n", "code"})
	clicks = rows(`click_day WHERE creator = $1`,
		[]string{"market:m", "day:d", "kind:k", "gross:n", "counted:n"}, []string{"market:n", "day:n", "kind:n"})
	days = rows(`creator_day WHERE creator = $1`,
		[]string{"market:m", "day", "orders:n", "units:n", "revenue:n", "commission:n"}, []string{"market:n", "day"})
	lines = rows(`line WHERE creator = $1 AND creator <> 0`,
		[]string{"market:m", "order_id:s:order", "line_id:s:line", "at:t", "sku", "quantity:n", "amount:n", "program:p", "tracking:tr_", "reason",
			"pending:n", "earned:n", "touched:t"}, []string{"market:n", "order_id", "line_id"})
	bounties = rows(`bounty_claim WHERE creator = $1 AND creator <> 0`,
		[]string{"market:m", "id:s:bounty", "action", "at:t", "program:p", "tracking:tr_", "reason", "pending:n", "earned:n", "reversed:t", "touched:t"},
		[]string{"market:n", "id"})
	tiers = rows(`volume_month WHERE creator = $1`,
		[]string{"market:m", "month", "base:n", "extra:n"}, []string{"market:n", "month"})
	terms = rows(`contract WHERE creator = $1`,
		[]string{"id:ct_", "market:m", "published:t", "body:s:terms"}, []string{"id:n"})
)

// counts are how many rows of a table are a creator's. Each of these has an index by creator.
var counts = map[string]*db.Stmt{}

func init() {
	for _, table := range []string{"site", "network_account", "application", "review_verdict", "notice", "claim", "correction", "line", "bounty_claim"} {
		counts[table] = db.Statement(`SELECT COUNT(*) FROM ` + table + ` WHERE creator = $1 AND creator <> 0`)
	}
}

func counting(table string) *db.Stmt { return counts[table] }

// parts lists the files of an export in their order.
func parts() []part {
	return []part{
		{file: "account.json", about: "The account: name, handle, personal data, who acts for it and how they sign in, money that is kept for it",
			write: writeAccount},
		{file: "devices.csv", about: "Browsers that signed in", table: devices},
		{file: "tokens.csv", about: "API tokens, without what opens a door", table: tokens},
		{file: "sites.json", about: "Sites, apps and channels, how each was proved, and what was seen there", counted: counting("site"), write: writeSites},
		{file: "networks.json", about: "Connected accounts of social networks, with what their networks told and what it came to",
			counted: counting("network_account"), write: writeNetworks},
		{file: "applications.json", about: "Applications to programs, drafts too, as they were filled in", counted: counting("application"),
			write: writeApplications},
		{file: "reviews.json", about: "What reviewers decided about them, with reasons and words", counted: counting("review_verdict"), write: writeReviews},
		{file: "documents.csv", about: "Documents that were accepted", table: documents},
		{file: "notices.json", about: "Messages that were sent", counted: counting("notice"), write: writeNotices},
		{file: "switches.csv", about: "Which messages come by mail, and when", table: switches},
		{file: "enrolments.csv", about: "Where each enrolment stood, and since when", table: standings},
		{file: "reminders.csv", about: "Reminders and deadlines of enrolments", table: reminders},
		{file: "tracking.csv", about: "Tracking ids", table: tracking},
		{file: "links.csv", about: "Short links", table: links},
		{file: "coupons.csv", about: "Coupons", table: coupons},
		{file: "clicks.csv", about: "Clicks by day; what is known of single visitors is not yours", table: clicks},
		{file: "days.csv", about: "Orders, revenue and commission by day, in minor units", table: days},
		{file: "lines.csv", about: "Order lines that are credited, in minor units", table: lines},
		{file: "explanations.json", about: "Why each of these lines earns what it earns, with all facts of the decision", counted: counting("line"),
			write: writeExplanations},
		{file: "bounties.csv", about: "Bounties that are credited, in minor units", table: bounties},
		{file: "bounties.json", about: "Why each of these bounties earns what it earns", counted: counting("bounty_claim"),
			write: writeBounties},
		{file: "tiers.csv", about: "Months under volume tiers, in minor units", table: tiers},
		{file: "terms.csv", about: "Rates of your own", table: terms},
		{file: "ledger.csv", about: "Every entry of the ledger that moved your money, in minor units", write: writeLedger},
		{file: "claims.json", about: "Questions about missing commissions, with their answers", counted: counting("claim"), write: writeClaims},
		{file: "corrections.json", about: "Corrections that people made to your money", counted: counting("correction"), write: writeCorrections},
		{file: "journal.json", about: "Entries of the audit log about you, and of what you did", write: writeJournal},
	}
}
