package auth

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Scope is one thing that a program may do with a token.
type Scope string

// The scopes. AdminScope holds all the others.
const (
	OrdersWrite Scope = "orders.write" // report orders, as the store
	OrdersRead  Scope = "orders.read"
	LinksWrite  Scope = "links.write"
	LinksRead   Scope = "links.read" // links, and what they may earn
	RatesWrite  Scope = "rates.write"
	ProfileRead Scope = "profile.read" // a creator's own account and standing
	ReportsRead Scope = "reports.read"
	NoticesRead Scope = "notices.read"
	// The rest is the operator's own: other people's accounts, and what was decided about them.
	CreatorsRead  Scope = "creators.read"
	CreatorsWrite Scope = "creators.write"
	JournalRead   Scope = "journal.read"
	AdminScope    Scope = "admin"
)

// Scopes lists them all.
var Scopes = []Scope{OrdersWrite, OrdersRead, LinksWrite, LinksRead, RatesWrite, ProfileRead, ReportsRead, NoticesRead,
	CreatorsRead, CreatorsWrite, JournalRead, AdminScope}

// CreatorScopes are what a creator's own token may hold: a creator never speaks for the store.
var CreatorScopes = []Scope{LinksWrite, LinksRead, OrdersRead, ReportsRead, ProfileRead, NoticesRead}

// TokenPrefix begins every API token, so that one that leaked is recognised for what it is.
const TokenPrefix = "trib_"

// Token is an API token without its secret. Creator is zero for one of the operator.
type Token struct {
	ID       id.ID
	Name     string
	Creator  id.ID
	Scopes   []Scope
	MadeBy   id.ID     // the principal who made it; 0 for one of a file or a command
	Created  time.Time // these three when it is read
	LastUsed time.Time // the day; zero where it never was
	Expires  time.Time // zero for one without an end
}

// maxTokens is how many tokens one creator, or the operator, has in use: more are forgotten ones.
const maxTokens = 100

// May tells whether the token may do that.
func (t Token) May(scope Scope) bool {
	return slices.Contains(t.Scopes, scope) || slices.Contains(t.Scopes, AdminScope)
}

var (
	insertToken = db.Statement(`INSERT INTO api_token (id, hash, name, creator, scopes, created, revoked, last_used,
		expires, made_by)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8)`)
	selectToken = db.Statement(`SELECT id, name, creator, scopes, made_by, created, last_used, expires, hash FROM api_token
		WHERE hash = $1 AND revoked = 0`)
	selectTokens = db.Statement(`SELECT id, name, creator, scopes, made_by, created, last_used, expires, hash FROM api_token
		WHERE creator = $1 AND revoked = 0 ORDER BY id`)
	countTokens = db.Statement(`SELECT COUNT(*) FROM api_token WHERE creator = $1 AND revoked = 0 AND (expires = 0 OR expires > $2)`)
	useToken    = db.Statement(`UPDATE api_token SET last_used = $2 WHERE id = $1 AND last_used < $2`)
	revokeToken = db.Statement(`UPDATE api_token SET revoked = $2 WHERE id = $1 AND revoked = 0`)
	revokeOwn   = db.Statement(`UPDATE api_token SET revoked = $3 WHERE id = $1 AND creator = $2 AND revoked = 0`)
	revokeAll   = db.Statement(`UPDATE api_token SET revoked = $2 WHERE creator = $1 AND creator <> 0 AND revoked = 0`)
)

// MakeToken makes an API token. Its text is given this once and is stored nowhere.
func MakeToken(tx *db.Tx, t Token, now time.Time) (text string, made Token, err error) {
	// The name stands in lists that people decide by: what cannot be read there is refused here.
	plain := utf8.ValidString(t.Name) && !strings.ContainsFunc(t.Name, unicode.IsControl)
	if strings.TrimSpace(t.Name) == "" || len(t.Name) > maxName || !plain {
		return "", t, fault.Invalidf("name", "is empty, longer than %d bytes or not plain text", "say what the token is for", maxName)
	}
	words, err := t.words()
	if err != nil {
		return "", t, err
	}
	if !t.Expires.IsZero() && !t.Expires.After(now) {
		return "", t, fault.Invalidf("expires", "lies in the past", "send a later date, or leave it out")
	}
	var inUse int64
	if _, err := tx.One(countTokens, []any{&inUse}, int64(t.Creator), now.UnixMicro()); err != nil {
		return "", t, fault.Wrap(err, "counting API tokens")
	}
	if inUse >= maxTokens {
		return "", t, fault.New(fault.Exhausted, "name", "100 tokens are in use, the most there can be",
			"revoke those that nobody needs")
	}
	// 32 random bytes need no slow hash: nobody tries them all.
	text = TokenPrefix + newSecret()
	t.ID, t.Created = id.New(now), now
	_, err = tx.Exec(insertToken, int64(t.ID), hashOf(text), t.Name, int64(t.Creator), strings.Join(words, " "), now.UnixMicro(),
		microOf(t.Expires), int64(t.MadeBy))
	return text, t, fault.Wrap(err, "making an API token")
}

