package review

import (
	"strconv"
	"strings"
	"time"

	"tributary/internal/site"
)

// maxWords is how much a reviewer may write to an applicant, in characters.
const maxWords = 2000

func siteWords(s site.Site) string {
	switch s.State {
	case site.Proved:
		return "proved"
	case site.Rejected:
		return "not accepted"
	}
	return "not proved"
}

func siteClass(s site.Site) string {
	switch s.State {
	case site.Proved:
		return "earn"
	case site.Rejected:
		return "stop"
	}
	return "wait"
}

// stale tells whether the newest item is older than the policy asks for.
func stale(v *oneCase, r *site.Report) bool {
	return r.Newest.IsZero() || v.Now.Sub(r.Newest) > time.Duration(v.Market.Admission.Newest())*24*time.Hour
}

func newest(v *oneCase, r *site.Report) string {
	if r.Newest.IsZero() {
		return "no date was found"
	}
	return v.Format.Date(r.Newest, v.Now) + ", wanted within " + strconv.Itoa(v.Market.Admission.Newest()) + " days"
}

// itemText writes an item that was counted: date, title, where.
func itemText(v *oneCase, item site.Item) string {
	parts := []string{item.Address}
	if item.Title != "" {
		parts = []string{item.Title, item.Address}
	}
	if !item.Published.IsZero() {
		parts = append([]string{v.Format.Date(item.Published, v.Now)}, parts...)
	}
	return strings.Join(parts, " · ")
}

// ordinal names the number of an application: reviewers see at once who applies again.
func ordinal(no int64) string {
	if no == 1 {
		return "the first application"
	}
	return "application no. " + strconv.FormatInt(no, 10)
}
