package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/journal"
)

// One of the operator's people, the first admin above all:
//
//	tributary operator "Ada Porter" ada@example.org                    an admin, and a link with which they sign in once
//	tributary operator "Ned Quist" ned@example.org --role reviewer     somebody else of the staff
//	tributary operator "Ada Porter" ada@example.org --again            a new link, where the first one was lost
//
// Whoever may run it has the database and the keys already, so it asks for no password. It works on an installation that
// holds nothing yet, and beside a running server.
type operatorCmd struct {
	place
	Name    string `arg:"" help:"Who it is."`
	Email   string `arg:"" help:"Their address. It is verified once they are signed in."`
	Role    string `help:"admin, reviewer, finance, support or auditor." default:"admin"`
	Again   bool   `help:"Print a new link for the account that has this address, where the way in was lost."`
	Home    string `help:"Address under which people reach the installation." default:"http://localhost:8080" env:"TRIBUTARY_HOME"`
	Sandbox bool   `help:"Make a sandbox, whose business clock can be set. Counts only when the installation is made."`
}

// operatorFor is how long the link works: long enough to reach a colleague, too short to lie around.
const operatorFor = 24 * time.Hour

// Run makes the account and prints the link, this once.
func (c *operatorCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout) }

func (c *operatorCmd) run(ctx context.Context, out io.Writer) error {
	role := auth.Role(c.Role)
	if !auth.Staff.Has(role) {
		return fault.Invalidf("role", "is not a role of the staff", "write admin, reviewer, finance, support or auditor")
	}
	i, err := c.open(ctx, kindOf(c.Sandbox))
	if err != nil {
		return err
	}
	defer i.db.Close()
	var p auth.Principal
	var token string
	err = i.db.Write(ctx, db.Interactive, func(tx *db.Tx) (err error) {
		wall := clock.Wall()
		if p, err = c.account(tx, i, role, wall); err != nil {
			return err
		}
		token, err = auth.OpenLogin(tx, p.ID, wall, wall.Add(operatorFor), false)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s (%s) signs in with this link, once and within 24 hours, and then adds a passkey:\n%s/login?token=%s\n",
		p.Name, p.Role, strings.TrimSuffix(c.Home, "/"), token)
	return nil
}

// account makes the account, or with --again finds it.
func (c *operatorCmd) account(tx *db.Tx, i *installation, role auth.Role, wall time.Time) (auth.Principal, error) {
	known, err := c.known(tx, i)
	if err != nil {
		return known, err
	}
	action := "staff.opened"
	switch {
	case c.Again && known.ID == 0:
		return known, fault.New(fault.NotFound, "email", "none of the staff has this address", "leave out --again to make an account")
	case c.Again:
		action = "staff.link_made"
	case known.ID != 0:
		return known, fault.New(fault.Conflict, "email", "belongs to "+known.Name+" ("+string(known.Role)+") already",
			"write another address, or --again for a new link")
	default:
		if known, err = auth.Open(tx, auth.Principal{Name: c.Name, Role: role}, wall); err != nil {
			return known, err
		}
		if err := credential.SetEmail(tx, i.ring, known.ID, c.Email, wall); err != nil {
			return known, err
		}
	}
	return known, journal.Add(tx, i.ring, journal.Entry{At: i.clock.Now(), Actor: "cli", Action: action,
		Subject: known.ID.Text(auth.Prefix), Person: known.ID,
		After: map[string]string{"name": known.Name, "role": string(known.Role)}})
}

// known gives whoever of the staff has the address, verified or not; no id where nobody has. An address that somebody outside the
// staff has verified is a Conflict: one mailbox opens one account.
func (c *operatorCmd) known(tx *db.Tx, i *installation) (auth.Principal, error) {
	holders, err := credential.WithEmail(tx, i.ring, c.Email)
	if err != nil {
		return auth.Principal{}, err
	}
	for _, one := range holders {
		p, ok, err := auth.Find(tx, one)
		if err != nil || ok && auth.Staff.Has(p.Role) {
			return p, err
		}
	}
	holder, found, err := credential.FindByEmail(tx, i.ring, c.Email)
	if err == nil && found {
		err = fault.New(fault.Conflict, "email", "belongs to "+holder.Text(auth.Prefix)+" already, who is not of the staff",
			"write another address")
	}
	return auth.Principal{}, err
}
