package join

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/application"
	"tributary/internal/auth"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/network"
	"tributary/internal/product"
	"tributary/internal/site"
	"tributary/internal/web/ui"
)

// apply is the application to one program: what is known is shown, what is missing is asked.
type apply struct {
	*desk
	program    enrolment.Program
	status     admission.Status
	told       application.Form
	draft      application.Application // zero: none was saved yet
	personal   creator.Personal
	known      bool // who the creator is was told before: it is shown and not asked
	sites      []site.Site
	accounts   []network.Account
	missing    []document.Version // to be accepted
	interests  []string           // categories of the marketplace's catalog that can be chosen
	gate       admission.Gate     // of connections
	suggesting bool               // the address carries answers to the advisor
}

// Apply shows the application: a draft, or what was sent.
func (p *Pages) Apply(w http.ResponseWriter, r *http.Request) error {
	on, err := p.applyView(r)
	if err != nil {
		return err
	}
	return p.see(w, r, on)
}

func (p *Pages) applyView(r *http.Request) (page, error) {
	program, err := programOf(r)
	return page{title: "Apply: " + programLabels[program], read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		a, err := p.readApply(tx, d, program)
		if err != nil {
			return nil, err
		}
		if !a.open() {
			return sentPage(a), nil
		}
		return applyPage(a), nil
	}}, err
}

// open tells whether something can be told now: nothing was sent, or it was declined, closed or taken back since.
func (a *apply) open() bool {
	switch a.status.State {
	case "", enrolment.Draft, enrolment.Declined, enrolment.Closed:
		return true
	}
	return false
}

func (p *Pages) readApply(tx *db.Tx, d *desk, program enrolment.Program) (*apply, error) {
	a := &apply{desk: d, program: program}
	statuses, err := p.Admission.Statuses(tx, d.me.Creator, d.Market)
	if err != nil {
		return nil, err
	}
	for _, s := range statuses {
		if s.Key.Program == program {
			a.status = s
		}
	}
	if a.draft, _, err = application.Newest(tx, p.Ring, d.key(program)); err != nil {
		return nil, err
	}
	if a.told, err = application.Begin(tx, p.Ring, d.key(program)); err != nil {
		return nil, err
	}
	if a.personal, err = creator.FindPersonal(tx, p.Ring, d.me.Creator); err != nil {
		return nil, err
	}
	if a.sites, err = site.Of(tx, d.me.Creator); err != nil {
		return nil, err
	}
	if a.accounts, err = network.Of(tx, d.me.Creator); err != nil {
		return nil, err
	}
	if a.missing, err = toAccept(tx, d); err != nil {
		return nil, err
	}
	if a.interests, err = topCategories(tx, d, a.told.Interests); err != nil {
		return nil, err
	}
	if program == enrolment.Connections {
		if a.gate, err = p.Admission.GateOf(tx, d.me.Creator, d.Market); err != nil {
			return nil, err
		}
	}
	a.known = len(personFaults(a.personal)) == 0
	a.takeTyped()
	return a, nil
}

// takeTyped shows what the address suggests, or what was typed and could not be kept.
func (a *apply) takeTyped() {
	if len(a.refused) > 0 {
		a.told = a.told.Fill(a.form["in"], a.form)
		a.personal = typed(a.personal, a.desk)
		a.known = a.known && len(personFaults(a.personal)) == 0
	} else if a.draft.ID == 0 || !a.draft.Sent.IsZero() {
		before := a.told
		a.told = a.told.Suggest(a.form)
		a.suggesting = before.About != a.told.About || before.Visits != a.told.Visits || len(before.Topics) != len(a.told.Topics) ||
			len(before.Traffic) != len(a.told.Traffic) || len(before.Methods) != len(a.told.Methods)
	}
	if len(a.refused) == 0 { // what most people would type
		a.personal.Country = cmp.Or(a.personal.Country, regionOf(a.Market.Locale))
		a.personal.FullName = cmp.Or(a.personal.FullName, a.me.Name)
	}
}

// topCategories are the first level of the catalog: enough to choose interests from. What was chosen before stays on it.
func topCategories(tx *db.Tx, d *desk, chosen []string) (names []string, err error) {
	const most = 24
	counts, err := product.Categories(tx, d.Market.No)
	for _, c := range counts {
		top, _, _ := strings.Cut(c.Category, " > ")
		if !slices.Contains(names, top) && top != "" && len(names) < most {
			names = append(names, top)
		}
	}
	for _, c := range chosen {
		if !slices.Contains(names, c) {
			names = append(names, c)
		}
	}
	return names, err
}

// toAccept are the documents in force that nobody of the account has accepted. The rate statement is told, and not accepted.
func toAccept(tx *db.Tx, d *desk) ([]document.Version, error) {
	missing, err := document.Missing(tx, d.me.Creator, d.now)
	return slices.DeleteFunc(missing, func(v document.Version) bool { return v.Kind == document.RateStatement }), err
}

