package join

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"tributary/internal/admission"
	"tributary/internal/application"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/site"
	"tributary/internal/web/ui"
)

// sitePrefix is that of a site's id in addresses.
const sitePrefix = "si_"

var siteKinds = []site.Kind{site.Web, site.Video, site.Social, site.App, site.Podcast}

var siteKindLabels = map[site.Kind]string{site.Web: "Site or blog", site.Video: "Video channel", site.Social: "Social account",
	site.App: "App", site.Podcast: "Podcast"}

var networkLabels = map[network.Kind]string{network.YouTube: "YouTube", network.Instagram: "Instagram", network.TikTok: "TikTok",
	network.Facebook: "Facebook"}

// stateTag says where an enrolment stands, in a word or two, and how it looks.
func stateTag(s enrolment.State) (text, class string) {
	switch s {
	case "":
		return "not applied", ""
	case enrolment.Draft:
		return "not sent yet", "wait"
	case enrolment.Applied:
		return "applied", "brand"
	case enrolment.Provisional:
		return "provisional, and earning", "earn"
	case enrolment.UnderReview:
		return "under review, and earning", "earn"
	case enrolment.Active:
		return "active", "earn"
	case enrolment.Suspended, enrolment.Declined, enrolment.Closed:
		return string(s), "stop"
	}
	return strings.ReplaceAll(string(s), "_", " "), "wait"
}

// siteTag says where a site stands.
func siteTag(s site.Site) (text, class string) {
	switch s.State {
	case site.Proved:
		return "yours, proved", "earn"
	case site.Rejected:
		return "not accepted", "stop"
	}
	return "not proved yet", "wait"
}

// accountTag says where a connection stands.
func accountTag(a network.Account) (text, class string) {
	switch {
	case a.State == network.Expired:
		return "expired", "stop"
	case a.State == network.Ended:
		return "ended", ""
	case len(a.Score.Against) > 0:
		return "something is missing", "wait"
	case a.Score.Pass:
		return "connected", "earn"
	}
	return "connected", "brand"
}

// who names whoever does a step.
func who(code string) string {
	switch code {
	case "you":
		return "you"
	case "us":
		return "us"
	case "shoppers":
		return "your shoppers"
	}
	return ""
}

// daysLeft is how many whole days are left until an instant; none once it is over.
func daysLeft(until, now time.Time) int64 {
	return int64(max(until.Sub(now), 0) / (24 * time.Hour))
}

// nextStep is the step to do next; ok is false where nothing is left to do.
func nextStep(s admission.Status) (step admission.Step, ok bool) {
	i := slices.IndexFunc(s.Steps, func(step admission.Step) bool { return step.Now })
	if i < 0 {
		return step, false
	}
	return s.Steps[i], true
}

// invitations say what applying comes to, before somebody has.
var invitations = map[enrolment.Program]string{
	enrolment.Associates: "Apply in a few minutes: as soon as one site is proved to be yours, your links earn.",
	enrolment.Influencer: "Apply in a minute and connect one account: YouTube and Facebook are decided at once, Instagram and TikTok by a person.",
}

// nextSentence says what happens next and by when: always one sentence, whatever the state.
func (d *desk) nextSentence(s admission.Status) string {
	step, ok := nextStep(s)
	switch invitation := invitations[s.Key.Program]; {
	case s.Draft && s.State == "":
		return "Finish your application and send it: what you typed is kept."
	case s.State == "" && invitation != "":
		return invitation
	case s.State == "" && ok && step.Code == "gate":
		return "It opens by itself once all of this is there:"
	case s.State == "":
		return "It is open to you: join with one press."
	case s.State == enrolment.Closed && slices.Contains(s.Reasons, admission.ReasonBanned):
		return "This program is closed to you for good; what you earned before stays yours."
	case s.State == enrolment.Declined, s.State == enrolment.Closed:
		return "You can apply again at any time: what you told is kept, and your links live again."
	case s.State == enrolment.Active:
		return "Nothing is asked of you: your links earn, and go on earning."
	case s.State == enrolment.Suspended:
		return "Your links earn nothing for now; your messages say why, and what you can do."
	case !ok:
		return "Nothing is asked of you for now."
	}
	text := strings.TrimSuffix(ui.Capital(step.Text), ".")
	if missing := int64(s.Wanted - s.Sales); step.Code == "sales" && missing > 0 {
		text = ui.Plural(d.Format, missing, "more qualifying sale through your links", "more qualifying sales through your links")
		text += map[bool]string{true: " is wanted", false: " are wanted"}[missing == 1]
	}
	if by := d.by(step.By); by != "" {
		text += ", " + by
	}
	return text + "."
}

