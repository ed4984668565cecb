package notice

import (
	"slices"
	"strings"

	"tributary/internal/fault"
)

// Event is something that people are told.
type Event struct {
	Code  string // `enrolment.approved`
	Group string // one of Groups: what is switched together
	Words string // what happened, for lists of events
	Link  string // where it leads when no fact `link` says otherwise; begins with a slash
	Facts []Fact // beside those of everybody (Given)

	// Must is what somebody must know, whatever they switched off: security, money, ends of enrolments, changes of documents.
	Must bool
	// Parting is told to somebody whose key is about to be destroyed: it is sealed for the mail alone, and then gone.
	Parting bool
}

// Fact is a value that a template may fill in: already formatted, in plain text.
type Fact struct {
	Name     string
	Words    string // what it is, for whoever edits the template
	Sample   string // what previews show
	Optional bool   // empty where it is not given
	Secret   bool   // opens a door: it stands in the mail only, and is gone once that is sent
}

// Group is a number of events that are switched together.
type Group struct {
	Code, Words string
	Staff       bool // only the operator's people get these
}

// Groups lists them all, as settings show them.
var Groups = []Group{
	{Code: "account", Words: "Signing in and security"}, {Code: "team", Words: "Your team"},
	{Code: "programs", Words: "Applications and programs"}, {Code: "proofs", Words: "Sites and networks"},
	{Code: "money", Words: "Claims and money"}, {Code: "documents", Words: "Agreements and policies"},
	{Code: "rates", Words: "Rates"}, {Code: "data", Words: "Your data"}, {Code: "desk", Words: "Waiting reviews", Staff: true},
}

// Given are the facts that every template has without being told them.
var Given = []Fact{
	{Name: "recipient", Words: "the name of whoever reads it", Sample: "Ada Lindholm"},
	{Name: "market", Words: "the marketplace, or the installation where there is none", Sample: "Harbour Market"},
}

// link may be given with every event, and leads somewhere else than usual.
var link = Fact{Name: "link", Words: "where it leads: an address of ours that begins with a slash", Optional: true}

// Facts that several events have.
var (
	when    = Fact{Name: "when", Words: "day and time", Sample: "Sun Nov 22, 2:03 PM", Optional: true}
	device  = Fact{Name: "device", Words: "browser and system", Sample: "Firefox on Linux", Optional: true}
	program = Fact{Name: "program", Words: "the program", Sample: "Associates"}
	until   = Fact{Name: "until", Words: "the last day", Sample: "May 21"}
	reasons = Fact{Name: "reasons", Words: "why, one reason to a line", Sample: "- The site has fewer than ten items of its own.\n- No disclosure was found."}
	words   = Fact{Name: "words", Words: "what a person wrote about it", Sample: "Please write to us once the new articles are there.", Optional: true}
	minutes = Fact{Name: "minutes", Words: "for how many minutes it works", Sample: "20"}
	account = Fact{Name: "account", Words: "the account's name there", Sample: "@ada.makes"}
	outside = Fact{Name: "network", Words: "the network", Sample: "YouTube"}
	team    = Fact{Name: "team", Words: "the team or account", Sample: "Lindholm Studio"}
	member  = Fact{Name: "who", Words: "who it is about", Sample: "Ben Okri"}
	site    = Fact{Name: "site", Words: "the site", Sample: "ada.example"}
	from    = Fact{Name: "from", Words: "the first day", Sample: "December 6"}
	summary = Fact{Name: "summary", Words: "what changes, in a few sentences", Sample: "Section 4 now says how long a claim may take."}
)

func door(words, sample string) Fact {
	return Fact{Name: "link", Words: words, Sample: sample, Secret: true}
}

