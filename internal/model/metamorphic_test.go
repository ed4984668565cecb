package model

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What must hold between two tales of the engine, whatever the model says: it would hold of any right engine.

// related is how many tales each of these properties is tried on; MODEL_TALES sets another number.
const related = 60

// relation is what two tales have to do with each other: how the first is made ready, how the second follows from it, and
// what must hold between where they end.
type relation struct {
	prepare func(*Tale)
	change  func(*teller, *Tale)
	compare func(before, after standing) []string
}

func (rel relation) hold(t *testing.T) {
	t.Helper()
	es := newEngines(t)
	first, tales, held := number(t, "MODEL_SEED", 1), number(t, "MODEL_TALES", related), uint64(0)
	for seed := first; seed < first+tales; seed++ {
		if (seed-first)%talesPerDatabase == talesPerDatabase-1 {
			es = newEngines(t)
		}
		r := newTeller(seed)
		r.plain = true
		r.program()
		r.arrive(r.events())
		before := r.tale.copy()
		if rel.prepare != nil {
			rel.prepare(before)
		}
		after := before.copy()
		r.tale, r.p = after, &after.Program
		rel.change(r, after)
		if before.contradicted() || after.contradicted() {
			continue // what stands of a contradiction depends on what came first
		}
		held++
		if wrong := rel.compare(es.standingOf(before), es.standingOf(after)); len(wrong) > 0 {
			t.Fatalf("seed %d: %s\nand\n%s\n%s", seed, before.text(), after.text(), strings.Join(wrong, "\n"))
		}
	}
	if held < tales/2 {
		t.Errorf("only %d tales were without contradictions", held)
	}
}

// standingOf tells where the engine stands after a tale.
func (es *engines) standingOf(tale *Tale) standing {
	e := es.open(tale)
	defer e.Close()
	e.live()
	return e.stands()
}

// same wants no difference.
func same(before, after standing) (wrong []string) {
	for _, line := range differences(before, after) {
		wrong = append(wrong, strings.NewReplacer("model: ", "before:", "engine:", "after: ").Replace(line))
	}
	return wrong
}

// Any order of arrival, any grouping, everything told once or several times: the same amounts, months and accounts (§6).
func TestPermuted(t *testing.T) {
	relation{change: func(r *teller, tale *Tale) {
		events := tale.once()
		tale.Steps = tale.Steps[:1]
		r.inGroups(r.repeat(events))
	}, compare: same}.hold(t)
}

// once gives every event once.
func (t *Tale) once() (events []Event) {
	for _, e := range t.events() {
		if !slices.ContainsFunc(events, func(known Event) bool { return known.ID == e.ID }) {
			events = append(events, e)
		}
	}
	return events
}

// Everything told once more changes nothing.
func TestReplayed(t *testing.T) {
	relation{change: func(_ *teller, tale *Tale) {
		tale.Steps = append(tale.Steps, tale.Steps[1:]...)
	}, compare: same}.hold(t)
}

// What a card says of a category and a product that nobody buys changes nothing.
func TestIrrelevantEntry(t *testing.T) {
	relation{change: func(r *teller, tale *Tale) {
		for i := range tale.Program.Cards {
			c := &tale.Program.Cards[i]
			c.Entries = append(c.Entries, Entry{Category: "Home > Kitchen > Kettles > Copper", Rate: pick(r, rates)},
				Entry{Category: "Homes", Rate: 9999}, Entry{SKU: "KETTLE", Rate: 9999})
		}
	}, compare: same}.hold(t)
}

// All times moved alike leave creators, reasons and amounts as they are; months are others.
func TestShifted(t *testing.T) {
	relation{change: func(r *teller, tale *Tale) {
		shift(reflect.ValueOf(tale), instant(r.Int64N(int64(700*day)))-350*day)
	}, compare: func(before, after standing) []string {
		return same(before.withoutMonths(), after.withoutMonths())
	}}.hold(t)
}

// shift moves every instant in a value.
func shift(v reflect.Value, by instant) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			shift(v.Elem(), by)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			shift(v.Field(i), by)
		}
	case reflect.Slice:
		for i := range v.Len() {
			shift(v.Index(i), by)
		}
	case reflect.Int64:
		if v.Type() == reflect.TypeFor[instant]() && v.Int() != 0 {
			v.SetInt(v.Int() + int64(by))
		}
	}
}

// withoutMonths keeps of each line what does not speak of months, and no account.
func (s standing) withoutMonths() standing {
	kept := standing{}
	for what, stands := range s {
		if strings.HasPrefix(what, "line ") {
			words := strings.Split(stands, ", ")
			kept[what] = strings.Join(slices.DeleteFunc(words, func(w string) bool {
				return strings.HasPrefix(w, "20") || strings.HasPrefix(w, "base of")
			}), ", ")
		}
	}
	return kept
}

// Amounts and caps times k, rates as they are. Every rounding moves an amount by at most half a unit, that is k/2 of the
// scaled ones before, and 1/2 after. The earned base comes from two roundings, its commission from one more: E stays within
// 3/2 (k+1) of k times what it was; P and the promotion's part are differences of two such amounts.
func TestScaled(t *testing.T) {
	const k = 7
	relation{change: func(_ *teller, tale *Tale) { scale(tale, k) }, compare: func(before, after standing) (wrong []string) {
		for what, bound := range map[string]int64{"E": 3 * (k + 1) / 2, "fee": 3 * (k + 1) / 2, "P": 3 * (k + 1),
			"promotion": 3 * (k + 1)} {
			for line := range before {
				off := after.amount(line, what) - k*before.amount(line, what)
				if strings.HasPrefix(line, "line ") && max(off, -off) > bound {
					wrong = append(wrong, fmt.Sprintf("%s: %s is off by %d\n  before: %s\n  after:  %s", line, what, off,
						before[line], after[line]))
				}
			}
		}
		return wrong
	}}.hold(t)
}