// personFaults tells what is missing of whoever applies, or wrong with it: asked once, for all programs.
func personFaults(p creator.Personal) (faults []*fault.Error) {
	for _, one := range []creator.Personal{{FullName: p.FullName}, {Address: p.Address}, {Country: p.Country}, {Payee: p.Payee}, {Phone: p.Phone}} {
		if err := one.Check(); err != nil {
			faults = append(faults, fault.Of(err))
		}
	}
	if p.FullName == "" {
		faults = append(faults, fault.Invalidf("full_name", "is empty", "write your name as it stands on letters to you"))
	}
	if p.Address == "" {
		faults = append(faults, fault.Invalidf("address", "is empty", "write it as it stands on a letter"))
	}
	if p.Country == "" {
		faults = append(faults, fault.Invalidf("country", "is empty", "choose the country in which you live or are registered"))
	}
	return faults
}

// typed replaces what is personal by what a form says, where the form asks for it.
func typed(p creator.Personal, d *desk) creator.Personal {
	if slices.Contains(d.form["in"], "personal") {
		p.FullName, p.Payee, p.Phone, p.Country = d.sent("full_name"), d.sent("payee"), d.sent("phone"), d.sent("country")
		p.Address = strings.ReplaceAll(d.sent("address"), "\r\n", "\n")
	}
	return p
}

// ChangeApplication keeps what was typed and then does what its button says: adds or takes away a site, or sends all of it.
func (p *Pages) ChangeApplication(w http.ResponseWriter, r *http.Request) error {
	program, err := programOf(r)
	if err != nil {
		return err
	}
	on, err := p.applyView(r)
	if err != nil {
		return err
	}
	if r.Header.Get("Sec-Fetch-Dest") == "empty" { // the page's own script: it keeps the page, and wants to know whether it is kept
		return p.keepQuietly(w, r, program)
	}
	return p.take(w, r, on, func(d *desk) (string, error) {
		do, which, _ := strings.Cut(d.sent("do"), ":")
		if do == "save" && d.sent("site") != "" { // an address that was typed is not lost by saving
			do = "add"
		}
		back := func(said, part string) string { return d.inMarket(atJoin+"/"+program.String(), "said", said) + part }
		if err := p.keep(r.Context(), d, program); err != nil {
			return "", err
		}
		switch do {
		case "add":
			_, err := p.addSite(r.Context(), d)
			return back("added", "#sites"), err
		case "remove":
			return back("removed", "#sites"), p.removeSite(r.Context(), d, which)
		case "send":
			return p.send(r.Context(), d, program)
		}
		return back("saved", ""), nil
	})
}

// keepQuietly saves a draft for the page's script. What cannot be kept is said in a sentence.
func (p *Pages) keepQuietly(w http.ResponseWriter, r *http.Request, program enrolment.Program) error {
	if err := readForm(r); err != nil {
		return err
	}
	var d *desk
	err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) { d, err = p.open(tx, r, ""); return err })
	if err == nil {
		err = p.keep(r.Context(), d, program)
	}
	w.Header().Set("Cache-Control", "no-store")
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if f := fault.Of(err); f.Kind != fault.Unavailable {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, err := w.Write([]byte(sentence(f)))
		return err
	}
	return err
}

// keep saves what a form says, as a draft, and who the creator is.
func (p *Pages) keep(ctx context.Context, d *desk, program enrolment.Program) error {
	if !slices.ContainsFunc(d.form["in"], func(field string) bool { return field != "" }) {
		return nil
	}
	return p.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if err := p.keepPerson(tx, d); err != nil || program == enrolment.Connections { // it asks for nothing more
			return err
		}
		f, err := application.Begin(tx, p.Ring, d.key(program))
		if err != nil {
			return err
		}
		return application.Save(tx, p.Ring, d.key(program), f.Fill(d.form["in"], d.form), d.now)
	})
}

// keepPerson saves what was told of the person, field by field: what is wrong is left for the page to ask again, and
// what is empty takes nothing away.
func (p *Pages) keepPerson(tx *db.Tx, d *desk) error {
	if !slices.Contains(d.form["in"], "personal") {
		return nil
	}
	was, err := creator.FindPersonal(tx, p.Ring, d.me.Creator)
	if err != nil {
		return err
	}
	told := typed(was, d)
	now := was
	for _, field := range []struct{ from, to *string }{{&told.FullName, &now.FullName}, {&told.Address, &now.Address},
		{&told.Country, &now.Country}, {&told.Payee, &now.Payee}, {&told.Phone, &now.Phone}} {
		before := *field.to
		if *field.to = *field.from; *field.from == "" || now.Check() != nil {
			*field.to = before
		}
	}
	if now == was {
		return nil
	}
	return creator.SavePersonal(tx, p.Ring, d.me.Creator, now)
}

