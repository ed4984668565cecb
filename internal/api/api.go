// Package api is the door for programs: JSON over HTTP with bearer tokens, problems by RFC 9457, and an OpenAPI document
// made from the code. Handlers parse, call and answer; rules live behind them.
//
// What must always hold: a route that is not in the table is not there, and one without a scope lets nobody in; what is
// refused names field, rule and fix; an answer to an event is given after its commit.
package api

import (
	"context"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tributary/internal/accrual"
	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/secret"
)

// Config is what the API needs.
type Config struct {
	DB      *db.DB
	Clock   *clock.Business
	Ring    *secret.Ring
	Accrual *accrual.Accrual
	// Known waits until the edge of this process knows what was committed: making a link is answered after it.
	Known func(context.Context) error
	// Advance runs what falls due up to an instant and sets the business clock to it; nil in production.
	Advance func(context.Context, Instant) ([]string, error)
	// Home is the address under which short links of this installation open.
	Home string
}

type server struct {
	Config
	sealer  *click.Sealer
	mu      sync.Mutex
	markets map[string]market.Market
}

// route is a row of the table that all routes stand in: what it is, and the scope that it asks for.
type route struct {
	method, path string
	scope        auth.Scope
	plain        func(*server) http.HandlerFunc // set for doors that read streams
}

// Routes is the table. A test holds every route of the mux against it.
var routes = []route{
	{"POST", "/v1/orders/events", auth.OrdersWrite, func(s *server) http.HandlerFunc { return s.takeEvents }},
	{"GET", "/v1/orders/{marketplace}/{order}", auth.OrdersRead, nil},
	{"POST", "/v1/links", auth.LinksWrite, nil},
	{"GET", "/v1/rate-cards/{marketplace}", auth.LinksRead, nil},
	{"POST", "/v1/coupons", auth.AdminScope, nil},
	{"GET", "/v1/coupons/{marketplace}", auth.AdminScope, nil},
	{"POST", "/v1/coupons/{marketplace}/{code}/end", auth.AdminScope, nil},
	{"POST", "/v1/clicks/invalid", auth.AdminScope, nil},
	{"GET", "/v1/bounties/{marketplace}", auth.LinksRead, nil},
	{"GET", "/v1/bounties/{marketplace}/{bounty}", auth.OrdersRead, nil},
	{"GET", "/v1/reports/margin", auth.OrdersRead, nil},
	{"GET", "/v1/reports/margin.csv", auth.OrdersRead, nil},
	{"GET", "/v1/reports/rates", auth.OrdersRead, nil},
	{"GET", "/v1/reports/rates.csv", auth.OrdersRead, nil},
	{"GET", "/v1/reports/attribution", auth.OrdersRead, nil},
	{"GET", "/v1/reports/attribution.csv", auth.OrdersRead, nil},
	{"GET", "/v1/reports/reasons", auth.OrdersRead, nil},
	{"GET", "/v1/reports/reasons.csv", auth.OrdersRead, nil},
	{"GET", "/v1/reports/reasons/lines", auth.OrdersRead, nil},
	{"GET", "/v1/reports/reasons/lines.csv", auth.OrdersRead, nil},
	{"GET", "/v1/reports/free-items", auth.OrdersRead, nil},
	{"GET", "/v1/reports/free-items.csv", auth.OrdersRead, nil},
	{"POST", "/v1/sandbox/clock", auth.AdminScope, nil},
}

// New gives the handler of /v1/.
func New(c Config) http.Handler {
	s := &server{Config: c, sealer: click.NewSealer(c.Ring), markets: map[string]market.Market{}}
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Tributary", "1")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/v1/openapi", "", "/v1/schemas"
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	described := humago.New(mux, config)
	described.UseMiddleware(s.guard(described))
	s.describe(described)
	for _, r := range routes {
		if r.plain != nil {
			mux.Handle(r.method+" "+r.path, s.only(r.scope, r.plain(s)))
		}
	}
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		Problem(w, r, fault.New(fault.NotFound, "", "there is no such address in the API", "see /v1/openapi.json"))
	})
	return mux
}

