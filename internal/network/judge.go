package network

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Score is what a snapshot comes to, with its parts.
type Score struct {
	Points int64  `json:"points"` // 0 to 1,000
	Needed int64  `json:"needed"`
	Pass   bool   `json:"pass"`
	Parts  []Part `json:"parts"`
	// Against are rules that no number of points outweighs: `business_account`, `private`, `no_posts`. `confusable` stands
	// there, too, and takes nothing away: it asks for a person's look.
	Against []string `json:"against,omitempty"`
}

// What may stand against an account.
const (
	NoBusiness = "business_account" // the network's kind of account for work is missing
	Private    = "private"
	NoPosts    = "no_posts"
	Confusable = "confusable" // handle or title mix scripts whose letters look alike
)

// Part is one part of a score. One whose figure the network does not tell has Most 0, and the others count for it.
type Part struct {
	Code   string `json:"code"` // `followers`, `engagement`, `rhythm`, `last_post`, `countries`
	Points int64  `json:"points"`
	Most   int64  `json:"most"`
	Words  string `json:"words"` // in figures: "2,310 followers; full points from 10,000"
}

// Weights are an operator's numbers for the score.
type Weights struct {
	Followers, Engagement, Rhythm, LastPost int64 // points that each part can give; together at most 1,000
	Guide                                   int64 // followers at which half of that part's points are given: 1,000
	Needed                                  int64
}

// Shipped are the weights that the product comes with.
func Shipped() Weights { return Weights{400, 300, 200, 100, 1000, 350} }

// The yardsticks beside the guide value. They are one page of judgement, made to be read and argued about: two posts a
// week are steady work, and after two months of silence an audience has moved on (as for sites, docs/spec.md §9).
const (
	fullAbove    = 10 // times the guide value: from there on followers give all of their points
	fullPosts    = 8  // in rhythmDays
	rhythmDays   = 30
	freshDays    = 14 // a last post within them gives all points
	staleDays    = 60 // and none from here on
	mostPoints   = 1000
	showShares   = 3
	basisPercent = 100 // basis points of a percent
)

// fullEngagement are the reactions per post and follower, in basis points, that give all points. They differ because the
// networks do: what is shown to strangers draws more reactions per follower than what is shown to friends.
var fullEngagement = map[Kind]int64{YouTube: 200, Instagram: 300, TikTok: 500, Facebook: 100}

// Judge scores a snapshot (docs/networks.md tells the rules in full). It knows no database and no clock: now is given.
// There is no minimum of followers: a small account that people answer to can pass.
func Judge(k Kind, s Snapshot, w Weights, now time.Time) Score {
	score := Score{Needed: w.Needed, Parts: []Part{followersPart(s, w), engagementPart(k, s, w), rhythmPart(s, w), lastPart(s, w, now)}}
	var points, most int64
	for _, p := range score.Parts {
		points, most = points+p.Points, most+p.Most
	}
	// What is not told is not held against anybody: the parts that are known stand for the whole.
	if whole := min(w.Followers+w.Engagement+w.Rhythm+w.LastPost, mostPoints); most > 0 && most < whole {
		points = (points*whole + most/2) / most
	}
	score.Points = min(max(points, 0), mostPoints)
	if len(s.Countries) > 0 {
		score.Parts = append(score.Parts, countriesPart(s.Countries))
	}
	for _, rule := range []struct {
		code  string
		holds bool
	}{{NoBusiness, k.Business() && !s.Business}, {Private, !s.Public}, {NoPosts, s.Posts == 0 && s.Last.IsZero()}, {Confusable, s.Confusable}} {
		if rule.holds {
			score.Against = append(score.Against, rule.code)
		}
	}
	barred := slices.ContainsFunc(score.Against, func(code string) bool { return code != Confusable })
	score.Pass = score.Points >= w.Needed && !barred
	return score
}

// Doubtful tells whether a person should look before anything is decided by the score alone.
func (s Score) Doubtful() bool { return slices.Contains(s.Against, Confusable) }

// followersPart grows with the size of the number, not with the number: half of the points at the guide value, all from
// ten times as many, and something from the first follower on.
func followersPart(s Snapshot, w Weights) Part {
	p := Part{Code: "followers", Most: max(w.Followers, 0)}
	if s.Hidden {
		return Part{Code: "followers", Words: "The account hides how many follow it; the other parts count for this one"}
	}
	guide, have := max(w.Guide, 1), max(s.Followers, 0)
	share := 0.5 * math.Log1p(float64(have)) / math.Log1p(float64(guide))
	if have > guide {
		share = 0.5 + 0.5*math.Log(float64(have)/float64(guide))/math.Log(fullAbove)
	}
	p.Points = portion(p.Most, share)
	p.Words = fmt.Sprintf("%s; half of the points at %s, all from %s", counted(have, "follower"), Grouped(guide), Grouped(guide*fullAbove))
	return p
}

func engagementPart(k Kind, s Snapshot, w Weights) Part {
	switch {
	case s.Hidden:
		return Part{Code: "engagement", Words: "Without the number of followers, reactions cannot be compared with it"}
	case s.Last.IsZero():
		return Part{Code: "engagement", Most: max(w.Engagement, 0), Words: "No post that could be reacted to"}
	}
	full := fullEngagement[k]
	if full == 0 {
		full = fullEngagement[Instagram]
	}
	p := Part{Code: "engagement", Most: max(w.Engagement, 0)}
	p.Points = portion(p.Most, float64(s.Engagement)/float64(full))
	p.Words = fmt.Sprintf("%s %% of the followers react to a post; full points from %s %%", percent(s.Engagement), percent(full))
	return p
}

func rhythmPart(s Snapshot, w Weights) Part {
	p := Part{Code: "rhythm", Most: max(w.Rhythm, 0)}
	p.Points = portion(p.Most, float64(s.Recent)/fullPosts)
	p.Words = fmt.Sprintf("%s in %d days; full points from %d", counted(s.Recent, "post"), rhythmDays, fullPosts)
	return p
}

func lastPart(s Snapshot, w Weights, now time.Time) Part {
	p := Part{Code: "last_post", Most: max(w.LastPost, 0)}
	if s.Last.IsZero() {
		p.Words = "No post yet"
		return p
	}
	days := max(int64(now.Sub(s.Last)/(24*time.Hour)), 0)
	p.Points = portion(p.Most, float64(staleDays-days)/(staleDays-freshDays))
	ago := counted(days, "day") + " ago"
	if days == 0 {
		ago = "today"
	}
	p.Words = fmt.Sprintf("The newest post is from %s; full points up to %d days, none from %d", ago, freshDays, staleDays)
	return p
}

// countriesPart only informs: which marketplace an audience fits is for a person to weigh.
func countriesPart(shares []Share) Part {
	var words []string
	for _, share := range shares[:min(len(shares), showShares)] {
		words = append(words, share.Country+" "+percent(share.BPS)+" %")
	}
	return Part{Code: "countries", Words: "Where the audience lives: " + strings.Join(words, ", ")}
}

// portion is a share of points, to the nearest one.
func portion(most int64, share float64) int64 {
	return int64(math.Floor(float64(most)*min(max(share, 0), 1) + 0.5))
}

// percent writes basis points as a percentage: 250 is 2.5.
func percent(bps int64) string {
	whole, rest := bps/basisPercent, bps%basisPercent
	if rest == 0 {
		return Grouped(whole)
	}
	return Grouped(whole) + "." + strings.TrimRight(fmt.Sprintf("%02d", rest), "0")
}

func counted(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Grouped(n) + " " + thing
}

// Grouped writes a number with a comma between thousands.
func Grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
