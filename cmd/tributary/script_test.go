package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
)

// Stories in testdata/script: each is a marketplace lived in by its people, on the real node and the real doors. The
// commands are:
//
//	begin INSTANT           a sandbox with marketplace us, creators alice and bob, and a card of 4.5 %
//	click TAG PATH          opens a creator's link as a browser would; the token is $tclid, the address goes to stdout
//	events FILE             posts the file's events as the store, with $tclid and $now put in; prints each one's fate
//	days N                  lives N days, from due job to due job; prints what ran
//	balances                prints every account that is not zero
//	show ORDER              prints the explanation as the API gives it
//	audit                   recomputes everything
//	rates …                 tributary rates …, beside the running node; a last word <yes answers its question
//	whatif …                tributary whatif …, beside the running node; a file that it writes goes to stdout
//	operator …              tributary operator …, beside the running node, or with --data on a new installation
//	signin                  follows the login link that was printed last
//	rotate                  adds a key and starts the node again
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"begin": beginStory, "click": clickLink, "events": postEvents, "days": passDays, "balances": showBalances, "show": showOrder, "audit": auditStory, "rotate": rotateKeys,
		"rates": tributaryRates, "whatif": tributaryWhatif, "operator": tributaryOperator, "signin": followLink,
	}, Setup: func(env *testscript.Env) error {
		env.Values["t"] = t
		return nil
	}})
}

type storyNode struct {
	*node
	server *httptest.Server
	token  string
	tclid  string
}

var storyNodes = map[*testscript.TestScript]*storyNode{}

func beginStory(ts *testscript.TestScript, neg bool, args []string) {
	at, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	ctx := context.Background()
	p := place{Data: ts.MkAbs("data"), Database: dbtest.Address(ts.Value("t").(testing.TB))}
	i, err := p.open(ctx, sandbox)
	ts.Check(err)
	i.clock.Start(at)
	ts.Check(i.keepClock(ctx))
	s := &storyNode{}
	ts.Check(i.db.Write(ctx, db.Money, func(tx *db.Tx) (err error) { s.token, err = settleStory(tx, i, at); return err }))
	s.node, err = doors{Home: "http://localhost:8080"}.start(ctx, i)
	ts.Check(err)
	s.server = httptest.NewServer(s.handler)
	storyNodes[ts] = s
	ts.Defer(func() { s.server.Close(); s.close(); delete(storyNodes, ts) })
}

func rotateKeys(ts *testscript.TestScript, neg bool, args []string) {
	s, ctx := storyNodes[ts], context.Background()
	s.server.Close()
	ts.Check(s.close())
	ring, err := secret.Load(filepath.Join(s.Data, "keys"))
	ts.Check(err)
	ring, err = ring.Rotate()
	ts.Check(err)
	ts.Check(ring.Save(filepath.Join(s.Data, "keys")))
	i, err := s.place.open(ctx, sandbox)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "key %d seals\n", i.ring.Newest())
	s.node, err = doors{Home: "http://localhost:8080"}.start(ctx, i)
	ts.Check(err)
	s.server = httptest.NewServer(s.handler)
}

