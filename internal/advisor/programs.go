package advisor

import (
	"fmt"

	"tributary/internal/enrolment"
)

// associates: for sites, blogs, apps and channels; links to any product or page; nothing offline (docs/spec.md §1, §9).
func associates(a Answers, r Rules) Fit {
	f := fit{Fit{Program: enrolment.Associates}}
	switch {
	case a.at("site", "blog", "app"):
		f.add(35, "gate", "You have a place of your own. Prove that it is yours, and your links earn at once.")
	case len(a.social()) > 0:
		f.add(10, "gate", "It is made for sites. A channel of yours can be named and proved in place of one.")
	default:
		f.Closed = "It needs a site, an app or a channel that you can prove to be yours."
		f.add(-25, "gate", f.Closed)
	}
	if a.publishes("posts", "reviews", "comparisons") {
		f.add(15, "links", "Articles, reviews and comparisons can link to the very product that they speak of.")
	}
	if a.at("newsletter") || a.shares("email") {
		f.add(5, "sharing", "Links in e-mail to people who asked for it are allowed.")
	}
	if a.offline() {
		f.add(-25, "sharing", "Links in private messages, PDF and print are not allowed.")
	}
	if a.shares("sms") {
		f.add(-5, "sharing", "Links in SMS go only to people who opted in.")
	}
	if a.Reach == "0-1k" {
		f.add(10, "followers", "No number of followers or visits is asked for.")
	}
	f.add(-5, "approval", fmt.Sprintf("What you earn is held until %d sales within %d days have led to your approval.", r.Sales, r.TrialDays))
	return f.done(closedTop)
}

// influencer: for social accounts; a storefront in place of links to single products; offline sharing (docs/spec.md §1, §9).
func influencer(a Answers, r Rules) Fit {
	f := fit{Fit{Program: enrolment.Influencer}}
	names := a.social()
	switch {
	case !r.Influencer:
		f.Closed = "It is not offered in this marketplace."
		f.add(-40, "gate", f.Closed)
		return f.done(0)
	case len(names) == 0:
		f.Closed = "It needs one account on YouTube, Instagram, TikTok or Facebook."
		f.add(-25, "gate", f.Closed)
	default:
		f.add(30, "gate", "You can connect "+or(names)+". One account is enough.")
	}
	switch {
	case a.at("youtube", "facebook"):
		f.add(5, "approval", "YouTube and Facebook are decided at once.")
	case len(names) > 0:
		f.add(-5, "approval", fmt.Sprintf("Instagram and TikTok are looked at by a person, within %d business days.", r.ReviewDays))
	}
	if a.at("instagram", "facebook") && !a.at("youtube", "tiktok") {
		f.add(-5, "gate", "The account must be a business account.")
	}
	if a.publishes("video", "live", "storefront") || a.shares("video", "social") {
		f.add(15, "links", "One address with all your picks is easily said in a video and put into a profile.")
	}
	if a.offline() {
		f.add(15, "sharing", "The storefront's address may go into private messages, PDF and print.")
	}
	if a.at("site", "blog") && a.publishes("posts", "reviews", "comparisons") {
		f.add(-15, "links", "You share one storefront. Links to single products are not a part of it.")
	}
	switch a.Reach {
	case "":
	case "0-1k":
		f.add(-10, "followers", fmt.Sprintf("The guide value is %s followers. It is a guide, not a minimum.", thousands(r.Followers)))
	default:
		f.add(5, "followers", fmt.Sprintf("You are above the guide value of %s followers.", thousands(r.Followers)))
	}
	return f.done(closedTop)
}

// connections: for creators of one of the other two who have reached bronze, where it is offered (docs/spec.md §1, §8).
func connections(a Answers, r Rules) Fit {
	f := fit{Fit{Program: enrolment.Connections}}
	if !r.Connections {
		f.Closed = "It is not offered in this marketplace."
		f.add(-40, "gate", f.Closed)
		return f.done(0)
	}
	f.Closed = "It opens by itself once you are active in another program and have reached bronze."
	f.add(-20, "gate", f.Closed)
	switch a.Brands {
	case "yes":
		f.add(40, "brands", "You want to work with brands. Their campaigns pay a bonus beside the commission.")
	case "later":
		f.add(20, "brands", "Campaigns of brands pay a bonus beside the commission, when you want them.")
	case "no":
		f.add(-20, "brands", "It is about campaigns of brands, and you do not want them.")
	}
	if a.offline() {
		f.add(5, "sharing", "Campaign links may go into private messages, PDF and print.")
	}
	return f.done(laterTop)
}

// missing says what connections asks of somebody who begins.
func missing(r Rules) []string {
	if !r.Connections {
		return nil
	}
	return []string{"Be active in associates or influencer.",
		fmt.Sprintf("Reach bronze: %s clicks, or %s of shipped orders, in a quarter.", thousands(int(r.Clicks)), r.Revenue)}
}

// steps are what lies before somebody who begins with a program.
func steps(best enrolment.Program, a Answers, r Rules) []Step {
	first := Step{"Sign up with your name and e-mail address.", "a minute"}
	switch best {
	case enrolment.Associates:
		way := "Prove that your site is yours, by a file, a tag in its head or a DNS record. Your links earn from then on."
		if !a.at("site", "blog", "app") {
			way = "Name your channel and prove that it is yours. Your links earn from then on."
		}
		return []Step{first, {"Check what your answers have filled in, accept the agreement, and send it.", "a minute"}, {way, "some minutes"},
			{fmt.Sprintf("Bring %d sales.", r.Sales), fmt.Sprintf("within %d days", r.TrialDays)},
			{fmt.Sprintf("A person looks at your site: %d original pieces, the newest at most %d days old. Approval releases what you have earned.",
				r.Items, r.NewestDays), fmt.Sprintf("within %d business days", r.ReviewDays)}}
	case enrolment.Influencer:
		decided := Step{"We look at followers, engagement and how often you post.", fmt.Sprintf("within %d business days", r.ReviewDays)}
		if a.at("youtube", "facebook") {
			decided.When = "at once"
		}
		return []Step{first, {"Check what your answers have filled in, accept the agreement, and send it.", "a minute"},
			{"Connect " + or(a.social()) + ".", "a minute"}, decided, {"Choose the address of your storefront, and share it.", "when you like"}}
	}
	return []Step{{"Begin with a page, a channel or a social account of your own. Nothing asks how large it is.", "first"},
		{"Come back, and apply for associates with a site or for influencer with an account.", "then"}}
}

// prefill says the same in the words of an application.
func prefill(a Answers) Prefill {
	p := Prefill{Topics: a.Topics, Methods: a.Methods, Visits: a.Reach}
	for _, found := range []struct {
		code string
		told bool
	}{{"search", a.at("site", "blog")}, {"social", a.at("instagram", "tiktok", "facebook") || a.shares("social")},
		{"email", a.at("newsletter") || a.shares("email")}, {"video", a.at("youtube") || a.shares("video")}, {"app", a.at("app") || a.shares("app")},
		{"offline", a.offline()}} {
		if found.told {
			p.Traffic = append(p.Traffic, found.code)
		}
	}
	for _, n := range networks {
		if a.at(n) {
			p.Networks = append(p.Networks, n)
		}
	}
	return p
}

// thousands writes a number up to a million with a comma, as English has it.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