// Events lists what people are told. Facts are what the sender gives; templates/<code>.txt is how each is written.
var Events = []Event{
	{Code: "account.verify", Group: "account", Words: "An address is to be confirmed", Must: true, Facts: []Fact{minutes,
		{Name: "code", Words: "the code to type", Sample: "418 220", Secret: true, Optional: true},
		door("the link that confirms", "/verify?token=sample")}},
	{Code: "account.sign_in_link", Group: "account", Words: "A link to sign in was asked for", Must: true, Facts: []Fact{minutes, device,
		{Name: "code", Words: "the code to type", Sample: "418 220", Secret: true, Optional: true},
		door("the link that signs in", "/login?token=sample")}},
	{Code: "account.known", Group: "account", Words: "Somebody signed up with a known address", Link: "/login", Must: true},
	{Code: "account.signed_in", Group: "account", Words: "A new device signed in", Link: "/account/security", Must: true, Facts: []Fact{
		{Name: "device", Words: "browser and system", Sample: "Firefox on Linux"}, when}},
	{Code: "account.password_changed", Group: "account", Words: "The password was changed", Link: "/account/security", Must: true,
		Facts: []Fact{when, device}},
	{Code: "account.passkey_added", Group: "account", Words: "A passkey was added", Link: "/account/security", Must: true, Facts: []Fact{
		{Name: "passkey", Words: "its name", Sample: "Ada's phone", Optional: true}, when, device}},
	{Code: "account.passkey_removed", Group: "account", Words: "A passkey was removed", Link: "/account/security", Must: true, Facts: []Fact{
		{Name: "passkey", Words: "its name", Sample: "Ada's old phone", Optional: true}, when, device}},
	{Code: "account.second_factor", Group: "account", Words: "The second factor changed", Link: "/account/security", Must: true, Facts: []Fact{
		{Name: "what", Words: "what was changed, as a sentence without its full stop", Sample: "An authenticator app was added"}, when, device}},
	{Code: "account.email_changed", Group: "account", Words: "The mail address was changed", Link: "/account/security", Must: true, Facts: []Fact{
		{Name: "email", Words: "the new address, shortened", Sample: "a…@new.example"}, when, device}},
	{Code: "account.recovered", Group: "account", Words: "The account was recovered by mail", Link: "/account/security", Must: true,
		Facts: []Fact{when, device}},

	{Code: "team.invited", Group: "team", Words: "Somebody was invited to the team", Link: "/account/team", Facts: []Fact{team, member,
		{Name: "by", Words: "who invited", Sample: "Ada Lindholm", Optional: true}, {Name: "seat", Words: "what they may do", Sample: "manager", Optional: true}}},
	{Code: "team.joined", Group: "team", Words: "Somebody joined the team", Link: "/account/team", Must: true, Facts: []Fact{team, member,
		{Name: "seat", Words: "what they may do", Sample: "manager", Optional: true}}},
	{Code: "team.left", Group: "team", Words: "Somebody left the team", Link: "/account/team", Must: true, Facts: []Fact{team, member}},

	{Code: "application.received", Group: "programs", Words: "An application was received", Link: "/creator/programs", Facts: []Fact{program,
		{Name: "next", Words: "what happens next and by when, as a sentence", Sample: "Prove that ada.example is yours, and you can begin."}}},
	{Code: "enrolment.provisional", Group: "programs", Words: "A program begins, provisionally", Link: "/creator/programs", Facts: []Fact{program, until,
		{Name: "wanted", Words: "how many sales are wanted", Sample: "3"}, {Name: "days", Words: "within how many days", Sample: "180"}}},
	{Code: "enrolment.reminder", Group: "programs", Words: "Sales are missing, and the time runs out", Link: "/creator/programs", Must: true,
		Facts: []Fact{program, until, {Name: "days", Words: "how many days are left", Sample: "30"},
			{Name: "missing", Words: "how many sales are missing", Sample: "2"}}},
	{Code: "enrolment.under_review", Group: "programs", Words: "A person looks at it", Link: "/creator/programs", Facts: []Fact{program,
		{Name: "by", Words: "by when it is answered", Sample: "November 27"}}},
	{Code: "enrolment.approved", Group: "programs", Words: "A program was approved", Link: "/creator/programs", Facts: []Fact{program, words}},
	{Code: "enrolment.declined", Group: "programs", Words: "An application was declined", Link: "/creator/programs", Must: true,
		Facts: []Fact{program, reasons, words}},
	{Code: "enrolment.changed", Group: "programs", Words: "An enrolment has another standing", Link: "/creator/programs", Must: true,
		Facts: []Fact{program, {Name: "standing", Words: "what it is now", Sample: "limited"},
			{Name: "why", Words: "why, in a few words", Sample: "The links hide where they lead"},
			{Name: "words", Words: "what a person wrote about it", Sample: "Please mend the links of the two posts below."}}},
	{Code: "enrolment.closed", Group: "programs", Words: "An enrolment was closed", Link: "/creator/programs", Must: true, Facts: []Fact{program,
		{Name: "why", Words: "why, as a sentence", Sample: "Three sales were wanted by May 20, and one was counted."},
		{Name: "money", Words: "what happens to the money, as a sentence", Sample: "$12.40 stays on your balance and is released once you are approved.", Optional: true},
		{Name: "again", Words: "how to apply again, as a sentence", Sample: "You can apply again at once; your links then work again.", Optional: true}}},
	{Code: "enrolment.reopened", Group: "programs", Words: "An enrolment was reopened", Link: "/creator/programs", Facts: []Fact{program,
		{Name: "why", Words: "why, as a sentence", Sample: "A sale from before the deadline was reported late and makes three."}}},
	{Code: "connections.open", Group: "programs", Words: "Connections is open", Link: "/creator/programs"},

	{Code: "site.proved", Group: "proofs", Words: "A site was proved", Link: "/creator/programs", Facts: []Fact{site}},
	{Code: "site.report", Group: "proofs", Words: "What was seen on a site", Link: "/creator/programs", Facts: []Fact{site,
		{Name: "found", Words: "what was found, as a sentence", Sample: "12 items of your own were found, the newest of November 19."},
		{Name: "problems", Words: "what to mend, one thing to a line", Sample: "- No disclosure was found on the pages that were read.", Optional: true}}},
	{Code: "network.connected", Group: "proofs", Words: "A social account was connected", Link: "/join/networks", Facts: []Fact{outside, account}},
	{Code: "network.expired", Group: "proofs", Words: "A social account must be connected again", Link: "/join/networks", Facts: []Fact{outside, account}},
	{Code: "network.checked", Group: "proofs", Words: "A social account was looked at again", Link: "/join/networks", Facts: []Fact{outside, account,
		{Name: "found", Words: "what was found, as a sentence", Sample: "12,400 people follow it, and 9 posts were made in the last 30 days."}}},

	{Code: "claim.answered", Group: "money", Words: "A claim was answered", Link: "/creator/ask", Must: true, Facts: []Fact{
		{Name: "about", Words: "what was asked about", Sample: "order 2005"}, {Name: "outcome", Words: "what was decided", Sample: "accepted"}, words}},
	{Code: "claim.question", Group: "money", Words: "A claim needs your answer", Link: "/creator/ask", Must: true, Facts: []Fact{
		{Name: "about", Words: "what was asked about", Sample: "order 2005"}, {Name: "question", Words: "what is asked", Sample: "Which device was it?"}}},
	{Code: "hold.released", Group: "money", Words: "Money that waited was released", Link: "/creator/earnings", Must: true, Facts: []Fact{
		{Name: "amount", Words: "how much", Sample: "$12.40"}, {Name: "program", Words: "the program", Sample: "Associates", Optional: true}}},

	{Code: "document.published", Group: "documents", Words: "A document changes", Link: "/documents", Must: true, Facts: []Fact{
		{Name: "what", Words: "the document", Sample: "Operating agreement"}, summary, from}},
	{Code: "document.reminder", Group: "documents", Words: "A document waits to be accepted", Link: "/documents", Must: true, Facts: []Fact{
		{Name: "what", Words: "the document", Sample: "Operating agreement"}, from}},
	{Code: "rates.published", Group: "rates", Words: "Rates change", Link: "/rates", Facts: []Fact{summary, from}},

	{Code: "data.exported", Group: "data", Words: "Your data was exported", Link: "/account/data", Must: true, Facts: []Fact{when, device}},
	{Code: "data.erased", Group: "data", Words: "The account was erased", Link: "/", Must: true, Parting: true, Facts: []Fact{
		{Name: "kept", Words: "what is kept and why, as a sentence", Sample: "The entries of the ledger stay, without your name, as the law asks.", Optional: true}}},

	{Code: "staff.review_due", Group: "desk", Words: "Reviews are due", Link: "/operator/reviews", Facts: []Fact{
		{Name: "count", Words: "how many are due", Sample: "4"}, {Name: "late", Words: "how many of them are late", Sample: "1", Optional: true}}},
}

