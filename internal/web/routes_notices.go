package web

// forMessages are the addresses of web/notices.
func (w *Web) forMessages() []route {
	return []route{}
}
