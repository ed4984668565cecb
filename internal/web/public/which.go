package public

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/advisor"
	"tributary/internal/application"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/web/ui"
)

// which is the advisor's page: its questions, and the advice where they are answered.
type which struct {
	*desk
	terms
	answers advisor.Answers
	country string
	asked   bool // the form was sent
	refused *fault.Error
	advice  *advisor.Recommendation
}

// Advisor asks a few questions by a form whose address holds the answers, and advises on the same page.
func (p *Pages) Advisor(w http.ResponseWriter, r *http.Request) error {
	var v *which
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, r.FormValue("market"), "Which program fits")
		if err != nil {
			return err
		}
		v = &which{desk: d, country: strings.ToUpper(r.FormValue("country")), asked: r.Form.Has("ask")}
		v.answers, v.refused = read(r.Form)
		v.choose()
		v.terms, err = p.readTerms(tx, d)
		return err
	})
	if err != nil {
		return err
	}
	if v.refused == nil && v.asked && v.answers.Empty() {
		v.refused = fault.Invalidf("where", "is not answered", "say where your audience is: it decides which programs are open to you")
	}
	var page templ.Component
	if v.refused != nil {
		page = whichPage(v)
		return ui.Refused(w, r, v.refused, page)
	}
	if !v.answers.Empty() {
		advice := advisor.Recommend(v.answers, v.rules())
		v.advice = &advice
	}
	return ui.Send(w, r, whichPage(v))
}

// read takes answers from an address. What no question offers is refused: somebody has changed the address by hand.
func read(form url.Values) (advisor.Answers, *fault.Error) {
	a := advisor.Answers{Where: form["where"], Topics: form["topics"], Methods: form["methods"], Reach: form.Get("reach"), Share: form["share"],
		Brands: form.Get("brands")}
	if err := a.Check(); err != nil {
		return advisor.Answers{}, fault.Of(err)
	}
	for field, list := range map[string]struct {
		given []string
		known []application.Choice
	}{"topics": {a.Topics, application.Topics}, "methods": {a.Methods, application.Methods}} {
		for _, code := range list.given {
			if _, known := application.LabelOf(list.known, code); !known {
				return advisor.Answers{}, fault.Invalidf(field, "has an answer that is not offered", "choose among those of the page")
			}
		}
	}
	return a, nil
}

// choose takes the marketplace that serves the country of the audience.
func (v *which) choose() {
	no := market.NewGeography(v.Markets, nil).Serving(market.ParseCountry(v.country))
	i := slices.IndexFunc(v.Markets, func(m market.Market) bool { return m.No == no })
	if i < 0 || v.country == "" {
		v.country = ""
		return
	}
	v.desk.Market = v.Markets[i]
	v.Format = ui.NewFormat("", v.desk.Market.Locale, v.desk.Market.Location())
}

// countries are those that a marketplace names. With one marketplace there is nothing to ask.
func (v *which) countries() (codes []string) {
	if len(v.Markets) < 2 {
		return nil
	}
	for _, m := range v.Markets {
		codes = append(codes, m.Countries...)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// options of the questions, in one shape.
func topicChoices() []advisor.Choice  { return choices(application.Topics) }
func methodChoices() []advisor.Choice { return choices(application.Methods) }

func choices(list []application.Choice) []advisor.Choice {
	out := make([]advisor.Choice, len(list))
	for i, c := range list {
		out[i] = advisor.Choice(c)
	}
	return out
}

// applyWith is where somebody applies with these answers.
func (v *which) applyWith(program enrolment.Program) string {
	p := v.advice.Prefill
	return v.apply(program, "topics", strings.Join(p.Topics, ","), "traffic", strings.Join(p.Traffic, ","), "methods", strings.Join(p.Methods, ","),
		"networks", strings.Join(p.Networks, ","), "visits", p.Visits)
}

// best is the fit that is recommended; nil: none can be applied for today.
func (v *which) bestFit() *advisor.Fit {
	for i := range v.advice.Fits {
		if v.advice.Fits[i].Program == v.advice.Best {
			return &v.advice.Fits[i]
		}
	}
	return nil
}

// row is where the comparison says more about a reason.
func (v *which) row(reason advisor.Reason) string { return v.inMarket("/programs") + "#" + reason.Rule }

// verdict says in a few words how a program fits.
func (v *which) verdict(f advisor.Fit) (text, class string) {
	switch {
	case f.Program == v.advice.Best:
		return "begin here", "earn"
	case slices.Contains(v.advice.Also, f.Program):
		return "fits as well", "brand"
	case f.Closed != "" && f.Program == enrolment.Connections && v.offered(f.Program):
		return "later", "wait"
	case f.Closed != "":
		return "not open to you", ""
	}
	return "possible", ""
}