// EventOf finds an event by its code.
func EventOf(code string) (Event, error) {
	i := slices.IndexFunc(Events, func(e Event) bool { return e.Code == code })
	if i < 0 {
		return Event{}, fault.Invalidf("event", "%q is no event that people are told", "use a code of the list", short(code))
	}
	return Events[i], nil
}

// shownCode bounds what an error repeats of a code that nobody knows.
const shownCode = 40

func short(text string) string {
	if len(text) > shownCode {
		text = text[:shownCode]
	}
	return strings.ToValidUTF8(text, "")
}

// all lists the facts that the event's template may use.
func (e Event) all() []Fact {
	facts := append(slices.Clone(Given), e.Facts...)
	if !slices.ContainsFunc(facts, func(f Fact) bool { return f.Name == link.Name }) {
		facts = append(facts, link)
	}
	return facts
}

// AllFacts lists the facts that the event's template may use, those of everybody first.
func (e Event) AllFacts() []Fact { return e.all() }

// secrets tells whether the event carries something that opens a door.
func (e Event) secrets() bool {
	return slices.ContainsFunc(e.Facts, func(f Fact) bool { return f.Secret })
}

// samples are facts to try a template with.
func (e Event) samples() map[string]string {
	facts := map[string]string{}
	for _, f := range e.all() {
		facts[f.Name] = f.Sample
	}
	if facts[link.Name] == "" {
		facts[link.Name] = e.Link
	}
	return facts
}

