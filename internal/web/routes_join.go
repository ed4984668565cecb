package web

// forApplicants are the addresses of web/join.
func (w *Web) forApplicants() []route {
	return []route{}
}
