package web

// forJournal are the addresses of web/journal.
func (w *Web) forJournal() []route {
	return []route{}
}