func (s *server) describe(d huma.API) {
	security := []map[string][]string{{"token": {}}}
	huma.Register(d, huma.Operation{Method: "GET", Path: "/v1/orders/{marketplace}/{order}", OperationID: "show-order", Security: security,
		Summary: "An order with lines, attribution, amounts and explanations"}, s.showOrder)
	huma.Register(d, huma.Operation{Method: "POST", Path: "/v1/links", OperationID: "make-link", Security: security, DefaultStatus: http.StatusCreated,
		Summary: "Make a short link to a product or page"}, s.makeLink)
	huma.Register(d, huma.Operation{Method: "GET", Path: "/v1/rate-cards/{marketplace}", OperationID: "show-rate-card", Security: security,
		Summary: "The rate card in force and those to come"}, s.showCard)
	huma.Register(d, huma.Operation{Method: "POST", Path: "/v1/sandbox/clock", OperationID: "set-clock", Security: security,
		Summary: "Move the business clock of a sandbox forward, from due job to due job"}, s.setClock)
	s.describeCoupons(d)
	s.describeClicks(d)
	s.describeBounties(d)
	s.describeReports(d)
}

// marketplace finds a marketplace by its id.
func (s *server) marketplace(ctx context.Context, name string) (market.Market, error) {
	s.mu.Lock()
	m, ok := s.markets[name]
	s.mu.Unlock()
	if ok {
		return m, nil
	}
	var all []market.Market
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = market.All(tx)
		return err
	})
	if err != nil {
		return m, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		s.markets[one.ID] = one
	}
	if m, ok = s.markets[name]; !ok {
		return m, fault.Invalidf("marketplace", "%q is not a marketplace here", "send the id of one that exists", clip(name))
	}
	return m, nil
}

func clip(text string) string {
	const shown = 40
	if len(text) > shown {
		return text[:shown] + "…"
	}
	return text
}

type caller struct{}

// tokenOf is the token of the present request.
func tokenOf(ctx context.Context) auth.Token {
	t, _ := ctx.Value(caller{}).(auth.Token)
	return t
}

// authorise finds the token of a request and asks whether it may do that.
func (s *server) authorise(ctx context.Context, header string, scope auth.Scope) (auth.Token, error) {
	text := auth.Bearer(header)
	if text == "" {
		return auth.Token{}, errNoToken
	}
	t, err := auth.Present(ctx, s.DB, text)
	if err != nil {
		return t, err
	}
	if scope == "" || !t.May(scope) {
		return t, fault.New(fault.Denied, "", "this token may not do that", "use one with the scope "+string(scope))
	}
	return t, nil
}

var errNoToken = fault.New(fault.Denied, "Authorization", "no bearer token was sent", "send `Authorization: Bearer trib_…`")

// only lets through requests whose token has the scope.
func (s *server) only(scope auth.Scope, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, err := s.authorise(r.Context(), r.Header.Get("Authorization"), scope)
		if err != nil {
			Problem(w, r, err)
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), caller{}, t)))
	}
}

// guard does the same for described routes. A route that is not in the table lets nobody in.
func (s *server) guard(d huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		var scope auth.Scope
		for _, r := range routes {
			if r.method == ctx.Operation().Method && r.path == ctx.Operation().Path {
				scope = r.scope
			}
		}
		t, err := s.authorise(ctx.Context(), ctx.Header("Authorization"), scope)
		if err != nil {
			huma.WriteErr(d, ctx, status(err), fault.Of(err).Error())
			return
		}
		next(huma.WithValue(ctx, caller{}, t))
	}
}

type orderInput struct {
	Marketplace string `path:"marketplace" maxLength:"16"`
	Order       string `path:"order" maxLength:"128"`
}

type orderOutput struct {
	Body struct {
		Marketplace string                 `json:"marketplace"`
		Order       string                 `json:"order"`
		Lines       []*explain.Explanation `json:"lines"`
		Waiting     []string               `json:"waiting" doc:"ids of events that wait for this order"`
	}
}

