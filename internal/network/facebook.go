package network

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// facebook speaks Facebook Login and the Pages API. What is connected is a page that the person manages; its own token is
// kept, which lives as long as the person's role and consent do, and nothing of the person but the number that ends it.
func facebook() *dialect {
	scopes := []string{"pages_show_list", "pages_read_engagement"}
	return &dialect{
		name: "Facebook", auth: "https://www.facebook.com", token: "https://graph.facebook.com", data: "https://graph.facebook.com",
		scopes: scopes, needed: scopes,
		nothing:   "Facebook tells of no page that you manage",
		something: "make a page, or tick it when Facebook asks which ones to share; a profile cannot be connected",
		authorize: func(app App, redirect, state, _ string) (string, url.Values) {
			return graph + "/dialog/oauth", url.Values{"client_id": {app.ID}, "redirect_uri": {redirect}, "response_type": {"code"},
				"scope": {strings.Join(scopes, ",")}, "state": {state},
				"auth_type": {"rerequest"}} // what was declined before is asked for again
		},
		exchange: exchangeFacebook,
		read:     readFacebook,
		revoke: func(ctx context.Context, l *line, t tokens) error {
			return l.call(ctx, ask{method: http.MethodDelete, base: l.app.Data, path: graph + "/" + url.PathEscape(t.User) + "/permissions",
				query: l.signed(l.app.ID+"|"+l.app.Secret, url.Values{})}, &struct{}{})
		},
		refusal: refusalMeta,
	}
}

// signed are the parameters of a call with a token, and the proof that it comes from the app itself.
func (l *line) signed(token string, more url.Values) url.Values {
	proof := hmac.New(sha256.New, []byte(l.app.Secret))
	proof.Write([]byte(token))
	more.Set("access_token", token)
	more.Set("appsecret_proof", hex.EncodeToString(proof.Sum(nil)))
	return more
}

type facebookPermissions struct {
	Data []struct {
		Permission string `json:"permission"`
		Status     string `json:"status"`
	} `json:"data"`
}

func (f facebookPermissions) granted() (scopes []string) {
	for _, one := range f.Data {
		if one.Status == "granted" {
			scopes = append(scopes, one.Permission)
		}
	}
	return scopes
}

type facebookPage struct {
	ID           word     `json:"id"`
	Name         string   `json:"name"`
	Username     string   `json:"username"`
	Link         string   `json:"link"`
	Token        string   `json:"access_token"`
	Tasks        []string `json:"tasks"`
	Followers    count    `json:"followers_count"`
	Published    *bool    `json:"is_published"`
	Verification string   `json:"verification_status"`
}

type facebookPages struct {
	Data   []facebookPage `json:"data"`
	Paging page           `json:"paging"`
}

// managed tells whether the person may speak for the page; to look at its figures is not enough.
func (f facebookPage) managed() bool {
	return slices.ContainsFunc(f.Tasks, func(task string) bool {
		task = strings.TrimPrefix(task, "PROFILE_PLUS_") // how pages of the newer kind write them
		return task == "MANAGE" || task == "CREATE_CONTENT" || task == "MODERATE" || task == "FULL_CONTROL"
	})
}

// choose takes the page with the most followers of those that the person shared and manages: whoever means another one
// shares only that.
func (f facebookPages) choose() (best facebookPage, ok bool) {
	for _, one := range f.Data {
		if one.managed() && one.Token != "" && tidyNumber(string(one.ID)) != "" &&
			(!ok || cmp.Or(cmp.Compare(one.Followers.n, best.Followers.n), cmp.Compare(best.ID, one.ID)) > 0) {
			best, ok = one, true
		}
	}
	return best, ok
}

// account is a page. Every page is a business account.
func (f facebookPage) account() (p profile) {
	p.number, p.handle, p.title = tidyNumber(string(f.ID)), tidyHandle(f.Username), f.Name
	p.Followers, p.Hidden = f.Followers.n, !f.Followers.known
	p.Business, p.Public = true, f.Published == nil || *f.Published
	p.Verified = f.Verification == "blue_verified" || f.Verification == "gray_verified"
	p.address = ownAddress(f.Link, "facebook.com", "https://www.facebook.com/"+url.PathEscape(p.number))
	return p
}

type facebookPosts struct {
	Data []struct {
		At        instant       `json:"created_time"`
		Reactions facebookTotal `json:"reactions"`
		Comments  facebookTotal `json:"comments"`
		Shares    struct {
			Count count `json:"count"` // absent where nobody has
		} `json:"shares"`
	} `json:"data"`
	Paging page `json:"paging"`
}

