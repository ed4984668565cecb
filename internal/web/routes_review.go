package web

// forReviewers are the addresses of web/review.
func (w *Web) forReviewers() []route {
	return []route{}
}
