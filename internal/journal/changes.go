package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Change is one value that is another one afterwards. Path names it: `state`, `sites[2].address`.
type Change struct {
	Path   string
	Before string // as text; empty where it was not there
	After  string
	Added  bool // it was not there before
	Gone   bool // it is not there any more
}

// maxChanges bounds what is shown of one entry; two values of 16 kB have no more members than that.
const maxChanges = 500

// Changes tells what differs between two values (anything that becomes JSON), by path and in order. Lists are compared
// place by place. A value without members has the empty path.
func Changes(before, after any) []Change {
	left, err := tree(before)
	if err != nil {
		return nil
	}
	right, err := tree(after)
	if err != nil {
		return nil
	}
	var all []Change
	compare("", left, right, &all)
	return all
}

func tree(v any) (any, error) {
	if v == nil {
		return missing{}, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return parse(text)
}

// parse reads JSON with numbers as they are written.
func parse(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	err := decoder.Decode(&v)
	return v, err
}

// missing is a value that is not there; JSON's own null is one that is.
type missing struct{}

func compare(path string, left, right any, all *[]Change) {
	if len(*all) == maxChanges {
		return
	}
	l, r := members(left), members(right)
	_, leaveOut := left.(missing)
	_, takenOut := right.(missing)
	switch {
	case l != nil && (r != nil || takenOut), r != nil && leaveOut:
		names := keys(l)
		for _, name := range keys(r) {
			if _, both := l[name]; !both {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			_, list := left.([]any)
			_, newList := right.([]any)
			order(names, list || newList)
			for _, name := range names {
				compare(join(path, name, list || newList), at(l, name), at(r, name), all)
			}
			return
		}
	}
	before, after := write(left), write(right)
	if before == after && leaveOut == takenOut {
		return
	}
	*all = append(*all, Change{Path: path, Before: before, After: after, Added: leaveOut, Gone: takenOut})
}

// members gives an object's members, and a list's by their numbers; nil for anything else.
func members(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case []any:
		numbered := make(map[string]any, len(v))
		for i, one := range v {
			numbered[strconv.Itoa(i)] = one
		}
		return numbered
	}
	return nil
}

func at(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	return missing{}
}

func keys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func order(names []string, numbers bool) {
	slices.SortFunc(names, func(a, b string) int {
		if numbers && len(a) != len(b) {
			return len(a) - len(b)
		}
		if a < b {
			return -1
		}
		return 1
	})
}

func join(path, name string, number bool) string {
	switch {
	case number:
		return path + "[" + name + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// write shows a value as a person reads it: a text without quotes, a list or an object as JSON.
func write(v any) string {
	switch v := v.(type) {
	case missing:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
