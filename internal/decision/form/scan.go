package form

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
)

// scan walks JSON as encoding/json writes it, without white space. It follows the grammar as far as it needs it: whatever
// else it meets makes it fail, and then the whole form is read by encoding/json.
type scan struct {
	raw    string
	at     int
	failed bool
	texts  map[string]string // by what stands between the quotes
}

// next is the byte at which the scan stands; 0 at the end.
func (s *scan) next() byte {
	if s.at < len(s.raw) {
		return s.raw[s.at]
	}
	return 0
}

// pass goes beyond a text that must stand here.
func (s *scan) pass(text string) {
	if !strings.HasPrefix(s.raw[s.at:], text) {
		s.failed = true
		return
	}
	s.at += len(text)
}

// open enters an object or a list, and tells whether there is anything in it.
func (s *scan) open(left, right byte) bool {
	if s.next() != left {
		s.failed = true
		return false
	}
	if s.at++; s.next() == right {
		s.at++
		return false
	}
	return true
}

// another tells whether there is more in an object or a list, behind a member that was read.
func (s *scan) another(right byte) bool {
	switch c := s.next(); {
	case s.failed:
		return false
	case c == ',':
		s.at++
		return true
	case c == right:
		s.at++
		return false
	}
	s.failed = true
	return false
}

// quoted passes a text and gives what stands between its quotes.
func (s *scan) quoted() string {
	if s.next() != '"' {
		s.failed = true
		return ""
	}
	start := s.at + 1
	end := strings.IndexByte(s.raw[start:], '"')
	if end >= 0 && strings.IndexByte(s.raw[start:start+end], '\\') < 0 {
		s.at = start + end + 1
		return s.raw[start : start+end]
	}
	for i := start; i < len(s.raw); i++ {
		switch s.raw[i] {
		case '\\':
			i++
		case '"':
			s.at = i + 1
			return s.raw[start:i]
		}
	}
	s.failed = true
	return ""
}

// text reads a text.
func (s *scan) text() string {
	start := s.at
	inner := s.quoted()
	if s.failed || inner == "" {
		return ""
	}
	if found, known := s.texts[inner]; known {
		return found
	}
	if plain(inner) {
		return s.keep(inner)
	}
	var text string
	if json.Unmarshal([]byte(s.raw[start:s.at]), &text) != nil {
		s.failed = true
		return ""
	}
	s.remember(strings.Clone(inner), text)
	return text
}

// keep gives a text that stands as it is, without holding what it is a part of.
func (s *scan) keep(text string) string {
	if found, known := s.texts[text]; known {
		return found
	}
	text = strings.Clone(text)
	s.remember(text, text)
	return text
}

func (s *scan) remember(inner, text string) {
	if len(s.texts) >= kept {
		clear(s.texts)
	}
	s.texts[inner] = text
}

// digits is how many digits a whole number has at most. So many fit 64 bits without a sign, whatever they are.
const digits = 19

// number reads a whole number.
func (s *scan) number() int64 {
	negative := s.next() == '-'
	if negative {
		s.at++
	}
	start, n := s.at, uint64(0)
	for ; s.at < len(s.raw); s.at++ {
		digit := s.raw[s.at] - '0'
		if digit > 9 {
			break
		}
		n = n*10 + uint64(digit)
	}
	switch length := s.at - start; {
	case length == 0, length > digits, n > math.MaxInt64, length > 1 && s.raw[start] == '0', s.next() == '.', s.next()|' ' == 'e':
		s.failed = true
	}
	if negative {
		return -int64(n)
	}
	return int64(n)
}

// small reads a number of one byte.
func (s *scan) small(v reflect.Value) {
	n := s.number()
	if n < 0 || n > math.MaxUint8 {
		s.failed = true
		return
	}
	v.SetUint(uint64(n))
}

func (s *scan) truth() bool {
	if s.next() == 't' {
		s.pass("true")
		return true
	}
	s.pass("false")
	return false
}

// value passes any value and gives its text.
func (s *scan) value() string {
	start, depth := s.at, 0
	for s.at < len(s.raw) && !s.failed {
		switch s.raw[s.at] {
		case '"':
			s.quoted()
			if depth == 0 {
				return s.raw[start:s.at]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // behind a number or a word
				return s.raw[start:s.at]
			}
			if depth--; depth == 0 {
				s.at++
				return s.raw[start:s.at]
			}
		case ',':
			if depth == 0 {
				return s.raw[start:s.at]
			}
		}
		s.at++
	}
	s.failed = s.failed || depth > 0 || s.at == start
	return s.raw[start:s.at]
}
