package network

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// youtube speaks Google's OAuth 2.0 for web servers and the YouTube Data API v3. A check costs 3 to 7 units of the
// installation's daily quota (10,000 unless Google grants more).
func youtube() *dialect {
	const scope = "https://www.googleapis.com/auth/youtube.readonly"
	return &dialect{
		name: "YouTube", auth: "https://accounts.google.com", token: "https://oauth2.googleapis.com",
		data: "https://www.googleapis.com/youtube/v3", scopes: []string{scope}, needed: []string{scope},
		nothing: "this Google account has no YouTube channel", something: "make a channel, or sign in with the account that has one",
		authorize: func(app App, redirect, state, verifier string) (string, url.Values) {
			return "/o/oauth2/v2/auth", url.Values{"client_id": {app.ID}, "redirect_uri": {redirect}, "response_type": {"code"},
				"scope": {scope}, "state": {state}, "access_type": {"offline"}, // without it, nothing could be read a week later
				"prompt":         {"consent select_account"}, // a second consent gives no refresh token unless it is shown
				"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"}}
		},
		exchange: func(ctx context.Context, l *line, c code, wall time.Time) (tokens, []string, error) {
			var g granted
			err := l.call(ctx, ask{method: http.MethodPost, base: l.app.Token, path: "/token", once: true, form: url.Values{
				"client_id": {l.app.ID}, "client_secret": {l.app.Secret}, "code": {c.text}, "code_verifier": {c.verifier},
				"grant_type": {"authorization_code"}, "redirect_uri": {c.redirect}}}, &g)
			return g.tokens(wall), g.Scope, err
		},
		due: soonEnds,
		refresh: func(ctx context.Context, l *line, t tokens, wall time.Time) (tokens, error) {
			var g granted
			err := l.call(ctx, ask{method: http.MethodPost, base: l.app.Token, path: "/token", form: url.Values{
				"client_id": {l.app.ID}, "client_secret": {l.app.Secret}, "refresh_token": {t.Refresh},
				"grant_type": {"refresh_token"}}}, &g)
			return g.tokens(wall), err
		},
		read: readYouTube,
		revoke: func(ctx context.Context, l *line, t tokens) error {
			text := t.Refresh
			if text == "" {
				text = t.Access
			}
			return l.call(ctx, ask{method: http.MethodPost, base: l.app.Token, path: "/revoke", form: url.Values{"token": {text}}}, &struct{}{})
		},
		refusal: refusalYouTube,
	}
}

// googleError is an error of the data API; the token address writes the error's name where that has an object.
type googleError struct {
	Error json.RawMessage `json:"error"`
}

func refusalYouTube(no *refused, body []byte) bool {
	var said googleError
	if json.Unmarshal(body, &said) != nil || len(said.Error) == 0 || string(said.Error) == "null" {
		return false
	}
	var name string
	if json.Unmarshal(said.Error, &name) == nil {
		no.oauth(name)
		return true
	}
	var inner struct {
		Errors []struct {
			Reason string `json:"reason"`
		} `json:"errors"`
	}
	if json.Unmarshal(said.Error, &inner) != nil || len(inner.Errors) == 0 {
		return true
	}
	switch reason := inner.Errors[0].Reason; reason {
	case "quotaExceeded", "dailyLimitExceeded":
		no.code, no.reason = reason, busy
		no.after = max(no.after, time.Hour) // the quota is a day's, and nobody says when the day began
	case "rateLimitExceeded", "userRateLimitExceeded":
		no.code, no.reason, no.own = reason, busy, reason[0] == 'u'
	case "authError", "insufficientPermissions", "authorizationRequired", "channelClosed", "channelSuspended":
		no.code, no.reason = reason, gone
	case "youtubeSignupRequired", "channelNotFound":
		no.code, no.reason = reason, missing
	case "playlistNotFound":
		no.code, no.reason = reason, tooSmall
	case "accessNotConfigured", "keyInvalid":
		no.code, no.reason = reason, unknown
	}
	return true
}

// oauth sorts the errors of RFC 6749.
func (r *refused) oauth(name string) {
	r.code = known(name, "invalid_grant", "invalid_client", "unauthorized_client", "invalid_request", "invalid_scope",
		"unsupported_grant_type", "redirect_uri_mismatch", "server_error", "temporarily_unavailable")
	switch r.code {
	case "invalid_grant":
		r.reason = gone
	case "invalid_client", "unauthorized_client", "redirect_uri_mismatch", "unsupported_grant_type", "invalid_scope":
		r.reason = unknown
	case "server_error", "temporarily_unavailable":
		r.reason = broken
	}
}

