package network

import "time"

func init() { firstPause, perSecond = time.Millisecond, 10_000 }

// Read gives what an answer comes to, whichever of a network's answers it is: measured as a check would.
func Read(k Kind, body []byte, unmarshal func([]byte, any) error, now time.Time) (handle, title, address string, s Snapshot, err error) {
	var p profile
	switch k {
	case YouTube:
		var channels youtubeChannels
		var uploads youtubeUploads
		var videos youtubeVideos
		err = first(unmarshal(body, &channels), unmarshal(body, &uploads), unmarshal(body, &videos))
		p, _, _ = channels.account()
		p.posts = videos.posts(uploads)
	case Instagram:
		var user instagramUser
		var media instagramMedia
		var insights instagramInsights
		err = first(unmarshal(body, &user), unmarshal(body, &media), unmarshal(body, &insights))
		p = user.account()
		p.posts, p.Countries = media.posts(), insights.countries()
	case TikTok:
		var user tiktokUser
		var videos tiktokVideos
		err = first(unmarshal(body, &user), unmarshal(body, &videos))
		p = user.account()
		p.posts = videos.posts()
	case Facebook:
		var pages facebookPages
		var posts facebookPosts
		err = first(unmarshal(body, &pages), unmarshal(body, &posts))
		chosen, _ := pages.choose()
		p = chosen.account()
		p.posts = posts.posts()
	}
	p.measure(now)
	refused := &refused{network: k, status: 200}
	dialects[k].refusal(refused, body)
	return p.handle, p.title, p.address, p.Snapshot, err
}

func first(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
