package web

import (
	"tributary/internal/auth"
	"tributary/internal/web/staff"
)

// forReviewers are the addresses of web/review. Whoever may find lines in breach may decide about enrolments.
func (w *Web) forReviewers() []route {
	v := w.review
	return []route{
		{"GET /operator/reviews", auth.Staff, v.Reviews},
		{"GET /operator/reviews/{creator}/{program}", auth.Staff, v.Review},
		{"POST /operator/reviews/{creator}/{program}", staff.Finders, v.Decide},
		{"POST /operator/reviews/{creator}/{program}/standing", staff.Finders, v.Stand},
	}
}
