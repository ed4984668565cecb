package account

import (
	"net/http"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/auth/oidc"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/web/ui"
)

// provider finds the account elsewhere that an address names.
func (p *Pages) provider(r *http.Request) (*oidc.Provider, error) {
	for _, one := range p.Providers {
		if one.Key() == r.PathValue("provider") {
			return one, nil
		}
	}
	return nil, ui.NotFound
}

// Elsewhere sends somebody to an account elsewhere: to sign in with it, to tie it to the account they have here, or to prove
// who they are. The page leads on by itself: a form of ours may not lead to another host (the policy of every page).
func (p *Pages) Elsewhere(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	with, err := p.provider(r)
	if err != nil {
		return err
	}
	asked := oidc.Request{Purpose: oidc.SignIn, Next: local(r.PostFormValue("next"))}
	switch purpose := oidc.Purpose(r.PostFormValue("for")); purpose {
	case oidc.Tie, oidc.Prove:
		asked.Purpose, asked.Principal = purpose, ui.Who(r).ID
		if asked.Principal == 0 {
			return fault.New(fault.Denied, "", "nobody has signed in", "sign in first")
		}
		if purpose == oidc.Tie && !p.Sessions.Fresh(r) {
			Stale(w, r)
			return nil
		}
	}
	if _, err := p.attempt(r); err != nil {
		return err
	}
	to, err := with.Begin(r.Context(), p.DB, p.Ring, asked, p.Sessions.Browser(r), clock.Wall())
	if err != nil {
		return err
	}
	w.Header().Set("Refresh", "0; url="+to)
	return p.show(w, r, page{title: "On to " + with.Name, read: func(_ *db.Tx, d *desk) (templ.Component, error) {
		return awayPage(p.door(r, d), with.Name, to), nil
	}}, nil)
}

// Return takes what the provider sends back.
func (p *Pages) Return(w http.ResponseWriter, r *http.Request) error {
	with, err := p.provider(r)
	if err != nil {
		return err
	}
	passed, err := p.attempt(r)
	if err != nil {
		return err
	}
	browser := p.Sessions.GetString(r.Context(), keyBrowser)
	who, asked, err := with.Finish(r.Context(), p.DB, p.Ring, r.URL.Query(), browser, clock.Wall())
	if err == nil {
		err = passed(r.Context())
	}
	to := asked.Next
	if err == nil {
		switch {
		case asked.Purpose == oidc.Tie:
			to, err = p.tie(r, with, who, asked)
		case asked.Purpose == oidc.Prove:
			to, err = p.proveElsewhere(r, who, asked)
		case with.For == oidc.ForStaff:
			to, err = p.staffElsewhere(w, r, who, asked)
		default:
			to, err = p.creatorElsewhere(w, r, with, who, asked)
		}
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// mine holds that whoever comes back is whoever was sent, and is still signed in.
func mine(r *http.Request, asked oidc.Request) error {
	if asked.Principal == 0 || ui.Who(r).ID != asked.Principal {
		return fault.New(fault.Denied, "", "somebody else has signed in here meanwhile", "begin again")
	}
	return nil
}

// tie lets somebody sign in with an account elsewhere from now on.
func (p *Pages) tie(r *http.Request, with *oidc.Provider, who oidc.Identity, asked oidc.Request) (string, error) {
	if err := mine(r, asked); err != nil {
		return "", err
	}
	me := ui.Who(r)
	if (with.For == oidc.ForStaff) != auth.Staff.Has(me.Role) {
		return "", fault.New(fault.Denied, "", "this way to sign in is for others", "use another one")
	}
	return "/account/security?said=tied", p.write(r, func(tx *db.Tx) error {
		if err := oidc.Bind(tx, p.Ring, who, me.ID, clock.Wall()); err != nil {
			return err
		}
		if who.Customer != "" && me.Role == auth.Creator && me.Seat == auth.Owner {
			personal, err := creator.FindPersonal(tx, p.Ring, me.Creator)
			if err != nil {
				return err
			}
			personal.Customer = who.Customer
			if err := creator.SavePersonal(tx, p.Ring, me.Creator, personal); err != nil {
				return err
			}
		}
		if err := p.own(tx, me.ID, "identity.tied", nil, map[string]string{"with": with.Name}); err != nil {
			return err
		}
		return p.tell(tx, r, me.ID, "account.second_factor", map[string]string{"what": "Signing in with " + with.Name + " was set up"})
	})
}

// proveElsewhere takes a sign-in there, made a moment ago, as a proof.
func (p *Pages) proveElsewhere(r *http.Request, who oidc.Identity, asked oidc.Request) (string, error) {
	if err := mine(r, asked); err != nil {
		return "", err
	}
	var owner id.ID
	err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		owner, _, err = oidc.Find(tx, p.Ring, who)
		return err
	})
	if err == nil && owner != asked.Principal {
		err = fault.New(fault.Denied, "", "this is not the account that you sign in with", "use that one")
	}
	if err != nil {
		return "", err
	}
	p.Sessions.proved(r)
	return local(asked.Next), nil
}

