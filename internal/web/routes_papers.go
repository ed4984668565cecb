package web

// forDocuments are the addresses of web/papers.
func (w *Web) forDocuments() []route {
	return []route{}
}
