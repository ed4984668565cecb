package house

import (
	"fmt"
	"strings"
)

// room is a row of ARCHITECTURE.md.
type room struct {
	name      string // as the table writes it: `money`, `web/creator`, `cmd/tributary`
	section   string
	sentence  string
	notYet    bool
	testsOnly bool
	allowed   map[string]bool // names of rooms it may import
}

const (
	markNotYet    = "not yet built"
	markTestsOnly = "(tests only)"
	allAbove      = "all above"
)

// readTable reads the rooms in their order. A room may only name rooms above its own row, so the table itself cannot
// describe a cycle or an import that runs back.
func readTable(text string) (rooms []room, problems []string) {
	section := ""
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "### "); ok {
			section = heading
			continue
		}
		if strings.HasPrefix(line, "## ") {
			section = ""
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		name := strings.TrimSpace(cells[0])
		if section == "" || len(cells) != 3 || !strings.HasPrefix(name, "`") {
			continue
		}
		r := room{name: strings.Trim(name, "`"), section: section, sentence: strings.TrimSpace(cells[1])}
		r.notYet = strings.Contains(r.sentence, markNotYet)
		r.testsOnly = strings.Contains(r.sentence, markTestsOnly)
		if seen[r.name] {
			problems = append(problems, fmt.Sprintf("ARCHITECTURE.md names `%s` twice", r.name))
			continue
		}
		var wrong []string
		r.allowed, wrong = readAllowed(strings.TrimSpace(cells[2]), section, rooms)
		for _, item := range wrong {
			problems = append(problems, fmt.Sprintf("ARCHITECTURE.md: the row of `%s` allows %q, which is neither a row above it, "+
				"nor a section with rows above it, nor %q", r.name, item, allAbove))
		}
		seen[r.name] = true
		rooms = append(rooms, r)
	}
	if len(rooms) == 0 {
		problems = append(problems, "ARCHITECTURE.md holds no table of rooms")
	}
	return rooms, problems
}

// readAllowed turns the last cell of a row into names. Rooms that only tests use are never part of a section.
func readAllowed(cell, section string, above []room) (allowed map[string]bool, wrong []string) {
	allowed = map[string]bool{}
	if cell == "–" {
		return allowed, nil
	}
	for item := range strings.SplitSeq(cell, ",") {
		item = strings.TrimSpace(item)
		found := false
		for _, r := range above {
			byName := item == "`"+r.name+"`"
			bySection := !r.testsOnly && (item == r.section || item == allAbove)
			if byName || bySection {
				allowed[r.name] = true
				found = true
			}
		}
		// The first row of a section may name its own section, so that rows can be moved without editing.
		if !found && item != section {
			wrong = append(wrong, item)
		}
	}
	return allowed, wrong
}
