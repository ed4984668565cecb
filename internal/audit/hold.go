package audit

import (
	"encoding/json"
	"maps"
	"strings"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/policy"
)

var selectWithheld = db.Statement(`SELECT creator, program, subject FROM withheld WHERE market = $1 ORDER BY creator, program, subject`)

// apart is what is kept apart of a line or bounty: as its decisions tell it, or as its row does. Of all lines only those that
// were ever withheld have one.
type apart struct {
	version int64
	decision.Holding
}

// verifyHold takes the steps of what is kept apart again, and compares them with what was posted. What its line holds is
// compared once that is known (verifyHolds).
func (a *auditor) verifyHold(versions []stored, posts []transfer) {
	held := decision.Holding{}
	for i := range versions {
		v := &versions[i]
		var d decision.Hold
		if err := json.Unmarshal([]byte(v.body), &d); err != nil || d.Now != v.at {
			a.tell("%s: the decision cannot be read", v.name())
			return
		}
		creator, err := id.Parse("creator", id.Creator, d.Creator)
		if err != nil {
			a.tell("%s: it speaks of no creator", v.name())
			return
		}
		next := decision.Holding{Creator: creator, Program: d.Program, Fate: d.Fate, Months: d.Months}
		open, _ := decision.MonthsAt(d.Zone, d.HoldDays, clock.FromMicro(d.Now))
		var own []transfer
		own, posts = a.take(v, posts)
		a.verifyLegs(v, v.at, decision.HoldLegs(a.market, held, next, open), own)
		held = next
	}
	a.none(posts)
	a.decided[strings.TrimPrefix(versions[0].subject, decision.HoldSubject(""))] = apart{versions[len(versions)-1].version, held}
}

// rowKeeps notes what the row of a line or bounty says of what is kept apart of it.
func (a *auditor) rowKeeps(subject string, k policy.Kept, creator id.ID, program uint8, months map[string]int64) {
	if k != (policy.Kept{}) {
		a.kept[subject] = apart{k.Version, decision.Holding{Creator: creator, Program: program, Fate: k.Fate, Months: months}}
	}
}

// verifyHolds compares what was decided to be kept apart with the rows that it follows, and with the list by which it is
// found again.
func (a *auditor) verifyHolds() error {
	for subject, row := range a.kept {
		was, known := a.decided[subject]
		switch {
		case !known || was.version != row.version || was.Fate != row.Fate:
			a.tell("%s: the row keeps it apart as %q by decision %d; decided is %q by %d", subject, row.Fate, row.version, was.Fate, was.version)
		case row.Fate != policy.Paid && (was.Creator != row.Creator || was.Program != row.Program || !maps.Equal(was.Kept(), row.Kept())):
			a.tell("%s: kept apart is %v, and the line holds %v", subject, was.Kept(), row.Kept())
		}
	}
	for subject := range a.decided {
		if _, known := a.kept[subject]; !known {
			a.tell("%s: something is kept apart of it, and its row does not say so", subject)
		}
	}
	listed := map[string]bool{}
	err := a.tx.Each(selectWithheld, func(scan func(...any) error) error {
		var creator, program int64
		var subject string
		err := scan(&creator, &program, &subject)
		row := a.kept[subject]
		if row.Fate != policy.Withheld || int64(row.Creator) != creator || int64(row.Program) != program || listed[subject] {
			a.tell("%s: it is on the list of what is withheld, and its row is not", subject)
		}
		listed[subject] = true
		return err
	}, a.lane)
	for subject, row := range a.kept {
		if row.Fate == policy.Withheld && !listed[subject] {
			a.tell("%s: it is withheld, and not on the list by which it would be given free", subject)
		}
	}
	return fault.Wrap(err, "reading what is withheld")
}
