package creator

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/report"
	"tributary/internal/web/ui"
)

const (
	pageLinks   = 40
	maxPicks    = 12 // products that a name finds, on one screen
	clicksDays  = 30
	sameLooked  = 100 // newest links that are looked through for one with the same target
	maxQuestion = 2048
	maxTitle    = 120 // characters: what a line of the list holds
)

// links is the page on which links are made and found again.
type links struct {
	*desk
	address  string // where links begin
	question string
	tracking []link.Tracking
	chosen   id.ID
	clicks   map[id.ID]int64
	picks    []pick
	made     *made
	links    []link.Link
	before   id.ID // the next page begins here; 0 is the end
	refused  string
}

// pick is a product that a name found.
type pick struct {
	product.Product
	rate string
}

// made is a link that is shown whole: address, short address, rate, code for phones.
type made struct {
	link.Link
	long, short string
	rate        string
	tag         string
}

// Links shows the page, with what the address asks for: a question for products, or a link that was made.
func (p *Pages) Links(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Links", "/creator/links", func(tx *db.Tx, d *desk) (templ.Component, error) {
		l, err := p.readLinks(tx, d, r)
		return linksPage(l), err
	})
}

// readLinks reads the page. It is shown for an address as for a form that was refused: both have the same fields.
func (p *Pages) readLinks(tx *db.Tx, d *desk, r *http.Request) (*links, error) {
	l := &links{desk: d, address: p.Address, question: strings.TrimSpace(r.FormValue("q"))}
	all, err := link.TrackingOf(tx, []id.ID{d.me.Creator})
	if err != nil {
		return nil, err
	}
	l.tracking = slices.DeleteFunc(all[d.me.Creator], func(t link.Tracking) bool {
		return t.Market != d.Market.No || !t.Archived.IsZero()
	})
	ids := make([]id.ID, len(l.tracking))
	for i, t := range l.tracking {
		ids[i] = t.ID
	}
	if l.clicks, err = report.TrackingClicks(tx, d.me.Creator, d.Market, ids, d.now.AddDate(0, 0, -clicksDays)); err != nil {
		return nil, err
	}
	if chosen, err := id.Parse("tracking", id.Tracking, r.FormValue("tracking")); err == nil {
		l.chosen = chosen
	}
	cards, err := ratecard.Load(tx, d.Market.No)
	if err != nil {
		return nil, err
	}
	card := cards.At(ratecard.Offsite, d.now)
	if code := r.FormValue("made"); code != "" {
		if err := l.readMade(tx, code, card); err != nil {
			return nil, err
		}
	}
	if l.question != "" && l.made == nil {
		if err := l.search(tx, card); err != nil {
			return nil, err
		}
	}
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64)
	page, err := link.Of(tx, d.me.Creator, id.ID(max(before, 0)), pageLinks)
	if len(page) == pageLinks {
		l.before = page[len(page)-1].ID
	}
	l.links = slices.DeleteFunc(page, func(one link.Link) bool { return one.Market != d.Market.No })
	return l, err
}

// search finds products by name, each with the rate that it earns now.
func (l *links) search(tx *db.Tx, card *ratecard.Version) error {
	found, err := product.Search(tx, l.Market.No, l.question[:min(len(l.question), maxQuestion)], maxPicks)
	for _, one := range found {
		l.picks = append(l.picks, pick{one, l.rateOf(card, one.Category, one.SKU)})
	}
	return err
}

// rateOf is the rate of a product at this instant. What counts is the one at the time of the order.
func (l *links) rateOf(card *ratecard.Version, category, sku string) string {
	if card == nil {
		return "no rate yet"
	}
	return l.Format.Percent(card.Lookup(category, sku).BPS)
}

