package web

import "tributary/internal/auth"

// forApplicants are the addresses of web/join.
func (w *Web) forApplicants() []route {
	j := w.join
	return []route{
		{"GET /join", auth.Creators, j.Join},
		{"GET /join/{program}", auth.Creators, j.Apply},
		{"POST /join/{program}", auth.Creators, j.ChangeApplication},
		{"GET /join/sites", auth.Creators, j.Sites},
		{"POST /join/sites", auth.Creators, j.AddSite},
		{"GET /join/sites/{site}", auth.Creators, j.Site},
		{"GET /join/sites/{site}/file", auth.Creators, j.ProofFile},
		{"POST /join/sites/{site}", auth.Creators, j.ChangeSite},
		{"GET /join/networks", auth.Creators, j.Networks},
		{"GET /join/networks/callback", auth.Creators, j.Callback},
		{"POST /join/networks/{network}", auth.Creators, j.ConnectNetwork},
		{"POST /join/networks/{account}/end", auth.Creators, j.Disconnect},
		{"GET /creator/programs", auth.Creators, j.Programs},
		{"POST /creator/programs/{program}/withdraw", auth.Creators, j.Withdraw},
	}
}
