// Package setup makes an installation out of one file that a person can read and keep: marketplaces, rates, staff,
// creators with their tracking ids, and the store's token. It is applied as a whole or not at all, and again as often as
// one likes: what is there stays as it is, but for marketplaces, which take the file's addresses and policy.
//
// It decides nothing that the rules decide: a creator named here is one whom the operator has approved already.
package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/secret"
)

// MaxFile is how large a file may be: some thousand creators; more come by the API or an import.
const MaxFile = 4 << 20

// File is what a person writes.
type File struct {
	Marketplaces []Marketplace `json:"marketplaces"`
	Staff        []Person      `json:"staff"`
	Creators     []Creator     `json:"creators"`
	Tokens       []Token       `json:"tokens"`
}

// Marketplace is a marketplace with its first rates: either one card, or all that it pays. Addresses hold {sku}, {query},
// {category}, {items}.
type Marketplace struct {
	ID string `json:"id"`
	market.Market
	Card  json.RawMessage `json:"card"`  // as package ratecard reads it; only published where there is none yet
	Rates json.RawMessage `json:"rates"` // a rates file as JSON, or the path of one (ReadRates); the same holds
}

// Person is somebody of the operator's.
type Person struct {
	Name string    `json:"name"`
	Role auth.Role `json:"role"`
}

// Creator is somebody whom the operator has approved.
type Creator struct {
	Name         string   `json:"name"`
	Handle       string   `json:"handle"`
	Email        string   `json:"email"`
	Program      string   `json:"program"`
	Marketplaces []string `json:"marketplaces"`
	Tracking     []string `json:"tracking"` // names such as blog, newsletter; a tracking id is made of handle and name
}

// Token is an API token for a program.
type Token struct {
	Name   string       `json:"name"`
	Scopes []auth.Scope `json:"scopes"`
}

// Parse reads a file; unknown fields are refused.
func Parse(raw []byte) (File, error) {
	var f File
	if len(raw) > MaxFile {
		return f, fault.New(fault.Exhausted, "file", "is larger than 4 MB", "send creators in several files")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return f, fault.Invalidf("file", "cannot be read: %s", "see docs/operate.md for an example", err.Error()).Because(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return f, fault.Invalidf("file", "goes on after its end", "write one JSON object")
	}
	return f, nil
}

// ReadRates reads the rates files that the file names, by paths that begin in a folder.
func (f *File) ReadRates(folder string) error {
	for i := range f.Marketplaces {
		m := &f.Marketplaces[i]
		var path string
		if json.Unmarshal(m.Rates, &path) != nil || path == "" {
			continue
		}
		field := fmt.Sprintf("marketplaces[%d].rates", i)
		if !filepath.IsLocal(path) {
			return fault.Invalidf(field, "names a file outside the folder", "keep it beside the setup file")
		}
		raw, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return fault.Invalidf(field, "names a file that cannot be read", "keep it beside the setup file").Because(err)
		}
		m.Rates = raw
	}
	return nil
}

// applied is the work of one transaction.
type applied struct {
	tx      *db.Tx
	ring    *secret.Ring
	now     time.Time
	markets map[string]market.Market
	said    []string
}

// Apply makes what is not there and tells it, line by line. Secrets (API tokens, login links below home) are among the
// lines, this once: they are stored as hashes only.
func Apply(tx *db.Tx, ring *secret.Ring, f File, home string, now time.Time) ([]string, error) {
	a := &applied{tx: tx, ring: ring, now: now, markets: map[string]market.Market{}}
	known, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	for _, m := range known {
		a.markets[m.ID] = m
	}
	for i, m := range f.Marketplaces {
		if err := a.marketplace(m); err != nil {
			return nil, fault.Wrap(err, fmt.Sprintf("marketplaces[%d]", i))
		}
	}
	for i, p := range f.Staff {
		if err := a.staff(p, home); err != nil {
			return nil, fault.Wrap(err, fmt.Sprintf("staff[%d]", i))
		}
	}
	for i, c := range f.Creators {
		if err := a.creator(c, home); err != nil {
			return nil, fault.Wrap(err, fmt.Sprintf("creators[%d]", i))
		}
	}
	for i, m := range f.Marketplaces {
		if err := a.rates(m); err != nil { // behind the creators, of whom contracts speak
			return nil, fault.Wrap(err, fmt.Sprintf("marketplaces[%d].rates", i))
		}
	}
	for i, t := range f.Tokens {
		if err := a.token(t); err != nil {
			return nil, fault.Wrap(err, fmt.Sprintf("tokens[%d]", i))
		}
	}
	return a.said, nil
}

func (a *applied) say(format string, args ...any) {
	a.said = append(a.said, fmt.Sprintf(format, args...))
}

