package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
)

func (s *server) describeBounties(d huma.API) {
	security := []map[string][]string{{"token": {}}}
	huma.Register(d, huma.Operation{Method: "GET", Path: "/v1/bounties/{marketplace}", OperationID: "list-bounties", Security: security,
		Summary: "What actions pay now"}, s.listBounties)
	huma.Register(d, huma.Operation{Method: "GET", Path: "/v1/bounties/{marketplace}/{bounty}", OperationID: "show-bounty", Security: security,
		Summary: "A completed action with its amounts and the explanation"}, s.showBounty)
}

type bountiesInput struct {
	Marketplace string `path:"marketplace" maxLength:"16"`
}

// offeredBounty is an offer as it is shown; amounts are minor units.
type offeredBounty struct {
	Action       string     `json:"action"`
	Name         string     `json:"name"`
	Amount       int64      `json:"amount,omitempty"`
	ShareBPS     int64      `json:"share_bps,omitempty" doc:"of the value that the event names, in place of an amount"`
	Max          int64      `json:"max,omitempty"`
	From         time.Time  `json:"from"`
	Until        *time.Time `json:"until,omitempty" doc:"first instant after it"`
	NewCustomers bool       `json:"new_customers,omitempty"`
}

type bountiesOutput struct {
	Body struct {
		Marketplace string          `json:"marketplace"`
		Currency    string          `json:"currency"`
		Bounties    []offeredBounty `json:"bounties"`
	}
}

func (s *server) listBounties(ctx context.Context, in *bountiesInput) (*bountiesOutput, error) {
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	out := &bountiesOutput{}
	out.Body.Marketplace, out.Body.Currency, out.Body.Bounties = m.ID, m.Currency, []offeredBounty{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		offers, err := bounty.Load(tx, m.No)
		for _, o := range bounty.Current(offers, s.Clock.Now()) {
			shown := offeredBounty{o.Action, o.Name, o.Amount, o.ShareBPS, o.Max, o.From, nil, o.NewCustomers}
			if !o.Until.IsZero() {
				shown.Until = &o.Until
			}
			out.Body.Bounties = append(out.Body.Bounties, shown)
		}
		return err
	})
	if err != nil {
		return nil, problem(err)
	}
	return out, nil
}

type bountyInput struct {
	Marketplace string `path:"marketplace" maxLength:"16"`
	Bounty      string `path:"bounty" maxLength:"128"`
}

type bountyOutput struct{ Body *explain.Bounty }

// showBounty explains a completed action. A creator's token opens the creator's own alone.
func (s *server) showBounty(ctx context.Context, in *bountyInput) (*bountyOutput, error) {
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	var e *explain.Bounty
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		e, err = explain.OneBounty(tx, m.No, in.Bounty)
		return err
	}); err != nil {
		return nil, problem(err)
	}
	if me := tokenOf(ctx).Creator; me != 0 {
		if e.Creator != me.Text(id.Creator) {
			return nil, problem(fault.New(fault.NotFound, "bounty", "there is no such completed bounty in this marketplace", "check its id"))
		}
		e = e.For(me)
	}
	return &bountyOutput{e}, nil
}

// makeBountyLink makes the link of an action that is offered now.
func (s *server) makeBountyLink(tx *db.Tx, m market.Market, owner id.ID, draft link.Draft, action string) (link.Link, error) {
	offers, err := bounty.Load(tx, m.No)
	if err != nil {
		return link.Link{}, err
	}
	offer := bounty.At(offers, action, s.Clock.Now())
	if offer == nil {
		return link.Link{}, fault.Invalidf("bounty", "%q is not offered here now", "see GET /v1/bounties/"+m.ID, clip(action))
	}
	return link.MakeBounty(tx, s.Clock.Now(), m, owner, draft, link.Bounty{ID: offer.ID, Action: offer.Action, Page: offer.Page})
}
