package product

import (
	"strings"

	"tributary/internal/fault"
)

// Separator stands between the levels of a category path: `Home > Kitchen > Kettles`.
const Separator = " > "

// Limits of a category path. Real trees are four to six levels deep; more is a mistake in a feed.
const (
	maxCategory = 300 // bytes
	maxLevels   = 8
)

// CleanCategory writes a category path in its one form: levels trimmed, empty ones left out, `Separator` between them.
// Paths are compared as they are written, capitals included. A path that is clean already is returned as it is, without
// allocating: rates are looked up with every line.
func CleanCategory(path string) string {
	if isClean(path) {
		return path
	}
	levels := strings.Split(path, ">")
	kept := levels[:0]
	for _, level := range levels {
		if level = strings.Join(strings.Fields(level), " "); level != "" {
			kept = append(kept, level)
		}
	}
	return strings.Join(kept, Separator)
}

// isClean tells for certain that CleanCategory would change nothing; false may also mean "not known". White space beyond
// ASCII begins with one of four bytes in UTF-8, and a path that holds one of these is looked at in full.
func isClean(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c < ' ' || c == 0x7f || c == 0xc2 || (c >= 0xe1 && c <= 0xe3):
			return false
		case c == '>': // needs a level and a space on either side; the spaces' own rule refuses more than one
			if i < 2 || i+2 >= len(path) || path[i-1] != ' ' || path[i+1] != ' ' || path[i+2] == '>' {
				return false
			}
		case c == ' ':
			if i == 0 || i == len(path)-1 || path[i-1] == ' ' {
				return false
			}
		}
	}
	return true
}

// CheckCategory refuses a path that cannot be kept. An empty one is allowed: such a product takes the default rate.
func CheckCategory(field, path string) error {
	switch {
	case len(path) > maxCategory:
		return fault.Invalidf(field, "is longer than %d bytes", "shorten the names of its levels", maxCategory)
	case strings.Count(path, ">") >= maxLevels:
		return fault.Invalidf(field, "has more than %d levels", "leave out the last ones", maxLevels)
	}
	return checkText(field, path)
}

// Parent cuts the last level off a clean path; false when none is left above.
func Parent(path string) (string, bool) {
	cut := strings.LastIndex(path, Separator)
	if cut < 0 {
		return "", false
	}
	return path[:cut], true
}

// Ancestors lists a clean path and everything above it, nearest first: the order in which a rate is looked up.
func Ancestors(path string) []string {
	if path == "" {
		return nil
	}
	all := []string{path}
	for above, ok := Parent(path); ok; above, ok = Parent(above) {
		all = append(all, above)
	}
	return all
}

// Under tells whether a clean path is that category or lies beneath it.
func Under(path, category string) bool {
	rest, ok := strings.CutPrefix(path, category)
	return ok && (rest == "" || strings.HasPrefix(rest, Separator))
}
