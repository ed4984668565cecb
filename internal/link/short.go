package link

import (
	"crypto/rand"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// Link is a short link: a code that stands for a tracking id and an address of the edge (Wanted.Path), with the sub-ids
// and utm fields that were chosen at its making.
type Link struct {
	ID       id.ID
	Code     string
	Tracking id.ID
	Creator  id.ID
	Program  click.Program
	Market   uint16
	Kind     string // of the target, as click.LinkKind names it
	Target   string // path and query on the edge, without tag
	Title    string
	Channel  string
	Created  time.Time
	// Bounty and Action are those of a bounty's own link: the offer as it stood, and what it is paid for.
	Bounty id.ID
	Action string
}

// Codes that are made have eight characters of base58: 2^46 of them, so that trying them out finds one in a million
// only among a hundred million links. Chosen codes are compared without case; made ones are not, and lie apart from
// chosen ones as long as they hold a capital, which is looked up first.
const (
	base58       = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	madeCode     = 8
	shortestCode = 3
	longestCode  = 40
	codeAttempts = 10
	maxTitle     = 200 // characters
)

var codeForm = regexp.MustCompile(`^[a-z0-9]+([_-]+[a-z0-9]+)*$`)

// reserved are first parts of addresses that the product itself has, or may want.
var reserved = []string{
	"about", "account", "admin", "api", "assets", "auth", "brand", "cart", "click", "creator", "creators", "demo", "docs",
	"explain",
	"favicon", "health", "healthz", "help", "home", "join", "live", "login", "logout", "media", "metrics", "operator",
	"privacy",
	"program", "robots", "search", "settings", "shop", "signup", "sitemap", "static", "status", "store", "terms",
	"touches", "well-known",
}

// NewCode makes a code that cannot be guessed from others.
func NewCode() string {
	for {
		var raw [4 * madeCode]byte
		rand.Read(raw[:])
		code := make([]byte, 0, madeCode)
		for _, b := range raw {
			// Only the largest multiple of 58 is used, so that every character is equally likely.
			if b < 58*4 && len(code) < madeCode {
				code = append(code, base58[b%58])
			}
		}
		if text := string(code); len(text) == madeCode && !slices.Contains(reserved, strings.ToLower(text)) {
			return text
		}
	}
}

// CheckCode gives a code that a creator chose in its one form, or says why it cannot be one.
func CheckCode(text string) (string, error) {
	code := strings.ToLower(strings.TrimSpace(text))
	if len(code) < shortestCode || len(code) > longestCode || !codeForm.MatchString(code) {
		return "", fault.Invalidf("code", "is not a short code",
			"send 3 to 40 letters and digits, with dashes or underscores only between them")
	}
	if slices.Contains(reserved, code) {
		return "", fault.New(fault.Conflict, "code", "is an address of the site itself", "choose another one")
	}
	return code, nil
}

// Draft is what a creator chooses for a short link.
type Draft struct {
	Tracking id.ID
	Target   string // an address of the store, or a path on the edge such as /dp/SKU
	Code     string // empty: one is made
	Title    string
	Channel  string
	Sub      [5]string // put in where the target brings none
}

// linkRows begins every query for links: what readLink scans.
const linkRows = `SELECT l.id, l.code, l.tracking, l.creator, t.program, l.market, l.kind, l.target, l.title, l.body,
	l.created FROM link l JOIN tracking t ON t.id = l.tracking `

var (
	insertLink = db.Statement(`INSERT INTO link (id, code, tracking, creator, market, kind, target, title, body, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`)
	linkByCode = db.In(linkRows + `WHERE l.code IN ($LIST)`)
	linkByID   = db.In(linkRows + `WHERE l.id IN ($LIST)`)
	linksOf    = db.Statement(linkRows + `WHERE l.creator = $1 AND l.id < $2 ORDER BY l.id DESC LIMIT $3`)
	linksAll   = db.Statement(linkRows + `ORDER BY l.id`)
)

// extra is what a row keeps besides its columns.
type extra struct {
	Channel string `json:"channel,omitempty"`
	Bounty  id.ID  `json:"bounty,omitempty"`
	Action  string `json:"action,omitempty"`
}

// Make makes a short link of a creator and announces it to the edge. The caller answers once the local edge has it.
func Make(tx *db.Tx, now time.Time, m market.Market, creator id.ID, d Draft) (Link, error) {
	wanted, err := Target(NewAddresses(m), d.Target)
	if err != nil {
		return Link{}, err
	}
	made, err := drafted(tx, now, m, creator, d, wanted)
	if err != nil {
		return Link{}, err
	}
	return made, keep(tx, &made, d.Code)
}

// drafted is a link to what is wanted, before it has a code.
func drafted(tx *db.Tx, now time.Time, m market.Market, creator id.ID, d Draft, wanted Wanted) (Link, error) {
	found, err := TrackingByID(tx, []id.ID{d.Tracking})
	if err != nil {
		return Link{}, err
	}
	t, ok := found[d.Tracking]
	if !ok || t.Creator != creator || t.Market != m.No {
		return Link{}, fault.New(fault.NotFound, "tracking", "there is no such tracking id of yours in this marketplace",
			"choose one of your own")
	}
	if !t.Archived.IsZero() {
		return Link{}, fault.New(fault.Conflict, "tracking", "is archived", "bring it back, or choose another one")
	}
	for _, text := range []string{d.Title, d.Channel} {
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxTitle || strings.ContainsFunc(text, unicode.IsControl) {
			return Link{}, fault.Invalidf("title", "is longer than %d characters, or not one line of text", "shorten it", maxTitle)
		}
	}
	for i, sub := range d.Sub {
		if wanted.Sub[i] == "" {
			wanted.Sub[i] = tidy(sub)
		}
	}
	return Link{ID: id.New(now), Tracking: t.ID, Creator: creator, Program: t.Program, Market: m.No,
		Kind:   wanted.Kind.String(),
		Target: wanted.Path(), Title: strings.TrimSpace(d.Title), Channel: strings.TrimSpace(d.Channel),
		Created: now.UTC().Truncate(time.Microsecond)}, nil
}

// keep saves a link under the code that was chosen, or under one that is made.
func keep(tx *db.Tx, made *Link, chosen string) (err error) {
	if chosen == "" {
		return insertMade(tx, made)
	}
	if made.Code, err = CheckCode(chosen); err != nil {
		return err
	}
	added, err := insert(tx, *made)
	if err == nil && !added {
		err = fault.New(fault.Conflict, "code", "is taken", "choose another one, or leave it empty")
	}
	return err
}

func insertMade(tx *db.Tx, made *Link) error {
	for range codeAttempts {
		made.Code = NewCode()
		if added, err := insert(tx, *made); added || err != nil {
			return err
		}
	}
	return fault.New(fault.Unavailable, "code", "no free code was found", "try again")
}

func insert(tx *db.Tx, l Link) (bool, error) {
	body, err := json.Marshal(extra{l.Channel, l.Bounty, l.Action})
	if err != nil {
		return false, err
	}
	added, err := tx.Exec(insertLink, int64(l.ID), l.Code, int64(l.Tracking), int64(l.Creator), int64(l.Market), l.Kind,
		l.Target,
		l.Title, string(body), l.Created.UnixMicro())
	if err != nil || added == 0 {
		return false, fault.Wrap(err, "saving a link")
	}
	return true, event.Changed(tx, event.FeedLink, l.Code)
}

// Target reads what a creator gave as the target of a link: an address of the store as the address bar shows it, or a
// path on the edge. A short link to a short link is refused.
func Target(a *Addresses, text string) (Wanted, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "/") {
		path, query, _ := strings.Cut(text, "?")
		query, _, _ = strings.Cut(query, "#")
		w, err := Parse(path, query)
		if err == nil && w.Kind == click.KindPage {
			w.Page, err = a.Page(w.Page)
		}
		if err == nil && w.Kind == click.KindShort {
			err = fault.Invalidf("target", "is a short link itself", "name the page that it leads to")
		}
		return w, err
	}
	if !strings.Contains(text, "://") { // as some address bars show it
		text = a.scheme + "://" + text
	}
	page, err := a.Page(text)
	if err != nil {
		return Wanted{}, err
	}
	w := a.Read(page)
	_, query, _ := strings.Cut(page, "?")
	query, _, _ = strings.Cut(query, "#")
	var brought Wanted // sub-ids and utm fields that the pasted address already had
	brought.readQuery(query)
	w.Sub, w.UTM = brought.Sub, brought.UTM
	return w, nil
}

