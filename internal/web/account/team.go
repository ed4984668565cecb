package account

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/notice"
	"tributary/internal/web/ui"
)

// team is the page of who acts for an account, and of the accounts that somebody may act for.
type team struct {
	*desk
	name     string // of the account that they act for
	members  []auth.Member
	open     []auth.Invitation
	agencies []auth.AgencyGrant
	seats    []auth.Seated
	link     string // of an invitation, shown this once
}

const atTeam = "/account/team"

func (p *Pages) teamOn(link string) page {
	return page{title: "Team", current: "/account", read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		t := &team{desk: d, link: link}
		var err error
		if t.seats, err = auth.Seats(tx, d.who.ID); err != nil {
			return nil, err
		}
		if d.who.Account == 0 {
			return teamPage(t), nil
		}
		if t.name, err = accountName(tx, d.who); err != nil {
			return nil, err
		}
		if t.members, err = auth.Members(tx, d.who.Account); err != nil {
			return nil, err
		}
		if d.who.Seat == auth.Owner {
			if t.open, err = auth.Invitations(tx, d.who.Account, d.wall); err != nil {
				return nil, err
			}
		}
		if d.who.Role == auth.Creator {
			if t.agencies, err = auth.Grants(tx, d.who.Account); err != nil {
				return nil, err
			}
		}
		return teamPage(t), nil
	}}
}

// accountName is what the account is called that somebody acts for.
func accountName(tx *db.Tx, who auth.Principal) (string, error) {
	if who.Role == auth.Creator {
		one, err := creator.One(tx, who.Creator)
		return one.Name, err
	}
	one, ok, err := auth.FindTeam(tx, who.Account)
	if err == nil && !ok {
		err = ui.NotFound
	}
	return one.Name, err
}

// Team shows it.
func (p *Pages) Team(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, p.teamOn(""), nil)
}

// ours does what a form about the account's team asks for.
func (p *Pages) ours(w http.ResponseWriter, r *http.Request, said string, do func(*db.Tx, auth.Principal) error) error {
	return p.change(w, r, p.teamOn(""), atTeam+"?said="+said, func(tx *db.Tx) error { return do(tx, ui.Who(r)) })
}

// subject is how the log names an account.
func subject(who auth.Principal) string {
	if who.Role == auth.Creator {
		return who.Creator.Text(id.Creator)
	}
	return who.Account.Text(auth.TeamPrefix)
}

// Invite makes a link that gives a seat to whoever follows it, and shows it this once.
func (p *Pages) Invite(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	who := ui.Who(r)
	var token string
	offer := auth.Invitation{Account: who.Account, Kind: who.Role, Seat: auth.Seat(sent(r, "seat")), Hint: sent(r, "hint")}
	err := p.write(r, func(tx *db.Tx) (err error) {
		if token, err = auth.Invite(tx, offer, who.ID, clock.Wall()); err != nil {
			return err
		}
		if err := p.note(tx, who.ID, "team.invited", subject(who), 0, nil, map[string]string{"seat": string(offer.Seat)}); err != nil {
			return err
		}
		return p.team(tx, who, "team.invited", or(offer.Hint, "Somebody"), map[string]string{"by": who.Name, "seat": string(offer.Seat)})
	})
	if err == nil {
		return p.show(w, r, p.teamOn(p.Home+"/signup?invite="+url.QueryEscape(token)), nil)
	}
	if f := fault.Of(err); f.Kind != fault.Unavailable {
		return p.show(w, r, p.teamOn(""), f)
	}
	return err
}

// team tells those who own an account, each by themselves, who else acts for it.
func (p *Pages) team(tx *db.Tx, who auth.Principal, event, member string, more map[string]string) error {
	name, err := accountName(tx, who)
	if err != nil {
		return err
	}
	members, err := auth.Members(tx, who.Account)
	if err != nil {
		return err
	}
	facts := map[string]string{"team": name, "who": member}
	for key, text := range more {
		facts[key] = text
	}
	now, key := p.Clock.Now(), id.New(clock.Wall()).Text("")
	for _, one := range members {
		if one.Seat != auth.Owner {
			continue
		}
		if err := notice.Send(tx, p.Ring, notice.Notice{Event: event, Principal: one.Principal, At: now, Key: key, Facts: facts}); err != nil {
			return err
		}
	}
	return nil
}

