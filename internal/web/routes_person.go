package web

import "tributary/internal/auth"

// forPersons are the addresses of web/person.
func (w *Web) forPersons() []route {
	p := w.person
	return []route{
		{"GET /account/data", auth.Creators, p.Data},
		{"POST /account/data/export", auth.Creators | owners | fresh, p.Export},
		{"POST /account/data/erase", auth.Creators | owners | fresh, p.Erase},
	}
}
