package connect

import (
	"net/http"

	"tributary/internal/click"
	"tributary/internal/id"
	"tributary/internal/link"
)

// view is a video that was seen on a product page, as t.js or the store's server tells of it. Whether somebody paid for
// its place, and what the viewer's browser calls itself, is taken from the server only.
type view struct {
	Marketplace string `json:"marketplace"`
	Tag         string `json:"tag"`
	SKU         string `json:"sku"`
	Video       string `json:"video"`
	Seconds     int64  `json:"seconds"`
	Boosted     bool   `json:"boosted"`
	UserAgent   string `json:"user_agent"`
}

// viewAnswer holds the view's token; it is empty where there is none to keep, and the reason says why.
type viewAnswer struct {
	Token  string `json:"token"`
	Reason string `json:"reason,omitempty"`
}

// pageView answers POST /view: a page of a marketplace's own tells what its shopper saw.
func (d *doors) pageView(w http.ResponseWriter, r *http.Request) {
	if !d.allow(w, r) {
		refuse(w, r, errOrigin)
		return
	}
	d.answerView(w, r, func(seen *link.Seen, _ *view) {
		seen.Origin, seen.Agent = r.Header.Get("Origin"), r.UserAgent()
		seen.Signs = click.ReadSigns(r.Method, r.Header.Get)
	})
}

// serverView answers POST /v1/views.
func (d *doors) serverView(w http.ResponseWriter, r *http.Request) {
	if !d.fromStore(w, r) {
		return
	}
	d.answerView(w, r, func(seen *link.Seen, told *view) {
		seen.Agent, seen.Boosted = told.UserAgent, told.Boosted
	})
}

// answerView reads what is told; by adds what depends on who tells it.
func (d *doors) answerView(w http.ResponseWriter, r *http.Request, by func(*link.Seen, *view)) {
	var told view
	if err := readJSON(w, r, &told); err != nil {
		refuse(w, r, err)
		return
	}
	seen := link.Seen{Market: told.Marketplace, Tag: told.Tag, SKU: told.SKU, Seconds: told.Seconds}
	if told.Video != "" {
		var err error
		if seen.Video, err = id.Parse("video", link.VideoPrefix, told.Video); err != nil {
			refuse(w, r, err)
			return
		}
	}
	by(&seen, &told)
	token, why, err := d.View(seen)
	if err != nil {
		refuse(w, r, err)
		return
	}
	answer(w, "application/json", http.StatusOK, viewAnswer{Token: token, Reason: why})
}
