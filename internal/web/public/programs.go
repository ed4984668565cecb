package public

import (
	"net/http"
	"strings"

	"tributary/internal/advisor"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/web/ui"
)

// programs is the comparison.
type programs struct {
	*desk
	terms
}

// Programs compares the three programs.
func (p *Pages) Programs(w http.ResponseWriter, r *http.Request) error {
	var v *programs
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, r.FormValue("market"), "Programs")
		if err != nil {
			return err
		}
		v = &programs{desk: d}
		v.terms, err = p.readTerms(tx, d)
		return err
	})
	if err != nil {
		return err
	}
	return ui.Send(w, r, programsPage(v))
}

var labels = map[enrolment.Program]string{enrolment.Associates: "Associates", enrolment.Influencer: "Influencer", enrolment.Connections: "Connections"}

var three = []enrolment.Program{enrolment.Associates, enrolment.Influencer, enrolment.Connections}

// row is a line of the comparison: what is compared, and what each program says to it. Its id is what reasons of the advisor
// lead to.
type row struct {
	id, what string
	cells    [3]string
}

// none stands where a program says nothing: it is not offered.
const none = "–"

// guide is the guide value of followers (docs/spec.md §9).
const guide = 1000

// rows are the comparison, by the marketplace's own numbers (docs/spec.md §1, §9).
func (t terms) rows() []row {
	clicks, revenue := t.bronze()
	elsewhere := "this marketplace"
	if len(t.Countries) > 0 {
		elsewhere = "this marketplace (" + strings.Join(t.Countries, ", ") + ")"
	}
	all := []row{
		{"for", "Best for", [3]string{"Sites, blogs, apps and channels", "Social-media creators", "Creators of one of the other two who work with brands"}},
		{"gate", "What you need", [3]string{"One site, app or channel that you prove to be yours", "One connected account: YouTube, Instagram, TikTok or Facebook",
			"Active in another program, and bronze: " + clicks + " clicks or " + revenue + " shipped in a quarter"}},
		{"followers", "Followers", [3]string{"No minimum", "No minimum; " + t.format.Count(guide) + " is a guide value", "No minimum"}},
		{"approval", "Approval", [3]string{"Links earn at once, provisionally; a person approves after " + t.wanted() + " sales within " + t.trial() + " days",
			"YouTube and Facebook at once; Instagram and TikTok within " + t.review() + " business days", "By itself, when its gate is met"}},
		{"links", "What you share", [3]string{"Links to any product or page", "The address of your storefront", "Campaign links"}},
		{"sharing", "Private messages, PDF, print", [3]string{"No", "Yes", "Yes"}},
		{"email", "E-mail and newsletters", [3]string{"Yes, to people who asked for them", "Yes", "Yes"}},
		{"sms", "SMS", [3]string{"Only to people who opted in", "Yes", "Yes"}},
		{"pays", "What it pays", [3]string{ui.Capital(t.rates()) + " of the price", "The same rates; a card of its own for videos on product pages",
			"The same rates, and the brand's bonus on top"}},
		{"paid", "Payable", [3]string{t.hold() + " days after the month", t.hold() + " days after the month", t.hold() + " days after the month"}},
		{"runs", "Runs", [3]string{"Without end", "Without end", "From the first to the last day of a campaign"}},
		{"brands", "Brands", [3]string{"No", "No", "Campaigns with briefs, samples and a budget"}},
		{"where", "Where", [3]string{"All marketplaces; visitors are led to their own", "One storefront for " + elsewhere, "Marketplaces that offer it"}},
		{"time", "How long it takes", [3]string{"Minutes to the first link", "Minutes, or up to " + t.review() + " business days", "Nothing to apply for"}},
	}
	for i, program := range three {
		if !t.offered(program) {
			for j := range all {
				if all[j].id != "for" {
					all[j].cells[i] = none
				}
			}
			all[1].cells[i] = "Not offered in this marketplace"
		}
	}
	return all
}

// question is one of those that everybody asks.
type question struct{ asked, answer string }

// questions are answered with the marketplace's own numbers.
func (t terms) questions() []question {
	all := []question{
		{"Does it cost anything?", "No. There is no fee for joining or for links. Where a way of being paid has one, it is named before you choose."},
		{"May I hold several programs?", "Yes. They share one account, one balance for each marketplace, and one payment. What you have told once is not asked again."},
		{"When does a click count?", "A click opens " + t.session() + " hours. What is ordered in them is yours, and so is what went into the cart in them and is ordered within " +
			t.cart() + " days of the click, whatever the product. An order ends the time, and so does a click on another creator's link."},
		{"When am I paid?", "What a month has earned becomes payable " + t.hold() + " days after its last day. A balance below the threshold of the payment method is carried."},
		{"What if I do not bring " + t.wanted() + " sales in " + t.trial() + " days?", "The enrolment closes by itself, without a penalty. Apply again at once: a new window begins, " +
			"and your old links work again."},
		{"What is held, and until when?", "What you earn before you are approved. It is yours to see, it matures as usual, and approval releases it."},
		{"Must I say that I earn?", "Yes, close to the link and in plain words. The policies have examples."},
		{"May I buy through my own links?", "You may buy, and it earns nothing. The same holds for your household, and for goods that are bought to be sold on."},
		{"What happens when my application is declined?", "You are told the reasons, and may apply again at any time."},
	}
	if t.Admission.Unapproved == "pay" {
		all[5].answer = "What you earn before you are approved. It matures as usual. Approval releases it, and so does the end of the enrolment."
	}
	return all
}

// rules are the marketplace's numbers, as the advisor takes them.
func (t terms) rules() advisor.Rules {
	clicks, _ := t.Admission.Bronze()
	_, revenue := t.bronze()
	return advisor.Rules{Influencer: t.offered(enrolment.Influencer), Connections: t.offered(enrolment.Connections), Sales: t.Admission.Wanted(),
		TrialDays: t.Admission.Trial(), Items: t.Admission.LeastItems(), NewestDays: t.Admission.Newest(), ReviewDays: t.Admission.Review(),
		Followers: guide, Clicks: clicks, Revenue: revenue}
}

// apply is where somebody applies for a program: at once, or behind signing up.
func (d *desk) apply(program enrolment.Program, more ...string) string {
	to := d.inMarket("/join", append([]string{"program", program.String()}, more...)...)
	if d.Who.ID != 0 {
		return to
	}
	return ui.Link("/signup", nil, "next", to)
}
