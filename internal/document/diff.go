package document

import "strings"

// Op says what became of a paragraph.
type Op string

// What may become of one.
const (
	Same    Op = "same"
	Added   Op = "added"
	Removed Op = "removed"
)

// Part is a paragraph of two versions compared: of both, of the later alone, or of the earlier alone.
type Part struct {
	Op   Op
	Text string // Markdown
}

// Diff compares two texts paragraph by paragraph: the longest common part stays, what is gone stands before what came in
// its place.
func Diff(from, to string) (parts []Part) {
	a, b := paragraphs(from), paragraphs(to)
	begin := 0
	for begin < len(a) && begin < len(b) && a[begin] == b[begin] {
		parts = append(parts, Part{Same, a[begin]})
		begin++
	}
	endA, endB := len(a), len(b)
	for endA > begin && endB > begin && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	parts = append(parts, between(a[begin:endA], b[begin:endB])...)
	for _, text := range a[endA:] {
		parts = append(parts, Part{Same, text})
	}
	return parts
}

// between compares what lies between the common beginning and the common end. MaxParts bounds its table.
func between(a, b []string) (parts []Part) {
	common := make([][]int, len(a)+1) // [i][j] is the length of the longest common part of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			parts = append(parts, Part{Same, a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			parts = append(parts, Part{Removed, a[i]})
			i++
		default:
			parts = append(parts, Part{Added, b[j]})
			j++
		}
	}
	return parts
}

// paragraphs splits a text where a line is empty; spaces at the ends of lines mean nothing.
func paragraphs(body string) (all []string) {
	var lines []string
	end := func() {
		if len(lines) > 0 {
			all = append(all, strings.Join(lines, "\n"))
			lines = nil
		}
	}
	for line := range strings.Lines(body) {
		if line = strings.TrimRight(line, " \t\r\n"); line == "" {
			end()
			continue
		}
		lines = append(lines, line)
	}
	end()
	return all
}
