package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Where everything stands, in words that model and engine share, so that a difference can be read.

// standing says of every line, of every month's extra and of every account that is not 0 where it stands.
type standing map[string]string

func (s standing) add(what, stands string) { s[what] = stands }

// lineStanding is where one line stands.
type lineStanding struct {
	Creator          int
	Credited, Direct bool
	Reason           string
	Pending, Earned  int64
	Promo, Fee       int64
	Months, Bases    map[string]int64
}

func (l lineStanding) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "creator %d", l.Creator)
	if l.Credited {
		text.WriteString(" credited")
	}
	if l.Direct {
		text.WriteString(" directly")
	}
	if l.Reason != "" {
		text.WriteString(", " + l.Reason)
	}
	fmt.Fprintf(&text, ", P %d, E %d", l.Pending, l.Earned)
	for _, part := range []struct {
		name   string
		amount int64
	}{{"promotion", l.Promo}, {"fee", l.Fee}} {
		if part.amount != 0 {
			fmt.Fprintf(&text, ", %s %d", part.name, part.amount)
		}
	}
	for _, month := range slices.Sorted(maps.Keys(l.Months)) {
		fmt.Fprintf(&text, ", %s %d", month, l.Months[month])
	}
	for _, month := range slices.Sorted(maps.Keys(l.Bases)) {
		fmt.Fprintf(&text, ", base of %s %d", month, l.Bases[month])
	}
	return text.String()
}

// stands gives where the model stands.
func (m *market) stands() standing {
	s := standing{}
	accounts := map[string]int64{}
	for _, o := range m.orders {
		for _, l := range o.lines {
			promo := l.promoPending + l.promoEarned
			one := lineStanding{l.creator, l.credited, l.direct, l.why, l.pending, l.earned, promo, l.feeDue, l.months, l.bases}
			s.add("line "+o.id+"/"+l.ID, one.text())
			accounts[fmt.Sprintf("creator %d/pending", l.creator)] += l.pending
			for month, amount := range l.months {
				if m.approved(l.creator, l.program) {
					accounts[m.account(l.creator, month)] += amount
				} else { // whatever its month: it waits for the approval (§9)
					accounts[fmt.Sprintf("creator %d/held", l.creator)] += amount
				}
			}
			accounts["operator/commission"] -= l.pending + l.earned - promo
			accounts["operator/promotion"] -= promo
			accounts["operator/fees"] += l.feeDue
			accounts["seller "+l.seller] -= l.feeDue
		}
	}
	for key, extra := range m.tiers {
		s.add(fmt.Sprintf("extra of %d in %s", key.creator, key.month), fmt.Sprint(extra))
		accounts[m.account(key.creator, key.month)] += extra
		accounts["operator/promotion"] -= extra
	}
	for account, balance := range accounts {
		if balance != 0 {
			s.add(account, fmt.Sprint(balance))
		}
	}
	return s
}

// account holds what a month earned: its own while it is open, then what is payable.
func (m *market) account(creator int, month string) string {
	if m.isOpen(month) {
		return fmt.Sprintf("creator %d/earned/%s", creator, month)
	}
	return fmt.Sprintf("creator %d/payable", creator)
}

// approved tells whether an enrolment has been active by now, and not only provisionally.
func (m *market) approved(creator, program int) (approved bool) {
	for _, c := range m.Creators {
		for _, e := range c.Enrolments {
			for _, s := range e.Standings {
				approved = approved || c.Number == creator && e.Program == program && s.State == "active" && s.Since <= m.now
			}
		}
	}
	return approved
}

// differences says where two differ, in their own words.
func differences(model, engine standing) (all []string) {
	names := map[string]bool{}
	for what := range model {
		names[what] = true
	}
	for what := range engine {
		names[what] = true
	}
	for _, what := range slices.Sorted(maps.Keys(names)) {
		if model[what] != engine[what] {
			all = append(all, fmt.Sprintf("%s\n  model:  %s\n  engine: %s", what, orElse(model[what], "–"),
				orElse(engine[what], "–")))
		}
	}
	return all
}

// drifted tells whether two differ in nothing but the months in which amounts stand.
func drifted(model, engine standing) bool {
	return len(differences(model.whole(), engine.whole())) == 0
}

var monthly = regexp.MustCompile(`, (base of )?20[0-9-]+ -?[0-9]+`)

// whole is a standing without its months. What volume tiers add depends on months, and stands in one account with
// promotions.
func (s standing) whole() standing {
	whole := standing{}
	sums := map[string]int64{}
	for what, stands := range s {
		creator, _, earned := strings.Cut(what, "/earned/")
		creator, payable := strings.CutSuffix(creator, "/payable")
		switch number, extra := strings.CutPrefix(what, "extra of "); {
		case extra:
			sums["creator "+strings.Fields(number)[0]] -= number64(stands)
		case earned || payable:
			sums[creator] += number64(stands)
		case strings.HasPrefix(what, "line "):
			whole[what] = monthly.ReplaceAllString(stands, "")
		case what != "operator/promotion":
			whole[what] = stands
		}
	}
	for what, sum := range sums {
		if sum != 0 {
			whole[what] = fmt.Sprint(sum)
		}
	}
	return whole
}

func number64(text string) (n int64) {
	fmt.Sscan(text, &n)
	return n
}

// text is a tale as its file holds it.
func (t *Tale) text() string {
	var text strings.Builder
	file := json.NewEncoder(&text)
	file.SetEscapeHTML(false)
	file.SetIndent("", " ")
	if err := file.Encode(t); err != nil {
		panic(err)
	}
	return text.String()
}