// Limits of what a message carries. A template's text is a page; a fact is what a reviewer may write.
const (
	maxFact  = 4000
	maxFacts = 24
	maxKey   = 200
)

// check refuses facts that leave a place of the template empty, or that do not fit. Names that the event does not know are
// left out: they would be kept for nothing.
func (e Event) check(given map[string]string) (map[string]string, error) {
	facts := make(map[string]string, len(given))
	if len(given) > maxFacts {
		return nil, fault.Invalidf("facts", "are %d, and may be %d", "give those of the event", len(given), maxFacts)
	}
	for _, f := range e.all() {
		value := strings.TrimSpace(given[f.Name])
		switch {
		case slices.ContainsFunc(Given, func(g Fact) bool { return g.Name == f.Name }):
			continue
		case value == "" && !f.Optional:
			return nil, fault.Invalidf("facts."+f.Name, "is missing from "+e.Code, "give "+f.Words)
		case len(value) > maxFact:
			return nil, fault.Invalidf("facts."+f.Name, "has %d bytes, and may have %d", "give less", len(value), maxFact)
		case f.Name == link.Name && value != "" && !local(value):
			return nil, fault.Invalidf("facts.link", "is not an address of ours", "begin it with one slash")
		case value != "":
			facts[f.Name] = clean(value)
		}
	}
	return facts, nil
}

// local tells whether an address leads to our own pages, however a browser reads it.
func local(address string) bool {
	return strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") &&
		!strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f })
}

// clean leaves line breaks, and no other control characters: they would end a header or hide a text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}
