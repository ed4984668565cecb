package web

import (
	"tributary/internal/auth"
	"tributary/internal/web/staff"
)

// forDocuments are the addresses of web/papers.
func (w *Web) forDocuments() []route {
	p := w.papers
	return []route{
		{"GET /documents", anybody, p.Documents},
		{"GET /documents/accept", auth.Creators, p.Waiting},
		{"POST /documents/accept", auth.Creators, p.Accept},
		{"GET /documents/{kind}", anybody, p.Document},
		{"GET /documents/{kind}/{number}", anybody, p.Version},
		{"GET /operator/documents", auth.Staff, p.Desk},
		{"GET /operator/documents/{kind}", auth.Staff, p.Edit},
		{"POST /operator/documents/{kind}", staff.Publishers, p.Publish},
	}
}
