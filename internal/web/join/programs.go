package join

import (
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/network"
	"tributary/internal/site"
	"tributary/internal/web/ui"
)

// standing is the status page: each program of the marketplace that is being looked at, and what happens next in it.
type standing struct {
	*desk
	programs []program
	linkless bool // links would earn, and none was made yet
}

// program is where the creator stands in one of the three.
type program struct {
	admission.Status
	history  enrolment.History // what has happened, oldest first
	offered  bool              // in this marketplace
	gate     admission.Gate    // of connections, where it is not open yet
	next     action            // zero: nothing to press
	withdraw string            // what taking back is called now; empty: there is nothing to take back
}

// action is what somebody presses next.
type action struct{ label, href string }

// Programs is the status page.
func (p *Pages) Programs(w http.ResponseWriter, r *http.Request) error {
	return p.see(w, r, p.programsView())
}

func (p *Pages) programsView() page {
	return page{title: "Programs", read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		v, err := p.readStanding(tx, d)
		if err != nil {
			return nil, err
		}
		return programsPage(v), nil
	}}
}

func (p *Pages) readStanding(tx *db.Tx, d *desk) (*standing, error) {
	v := &standing{desk: d}
	statuses, err := p.Admission.Statuses(tx, d.me.Creator, d.Market)
	if err != nil {
		return nil, err
	}
	histories, err := enrolment.Standings(tx, d.Market.No, []id.ID{d.me.Creator})
	if err != nil {
		return nil, err
	}
	sites, err := site.Of(tx, d.me.Creator)
	if err != nil {
		return nil, err
	}
	accounts, err := network.Of(tx, d.me.Creator)
	if err != nil {
		return nil, err
	}
	earning := false
	for _, s := range statuses {
		one := program{Status: s, offered: d.offered(s.Key.Program)}
		for _, h := range histories[s.Key] {
			if !h.Since.After(d.now) { // an end that is still to come is said as a deadline
				one.history = append(one.history, h)
			}
		}
		one.next, one.withdraw = d.nextAction(s, sites, accounts), takingBack(s.State)
		if s.Key.Program == enrolment.Connections && !s.State.Active() && one.offered {
			if one.gate, err = p.Admission.GateOf(tx, d.me.Creator, d.Market); err != nil {
				return nil, err
			}
		}
		earning = earning || s.State.Active()
		v.programs = append(v.programs, one)
	}
	links, err := link.Of(tx, d.me.Creator, 0, 1)
	v.linkless = earning && len(links) == 0
	return v, err
}

// offered tells whether a program runs in the marketplace that is being looked at.
func (d *desk) offered(program enrolment.Program) bool {
	switch program {
	case enrolment.Influencer:
		return !d.Market.Admission.NoSocial
	case enrolment.Connections:
		return d.Market.Admission.Connections
	}
	return true
}

// takingBack is what a creator can do to end things, in the state that they are in.
func takingBack(s enrolment.State) string {
	switch {
	case s == enrolment.Applied:
		return "withdraw"
	case s.Active():
		return "leave"
	}
	return ""
}

// nextAction is where the step that is next is done, if the creator does it.
func (d *desk) nextAction(s admission.Status, sites []site.Site, accounts []network.Account) action {
	apply := d.inMarket(atJoin + "/" + s.Key.Program.String())
	step, ok := nextStep(s)
	switch s.State {
	case "", enrolment.Draft:
		if s.Key.Program == enrolment.Connections && ok && step.Code == "gate" {
			return action{}
		}
		if s.Draft {
			return action{"Go on with your application", apply}
		}
		if s.Key.Program == enrolment.Connections {
			return action{"Join", apply}
		}
		return action{"Apply", apply}
	case enrolment.Declined, enrolment.Closed:
		return action{"Apply again", apply}
	}
	if !ok || step.Who != "you" {
		return action{}
	}
	switch step.Code {
	case "site":
		if i := slices.IndexFunc(sites, func(one site.Site) bool { return one.State == site.Pending }); i >= 0 {
			return action{"Prove your site", siteAddress(d, sites[i].ID)}
		}
		return action{"Add a site", d.inMarket(atSites)}
	case "connect":
		if slices.ContainsFunc(accounts, func(a network.Account) bool { return a.State == network.Expired }) {
			return action{"Connect again", d.inMarket(atNetworks)}
		}
		return action{"Connect an account", d.inMarket(atNetworks)}
	case "documents":
		return action{"Read and accept", "/documents"}
	}
	return action{}
}

// trial tells whether sales are being counted: the ring shows how far they are.
func (p program) trial() bool {
	return p.Wanted > 0 && (p.State == enrolment.Provisional || p.State == enrolment.UnderReview)
}

// trialText says how many sales there are, and how long there is for the rest.
func (v *standing) trialText(p program) string {
	text := v.Format.Count(int64(p.Sales)) + " of " + v.Format.Count(int64(p.Wanted))
	if p.Until.IsZero() {
		return text + " qualifying sales"
	}
	return text + " · " + ui.Plural(v.Format, daysLeft(p.Until, v.now), "day left", "days left")
}

// stepNote says who does a step, and when it was or will be.
func (d *desk) stepNote(s admission.Step) string {
	var parts []string
	if s.Done {
		return d.date(s.At)
	}
	if name := who(s.Who); name != "" {
		parts = append(parts, "by "+name)
	}
	if !s.By.IsZero() {
		parts = append(parts, d.by(s.By))
	}
	return strings.Join(parts, ", ")
}

// stepClass says how a step looks on the track.
func stepClass(s admission.Step) string {
	switch {
	case s.Done:
		return "done"
	case s.Now:
		return "here"
	}
	return "coming"
}

// stepState says the same to those who do not see it.
func stepState(s admission.Step) string {
	switch {
	case s.Done:
		return "done: "
	case s.Now:
		return "next: "
	}
	return "later: "
}

// reasonWords writes why somebody was declined or closed.
func reasonWords(codes []string) (words []string) {
	for _, code := range codes {
		words = append(words, ui.Capital(admission.ReasonText(code)))
	}
	return words
}