// readMade reads a link that is shown whole. Somebody else's code is as if it did not exist.
func (l *links) readMade(tx *db.Tx, code string, card *ratecard.Version) error {
	found, err := link.ByCode(tx, []string{code})
	if err != nil {
		return err
	}
	one, ok := found[code]
	if !ok || one.Creator != l.me.Creator {
		return fault.New(fault.NotFound, "link", "there is no such link of yours", "look for it in the list")
	}
	tags, err := link.TrackingByID(tx, []id.ID{one.Tracking})
	if err != nil {
		return err
	}
	l.made = &made{Link: one, tag: tags[one.Tracking].Tag}
	l.made.long, l.made.short = l.longOf(one, l.made.tag), l.address+"/"+one.Code
	sku, isProduct := strings.CutPrefix(one.Target, "/dp/")
	if isProduct {
		sku, _, _ = strings.Cut(sku, "?")
		products, err := product.BySKU(tx, l.Market.No, []string{sku})
		if err != nil {
			return err
		}
		if found, ok := products[sku]; ok {
			l.made.rate = l.rateOf(card, found.Category, found.SKU) + " of " + l.money(found.Price)
		}
	}
	return nil
}

// longOf is the address that says by itself where it leads and whose it is.
func (l *links) longOf(one link.Link, tag string) string {
	separator := "?"
	if strings.Contains(one.Target, "?") {
		separator = "&"
	}
	return l.address + one.Target + separator + "tag=" + tag
}

// MakeLink makes a link from a pasted address; a name leads to the products that it finds.
func (p *Pages) MakeLink(w http.ResponseWriter, r *http.Request) error {
	question := strings.TrimSpace(r.PostFormValue("q"))
	var d *desk
	var code string
	err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) (err error) {
		if d, err = p.open(tx, r, "Links", "/creator/links"); err != nil {
			return err
		}
		if question == "" || len(question) > maxQuestion {
			return fault.Invalidf("link", "needs a product's address or name", "paste one, up to %d characters", maxQuestion)
		}
		if !isAddress(question) {
			return nil
		}
		code, err = makeLink(tx, d, r, question)
		return err
	})
	switch {
	case err != nil && d != nil && fault.Of(err).Kind != fault.Unavailable:
		return p.refuse(w, r, err)
	case err != nil:
		return err
	case code == "":
		http.Redirect(w, r, d.inMarket("/creator/links", "q", question, "tracking", r.PostFormValue("tracking")), http.StatusSeeOther)
		return nil
	}
	if err := p.waitForEdge(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, d.inMarket("/creator/links", "made", code), http.StatusSeeOther)
	return nil
}

// edgePatience is how long a person waits for the edge to know a new link: it follows within milliseconds, and an edge
// that is away catches up by itself.
const edgePatience = 2 * time.Second

// waitForEdge makes sure that a link works when it is shown.
func (p *Pages) waitForEdge(ctx context.Context) error {
	if p.LinkMade == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, edgePatience)
	defer cancel()
	if err := p.LinkMade(ctx); err != nil && ctx.Err() == nil {
		return fault.Wrap(err, "waiting for the edge to know a link")
	}
	return nil
}

// isAddress tells a pasted address from a name: it has a scheme, or a host or a path before its first slash.
func isAddress(text string) bool {
	if strings.ContainsAny(text, " \t") {
		return false
	}
	host, _, slash := strings.Cut(text, "/")
	return strings.Contains(text, "://") || strings.HasPrefix(text, "/") || slash && strings.Contains(host, ".")
}

