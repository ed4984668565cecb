package standin

import (
	"fmt"
	"strings"
	"time"

	"tributary/internal/network"
)

// Sample is an account that can be taken on a consent page. Its posts go back from now, so that it is as lively in a year
// as it is today.
type Sample struct {
	Network   network.Kind
	Number    string // empty: a person who has no account there
	Handle    string
	Title     string
	Followers int64
	Posts     int
	Every     int   // days between two posts
	First     int   // days since the newest one
	Reactions int64 // to each post
	Hidden    bool  // the number of followers
	Private   bool
	Personal  bool // no business account, where there is that difference
	Verified  bool
	Task      string // of a page: what the person may do; empty: MANAGE
	Countries map[string]int64
}

// Samples are the accounts that every stand-in offers: for each network one that passes with ease, a small one that people
// answer to, a quiet one, and those that something stands against.
func Samples() []Sample {
	living := map[string]int64{"US": 610, "GB": 120, "CA": 90, "DE": 40}
	return []Sample{
		{Network: network.YouTube, Number: "UCada0000000000000000001", Handle: "ada.bakes.example", Title: "Ada bakes", Followers: 12_400,
			Posts: 140, Every: 4, First: 2, Reactions: 410},
		{Network: network.YouTube, Number: "UCben0000000000000000002", Handle: "ben.repairs.example", Title: "Ben repairs", Followers: 640,
			Posts: 31, Every: 6, First: 5, Reactions: 26},
		{Network: network.YouTube, Number: "UCcam0000000000000000003", Handle: "cam.private.example", Title: "Cam, for family", Followers: 640,
			Posts: 12, Every: 9, First: 3, Reactions: 4, Private: true},
		{Network: network.YouTube, Number: "UCdot0000000000000000004", Handle: "dot.hides.example", Title: "Dot counts nothing", Hidden: true,
			Posts: 60, Every: 5, First: 1, Reactions: 90},
		{Network: network.YouTube, Number: "UCeli0000000000000000005", Handle: "eli.quiet.example", Title: "Eli, once", Followers: 2_310,
			Posts: 18, Every: 40, First: 95, Reactions: 3},
		{Network: network.YouTube, Title: "A Google account without a channel"},

		{Network: network.Instagram, Number: "17841400000000001", Handle: "ada.bakes.example", Title: "Ada bakes", Followers: 12_400,
			Posts: 380, Every: 3, First: 1, Reactions: 340, Countries: living},
		{Network: network.Instagram, Number: "17841400000000002", Handle: "fay.paints.example", Title: "Fay paints", Followers: 880,
			Posts: 95, Every: 4, First: 2, Reactions: 61, Countries: living},
		{Network: network.Instagram, Number: "17841400000000003", Handle: "gus.at.home.example", Title: "Gus", Followers: 640, Posts: 44,
			Every: 10, First: 8, Reactions: 20, Personal: true},
		{Network: network.Instagram, Number: "17841400000000004", Handle: "hal.new.example", Title: "Hal, just here", Followers: 41},

		{Network: network.TikTok, Number: "_000stand-in-ada0000001", Handle: "ada.bakes.example", Title: "Ada bakes", Followers: 48_200,
			Posts: 210, Every: 2, First: 0, Reactions: 2_900, Verified: true},
		{Network: network.TikTok, Number: "_000stand-in-ivy0000002", Handle: "ivy.runs.example", Title: "Ivy runs", Followers: 640, Posts: 70,
			Every: 3, First: 1, Reactions: 38},
		{Network: network.TikTok, Number: "_000stand-in-jon0000003", Handle: "jon.quiet.example", Title: "Jon", Followers: 5_100, Posts: 9,
			Every: 30, First: 70, Reactions: 40},

		{Network: network.Facebook, Number: "100000000000001", Handle: "adabakesexample", Title: "Ada bakes", Followers: 12_400, Posts: 300,
			Every: 4, First: 2, Reactions: 130},
		{Network: network.Facebook, Number: "100000000000002", Handle: "kaysgardenexample", Title: "Kay's garden", Followers: 640, Posts: 55,
			Every: 5, First: 3, Reactions: 9},
		{Network: network.Facebook, Number: "100000000000003", Handle: "leesclubexample", Title: "Lee's club, figures only", Followers: 3_900,
			Posts: 80, Every: 6, First: 4, Reactions: 40, Task: "ANALYZE"},
		{Network: network.Facebook, Number: "100000000000004", Handle: "maesdraftexample", Title: "Mae's draft", Followers: 12, Posts: 3,
			Every: 6, First: 4, Reactions: 1, Private: true},
	}
}

// Words describe a sample on the consent page.
func (s Sample) Words() string {
	if s.Number == "" {
		return "nothing to connect"
	}
	words := []string{network.Grouped(s.Followers) + " followers"}
	if s.Hidden {
		words[0] = "number of followers hidden"
	}
	switch {
	case s.Posts == 0:
		words = append(words, "no posts")
	case s.First > 60:
		words = append(words, fmt.Sprintf("last post %d days ago", s.First))
	default:
		words = append(words, fmt.Sprintf("a post every %d days", s.Every))
	}
	if s.Private && s.Network == network.Facebook {
		words = append(words, "not published")
	} else if s.Private {
		words = append(words, "private")
	}
	if s.Personal {
		words = append(words, "a personal account")
	}
	if s.Task != "" {
		words = append(words, "you may only see its figures")
	}
	return strings.Join(words, ", ")
}

// post is one of a sample's posts, the newest being 0.
type post struct {
	no        int
	at        time.Time
	reactions int64
}

// id names a post of a sample.
func (p post) id(s Sample) string { return fmt.Sprintf("%s.%d", s.Number, p.no) }

// posts are those from an offset on, and whether more follow.
func (s *Networks) posts(one Sample, offset, limit int) (posts []post, more bool) {
	now := s.Business().Truncate(time.Second)
	for i := max(offset, 0); i < one.Posts && len(posts) < limit; i++ {
		posts = append(posts, post{i, now.AddDate(0, 0, -one.First-i*one.Every), one.Reactions})
	}
	return posts, max(offset, 0)+len(posts) < one.Posts
}