// ByCode finds short links by code; those that do not exist are left out.
func ByCode(tx *db.Tx, codes []string) (map[string]Link, error) {
	keys := make([]any, len(codes))
	for i, code := range codes {
		keys[i] = code
	}
	found := make(map[string]Link, len(codes))
	err := tx.In(linkByCode, keys, func(scan func(...any) error) error {
		l, err := readLink(scan)
		found[l.Code] = l
		return err
	})
	return found, fault.Wrap(err, "reading links by code")
}

// ByID finds short links; those that do not exist are left out.
func ByID(tx *db.Tx, ids []id.ID) (map[id.ID]Link, error) {
	found := make(map[id.ID]Link, len(ids))
	err := tx.In(linkByID, numbersOf(ids), func(scan func(...any) error) error {
		l, err := readLink(scan)
		found[l.ID] = l
		return err
	})
	return found, fault.Wrap(err, "reading links")
}

// maxLinks bounds one page of a list.
const maxLinks = 500

// Of gives a page of a creator's short links, newest first. before is the last id of the page before, zero for the first.
func Of(tx *db.Tx, creator, before id.ID, limit int) ([]Link, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	var page []Link
	err := tx.Each(linksOf, func(scan func(...any) error) error {
		l, err := readLink(scan)
		page = append(page, l)
		return err
	}, int64(creator), int64(before), int64(min(max(limit, 1), maxLinks)))
	return page, fault.Wrap(err, "reading a creator's links")
}

// All calls row for every short link.
func All(tx *db.Tx, row func(Link) error) error {
	err := tx.Each(linksAll, func(scan func(...any) error) error {
		l, err := readLink(scan)
		if err != nil {
			return err
		}
		return row(l)
	})
	return fault.Wrap(err, "reading links")
}

func readLink(scan func(...any) error) (Link, error) {
	var l Link
	var link, tracking, creator, program, market, created int64
	var body string
	if err := scan(&link, &l.Code, &tracking, &creator, &program, &market, &l.Kind, &l.Target, &l.Title, &body,
		&created); err != nil {
		return l, err
	}
	l.ID, l.Tracking, l.Creator, l.Program = id.ID(link), id.ID(tracking), id.ID(creator), click.Program(program)
	l.Market, l.Created = uint16(market), time.UnixMicro(created).UTC()
	var more extra
	err := json.Unmarshal([]byte(body), &more)
	l.Channel, l.Bounty, l.Action = more.Channel, more.Bounty, more.Action
	return l, err
}
