package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tributary/internal/admission"
	"tributary/internal/application"
	"tributary/internal/demo/blog"
	"tributary/internal/demo/catalog"
	"tributary/internal/enrolment"
	"tributary/internal/market"
	"tributary/internal/network"
	"tributary/internal/network/standin"
)

// Prelude is how many days before the end the demo's clock begins: those who were closed when their trial was over began
// before it, and a trial lasts for 180 days.
const Prelude = 187

// act is something that somebody does at an instant of the history.
type act struct {
	at time.Time
	do func(ctx context.Context) error
}

// newcomer is somebody who joins while the history is lived, through the desk that everybody goes through.
type newcomer struct {
	person
	lives    string // the postal address, lines apart by commas; the country comes last
	about    string
	topics   []string // of the application
	traffic  []string
	site     string // name of theirs in demo/blog; empty: none
	under    string // path of their place on that site; empty: all of it
	joins    time.Time
	sales    []time.Time
	quiet    time.Time // nobody clicks from then on; zero: it goes on
	connects standin.Sample
}

// at is an hour of a day, some days before the end of the history.
func (s *story) at(days int, hour float64) time.Time {
	day := s.end.UTC().Truncate(24*time.Hour).AddDate(0, 0, -days)
	return day.Add(time.Duration(hour * float64(time.Hour)))
}

// weekdays is an afternoon so many weekdays before the end: reviewers are given business days.
func (s *story) weekdays(before int) time.Time {
	at := s.at(0, 15.5)
	for before > 0 {
		at = at.AddDate(0, 0, -1)
		if day := at.Weekday(); day != time.Saturday && day != time.Sunday {
			before--
		}
	}
	return at
}

// newcomers are who joins, on trial, under review, declined and closed: one of each, as a reviewer meets them.
func (s *story) newcomers() []newcomer {
	return []newcomer{
		{person: person{name: "Ruth Adler", handle: "ruth", topics: []string{"Handmade"}, reach: 1},
			lives: "9 Cloister Row, Burlington, VT 05401, US", site: blog.Knitting,
			about:  "A diary of knitting socks by hand, for beginners who would like to see the mistakes as well.",
			topics: []string{"diy"}, traffic: []string{"direct", "social"}, joins: s.at(185, 15), sales: []time.Time{s.at(151, 18)}, quiet: s.at(60, 0)},
		{person: person{name: "Otto Brandl", handle: "otto", topics: []string{"Tools", "Electronics"}, reach: 4},
			lives: "77 Foundry Lane, Milwaukee, WI 53202, US", site: blog.Lamps,
			about:  "I repair lamps and write about the light they give: dimmers, bulbs, shades, for people who rent and people who read.",
			topics: []string{"diy", "home", "tech"}, traffic: []string{"search", "email"}, joins: s.at(64, 14),
			sales: []time.Time{s.at(50, 19), s.at(22, 20), s.weekdays(2)}},
		{person: person{name: "Paul Reyes", handle: "paul", topics: []string{"Electronics", "Video Games"}, reach: 3},
			lives: "1204 Mesa Drive, El Paso, TX 79912, US", site: blog.Deals,
			about:  "Lists of things whose price has fallen, every week, for people who know already what they want to buy.",
			topics: []string{"tech", "gaming"}, traffic: []string{"social"}, joins: s.at(60, 16),
			sales: []time.Time{s.at(52, 17), s.at(49, 21), s.at(46, 12)}, quiet: s.at(35, 0)},
		{person: person{name: "Mina Sato", handle: "mina", topics: []string{"Home > Kitchen"}, reach: 3},
			lives: "38 Alder Street, Apartment 5, Seattle, WA 98122, US", site: blog.Kitchen,
			about:  "Small kitchens with few things in them, and where to put those. For people who live in one or two rooms.",
			topics: []string{"kitchen", "home"}, traffic: []string{"search", "social"}, joins: s.at(58, 9),
			sales: []time.Time{s.at(44, 18), s.at(30, 18), s.weekdays(9)}},
		{person: person{name: "Wanda Ilves", handle: "wanda", topics: []string{"Tools", "Garden"}, reach: 5},
			lives: "3 Harbor Road, Duluth, MN 55802, US", site: blog.Radio,
			about:  "A short radio about making and mending, a new episode each week, recorded at the bench with all its noises.",
			topics: []string{"diy", "education"}, traffic: []string{"app", "direct"}, joins: s.at(41, 13), sales: []time.Time{s.at(31, 20), s.at(12, 19)}},
		{person: person{name: "Lena Fox", handle: "lena"}, lives: "510 Ridge Street, Boulder, CO 80302, US", about: "Films about walking far with little, and what the little is.", topics: []string{"outdoors", "travel"},
			joins: s.at(20, 17), connects: standin.Sample{Network: network.YouTube, Number: "UClena000000000000000006", Handle: "lenawalks.example",
				Title: "Lena walks", Followers: 21_800, Posts: 96, Every: 5, First: 2, Reactions: 940}},
		{person: person{name: "Ben Sato", handle: "ben", topics: []string{"Home > Kitchen"}},
			lives: "38 Alder Street, Apartment 5, Seattle, WA 98122, US", site: blog.Kitchen, under: "/weekends",
			about:  "What the two of us cook at weekends in the same small kitchen, with what we bought for it.",
			topics: []string{"food"}, traffic: []string{"search"}, joins: s.at(6, 11)},
		{person: person{name: "Suki Tan", handle: "suki"}, lives: "26 Fern Place, Portland, OR 97214, US", about: "Half a minute a day about plants that forgive.", topics: []string{"garden", "home"},
			joins: s.weekdays(3), connects: standin.Sample{Network: network.TikTok, Number: "_000stand-in-suki000004", Handle: "sukis.plants.example",
				Title: "Suki's plants", Followers: 910, Posts: 120, Every: 2, First: 1, Reactions: 74}},
		{person: person{name: "Kofi Mensah", handle: "kofi"}, lives: "14 Brunswick Terrace, Leeds LS2 8HA, GB", about: "Pictures of everyday cooking in Accra and Leeds, with every pan named.", topics: []string{"food", "kitchen"},
			joins: s.weekdays(1), connects: standin.Sample{Network: network.Instagram, Number: "17841400000000005", Handle: "kofi.cooks.example",
				Title: "Kofi cooks", Followers: 5_640, Posts: 210, Every: 3, First: 1, Reactions: 233, Countries: map[string]int64{"US": 480, "GB": 310, "GH": 120}}},
	}
}

