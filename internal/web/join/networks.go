package join

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/network"
	"tributary/internal/web/ui"
)

// accountPrefix is that of a connected account's id in addresses.
const accountPrefix = "na_"

// networks are the connected accounts of a creator, and those that can be connected.
type networks struct {
	*desk
	accounts []network.Account
	offers   []network.Kind
	status   admission.Status // of influencer, here
}

// Networks shows connected accounts with their figures, and offers to connect others.
func (p *Pages) Networks(w http.ResponseWriter, r *http.Request) error {
	return p.see(w, r, p.networksView())
}

func (p *Pages) networksView() page {
	return page{title: "Accounts", read: func(tx *db.Tx, d *desk) (templ.Component, error) {
		v := &networks{desk: d}
		if p.Admission.Networks != nil {
			v.offers = p.Admission.Networks.Offers()
		}
		statuses, err := p.Admission.Statuses(tx, d.me.Creator, d.Market)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(statuses, func(s admission.Status) bool { return s.Key.Program == enrolment.Influencer }); i >= 0 {
			v.status = statuses[i]
		}
		v.accounts, err = network.Of(tx, d.me.Creator)
		return networksPage(v), err
	}}
}

var errNoNetworks error = fault.New(fault.NotFound, "network", "this network cannot be connected here", "choose one of the list")

// ConnectNetwork begins: it leads to the network, which asks whether it may tell.
func (p *Pages) ConnectNetwork(w http.ResponseWriter, r *http.Request) error {
	kind := network.Kind(r.PathValue("network"))
	connector := p.Admission.Networks
	if connector == nil || !slices.Contains(connector.Offers(), kind) {
		return errNoNetworks
	}
	address, err := connector.Begin(r.Context(), ui.Who(r).Creator, kind, p.Session(r), clock.Wall())
	if err != nil {
		return err
	}
	// A form may lead to no other host (the policy of all pages): the page that it leads to goes on by itself, or by its link.
	w.Header().Set("Refresh", "0; url="+address)
	return ui.Send(w, r, leavingPage(kind, address))
}

// Callback finishes what ConnectNetwork began, with the answer that the network sends people back with.
func (p *Pages) Callback(w http.ResponseWriter, r *http.Request) error {
	connector := p.Admission.Networks
	if connector == nil {
		return errNoNetworks
	}
	query := r.URL.Query()
	account, err := p.finish(r, connector, query.Get("state"), query.Get("code"), query.Get("error"))
	if err == nil && account.Creator != ui.Who(r).Creator {
		// Somebody switched to another of their accounts on the way: what was connected belongs to the one that asked.
		return fault.New(fault.Denied, "state", "this answer belongs to another of your accounts", "switch back to it, and look there")
	}
	if err == nil {
		err = p.Admission.Connected(r.Context(), account.Creator, account)
	}
	if err == nil {
		var d *desk
		if err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) { d, err = p.open(tx, r, ""); return err }); err != nil {
			return err
		}
		http.Redirect(w, r, d.inMarket(atNetworks, "said", "connected"), http.StatusSeeOther)
		return nil
	}
	f := fault.Of(err)
	if f.Kind == fault.Unavailable && network.RetryAfter(err) > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(network.RetryAfter(err).Seconds())))
	}
	shown, renderErr := p.render(r, p.networksView(), []*fault.Error{f})
	if renderErr != nil {
		return err
	}
	return ui.Refused(w, r, f, shown)
}

func (p *Pages) finish(r *http.Request, c *network.Connector, state, code, refused string) (network.Account, error) {
	if refused != "" || code == "" {
		return network.Account{}, c.Refused(r.Context(), state, refused, p.Session(r), clock.Wall())
	}
	return c.Finish(r.Context(), state, code, p.Session(r), clock.Wall(), p.Clock.Now())
}

// Disconnect ends a connection at its owner's wish.
func (p *Pages) Disconnect(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, p.networksView(), func(d *desk) (string, error) {
		one, err := id.Parse("account", accountPrefix, r.PathValue("account"))
		if err != nil || p.Admission.Networks == nil {
			return "", ui.NotFound
		}
		if d.sent("sure") == "" {
			return "", fault.Invalidf("sure", "needs a tick", "tick that you want to end the connection")
		}
		return d.inMarket(atNetworks, "said", "disconnected"),
			p.Admission.Networks.Disconnect(r.Context(), d.me.Creator, one, p.Clock.Now())
	})
}

// fits tells whether a network can still be connected: one account of each counts.
func (v *networks) fits(k network.Kind) bool {
	return !slices.ContainsFunc(v.accounts, func(a network.Account) bool { return a.Network == k && a.State == network.Connected })
}

// waits says when somebody hears about an account of a network, from whom, and what it must be.
func (v *networks) waits(k network.Kind) string {
	text := "decided at once"
	if !k.Instant() {
		text = "looked at by a person within " + ui.Plural(v.Format, int64(v.Market.Admission.Review()), "business day", "business days")
	}
	switch k {
	case network.Instagram:
		text += "; a business or creator account is needed"
	case network.Facebook:
		text += "; a page of your own is needed"
	}
	return text
}

// verdict says in a sentence what an account has led to, or will.
func (v *networks) verdict(a network.Account) string {
	switch {
	case a.State == network.Expired:
		return networkLabels[a.Network] + " no longer lets us read this account. Connect it again to keep your place."
	case slices.ContainsFunc(a.Score.Against, func(code string) bool { return code != "confusable" }):
		return "This cannot count yet; what to do about it stands below."
	case v.status.State == enrolment.Active:
		return "You are in influencer with it."
	case v.status.State == enrolment.UnderReview, v.status.State == enrolment.Applied:
		return v.nextSentence(v.status)
	case a.Score.Pass:
		return "It is enough for influencer. Send your application, if you have not."
	}
	return "It is short of what influencer asks for so far. It is looked at again from time to time."
}

// againstWords say what no number of points outweighs, and what to do about it.
var againstWords = map[string]string{
	"business_account": "It is a personal account. Switch it to a business or creator account in its settings, and connect it again.",
	"private":          "It is private. Make it public, and connect it again.",
	"no_posts":         "Nothing was published there yet. Connect it again after your first posts.",
	"confusable":       "Its name mixes letters that look alike. A person looks at it before anything is decided.",
}
