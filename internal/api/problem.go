package api

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tributary/internal/fault"
)

// status is the one place where a kind becomes an HTTP status.
func status(err error) int {
	f := fault.Of(err)
	switch f.Kind {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Denied:
		if f.Field == "Authorization" || f.Field == "authorization" {
			return http.StatusUnauthorized
		}
		return http.StatusForbidden
	case fault.Conflict:
		return http.StatusConflict
	case fault.Exhausted:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusServiceUnavailable
}

// problem turns an error into huma's RFC 9457 form and logs what is behind it, once.
func problem(err error) error {
	f := fault.Of(err)
	if f.Kind == fault.Unavailable {
		slog.Error("request failed", "err", err)
	}
	detail := &huma.ErrorDetail{Message: f.Rule, Location: f.Field}
	return huma.NewError(status(err), f.Error(), detail)
}

// Problem writes an error as an RFC 9457 problem: what may be shown, with field, rule and fix.
func Problem(w http.ResponseWriter, r *http.Request, err error) {
	f, code := fault.Of(err), status(err)
	if f.Kind == fault.Unavailable {
		slog.Error("request failed", "path", r.URL.Path, "err", err)
		w.Header().Set("Retry-After", "2")
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	body := map[string]any{"title": http.StatusText(code), "status": code, "detail": f.Error()}
	if f.Field != "" {
		body["errors"] = []map[string]string{{"location": f.Field, "message": f.Rule, "fix": f.Fix}}
	}
	json.NewEncoder(w).Encode(body)
}
