package standin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/internal/network"
)

// metaTime is how Meta's APIs write an instant.
const metaTime = "2006-01-02T15:04:05-0700"

// readCursor reads the body of TikTok's list.
func readCursor(r *http.Request) (offset, limit int) {
	var body struct {
		Cursor int `json:"cursor"`
		Max    int `json:"max_count"`
	}
	json.NewDecoder(r.Body).Decode(&body)
	return body.Cursor, body.Max
}

func metaError(w http.ResponseWriter, code, subcode int) {
	write(w, http.StatusBadRequest, object{"error": object{"message": "Request failed.", "type": "OAuthException", "code": code,
		"error_subcode": subcode, "fbtrace_id": "stand-in"}})
}

// paging leads on as Meta's lists do, with a cursor, and with an address that holds the token.
func paging(r *http.Request, next int, more bool) object {
	at := object{"cursors": object{"before": "0", "after": strconv.Itoa(next)}}
	if more {
		at["next"] = "https://graph.example" + r.URL.Path + "?access_token=" + url.QueryEscape(r.URL.Query().Get("access_token"))
	}
	return at
}

func window(r *http.Request) (offset, limit int) {
	offset, _ = strconv.Atoi(r.URL.Query().Get("after"))
	limit, _ = strconv.Atoi(r.URL.Query().Get("limit"))
	return offset, min(max(limit, 1), graphPage)
}

func (s *Networks) handleInstagram() {
	s.mux.HandleFunc("POST /instagram/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		p, ok := s.redeem(network.Instagram, r.PostForm)
		if !ok || r.PostForm.Get("client_id") != appID(network.Instagram) || r.PostForm.Get("client_secret") != appSecret(network.Instagram) {
			write(w, http.StatusBadRequest, object{"error_type": "OAuthException", "code": 400,
				"error_message": "Matching code was not found or was already used"})
			return
		}
		write(w, http.StatusOK, object{"data": []object{{"access_token": s.issue(p, asShort, metaHour), "user_id": s.of(p).Number,
			"permissions": strings.Join(p.Scopes, ",")}}})
	})
	s.mux.HandleFunc("GET /instagram/access_token", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		p, ok := s.admits(network.Instagram, query.Get("access_token"), asShort)
		if !ok || query.Get("grant_type") != "ig_exchange_token" || query.Get("client_secret") != appSecret(network.Instagram) {
			metaError(w, 190, 0)
			return
		}
		write(w, http.StatusOK, object{"access_token": s.issue(p, asAccess, metaLong), "token_type": "bearer", "expires_in": seconds(metaLong)})
	})
	s.mux.HandleFunc("GET /instagram/refresh_access_token", func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.admits(network.Instagram, r.URL.Query().Get("access_token"), asAccess)
		if !ok || r.URL.Query().Get("grant_type") != "ig_refresh_token" {
			metaError(w, 190, 0)
			return
		}
		write(w, http.StatusOK, object{"access_token": s.issue(p, asAccess, metaLong), "token_type": "bearer", "expires_in": seconds(metaLong)})
	})
	for path, answer := range map[string]func(http.ResponseWriter, *http.Request, pass){
		"": s.instagramMe, "/media": s.instagramMedia, "/insights": s.instagramInsights} {
		s.mux.HandleFunc("GET /instagram"+graphVersion+"/me"+path, func(w http.ResponseWriter, r *http.Request) {
			p, ok := s.admits(network.Instagram, r.URL.Query().Get("access_token"), asAccess)
			switch {
			case !ok:
				metaError(w, 190, 463)
			case !slices.Contains(p.Scopes, "instagram_business_basic"):
				metaError(w, 10, 0)
			default:
				answer(w, r, p)
			}
		})
	}
}

func (s *Networks) instagramMe(w http.ResponseWriter, r *http.Request, p pass) {
	one := s.of(p)
	kind := "MEDIA_CREATOR"
	if one.Personal {
		kind = "PERSONAL"
	}
	answer := object{"id": "9" + one.Number, "user_id": one.Number, "username": one.Handle, "name": one.Title, "account_type": kind,
		"media_count": one.Posts}
	if !one.Hidden {
		answer["followers_count"] = one.Followers
	}
	write(w, http.StatusOK, answer)
}

func (s *Networks) instagramMedia(w http.ResponseWriter, r *http.Request, p pass) {
	one := s.of(p)
	offset, limit := window(r)
	posts, more := s.posts(one, offset, limit)
	data := []object{}
	for _, p := range posts {
		data = append(data, object{"id": p.id(one), "timestamp": p.at.Format(metaTime), "like_count": p.reactions * 3 / 4,
			"comments_count": p.reactions - p.reactions*3/4})
	}
	write(w, http.StatusOK, object{"data": data, "paging": paging(r, offset+len(posts), more)})
}

// instagramInsights tells where the followers live, from a hundred of them on and to whom it was granted.
func (s *Networks) instagramInsights(w http.ResponseWriter, r *http.Request, p pass) {
	one := s.of(p)
	if !slices.Contains(p.Scopes, "instagram_business_manage_insights") {
		metaError(w, 10, 0)
		return
	}
	data := []object{}
	if one.Followers >= 100 && r.URL.Query().Get("breakdown") == "country" {
		results := []object{}
		for country, value := range one.Countries {
			results = append(results, object{"dimension_values": []string{country}, "value": value})
		}
		data = append(data, object{"name": "follower_demographics", "period": "lifetime", "id": one.Number + "/insights",
			"total_value": object{"breakdowns": []object{{"dimension_keys": []string{"country"}, "results": results}}}})
	}
	write(w, http.StatusOK, object{"data": data})
}

