package web_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tributary/internal/db"
)

// A canary is a text that stands for all of its kind: a secret, or something personal of one person. It is planted by
// walking through the product as people do, and then looked for wherever it must not be.
type canary struct {
	name, text string
	owner      string   // whose it is, for what is personal; empty: it opens a door
	at         []string // answers that may hold it, by how "METHOD /path" begins
	letters    int      // how many mails may carry it
}

// answered is one request and what came of it.
type answered struct {
	who, method, path, query, sent, location, body string
	status                                         int
}

func (a answered) String() string {
	return fmt.Sprintf("%s: %s %s (%d)", a.who, a.method, a.path, a.status)
}

// traces is all that leaves an installation while somebody walks through it.
type traces struct {
	t        testing.TB
	mu       sync.Mutex
	log      bytes.Buffer
	answers  []answered
	canaries []canary
}

// Write takes a line of the log.
func (s *traces) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(line)
}

func (s *traces) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// newTraces keeps all that is logged from here on, at every level. What the time says is left out: it is all digits.
func newTraces(t testing.TB) *traces {
	s := &traces{t: t}
	before, flags := slog.Default(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
	t.Cleanup(func() { slog.SetDefault(before); log.SetOutput(os.Stderr); log.SetFlags(flags) })
	return s
}

// plant adds a secret. An empty one would be found everywhere.
func (s *traces) plant(name, text string, at ...string) string {
	s.t.Helper()
	return s.add(canary{name: name, text: text, at: at})
}

// mailed adds a secret that a mail carries.
func (s *traces) mailed(name, text string, at ...string) string {
	s.t.Helper()
	return s.add(canary{name: name, text: text, at: at, letters: 1})
}

// personal adds what its owner alone may read, and the operator's people at some pages.
func (s *traces) personal(owner, name, text string, at ...string) string {
	s.t.Helper()
	return s.add(canary{name: name, text: text, owner: owner, at: at})
}

func (s *traces) add(c canary) string {
	s.t.Helper()
	if len(c.text) < 6 {
		s.t.Fatalf("%s is %q, and cannot be looked for", c.name, c.text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canaries = append(s.canaries, c)
	return c.text
}

// watch records what a visitor is answered.
func (s *traces) watch(v *visitor, who string) *visitor {
	v.client.Transport = watcher{s, who}
	return v
}

type watcher struct {
	*traces
	who string
}

func (s watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answered{s.who, r.Method, r.URL.Path, r.URL.RawQuery, string(sent), response.Header.Get("Location"), string(body),
		response.StatusCode})
	return response, err
}

var allDigits = regexp.MustCompile(`^[0-9]+$`)

// in tells whether a text holds the canary, as it is or as texts are written into pages, addresses, JSON and headers.
func (c canary) in(text string) bool {
	if allDigits.MatchString(c.text) { // a number of its own, and not a piece of a longer one
		for _, found := range regexp.MustCompile(`[0-9]+`).FindAllString(text, -1) {
			if found == c.text {
				return true
			}
		}
		return false
	}
	quoted, _ := json.Marshal(c.text)
	text = strings.ToLower(text)
	for _, form := range []string{c.text, url.QueryEscape(c.text), url.PathEscape(c.text), html.EscapeString(c.text), strings.Trim(string(quoted), `"`),
		strings.Trim(strconv.Quote(c.text), `"`),
		base64.StdEncoding.EncodeToString([]byte(c.text)), base64.RawURLEncoding.EncodeToString([]byte(c.text)), fmt.Sprintf("%x", c.text)} {
		if strings.Contains(text, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

// may tells whether an answer may hold the canary.
func (c canary) may(a answered) bool {
	if c.owner != "" && a.who == c.owner {
		return true
	}
	for _, begins := range c.at {
		if strings.HasPrefix(a.method+" "+a.path, begins) {
			return true
		}
	}
	return false
}

// leaks names every place that holds a canary and must not: the log, answers and where they lead, mails, and stored texts.
func (s *traces) leaks(letters []string, stored map[string]string) (found []string) {
	logged := s.logged()
	for _, c := range s.canaries {
		if c.in(logged) {
			found = append(found, c.name+" in the log")
		}
		for _, a := range s.answers {
			// A network's own pages hand out codes; that is no answer of ours.
			if strings.HasPrefix(a.path, "/networks/") {
				continue
			}
			if c.in(a.body) && !c.may(a) {
				found = append(found, c.name+" in the answer to "+a.String())
			}
			if c.in(a.location) {
				found = append(found, c.name+" in where this leads: "+a.String())
			}
		}
		carried := 0
		for _, letter := range letters {
			if to, _, _ := strings.Cut(letter, ": "); c.in(letter) && (c.owner == "" || !strings.HasSuffix(to, "zq.example")) {
				carried++
			}
		}
		if carried > c.letters {
			found = append(found, fmt.Sprintf("%s in %d mails", c.name, carried))
		}
		for where, text := range stored {
			if c.in(text) {
				found = append(found, c.name+" in "+where)
			}
		}
	}
	return found
}

var everyColumn = map[db.Engine]*db.Stmt{
	db.SQLite: db.Statement(`SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' ORDER BY m.name, p.cid`),
	db.PostgreSQL: db.Statement(`SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = 'public'
		ORDER BY table_name, ordinal_position`),
}

// stored is every value of the database as it lies there, by `table.column`.
func (w *world) stored() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	w.write(func(tx *db.Tx) error {
		var names [][2]string
		err := tx.Each(everyColumn[tx.Engine()], func(scan func(...any) error) error {
			var table, column string
			err := scan(&table, &column)
			names = append(names, [2]string{table, column})
			return err
		})
		for _, n := range names {
			if err != nil {
				break
			}
			var text strings.Builder
			err = tx.Each(db.Statement(fmt.Sprintf(`SELECT "%s" FROM "%s"`, n[1], n[0])), func(scan func(...any) error) error {
				var value any
				err := scan(&value)
				if raw, ok := value.([]byte); ok {
					value = string(raw)
				}
				fmt.Fprintln(&text, value)
				return err
			})
			all[n[0]+"."+n[1]] = text.String()
		}
		return err
	})
	return all
}

// The detector finds what it is there for: a leak of each kind, in each place and writing.
func TestCanariesAreFound(t *testing.T) {
	s := newTraces(t)
	s.plant("a password", `plüm "crane" & 7`, "POST /shown")
	s.plant("a code", "482915")
	s.personal("Zara", "an address", "9 Wrenhollow Lane")
	if found := s.leaks(nil, nil); len(found) > 0 {
		t.Fatalf("nothing leaked yet: %v", found)
	}
	slog.Debug("trying", "what", `plüm "crane" & 7`)
	log.Print("code 482915 is wrong, 4829150 is another one")
	s.answers = []answered{
		{who: "Ben", method: "POST", path: "/shown", body: `plüm "crane" & 7`},                  // may
		{who: "Zara", method: "GET", path: "/own", body: "9 Wrenhollow Lane"},                   // may
		{who: "Ben", method: "GET", path: "/page", body: "PLÜM &#34;CRANE&#34; &amp; 7"},        // in HTML
		{who: "Ben", method: "GET", path: "/json", body: `"pl` + "ü" + `m \"crane\" \u0026 7"`}, // in JSON
		{who: "Zara", method: "GET", path: "/to", location: "/next?at=9+Wrenhollow+Lane"},       // in an address
		{who: "Ben", method: "GET", path: "/other", body: "lives at 9 wrenhollow lane"},         // another person
		{who: "Ben", method: "GET", path: "/long", body: "14829152"},                            // another number
	}
	found := strings.Join(s.leaks([]string{"ben@new.example: Hello\n9 Wrenhollow Lane"},
		map[string]string{"outbox.body": base64.StdEncoding.EncodeToString([]byte(`plüm "crane" & 7`))}), "\n")
	for _, want := range []string{"a password in the log", "a code in the log", "a password in the answer to Ben: GET /page", "a password in the answer to Ben: GET /json",
		"an address in where this leads: Zara: GET /to", "an address in the answer to Ben: GET /other", "an address in 1 mails", "a password in outbox.body"} {
		if !strings.Contains(found, want) {
			t.Errorf("not found: %s", want)
		}
	}
	if count := strings.Count(found, "\n") + 1; count != 8 {
		t.Errorf("%d leaks, want 8:\n%s", count, found)
	}
}
