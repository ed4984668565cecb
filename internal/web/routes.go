package web

import (
	"slices"

	"tributary/internal/auth"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// route is a row of the table: an address, whom it lets in, and what it does. A test walks the table with every role.
type route struct {
	pattern string
	who     auth.Roles
	action  ui.Action
}

// What a row says beside the roles that it lets in. None of them is a role: `auth.Creators | owners | fresh` lets in
// creators' owners who proved a moment ago who they are.
//
// Without one of them, whoever acts for an account needs a seat: a viewer's to look (GET), a manager's to change.
const (
	anybody auth.Roles = 1 << 15 // who has not signed in, too
	anySeat auth.Roles = 1 << 14 // what it changes is the person's own, and not the account's: a viewer may
	owners  auth.Roles = 1 << 13 // an owner's seat is needed
	fresh   auth.Roles = 1 << 12 // proof within the last minutes is needed; a form is sent again after it

	somebody auth.Roles = 1 << 11 // whoever has signed in, for whatever account or none
	unread   auth.Roles = 1 << 10 // nobody asks who is there: files
)

// routes is every address for people.
func (w *Web) routes() []route {
	return slices.Concat([]route{
		{"GET /{$}", anybody, w.public.Landing},
		{"GET /assets/{name}", anybody | unread, ui.ServeAsset},
		{"GET /home", somebody, w.home},
		{"GET /rates", anybody, w.public.Rates},
		{"GET /rates/{marketplace}", anybody, w.public.Rates},
	}, w.forEverybody(), w.forCreators(), w.forStaff(), w.forAccounts(), w.forApplicants(), w.forDocuments(), w.forMessages(), w.forPersons(),
		w.forReviewers(), w.forJournal())
}

func (w *Web) forCreators() []route {
	c := w.creator
	return []route{
		{"GET /creator", auth.Creators, c.Home},
		{"GET /creator/events", auth.Creators, w.creatorEvents},
		{"GET /creator/earnings", auth.Creators, c.Earnings},
		{"GET /creator/earnings.csv", auth.Creators, c.EarningsFile},
		{"GET /creator/lines/{order}/{line}", auth.Creators, c.Line},
		{"GET /creator/lines/{order}/{line}/facts", auth.Creators, c.LineFacts},
		{"GET /creator/links", auth.Creators, c.Links},
		{"POST /creator/links", auth.Creators, c.MakeLink},
		{"POST /creator/tracking", auth.Creators, c.MakeTracking},
		{"GET /creator/reports", auth.Creators, c.Reports},
		{"GET /creator/rates", auth.Creators, c.Rates},
		{"POST /creator/bounties", auth.Creators, c.MakeBountyLink},
		{"GET /creator/bounties/{bounty}", auth.Creators, c.Bounty},
		{"GET /creator/bounties/{bounty}/facts", auth.Creators, c.BountyFacts},
		{"GET /creator/ask", auth.Creators, c.Ask},
		{"POST /creator/claims", auth.Creators, c.OpenClaim},
		{"GET /creator/claims/{claim}", auth.Creators, c.Claim},
		{"POST /creator/claims/{claim}", auth.Creators, c.ChangeClaim},
	}
}

func (w *Web) forStaff() []route {
	o, t := w.operator, w.rates
	return []route{
		{"GET /operator", auth.Staff, o.River},
		{"GET /operator/events", auth.Staff, w.operatorEvents},
		{"GET /operator/orders", auth.Staff, o.Orders},
		{"GET /operator/orders/{order}", auth.Staff, o.Order},
		{"GET /operator/lines/{order}/{line}", auth.Staff, o.Line},
		{"GET /operator/lines/{order}/{line}/facts", auth.Staff, o.LineFacts},
		{"GET /operator/rates", auth.Staff, t.Rates},
		{"POST /operator/orders/{order}/disqualify", staff.Finders, o.Disqualify},
		{"GET /operator/reports", staff.Bookkeepers, o.Margin},
		{"GET /operator/reports/margin.csv", staff.Bookkeepers, o.MarginFile},
		{"GET /operator/reports/attribution", staff.Bookkeepers, o.Models},
		{"GET /operator/reports/attribution.csv", staff.Bookkeepers, o.ModelsFile},
		{"GET /operator/reports/reasons", staff.Bookkeepers, o.Reasons},
		{"GET /operator/reports/reasons.csv", staff.Bookkeepers, o.ReasonsFile},
		{"GET /operator/reports/free", staff.Bookkeepers, o.Free},
		{"GET /operator/claims", auth.Staff, o.Claims},
		{"GET /operator/claims/{claim}", auth.Staff, o.Claim},
		{"POST /operator/claims/{claim}", staff.Answerers, o.AnswerClaim},
		{"GET /operator/corrections", auth.Staff, o.Corrections},
		{"POST /operator/corrections", staff.Adjusters, o.ProposeAdjustment},
		{"GET /operator/corrections/{correction}", auth.Staff, o.Correction},
		{"POST /operator/corrections/{correction}/decide", staff.Adjusters, o.DecideCorrection},
		{"POST /operator/corrections/{correction}/post", staff.Adjusters, o.PostCorrection},
		{"POST /operator/corrections/{correction}/reverse", staff.Finders, o.Reverse},
		{"POST /operator/corrections/{correction}/withdraw", staff.Proposers, o.WithdrawCorrection},
		{"GET /operator/adjust", staff.Adjusters, o.Adjust},
		{"GET /operator/rates/drafts", auth.Staff, t.Drafts},
		{"POST /operator/rates/drafts", staff.Drafters, t.NewDraft},
		{"GET /operator/rates/drafts/{draft}", auth.Staff, t.Draft},
		{"GET /operator/rates/drafts/{draft}/text", auth.Staff, t.DraftText},
		{"POST /operator/rates/drafts/{draft}/text", staff.Drafters, t.SaveText},
		{"GET /operator/rates/drafts/{draft}/form", auth.Staff, t.DraftForm},
		{"POST /operator/rates/drafts/{draft}/form", staff.Drafters, t.SaveForm},
		{"GET /operator/rates/drafts/{draft}/rates.yaml", auth.Staff, t.DraftFile},
		{"POST /operator/rates/drafts/{draft}/discard", staff.Drafters, t.DiscardDraft},
		{"POST /operator/rates/drafts/{draft}/publish", staff.Publishers, t.Publish},
		{"GET /operator/whatif", staff.Bookkeepers, t.WhatIfs},
		{"POST /operator/whatif", staff.Drafters, t.StartWhatIf},
		{"GET /operator/whatif/{run}", staff.Bookkeepers, t.WhatIfRun},
		{"GET /operator/whatif/{run}/rows.csv", staff.Bookkeepers, t.WhatIfFile},
		{"POST /operator/whatif/{run}/cancel", staff.Drafters, t.CancelWhatIf},
		{"GET /operator/bounties", auth.Staff, t.Bounties},
		{"POST /operator/bounties", staff.Publishers, t.PublishBounty},
		{"POST /operator/bounties/{bounty}/end", staff.Publishers, t.EndBounty},
		{"GET /operator/coupons", auth.Staff, o.Coupons},
		{"POST /operator/coupons", staff.Givers, o.OpenCoupon},
		{"POST /operator/coupons/{code}/end", staff.Givers, o.EndCoupon},
		{"GET /operator/creators", auth.Staff, o.Creators},
		{"GET /operator/creators/{creator}", auth.Staff, o.Creator},
		{"POST /operator/creators/{creator}/pin", staff.Answerers, o.CheckPIN},
	}
}
