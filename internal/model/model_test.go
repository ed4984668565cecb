package model

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// linesWanted is how many lines a normal run compares; MODEL_LINES sets another number, MODEL_SEED the first seed.
const linesWanted = 20_000

// talesPerDatabase keeps a database small: marketplaces are read together.
const talesPerDatabase = 150

// The part of a normal run that is enough in a short one, and on PostgreSQL: the rules are the same code on both engines,
// and what differs shows early.
const (
	inShort  = 5
	onServer = 10
)

// number reads how much is asked for.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	switch {
	case text != "":
	case os.Getenv("TEST_DB") != "":
		return max(otherwise/onServer, 1)
	case testing.Short():
		return max(otherwise/inShort, 1)
	default:
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// The engine against the model, on random marketplaces: no difference in any amount, reason, creator, month or account.
func TestEngineAgainstModel(t *testing.T) {
	wanted, seed := int(number(t, "MODEL_LINES", linesWanted)), number(t, "MODEL_SEED", 1)
	lines, shown := 0, 0
	for lines < wanted && shown < 5 {
		t.Run(fmt.Sprint("from seed ", seed), func(t *testing.T) {
			es := newEngines(t)
			for range talesPerDatabase {
				tale := generate(seed)
				found, n := es.compare(tale)
				if len(found) > 0 {
					shown++
					small := es.reduce(tale)
					found, _ = es.compare(small)
					t.Errorf("seed %d: %s\n%s", seed, small.text(), strings.Join(found, "\n"))
					keep(t, small, seed)
				}
				seed, lines = seed+1, lines+n
				if lines >= wanted || shown >= 5 {
					break
				}
			}
			if es.drifted > 3 {
				t.Errorf("%d tales differ in their months", es.drifted)
			}
			if shown == 0 {
				es.audit()
			}
		})
		if wanted > linesWanted {
			fmt.Fprintf(os.Stderr, "model: %d of %d lines compared, next seed %d\n", lines, wanted, seed)
		}
	}
}

// keep writes a tale that was found into the folder that MODEL_KEEP names: testdata, once the difference is understood.
func keep(t *testing.T, tale *Tale, seed uint64) {
	if folder := os.Getenv("MODEL_KEEP"); folder != "" {
		path := filepath.Join(folder, fmt.Sprintf("seed-%d.json", seed))
		if err := os.WriteFile(path, []byte(tale.text()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// What was found once is lived again in every run.
func TestFoundTales(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	es := newEngines(t)
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var tale Tale
		if err := json.Unmarshal(raw, &tale); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if found, _ := es.compare(&tale); len(found) > 0 {
			t.Errorf("%s: %s\n%s", path, tale.Words, strings.Join(found, "\n"))
		}
	}
	es.audit()
}

// compare lets a tale be lived by both, and says where they differ.
func (es *engines) compare(tale *Tale) (found []string, lines int) {
	m := newMarket(tale.Program, tale.Begin)
	fates := m.live(tale.Steps)
	e := es.open(tale)
	defer e.Close()
	if answers := e.live(); !slices.Equal(fates, answers) {
		for i, event := range tale.events() {
			if fates[i] != answers[i] {
				found = append(found, fmt.Sprintf("event %s, the %dth\n  model:  %s\n  engine: %s", event.ID, i+1,
					fates[i], answers[i]))
			}
		}
	}
	for _, o := range m.orders {
		lines += len(o.lines)
	}
	model, engine := m.stands(), e.stands()
	if wrong := differences(model, engine); len(wrong) > 0 {
		strict := !tale.movesOn() || monthsStay && !tale.idle()
		if strict || !drifted(model, engine) {
			return append(found, wrong...), lines
		}
		es.drifted++
	}
	return found, lines
}

// idle tells whether what is due does not always run: a lapse that is posted late may find another month closed.
func (t *Tale) idle() bool { return slices.ContainsFunc(t.Steps, func(s Step) bool { return s.Idle }) }

// movesOn tells whether the clock moves after the first events.
func (t *Tale) movesOn() bool {
	first := slices.IndexFunc(t.Steps, func(s Step) bool { return len(s.Events) > 0 })
	return first >= 0 && slices.ContainsFunc(t.Steps[first:], func(s Step) bool { return s.Clock != 0 })
}

func (t *Tale) events() (all []Event) {
	for _, s := range t.Steps {
		all = append(all, s.Events...)
	}
	return all
}