func (s *Networks) handleFacebook() {
	at := "/facebook" + graphVersion
	s.mux.HandleFunc("GET "+at+"/oauth/access_token", s.facebookToken)
	s.mux.HandleFunc("GET "+at+"/me/permissions", s.facebook(asAccess, func(w http.ResponseWriter, r *http.Request, p pass) {
		data := []object{{"permission": "public_profile", "status": "granted"}}
		for _, scope := range []string{"pages_show_list", "pages_read_engagement"} {
			status := "declined"
			if slices.Contains(p.Scopes, scope) {
				status = "granted"
			}
			data = append(data, object{"permission": scope, "status": status})
		}
		write(w, http.StatusOK, object{"data": data})
	}))
	s.mux.HandleFunc("GET "+at+"/me", s.facebook(asAccess, func(w http.ResponseWriter, r *http.Request, p pass) {
		write(w, http.StatusOK, object{"id": person(p)})
	}))
	s.mux.HandleFunc("GET "+at+"/me/accounts", s.facebook(asAccess, s.facebookAccounts))
	s.mux.HandleFunc("GET "+at+"/{page}", s.facebook(asPage, s.facebookPage))
	s.mux.HandleFunc("GET "+at+"/{page}/published_posts", s.facebook(asPage, s.facebookPosts))
	s.mux.HandleFunc("DELETE "+at+"/{person}/permissions", func(w http.ResponseWriter, r *http.Request) {
		numbers, known := strings.CutPrefix(r.PathValue("person"), "person-")
		if !known || r.URL.Query().Get("access_token") != appID(network.Facebook)+"|"+appSecret(network.Facebook) {
			metaError(w, 190, 0)
			return
		}
		for number := range strings.SplitSeq(numbers, "-") {
			s.Revoke(network.Facebook, number)
		}
		write(w, http.StatusOK, object{"success": true})
	})
}

// person is the number of whoever shared these pages.
func person(p pass) string { return "person-" + strings.Join(p.Accounts, "-") }

// facebook lets calls in that carry a token and the app's own proof.
func (s *Networks) facebook(as string, answer func(http.ResponseWriter, *http.Request, pass)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("access_token")
		proof := hmac.New(sha256.New, []byte(appSecret(network.Facebook)))
		proof.Write([]byte(token))
		p, ok := s.admits(network.Facebook, token, as)
		switch {
		case !ok:
			metaError(w, 190, 460)
		case r.URL.Query().Get("appsecret_proof") != hex.EncodeToString(proof.Sum(nil)):
			metaError(w, 100, 0)
		default:
			answer(w, r, p)
		}
	}
}

func (s *Networks) facebookToken(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("client_id") != appID(network.Facebook) || query.Get("client_secret") != appSecret(network.Facebook) {
		metaError(w, 101, 0)
		return
	}
	if query.Get("grant_type") == "fb_exchange_token" {
		p, ok := s.admits(network.Facebook, query.Get("fb_exchange_token"), asShort)
		if !ok {
			metaError(w, 190, 0)
			return
		}
		write(w, http.StatusOK, object{"access_token": s.issue(p, asAccess, metaLong), "token_type": "bearer", "expires_in": seconds(metaLong)})
		return
	}
	p, ok := s.redeem(network.Facebook, query)
	if !ok {
		metaError(w, 100, 36009)
		return
	}
	write(w, http.StatusOK, object{"access_token": s.issue(p, asShort, metaHour), "token_type": "bearer", "expires_in": seconds(metaHour)})
}

func (s *Networks) facebookAccounts(w http.ResponseWriter, r *http.Request, p pass) {
	data := []object{}
	for _, number := range p.Accounts {
		one, _ := s.sample(network.Facebook, number)
		tasks := []string{"ANALYZE", "ADVERTISE", "MODERATE", "CREATE_CONTENT", "MANAGE"}
		if one.Task != "" {
			tasks = []string{one.Task}
		}
		entry := pageFields(one)
		entry["tasks"] = tasks
		entry["access_token"] = s.issue(pass{Network: p.Network, Accounts: []string{number}, Scopes: p.Scopes, Consent: p.Consent}, asPage, 0)
		data = append(data, entry)
	}
	write(w, http.StatusOK, object{"data": data, "paging": paging(r, len(data), false)})
}

func pageFields(one Sample) object {
	verification := "not_verified"
	if one.Verified {
		verification = "blue_verified"
	}
	entry := object{"id": one.Number, "name": one.Title, "username": one.Handle, "link": "https://www.facebook.com/" + one.Handle,
		"is_published": !one.Private, "verification_status": verification}
	if !one.Hidden {
		entry["followers_count"] = one.Followers
	}
	return entry
}

func (s *Networks) facebookPage(w http.ResponseWriter, r *http.Request, p pass) {
	one := s.of(p)
	if r.PathValue("page") != one.Number {
		metaError(w, 100, 33)
		return
	}
	write(w, http.StatusOK, pageFields(one))
}

func (s *Networks) facebookPosts(w http.ResponseWriter, r *http.Request, p pass) {
	one := s.of(p)
	if r.PathValue("page") != one.Number {
		metaError(w, 100, 33)
		return
	}
	offset, limit := window(r)
	posts, more := s.posts(one, offset, limit)
	total := func(n int64) object {
		return object{"data": []object{}, "summary": object{"total_count": n, "can_comment": false}}
	}
	data := []object{}
	for _, p := range posts {
		entry := object{"id": one.Number + "_" + strconv.Itoa(p.no), "created_time": p.at.In(time.UTC).Format(metaTime),
			"reactions": total(p.reactions * 3 / 4), "comments": total(p.reactions - p.reactions*3/4)}
		data = append(data, entry)
	}
	write(w, http.StatusOK, object{"data": data, "paging": paging(r, offset+len(posts), more)})
}
