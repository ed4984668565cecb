package web

// forEverybody are the addresses of web/public that show what the programs are.
func (w *Web) forEverybody() []route {
	p := w.public
	return []route{
		{"GET /programs", anybody, p.Programs},
		{"GET /which", anybody, p.Advisor},
	}
}