// by says a deadline with the time that is left; empty where there is none.
func (d *desk) by(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	last := at.Add(-time.Microsecond) // a deadline at midnight belongs to the day before it
	text := "by " + d.Format.Date(last, d.now)
	zone := d.Market.Location()
	switch days := daysLeft(at, d.now); {
	case at.Before(d.now):
		return text + ", which is over"
	case market.Day(last, zone) == market.Day(d.now, zone):
		return "by the end of today"
	case days == 0:
		return text + ", tomorrow"
	default:
		return text + ", in " + ui.Plural(d.Format, days, "day", "days")
	}
}

// date writes the local date of an instant; empty for the zero time.
func (d *desk) date(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return d.Format.Date(at, d.now)
}

// documentAddress leads to the text of a document.
func documentAddress(v document.Version) string { return "/documents/" + string(v.Kind) }

// country is a choice of the list of countries.
type country struct{ Code, Name string }

// countries are all that the Unicode data know by name, in the order of their names.
var countries = sync.OnceValue(func() (all []country) {
	names := display.English.Regions()
	for first := 'A'; first <= 'Z'; first++ {
		for second := 'A'; second <= 'Z'; second++ {
			code := string(first) + string(second)
			region, err := language.ParseRegion(code)
			if err != nil || !region.IsCountry() || region.Canonicalize() != region || region.IsPrivateUse() {
				continue
			}
			if name := names.Name(region); name != "" && region.String() == code && code != "ZZ" {
				all = append(all, country{code, name})
			}
		}
	}
	slices.SortFunc(all, func(a, b country) int { return cmp.Compare(a.Name, b.Name) })
	return all
})

// countryName writes a country for people.
func countryName(code string) string {
	for _, c := range countries() {
		if c.Code == code {
			return c.Name
		}
	}
	return code
}

// regionOf is the country of a locale: what most of a marketplace's creators choose.
func regionOf(locale string) string {
	tag, err := language.Parse(locale)
	if err != nil {
		return ""
	}
	region, confidence := tag.Region()
	if confidence < language.High {
		return ""
	}
	return region.String()
}

func holds(list []string, code string) bool { return slices.Contains(list, code) }

func choicesOf(names []string) (choices []application.Choice) {
	for _, name := range names {
		choices = append(choices, application.Choice{Code: name, Label: name})
	}
	return choices
}

// fieldLabels name the fields of forms as the pages do.
var fieldLabels = map[string]string{"full_name": "Your full name", "address": "Your postal address", "country": "The country",
	"payee": "The payee", "phone": "The phone number", "about": "What you publish", "topics": "Topics", "interests": "Parts of the catalog",
	"traffic": "How people come", "methods": "Where you place links", "visits": "Visits a month", "networks": "Where your audience is",
	"site": "The address of your site", "accept": "The box of the documents", "sure": "The box",
	"program": "This program", "documents": "The documents"}

// sentence says a fault for people: the field by its label, the rule, the fix.
func sentence(f *fault.Error) string {
	label, ok := fieldLabels[f.Field]
	if !ok {
		named := *f
		named.Field = ""
		return ui.Sentence(&named)
	}
	return label + " " + f.Rule + "; " + f.Fix + "."
}
