package rates

import (
	"bytes"
	"slices"
	"strings"
)

// cut gives the lines of one section of a rates file, from its name to where the next one begins; nil where it is not
// there as lines of its own.
func cut(text []byte, section string) []byte {
	from, until := find(text, section)
	if from < 0 {
		return nil
	}
	return slices.Concat(bytes.TrimRight(text[from:until], "\n"), []byte("\n"))
}

// splice puts a section in the place of the one of the same name, or at the end. Notes above it stay, notes within go.
func splice(text []byte, section string, with []byte) []byte {
	from, until := find(text, section)
	if from < 0 {
		if with == nil {
			return text
		}
		return bytes.Join([][]byte{bytes.TrimRight(text, "\n"), with}, []byte("\n\n"))
	}
	rest := text[until:]
	out := append(append([]byte{}, text[:from]...), with...)
	if len(rest) > 0 {
		out = append(out, '\n')
	}
	return append(out, bytes.TrimLeft(rest, "\n")...)
}

// find gives where a section begins and ends. It ends where the next name stands at the margin; notes and empty lines
// before that name belong to what follows.
func find(text []byte, section string) (from, until int) {
	from, until = -1, len(text)
	at, end := 0, 0 // end: behind the last line that belongs to the section
	for line := range bytes.Lines(text) {
		margin := string(bytes.TrimRight(line, " \r\n"))
		blank := margin == "" || margin[0] == '#'
		switch {
		case from < 0:
			if name, _, found := strings.Cut(margin, ":"); found && strings.Trim(name, `"'`) == section {
				from, end = at, at+len(line)
			}
		case blank:
		case margin[0] == ' ' || margin[0] == '-' || margin[0] == '}' || margin[0] == ']':
			end = at + len(line)
		default:
			return from, end
		}
		at += len(line)
	}
	if from >= 0 {
		until = end
	}
	return from, until
}

// setLine sets, replaces or, with an empty value, removes a line such as `default: 4` right within a section.
func setLine(text []byte, section, key, value string) []byte {
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = slices.Concat(text, []byte("\n"))
	}
	from, until := find(text, section)
	if from < 0 {
		return text
	}
	var out []byte
	at, done := 0, false
	for line := range bytes.Lines(text) {
		inside := at >= from && at < until
		at += len(line)
		name, rest, found := strings.Cut(string(line), ":")
		indent := len(name) - len(strings.TrimLeft(name, " "))
		if done || !inside || !found || strings.TrimSpace(name) != key || indent > len(margin) {
			out = append(out, line...)
			continue
		}
		if done = true; value == "" {
			continue
		}
		note := ""
		if _, after, noted := strings.Cut(rest, "#"); noted {
			note = "  #" + strings.TrimRight(after, "\n")
		}
		out = append(out, name+": "+value+note+"\n"...)
	}
	if done || value == "" {
		return out
	}
	head := from + bytes.IndexByte(text[from:], '\n') + 1
	return bytes.Join([][]byte{text[:head], []byte(margin + key + ": " + value + "\n"), text[head:]}, nil)
}

// margin is how far the parts of a section stand in, as the product writes them.
const margin = "  "