type youtubeChannels struct {
	Items []struct {
		ID      string `json:"id"`
		Snippet struct {
			Title     string `json:"title"`
			CustomURL string `json:"customUrl"`
		} `json:"snippet"`
		Statistics struct {
			Subscribers count `json:"subscriberCount"`
			Hidden      bool  `json:"hiddenSubscriberCount"`
			Videos      count `json:"videoCount"`
		} `json:"statistics"`
		Status struct {
			Privacy string `json:"privacyStatus"`
		} `json:"status"`
		ContentDetails struct {
			Related struct {
				Uploads string `json:"uploads"`
			} `json:"relatedPlaylists"`
		} `json:"contentDetails"`
	} `json:"items"`
}

// account is the channel, and where its uploads are listed.
func (c youtubeChannels) account() (p profile, uploads string, ok bool) {
	if len(c.Items) == 0 {
		return p, "", false
	}
	one := c.Items[0]
	p.number, p.handle, p.title = tidyNumber(one.ID), tidyHandle(one.Snippet.CustomURL), one.Snippet.Title
	p.Followers, p.Posts = one.Statistics.Subscribers.n, one.Statistics.Videos.n
	p.Hidden = one.Statistics.Hidden || !one.Statistics.Subscribers.known
	p.Public = one.Status.Privacy == "public"
	p.Business = true // a channel is made for an audience; there is no other kind
	p.address = "https://www.youtube.com/channel/" + url.PathEscape(p.number)
	if p.handle != "" {
		p.address = "https://www.youtube.com/@" + url.PathEscape(p.handle)
	}
	return p, one.ContentDetails.Related.Uploads, true
}

type youtubeUploads struct {
	Next  string `json:"nextPageToken"`
	Items []struct {
		ContentDetails struct {
			Video     string  `json:"videoId"`
			Published instant `json:"videoPublishedAt"`
		} `json:"contentDetails"`
	} `json:"items"`
}

type youtubeVideos struct {
	Items []struct {
		ID     string `json:"id"`
		Status struct {
			Privacy string `json:"privacyStatus"`
		} `json:"status"`
		Statistics struct {
			Likes    count `json:"likeCount"`
			Comments count `json:"commentCount"`
		} `json:"statistics"`
	} `json:"items"`
}

// posts are the public videos among the uploads: the owner's list holds private ones, too.
func (v youtubeVideos) posts(uploads youtubeUploads) (posts []post) {
	public := map[string]post{}
	for _, one := range v.Items {
		if one.Status.Privacy == "public" {
			var p post
			p.reactions, p.known = sum(one.Statistics.Likes, one.Statistics.Comments)
			public[one.ID] = p
		}
	}
	for _, one := range uploads.Items {
		if p, ok := public[one.ContentDetails.Video]; ok {
			p.at = one.ContentDetails.Published.Time
			posts = append(posts, p)
		}
	}
	return posts
}

func readYouTube(ctx context.Context, l *line, t tokens, now time.Time) (p profile, err error) {
	var channels youtubeChannels
	if err := l.call(ctx, ask{base: l.app.Data, path: "/channels", bearer: t.Access, query: url.Values{
		"part": {"snippet,statistics,status,contentDetails"}, "mine": {"true"}}}, &channels); err != nil {
		return p, err
	}
	p, list, ok := channels.account()
	if !ok {
		return p, &refused{network: l.kind, path: "/channels", status: http.StatusOK, reason: missing}
	}
	next := ""
	for range maxPages {
		if list == "" {
			break
		}
		var uploads youtubeUploads
		query := url.Values{"part": {"contentDetails"}, "playlistId": {list}, "maxResults": {strconv.Itoa(pageSize)}}
		if next != "" {
			query.Set("pageToken", next)
		}
		err := l.call(ctx, ask{base: l.app.Data, path: "/playlistItems", bearer: t.Access, query: query}, &uploads)
		if because(err, tooSmall) {
			break // a channel without uploads has no list of them
		}
		if err != nil {
			return p, err
		}
		page, err := videosYouTube(ctx, l, t, uploads)
		if err != nil {
			return p, err
		}
		p.posts = append(p.posts, page...)
		if next = uploads.Next; next == "" || enough(p.posts, now) {
			break
		}
	}
	return p, nil
}

func videosYouTube(ctx context.Context, l *line, t tokens, uploads youtubeUploads) ([]post, error) {
	var ids []string
	for _, one := range uploads.Items {
		if tidyNumber(one.ContentDetails.Video) != "" && len(ids) < pageSize {
			ids = append(ids, one.ContentDetails.Video)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var videos youtubeVideos
	err := l.call(ctx, ask{base: l.app.Data, path: "/videos", bearer: t.Access, query: url.Values{
		"part": {"statistics,status"}, "id": {strings.Join(ids, ",")}, "maxResults": {strconv.Itoa(pageSize)}}}, &videos)
	return videos.posts(uploads), err
}