// staffElsewhere signs a member of the staff in, with the role that the directory gives them now. Who has none any more is
// signed out everywhere.
func (p *Pages) staffElsewhere(w http.ResponseWriter, r *http.Request, who oidc.Identity, asked oidc.Request) (string, error) {
	var me auth.Principal
	var was id.ID
	err := p.write(r, func(tx *db.Tx) (err error) {
		before := auth.Principal{}
		if known, tied, err := oidc.Find(tx, p.Ring, who); err != nil {
			return err
		} else if tied {
			if before, _, err = auth.Find(tx, known); err != nil {
				return err
			}
		}
		if me, was, err = oidc.Staff(tx, p.Ring, who, clock.Wall()); err != nil {
			return err
		}
		switch {
		case was == 0:
			return p.own(tx, me.ID, "staff.added", nil, map[string]string{"role": string(me.Role), "name": me.Name})
		case before.Role != me.Role:
			return p.own(tx, me.ID, "staff.role", map[string]string{"role": string(before.Role)}, map[string]string{"role": string(me.Role)})
		}
		return nil
	})
	if fault.Is(err, fault.Denied) && was != 0 {
		ended := p.write(r, func(tx *db.Tx) error { return auth.EndDevices(tx, was, 0, clock.Wall()) })
		if ended != nil {
			return "", ended
		}
	}
	if err != nil {
		return "", err
	}
	p.remember(r, asked.Next)
	return p.enter(w, r, me.ID, "oidc")
}

// creatorElsewhere signs a store's customer in. Somebody new gets an account; an address that is known here is never taken
// for the same person: they sign in and tie the two themselves.
func (p *Pages) creatorElsewhere(w http.ResponseWriter, r *http.Request, with *oidc.Provider, who oidc.Identity, asked oidc.Request) (string, error) {
	var principal id.ID
	var made bool
	err := p.write(r, func(tx *db.Tx) error {
		var err error
		if principal, made, err = oidc.Find(tx, p.Ring, who); err != nil || made {
			made = false
			return err
		}
		if who.Email == "" {
			return fault.New(fault.Denied, "", with.Name+" gave no address that it has verified", "sign up with an address here, and connect the store account afterwards")
		}
		_, known, err := credential.FindByEmail(tx, p.Ring, who.Email)
		if err != nil {
			return err
		}
		if known {
			return fault.New(fault.Conflict, "", "the address of this store account has an account here", "sign in to it, and connect the store account under Security")
		}
		principal, err = p.customer(tx, who)
		made = true
		return err
	})
	if err != nil {
		return "", err
	}
	p.remember(r, asked.Next)
	to, err := p.enter(w, r, principal, "oidc")
	if err == nil && made {
		p.remember(r, to)
		to = "/welcome"
	}
	return to, err
}

// customer makes an account out of a store's one.
func (p *Pages) customer(tx *db.Tx, who oidc.Identity) (id.ID, error) {
	wall := clock.Wall()
	name := who.Name
	if name == "" {
		name = "Creator"
	}
	me, err := auth.Open(tx, auth.Principal{Name: name, Role: auth.Creator, Creator: id.New(wall)}, wall)
	if err != nil {
		return 0, err
	}
	if err := credential.TrustEmail(tx, p.Ring, me.ID, who.Email, wall); err != nil {
		return 0, err
	}
	if err := p.settle(tx, me, creator.Personal{FullName: who.Name, Email: who.Email, Customer: who.Customer}); err != nil {
		return 0, err
	}
	return me.ID, oidc.Bind(tx, p.Ring, who, me.ID, wall)
}
