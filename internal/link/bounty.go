package link

import (
	"time"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// KindBounty is the kind of a bounty's own link. To the edge it is a short link to a page.
const KindBounty = "bounty"

// Bounty is what a bounty's link leads to: the offer in force when the link is made, its action, and its page.
type Bounty struct {
	ID     id.ID
	Action string
	Page   string // of the store: its address, or its path from the root
}

// MakeBounty makes a creator's own link of a bounty and announces it to the edge. d.Target is not asked: the offer's page
// is the target. A click on the link counts for the action, whatever version of the offer is in force when it is done.
func MakeBounty(tx *db.Tx, now time.Time, m market.Market, creator id.ID, d Draft, b Bounty) (Link, error) {
	if b.ID == 0 || b.Action == "" {
		return Link{}, fault.Invalidf("bounty", "is not offered here now", "choose one of the bounties that are listed")
	}
	page, err := NewAddresses(m).Page(b.Page)
	if err != nil {
		return Link{}, err
	}
	// Product, search, category and home links are routed to the visitor's own marketplace. A bounty is offered in one:
	// its visitors stay (docs/spec.md §4), as all do on the way to a page.
	made, err := drafted(tx, now, m, creator, d, Wanted{Kind: click.KindPage, Page: page})
	if err != nil {
		return Link{}, err
	}
	made.Kind, made.Bounty, made.Action = KindBounty, b.ID, b.Action
	return made, keep(tx, &made, d.Code)
}
