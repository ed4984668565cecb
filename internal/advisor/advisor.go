// Package advisor says which program fits somebody: a few answers become a recommendation with its reasons, the steps to take
// and what an application can be filled in with (docs/spec.md §1, §9). It gets values, never a store.
//
// What must always hold: the same answers under the same rules give the same advice; each point of a score has its reason in
// words, and each reason names the row of the comparison that it comes from; a program that somebody cannot apply for today is
// never the one that is recommended.
//
// It decides about nobody: whoever applies is judged by package admission.
package advisor

import (
	"slices"
	"strings"

	"tributary/internal/enrolment"
	"tributary/internal/fault"
)

// Choice is one of several answers: its code, which stands in addresses, and its label.
type Choice struct{ Code, Label string }

// Places are where an audience may be.
var Places = []Choice{{"site", "On my site"}, {"blog", "On my blog"}, {"app", "In my app"}, {"youtube", "YouTube"},
	{"instagram", "Instagram"}, {"tiktok", "TikTok"}, {"facebook", "Facebook"}, {"newsletter", "In my newsletter"},
	{"in_person", "In person: talks, workshops, a shop"}}

// Channels are where recommendations are shared: the channels of the policy matrix (docs/spec.md §9).
var Channels = []Choice{{"web", "Pages and articles"}, {"app", "Inside an app"}, {"video", "Videos and streams"}, {"social", "Posts and stories"},
	{"email", "E-mail"}, {"sms", "SMS"}, {"message", "Private messages"}, {"pdf", "PDF and other files"}, {"print", "Print"}}

// Brands are how somebody stands to campaigns of brands.
var Brands = []Choice{{"yes", "Yes"}, {"later", "Maybe later"}, {"no", "No"}}

// Reaches are brackets of followers or visits in a month, with the codes of package application.
var Reaches = []Choice{{"0-1k", "Up to 1,000"}, {"1k-10k", "1,000 to 10,000"}, {"10k-100k", "10,000 to 100,000"},
	{"100k-1m", "100,000 to a million"}, {"1m+", "More than a million"}}

// Answers are what somebody tells. Topics and Methods are codes of package application.
type Answers struct {
	Where   []string // Places
	Topics  []string
	Methods []string // what is published: posts, reviews, video, …
	Reach   string   // Reaches; empty: not told
	Share   []string // Channels
	Brands  string   // Brands; empty: not told
}

// maxCodes bounds a list of answers: no question has more choices.
const maxCodes = 30

// Check refuses answers that no question offers.
func (a Answers) Check() error {
	for _, list := range []struct {
		field string
		given []string
		known []Choice
	}{{"where", a.Where, Places}, {"share", a.Share, Channels}, {"reach", one(a.Reach), Reaches}, {"brands", one(a.Brands), Brands}} {
		for _, code := range list.given {
			if !slices.ContainsFunc(list.known, func(c Choice) bool { return c.Code == code }) {
				return fault.Invalidf(list.field, "has an answer that is not offered", "choose among those of the page")
			}
		}
	}
	for field, given := range map[string][]string{"topics": a.Topics, "methods": a.Methods} {
		if len(given) > maxCodes {
			return fault.Invalidf(field, "has more than %d answers", "choose the strongest", maxCodes)
		}
	}
	return nil
}

func one(code string) []string {
	if code == "" {
		return nil
	}
	return []string{code}
}

// Empty tells whether there is too little to advise on: where the audience is decides about the gates.
func (a Answers) Empty() bool { return len(a.Where) == 0 }

// Rules are the numbers of the marketplace that somebody would begin in.
type Rules struct {
	Influencer  bool // is offered
	Connections bool // is offered
	Sales       int  // qualifying sales that a trial wants
	TrialDays   int
	Items       int // original items that a reviewer looks for
	NewestDays  int
	ReviewDays  int // business days
	Followers   int // guide value, no minimum
	Clicks      int64
	Revenue     string // of a quarter, that makes bronze: formatted
}

