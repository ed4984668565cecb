package network_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/network"
)

// TestJudge is the score as a program manager reads it: an account, and what it comes to by the shipped weights
// (followers 400, engagement 300, rhythm 200, last post 100; 350 are needed).
func TestJudge(t *testing.T) {
	// a channel, of so many followers, with so many reactions per post and follower (in hundredths of a percent), so many posts in
	// 30 days, the last one so many days ago
	of := func(followers, engagement, recent int64, days int, change ...func(*network.Snapshot)) network.Snapshot {
		s := network.Snapshot{Followers: followers, Posts: 100, Recent: recent, Engagement: engagement, Public: true, Business: true,
			Last: begin.AddDate(0, 0, -days)}
		for _, one := range change {
			one(&s)
		}
		return s
	}
	hidden := func(s *network.Snapshot) { s.Hidden, s.Followers, s.Engagement = true, 0, 0 }
	for _, c := range []struct {
		name string
		k    network.Kind
		s    network.Snapshot
		want string // points of the four parts, their sum, and the outcome
	}{
		{"large and lively", network.YouTube, of(12_400, 330, 8, 2), "400 300 200 100 = 1000 pass"},
		{"at the guide value", network.YouTube, of(1_000, 200, 8, 2), "200 300 200 100 = 800 pass"},
		{"at the guide value, and nobody reacts", network.YouTube, of(1_000, 0, 0, 90), "200 0 0 0 = 200 fail"},
		{"ten times the guide value alone", network.YouTube, of(10_000, 0, 0, 90), "400 0 0 0 = 400 pass"},
		{"between", network.YouTube, of(2_310, 100, 4, 10), "273 150 100 100 = 623 pass"},
		{"small, and people answer", network.YouTube, of(120, 200, 4, 3), "139 300 100 100 = 639 pass"},
		{"very small, and people answer", network.YouTube, of(9, 1000, 8, 1), "67 300 200 100 = 667 pass"},
		{"nobody follows", network.YouTube, of(0, 0, 8, 1), "0 0 200 100 = 300 fail"},
		{"many followers who left", network.YouTube, of(9_000, 2, 0, 300), "391 3 0 0 = 394 pass"},
		{"one post a week", network.YouTube, of(500, 50, 4, 7), "180 75 100 100 = 455 pass"},
		{"a month of silence", network.YouTube, of(500, 50, 1, 30), "180 75 25 65 = 345 fail"},
		{"last post 14 days ago", network.YouTube, of(0, 0, 0, 14), "0 0 0 100 = 100 fail"},
		{"last post 37 days ago", network.YouTube, of(0, 0, 0, 37), "0 0 0 50 = 50 fail"},
		{"last post 60 days ago", network.YouTube, of(0, 0, 0, 60), "0 0 0 0 = 0 fail"},
		{"three percent on Instagram", network.Instagram, of(1_000, 300, 0, 90), "200 300 0 0 = 500 pass"},
		{"three percent on TikTok, where more is usual", network.TikTok, of(1_000, 300, 0, 90), "200 180 0 0 = 380 pass"},
		{"one percent on Facebook, where less is usual", network.Facebook, of(1_000, 100, 0, 90), "200 300 0 0 = 500 pass"},
		{"hidden followers, two posts a week", network.YouTube, of(0, 0, 8, 2, hidden), "0 0 200 100 = 1000 pass"},
		{"hidden followers, one post a month", network.YouTube, of(0, 0, 1, 30, hidden), "0 0 25 65 = 300 fail"},
		{"no business account on Instagram", network.Instagram, of(12_400, 330, 8, 2, func(s *network.Snapshot) { s.Business = false }),
			"400 300 200 100 = 1000 fail: business_account"},
		{"none on TikTok, where none is wanted", network.TikTok, of(12_400, 500, 8, 2, func(s *network.Snapshot) { s.Business = false }),
			"400 300 200 100 = 1000 pass"},
		{"private", network.YouTube, of(12_400, 330, 8, 2, func(s *network.Snapshot) { s.Public = false }),
			"400 300 200 100 = 1000 fail: private"},
		{"no posts", network.Facebook, network.Snapshot{Followers: 12_400, Public: true, Business: true}, "400 0 0 0 = 400 fail: no_posts"},
		{"letters that look alike are for a person to see", network.YouTube,
			of(12_400, 330, 8, 2, func(s *network.Snapshot) { s.Confusable = true }), "400 300 200 100 = 1000 pass: confusable"},
		{"nothing at all", network.Instagram, network.Snapshot{}, "0 0 0 0 = 0 fail: business_account private no_posts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judged(network.Judge(c.k, c.s, network.Shipped(), begin)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func judged(s network.Score) string {
	var text strings.Builder
	for _, p := range s.Parts[:4] {
		fmt.Fprintf(&text, "%d ", p.Points)
	}
	fmt.Fprintf(&text, "= %d ", s.Points)
	if text.WriteString("fail"); s.Pass {
		return strings.TrimSuffix(text.String(), "fail") + "pass" + against(s)
	}
	return text.String() + against(s)
}

func against(s network.Score) string {
	if len(s.Against) == 0 {
		return ""
	}
	return ": " + strings.Join(s.Against, " ")
}

// Each part says in figures what it goes by.
func TestWords(t *testing.T) {
	s := network.Snapshot{Followers: 2_310, Posts: 40, Recent: 1, Engagement: 125, Last: begin.AddDate(0, 0, -3), Public: true,
		Countries: []network.Share{{Country: "US", BPS: 6100}, {Country: "GB", BPS: 950}, {Country: "CA", BPS: 905}, {Country: "DE", BPS: 400}}}
	var got []string
	for _, p := range network.Judge(network.YouTube, s, network.Shipped(), begin).Parts {
		got = append(got, fmt.Sprintf("%s %d/%d %s", p.Code, p.Points, p.Most, p.Words))
	}
	want := []string{
		"followers 273/400 2,310 followers; half of the points at 1,000, all from 10,000",
		"engagement 188/300 1.25 % of the followers react to a post; full points from 2 %",
		"rhythm 25/200 1 post in 30 days; full points from 8",
		"last_post 100/100 The newest post is from 3 days ago; full points up to 14 days, none from 60",
		"countries 0/0 Where the audience lives: US 61 %, GB 9.5 %, CA 9.05 %",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	today := network.Judge(network.YouTube, network.Snapshot{Hidden: true, Last: begin}, network.Shipped(), begin)
	if words := today.Parts[0].Words + "|" + today.Parts[3].Words; words !=
		"The account hides how many follow it; the other parts count for this one|The newest post is from today; full points up to 14 days, none from 60" {
		t.Error(words)
	}
}

// Whatever the figures and weights, points stay within their bounds, and more of anything never gives fewer of them.
func TestJudgeHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(network.Kinds).Draw(t, "kind")
		number := func(name string) int64 { return rapid.Int64Range(-5, 1<<50).Draw(t, name) }
		s := network.Snapshot{Followers: number("followers"), Posts: number("posts"), Recent: number("recent"), Engagement: number("engagement"),
			Hidden: rapid.Bool().Draw(t, "hidden"), Public: rapid.Bool().Draw(t, "public"), Business: rapid.Bool().Draw(t, "business"),
			Last: begin.Add(-time.Duration(rapid.Int64Range(-100, 10_000).Draw(t, "hours")) * time.Hour)}
		weight := func(name string) int64 { return rapid.Int64Range(0, 250).Draw(t, name) }
		w := network.Weights{Followers: weight("f"), Engagement: weight("e"), Rhythm: weight("r"), LastPost: weight("l"),
			Guide: rapid.Int64Range(-1, 1<<40).Draw(t, "guide"), Needed: weight("needed")}
		score := network.Judge(k, s, w, begin)
		if score.Points < 0 || score.Points > w.Followers+w.Engagement+w.Rhythm+w.LastPost || len(score.Parts) != 4 {
			t.Fatalf("%+v", score)
		}
		for _, p := range score.Parts {
			if p.Points < 0 || p.Points > p.Most || p.Words == "" {
				t.Fatalf("%+v", p)
			}
		}
		more := s
		more.Followers, more.Engagement, more.Recent = s.Followers+s.Followers/3+1, s.Engagement+7, s.Recent+1
		if better := network.Judge(k, more, w, begin); better.Points < score.Points {
			t.Fatalf("more gave less: %+v, %+v", score, better)
		}
	})
}
