package join

import (
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/site"
	"tributary/internal/web/ui"
)

// lookAgain is how long the crawler leaves a site alone before its owner may ask for another look.
const lookAgain = 10 * time.Minute

// sites are the addresses of a creator, for whatever program.
type sites struct {
	*desk
	all []site.Site
}

// oneSite is a site with its proof, and with what was seen there.
type oneSite struct {
	*desk
	site.Site
	earning bool // the creator is in associates here: what comes next is a link
}

// Sites lists a creator's sites.
func (p *Pages) Sites(w http.ResponseWriter, r *http.Request) error { return p.see(w, r, sitesView()) }

func sitesView() page {
	return page{title: "Sites", read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		all, err := site.Of(tx, d.me.Creator)
		return sitesPage(&sites{d, all}), err
	}}
}

// AddSite names a site, and leads to its proof.
func (p *Pages) AddSite(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, sitesView(), func(d *desk) (string, error) {
		s, err := p.addSite(r.Context(), d)
		return siteAddress(d, s.ID, "said", "added"), err
	})
}

func siteAddress(d *desk, one id.ID, more ...string) string {
	return d.inMarket(atSites+"/"+one.Text(sitePrefix), more...)
}

// Site shows how a site is proved, and what was seen there.
func (p *Pages) Site(w http.ResponseWriter, r *http.Request) error { return p.see(w, r, p.siteView(r)) }

func (p *Pages) siteView(r *http.Request) page {
	return page{title: "Site", read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		s, err := mySite(tx, d, r)
		if err != nil {
			return nil, err
		}
		v := &oneSite{desk: d, Site: s}
		history, err := enrolment.One(tx, d.key(enrolment.Associates))
		if err != nil {
			return nil, err
		}
		v.earning = history.At(d.now).Active()
		d.Title = s.Address
		return sitePage(v), nil
	}}
}

// mySite reads the site that an address names, if it is the creator's own and was not taken off the list.
func mySite(tx *db.Tx, d *desk, r *http.Request) (site.Site, error) {
	one, err := id.Parse("site", sitePrefix, r.PathValue("site"))
	if err != nil {
		return site.Site{}, ui.NotFound
	}
	s, err := site.One(tx, one)
	if fault.Is(err, fault.NotFound) || err == nil && (s.Creator != d.me.Creator || !s.Removed.IsZero()) {
		return site.Site{}, ui.NotFound
	}
	return s, err
}

// ChangeSite looks for the proof of a site, asks for another look at it, or takes it off the list.
func (p *Pages) ChangeSite(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.siteView(r), func(d *desk) (to string, err error) {
		var s site.Site
		if err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) { s, err = mySite(tx, d, r); return err }); err != nil {
			return "", err
		}
		switch d.sent("do") {
		case "prove":
			return p.prove(r, d, s)
		case "look":
			return siteAddress(d, s.ID, "said", "looking"), p.look(r, d, s)
		case "remove":
			return d.inMarket(atSites, "said", "removed"), p.removeSite(r.Context(), d, s.ID.Text(sitePrefix))
		}
		return "", fault.Invalidf("do", "is not something to do with a site", "use the buttons of the page")
	})
}

// prove looks for the proof now. Where an application waited for it, its enrolment begins at once, and the way leads to the
// first link.
func (p *Pages) prove(r *http.Request, d *desk, s site.Site) (to string, err error) {
	method := site.Method(d.sent("method"))
	if method != site.File && method != site.Meta && method != site.DNS {
		return "", fault.Invalidf("method", "is not a way to prove a site", "choose the file, the tag or the record")
	}
	if err := p.Admission.Prove(r.Context(), d.me, s.ID, method); err != nil {
		return "", err
	}
	to = siteAddress(d, s.ID, "said", "proved")
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		history, err := enrolment.One(tx, d.key(enrolment.Associates))
		if history.At(p.Clock.Now()) == enrolment.Provisional {
			to = siteAddress(d, s.ID, "said", "begun")
		}
		return err
	})
	return to, err
}

// look asks for another crawl, which waits its turn among the others.
func (p *Pages) look(r *http.Request, d *desk, s site.Site) error {
	if s.State != site.Proved {
		return fault.New(fault.Conflict, "", "the site is not proved yet", "prove first that it is yours")
	}
	if s.Report != nil && d.now.Sub(s.Report.At) < lookAgain {
		return fault.New(fault.Exhausted, "", "we looked a moment ago, and do not want to be a burden to your site",
			"ask again after "+d.Format.Clock(s.Report.At.Add(lookAgain)))
	}
	return p.DB.Write(r.Context(), db.Interactive, func(tx *db.Tx) error {
		return job.Add(tx, job.Job{Kind: admission.JobCrawl, Key: s.ID.Text(""), Due: clock.Wall()})
	})
}

// way is a proof that a site can carry.
type way struct {
	method      site.Method
	label, does string
}

var wayWords = map[site.Method]way{
	site.Meta: {site.Meta, "A tag in the page's head", "One line in your site's settings or theme."},
	site.File: {site.File, "A file on the site", "Download it, and put it where it says."},
	site.DNS:  {site.DNS, "A record of the domain", "For whoever keeps the domain's DNS."},
}

// ways are the proofs that this site can carry, the easiest first. A channel of a network has none: the network says whose
// it is.
func (v *oneSite) ways() (ways []way) {
	for _, method := range []site.Method{site.Meta, site.File, site.DNS} {
		if slices.Contains(v.Methods(), method) {
			ways = append(ways, wayWords[method])
		}
	}
	return ways
}

// chosen tells whether a way is shown open: that of the last look, else the first.
func (v *oneSite) chosen(i int, method site.Method) bool {
	if sent := v.sent("method"); sent != "" {
		return sent == string(method)
	}
	return i == 0
}

// ProofFile gives the file that proves a site, to be put on it as it is.
func (p *Pages) ProofFile(w http.ResponseWriter, r *http.Request) error {
	var s site.Site
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "")
		if err == nil {
			s, err = mySite(tx, d, r)
		}
		return err
	}); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="`+path.Base(site.FilePath)+`"`)
	header.Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(s.FileText()))
	return err
}

// itemsText says how much was found, against how much is wanted.
func (v *oneSite) itemsText() string {
	return v.Format.Count(int64(v.Report.Items)) + " of " + v.Format.Count(int64(v.Market.Admission.LeastItems())) + " items"
}

// enough tells whether the newest crawl saw what a reviewer looks for.
func (v *oneSite) enough() bool { return v.Report.Items >= v.Market.Admission.LeastItems() }

// stale tells whether the newest item is older than a reviewer likes.
func (v *oneSite) stale() bool {
	return v.Report.Newest.IsZero() || v.now.Sub(v.Report.Newest) > time.Duration(v.Market.Admission.Newest())*24*time.Hour
}

// countNote says what the number of items means.
func (v *oneSite) countNote() string {
	if v.enough() {
		return "that is what reviewers look for"
	}
	return "reviewers look for " + v.Format.Count(int64(v.Market.Admission.LeastItems())) + " or more"
}

// newestNote says what the date of the newest item means.
func (v *oneSite) newestNote() string {
	days := v.Format.Count(int64(v.Market.Admission.Newest()))
	if v.stale() {
		return "reviewers look for one of the last " + days + " days"
	}
	return "within the last " + days + " days"
}
