package edge

import (
	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/link"
)

// View gives the token of a video that was seen on a product page (docs/spec.md §5.5); where there is none, why says the
// reason. A view is no click: it is not logged, it ends nobody's session, and nothing of it is kept but the token.
func (e *Edge) View(seen link.Seen) (token, why string, err error) {
	if err := seen.Check(); err != nil {
		return "", "", err
	}
	m, err := e.viewMarket(&seen)
	if err != nil {
		return "", "", err
	}
	at := e.Clock.Now()
	to, known := e.State.tag(link.CleanTag(seen.Tag))
	switch {
	case seen.Seconds < m.Policy.View():
		return "", link.ViewTooShort, nil
	case e.byMachine(&seen):
		return "", link.ViewInvalid, nil
	case !known || to.market != m.No:
		return "", link.ViewUnknownTag, nil
	case !e.State.active(m.No, to.creator, to.program, at):
		return "", link.ViewNotActive, nil
	}
	owner := link.Tracking{ID: to.tracking, Creator: to.creator, Program: to.program, Market: m.No}
	made := link.NewView(owner, seen.Video, seen.SKU, seen.Seconds, seen.Boosted, at)
	if e.Clock.Sandbox() {
		made.Flags |= click.FlagSandbox
	}
	return e.sealer.Seal(made), "", nil
}

// byMachine judges the viewer's browser. What a store's server does not say of it cannot be held against anybody.
func (e *Edge) byMachine(seen *link.Seen) bool {
	if seen.Origin == "" && seen.Agent == "" {
		return false
	}
	verdict, _ := e.sieve.Judge(seen.Agent, seen.Signs)
	return verdict != click.VerdictCounted
}

// viewMarket finds the marketplace: for a page by its host, for a server by its id.
func (e *Edge) viewMarket(seen *link.Seen) (*place, error) {
	if seen.Origin != "" {
		return e.directMarket(seen.Origin, seen.Market)
	}
	for _, m := range e.State.markets.Load().list() {
		if m.ID == seen.Market {
			return m, nil
		}
	}
	return nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
}