func (s *server) showOrder(ctx context.Context, in *orderInput) (*orderOutput, error) {
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	out := &orderOutput{}
	out.Body.Marketplace, out.Body.Order = m.ID, in.Order
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		out.Body.Lines, out.Body.Waiting, err = explain.Order(tx, m.No, in.Order)
		return err
	})
	if err != nil {
		return nil, problem(err)
	}
	if me := tokenOf(ctx); me.Creator != 0 {
		out.Body.Lines, out.Body.Waiting = ownLines(out.Body.Lines, me.Creator), []string{} // what waits is the store's
	}
	if len(out.Body.Lines)+len(out.Body.Waiting) == 0 {
		return nil, problem(fault.New(fault.NotFound, "order", "there is no such order in this marketplace", "check the id"))
	}
	return out, nil
}

// ownLines leaves a creator the lines in whose report they stand, without other creators' touches.
func ownLines(lines []*explain.Explanation, creator id.ID) []*explain.Explanation {
	own := []*explain.Explanation{}
	for _, l := range lines {
		if l.Creator == creator.Text(id.Creator) {
			own = append(own, l.For(creator))
		}
	}
	return own
}

type linkInput struct {
	Body struct {
		Marketplace string `json:"marketplace" maxLength:"16"`
		Creator     string `json:"creator,omitempty" doc:"only with an operator's token"`
		Target      string `json:"target,omitempty" maxLength:"2048" doc:"a product, a page of the marketplace, or a link of ours"`
		Bounty      string `json:"bounty,omitempty" maxLength:"64" doc:"in place of a target: the action that the link is for"`
		Tracking    string `json:"tracking" maxLength:"40" doc:"tracking id"`
		Title       string `json:"title,omitempty" maxLength:"200"`
	}
}

type linkOutput struct {
	Body struct {
		ID    string `json:"id"`
		Code  string `json:"code"`
		Short string `json:"short"`
	}
}

func (s *server) makeLink(ctx context.Context, in *linkInput) (*linkOutput, error) {
	m, err := s.marketplace(ctx, in.Body.Marketplace)
	if err != nil {
		return nil, problem(err)
	}
	owner := tokenOf(ctx).Creator
	if owner == 0 {
		if owner, err = id.Parse("creator", id.Creator, in.Body.Creator); err != nil {
			return nil, problem(err)
		}
	}
	var made link.Link
	tag := link.CleanTag(in.Body.Tracking)
	err = s.DB.Write(ctx, db.Interactive, func(tx *db.Tx) (err error) {
		known, err := link.TrackingByTag(tx, []string{tag})
		if err != nil {
			return err
		}
		if known[tag].Creator != owner || known[tag].Market != m.No {
			return fault.Invalidf("tracking", "is not a tracking id of this creator in this marketplace", "send one of their own")
		}
		draft := link.Draft{Target: in.Body.Target, Tracking: known[tag].ID, Title: in.Body.Title}
		switch {
		case in.Body.Bounty != "" && in.Body.Target != "":
			return fault.Invalidf("bounty", "comes with a target, and a bounty has a page of its own", "leave one of the two out")
		case in.Body.Bounty != "":
			made, err = s.makeBountyLink(tx, m, owner, draft, in.Body.Bounty)
		default:
			made, err = link.Make(tx, s.Clock.Now(), m, owner, draft)
		}
		return err
	})
	if err == nil && s.Known != nil {
		err = s.Known(ctx)
	}
	if err != nil {
		return nil, problem(err)
	}
	out := &linkOutput{}
	out.Body.ID, out.Body.Code, out.Body.Short = made.ID.Text(id.Link), made.Code, s.Home+"/"+made.Code
	return out, nil
}

// Routes lists the table, for the test that holds a row of who may what against every one.
func Routes() []string {
	names := make([]string, len(routes))
	for i, r := range routes {
		names[i] = r.method + " " + r.path
	}
	return names
}
