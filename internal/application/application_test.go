package application_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"tributary/internal/application"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
)

const told = "I test kettles and grinders in my own kitchen and write about each for people with small kitchens."

// full is what somebody with a site tells.
func full() application.Form {
	return application.Form{About: told, Topics: []string{"kitchen", "home"}, Interests: []string{"Home > Kitchen"},
		Traffic: []string{"search"}, Methods: []string{"reviews"}, Visits: "1k-10k", Networks: []string{"youtube"}}
}

func TestWhatCanBeSent(t *testing.T) {
	with := func(change func(*application.Form)) application.Form { f := full(); change(&f); return f }
	type f = application.Form
	for _, c := range []struct {
		name                   string
		form                   application.Form
		associates, influencer string // the fields that are at fault
	}{
		{"all of it", full(), "", ""},
		{"nothing", f{}, "about topics traffic methods visits", "about topics networks"},
		{"30 characters", with(func(f *f) { f.About = strings.Repeat("word. ", 5) }), "about", ""},
		{"spaces count for nothing", with(func(f *f) { f.About = "short" + strings.Repeat(" ", 100) }), "about", "about"},
		{"too much", with(func(f *f) { f.About = strings.Repeat("ä", application.MaxAbout+1) }), "about", "about"},
		{"as much as may be", with(func(f *f) { f.About = strings.Repeat("ä", application.MaxAbout) }), "", ""},
		{"several lines", with(func(f *f) { f.About = told + "\n\n" + told }), "", ""},
		{"two languages", with(func(f *f) { f.About = told + " Пишу о чайниках. 湯沸かし器 について。" }), "", ""},
		{"a Cyrillic letter in a Latin word", with(func(f *f) { f.About = told + " pаypal" }), "about", "about"},
		{"writing that turns round", with(func(f *f) { f.About = told + "\u202egnp.exe" }), "about", "about"},
		{"a space without width", with(func(f *f) { f.About = told + "am\u200bazing" }), "about", "about"},
		{"a family", with(func(f *f) { f.About = told + " 👩‍👩‍👧" }), "", ""},
		{"a zero byte", with(func(f *f) { f.About = told + "\x00" }), "about", "about"},
		{"broken UTF-8", with(func(f *f) { f.About = told + "\xff" }), "about", "about"},
		{"eleven topics", with(func(f *f) { f.Topics = codes(application.Topics)[:11] }), "topics", "topics"},
		{"ten topics", with(func(f *f) { f.Topics = codes(application.Topics)[:10] }), "", ""},
		{"a topic that is none", with(func(f *f) { f.Topics = []string{"guns"} }), "topics", "topics"},
		{"a topic twice", with(func(f *f) { f.Topics = []string{"home", "home"} }), "topics", "topics"},
		{"traffic of no kind", with(func(f *f) { f.Traffic = []string{"spam"} }), "traffic", ""},
		{"no traffic", with(func(f *f) { f.Traffic = nil }), "traffic", ""},
		{"no method", with(func(f *f) { f.Methods = nil }), "methods", ""},
		{"visits as a number", with(func(f *f) { f.Visits = "4000" }), "visits", ""},
		{"no network", with(func(f *f) { f.Networks = nil }), "", "networks"},
		{"a network that cannot be connected", with(func(f *f) { f.Networks = []string{"myspace"} }), "", "networks"},
		{"21 interests", with(func(f *f) { f.Interests = slices.Repeat([]string{"Home"}, 21) }), "interests", "interests"},
		{"an interest twice", with(func(f *f) { f.Interests = []string{"Home", "Home"} }), "interests", "interests"},
		{"for children: a person decides", with(func(f *f) { f.Children = true }), "", ""},
	} {
		for program, want := range map[enrolment.Program]string{enrolment.Associates: c.associates, enrolment.Influencer: c.influencer,
			enrolment.Connections: ""} {
			var fields []string
			for _, f := range c.form.Faults(program) {
				fields = append(fields, f.Field)
				if f.Rule == "" || f.Fix == "" || strings.Contains(f.Error(), "%!") || f.Kind != fault.Invalid {
					t.Errorf("%s: an unfinished fault: %v", c.name, f)
				}
			}
			err := c.form.Check(program)
			if got := strings.Join(fields, " "); got != want || (err == nil) != (want == "") {
				t.Errorf("%s, %s: %q at fault (%v), want %q", program, c.name, got, err, want)
			}
		}
	}
	if err := full().Check(9); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "program" {
		t.Errorf("a fourth program: %v", err)
	}
}

