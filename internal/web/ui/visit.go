package ui

import (
	"context"
	"net/http"
	"strconv"

	"tributary/internal/auth"
)

// Visit is what the frame says about whoever looks, beside who they are.
type Visit struct {
	Seats  int // accounts that they may act for
	Unread int // messages
}

type (
	principalKey struct{}
	visitKey     struct{}
)

// With puts who asks into a request's context.
func With(ctx context.Context, p auth.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// WithVisit puts what the frame says about them there, too.
func WithVisit(ctx context.Context, v Visit) context.Context {
	return context.WithValue(ctx, visitKey{}, v)
}

// Who tells who asks. The zero value is somebody who has not signed in.
func Who(r *http.Request) auth.Principal { return whoIn(r.Context()) }

func whoIn(ctx context.Context) auth.Principal {
	p, _ := ctx.Value(principalKey{}).(auth.Principal)
	return p
}

// menuOf lists what stands behind somebody's name.
func menuOf(ctx context.Context, who auth.Principal) []Item {
	visit, _ := ctx.Value(visitKey{}).(Visit)
	messages := "Messages"
	if visit.Unread > 0 {
		messages += " (" + strconv.Itoa(visit.Unread) + ")"
	}
	items := []Item{{Label: "Account", Href: "/account"}, {Label: "Security", Href: "/account/security"}}
	if auth.Staff.Has(who.Role) {
		if who.Role == auth.Admin {
			items = append(items, Item{Label: "Staff", Href: "/operator/staff"})
		}
		return append(items, Item{Label: messages, Href: "/messages"}, Item{Label: "Documents", Href: "/operator/documents"},
			Item{Label: "Mail and wording", Href: "/operator/mail"})
	}
	items = append(items, Item{Label: "Team", Href: "/account/team"})
	if visit.Seats > 1 {
		items = append(items, Item{Label: "Switch account", Href: "/account/team#accounts"})
	}
	items = append(items, Item{Label: messages, Href: "/messages"})
	if who.Role == auth.Creator {
		items = append(items, Item{Label: "API tokens", Href: "/account/tokens"}, Item{Label: "Your data", Href: "/account/data"})
	}
	return append(items, Item{Label: "Documents", Href: "/documents"})
}
