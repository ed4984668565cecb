package application

import (
	"slices"
	"strings"

	"tributary/internal/enrolment"
)

// Choice is one of several answers: its code, which is stored and stable, and its label.
type Choice struct{ Code, Label string }

// Topics are what creators publish about.
var Topics = []Choice{
	{"home", "Home"}, {"kitchen", "Kitchen"}, {"beauty", "Beauty"}, {"fashion", "Fashion"}, {"tech", "Technology"},
	{"gaming", "Gaming"}, {"toys", "Toys"}, {"books", "Books"}, {"music", "Music"}, {"outdoors", "Outdoors"},
	{"sports", "Sports"}, {"garden", "Garden"}, {"pets", "Pets"}, {"food", "Food"}, {"health", "Health"},
	{"travel", "Travel"}, {"diy", "Making and mending"}, {"family", "Family"}, {"finance", "Money matters"},
	{"education", "Learning"}, {"other", "Something else"},
}

// Traffics are the ways in which people find a creator.
var Traffics = []Choice{
	{"search", "Search engines"}, {"social", "Social networks"}, {"email", "Newsletter or e-mail"}, {"video", "Video"},
	{"direct", "They know me and come by themselves"}, {"ads", "Ads that I pay for"}, {"app", "My app"},
	{"offline", "Print, talks, in person"},
}

// Methods are the ways in which links are placed.
var Methods = []Choice{
	{"posts", "Articles and posts"}, {"reviews", "Reviews"}, {"comparisons", "Comparisons and lists"}, {"video", "Video and its description"},
	{"storefront", "A page of favourites"}, {"newsletter", "Newsletter"}, {"app", "In an app"}, {"live", "Live streams"},
}

// Visits are brackets of visits in a month, rising.
var Visits = []Choice{
	{"0-1k", "Up to 1,000"}, {"1k-10k", "1,000 to 10,000"}, {"10k-100k", "10,000 to 100,000"}, {"100k-1m", "100,000 to a million"},
	{"1m+", "More than a million"},
}

// Networks are where the audience of an influencer may be: those that can be connected (package network).
var Networks = []Choice{{"youtube", "YouTube"}, {"instagram", "Instagram"}, {"tiktok", "TikTok"}, {"facebook", "Facebook"}}

// LabelOf gives the label of a code; ok is false where the list does not have it.
func LabelOf(list []Choice, code string) (label string, ok bool) {
	i := slices.IndexFunc(list, func(c Choice) bool { return c.Code == code })
	if i < 0 {
		return "", false
	}
	return list[i].Label, true
}

// LabelsOf writes several codes in words. One that the list no longer has stands as it is.
func LabelsOf(list []Choice, codes []string) []string {
	labels := make([]string, 0, len(codes))
	for _, code := range codes {
		label, ok := LabelOf(list, code)
		if !ok {
			label = code
		}
		labels = append(labels, label)
	}
	return labels
}

// Fill reads a form that was sent, field by field: those that are named in `in` are replaced, by nothing where none was sent
// (boxes without a tick send nothing); all others stay as they are. What does not fit is kept, within the bounds of a draft,
// so that it can be shown again with its fault.
func (f Form) Fill(in []string, sent map[string][]string) Form {
	one := func(field string) string {
		if values := sent[field]; len(values) > 0 {
			return strings.TrimSpace(values[0])
		}
		return ""
	}
	has := func(field string) bool { return slices.Contains(in, field) }
	if has("about") {
		f.About = strings.ReplaceAll(one("about"), "\r\n", "\n")
	}
	if has("visits") {
		f.Visits = one("visits")
	}
	if has("children") {
		f.Children = one("children") != ""
	}
	for _, l := range f.lists() {
		if has(l.field) {
			*l.list = entries(sent[l.field])
		}
	}
	return f
}

// entries are the values of a list that are not empty, each once, in the order in which they were sent.
func entries(sent []string) (list []string) {
	for _, entry := range sent {
		if entry = strings.TrimSpace(entry); entry != "" && !slices.Contains(list, entry) && len(list) <= MaxList {
			list = append(list, entry)
		}
	}
	return list
}

// Suggest fills what is empty from suggestions (those of the advisor, as an address carries them), as far as they can be
// sent; what somebody has told already stays.
func (f Form) Suggest(sent map[string][]string) Form {
	suggested := Form{}.Fill([]string{"about", "topics", "traffic", "methods", "networks", "visits"}, split(sent))
	if f.About == "" && checkText("about", suggested.About) == nil {
		f.About = cut(suggested.About, MaxAbout)
	}
	if _, known := LabelOf(Visits, suggested.Visits); f.Visits == "" && known {
		f.Visits = suggested.Visits
	}
	for i, known := range map[int][]Choice{0: Topics, 2: Traffics, 3: Methods, 4: Networks} {
		from, to := suggested.lists()[i].list, f.lists()[i].list
		if len(*to) == 0 {
			*to = slices.DeleteFunc(slices.Clone(*from), func(code string) bool { _, ok := LabelOf(known, code); return !ok })
		}
	}
	f.Topics = f.Topics[:min(len(f.Topics), MaxTopics)]
	return f
}

// split takes lists as addresses have them: repeated, or with commas.
func split(sent map[string][]string) map[string][]string {
	out := map[string][]string{"about": sent["about"], "visits": sent["visits"]}
	for _, l := range new(Form).lists() {
		for _, value := range sent[l.field] {
			for part := range strings.SplitSeq(value, ",") {
				if len(out[l.field]) <= MaxList {
					out[l.field] = append(out[l.field], part)
				}
			}
		}
	}
	return out
}

// Answer is one thing that was told, in words.
type Answer struct{ Label, Text string }

// Answers writes a form for people, as far as its program asks for it: creators and reviewers read the same.
func (f Form) Answers(program enrolment.Program) (answers []Answer) {
	add := func(label, text string) {
		if text != "" {
			answers = append(answers, Answer{label, text})
		}
	}
	list := func(known []Choice, codes []string) string { return strings.Join(LabelsOf(known, codes), ", ") }
	if program == enrolment.Connections {
		return nil
	}
	add("What is published", f.About)
	add("Topics", list(Topics, f.Topics))
	add("Products of interest", strings.Join(f.Interests, ", "))
	if program == enrolment.Influencer {
		add("Where the audience is", list(Networks, f.Networks))
	} else {
		add("People come through", list(Traffics, f.Traffic))
		add("Links are placed in", list(Methods, f.Methods))
		label, _ := LabelOf(Visits, f.Visits)
		add("Visits a month", label)
	}
	if f.Children {
		add("Made for children under 13", "yes")
	}
	return answers
}
