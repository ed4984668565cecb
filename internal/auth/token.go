package auth

import (
	"slices"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Scope is one thing that a program may do with a token.
type Scope string

// The scopes. AdminScope holds all the others.
const (
	OrdersWrite Scope = "orders.write"
	OrdersRead  Scope = "orders.read"
	LinksWrite  Scope = "links.write"
	LinksRead   Scope = "links.read"
	RatesWrite  Scope = "rates.write"
	AdminScope  Scope = "admin"
)

// Scopes lists them all.
var Scopes = []Scope{OrdersWrite, OrdersRead, LinksWrite, LinksRead, RatesWrite, AdminScope}

// ofCreators are what a creator's own token may hold: a creator never speaks for the store.
var ofCreators = []Scope{LinksWrite, LinksRead, OrdersRead}

// TokenPrefix begins every API token, so that one that leaked is recognised for what it is.
const TokenPrefix = "trib_"

// Token is an API token without its secret. Creator is zero for one of the operator.
type Token struct {
	ID      id.ID
	Name    string
	Creator id.ID
	Scopes  []Scope
}

// May tells whether the token may do that.
func (t Token) May(scope Scope) bool {
	return slices.Contains(t.Scopes, scope) || slices.Contains(t.Scopes, AdminScope)
}

var (
	insertToken = db.Statement(`INSERT INTO api_token (id, hash, name, creator, scopes, created, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, 0)`)
	selectToken = db.Statement(`SELECT id, hash, name, creator, scopes FROM api_token WHERE hash = $1 AND revoked = 0`)
	revokeToken = db.Statement(`UPDATE api_token SET revoked = $2 WHERE id = $1 AND revoked = 0`)
)

// MakeToken makes an API token. Its text is given this once and is stored nowhere.
func MakeToken(tx *db.Tx, t Token, now time.Time) (text string, made Token, err error) {
	if strings.TrimSpace(t.Name) == "" || len(t.Name) > maxName {
		return "", t, fault.Invalidf("name", "is empty or longer than %d bytes", "say what the token is for", maxName)
	}
	if len(t.Scopes) == 0 {
		return "", t, fault.Invalidf("scopes", "are missing", "name at least one, such as orders.write")
	}
	words := make([]string, len(t.Scopes))
	for i, scope := range t.Scopes {
		if !slices.Contains(Scopes, scope) {
			return "", t, fault.Invalidf("scopes", "hold one that does not exist", "send scopes such as orders.write")
		}
		if t.Creator != 0 && !slices.Contains(ofCreators, scope) {
			return "", t, fault.New(fault.Denied, "scopes", "a creator's token may not hold "+string(scope), "leave it out")
		}
		words[i] = string(scope)
	}
	// 32 random bytes need no slow hash: nobody tries them all.
	text = TokenPrefix + newSecret()
	t.ID = id.New(now)
	_, err = tx.Exec(insertToken, int64(t.ID), hashOf(text), t.Name, int64(t.Creator), strings.Join(words, " "), now.UnixMicro())
	return text, t, fault.Wrap(err, "making an API token")
}

// FindToken reads what a token may do. A text that is no token, or is revoked, is Denied.
func FindToken(tx *db.Tx, text string) (Token, error) {
	refused := fault.New(fault.Denied, "authorization", "this API token is not valid",
		"send `Authorization: Bearer trib_…` with a token that is in use")
	if !strings.HasPrefix(text, TokenPrefix) {
		return Token{}, refused
	}
	var t Token
	var number, creator int64
	var stored []byte
	var scopes string
	wanted := hashOf(text)
	found, err := tx.One(selectToken, []any{&number, &stored, &t.Name, &creator, &scopes}, wanted)
	if err != nil {
		return Token{}, fault.Wrap(err, "reading an API token")
	}
	// The look-up by hash tells a guesser nothing about the text; the comparison is in constant time all the same.
	if !found || !secret.Equal(stored, wanted) {
		return Token{}, refused
	}
	t.ID, t.Creator = id.ID(number), id.ID(creator)
	for word := range strings.FieldsSeq(scopes) {
		t.Scopes = append(t.Scopes, Scope(word))
	}
	return t, nil
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