// send checks the whole application, accepts the documents that were ticked, sends it, and leads to the next step.
func (p *Pages) send(ctx context.Context, d *desk, program enrolment.Program) (to string, err error) {
	if d.sent("site") != "" {
		if _, err := p.addSite(ctx, d); err != nil {
			return "", err
		}
	}
	var faults several
	err = p.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		faults = nil
		a, err := p.readApply(tx, d, program)
		if err != nil {
			return err
		}
		if !a.open() {
			return fault.New(fault.Conflict, "", "this application was sent already", "look at where it stands")
		}
		if faults = a.faults(); len(faults) > 0 {
			return nil
		}
		for _, v := range a.missing {
			if err := document.Accept(tx, document.Accepted{Version: v.ID, Creator: d.me.Creator, Principal: d.me.ID, At: d.now}); err != nil {
				return err
			}
			if err := journal.Add(tx, p.Ring, journal.Entry{At: d.now, Actor: d.me.ID.Text(auth.Prefix), Action: "document.accepted",
				Subject: "document/" + v.Subject(), Person: d.me.Creator}); err != nil {
				return err
			}
		}
		if program != enrolment.Connections && (a.draft.ID == 0 || !a.draft.Sent.IsZero()) { // nothing was typed: what was told before is sent again
			return application.Save(tx, p.Ring, d.key(program), a.told, d.now)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if len(faults) > 0 {
		return "", faults
	}
	if err := p.Admission.Apply(ctx, d.me, d.key(program)); err != nil {
		return "", err
	}
	return p.afterSending(ctx, d, program)
}

// faults gives everything that keeps the application from being sent, in the order of the page.
func (a *apply) faults() (faults several) {
	faults = append(personFaults(typed(a.personal, a.desk)), a.told.Faults(a.program)...)
	if a.program == enrolment.Associates && len(a.sites) == 0 {
		faults = append(faults, fault.Invalidf("site", "is missing", "add the address of a site, app or channel of yours"))
	}
	if len(a.missing) > 0 && a.sent("accept") == "" {
		faults = append(faults, fault.Invalidf("accept", "needs a tick", "read the documents, and tick that you accept them"))
	}
	return faults
}

// afterSending leads to what comes next: a proof, a connection, or the page that says so.
func (p *Pages) afterSending(ctx context.Context, d *desk, program enrolment.Program) (to string, err error) {
	to = d.inMarket(atPrograms, "said", "sent")
	err = p.DB.Read(ctx, func(tx *db.Tx) error {
		switch program {
		case enrolment.Associates:
			sites, err := site.Of(tx, d.me.Creator)
			proved := slices.ContainsFunc(sites, func(s site.Site) bool { return s.State == site.Proved })
			if i := slices.IndexFunc(sites, func(s site.Site) bool { return s.State == site.Pending }); !proved && i >= 0 {
				to = siteAddress(d, sites[i].ID, "said", "sent")
			}
			return err
		case enrolment.Influencer:
			accounts, err := network.Of(tx, d.me.Creator)
			if !slices.ContainsFunc(accounts, func(a network.Account) bool { return a.State == network.Connected }) {
				to = d.inMarket(atNetworks, "said", "sent")
			}
			return err
		}
		return nil
	})
	return to, err
}

// Withdraw takes an application back, or leaves a program.
func (p *Pages) Withdraw(w http.ResponseWriter, r *http.Request) error {
	program, err := programOf(r)
	if err != nil {
		return err
	}
	return p.take(w, r, p.programsView(), func(d *desk) (string, error) {
		if d.sent("sure") == "" {
			return "", fault.Invalidf("sure", "needs a tick", "tick that you want it, or leave the page as it is")
		}
		said := "withdrawn"
		if d.sent("do") == "leave" {
			said = "left"
		}
		return d.inMarket(atPrograms, "said", said), p.Admission.Withdraw(r.Context(), d.me, d.key(program))
	})
}

// addSite names the address that a form says.
func (p *Pages) addSite(ctx context.Context, d *desk) (s site.Site, err error) {
	kind := site.Kind(d.sent("kind"))
	if kind == "" {
		kind = site.Web
	}
	if !slices.Contains(siteKinds, kind) {
		return s, fault.Invalidf("kind", "is not a kind of site", "choose one of the list")
	}
	if d.sent("site") == "" {
		return s, fault.Invalidf("site", "is empty", "write the address as people open it: https://blog.example")
	}
	err = p.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		s, err = site.Add(tx, p.Ring, d.me.Creator, d.sent("site"), kind, d.now)
		return err
	})
	if f := fault.Of(err); err != nil && f.Field != "site" && f.Kind != fault.Unavailable {
		named := *f
		named.Field = "site" // the page's own name for the field
		return s, &named
	}
	return s, err
}

func (p *Pages) removeSite(ctx context.Context, d *desk, text string) error {
	one, err := id.Parse("site", sitePrefix, text)
	if err != nil {
		return ui.NotFound
	}
	return p.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error { return site.Remove(tx, d.me.Creator, one, d.now) })
}
