package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tributary/internal/application"
	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/demo/blog"
	"tributary/internal/demo/catalog"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/network"
	"tributary/internal/order"
	"tributary/internal/secret"
	"tributary/internal/site"
)

// member is a newcomer who has an account.
type member struct {
	newcomer
	c   Creator
	who auth.Principal
	key enrolment.Key
}

// open makes the account of a creator, whose address is taken for verified.
func open(tx *db.Tx, ring *secret.Ring, p person, personal creator.Personal, at time.Time) (Creator, auth.Principal, error) {
	c := Creator{person: p, ID: id.New(at), Email: p.handle + "@creators.example", Tracking: map[string][]link.Tracking{}, bounties: map[string]link.Link{}}
	personal.Email = c.Email
	if err := creator.Create(tx, ring, creator.Creator{ID: c.ID, Name: p.name, Handle: p.handle, Created: at}, personal); err != nil {
		return c, auth.Principal{}, err
	}
	who, err := auth.Open(tx, auth.Principal{Name: p.name, Role: auth.Creator, Creator: c.ID}, at)
	if err != nil {
		return c, who, err
	}
	who.Seat = auth.Owner
	return c, who, credential.TrustEmail(tx, ring, who.ID, c.Email, clock.Wall())
}

// accept takes what is to be accepted, as of an instant.
func accept(tx *db.Tx, c, who id.ID, at time.Time) error {
	missing, err := document.Missing(tx, c, at)
	if err != nil {
		return err
	}
	for _, v := range missing {
		if err := document.Accept(tx, document.Accepted{Version: v.ID, Creator: c, Principal: who, At: at}); err != nil {
			return err
		}
	}
	return nil
}

// agree has everybody who is here from the beginning accept the documents on their first day.
func (s *story) agree(ctx context.Context) error {
	now := s.Clock.Now()
	return s.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		for _, c := range s.World.Creators {
			who, _, err := auth.OfCreator(tx, c.ID)
			if err != nil {
				return err
			}
			if err := accept(tx, c.ID, who.ID, now); err != nil {
				return fault.Wrap(err, "documents of "+c.handle)
			}
		}
		return nil
	})
}

// join opens an account, accepts the documents, fills the form, names the site, and sends the application.
func (s *story) join(ctx context.Context, m market.Market, j *member) error {
	now := s.Clock.Now()
	if err := s.DB.Write(ctx, db.Background, func(tx *db.Tx) (err error) {
		if j.c, j.who, err = open(tx, s.Ring, j.person, j.personal(), now); err != nil {
			return err
		}
		j.key.Creator = j.c.ID
		if err := accept(tx, j.key.Creator, j.who.ID, now); err != nil {
			return err
		}
		if j.site != "" {
			if _, err := site.Add(tx, s.Ring, j.key.Creator, blog.Address(j.site, s.Port)+j.under, j.kind(), now); err != nil {
				return err
			}
		}
		return application.Save(tx, s.Ring, j.key, j.form(), now)
	}); err != nil {
		return fault.Wrap(err, "account of "+j.handle)
	}
	return fault.Wrap(s.Desk.Apply(ctx, j.who, j.key), "application of "+j.handle)
}

// personal is what an applicant gives of themselves, once for all programs.
func (n newcomer) personal() creator.Personal {
	lines := strings.Split(n.lives, ", ")
	last := len(lines) - 1
	return creator.Personal{FullName: n.name, Address: strings.Join(lines[:last], "\n"), Country: lines[last]}
}

func (n newcomer) kind() site.Kind {
	if n.site == blog.Radio {
		return site.Podcast
	}
	return site.Web
}

// prove puts the tag on the site, has it looked for, and waits for the crawler; from then on the member earns.
func (s *story) prove(ctx context.Context, m market.Market, j *member) error {
	var own site.Site
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		sites, err := site.Of(tx, j.key.Creator)
		if err == nil {
			own = sites[0]
		}
		return err
	}); err != nil {
		return err
	}
	if err := s.Sites.Put(j.site, own.MetaTag()); err != nil {
		return err
	}
	if err := s.Desk.Prove(ctx, j.who, own.ID, site.Meta); err != nil {
		return fault.Wrap(err, "proof of "+j.handle)
	}
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		all, err := link.TrackingOf(tx, []id.ID{j.key.Creator})
		j.c.Tracking[m.ID] = all[j.key.Creator]
		return err
	}); err != nil {
		return err
	}
	if len(j.c.Tracking[m.ID]) == 0 {
		return errors.New("the beginning of " + j.handle + " gave no tracking id")
	}
	s.imagineMember(m, j, s.Clock.Now())
	return s.Drain(ctx)
}

