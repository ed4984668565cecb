package account

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/web/ui"
)

// people is the page of the operator's staff and their roles.
type people struct {
	*desk
	all  []auth.StaffMember
	link string // the first login of somebody new, shown this once
	name string
}

const (
	atStaff = "/operator/staff"
	// firstLogin is how long a new member of the staff has to sign in for the first time.
	firstLogin = 24 * time.Hour
)

func (p *Pages) staffOn(link, name string) page {
	return page{title: "Staff", current: atStaff, read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		all, err := auth.StaffMembers(tx)
		return staffPage(&people{desk: d, all: all, link: link, name: name}), err
	}}
}

// Staff lists them.
func (p *Pages) Staff(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, p.staffOn("", ""), nil)
}

// AddStaff makes an account with a role, and shows the link of its first login, this once.
func (p *Pages) AddStaff(w http.ResponseWriter, r *http.Request) error {
	return p.withLink(w, r, func(tx *db.Tx) (auth.Principal, error) {
		role := auth.Role(sent(r, "role"))
		if !auth.Staff.Has(role) {
			return auth.Principal{}, fault.Invalidf("role", "is not a role of the staff", "choose one of the list")
		}
		made, err := auth.Open(tx, auth.Principal{Name: strings.Join(strings.Fields(sent(r, "name")), " "), Role: role}, clock.Wall())
		if err != nil {
			return made, err
		}
		return made, p.note(tx, ui.Who(r).ID, "staff.added", made.ID.Text(auth.Prefix), made.ID, nil, map[string]string{"name": made.Name, "role": string(role)})
	})
}

// LinkStaff makes another login link for somebody who cannot sign in.
func (p *Pages) LinkStaff(w http.ResponseWriter, r *http.Request) error {
	return p.withLink(w, r, func(tx *db.Tx) (auth.Principal, error) {
		one, err := staffMember(tx, r)
		if err != nil {
			return one, err
		}
		return one, p.note(tx, ui.Who(r).ID, "staff.linked", one.ID.Text(auth.Prefix), one.ID, nil, nil)
	})
}

// withLink does something for one of the staff, and shows a login link for them.
func (p *Pages) withLink(w http.ResponseWriter, r *http.Request, do func(*db.Tx) (auth.Principal, error)) error {
	if err := readForm(r); err != nil {
		return err
	}
	var token string
	var one auth.Principal
	err := p.write(r, func(tx *db.Tx) (err error) {
		if one, err = do(tx); err != nil {
			return err
		}
		token, err = auth.OpenLogin(tx, one.ID, clock.Wall(), clock.Wall().Add(firstLogin), false)
		return err
	})
	if err == nil {
		return p.show(w, r, p.staffOn(p.Home+"/login?token="+url.QueryEscape(token), one.Name), nil)
	}
	if f := fault.Of(err); f.Kind != fault.Unavailable && f.Kind != fault.NotFound {
		return p.show(w, r, p.staffOn("", ""), f)
	}
	return err
}

// staffMember is whom an address names.
func staffMember(tx *db.Tx, r *http.Request) (auth.Principal, error) {
	number, err := id.Parse("staff", auth.Prefix, r.PathValue("person"))
	if err != nil {
		return auth.Principal{}, ui.NotFound
	}
	one, open, err := auth.Find(tx, number)
	if err == nil && (!open || !auth.Staff.Has(one.Role)) {
		err = ui.NotFound
	}
	return one, err
}

// SetRole gives one of the staff another role.
func (p *Pages) SetRole(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, p.staffOn("", ""), atStaff+"?said=role", func(tx *db.Tx) error {
		one, err := staffMember(tx, r)
		if err != nil {
			return err
		}
		role := auth.Role(sent(r, "role"))
		if err := auth.SetRole(tx, one.ID, role); err != nil {
			return err
		}
		return p.note(tx, ui.Who(r).ID, "staff.role", one.ID.Text(auth.Prefix), one.ID, map[string]string{"role": string(one.Role)},
			map[string]string{"role": string(role)})
	})
}

// CloseStaff ends an account of the staff.
func (p *Pages) CloseStaff(w http.ResponseWriter, r *http.Request) error {
	return p.change(w, r, p.staffOn("", ""), atStaff+"?said=closed", func(tx *db.Tx) error {
		one, err := staffMember(tx, r)
		if err != nil {
			return err
		}
		if err := auth.Close(tx, one.ID, clock.Wall()); err != nil {
			return err
		}
		return p.note(tx, ui.Who(r).ID, "staff.closed", one.ID.Text(auth.Prefix), one.ID, map[string]string{"name": one.Name, "role": string(one.Role)}, nil)
	})
}
