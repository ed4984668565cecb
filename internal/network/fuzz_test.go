package network_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/network"
)

// Whatever a network's API answers, its reader takes something that can be stored and shown, or nothing; and it never breaks.
func fuzz(f *testing.F, k network.Kind, host string, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		handle, title, address, s, _ := network.Read(k, body, json.Unmarshal, begin)
		for _, text := range []string{handle, title} {
			if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 200 || strings.ContainsFunc(text, func(r rune) bool {
				return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
			}) {
				t.Errorf("a name is %q", text)
			}
		}
		if at, err := url.Parse(address); address != "" && (err != nil || at.Scheme != "https" || at.Host != host && !strings.HasSuffix(at.Host, "."+host)) {
			t.Errorf("the address is %q", address)
		}
		for _, n := range []int64{s.Followers, s.Posts, s.Recent, s.Engagement} {
			if n < 0 {
				t.Errorf("a figure below zero: %+v", s)
			}
		}
		if s.Last.After(begin) || s.Last.Before(time.Time{}) {
			t.Errorf("the last post is from %s", s.Last)
		}
		var whole int64
		for _, share := range s.Countries {
			if whole += share.BPS; len(share.Country) != 2 || share.BPS <= 0 || whole > 10_000 {
				t.Errorf("countries: %+v", s.Countries)
			}
		}
		stored, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("not to be stored: %v", err)
		}
		score := network.Judge(k, s, network.Shipped(), begin)
		if score.Points < 0 || score.Points > 1000 {
			t.Errorf("%s comes to %+v", stored, score)
		}
	})
}

func FuzzYouTube(f *testing.F) {
	fuzz(f, network.YouTube, "youtube.com",
		`{"items":[{"id":"UC1","snippet":{"title":"T","customUrl":"@h"},"statistics":{"subscriberCount":"12","videoCount":"3"},"status":{"privacyStatus":"public"}}]}`,
		`{"items":[{"id":"v","contentDetails":{"videoId":"v","videoPublishedAt":"2026-03-01T00:00:00Z"},"status":{"privacyStatus":"public"},"statistics":{"likeCount":"5"}}]}`,
		`{"error":{"code":403,"errors":[{"reason":"quotaExceeded"}]}}`, `{"error":"invalid_grant"}`, `null`, `[]`)
}

func FuzzInstagram(f *testing.F) {
	fuzz(f, network.Instagram, "instagram.com", `{"user_id":1784,"username":"u","account_type":"BUSINESS","followers_count":7,"media_count":1}`,
		`{"data":[{"timestamp":"2026-03-01T00:00:00+0000","like_count":4,"comments_count":null}],"paging":{"cursors":{"after":"x"},"next":"y"}}`,
		`{"data":[{"name":"follower_demographics","total_value":{"breakdowns":[{"dimension_keys":["country"],"results":[{"dimension_values":["US"],"value":5}]}]}}]}`,
		`{"error":{"code":190,"error_subcode":460}}`, `{"error_type":"OAuthException","code":400}`)
}

func FuzzTikTok(f *testing.F) {
	fuzz(f, network.TikTok, "tiktok.com",
		`{"data":{"user":{"open_id":"o","username":"u","display_name":"d","follower_count":5,"video_count":2,"profile_web_link":"https://www.tiktok.com/@u"}},"error":{"code":"ok"}}`,
		`{"data":{"videos":[{"id":"1","create_time":1772323200,"like_count":3,"comment_count":1,"share_count":0}],"cursor":1,"has_more":true}}`,
		`{"error":{"code":"access_token_invalid"}}`, `{"error":"invalid_grant","error_description":"x"}`)
}

func FuzzFacebook(f *testing.F) {
	fuzz(f, network.Facebook, "facebook.com",
		`{"data":[{"id":"1","name":"N","username":"n","link":"https://www.facebook.com/n","access_token":"t","tasks":["MANAGE"],"followers_count":4,"is_published":true}]}`,
		`{"data":[{"created_time":"2026-03-01T00:00:00+0000","reactions":{"summary":{"total_count":2}},"comments":{"summary":{"total_count":1}},"shares":{"count":1}}]}`,
		`{"data":[{"permission":"pages_show_list","status":"granted"}]}`, `{"error":{"code":4}}`)
}