// words are the scopes as they are stored; those that the token may not hold are refused.
func (t Token) words() ([]string, error) {
	if len(t.Scopes) == 0 {
		return nil, fault.Invalidf("scopes", "are missing", "name at least one, such as orders.write")
	}
	words := make([]string, len(t.Scopes))
	for i, scope := range t.Scopes {
		if !slices.Contains(Scopes, scope) {
			return nil, fault.Invalidf("scopes", "hold one that does not exist", "send scopes such as orders.write")
		}
		if t.Creator != 0 && !slices.Contains(CreatorScopes, scope) {
			return nil, fault.New(fault.Denied, "scopes", "a creator's token may not hold "+string(scope), "leave it out")
		}
		words[i] = string(scope)
	}
	return words, nil
}

// microOf is an instant as it is stored: 0 for none.
func microOf(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMicro()
}

// instant is the way back.
func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

// FindToken reads what a token may do. A text that is no token, or is revoked or over, is Denied.
func FindToken(tx *db.Tx, text string) (Token, error) {
	refused := fault.New(fault.Denied, "authorization", "this API token is not valid",
		"send `Authorization: Bearer trib_…` with a token that is in use")
	if !strings.HasPrefix(text, TokenPrefix) {
		return Token{}, refused
	}
	var t Token
	var stored []byte
	found, wanted := false, hashOf(text)
	err := tx.Each(selectToken, func(scan func(...any) error) (err error) {
		found = true
		t, stored, err = scanToken(scan)
		return err
	}, wanted)
	if err != nil {
		return Token{}, fault.Wrap(err, "reading an API token")
	}
	// The look-up by hash tells a guesser nothing about the text; the comparison is in constant time all the same.
	if !found || !secret.Equal(stored, wanted) || !t.Expires.IsZero() && !clock.Wall().Before(t.Expires) {
		return Token{}, refused
	}
	return t, nil
}

func scanToken(scan func(...any) error) (t Token, hash []byte, err error) {
	var number, creator, by, created, used, expires int64
	var scopes string
	err = scan(&number, &t.Name, &creator, &scopes, &by, &created, &used, &expires, &hash)
	t.ID, t.Creator, t.MadeBy = id.ID(number), id.ID(creator), id.ID(by)
	t.Created, t.LastUsed, t.Expires = instant(created), instant(used), instant(expires)
	for word := range strings.FieldsSeq(scopes) {
		t.Scopes = append(t.Scopes, Scope(word))
	}
	return t, hash, err
}

// TokensOf lists the tokens of a creator that are not revoked, or those of the operator (0), the oldest first; those that
// are over are among them.
func TokensOf(tx *db.Tx, creator id.ID) (all []Token, err error) {
	err = tx.Each(selectTokens, func(scan func(...any) error) error {
		t, _, err := scanToken(scan)
		all = append(all, t)
		return err
	}, int64(creator))
	return all, fault.Wrap(err, "reading API tokens")
}

func day(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// Present is FindToken at a door: it notes beside it on which day (UTC) the token was last used, with one write a day.
func Present(ctx context.Context, d *db.DB, text string) (t Token, err error) {
	err = d.Read(ctx, func(tx *db.Tx) (err error) {
		t, err = FindToken(tx, text)
		return err
	})
	// By the day, because that answers the only question (is it still in use), and a busy store would write with every request.
	today := day(clock.Wall())
	if err != nil || !t.LastUsed.Before(today) {
		return t, err
	}
	return t, fault.Wrap(d.Write(ctx, db.Background, func(tx *db.Tx) error {
		_, err := tx.Exec(useToken, int64(t.ID), today.UnixMicro())
		return err
	}), "noting the use of an API token")
}

// Bearer gives the token's text in an Authorization header; empty where it holds none.
func Bearer(header string) string {
	kind, text, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(kind, "bearer") {
		return ""
	}
	return strings.TrimSpace(text)
}

// Revoke takes a token out of use.
func Revoke(tx *db.Tx, token id.ID, now time.Time) error {
	revoked, err := tx.Exec(revokeToken, int64(token), now.UnixMicro())
	if err == nil && revoked == 0 {
		return fault.New(fault.NotFound, "token", "there is no such token, or it is revoked", "check the id")
	}
	return fault.Wrap(err, "revoking an API token")
}

// RevokeOf takes a creator's own token out of use, or one of the operator's (0). Another's is NotFound.
func RevokeOf(tx *db.Tx, creator, token id.ID, now time.Time) error {
	revoked, err := tx.Exec(revokeOwn, int64(token), int64(creator), now.UnixMicro())
	if err == nil && revoked == 0 {
		return fault.New(fault.NotFound, "token", "there is no such token, or it is revoked", "look at the list anew")
	}
	return fault.Wrap(err, "revoking an API token")
}

// RevokeAll takes all tokens of a creator out of use: when the creator is erased.
func RevokeAll(tx *db.Tx, creator id.ID, now time.Time) error {
	_, err := tx.Exec(revokeAll, int64(creator), now.UnixMicro())
	return fault.Wrap(err, "revoking API tokens")
}
