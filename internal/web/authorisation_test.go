package web_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"tributary/internal/auth"
	"tributary/internal/claim"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/id"
	"tributary/internal/person"
	"tributary/internal/site"
)

// The table of who may open what stands in a file that people read: a row for each route, a column for each of these.
const authorisation = "testdata/authorisation.txt"

// people of the table, in the order of its columns. Whoever acts for an account acts for Ada's, save foreign and brand.
var people = []struct{ column, name string }{
	{"nobody", ""}, {"owner", "Ada Lindholm"}, {"manager", "Mara Lind"}, {"viewer", "Vito Sand"}, {"agent", "Abe Stone"}, {"clerk", "Cora Vale"},
	{"foreign", "Ben Okri"}, {"seatless", "Nell Fox"}, {"brand", "Bree Hall"}, {"admin", "The admin"}, {"reviewer", "The reviewer"},
	{"finance", "The finance"}, {"support", "The support"}, {"auditor", "The auditor"},
}

// teams gives Ada a manager and a viewer, and an agency with two people, of whom one may only look; a brand; and somebody
// who acts for nobody.
func (w *world) teams() {
	w.write(func(tx *db.Tx) error {
		wall := clock.Wall()
		ids := map[string]id.ID{}
		for _, name := range []string{"Mara Lind", "Vito Sand", "Abe Stone", "Cora Vale", "Nell Fox", "Bree Hall"} {
			p, err := auth.OpenPerson(tx, name, wall)
			if err == nil {
				w.logins[name], err = auth.OpenLogin(tx, p.ID, wall, wall.Add(time.Hour), true)
			}
			if err != nil {
				return err
			}
			ids[name] = p.ID
		}
		owner, _, err := auth.OfCreator(tx, ada)
		if err != nil {
			return err
		}
		agency, err := auth.OpenTeam(tx, auth.Team{Kind: auth.Agency, Name: "Stone & Co"}, ids["Abe Stone"], wall)
		if err != nil {
			return err
		}
		if _, err := auth.OpenTeam(tx, auth.Team{Kind: auth.Brand, Name: "Hall Kettles"}, ids["Bree Hall"], wall); err != nil {
			return err
		}
		for _, one := range []struct {
			account id.ID
			kind    auth.Role
			by      id.ID
			name    string
			seat    auth.Seat
		}{{ada, auth.Creator, owner.ID, "Mara Lind", auth.Manager}, {ada, auth.Creator, owner.ID, "Vito Sand", auth.Viewer},
			{agency.ID, auth.Agency, ids["Abe Stone"], "Cora Vale", auth.Viewer}} {
			token, err := auth.Invite(tx, auth.Invitation{Account: one.account, Kind: one.kind, Seat: one.seat}, one.by, wall)
			if err == nil {
				err = auth.TakeInvite(tx, token, ids[one.name], wall)
			}
			if err != nil {
				return err
			}
		}
		return auth.Grant(tx, ada, agency.ID, auth.Manager, wall)
	})
}