// makeLink makes a short link, or finds the one that the creator has for the same target already.
func makeLink(tx *db.Tx, d *desk, r *http.Request, target string) (code string, err error) {
	tracking, err := d.chooseTracking(tx, r)
	if err != nil {
		return "", err
	}
	wanted, err := link.Target(link.NewAddresses(d.Market), target)
	if err != nil {
		return "", err
	}
	draft := link.Draft{Tracking: tracking, Target: target, Code: strings.TrimSpace(r.PostFormValue("code")),
		Title: r.PostFormValue("title")}
	if draft.Title == "" && wanted.Kind == click.KindProduct {
		products, err := product.BySKU(tx, d.Market.No, []string{wanted.SKU})
		if err != nil {
			return "", err
		}
		if _, ok := products[wanted.SKU]; !ok {
			return "", fault.New(fault.NotFound, "link", "leads to a product that this marketplace does not have",
				"search for it by name")
		}
		draft.Title = products[wanted.SKU].Title
	}
	if runes := []rune(draft.Title); len(runes) > maxTitle {
		draft.Title = string(runes[:maxTitle])
	}
	if draft.Code == "" { // asked for again, it is the link that there is
		recent, err := link.Of(tx, d.me.Creator, 0, sameLooked)
		if err != nil {
			return "", err
		}
		path := wanted.Path()
		for _, one := range recent {
			if one.Target == path && one.Tracking == tracking {
				return one.Code, nil
			}
		}
	}
	made, err := link.Make(tx, d.now, d.Market, d.me.Creator, draft)
	return made.Code, err
}

// chooseTracking is the tracking id that the form names, else the creator's first in this marketplace.
func (d *desk) chooseTracking(tx *db.Tx, r *http.Request) (id.ID, error) {
	if text := r.PostFormValue("tracking"); text != "" {
		return id.Parse("tracking", id.Tracking, text)
	}
	all, err := link.TrackingOf(tx, []id.ID{d.me.Creator})
	if err != nil {
		return 0, err
	}
	for _, t := range all[d.me.Creator] {
		if t.Market == d.Market.No && t.Archived.IsZero() {
			return t.ID, nil
		}
	}
	return 0, fault.New(fault.Conflict, "tracking", "you have no tracking id in this marketplace yet",
		"make one below; every link carries one")
}

// refuse shows the page again with what was wrong, and what was written.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, cause error) error {
	var page templ.Component
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "Links", "/creator/links")
		if err != nil {
			return err
		}
		l, err := p.readLinks(tx, d, r)
		if err != nil {
			return err
		}
		l.picks, l.refused = nil, ui.Sentence(cause)
		page = linksPage(l)
		return nil
	})
	if err != nil {
		return err
	}
	return ui.Refused(w, r, fault.Of(cause), page)
}

// MakeTracking makes a tracking id from a name.
func (p *Pages) MakeTracking(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimSpace(r.PostFormValue("name"))
	var d *desk
	err := p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) (err error) {
		if d, err = p.open(tx, r, "Links", "/creator/links"); err != nil {
			return err
		}
		if name == "" {
			return fault.Invalidf("name", "is empty", "say what the tracking id is for, such as blog")
		}
		program, err := d.program(tx)
		if err != nil {
			return err
		}
		_, err = link.OpenNext(tx, link.Tracking{ID: id.New(d.now), Creator: d.me.Creator, Program: program, Market: d.Market.No,
			Name: name, Created: d.now}, link.Stem(name))
		return err
	})
	if err != nil {
		if d != nil && fault.Of(err).Kind != fault.Unavailable {
			return p.refuse(w, r, err)
		}
		return err
	}
	if err := p.waitForEdge(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, d.inMarket("/creator/links"), http.StatusSeeOther)
	return nil
}

// program is the one that a new tracking id belongs to: associates where the creator is enrolled there, else influencer.
func (d *desk) program(tx *db.Tx) (click.Program, error) {
	histories, err := enrolment.Standings(tx, d.Market.No, []id.ID{d.me.Creator})
	if err != nil {
		return 0, err
	}
	for _, program := range []enrolment.Program{enrolment.Associates, enrolment.Influencer} {
		key := enrolment.Key{Market: d.Market.No, Creator: d.me.Creator, Program: program}
		if enrolment.ActiveAt(histories[key], d.now) {
			return click.Program(program), nil
		}
	}
	return 0, fault.New(fault.Conflict, "program", "you have no active enrolment in this marketplace", "apply for a program first")
}