func codes(list []application.Choice) (all []string) {
	for _, c := range list {
		all = append(all, c.Code)
	}
	return all
}

// What is stored must be found again: codes are unique, short, and have words.
func TestCodes(t *testing.T) {
	for name, list := range map[string][]application.Choice{"topics": application.Topics, "traffic": application.Traffics,
		"methods": application.Methods, "visits": application.Visits, "networks": application.Networks} {
		all := codes(list)
		slices.Sort(all)
		if len(slices.Compact(all)) != len(list) {
			t.Errorf("%s: a code stands twice", name)
		}
		for _, c := range list {
			if label, ok := application.LabelOf(list, c.Code); !ok || label == "" || strings.ToLower(c.Code) != c.Code {
				t.Errorf("%s: %v", name, c)
			}
		}
	}
	if got := application.LabelsOf(application.Topics, []string{"diy", "gone"}); !slices.Equal(got, []string{"Making and mending", "gone"}) {
		t.Errorf("labels %v", got)
	}
}

// A form replaces what stood on it, and nothing else.
func TestFill(t *testing.T) {
	f := full()
	sent := url.Values{"topics": {"pets", "pets", " "}, "about": {" All\r\nnew "}, "visits": {"1m+"}, "children": {"yes"}}
	got := f.Fill([]string{"about", "topics", "methods", "children"}, sent)
	want := f
	want.About, want.Topics, want.Methods, want.Children = "All\nnew", []string{"pets"}, nil, true
	if !same(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if !same(f, full()) {
		t.Error("the form of before was changed")
	}
}

// Suggestions fill gaps with what can be sent, and leave what somebody told.
func TestSuggest(t *testing.T) {
	sent := url.Values{"topics": {"pets,guns", "home"}, "traffic": {"video"}, "methods": {"live"}, "visits": {"lots"}, "networks": {"tiktok"},
		"about": {"pаypal"}}
	got := application.Form{Methods: []string{"posts"}}.Suggest(sent)
	want := application.Form{Topics: []string{"pets", "home"}, Traffic: []string{"video"}, Methods: []string{"posts"}, Networks: []string{"tiktok"}}
	if !same(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := full().Suggest(sent); !same(got, full()) {
		t.Errorf("what was told is replaced: %+v", got)
	}
}

func same(a, b application.Form) bool {
	return a.About == b.About && slices.Equal(a.Topics, b.Topics) && slices.Equal(a.Interests, b.Interests) &&
		slices.Equal(a.Traffic, b.Traffic) && slices.Equal(a.Methods, b.Methods) && a.Visits == b.Visits && a.Children == b.Children &&
		slices.Equal(a.Networks, b.Networks)
}

// Whatever is sent as a form or as an address: what is read from it again is the same, what can be sent holds known codes
// and text that both databases keep, and every refusal names its field.
func FuzzFill(f *testing.F) {
	f.Add("about=" + url.QueryEscape(told) + "&topics=home&traffic=search&methods=posts&visits=0-1k&networks=tiktok&interests=Home")
	f.Add("topics=a,b,c&topics=%00&about=%ff&visits=%0a&children=1")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		all := []string{"about", "topics", "interests", "traffic", "methods", "networks", "visits", "children"}
		form := application.Form{}.Fill(all, values)
		if again := form.Fill(nil, values); !same(again, form) {
			t.Errorf("%+v becomes %+v", form, again)
		}
		for _, one := range []application.Form{form, application.Form{}.Suggest(values), form.Suggest(values)} {
			for _, program := range []enrolment.Program{enrolment.Associates, enrolment.Influencer} {
				err := one.Check(program)
				if err != nil && fault.Of(err).Field == "" {
					t.Errorf("refused without a field: %v", err)
				}
				if err == nil && (strings.ContainsRune(one.About, 0) || len(one.Topics) > application.MaxTopics) {
					t.Errorf("%+v was taken", one)
				}
			}
		}
	})
}
