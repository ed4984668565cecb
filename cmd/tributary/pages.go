package main

import (
	"net/http"
	"time"

	"tributary/internal/web"
)

// pages are the doors for people.
func (t *node) pages() http.Handler {
	t.web = web.New(web.Config{DB: t.db, Clock: t.clock, Hints: t.hints, Address: t.home, LinkMade: t.state.Know,
		Secure: len(t.home) > 8 && t.home[:8] == "https://", Unshipped: t.unshipped})
	return t.web
}

// unshipped tells how many clicks of this process wait in its log. They wait since the shipper's last commit at most:
// their own instants are in the log alone.
func (t *node) unshipped() (count int64, oldest time.Time) {
	synced, shipped := t.log.Synced(), t.shipper.State().Shipped
	if synced.Compare(shipped) <= 0 {
		return 0, oldest
	}
	if synced.Epoch != shipped.Epoch {
		return int64(synced.Sequence), oldest
	}
	return int64(synced.Sequence - shipped.Sequence), oldest
}