// Samples are accounts of the demo's people at the networks that are stood in for. Every start offers them, so that those who
// are connected can be looked at again.
func Samples() (all []standin.Sample) {
	for _, n := range (&story{}).newcomers() {
		if n.connects.Number != "" {
			all = append(all, n.connects)
		}
	}
	return all
}

// cast writes the acts of everybody who joins, in order of time.
func (s *story) cast() {
	m := s.World.Markets[0]
	for _, n := range s.newcomers() {
		joined := &member{newcomer: n, key: enrolment.Key{Market: m.No, Program: enrolment.Associates}}
		if n.connects.Number != "" {
			joined.key.Program = enrolment.Influencer
		}
		s.acts = append(s.acts, act{n.joins, func(ctx context.Context) error { return s.join(ctx, m, joined) }})
		switch {
		case n.connects.Number != "":
			s.acts = append(s.acts, act{n.joins.Add(7 * time.Minute), func(ctx context.Context) error { return s.connect(ctx, joined) }})
		case n.under == "":
			s.acts = append(s.acts, act{n.joins.Add(25 * time.Minute), func(ctx context.Context) error { return s.prove(ctx, m, joined) }})
		}
		if n.handle == "paul" {
			s.acts = append(s.acts, act{s.at(38, 14), func(ctx context.Context) error { return s.decline(ctx, joined) }})
		}
	}
	s.acts = append(s.acts, act{s.at(3, 18), func(ctx context.Context) error { return s.leaveDraft(ctx, m) }})
}

// form is what an applicant tells.
func (n newcomer) form() application.Form {
	f := application.Form{About: n.about, Topics: n.topics, Traffic: n.traffic, Methods: []string{"posts", "reviews"}, Visits: "1k-10k"}
	if n.connects.Number != "" {
		f = application.Form{About: n.about, Topics: n.topics, Networks: []string{string(n.connects.Network)}}
	}
	return f
}

// decline is what the reviewer wrote to Paul.
func (s *story) decline(ctx context.Context, j *member) error {
	by, err := s.reviewer(ctx)
	if err != nil {
		return err
	}
	return s.Desk.Decide(ctx, by, j.key, admission.Verdict{Reasons: []string{"thin", "no_disclosure"},
		Words: "Two lists of prices are too little to go by, and readers are not told that you earn a commission. " +
			"Write about what you have used yourself, say on every page that you earn by it, and apply again: you are welcome."})
}

// imagineMember makes up what the readers of somebody who joined do until the end: clicks on most days, and the sales that
// were chosen. It is called when their first tracking id is there.
func (s *story) imagineMember(m market.Market, j *member, since time.Time) {
	until := s.end
	if !j.quiet.IsZero() {
		until = j.quiet
	}
	c := &j.c
	for day := since.Truncate(24*time.Hour).AddDate(0, 0, 1); day.Before(until); day = day.AddDate(0, 0, 1) {
		for range s.guests.IntN(2*j.reach + 1) {
			s.clicks = append(s.clicks, s.clickOf(m, c, s.goods(m, c), day.Add(time.Duration(s.guests.IntN(24*3600))*time.Second)))
		}
	}
	for _, at := range j.sales {
		s.sell(m, c, at)
	}
	s.arrange()
}

// goods is something of a member's topics that is neither cheap nor dear.
func (s *story) goods(m market.Market, c *Creator) *catalog.Item {
	items := s.World.Catalog.In(m.ID, c.topics[s.guests.IntN(len(c.topics))])
	for range 50 {
		if item := items[s.guests.IntN(len(items))]; !item.Digital && item.Price > 1500 && item.Price < 20_000 {
			return item
		}
	}
	return items[0]
}

// orderName names an order of a member: US-RUTH-1.
func orderName(c *Creator, no int) string {
	return fmt.Sprintf("US-%s-%d", strings.ToUpper(c.handle), no)
}
