package standin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/internal/network"
)

// Lives of tokens, as the networks document them.
const (
	googleHour   = 3599 * time.Second
	tiktokDay    = 24 * time.Hour
	tiktokYear   = 365 * 24 * time.Hour
	metaHour     = time.Hour
	metaLong     = 60 * 24 * time.Hour
	googlePage   = 50
	tiktokPage   = 20
	graphPage    = 100
	graphVersion = "/v24.0"
)

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (s *Networks) handleYouTube() {
	s.mux.HandleFunc("POST /youtube/token", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		if r.PostForm.Get("client_id") != appID(network.YouTube) || r.PostForm.Get("client_secret") != appSecret(network.YouTube) {
			write(w, http.StatusUnauthorized, object{"error": "invalid_client", "error_description": "Unauthorized"})
			return
		}
		var p pass
		var ok bool
		answer := object{"token_type": "Bearer", "expires_in": seconds(googleHour)}
		switch r.PostForm.Get("grant_type") {
		case "authorization_code":
			if p, ok = s.redeem(network.YouTube, r.PostForm); ok {
				answer["refresh_token"] = s.issue(p, asRefresh, 0)
			}
		case "refresh_token":
			p, ok = s.admits(network.YouTube, r.PostForm.Get("refresh_token"), asRefresh)
		}
		if !ok {
			write(w, http.StatusBadRequest, object{"error": "invalid_grant", "error_description": "Bad Request"})
			return
		}
		answer["access_token"], answer["scope"] = s.issue(p, asAccess, googleHour), strings.Join(p.Scopes, " ")
		write(w, http.StatusOK, answer)
	})
	s.mux.HandleFunc("POST /youtube/revoke", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		p, ok := s.admits(network.YouTube, r.PostForm.Get("token"), asRefresh, asAccess)
		if !ok {
			write(w, http.StatusBadRequest, object{"error": "invalid_token"})
			return
		}
		for _, number := range p.Accounts {
			s.Revoke(network.YouTube, number)
		}
		write(w, http.StatusOK, object{})
	})
	for path, answer := range map[string]func(http.ResponseWriter, *http.Request, Sample){
		"channels": s.channels, "playlistItems": s.playlistItems, "videos": s.videos} {
		s.mux.HandleFunc("GET /youtube/v3/"+path, func(w http.ResponseWriter, r *http.Request) {
			p, ok := s.admits(network.YouTube, bearer(r), asAccess)
			if !ok {
				googleError(w, http.StatusUnauthorized, "authError")
				return
			}
			if !slices.Contains(p.Scopes, "https://www.googleapis.com/auth/youtube.readonly") {
				googleError(w, http.StatusForbidden, "insufficientPermissions")
				return
			}
			answer(w, r, s.of(p))
		})
	}
}

func googleError(w http.ResponseWriter, status int, reason string) {
	write(w, status, object{"error": object{"code": status, "message": "Request failed.",
		"errors": []object{{"message": "Request failed.", "domain": "youtube.parameter", "reason": reason}}}})
}

func (s *Networks) channels(w http.ResponseWriter, r *http.Request, one Sample) {
	answer := object{"kind": "youtube#channelListResponse", "etag": "stand-in"}
	if one.Number != "" && r.URL.Query().Get("mine") == "true" {
		statistics := object{"viewCount": "90210", "videoCount": strconv.Itoa(one.Posts), "hiddenSubscriberCount": one.Hidden}
		if !one.Hidden {
			statistics["subscriberCount"] = strconv.FormatInt(one.Followers, 10)
		}
		privacy := "public"
		if one.Private {
			privacy = "private"
		}
		answer["items"] = []object{{"kind": "youtube#channel", "id": one.Number,
			"snippet":        object{"title": one.Title, "customUrl": "@" + one.Handle, "publishedAt": "2019-05-01T10:00:00Z"},
			"statistics":     statistics,
			"status":         object{"privacyStatus": privacy, "isLinked": true},
			"contentDetails": object{"relatedPlaylists": object{"likes": "", "uploads": "UU" + strings.TrimPrefix(one.Number, "UC")}}}}
	}
	write(w, http.StatusOK, answer)
}

func (s *Networks) playlistItems(w http.ResponseWriter, r *http.Request, one Sample) {
	query := r.URL.Query()
	if one.Posts == 0 || query.Get("playlistId") != "UU"+strings.TrimPrefix(one.Number, "UC") {
		googleError(w, http.StatusNotFound, "playlistNotFound")
		return
	}
	offset, _ := strconv.Atoi(query.Get("pageToken"))
	limit, _ := strconv.Atoi(query.Get("maxResults"))
	posts, more := s.posts(one, offset, min(max(limit, 1), googlePage))
	items := []object{}
	for _, p := range posts {
		items = append(items, object{"kind": "youtube#playlistItem", "contentDetails": object{"videoId": p.id(one),
			"videoPublishedAt": p.at.Format(time.RFC3339)}})
	}
	answer := object{"kind": "youtube#playlistItemListResponse", "items": items}
	if more {
		answer["nextPageToken"] = strconv.Itoa(offset + len(posts))
	}
	write(w, http.StatusOK, answer)
}

