package main

import (
	"net/http"
	"time"

	"tributary/internal/web"
	"tributary/internal/web/papers"
	"tributary/internal/web/rates"
	"tributary/internal/web/staff"
)

// pages are the doors for people.
func (t *node) pages() http.Handler {
	t.web = web.New(web.Config{DB: t.db, Clock: t.clock, Ring: t.ring, Hints: t.hints, Address: t.home, LinkMade: t.state.Know,
		Secure: len(t.home) > 8 && t.home[:8] == "https://", Unshipped: t.unshipped,
		Home: t.home, Name: t.name, Client: t.clientOf, Providers: t.providers, Admission: t.desk,
		Works: staff.Works{Accrual: t.accrual, WhatIf: t.tries}})
	told := &papers.Pages{DB: t.db, Clock: t.clock, Ring: t.ring}
	paid := &rates.Pages{Pages: staff.Pages{DB: t.db, Clock: t.clock, Ring: t.ring}}
	t.jobs.Work[papers.AnnounceJob], t.jobs.Work[rates.AnnounceJob] = told.Announce, paid.Announce
	return t.web
}

// unshipped tells how many clicks of this process wait in its log, and since when at most: the last time shipping went well.
func (t *node) unshipped() (count int64, oldest time.Time) {
	synced, state := t.log.Synced(), t.shipper.State()
	if synced.Compare(state.Shipped) <= 0 {
		return 0, oldest
	}
	if count = int64(synced.Sequence); synced.Epoch == state.Shipped.Epoch {
		count -= int64(state.Shipped.Sequence)
	}
	return count, state.Well
}
