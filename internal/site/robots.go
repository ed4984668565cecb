package site

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of a robots.txt. What is beyond them is not read.
const (
	maxRules    = 2000
	maxPattern  = 1000 // bytes
	maxSitemaps = 10
	maxDelay    = 60 * time.Second
)

// robots is what a host lets a crawler do (RFC 9309, and the two lines that are older than it: Crawl-delay, Sitemap).
type robots struct {
	rules    []rule
	delay    time.Duration
	sitemaps []string
}

type rule struct {
	allow   bool
	pattern string
}

// readRobots reads the groups for our name, or else those for all. It takes whatever text there is.
func readRobots(text, name string) robots {
	var all, own robots
	var sitemaps []string
	named := false
	var into []*robots // the groups that the line belongs to
	inAgents := false
	for line := range strings.Lines(strings.ReplaceAll(strings.TrimPrefix(text, "\uFEFF"), "\r", "\n")) {
		line, _, _ = strings.Cut(line, "#")
		field, value, found := strings.Cut(line, ":")
		if field, value = strings.ToLower(strings.TrimSpace(field)), strings.TrimSpace(value); !found {
			continue
		}
		switch field {
		case "user-agent": // several in a row share the rules that follow; the next after a rule begins another group
			if !inAgents {
				into = nil
			}
			inAgents = true
			if value == "*" {
				into = append(into, &all)
			} else if isName(value, name) {
				into, named = append(into, &own), true
			}
			continue
		case "sitemap":
			if len(sitemaps) < maxSitemaps && len(value) <= maxPattern {
				sitemaps = append(sitemaps, value)
			}
			continue // belongs to no group
		}
		inAgents = false
		for _, group := range into {
			group.add(field, value)
		}
	}
	found := all
	if named {
		found = own
	}
	found.sitemaps = sitemaps
	return found
}

// isName compares an agent's name without its version.
func isName(value, name string) bool {
	end := strings.IndexFunc(value, func(r rune) bool {
		return !(r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
	if end >= 0 {
		value = value[:end]
	}
	return strings.EqualFold(value, name)
}

func (r *robots) add(field, value string) {
	switch field {
	case "allow", "disallow":
		if value != "" && len(value) <= maxPattern && len(r.rules) < maxRules { // an empty one says nothing
			r.rules = append(r.rules, rule{field == "allow", escaped(value)})
		}
	case "crawl-delay":
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
			r.delay = time.Duration(min(seconds, maxDelay.Seconds()) * float64(time.Second))
		}
	}
}

// allows tells whether an address may be fetched: the longest rule that fits decides, the allowing one of two as long.
func (r *robots) allows(u *url.URL) bool {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	path = escaped(path)
	if path == "/robots.txt" { // always: how else would its change be seen
		return true
	}
	longest, allowed := -1, true
	for _, one := range r.rules {
		if len(one.pattern) < longest || len(one.pattern) == longest && allowed || !fits(one.pattern, path) {
			continue
		}
		longest, allowed = len(one.pattern), one.allow
	}
	return allowed
}

// escaped writes a path or pattern so that two ways to write the same letter compare equal: percent signs stand for what
// needs them only, with capital digits.
func escaped(path string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) {
			if value, err := strconv.ParseUint(path[i+1:i+3], 16, 8); err == nil {
				if plain := byte(value); isPlain(plain) {
					out.WriteByte(plain)
				} else {
					out.WriteString("%" + string(digits[plain>>4]) + string(digits[plain&15]))
				}
				i += 2
				continue
			}
		}
		if c < 0x21 || c > 0x7e {
			out.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

// isPlain: letters, digits and marks that never need a percent sign (RFC 3986, unreserved).
func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// fits matches a path from its beginning; * stands for anything, $ at the end for the end. It goes back to the last star
// only, so it takes at most the product of both lengths.
func fits(pattern, path string) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	if !whole {
		pattern += "*"
	}
	at, star, resume := 0, -1, 0
	for i := 0; i < len(path); {
		switch {
		case at < len(pattern) && pattern[at] == '*':
			star, resume = at, i
			at++
		case at < len(pattern) && pattern[at] == path[i]:
			at++
			i++
		case star >= 0:
			resume++
			at, i = star+1, resume
		default:
			return false
		}
		if star >= 0 && star == len(pattern)-1 && at == len(pattern) {
			return true // what is left is anything
		}
	}
	return strings.Trim(pattern[at:], "*") == ""
}
