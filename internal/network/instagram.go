package network

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// graph is the version of Meta's Graph API that this speaks. One is kept alive for about two years; calls without a
// version would get the oldest that is left.
const graph = "/v24.0"

// When Instagram's long-lived tokens are renewed, in seconds: they can be a day after they were made, as long as they
// have not ended, and then live for sixty days again.
const (
	instagramYoung = 24 * 3600
	instagramSoon  = 30 * 24 * 3600
)

// instagram speaks the Instagram API with Instagram Login. Only professional accounts can sign in there. A code becomes a
// token of an hour, and that one a token of sixty days.
func instagram() *dialect {
	const basic, insights = "instagram_business_basic", "instagram_business_manage_insights"
	return &dialect{
		name: "Instagram", auth: "https://www.instagram.com", token: "https://api.instagram.com", data: "https://graph.instagram.com",
		scopes: []string{basic, insights}, needed: []string{basic},
		nothing:   "Instagram tells of no professional account",
		something: "switch to a business or creator account in Instagram's settings, then connect again",
		authorize: func(app App, redirect, state, _ string) (string, url.Values) {
			return "/oauth/authorize", url.Values{"client_id": {app.ID}, "redirect_uri": {redirect}, "response_type": {"code"},
				"scope": {basic + "," + insights}, "state": {state}, "force_reauth": {"true"}}
		},
		exchange: exchangeInstagram,
		due: func(t tokens, wall time.Time) bool {
			return t.Ends != 0 && wall.Unix()-t.Made >= instagramYoung && t.Ends-wall.Unix() < instagramSoon
		},
		refresh: func(ctx context.Context, l *line, t tokens, wall time.Time) (tokens, error) {
			var g granted
			err := l.call(ctx, ask{base: l.app.Data, path: "/refresh_access_token", query: url.Values{
				"grant_type": {"ig_refresh_token"}, "access_token": {t.Access}}}, &g)
			return g.tokens(wall), err
		},
		read:    readInstagram,
		refusal: refusalMeta,
	}
}

func exchangeInstagram(ctx context.Context, l *line, c code, wall time.Time) (t tokens, scopes []string, err error) {
	var short struct {
		granted
		Data []granted `json:"data"` // newer answers wrap it in a list
	}
	if err := l.call(ctx, ask{method: http.MethodPost, base: l.app.Token, path: "/oauth/access_token", once: true, form: url.Values{
		"client_id": {l.app.ID}, "client_secret": {l.app.Secret}, "grant_type": {"authorization_code"},
		"redirect_uri": {c.redirect}, "code": {c.text}}}, &short); err != nil {
		return t, nil, err
	}
	first := short.granted
	if len(short.Data) > 0 {
		first = short.Data[0]
	}
	var long granted
	err = l.call(ctx, ask{base: l.app.Data, path: "/access_token", once: true, query: url.Values{"grant_type": {"ig_exchange_token"},
		"client_secret": {l.app.Secret}, "access_token": {first.Access}}}, &long)
	return long.tokens(wall), first.Allowed, err
}

// refusalMeta reads the errors of Meta's APIs, which come with status 400 whatever they mean.
func refusalMeta(no *refused, body []byte) bool {
	var said struct {
		Error *struct {
			Code    count `json:"code"`
			Subcode count `json:"error_subcode"`
		} `json:"error"`
		Type string `json:"error_type"` // of Instagram's token address
	}
	if json.Unmarshal(body, &said) != nil || said.Error == nil && said.Type == "" {
		return false
	}
	if said.Error == nil {
		if no.status == http.StatusBadRequest {
			no.reason = gone // a code that is used, old or foreign
		}
		return true
	}
	code, subcode := said.Error.Code.n, said.Error.Subcode.n
	no.code = strconv.FormatInt(code, 10)
	switch {
	case code == 190, code == 102, code == 10, code >= 200 && code <= 299, code == 100 && subcode >= 36007 && subcode <= 36009:
		no.reason = gone
	case code == 4, code == 613, code >= 80000 && code <= 80014:
		no.reason = busy
	case code == 17, code == 32: // this person or page, not the installation
		no.reason, no.own = busy, true
	case code == 1, code == 2:
		no.reason = broken
	case code == 101:
		no.reason = unknown
	}
	return true
}

type instagramUser struct {
	ID        word   `json:"id"`
	UserID    word   `json:"user_id"`
	Username  string `json:"username"`
	Name      string `json:"name"`
	Type      string `json:"account_type"`
	Followers count  `json:"followers_count"`
	Media     count  `json:"media_count"`
}

