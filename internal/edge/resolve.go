package edge

import (
	"time"

	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/product"
)

// resolved is where a link leads, and for whom.
type resolved struct {
	owner
	link    id.ID
	channel string
	kind    click.LinkKind // of the address that was clicked
	verdict click.Verdict  // VerdictCounted, or why the click counts for nobody
	landed  click.Landed
	place   int64

	market *place
	wanted *link.Wanted // what to show there
}

// known tells whether the link stands for anybody.
func (r *resolved) known() bool { return r.creator != 0 }

// tells whether the click has anything to tell an order: not where the tag is unknown, or stands for somebody who may
// not share links of this kind (docs/spec.md §3.5). A closed enrolment's does: the order says why it earned nothing.
func (r *resolved) tells() bool { return r.known() && r.verdict != click.VerdictNotAllowed }

var (
	errNoCode   error = fault.New(fault.NotFound, "code", "is no link", "check that it was copied whole")
	errNoMarket error = fault.New(fault.NotFound, "marketplace", "none is set up here yet", "set one up first")
)

// guest is what is known of the visitor.
type guest struct {
	country market.Country
	stay    bool
	at      time.Time
}

// resolve finds whom a link stands for and where it leads this visitor (docs/spec.md §3, §4). It changes w: a short link
// becomes its target, and a routed product the one that is sold there. A link always leads somewhere; only a code that
// does not exist, and a page that is none of ours, are refused.
func (s *State) resolve(w *link.Wanted, g guest) (resolved, error) {
	all := s.markets.Load()
	r := resolved{kind: w.Kind, wanted: w}
	if all == nil || len(all.all) == 0 {
		return r, errNoMarket
	}
	if w.Kind == click.KindShort {
		found, ok := s.short(w.Code)
		if !ok {
			return r, errNoCode
		}
		r.owner, r.link, r.channel = found.owner, found.link, found.channel
		if err := openShort(w, found.target); err != nil {
			return r, err
		}
	} else if found, ok := s.tag(w.Tag); ok {
		r.owner = found
	}
	r.market = all.byNo[r.owner.market]
	if r.market == nil { // an unknown tag, or none
		r.owner, r.market = owner{}, all.byNo[s.somewhere(all, w, g.country)]
	}
	if w.Kind == click.KindPage {
		if err := s.openPage(all, &r, g.at); err != nil {
			return r, err
		}
	} else {
		s.route(all, &r, g)
	}
	r.judge(s, g.at)
	r.land()
	return r, nil
}

// openShort puts a short link's target in place of its code. What the address itself carries goes before what was baked
// in.
func openShort(w *link.Wanted, target string) error {
	path, query := target, ""
	for i := range len(target) {
		if target[i] == '?' {
			path, query = target[:i], target[i+1:]
			break
		}
	}
	opened, err := link.Parse(path, query)
	if err != nil || opened.Kind == click.KindShort {
		return errNoCode // made under rules that no longer hold
	}
	asked := w.Carried
	show := w.Show
	*w = opened
	w.Show = show
	for i := range asked.Sub {
		if asked.Sub[i] != "" {
			w.Sub[i] = asked.Sub[i]
		}
		if asked.UTM[i] != "" {
			w.UTM[i] = asked.UTM[i]
		}
	}
	w.Ads, w.Stay, w.Tag, w.TagText = asked.Ads, asked.Stay, "", ""
	return nil
}

// somewhere is the marketplace for a link that stands for nobody: the visitor's own, but one that sells the product.
func (s *State) somewhere(all *markets, w *link.Wanted, c market.Country) uint16 {
	no := all.geography.Serving(c)
	if no == 0 {
		no = all.geography.First()
	}
	if w.Kind == click.KindProduct && len(all.all) > 1 && !s.sells(no, w.SKU) {
		for _, m := range all.all {
			if s.sells(m.No, w.SKU) {
				return m.No
			}
		}
	}
	return no
}