// videos tells of those that are asked for; every tenth one is the owner's own draft.
func (s *Networks) videos(w http.ResponseWriter, r *http.Request, one Sample) {
	wanted := strings.Split(r.URL.Query().Get("id"), ",")
	posts, _ := s.posts(one, 0, one.Posts)
	items := []object{}
	for _, p := range posts {
		if !slices.Contains(wanted, p.id(one)) {
			continue
		}
		privacy := "public"
		if p.no%10 == 9 {
			privacy = "private"
		}
		items = append(items, object{"kind": "youtube#video", "id": p.id(one), "status": object{"privacyStatus": privacy},
			"statistics": object{"viewCount": "1200", "likeCount": strconv.FormatInt(p.reactions*3/4, 10),
				"commentCount": strconv.FormatInt(p.reactions-p.reactions*3/4, 10)}})
	}
	write(w, http.StatusOK, object{"kind": "youtube#videoListResponse", "items": items})
}

func (s *Networks) handleTikTok() {
	s.mux.HandleFunc("POST /tiktok/v2/oauth/token/{$}", s.tiktokToken)
	s.mux.HandleFunc("POST /tiktok/v2/oauth/revoke/{$}", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		if p, ok := s.admits(network.TikTok, r.PostForm.Get("token"), asAccess); ok {
			for _, number := range p.Accounts {
				s.Revoke(network.TikTok, number)
			}
		}
		write(w, http.StatusOK, object{})
	})
	s.mux.HandleFunc("GET /tiktok/v2/user/info/{$}", func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.admits(network.TikTok, bearer(r), asAccess)
		if !ok || !slices.Contains(p.Scopes, "user.info.stats") {
			tiktokError(w, ok)
			return
		}
		one := s.of(p)
		write(w, http.StatusOK, object{"error": object{"code": "ok", "message": "", "log_id": "stand-in"}, "data": object{"user": object{
			"open_id": one.Number, "display_name": one.Title, "username": one.Handle, "is_verified": one.Verified,
			"profile_web_link": "https://www.tiktok.com/@" + one.Handle, "follower_count": one.Followers, "video_count": one.Posts}}})
	})
	s.mux.HandleFunc("POST /tiktok/v2/video/list/{$}", func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.admits(network.TikTok, bearer(r), asAccess)
		if !ok || !slices.Contains(p.Scopes, "video.list") {
			tiktokError(w, ok)
			return
		}
		s.tiktokVideos(w, r, s.of(p))
	})
}

func (s *Networks) tiktokToken(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	if r.PostForm.Get("client_key") != appID(network.TikTok) || r.PostForm.Get("client_secret") != appSecret(network.TikTok) {
		write(w, http.StatusUnauthorized, object{"error": "invalid_client", "error_description": "Client key or secret is incorrect.",
			"log_id": "stand-in"})
		return
	}
	var p pass
	var ok bool
	refresh := r.PostForm.Get("refresh_token")
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		p, ok = s.redeem(network.TikTok, r.PostForm)
	case "refresh_token":
		p, ok = s.admits(network.TikTok, refresh, asRefresh)
	}
	if !ok { // as the network does it: a refusal with status 200
		write(w, http.StatusOK, object{"error": "invalid_grant", "error_description": "Authorization code is expired.", "log_id": "stand-in"})
		return
	}
	if refresh == "" || s.Rotate {
		s.spend(refresh)
		refresh = s.issue(p, asRefresh, tiktokYear)
	}
	write(w, http.StatusOK, object{"access_token": s.issue(p, asAccess, tiktokDay), "expires_in": seconds(tiktokDay), "open_id": s.of(p).Number,
		"refresh_expires_in": seconds(tiktokYear), "refresh_token": refresh, "scope": strings.Join(p.Scopes, ","), "token_type": "Bearer"})
}

func tiktokError(w http.ResponseWriter, known bool) {
	code := "access_token_invalid"
	if known {
		code = "scope_not_authorized"
	}
	write(w, http.StatusUnauthorized, object{"data": object{}, "error": object{"code": code, "message": "Not allowed.", "log_id": "stand-in"}})
}

func (s *Networks) tiktokVideos(w http.ResponseWriter, r *http.Request, one Sample) {
	offset, limit := readCursor(r)
	posts, more := s.posts(one, offset, min(max(limit, 1), tiktokPage))
	videos := []object{}
	for _, p := range posts {
		videos = append(videos, object{"id": p.id(one), "create_time": p.at.Unix(), "like_count": p.reactions * 3 / 4,
			"comment_count": p.reactions / 8, "share_count": p.reactions - p.reactions*3/4 - p.reactions/8})
	}
	write(w, http.StatusOK, object{"error": object{"code": "ok", "message": "", "log_id": "stand-in"},
		"data": object{"videos": videos, "cursor": offset + len(posts), "has_more": more}})
}