// connect goes through a network's consent as a person does, page by page, and brings the answer home.
func (s *story) connect(ctx context.Context, j *member) error {
	const session = "demo history"
	connector := s.Desk.Networks
	address, err := connector.Begin(ctx, j.key.Creator, j.connects.Network, session, clock.Wall())
	if err != nil {
		return err
	}
	back, err := s.consent(address, j.connects.Network, j.connects.Number)
	if err != nil {
		return err
	}
	account, err := connector.Finish(ctx, back.Get("state"), back.Get("code"), session, clock.Wall(), s.Clock.Now())
	if err != nil {
		return fault.Wrap(err, "account of "+j.handle)
	}
	return s.Desk.Connected(ctx, j.key.Creator, account)
}

// answer keeps what a page of a network answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header            { return a.header }
func (a *answer) WriteHeader(status int)         { a.status = status }
func (a *answer) Write(text []byte) (int, error) { return a.body.Write(text) }

// consent allows everything that is asked for, for one account, and gives what the network sends back.
func (s *story) consent(address string, k network.Kind, number string) (url.Values, error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	scopes := strings.FieldsFunc(at.Query().Get("scope"), func(r rune) bool { return r == ',' || r == ' ' })
	form := url.Values{"decision": {"allow"}, "account": {number}, "scope": scopes}
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got := &answer{header: http.Header{}}
	s.Networks.ServeHTTP(got, request)
	back, err := url.Parse(got.header.Get("Location"))
	if err != nil || got.status != http.StatusFound {
		return nil, fmt.Errorf("the consent page of %s answered %d", k.Name(), got.status)
	}
	return back.Query(), nil
}

// reviewer is the member of the staff who decides.
func (s *story) reviewer(ctx context.Context) (by auth.Principal, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		by, _, err = auth.OfRole(tx, auth.Reviewer)
		return err
	})
	return by, err
}

// leaveDraft is an account whose application is half filled in.
func (s *story) leaveDraft(ctx context.Context, m market.Market) error {
	now := s.Clock.Now()
	return s.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		c, _, err := open(tx, s.Ring, person{name: "Ana Sousa", handle: "ana"}, creator.Personal{}, now)
		if err != nil {
			return err
		}
		return application.Save(tx, s.Ring, enrolment.Key{Market: m.No, Creator: c.ID, Program: enrolment.Associates},
			application.Form{About: "Books for children who would rather be outside, and", Topics: []string{"books", "family"}}, now)
	})
}

// clickOf is a click on a member's link.
func (s *story) clickOf(m market.Market, c *Creator, item *catalog.Item, at time.Time) *click.Click {
	k := &click.Click{Product: item.SKU, Device: click.Device(1 + s.guests.IntN(3)), RefererHost: c.handle + ".example", Country: countryOf(m)}
	k.Token = click.Token{Click: click.NewID(), Creator: c.ID, Program: click.Associates, Tracking: c.Tracking[m.ID][0].ID, Market: m.No,
		Landed: click.LandedProduct, Place: click.ProductPlace(item.SKU), Kind: click.KindProduct, At: at.Truncate(time.Microsecond), Flags: click.FlagSandbox}
	return k
}

// sell is an order of one thing that somebody found through a member's link, and its shipment.
func (s *story) sell(m market.Market, c *Creator, at time.Time) {
	s.sales++
	item := s.goods(m, c)
	k := s.clickOf(m, c, item, at.Add(-20*time.Minute))
	s.clicks = append(s.clicks, k)
	added := at.Add(-5 * time.Minute)
	name := orderName(c, s.sales)
	s.tell(m, at, order.Event{Type: order.TypePlaced, Order: name, Placed: &order.Placed{ID: name, Currency: m.Currency,
		Shopper: &order.Shopper{Customer: "reader-" + name}, Lines: []order.Line{{ID: "1", SKU: item.SKU, Quantity: 1, Category: item.Category,
			Amount: money.Money{Amount: item.Price, Currency: m.Currency}, Seller: item.Seller, Clicks: []string{s.sealer.Seal(k.Token)}, AddedAt: &added}}}})
	s.tell(m, at.Add(40*time.Hour), order.Event{Type: order.TypeShipped, Order: name, Line: "1", Quantity: 1})
}
