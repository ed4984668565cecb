package explain

import (
	"encoding/json"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/ledger"
	"tributary/internal/policy"
)

// Withheld says that what was earned is kept apart, since its enrolment was never approved (docs/spec.md §9, §10).
type Withheld struct {
	Fate   policy.Fate `json:"fate"` // withheld, or forfeited when the enrolment ended
	Reason string      `json:"reason"`
	Amount int64       `json:"amount"` // of what was earned so far
	At     time.Time   `json:"at"`     // of the newest decision about it
}

// withheld reads what is kept apart of a line or bounty: nil where nothing is. The postings are told in any case: what was
// withheld once and given free moved twice.
func withheld(tx *db.Tx, lane int64, subject string) (w *Withheld, postings []Posting, err error) {
	var newest decision.Hold
	subject = decision.HoldSubject(subject)
	if err := tx.Each(selectVersions, func(scan func(...any) error) error {
		var version int64
		var body string
		if err := scan(&version, &body); err != nil {
			return err
		}
		newest = decision.Hold{}
		return json.Unmarshal([]byte(body), &newest)
	}, lane, subject); err != nil {
		return nil, nil, fault.Wrap(err, "reading decisions of "+subject)
	}
	if newest.Fate != policy.Paid {
		w = &Withheld{Fate: newest.Fate, Reason: newest.Reason, At: clock.FromMicro(newest.Now)}
		for _, amount := range newest.Months {
			w.Amount += amount
		}
	}
	if newest.Now == 0 {
		return nil, nil, nil
	}
	transfers, err := ledger.Of(tx, lane, subject)
	for _, t := range transfers {
		postings = append(postings, Posting{t.Version, t.Component, t.At, t.Debit, t.Credit, t.Amount})
	}
	return w, postings, err
}