func (a *applied) marketplace(file Marketplace) error {
	m, known := file.Market, false
	m.ID = file.ID
	if m.Policy == (policy.Policy{}) {
		m.Policy = policy.Shipped()
	}
	for _, other := range a.markets {
		if other.ID == m.ID {
			m.No, known = other.No, true
			if other.Currency != m.Currency {
				return fault.New(fault.Conflict, "currency", "is fixed: money was counted in "+other.Currency, "make another marketplace")
			}
		}
	}
	if !known {
		m.No = uint16(len(a.markets) + 1)
	}
	if err := market.Save(a.tx, m); err != nil {
		return err
	}
	a.markets[m.ID] = m
	a.say("marketplace %s: %s, %s", m.ID, m.Name, m.Currency)
	cards, err := ratecard.Load(a.tx, m.No)
	if err != nil {
		return err
	}
	if len(file.Card) > 0 && len(file.Rates) > 0 {
		return fault.Invalidf("rates", "stands beside card", "write the card as a section of the rates")
	}
	if len(file.Card) > 0 && len(cards) == 0 {
		card, err := ratecard.Parse(file.Card, m.Currency)
		if err != nil {
			return err
		}
		v, err := ratecard.Publish(a.tx, m.No, card, a.now, 0)
		if err != nil {
			return err
		}
		a.say("rate card of %s: version %d, in force from %s", m.ID, v.Number, v.Effective.Format(time.RFC3339))
	}
	return event.Changed(a.tx, event.FeedMarket, m.ID)
}

func (a *applied) staff(p Person, home string) error {
	if p.Role == auth.Creator {
		return fault.Invalidf("role", "creators stand under creators", "write admin, reviewer, finance, support or auditor")
	}
	one, known, err := auth.OfRole(a.tx, p.Role)
	if err != nil {
		return err
	}
	if !known || one.Name != p.Name {
		if one, err = auth.Open(a.tx, auth.Principal{Name: p.Name, Role: p.Role}, a.now); err != nil {
			return err
		}
		return a.login(one, home)
	}
	return nil
}

// rates publishes the first rates of a marketplace; what is there stays.
func (a *applied) rates(file Marketplace) error {
	if len(file.Rates) == 0 {
		return nil
	}
	name, err := ratefile.Marketplace(file.Rates)
	if err != nil {
		return err
	}
	if name != file.ID {
		return fault.Invalidf("marketplace", "is %s, and these are the rates of %s", "write marketplace: "+file.ID, name, file.ID)
	}
	plan, err := ratefile.Install(a.tx, file.Rates, a.now)
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, m := range a.markets {
		if m.ID == file.ID {
			for line := range strings.Lines(plan.Text(m)) {
				a.say("%s", strings.TrimSuffix(line, "\n"))
			}
		}
	}
	return nil
}

// loginFor is how long a login link of a new account works, by the wall clock.
const loginFor = 7 * 24 * time.Hour

func (a *applied) login(p auth.Principal, home string) error {
	wall := clock.Wall()
	token, err := auth.OpenLogin(a.tx, p.ID, wall, wall.Add(loginFor), false)
	a.say("%s (%s) signs in once with %s/login?token=%s", p.Name, p.Role, home, token)
	return err
}

func (a *applied) creator(file Creator, home string) error {
	program, err := click.ParseProgram(file.Program)
	if err != nil {
		return err
	}
	c, err := creator.ByHandle(a.tx, file.Handle)
	if fault.Is(err, fault.NotFound) {
		c = creator.Creator{ID: id.New(a.now), Name: file.Name, Handle: file.Handle, Created: a.now}
		if err := creator.Create(a.tx, a.ring, c, creator.Personal{Email: file.Email}); err != nil {
			return err
		}
		who, err := auth.Open(a.tx, auth.Principal{Name: file.Name, Role: auth.Creator, Creator: c.ID}, a.now)
		if err != nil {
			return err
		}
		if err := a.login(who, home); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	for _, name := range file.Marketplaces {
		m, ok := a.markets[name]
		if !ok {
			return fault.Invalidf("marketplaces", "%q is not a marketplace", "name one of this file", name)
		}
		if err := a.enrol(c, m, program, file.Tracking); err != nil {
			return err
		}
	}
	return nil
}

func (a *applied) enrol(c creator.Creator, m market.Market, program click.Program, names []string) error {
	key := enrolment.Key{Market: m.No, Creator: c.ID, Program: enrolment.Program(program)}
	history, err := enrolment.One(a.tx, key)
	if err != nil {
		return err
	}
	if len(history) == 0 {
		if err := enrolment.SaveTold(a.tx, key, enrolment.Standing{Since: a.now, State: enrolment.Active, Reason: "operator"}); err != nil {
			return err
		}
	}
	have, err := link.TrackingOf(a.tx, []id.ID{c.ID})
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.ContainsFunc(have[c.ID], func(t link.Tracking) bool { return t.Name == name && t.Market == m.No && t.Program == program }) {
			continue
		}
		t, err := link.OpenNext(a.tx, link.Tracking{ID: id.New(a.now), Creator: c.ID, Program: program, Market: m.No, Name: name, Created: a.now}, link.Stem(c.Handle+"-"+name))
		if err != nil {
			return err
		}
		a.say("%s in %s: tracking id %s", c.Handle, m.ID, t.Tag)
	}
	return nil
}

func (a *applied) token(file Token) error {
	known, err := auth.HasToken(a.tx, file.Name)
	if known || err != nil {
		return err
	}
	text, _, err := auth.MakeToken(a.tx, auth.Token{Name: file.Name, Scopes: file.Scopes}, clock.Wall())
	if err == nil {
		a.say("API token %q, shown this once: %s", file.Name, text)
	}
	return err
}
