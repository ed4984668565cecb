package connect

import (
	"net/http"

	"tributary/internal/fault"
)

// directLink is what t.js tells.
type directLink struct {
	Market   string `json:"market"`
	Address  string `json:"address"`
	Referrer string `json:"referrer"`
}

// directAnswer holds the click's token; it is empty where there is none to keep.
type directAnswer struct {
	Token string `json:"token"`
}

// allow lets a page of a marketplace's own read the answer. Nobody else's page can make a click or read one's token.
func (d *doors) allow(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h.Set("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !d.Origin(origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	return true
}

var errOrigin error = fault.New(fault.Denied, "origin", "is not a page of one of the marketplaces",
	"add the store's host to its marketplace")

// direct answers POST /c. t.js sends its JSON as text, so that the browser need not ask first.
func (d *doors) direct(w http.ResponseWriter, r *http.Request) {
	if !d.allow(w, r) {
		refuse(w, r, errOrigin)
		return
	}
	var told directLink
	if err := readJSON(w, r, &told); err != nil {
		refuse(w, r, err)
		return
	}
	token, err := d.Direct(r, told.Market, told.Address, told.Referrer)
	if err != nil {
		refuse(w, r, err)
		return
	}
	answer(w, "application/json", http.StatusOK, directAnswer{Token: token})
}

// preflight answers a browser that asks first, because the integrator calls the door with headers of his own.
func (d *doors) preflight(w http.ResponseWriter, r *http.Request) {
	if !d.allow(w, r) {
		refuse(w, r, errOrigin)
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}
