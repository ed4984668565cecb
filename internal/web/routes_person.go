package web

// forPersons are the addresses of web/person.
func (w *Web) forPersons() []route {
	return []route{}
}