// CancelInvite takes an invitation back.
func (p *Pages) CancelInvite(w http.ResponseWriter, r *http.Request) error {
	return p.ours(w, r, "cancelled", func(tx *db.Tx, who auth.Principal) error {
		invitation, err := id.Parse("invitation", auth.InvitationPrefix, r.PathValue("invitation"))
		if err != nil {
			return ui.NotFound
		}
		if err := auth.CancelInvite(tx, who.Account, invitation); err != nil {
			return err
		}
		return p.note(tx, who.ID, "team.uninvited", subject(who), 0, map[string]string{"invitation": invitation.Text(auth.InvitationPrefix)}, nil)
	})
}

// TakeInvite gives whoever has signed in the seat that an invitation offers, and lets them act for that account.
func (p *Pages) TakeInvite(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.signupOn(r), func() (string, error) {
		if _, err := p.attempt(r); err != nil {
			return "", err
		}
		who := ui.Who(r)
		var account id.ID
		var seats []auth.Seated
		err := p.write(r, func(tx *db.Tx) error {
			offer, err := auth.LookInvite(tx, r.PostFormValue("invite"), clock.Wall())
			if err != nil {
				return err
			}
			account = offer.Account
			if err := p.join(tx, r, who.ID, r.PostFormValue("invite")); err != nil {
				return err
			}
			seats, err = auth.Seats(tx, who.ID)
			return err
		})
		if err != nil {
			return "", err
		}
		p.Sessions.Put(r.Context(), keySeats, int64(len(seats)))
		p.Sessions.Put(r.Context(), keyAccount, int64(account))
		return atTeam + "?said=joined", nil
	})
}

// join takes an invitation, and tells those who own the account.
func (p *Pages) join(tx *db.Tx, _ *http.Request, principal id.ID, token string) error {
	offer, err := auth.LookInvite(tx, token, clock.Wall())
	if err != nil {
		return err
	}
	me, open, err := auth.Find(tx, principal)
	if err != nil || !open {
		return orDenied(err)
	}
	if err := auth.TakeInvite(tx, token, principal, clock.Wall()); err != nil {
		return err
	}
	in := auth.Principal{ID: principal, Role: offer.Kind, Account: offer.Account}
	if offer.Kind == auth.Creator {
		in.Creator = offer.Account
	}
	if err := p.note(tx, principal, "team.joined", subject(in), 0, nil, map[string]string{"seat": string(offer.Seat)}); err != nil {
		return err
	}
	return p.team(tx, in, "team.joined", me.Name, map[string]string{"seat": string(offer.Seat)})
}

// member reads which member of the account a form is about.
func member(tx *db.Tx, r *http.Request, who auth.Principal) (auth.Member, error) {
	principal, err := id.Parse("member", auth.Prefix, r.PathValue("member"))
	if err != nil {
		return auth.Member{}, ui.NotFound
	}
	members, err := auth.Members(tx, who.Account)
	if err != nil {
		return auth.Member{}, err
	}
	for _, one := range members {
		if one.Principal == principal {
			return one, nil
		}
	}
	return auth.Member{}, ui.NotFound
}

// SetSeat changes what a member may do.
func (p *Pages) SetSeat(w http.ResponseWriter, r *http.Request) error {
	return p.ours(w, r, "seat", func(tx *db.Tx, who auth.Principal) error {
		one, err := member(tx, r, who)
		if err != nil {
			return err
		}
		seat := auth.Seat(sent(r, "seat"))
		if err := auth.SetSeat(tx, who.Account, one.Principal, seat); err != nil {
			return err
		}
		return p.note(tx, who.ID, "team.seat", subject(who), 0, map[string]string{"member": one.Principal.Text(auth.Prefix), "seat": string(one.Seat)},
			map[string]string{"member": one.Principal.Text(auth.Prefix), "seat": string(seat)})
	})
}

// EndSeat takes a member out of the account.
func (p *Pages) EndSeat(w http.ResponseWriter, r *http.Request) error {
	return p.ours(w, r, "left", func(tx *db.Tx, who auth.Principal) error {
		one, err := member(tx, r, who)
		if err != nil {
			return err
		}
		return p.endSeat(tx, who, one)
	})
}