// account is a user. Professional accounts cannot be private; of a personal one nothing is told about it.
func (u instagramUser) account() (p profile) {
	p.number = tidyNumber(cmp.Or(string(u.UserID), string(u.ID)))
	p.handle, p.title = tidyHandle(u.Username), u.Name
	p.Followers, p.Hidden, p.Posts = u.Followers.n, !u.Followers.known, u.Media.n
	kind := strings.ToLower(u.Type)
	p.Business = kind == "business" || kind == "media_creator" || kind == "creator"
	p.Public = true
	p.address = "https://www.instagram.com/" + url.PathEscape(p.handle) + "/"
	return p
}

// page is how Meta's APIs lead on: by a cursor, or no further.
type page struct {
	Cursors struct {
		After string `json:"after"`
	} `json:"cursors"`
	Next string `json:"next"` // an address, which is not followed; only whether there is one
}

func (p page) after() string {
	if p.Next == "" {
		return ""
	}
	return p.Cursors.After
}

type instagramMedia struct {
	Data []struct {
		At       instant `json:"timestamp"`
		Likes    count   `json:"like_count"` // absent where the owner hides them
		Comments count   `json:"comments_count"`
	} `json:"data"`
	Paging page `json:"paging"`
}

func (m instagramMedia) posts() (posts []post) {
	for _, one := range m.Data {
		p := post{at: one.At.Time}
		p.reactions, p.known = sum(one.Likes, one.Comments)
		posts = append(posts, p)
	}
	return posts
}

type instagramInsights struct {
	Data []struct {
		Name  string `json:"name"`
		Total struct {
			Breakdowns []struct {
				Keys    []string `json:"dimension_keys"`
				Results []struct {
					Values []string `json:"dimension_values"`
					Value  count    `json:"value"`
				} `json:"results"`
			} `json:"breakdowns"`
		} `json:"total_value"`
	} `json:"data"`
}

// countries are the shares of the audience, the largest first.
func (i instagramInsights) countries() (shares []Share) {
	var total int64
	counts := map[string]int64{}
	for _, metric := range i.Data {
		if metric.Name != "follower_demographics" {
			continue
		}
		for _, breakdown := range metric.Total.Breakdowns {
			if len(breakdown.Keys) != 1 || breakdown.Keys[0] != "country" {
				continue
			}
			for _, one := range breakdown.Results {
				if len(one.Values) == 1 && isCountry(one.Values[0]) && len(counts) < maxShares {
					counts[one.Values[0]] = min(counts[one.Values[0]]+one.Value.n, maxCount/maxShares)
				}
			}
		}
	}
	for _, n := range counts {
		total += n
	}
	for country, n := range counts {
		// Tens of millions are exact; beyond that, the last digits do not show in a share.
		if share := int64(float64(n) / float64(max(total, 1)) * 100 * basisPercent); share > 0 {
			shares = append(shares, Share{country, share})
		}
	}
	slices.SortFunc(shares, func(a, b Share) int { return cmp.Or(cmp.Compare(b.BPS, a.BPS), cmp.Compare(a.Country, b.Country)) })
	return shares
}

func isCountry(text string) bool {
	return len(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z'
}

func readInstagram(ctx context.Context, l *line, t tokens, now time.Time) (p profile, err error) {
	var user instagramUser
	if err := l.call(ctx, ask{base: l.app.Data, path: graph + "/me", query: url.Values{"access_token": {t.Access},
		"fields": {"id,user_id,username,name,account_type,followers_count,media_count"}}}, &user); err != nil {
		return p, err
	}
	p = user.account()
	after := ""
	for range maxPages {
		query := url.Values{"access_token": {t.Access}, "fields": {"id,timestamp,like_count,comments_count"}, "limit": {strconv.Itoa(pageSize)}}
		if after != "" {
			query.Set("after", after)
		}
		var media instagramMedia
		if err := l.call(ctx, ask{base: l.app.Data, path: graph + "/me/media", query: query}, &media); err != nil {
			return p, err
		}
		posts := media.posts()
		p.posts = append(p.posts, posts[:min(len(posts), pageSize)]...)
		if after = media.Paging.after(); after == "" || enough(p.posts, now) {
			break
		}
	}
	// Where the audience lives is told from a hundred followers on, and to apps that were granted it; nothing rests on it.
	var insights instagramInsights
	if l.call(ctx, ask{base: l.app.Data, path: graph + "/me/insights", once: true, query: url.Values{"access_token": {t.Access},
		"metric": {"follower_demographics"}, "period": {"lifetime"}, "metric_type": {"total_value"}, "breakdown": {"country"}}},
		&insights) == nil {
		p.Countries = insights.countries()
	}
	return p, nil
}
