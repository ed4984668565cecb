package document

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

//go:embed shipped
var shippedFiles embed.FS

// Shipped is the text of a kind that the product comes with, its blanks not filled in: the first version, and a beginning
// for an operator's own.
func Shipped(kind Kind) (title, body string) {
	raw, err := shippedFiles.ReadFile("shipped/" + string(kind) + ".markdown")
	if err != nil {
		panic("document: no shipped text of " + kind) // a test reads them all
	}
	return Names[kind], string(raw)
}

// Install publishes the shipped first version of every kind that has none, in force at once. It may be called at any time,
// by any number of nodes; where there is no marketplace yet, it does nothing, since the texts name the operator.
func Install(tx *db.Tx, now time.Time) error {
	blanks, err := Blanks(tx)
	if err != nil || blanks["Operator"] == "" {
		return err
	}
	all, err := list(tx, selectBare)
	if err != nil {
		return err
	}
	now = now.UTC().Truncate(time.Microsecond)
	for i, kind := range Kinds {
		if slices.ContainsFunc(all, func(v Version) bool { return v.Kind == kind }) {
			continue
		}
		// Ids made within one millisecond may collide; those of one hand never do.
		v := Version{ID: id.New(now) + id.ID(i), Kind: kind, Number: 1, Published: now, Effective: now}
		v.Title, v.Body = Shipped(kind)
		if v.Body, err = fill(v.Body, blanks); err != nil {
			return err
		}
		if _, err := insert(tx, v); err != nil {
			return err
		}
	}
	return nil
}

// Blanks gives what `{{.Name}}` stands for in a text: the operator's name and the numbers of its policy, those of the first
// marketplace. They are filled in when a text is published, and stay as they were.
func Blanks(tx *db.Tx) (map[string]string, error) {
	markets, err := market.All(tx)
	if err != nil || len(markets) == 0 {
		return map[string]string{}, err
	}
	p, a := markets[0].Policy, markets[0].Admission
	number := strconv.Itoa
	names := make([]string, len(markets))
	for i, m := range markets {
		names[i] = m.Name
	}
	return map[string]string{
		"Operator": markets[0].Name, "Marketplaces": and(names), "SessionHours": number(p.SessionHours),
		"CartDays": number(p.CartDays), "LapseDays": number(p.LapseDays), "HoldDays": number(p.HoldDays),
		"ResaleUnits": number(p.ResaleUnits), "ResaleDays": number(p.ResaleDays), "RateNotice": number(p.Notice()),
		"BountyDays": number(int(p.BountyWindow() / (24 * time.Hour))), "Notice": number(longest(markets)), "TrialDays": number(a.Trial()),
		"Sales": number(a.Wanted()), "ReviewDays": number(a.Review()), "Items": number(a.LeastItems()), "NewestDays": number(a.Newest()),
	}, nil
}

// Notice gives how many days before it takes effect a change is published (policy). A document holds in every marketplace:
// it is the longest of theirs.
func Notice(tx *db.Tx) (days int, err error) {
	markets, err := market.All(tx)
	return longest(markets), err
}

func longest(markets []market.Market) (days int) {
	for _, m := range markets {
		days = max(days, m.Admission.DocumentNotice())
	}
	if days == 0 {
		days = DefaultNotice
	}
	return days
}

// and lists names as a sentence does: "A, B and C".
func and(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// fill writes the blanks of a text. One that does not exist is Invalid, with its line.
func fill(body string, blanks map[string]string) (string, error) {
	var out strings.Builder
	rest := body
	for {
		before, after, found := strings.Cut(rest, "{{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, tail, closed := strings.Cut(after, "}}")
		name, dotted := strings.CutPrefix(strings.TrimSpace(name), ".")
		value, known := blanks[name]
		if !closed || !dotted || !known {
			return body, fault.Invalidf("body", "line %d holds a blank that does not exist", "write "+offered(blanks),
				1+strings.Count(body[:len(body)-len(after)], "\n"))
		}
		out.WriteString(escape(value))
		rest = tail
	}
}

// offered names the blanks that exist.
func offered(blanks map[string]string) string {
	names := make([]string, 0, len(blanks))
	for name := range blanks {
		names = append(names, fmt.Sprintf("{{.%s}}", name))
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "the text without braces: there is no marketplace yet"
	}
	return strings.Join(names, ", ")
}

// escape keeps a name from being read as Markdown.
func escape(name string) string {
	var out strings.Builder
	for _, r := range name {
		if strings.ContainsRune("\\`*_[]<>#|!&", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
