package decision_test

import (
	"fmt"
	"strings"
	"testing"

	"tributary/internal/decision"
	"tributary/internal/id"
	"tributary/internal/policy"
)

// What moves when the months of a line, its fate or its creator change, with March closed and June open.
func TestHoldLegs(t *testing.T) {
	type months = map[string]int64
	ada, ben := id.ID(1), id.ID(2)
	open := func(month string) bool { return month > "2026-05" }
	held := func(creator id.ID, fate policy.Fate, m months) decision.Holding {
		return decision.Holding{Creator: creator, Program: 1, Fate: fate, Months: m}
	}
	for _, c := range []struct {
		name          string
		before, after decision.Holding
		want          string
	}{
		{"earned", held(ada, policy.Withheld, nil), held(ada, policy.Withheld, months{"2026-06": 90}), "A/earned/2026-06 > A/held 90"},
		{"returned in part", held(ada, policy.Withheld, months{"2026-06": 90}), held(ada, policy.Withheld, months{"2026-06": 60}), "A/held > A/earned/2026-06 30"},
		{"returned after its month", held(ada, policy.Withheld, months{"2026-03": 90}), held(ada, policy.Withheld, months{"2026-03": 90, "2026-06": -90}),
			"A/held > A/earned/2026-06 90"},
		{"approved in its month", held(ada, policy.Withheld, months{"2026-06": 90}), held(ada, policy.Paid, months{"2026-06": 90}), "A/held > A/earned/2026-06 90"},
		{"approved after its month", held(ada, policy.Withheld, months{"2026-03": 90}), held(ada, policy.Paid, months{"2026-03": 90}), "A/held > A/payable 90"},
		{"forfeited", held(ada, policy.Withheld, months{"2026-03": 90}), held(ada, policy.Forfeited, months{"2026-03": 90}), "A/held > forfeited 90"},
		{"earned when forfeited", held(ada, policy.Forfeited, months{"2026-06": 90}), held(ada, policy.Forfeited, months{"2026-06": 120}),
			"A/earned/2026-06 > forfeited 30"},
		{"credit moves", held(ada, policy.Withheld, months{"2026-06": 90}), held(ben, policy.Withheld, months{"2026-06": 80}),
			"A/held > A/earned/2026-06 90; B/earned/2026-06 > B/held 80"},
		{"credit moves to somebody approved", held(ada, policy.Withheld, months{"2026-06": 90}), held(ben, policy.Paid, months{"2026-06": 80}),
			"A/held > A/earned/2026-06 90"},
		{"paid all along", held(ada, policy.Paid, nil), held(ada, policy.Paid, months{"2026-06": 90}), ""},
	} {
		var said []string
		for _, leg := range decision.HoldLegs("us", c.before, c.after, open) {
			said = append(said, fmt.Sprintf("%s > %s %d", leg.Debit, leg.Credit, leg.Amount))
		}
		got := strings.NewReplacer("creator/"+ada.Text(id.Creator)+"/us", "A", "creator/"+ben.Text(id.Creator)+"/us", "B", "operator/us/", "").Replace(strings.Join(said, "; "))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