// things makes what Ada has beside her lines, and gives how the places of an address are filled in.
func (w *world) things() *strings.Replacer {
	w.t.Helper()
	var c claim.Claim
	err := w.db.Lane(context.Background(), db.Interactive, w.clock.Now(), []int64{w.us.Lane()}, func(tx *db.Tx) (err error) {
		c, _, err = claim.Open(tx, person.Keys{Ring: w.ring}, w.us.No, w.us.Location(), ada, ada.Text(id.Creator),
			claim.Request{Question: claim.Question{Order: "2007"}, Message: "I sent them there myself."})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var blog site.Site
	w.write(func(tx *db.Tx) (err error) {
		if err := document.Install(tx, begin); err != nil {
			return err
		}
		blog, err = site.Add(tx, w.ring, ada, "https://ada.example", site.Web, w.clock.Now())
		return err
	})
	return strings.NewReplacer("{$}", "", "{name}", "none", "{order}", "2001", "{line}", "1", "{creator}", ada.Text(id.Creator),
		"{marketplace}", "us", "{claim}", c.ID.Text(id.Claim), "{bounty}", "b-1", "{program}", "associates", "{site}", blog.ID.Text("si_"), "{kind}", "agreement",
		"{number}", "1", "{no}", "1", "{provider}", "none")
}

// acting signs somebody in, for Ada's account where they act for it through an agency.
func (w *world) acting(name string) *visitor {
	v := w.as(name)
	if name == "Abe Stone" || name == "Cora Vale" {
		if status, body := v.post("/account/switch", url.Values{"account": {ada.Text("")}}); status != http.StatusOK {
			w.t.Fatalf("%s cannot act for Ada: %d\n%s", name, status, body)
		}
	}
	return v
}

// broken is a form that no page takes, so that nothing is changed by asking who may send it.
const broken = "a=%zz"

// knock gives the status of a request, and does not follow where it leads; of a stream it reads no more than that.
func (v *visitor) knock(method, path, body string) (int, string) {
	v.t.Helper()
	request, err := http.NewRequest(method, v.server.URL+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	still := *v.client
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := still.Do(request)
	if err != nil {
		v.t.Errorf("%s %s: %v", method, path, err)
		return 0, ""
	}
	response.Body.Close()
	return response.StatusCode, response.Header.Get("Location")
}

// cell is what the table says about an answer: they may not; there is no such thing of theirs; they may.
func cell(status int) string {
	switch status {
	case http.StatusForbidden:
		return "no"
	case http.StatusNotFound:
		return "hidden"
	}
	return "yes"
}

// table reads the file: of each route whether it asks for a proof of the last minutes, and the cells.
func table(t *testing.T) (rows map[string][]string, columns []string) {
	t.Helper()
	text, err := os.ReadFile(authorisation)
	if err != nil {
		t.Fatal(err)
	}
	rows = map[string][]string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case columns == nil:
			columns = words
		case len(words) != len(columns):
			t.Errorf("a row has %d cells, and %d are wanted: %s", len(words), len(columns), line)
		case rows[words[0]+" "+words[1]] != nil:
			t.Errorf("two rows: %s", line)
		default:
			rows[words[0]+" "+words[1]] = words[2:]
		}
	}
	return rows, columns
}

// Every route, asked by everybody: with real requests, about objects of Ada's. A route without a row fails, and so does a
// row without a route.
func TestRoutesAndRoles(t *testing.T) {
	w := newWorld(t)
	w.live()
	w.teams()
	rows, columns := table(t)
	want := []string{"method", "route", "proof"}
	for _, p := range people {
		want = append(want, p.column)
	}
	if !slices.Equal(columns, want) {
		t.Fatalf("columns %v, want %v", columns, want)
	}
	fill := w.things()
	patterns := w.pages.Patterns()
	seen := map[string][]string{}
	for i, one := range people {
		v := w.acting(one.name)
		for _, pattern := range patterns {
			method, path, _ := strings.Cut(pattern, " ")
			asks := v
			if pattern == "POST /logout" { // it reads no form: whoever asks would be out
				asks = w.acting(one.name)
			}
			status, _ := asks.knock(method, fill.Replace(path), map[string]string{http.MethodPost: broken}[method])
			if cells := rows[pattern]; cells != nil && cells[i+1] != cell(status) {
				t.Errorf("%s at %s: status %d, the table says %s", one.column, pattern, status, cells[i+1])
			}
			seen[pattern] = append(seen[pattern], cell(status))
		}
	}
	for _, pattern := range patterns {
		if rows[pattern] == nil {
			t.Errorf("this route has no row; as it is now:\n%s", strings.Join(append([]string{pattern, "-"}, seen[pattern]...), " "))
		}
	}
	for pattern := range rows {
		if !slices.Contains(patterns, pattern) {
			t.Errorf("%s has a row, and is no route", pattern)
		}
	}
}

var (
	testSessions = db.Statement(`SELECT token, data FROM session ORDER BY token`)
	testAge      = db.Statement(`UPDATE session SET data = $2 WHERE token = $1`)
)

// age makes every session's proof an hour older.
func (w *world) age() {
	w.write(func(tx *db.Tx) error {
		changed := map[string][]byte{}
		err := tx.Each(testSessions, func(scan func(...any) error) error {
			var token string
			var data []byte
			if err := scan(&token, &data); err != nil {
				return err
			}
			deadline, values, err := scs.GobCodec{}.Decode(data)
			if err != nil {
				return err
			}
			if proof, ok := values["proof"].(int64); ok {
				values["proof"] = proof - 3600
			}
			changed[token], err = scs.GobCodec{}.Encode(deadline, values)
			return err
		})
		for token, data := range changed {
			if err == nil {
				_, err = tx.Exec(testAge, token, data)
			}
		}
		return err
	})
}

// What changes money or identity asks for a proof of the last minutes, as the table says, and nothing else does.
func TestProofIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.live()
	rows, _ := table(t)
	fill := w.things()
	staff, creator := w.as("The admin"), w.as("Ada Lindholm")
	w.age()
	for pattern, cells := range rows {
		method, path, _ := strings.Cut(pattern, " ")
		if pattern == "POST /logout" {
			continue
		}
		v := creator
		if cells[2] != "yes" { // Ada may not
			v = staff
		}
		if cells[2] != "yes" && cells[10] != "yes" {
			continue // nothing is left to ask for
		}
		status, to := v.knock(method, fill.Replace(path), map[string]string{http.MethodPost: broken}[method])
		asked := status == http.StatusSeeOther && strings.HasPrefix(to, "/account/prove?next=")
		if asked != (cells[0] == "proof") {
			t.Errorf("%s: status %d to %q, the table says %s", pattern, status, to, cells[0])
		}
	}
}