type facebookTotal struct {
	Summary struct {
		Total count `json:"total_count"`
	} `json:"summary"`
}

func (f facebookPosts) posts() (posts []post) {
	for _, one := range f.Data {
		p := post{at: one.At.Time}
		p.reactions, p.known = sum(one.Reactions.Summary.Total, one.Comments.Summary.Total, one.Shares.Count)
		posts = append(posts, p)
	}
	return posts
}

// pageFields are what is read of a page.
const pageFields = "id,name,username,link,followers_count,is_published,verification_status"

// maxManaged bounds how many of a person's pages are looked at, by pages of a hundred.
const maxManaged = 100

func exchangeFacebook(ctx context.Context, l *line, c code, wall time.Time) (t tokens, scopes []string, err error) {
	var short, long granted
	at := graph + "/oauth/access_token"
	if err := l.call(ctx, ask{base: l.app.Token, path: at, once: true, query: url.Values{"client_id": {l.app.ID},
		"client_secret": {l.app.Secret}, "redirect_uri": {c.redirect}, "code": {c.text}}}, &short); err != nil {
		return t, nil, err
	}
	// Only the page token of a long-lived one does not end after an hour.
	if err := l.call(ctx, ask{base: l.app.Token, path: at, once: true, query: url.Values{"grant_type": {"fb_exchange_token"},
		"client_id": {l.app.ID}, "client_secret": {l.app.Secret}, "fb_exchange_token": {short.Access}}}, &long); err != nil {
		return t, nil, err
	}
	var allowed facebookPermissions
	if err := l.call(ctx, ask{base: l.app.Data, path: graph + "/me/permissions", query: l.signed(long.Access, url.Values{})},
		&allowed); err != nil {
		return t, nil, err
	}
	if scopes = allowed.granted(); l.speaks.lacks(scopes) != "" {
		return long.tokens(wall), scopes, nil // without them there is no page to be found
	}
	var person struct {
		ID word `json:"id"`
	}
	if err := l.call(ctx, ask{base: l.app.Data, path: graph + "/me", query: l.signed(long.Access, url.Values{"fields": {"id"}})},
		&person); err != nil {
		return t, nil, err
	}
	chosen, err := l.pages(ctx, long.Access)
	if err != nil {
		return t, nil, err
	}
	return tokens{Access: chosen.Token, Made: wall.Unix(), Account: string(chosen.ID), User: string(person.ID)}, scopes, nil
}

func (l *line) pages(ctx context.Context, token string) (facebookPage, error) {
	var all facebookPages
	after := ""
	for range maxPages {
		query := url.Values{"fields": {pageFields + ",access_token,tasks"}, "limit": {strconv.Itoa(maxManaged)}}
		if after != "" {
			query.Set("after", after)
		}
		var found facebookPages
		if err := l.call(ctx, ask{base: l.app.Data, path: graph + "/me/accounts", query: l.signed(token, query)}, &found); err != nil {
			return facebookPage{}, err
		}
		all.Data = append(all.Data, found.Data[:min(len(found.Data), maxManaged)]...)
		if after = found.Paging.after(); after == "" {
			break
		}
	}
	chosen, ok := all.choose()
	if !ok {
		return chosen, &refused{network: l.kind, path: graph + "/me/accounts", status: http.StatusOK, reason: missing}
	}
	return chosen, nil
}

func readFacebook(ctx context.Context, l *line, t tokens, now time.Time) (p profile, err error) {
	at := graph + "/" + url.PathEscape(t.Account)
	var one facebookPage
	if err := l.call(ctx, ask{base: l.app.Data, path: at, query: l.signed(t.Access, url.Values{"fields": {pageFields}})}, &one); err != nil {
		return p, err
	}
	p = one.account()
	after := ""
	for range maxPages {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}, "fields": {
			"created_time,shares,reactions.limit(0).summary(total_count),comments.limit(0).summary(total_count)"}}
		if after != "" {
			query.Set("after", after)
		}
		var found facebookPosts
		if err := l.call(ctx, ask{base: l.app.Data, path: at + "/published_posts", query: l.signed(t.Access, query)}, &found); err != nil {
			return p, err
		}
		posts := found.posts()
		p.posts = append(p.posts, posts[:min(len(posts), pageSize)]...)
		if after = found.Paging.after(); after == "" || enough(p.posts, now) {
			break
		}
	}
	return p, nil
}
