package replay

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"tributary/internal/explain"
	"tributary/internal/id"
	"tributary/internal/rerate"
)

// most is how many examples are kept each way.
const most = 10

// separator stands between the names of a category's path.
const separator = " > "

// tally adds lines up.
type tally struct {
	Difference
	draft      *rerate.Draft
	month      func(at int64) string
	creators   map[id.ID]*Row
	categories map[string]*Row
	months     map[string]*Row
	bases      map[volumeKey]*[2]int64 // earned base at present and under the draft
	rows       [3]*Row                 // of the line at hand
}

type volumeKey struct {
	creator id.ID
	month   string
}

func newTally(draft *rerate.Draft, month func(int64) string, about Difference) *tally {
	about.Unsaid = map[rerate.Unsaid]int64{}
	return &tally{Difference: about, draft: draft, month: month, creators: map[id.ID]*Row{}, categories: map[string]*Row{},
		months: map[string]*Row{}, bases: map[volumeKey]*[2]int64{}}
}

func row[K comparable](rows map[K]*Row, key K) *Row {
	r := rows[key]
	if r == nil {
		r = &Row{}
		rows[key] = r
	}
	return r
}

// add counts a line.
func (t *tally) add(p *explain.PastLine, was, would rerate.Outcome, unsaid rerate.Unsaid) {
	rows := append(t.rows[:0], &t.Total, row(t.months, t.month(p.At)))
	if earns(was) || earns(would) {
		rows = append(rows, row(t.categories, p.Category()))
	}
	if unsaid != "" {
		t.Unsaid[unsaid]++
		for _, r := range rows {
			r.leaveOut(was)
		}
		if was.Credited {
			row(t.creators, was.Creator).leaveOut(was)
		}
		return
	}
	same, moved := was.Same(would), was.Winner() != would.Winner()
	for _, r := range rows {
		r.count(same, moved)
		r.Present.add(was)
		r.Draft.add(would)
	}
	if was.Credited {
		r := row(t.creators, was.Creator)
		r.count(same, moved)
		r.Present.add(was)
		if !moved {
			r.Draft.add(would)
		}
	}
	if moved && would.Credited {
		r := row(t.creators, would.Creator)
		r.count(same, moved)
		r.Draft.add(would)
	}
	t.addBases(was, 0)
	t.addBases(would, 1)
	if !same {
		t.keep(p, was, would)
	}
}

// earns tells whether a line can come to something: others have no place among categories.
func earns(o rerate.Outcome) bool { return o.Credited && o.Reason == "" || o.Seller != "" }

func (r *Row) leaveOut(was rerate.Outcome) {
	r.Lines++
	r.Unsaid++
	r.UnsaidHeld += was.Commission
}

func (r *Row) count(same, moved bool) {
	r.Lines++
	if !same {
		r.Changed++
	}
	if moved {
		r.Moved++
	}
}

func (a *Amounts) add(o rerate.Outcome) {
	a.Commission, a.Promotion, a.Fee = a.Commission+o.Commission, a.Promotion+o.Promotion, a.Fee+o.Fee
}

// addBases adds to the months of whoever is credited. Extras are worked out at the end, from whole months.
func (t *tally) addBases(o rerate.Outcome, side int) {
	for month, amount := range o.Bases {
		key := volumeKey{o.Creator, month}
		sum := t.bases[key]
		if sum == nil {
			sum = &[2]int64{}
			t.bases[key] = sum
		}
		sum[side] += amount
	}
}

// keep holds on to a line as an example where it is among those that would change most.
func (t *tally) keep(p *explain.PastLine, was, would rerate.Outcome) {
	change := would.Commission - was.Commission
	list := &t.Rises
	if change < 0 {
		list = &t.Falls
	}
	if change == 0 || len(*list) == most && abs((*list)[most-1].Change()) >= abs(change) {
		return // the same amount to another creator is counted, not shown; of equals the earlier stays
	}
	e := Example{Order: p.Order, Line: p.Line, At: time.UnixMicro(p.At).UTC(), SKU: p.SKU, Category: p.Category(),
		Quantity: p.Quantity, Net: p.Net, Was: sideOf(was), Would: sideOf(would)}
	at, _ := slices.BinarySearchFunc(*list, abs(change), func(e Example, size int64) int {
		if abs(e.Change()) >= size {
			return -1
		}
		return 1
	})
	*list = slices.Insert(*list, at, e)
	*list = (*list)[:min(len(*list), most)]
}

func sideOf(o rerate.Outcome) Side {
	s := Side{Commission: o.Commission, Promotion: o.Promotion, BPS: o.BPS, Boost: o.Boost, Cap: o.Cap, Reason: o.Why}
	if o.Credited {
		s.Creator = o.Creator.Text(id.Creator)
	}
	return s
}

func abs(n int64) int64 { return max(n, -n) }

// difference ends the sums: what volume tiers add, and the rows in order.
func (t *tally) difference() *Difference {
	for key, sum := range t.bases {
		was, would := t.draft.Volume(key.month)
		extra := [2]int64{}
		if was != nil {
			extra[0] = was.Extra(sum[0])
		}
		if would != nil {
			extra[1] = would.Extra(sum[1])
		}
		for _, r := range []*Row{&t.Total, row(t.creators, key.creator), row(t.months, key.month)} {
			r.Present.Volume += extra[0]
			r.Draft.Volume += extra[1]
		}
	}
	d := t.Difference
	tops := map[string]*Row{}
	for path, r := range t.categories {
		first, _, _ := strings.Cut(path, separator)
		row(tops, first).merge(r)
	}
	d.Months = keyed(t.months, func(month string) string { return month })
	slices.SortFunc(d.Months, func(a, b Keyed) int { return strings.Compare(a.Key, b.Key) })
	d.Tops = keyed(tops, func(name string) string { return name })
	d.Categories = keyed(t.categories, func(path string) string { return path })
	d.Creators = keyed(t.creators, func(creator id.ID) string { return creator.Text(id.Creator) })
	return &d
}

// merge adds a part to a whole: a category to the one above it.
func (r *Row) merge(o *Row) {
	r.Lines, r.Changed, r.Moved, r.Unsaid, r.UnsaidHeld = r.Lines+o.Lines, r.Changed+o.Changed, r.Moved+o.Moved,
		r.Unsaid+o.Unsaid, r.UnsaidHeld+o.UnsaidHeld
	r.Present.merge(o.Present)
	r.Draft.merge(o.Draft)
}

func (a *Amounts) merge(o Amounts) {
	a.Commission, a.Promotion, a.Volume, a.Fee = a.Commission+o.Commission, a.Promotion+o.Promotion, a.Volume+o.Volume,
		a.Fee+o.Fee
}

// keyed lists rows as they are shown: the largest difference first, equal ones by what they are about.
func keyed[K comparable](rows map[K]*Row, text func(K) string) []Keyed {
	list := make([]Keyed, 0, len(rows))
	for key, r := range maps.All(rows) {
		list = append(list, Keyed{text(key), *r})
	}
	slices.SortFunc(list, func(a, b Keyed) int {
		return cmp.Or(cmp.Compare(abs(b.Change()), abs(a.Change())), strings.Compare(a.Key, b.Key))
	})
	return list
}