// Reason is one point for or against a program.
type Reason struct {
	Points int    // added to the score; below zero: it speaks against
	Text   string // a sentence
	Rule   string // the row of the comparison: gate, links, sharing, approval, followers, pays, brands
}

// Fit is how well a program fits.
type Fit struct {
	Program enrolment.Program
	Score   int    // 0 to 100
	Closed  string // why it cannot be applied for today; empty: it can
	Reasons []Reason
}

// For and Against split the reasons, the strongest first.
func (f Fit) For() []Reason { return f.split(1) }

// Against gives what speaks against it.
func (f Fit) Against() []Reason { return f.split(-1) }

func (f Fit) split(sign int) (some []Reason) {
	for _, r := range f.Reasons {
		if r.Points*sign > 0 {
			some = append(some, r)
		}
	}
	slices.SortStableFunc(some, func(a, b Reason) int { return sign * (b.Points - a.Points) })
	return some
}

// Step is one thing that happens on the way in.
type Step struct {
	Text string
	When string // how long it takes, or by when
}

// Recommendation is the advice.
type Recommendation struct {
	Fits    []Fit             // all three, the best first
	Best    enrolment.Program // 0: none can be applied for today
	Also    []enrolment.Program
	Steps   []Step
	Missing []string // what is missing for connections
	Prefill Prefill
}

// Prefill is what an application can begin with: codes of package application.
type Prefill struct {
	Topics, Traffic, Methods, Networks []string
	Visits                             string
}

// A score begins in the middle, and one that cannot be applied for stays low, so that nobody takes it for advice.
const (
	beginning = 40
	closedTop = 15 // the gate is shut, and only the applicant can open it
	laterTop  = 45 // it opens by itself, later
	alsoFrom  = 55
)

var networks = []string{"youtube", "instagram", "tiktok", "facebook"}

// Recommend advises.
func Recommend(a Answers, r Rules) Recommendation {
	out := Recommendation{Fits: []Fit{associates(a, r), influencer(a, r), connections(a, r)}, Prefill: prefill(a)}
	slices.SortStableFunc(out.Fits, func(a, b Fit) int { return rank(b) - rank(a) })
	for _, f := range out.Fits {
		switch {
		case f.Closed != "":
		case out.Best == 0:
			out.Best = f.Program
		case f.Score >= alsoFrom:
			out.Also = append(out.Also, f.Program)
		}
	}
	out.Missing = missing(r)
	out.Steps = steps(out.Best, a, r)
	return out
}

// rank sorts by score; what cannot be applied for stands behind, in the order of the programs.
func rank(f Fit) int {
	if f.Closed != "" {
		return -1
	}
	return f.Score
}

// fit adds points up.
type fit struct{ Fit }

func (f *fit) add(points int, rule, text string) {
	f.Reasons = append(f.Reasons, Reason{points, text, rule})
}

func (f *fit) done(top int) Fit {
	sum := beginning
	for _, r := range f.Reasons {
		sum += r.Points
	}
	if f.Score = min(max(sum, 0), 100); f.Closed != "" {
		f.Score = min(f.Score, top)
	}
	return f.Fit
}

func (a Answers) at(places ...string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return slices.Contains(a.Where, p) })
}

func (a Answers) shares(channels ...string) bool {
	return slices.ContainsFunc(channels, func(c string) bool { return slices.Contains(a.Share, c) })
}

func (a Answers) publishes(methods ...string) bool {
	return slices.ContainsFunc(methods, func(m string) bool { return slices.Contains(a.Methods, m) })
}

// offline tells whether links are to go where associates may not put them.
func (a Answers) offline() bool { return a.shares("message", "pdf", "print") || a.at("in_person") }

func (a Answers) social() (names []string) {
	for _, place := range Places {
		if slices.Contains(networks, place.Code) && slices.Contains(a.Where, place.Code) {
			names = append(names, place.Label)
		}
	}
	return names
}

// or lists names as a sentence does.
func or(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
