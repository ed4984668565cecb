package web

import "tributary/internal/web/staff"

// forJournal are the addresses of web/journal.
func (w *Web) forJournal() []route {
	j := w.journal
	return []route{
		{"GET /operator/journal", staff.LogReaders, j.Log},
		{"GET /operator/journal/file.csv", staff.LogReaders, j.File},
		{"GET /operator/journal/{no}", staff.LogReaders, j.Entry},
		{"POST /operator/journal/verify", staff.LogReaders, j.Verify},
	}
}