// Leave gives up one's own seat.
func (p *Pages) Leave(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.teamOn(""), func() (string, error) {
		who := ui.Who(r)
		err := p.write(r, func(tx *db.Tx) error {
			members, err := auth.Members(tx, who.Account)
			if err != nil {
				return err
			}
			for _, one := range members {
				if one.Principal == who.ID {
					return p.endSeat(tx, who, one)
				}
			}
			return fault.New(fault.Conflict, "", "you have no seat of your own here", "the agency through which you act ends it")
		})
		if err != nil {
			return "", err
		}
		p.Sessions.Remove(r.Context(), keyAccount)
		return atTeam + "?said=left", nil
	})
}

func (p *Pages) endSeat(tx *db.Tx, who auth.Principal, one auth.Member) error {
	if err := auth.EndSeat(tx, who.Account, one.Principal); err != nil {
		return err
	}
	if err := p.note(tx, who.ID, "team.left", subject(who), 0, map[string]string{"member": one.Principal.Text(auth.Prefix), "seat": string(one.Seat)}, nil); err != nil {
		return err
	}
	return p.team(tx, who, "team.left", one.Name, nil)
}

// Grant lets an agency's people act for a creator.
func (p *Pages) Grant(w http.ResponseWriter, r *http.Request) error {
	return p.ours(w, r, "granted", func(tx *db.Tx, who auth.Principal) error {
		agency, err := id.Parse("agency", auth.TeamPrefix, sent(r, "agency"))
		if err != nil {
			return err
		}
		seat := auth.Seat(sent(r, "seat"))
		if err := auth.Grant(tx, who.Creator, agency, seat, clock.Wall()); err != nil {
			return err
		}
		return p.note(tx, who.ID, "team.granted", subject(who), 0, nil, map[string]string{"agency": agency.Text(auth.TeamPrefix), "seat": string(seat)})
	})
}

// EndGrant ends that.
func (p *Pages) EndGrant(w http.ResponseWriter, r *http.Request) error {
	return p.ours(w, r, "ungranted", func(tx *db.Tx, who auth.Principal) error {
		agency, err := id.Parse("agency", auth.TeamPrefix, r.PathValue("agency"))
		if err != nil {
			return ui.NotFound
		}
		if err := auth.EndGrant(tx, who.Creator, agency); err != nil {
			return err
		}
		return p.note(tx, who.ID, "team.grant_ended", subject(who), 0, map[string]string{"agency": agency.Text(auth.TeamPrefix)}, nil)
	})
}

// Switch lets somebody act for another of their accounts.
func (p *Pages) Switch(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.teamOn(""), func() (string, error) {
		account, err := id.Parse("account", "", sent(r, "account"))
		if err != nil {
			return "", ui.NotFound
		}
		var seats []auth.Seated
		err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
			seats, err = auth.Seats(tx, ui.Who(r).ID)
			return err
		})
		if err != nil {
			return "", err
		}
		for _, one := range seats {
			if one.Account == account {
				p.Sessions.Put(r.Context(), keySeats, int64(len(seats)))
				p.Sessions.Put(r.Context(), keyAccount, int64(account))
				return "/home", nil
			}
		}
		return "", ui.NotFound
	})
}

// OpenTeam makes an agency or a brand, which whoever makes it owns and acts for from now on.
func (p *Pages) OpenTeam(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.teamOn(""), func() (string, error) {
		who := ui.Who(r)
		if _, err := p.attempt(r, "team:"+who.ID.Text(auth.Prefix)); err != nil {
			return "", err
		}
		var made auth.Team
		var seats []auth.Seated
		err := p.write(r, func(tx *db.Tx) (err error) {
			made, err = auth.OpenTeam(tx, auth.Team{Kind: auth.Role(sent(r, "kind")), Name: sent(r, "name")}, who.ID, clock.Wall())
			if err != nil {
				return err
			}
			if err := p.note(tx, who.ID, "team.opened", made.ID.Text(auth.TeamPrefix), who.ID, nil, map[string]string{"kind": string(made.Kind), "name": made.Name}); err != nil {
				return err
			}
			seats, err = auth.Seats(tx, who.ID)
			return err
		})
		if err != nil {
			return "", err
		}
		p.Sessions.Put(r.Context(), keySeats, int64(len(seats)))
		p.Sessions.Put(r.Context(), keyAccount, int64(made.ID))
		return atTeam + "?said=team", nil
	})
}
