package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// tiktok speaks Login Kit and the Display API, version 2. Where OAuth 2.0 says client_id, TikTok says client_key; scopes
// stand with commas, and the challenge of PKCE is written in hexadecimal where RFC 7636 has base64.
func tiktok() *dialect {
	const token = "/v2/oauth/token/"
	scopes := []string{"user.info.basic", "user.info.profile", "user.info.stats", "video.list"}
	return &dialect{
		name: "TikTok", auth: "https://www.tiktok.com", token: "https://open.tiktokapis.com", data: "https://open.tiktokapis.com",
		scopes: scopes, needed: scopes,
		nothing: "TikTok tells of no account", something: "sign in to TikTok with the account that you want to connect",
		authorize: func(app App, redirect, state, verifier string) (string, url.Values) {
			challenge := sha256.Sum256([]byte(verifier))
			return "/v2/auth/authorize/", url.Values{"client_key": {app.ID}, "redirect_uri": {redirect}, "response_type": {"code"},
				"scope": {strings.Join(scopes, ",")}, "state": {state},
				"disable_auto_auth": {"1"}, // who has consented before is asked again, and can take another account
				"code_challenge":    {hex.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}}
		},
		exchange: func(ctx context.Context, l *line, c code, wall time.Time) (tokens, []string, error) {
			var g granted
			err := l.call(ctx, ask{method: http.MethodPost, base: l.app.Token, path: token, once: true, form: url.Values{
				"client_key": {l.app.ID}, "client_secret": {l.app.Secret}, "code": {c.text}, "code_verifier": {c.verifier},
				"grant_type": {"authorization_code"}, "redirect_uri": {c.redirect}}}, &g)
			return g.tokens(wall), g.Scope, err
		},
		due: soonEnds,
		refresh: func(ctx context.Context, l *line, t tokens, wall time.Time) (tokens, error) {
			var g granted
			err := l.call(ctx, ask{method: http.MethodPost, base: l.app.Token, path: token, form: url.Values{
				"client_key": {l.app.ID}, "client_secret": {l.app.Secret}, "refresh_token": {t.Refresh},
				"grant_type": {"refresh_token"}}}, &g)
			return g.tokens(wall), err
		},
		read: readTikTok,
		revoke: func(ctx context.Context, l *line, t tokens) error {
			return l.call(ctx, ask{method: http.MethodPost, base: l.app.Token, path: "/v2/oauth/revoke/", form: url.Values{
				"client_key": {l.app.ID}, "client_secret": {l.app.Secret}, "token": {t.Access}}}, &struct{}{})
		},
		refusal: refusalTikTok,
	}
}

// refusalTikTok reads both forms: the token address writes the error's name, the data API an object whose code is `ok`
// where nothing is wrong. Either may come with status 200.
func refusalTikTok(no *refused, body []byte) bool {
	var said struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &said) != nil || len(said.Error) == 0 || string(said.Error) == "null" {
		return false
	}
	var name string
	if json.Unmarshal(said.Error, &name) == nil {
		if name != "" {
			no.oauth(name)
		}
		return name != ""
	}
	var inner struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(said.Error, &inner) != nil || inner.Code == "ok" || inner.Code == "" {
		return false
	}
	no.code = known(inner.Code, "access_token_invalid", "scope_not_authorized", "scope_permission_missed", "rate_limit_exceeded",
		"internal_error", "invalid_params")
	switch no.code {
	case "access_token_invalid", "scope_not_authorized", "scope_permission_missed":
		no.reason = gone
	case "rate_limit_exceeded":
		no.reason = busy
	case "internal_error":
		no.reason = broken
	}
	return true
}

type tiktokUser struct {
	Data struct {
		User struct {
			OpenID    word   `json:"open_id"`
			Name      string `json:"display_name"`
			Username  string `json:"username"`
			Link      string `json:"profile_web_link"`
			Verified  bool   `json:"is_verified"`
			Followers count  `json:"follower_count"`
			Videos    count  `json:"video_count"`
		} `json:"user"`
	} `json:"data"`
}

// account is a user. TikTok lists public posts only and tells no more about privacy: an account that shows nothing has no
// posts here.
func (u tiktokUser) account() (p profile) {
	one := u.Data.User
	p.number, p.handle, p.title = tidyNumber(string(one.OpenID)), tidyHandle(one.Username), one.Name
	p.Followers, p.Hidden, p.Posts = one.Followers.n, !one.Followers.known, one.Videos.n
	p.Public, p.Verified = true, one.Verified
	p.address = ownAddress(one.Link, "tiktok.com", "https://www.tiktok.com/@"+url.PathEscape(p.handle))
	return p
}

type tiktokVideos struct {
	Data struct {
		Videos []struct {
			ID       word  `json:"id"`
			Created  count `json:"create_time"` // seconds
			Likes    count `json:"like_count"`
			Comments count `json:"comment_count"`
			Shares   count `json:"share_count"`
		} `json:"videos"`
		Cursor count `json:"cursor"`
		More   bool  `json:"has_more"`
	} `json:"data"`
}

// maxSecond is a second that no post can be from: what a time in milliseconds looks like when it is read as seconds.
const maxSecond = 1 << 33

func (v tiktokVideos) posts() (posts []post) {
	for _, one := range v.Data.Videos {
		var p post
		if one.Created.known && one.Created.n > 0 && one.Created.n < maxSecond {
			p.at = time.Unix(one.Created.n, 0).UTC()
		}
		p.reactions, p.known = sum(one.Likes, one.Comments, one.Shares)
		posts = append(posts, p)
	}
	return posts
}

// tiktokPage is how many videos a page has at most.
const tiktokPage = 20

func readTikTok(ctx context.Context, l *line, t tokens, now time.Time) (p profile, err error) {
	var user tiktokUser
	if err := l.call(ctx, ask{base: l.app.Data, path: "/v2/user/info/", bearer: t.Access, query: url.Values{"fields": {
		"open_id,display_name,username,profile_web_link,is_verified,follower_count,video_count"}}}, &user); err != nil {
		return p, err
	}
	p = user.account()
	body := map[string]int64{"max_count": tiktokPage}
	for range maxPages {
		var videos tiktokVideos
		if err := l.call(ctx, ask{method: http.MethodPost, base: l.app.Data, path: "/v2/video/list/", bearer: t.Access, json: body,
			query: url.Values{"fields": {"id,create_time,like_count,comment_count,share_count"}}}, &videos); err != nil {
			return p, err
		}
		page := videos.posts()
		p.posts = append(p.posts, page[:min(len(page), tiktokPage)]...)
		if !videos.Data.More || !videos.Data.Cursor.known || enough(p.posts, now) {
			break
		}
		body["cursor"] = videos.Data.Cursor.n
	}
	return p, nil
}