func settleStory(tx *db.Tx, i *installation, at time.Time) (token string, err error) {
	long := at.AddDate(-1, 0, 0)
	m := market.Market{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Home: "http://store.example/", ProductURL: "http://store.example/dp/{sku}",
		SearchURL: "http://store.example/s?k={query}", CategoryURL: "http://store.example/c/{category}", CartURL: "http://store.example/cart?add={items}",
		Hosts: []string{"store.example"}, Policy: policy.Shipped()}
	if err := market.Save(tx, m); err != nil {
		return "", err
	}
	if _, err := ratecard.Publish(tx, 1, ratecard.Card{Kind: ratecard.Offsite, Effective: long, Default: 450}, long, 0); err != nil {
		return "", err
	}
	kettle := product.Product{SKU: "KETTLE-1", Parent: "KETTLE", Title: "Gooseneck kettle", Category: "Home > Kitchen > Kettles", Price: 4900, State: product.Available}
	if err := product.Save(tx, 1, click.ProductPlace, []product.Product{kettle}); err != nil {
		return "", err
	}
	for n, name := range []string{"alice", "bob"} {
		c := id.ID(11 * (n + 1))
		if err := creator.Create(tx, i.ring, creator.Creator{ID: c, Name: name, Handle: name, Created: long}, creator.Personal{Email: name + "@creators.example"}); err != nil {
			return "", err
		}
		if err := enrolment.Save(tx, enrolment.Key{Market: 1, Creator: c, Program: enrolment.Associates}, enrolment.Standing{Since: long, State: enrolment.Active}); err != nil {
			return "", err
		}
		if err := link.Open(tx, link.Tracking{ID: c * 10, Tag: name + "-20", Creator: c, Program: click.Associates, Market: 1, Name: "blog", Created: long}); err != nil {
			return "", err
		}
	}
	token, _, err = auth.MakeToken(tx, auth.Token{Name: "store", Scopes: []auth.Scope{auth.AdminScope}}, clock.Wall())
	return token, err
}

const browserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

func clickLink(ts *testscript.TestScript, neg bool, args []string) {
	s := storyNodes[ts]
	request, err := http.NewRequest("GET", s.server.URL+args[1]+"?tag="+args[0], nil)
	ts.Check(err)
	request.Header.Set("User-Agent", browserAgent)
	answer, err := http.DefaultTransport.RoundTrip(request)
	ts.Check(err)
	answer.Body.Close()
	target, err := answer.Location()
	ts.Check(err)
	s.tclid = target.Query().Get("tclid")
	if answer.StatusCode != 302 || (s.tclid == "") != neg {
		ts.Fatalf("%s: %d to %s", args[1], answer.StatusCode, target)
	}
	query := target.Query()
	query.Del("tclid")
	target.RawQuery = query.Encode()
	fmt.Fprintln(ts.Stdout(), target)
}

func (s *storyNode) call(ts *testscript.TestScript, method, path, body string) string {
	request, err := http.NewRequest(method, s.server.URL+path, strings.NewReader(body))
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode/100 != 2 {
		ts.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, raw)
	}
	return string(raw)
}

func postEvents(ts *testscript.TestScript, neg bool, args []string) {
	s := storyNodes[ts]
	now := s.clock.Now().Format(time.RFC3339Nano)
	body := strings.NewReplacer("$tclid", s.tclid, "$now", now).Replace(ts.ReadFile(args[0]))
	for line := range strings.Lines(s.call(ts, "POST", "/v1/orders/events", body)) {
		fmt.Fprint(ts.Stdout(), line)
	}
}

func passDays(ts *testscript.TestScript, neg bool, args []string) {
	s := storyNodes[ts]
	to, err := parseInstant(args[0]+"d", s.clock.Now())
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), s.call(ts, "POST", "/v1/sandbox/clock", `{"to":"`+to.Format(time.RFC3339Nano)+`"}`))
}

func showBalances(ts *testscript.TestScript, neg bool, args []string) {
	s := storyNodes[ts]
	var lines []string
	ts.Check(s.db.Read(context.Background(), func(tx *db.Tx) error {
		for _, prefix := range []string{"creator/", "operator/"} {
			entries, err := ledger.Under(tx, prefix)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if e.Balance != 0 {
					lines = append(lines, fmt.Sprintf("%s %d\n", strings.Replace(string(e.Account), id.ID(11).Text(id.Creator), "alice", 1), e.Balance))
				}
			}
		}
		return nil
	}))
	sort.Strings(lines)
	fmt.Fprint(ts.Stdout(), strings.Join(lines, ""))
}

func showOrder(ts *testscript.TestScript, neg bool, args []string) {
	fmt.Fprintln(ts.Stdout(), storyNodes[ts].call(ts, "GET", "/v1/orders/us/"+args[0], ""))
}

func auditStory(ts *testscript.TestScript, neg bool, args []string) {
	s := storyNodes[ts]
	c := auditCmd{place: s.place, First: 20}
	ts.Check(c.Run(context.Background()))
}