// openPage judges a page of the store. A page of another of our marketplaces is brought there, for the creator's tracking
// id there.
func (s *State) openPage(all *markets, r *resolved, at time.Time) error {
	page, err := r.market.addresses.Page(r.wanted.Page)
	if err == nil {
		r.wanted.Page = page
		return nil
	}
	for _, m := range all.all {
		other := all.byNo[m.No]
		if page, foreign := other.addresses.Page(r.wanted.Page); foreign == nil {
			r.wanted.Page = page
			r.move(s, other, at)
			return nil
		}
	}
	return err
}

// move brings the visitor to another marketplace. Where the creator has nothing there, the click is nobody's.
func (r *resolved) move(s *State, to *place, at time.Time) bool {
	tracking := reach(s.creator(r.creator), to.No, r.program, r.tracking)
	r.market = to
	if tracking == 0 || !s.active(to.No, r.creator, r.program, at) {
		r.owner = owner{}
		return false
	}
	r.tracking, r.owner.market = tracking, to.No
	return true
}

// route brings visitors of associates' links to the marketplace that serves them.
func (s *State) route(all *markets, r *resolved, g guest) {
	w := r.wanted
	routable := r.known() && r.program == click.Associates &&
		(w.Kind == click.KindProduct || w.Kind == click.KindSearch || w.Kind == click.KindCategory || w.Kind == click.KindHome)
	// Most visitors are where they belong: nothing more is looked up for them.
	if !routable || len(all.all) < 2 || g.stay || all.geography.Serves(r.market.No, g.country) {
		return
	}
	known := s.creator(r.creator)
	visit := market.Visit{Country: g.country, Here: r.market.No, Stay: g.stay, Routable: true,
		Preference: readPreference(known)}
	there := all.geography.Route(visit, func(no uint16) bool {
		return reach(known, no, r.program, r.tracking) != 0 && s.active(no, r.creator, r.program, g.at)
	})
	if there == r.market.No {
		return
	}
	if w.Kind == click.KindProduct && !s.matchProduct(w, r.market.No, there, visit.Preference) {
		return
	}
	r.move(s, all.byNo[there], g.at)
}

// matchProduct looks the product up in the other marketplace: the same, else one like it, else a search for its title, as
// the preference allows. It is false where the visitor stays.
func (s *State) matchProduct(w *link.Wanted, from, to uint16, preference market.Preference) bool {
	same, like, title := s.sameProduct(from, to, w.SKU)
	switch {
	case same != "":
		w.SKU = same
	case preference == market.Exact:
		return false
	case like != "":
		w.SKU = like
	case title != "":
		w.Kind, w.SKU, w.Query = click.KindSearch, "", title
	default:
		return false // nobody knows what it is
	}
	return true
}

// judge says whether the click counts for the one the link stands for. Links of influencers to single products do not,
// as shipped (docs/spec.md §1, §3.5).
func (r *resolved) judge(s *State, at time.Time) {
	switch {
	case !r.known():
		r.verdict = click.VerdictUnknownTag
	case !s.active(r.owner.market, r.creator, r.program, at):
		r.verdict = click.VerdictNotActive
	case r.program == click.Influencer && r.wanted.Kind == click.KindProduct:
		r.verdict = click.VerdictNotAllowed
	default:
		r.verdict = click.VerdictCounted
	}
}

// land says what the shopper will see first, for *direct* sales.
func (r *resolved) land() {
	w := r.wanted
	if w.Kind == click.KindPage {
		read := r.market.addresses.Read(w.Page)
		r.landOn(read.Kind, read.SKU, read.Category)
		return
	}
	r.landOn(w.Kind, w.SKU, w.Category)
}

func (r *resolved) landOn(kind click.LinkKind, sku, category string) {
	switch kind {
	case click.KindProduct:
		r.landed, r.place = click.LandedProduct, click.ProductPlace(sku)
	case click.KindCategory:
		r.landed, r.place = click.LandedCategory, click.CategoryPlace(product.CleanCategory(category))
	}
}