// exact times an amount nothing rounds: any share of up to 6 units, at any rate in basis points.
const exact = 60 * wholeRate

// Where nothing rounds, everything is k times what it was, to the last unit, in every month and account.
func TestScaledExactly(t *testing.T) {
	const k = 7
	relation{prepare: func(tale *Tale) { scale(tale, exact) }, change: func(_ *teller, tale *Tale) { scale(tale, k) },
		compare: func(before, after standing) []string {
			for what, stands := range before {
				before[what] = amounts.ReplaceAllStringFunc(stands, func(text string) string {
					var n int64
					digits := strings.TrimSuffix(text, ",")
					fmt.Sscan(digits, &n)
					return fmt.Sprint(n*k) + text[len(digits):]
				})
				before[what] = creators.ReplaceAllString(before[what], creators.FindString(stands))
			}
			return same(before, after)
		}}.hold(t)
}

var (
	amounts  = regexp.MustCompile(`-?[0-9]+(,|$)`)
	creators = regexp.MustCompile(`^creator [0-9]+`)
)

// amount reads one amount of a line.
func (s standing) amount(line, what string) (n int64) {
	for _, words := range strings.Split(s[line], ", ") {
		if text, found := strings.CutPrefix(words, what+" "); found {
			fmt.Sscan(text, &n)
		}
	}
	return n
}

// A line split in two earns what the whole did, but for rounding: each half rounds its net and its commission, the whole
// its commission, which comes to less than 3 units.
func TestSplit(t *testing.T) {
	halves := func(l Line) (a, b Line) {
		a, b = l, l
		a.Quantity = l.Quantity / 2
		b.Quantity -= a.Quantity
		a.Net = part(l.Net, a.Quantity, l.Quantity)
		b.Net -= a.Net
		b.ID = l.ID + " second half"
		return a, b
	}
	relation{prepare: func(tale *Tale) { tale.shipInFull() }, change: func(_ *teller, tale *Tale) {
		for i := range tale.Steps {
			var events []Event
			for _, e := range tale.Steps[i].Events {
				if e.Placed == nil && e.Line != "" && e.Quantity > 1 {
					second := e
					e.Quantity /= 2
					second.Quantity -= e.Quantity
					second.Line, second.ID = e.Line+" second half", e.ID+" second half"
					events = append(events, second)
				} else if e.Placed != nil {
					var lines []Line
					for _, l := range e.Placed.Lines {
						if l.Quantity > 1 {
							a, b := halves(l)
							lines = append(lines, a, b)
						} else {
							lines = append(lines, l)
						}
					}
					e.Placed.Lines = lines
				}
				events = append(events, e)
			}
			tale.Steps[i].Events = events
		}
	}, compare: func(before, after standing) (wrong []string) {
		for line := range before {
			for what, bound := range map[string]int64{"P": 2, "E": 2, "fee": 2, "promotion": 4} {
				both := after.amount(line, what) + after.amount(line+" second half", what)
				if off := both - before.amount(line, what); strings.HasPrefix(line, "line ") && max(off, -off) > bound {
					wrong = append(wrong, fmt.Sprintf("%s: %s is off by %d\n  before: %s\n  after:  %s\n  and:    %s",
						line, what, off, before[line], after[line], after[line+" second half"]))
				}
			}
		}
		return wrong
	}}.hold(t)
}

// shipInFull lets the tale be one of orders that are shipped in full, or not at all.
func (t *Tale) shipInFull() {
	for i := range t.Steps {
		t.Steps[i].Events = slices.DeleteFunc(t.Steps[i].Events, func(e Event) bool { return e.Line != "" })
	}
	shipped := map[string]bool{}
	for _, e := range t.events() {
		if e.Placed == nil || len(e.Order)%2 == int(e.At)%2 {
			continue
		}
		for _, l := range e.Placed.Lines {
			if name := e.Order + "/" + l.ID; !l.Digital && !shipped[name] {
				shipped[name] = true
				t.Steps = append(t.Steps, Step{Events: []Event{{ID: "ships " + name, Type: "line.shipped", Order: e.Order,
					Line: l.ID, Quantity: l.Quantity, At: e.At}}})
			}
		}
	}
}

// scale multiplies what is money.
func scale(tale *Tale, k int64) {
	p := &tale.Program
	for i := range p.Cards {
		for n := range p.Cards[i].Entries {
			e := &p.Cards[i].Entries[n]
			e.Cap, e.Minimum = e.Cap*k, e.Minimum*k
		}
	}
	for i := range p.Contracts {
		p.Contracts[i].Cap *= k
	}
	for i := range p.Volumes {
		for n := range p.Volumes[i].Bands {
			p.Volumes[i].Bands[n].Above *= k
		}
	}
	for _, s := range tale.Steps {
		for i := range s.Events {
			e := &s.Events[i]
			if e.Amount != nil {
				amount := *e.Amount * k
				e.Amount = &amount
			}
			if e.Placed != nil {
				lines := slices.Clone(e.Placed.Lines)
				for n := range lines {
					lines[n].Net *= k
				}
				placed := *e.Placed
				placed.Lines, e.Placed = lines, &placed
			}
		}
	}
}
