package advisor

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tributary/internal/enrolment"
	"tributary/internal/fault"
)

var update = flag.Bool("update", false, "rewrite testdata/advice.txt")

var shipped = Rules{Influencer: true, Connections: true, Sales: 3, TrialDays: 180, Items: 10, NewestDays: 60, ReviewDays: 5, Followers: 1000,
	Clicks: 100, Revenue: "$1.00"}

// people are those whom a program manager would ask about first.
var people = []struct {
	name string
	a    Answers
}{
	{"A kitchen blog with reviews", Answers{Where: []string{"blog"}, Topics: []string{"kitchen"}, Methods: []string{"posts", "reviews"},
		Reach: "10k-100k", Share: []string{"web"}, Brands: "no"}},
	{"A new site, hardly anybody comes", Answers{Where: []string{"site"}, Methods: []string{"comparisons"}, Reach: "0-1k", Share: []string{"web"}}},
	{"A newsletter beside a blog", Answers{Where: []string{"blog", "newsletter"}, Methods: []string{"posts", "newsletter"}, Reach: "1k-10k",
		Share: []string{"web", "email"}, Brands: "later"}},
	{"A newsletter and nothing else", Answers{Where: []string{"newsletter"}, Methods: []string{"newsletter"}, Reach: "1k-10k", Share: []string{"email"}}},
	{"A YouTube channel", Answers{Where: []string{"youtube"}, Methods: []string{"video"}, Reach: "100k-1m", Share: []string{"video"}, Brands: "yes"}},
	{"TikTok with 600 followers", Answers{Where: []string{"tiktok"}, Methods: []string{"video", "live"}, Reach: "0-1k", Share: []string{"social"}}},
	{"Instagram alone", Answers{Where: []string{"instagram"}, Methods: []string{"posts"}, Reach: "10k-100k", Share: []string{"social"}, Brands: "yes"}},
	{"A blog and Instagram, links in print as well", Answers{Where: []string{"blog", "instagram"}, Methods: []string{"posts", "reviews"}, Reach: "10k-100k",
		Share: []string{"web", "social", "print"}, Brands: "later"}},
	{"Workshops, with flyers", Answers{Where: []string{"in_person"}, Share: []string{"print", "pdf"}, Reach: "0-1k"}},
	{"An app that writes SMS", Answers{Where: []string{"app"}, Methods: []string{"app"}, Share: []string{"app", "sms"}, Reach: "100k-1m"}},
}

// Each person's advice, as it is told. Read the file as a program manager would.
func TestAdvice(t *testing.T) {
	var got strings.Builder
	for _, p := range people {
		fmt.Fprintf(&got, "%s\n", p.name)
		tell(&got, Recommend(p.a, shipped))
	}
	bare := shipped
	bare.Influencer, bare.Connections = false, false
	fmt.Fprintf(&got, "A YouTube channel, where only associates is offered\n")
	tell(&got, Recommend(people[4].a, bare))
	const file = "testdata/advice.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the advice is not that of %s; run with -update and read the difference:\n%s", file, got.String())
	}
}

func tell(b *strings.Builder, r Recommendation) {
	for _, f := range r.Fits {
		mark := ""
		switch {
		case f.Program == r.Best:
			mark = "  <- begin here"
		case slices.Contains(r.Also, f.Program):
			mark = "  <- fits as well"
		case f.Closed != "":
			mark = "  (closed)"
		}
		fmt.Fprintf(b, "  %s %d%s\n", f.Program, f.Score, mark)
		for _, reason := range slices.Concat(f.For(), f.Against()) {
			fmt.Fprintf(b, "    %+d %s: %s\n", reason.Points, reason.Rule, reason.Text)
		}
	}
	for i, s := range r.Steps {
		fmt.Fprintf(b, "  %d. %s (%s)\n", i+1, s.Text, s.When)
	}
	for _, m := range r.Missing {
		fmt.Fprintf(b, "  for connections: %s\n", m)
	}
	fmt.Fprintf(b, "  application: topics %v, traffic %v, methods %v, networks %v, visits %q\n\n", r.Prefill.Topics, r.Prefill.Traffic, r.Prefill.Methods,
		r.Prefill.Networks, r.Prefill.Visits)
}

func TestCheck(t *testing.T) {
	for want, a := range map[string]Answers{
		"where: has an answer that is not offered":  {Where: []string{"blog", "moon"}},
		"share: has an answer that is not offered":  {Share: []string{"fax"}},
		"reach: has an answer that is not offered":  {Reach: "many"},
		"brands: has an answer that is not offered": {Brands: "perhaps"},
		"topics: has more than 30 answers":          {Topics: make([]string, 31)},
		"methods: has more than 30 answers":         {Methods: make([]string, 31)},
	} {
		if err := a.Check(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, p := range people {
		if err := p.a.Check(); err != nil || p.a.Empty() {
			t.Errorf("%s: %v", p.name, err)
		}
	}
	if !(Answers{Brands: "yes"}).Empty() {
		t.Error("without a place there is nothing to advise on")
	}
}

func draw(t *rapid.T, name string, from []Choice) (codes []string) {
	for _, c := range from {
		if rapid.Bool().Draw(t, name+" "+c.Code) {
			codes = append(codes, c.Code)
		}
	}
	return codes
}

// Whatever somebody answers: scores stay within bounds, nobody is sent to a closed door, every point has its reason.
func TestAdviceHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Answers{Where: draw(t, "where", Places), Share: draw(t, "share", Channels), Methods: []string{"posts", "video", "live"}[:rapid.IntRange(0, 3).Draw(t, "methods")]}
		if rapid.Bool().Draw(t, "reach") {
			a.Reach = Reaches[rapid.IntRange(0, len(Reaches)-1).Draw(t, "which")].Code
		}
		a.Brands = Brands[rapid.IntRange(0, 2).Draw(t, "brands")].Code
		rules := shipped
		rules.Influencer, rules.Connections = rapid.Bool().Draw(t, "influencer"), rapid.Bool().Draw(t, "connections")
		r := Recommend(a, rules)
		if len(r.Fits) != 3 || len(r.Steps) < 2 {
			t.Fatalf("%+v", r)
		}
		for _, f := range r.Fits {
			if f.Score < 0 || f.Score > 100 || f.Closed != "" && (f.Score > laterTop || f.Program == r.Best || slices.Contains(r.Also, f.Program)) {
				t.Errorf("%s: %d, closed %q", f.Program, f.Score, f.Closed)
			}
			if len(f.For())+len(f.Against()) != len(f.Reasons) || len(f.Reasons) == 0 {
				t.Errorf("%s has a reason without points: %+v", f.Program, f.Reasons)
			}
			for _, reason := range f.Reasons {
				if reason.Text == "" || !slices.Contains([]string{"gate", "links", "sharing", "approval", "followers", "pays", "brands"}, reason.Rule) {
					t.Errorf("%+v", reason)
				}
			}
		}
		owns := a.at("site", "blog", "app")
		if owns && r.Best == 0 {
			t.Error("whoever has a site can always begin")
		}
		if r.Best == enrolment.Connections {
			t.Error("connections is nobody's beginning")
		}
		if r.Best != 0 && r.Fits[0].Program != r.Best {
			t.Error("the best does not stand first")
		}
	})
}
