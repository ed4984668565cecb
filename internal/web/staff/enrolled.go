package staff

import (
	"time"

	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/market"
)

// stretch bounds how many creators are told of a publication in one transaction.
const stretch = 25

// Enrolled is a creator with an open enrolment.
type Enrolled struct {
	Creator id.ID
	Market  market.Market // the first one in which it is
}

// NextEnrolled gives those of the next creators behind an id who have an open enrolment in one of the marketplaces, by id. last
// is the id to go on behind, also where nobody has one; zero: there are no more creators.
func NextEnrolled(tx *db.Tx, markets []market.Market, after id.ID, now time.Time) (open []Enrolled, last id.ID, err error) {
	creators, err := creator.All(tx, after, stretch)
	if err != nil || len(creators) == 0 {
		return nil, 0, err
	}
	ids := make([]id.ID, len(creators))
	for i, c := range creators {
		ids[i] = c.ID
	}
	first := map[id.ID]*market.Market{}
	for i := len(markets) - 1; i >= 0; i-- {
		found, err := enrolment.Standings(tx, markets[i].No, ids)
		if err != nil {
			return nil, 0, err
		}
		for key, history := range found {
			if isOpen(history.At(now)) {
				first[key.Creator] = &markets[i]
			}
		}
	}
	for _, one := range ids {
		if m := first[one]; m != nil {
			open = append(open, Enrolled{one, *m})
		}
	}
	return open, ids[len(ids)-1], nil
}

// isOpen tells whether somebody in that state is in a program, or on the way into it.
func isOpen(s enrolment.State) bool {
	return s.Active() || s == enrolment.Applied || s == enrolment.Suspended
}
