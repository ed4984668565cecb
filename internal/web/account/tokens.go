package account

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/web/ui"
)

// tokens is the page of an account's API tokens: a creator's, or the operator's for an admin.
type tokens struct {
	*desk
	all    []auth.Token
	scopes []auth.Scope // that one may hold
	names  map[id.ID]string
	text   string // of one that was just made, shown this once
}

const (
	atTokens   = "/account/tokens"
	longestDay = 3650
)

// scopesOf are what the tokens of an account may hold.
func scopesOf(who auth.Principal) []auth.Scope {
	if auth.Staff.Has(who.Role) {
		return auth.Scopes
	}
	return auth.CreatorScopes
}

func (p *Pages) tokensOn(text string) page {
	return page{title: "API tokens", current: "/account", read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		t := &tokens{desk: d, text: text, scopes: scopesOf(d.who), names: map[id.ID]string{}}
		var err error
		if t.all, err = auth.TokensOf(tx, d.who.Creator); err != nil {
			return nil, err
		}
		for _, one := range t.all {
			if _, known := t.names[one.MadeBy]; one.MadeBy != 0 && !known {
				maker, _, err := auth.Find(tx, one.MadeBy)
				if err != nil {
					return nil, err
				}
				t.names[one.MadeBy] = maker.Name
			}
		}
		return tokensPage(t), nil
	}}
}

// Tokens lists them.
func (p *Pages) Tokens(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, p.tokensOn(""), nil)
}

// MakeToken makes one, and shows its text this once.
func (p *Pages) MakeToken(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	text, err := p.makeToken(r)
	if err == nil {
		return p.show(w, r, p.tokensOn(text), nil)
	}
	if f := fault.Of(err); f.Kind != fault.Unavailable {
		return p.show(w, r, p.tokensOn(""), f)
	}
	return err
}

func (p *Pages) makeToken(r *http.Request) (text string, err error) {
	who, wall := ui.Who(r), clock.Wall()
	token := auth.Token{Name: sent(r, "name"), Creator: who.Creator, MadeBy: who.ID}
	for _, word := range r.PostForm["scope"] {
		if scope := auth.Scope(word); !slices.Contains(token.Scopes, scope) {
			token.Scopes = append(token.Scopes, scope)
		}
	}
	if days := sent(r, "days"); days != "" {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > longestDay {
			return "", fault.Invalidf("days", "is not a number of days", "write 1 to %d, or leave it empty", longestDay)
		}
		token.Expires = wall.Add(time.Duration(n) * 24 * time.Hour)
	}
	return text, p.write(r, func(tx *db.Tx) error {
		var made auth.Token
		if text, made, err = auth.MakeToken(tx, token, wall); err != nil {
			return err
		}
		return p.note(tx, who.ID, "token.made", made.ID.Text(id.Token), cmp.Or(who.Creator, who.ID), nil, map[string]any{"name": made.Name, "scopes": made.Scopes})
	})
}

// RevokeToken takes one out of use.
func (p *Pages) RevokeToken(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, p.tokensOn(""), atTokens+"?said=revoked", func(tx *db.Tx) error {
		who := ui.Who(r)
		token, err := id.Parse("token", id.Token, r.PathValue("token"))
		if err != nil {
			return ui.NotFound
		}
		if err := auth.RevokeOf(tx, who.Creator, token, clock.Wall()); err != nil {
			return err
		}
		return p.note(tx, who.ID, "token.revoked", token.Text(id.Token), 0, nil, nil)
	})
}
