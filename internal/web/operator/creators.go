package operator

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/auth/credential"
	"tributary/internal/claim"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/report"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

const (
	pageCreators = 40
	pageBeside   = 10 // claims and corrections on a creator's page
)

// creators is the list of accounts with their standing and balances in a marketplace.
type creators struct {
	*staff.Desk
	text string
	rows []creatorRow
	next string
}

// creatorRow is an account as the list shows it.
type creatorRow struct {
	creator.Creator
	standings []standing
	balances  report.Balances
}

// standing is an enrolment's present state in words; good tells whether its links earn.
type standing struct {
	program, state string
	good           bool
	href           string // of the evidence and the decisions about it
}

// Creators lists the creators.
func (p *Pages) Creators(w http.ResponseWriter, r *http.Request) error {
	return p.Show(w, r, "Creators", staff.AtCreators, func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &creators{Desk: d, text: strings.TrimSpace(r.FormValue("q"))}
		if len(v.text) > 200 {
			return nil, fault.Invalidf("q", "is longer than 200 characters", "search for a part of a name")
		}
		var found []creator.Creator
		var err error
		if v.text != "" {
			found, err = creator.Search(tx, v.text, pageCreators)
		} else {
			after, _ := id.Parse("after", id.Creator, r.FormValue("after"))
			found, err = creator.All(tx, after, pageCreators+1)
			if len(found) > pageCreators {
				found = found[:pageCreators]
				v.next = d.InMarket("/operator/creators", "after", found[pageCreators-1].ID.Text(id.Creator))
			}
		}
		if err != nil {
			return nil, err
		}
		v.rows, err = readRows(tx, d, found)
		return creatorsPage(v), err
	})
}

// readRows adds standing and balances: one set-based read, and one range of accounts each.
func readRows(tx *db.Tx, d *staff.Desk, found []creator.Creator) ([]creatorRow, error) {
	ids := make([]id.ID, len(found))
	for i, one := range found {
		ids[i] = one.ID
	}
	histories, err := enrolment.Standings(tx, d.Market.No, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]creatorRow, len(found))
	for i, one := range found {
		rows[i].Creator = one
		for _, program := range []enrolment.Program{enrolment.Associates, enrolment.Influencer, enrolment.Connections} {
			history, ok := histories[enrolment.Key{Market: d.Market.No, Creator: one.ID, Program: program}]
			if state := history.At(d.Now); ok && state != "" {
				words := strings.ReplaceAll(string(state), "_", " ")
				rows[i].standings = append(rows[i].standings, standing{program.String(), words, state.Active(),
					d.InMarket("/operator/reviews/" + one.ID.Text(id.Creator) + "/" + program.String())})
			}
		}
		if rows[i].balances, err = report.BalancesOf(tx, one.ID, d.Market, d.Now); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// one is a creator's page for the staff.
type one struct {
	*staff.Desk
	creatorRow
	lines       []report.Line
	days        report.Day
	tracking    []link.Tracking
	coupons     []couponRow
	claims      []claim.Claim
	corrections []correctionRow
	known       bool // a caller has just said the right PIN
}

// Creator shows one creator: standing, balances, newest lines.
func (p *Pages) Creator(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, p.creatorView(r, false))
}

// CheckPIN tells whether a caller is the creator. The answer stands on the page that was asked and in no address: nobody can be led to
// a page that says so.
func (p *Pages) CheckPIN(w http.ResponseWriter, r *http.Request) error {
	right := false
	err := p.Ask(w, r, p.creatorView(r, false), func(d *staff.Desk) error {
		number, err := id.Parse("creator", id.Creator, r.PathValue("creator"))
		if err != nil {
			return ui.NotFound
		}
		if right, err = credential.CheckPIN(r.Context(), p.DB, p.Ring, number, d.Sent("pin"), clock.Wall()); err == nil && !right {
			err = fault.Invalidf("pin", "is not the creator's, or none is set", "ask again; after a few wrong ones there is a pause")
		}
		return err
	})
	if err != nil || !right {
		return err
	}
	return p.See(w, r, p.creatorView(r, true))
}

func (p *Pages) creatorView(r *http.Request, known bool) staff.Page {
	return staff.Page{Title: "Creator", Current: staff.AtCreators, Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		number, err := id.Parse("creator", id.Creator, r.PathValue("creator"))
		if err != nil {
			return nil, ui.NotFound
		}
		found, err := creator.One(tx, number)
		if err != nil {
			return nil, err
		}
		rows, err := readRows(tx, d, []creator.Creator{found})
		if err != nil {
			return nil, err
		}
		v := &one{Desk: d, creatorRow: rows[0], known: known}
		d.Title = found.Name
		days, err := report.Days(tx, number, d.Market, d.Now.AddDate(0, 0, -29), d.Now)
		if err != nil {
			return nil, err
		}
		v.days = report.Sum(days)
		page, err := report.Lines(tx, number, d.Market, report.Filter{Limit: pageOrders})
		if v.lines = page.Lines; err != nil {
			return nil, err
		}
		return creatorPage(v), v.readBeside(tx)
	}}
}

// readBeside reads what is decided about a creator by people: tracking ids, codes, claims, corrections.
func (v *one) readBeside(tx *db.Tx) error {
	all, err := link.TrackingOf(tx, []id.ID{v.ID})
	if err != nil {
		return err
	}
	for _, t := range all[v.ID] {
		if t.Market == v.Market.No {
			v.tracking = append(v.tracking, t)
		}
	}
	codes, err := couponsOf(tx, v.Desk, v.ID)
	if err != nil {
		return err
	}
	if v.coupons, err = couponRows(tx, codes); err != nil {
		return err
	}
	if v.claims, err = claim.OfCreator(tx, v.Keys, v.ID, v.Market.No, 0, pageBeside); err != nil {
		return err
	}
	if v.corrections, err = correctionsOf(tx, v.Desk, v.ID); len(v.corrections) > pageBeside {
		v.corrections = v.corrections[:pageBeside]
	}
	return err
}

// reaches are the places of the creator's own river.
func (v *one) reaches() []ui.Reach { return ui.Reaches(v.balances, v.Market, v.Format, v.Now, nil) }
