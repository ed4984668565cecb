// Package form reads stored forms, many thousands of them: JSON as decision.Encode writes it, some eight times as quick as
// encoding/json. It looks at a type once; it expects members in the order of the type's fields, as they are written; and
// it keeps what comes again and again (texts, and values of types that it is told to keep) instead of making it anew.
//
// What must always hold: whatever it reads is what encoding/json reads. A form that it does not understand at once it
// leaves to encoding/json altogether, and then also an error is that package's.
//
// It knows no form by name. What it gives may share texts, pointers and lists with what it gave before, and must not be
// changed. A Reader belongs to one goroutine.
package form

import (
	"encoding/json"
	"reflect"
	"strings"
	"unicode/utf8"
)

// kept bounds how many texts, and values of each kind, a Reader remembers: far above what the policies, entries and names
// of a marketplace come to, and a few megabytes where nothing comes twice.
const kept = 10_000

// Reader reads values of one type.
type Reader[T any] struct {
	scan
	whole reading
	left  int
}

// Left is how many forms were left to encoding/json so far: none, as long as they are written as they are read.
func (r *Reader[T]) Left() int { return r.left }

// New looks at a type. always are zero values of types of which few different values exist, each of some size: policies,
// entries of rate cards.
func New[T any](always ...any) *Reader[T] {
	p := plan{known: map[reflect.Type]*reading{}, keep: map[reflect.Type]bool{}}
	for _, one := range always {
		p.keep[reflect.TypeOf(one)] = true
	}
	return &Reader[T]{scan: scan{texts: map[string]string{}}, whole: p.of(reflect.TypeFor[T]())}
}

// Read reads a form into a value that is empty.
func (r *Reader[T]) Read(text string, into *T) error {
	r.raw, r.at, r.failed = text, 0, false
	if r.whole(&r.scan, reflect.ValueOf(into).Elem()); !r.failed && r.at == len(text) {
		return nil
	}
	r.left++
	*into = *new(T)
	return json.Unmarshal([]byte(text), into)
}

// reading reads a value of one type where the scan stands.
type reading func(*scan, reflect.Value)

// plan is how the types within a type are read. A type that is met within itself is read by what stands in known by then.
type plan struct {
	known map[reflect.Type]*reading
	keep  map[reflect.Type]bool
}

var asJSON = reflect.TypeFor[json.Unmarshaler]()

func (p *plan) of(t reflect.Type) reading {
	if found := p.known[t]; found != nil {
		if *found != nil {
			return *found
		}
		return func(s *scan, v reflect.Value) { (*found)(s, v) }
	}
	read := new(reading)
	p.known[t] = read
	if *read = p.make(t); p.keep[t] {
		*read = remembered(*read)
	}
	return *read
}

func (p *plan) make(t reflect.Type) reading {
	if reflect.PointerTo(t).Implements(asJSON) {
		return rare
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(s *scan, v reflect.Value) { v.SetBool(s.truth()) }
	case reflect.Int, reflect.Int64:
		return func(s *scan, v reflect.Value) { v.SetInt(s.number()) }
	case reflect.Uint8:
		return func(s *scan, v reflect.Value) { s.small(v) }
	case reflect.String:
		return func(s *scan, v reflect.Value) { v.SetString(s.text()) }
	case reflect.Pointer:
		return pointer(t.Elem(), p.of(t.Elem()))
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return rare // base64
		}
		return list(p.of(t.Elem()))
	case reflect.Struct:
		return p.object(t)
	}
	if t == reflect.TypeFor[map[string]int64]() {
		return amounts
	}
	return rare
}

// rare leaves one value to encoding/json.
func rare(s *scan, v reflect.Value) {
	if raw := s.value(); !s.failed && json.Unmarshal([]byte(raw), v.Addr().Interface()) != nil {
		s.failed = true
	}
}

// memory is values of one type by their texts, with the one that came last.
type memory struct {
	values map[string]reflect.Value
	last   string // ends with a bracket: whatever begins with it is it
	latest reflect.Value
}

// remembered reads a value once and gives it again wherever the same text stands.
func remembered(read reading) reading {
	m := &memory{values: map[string]reflect.Value{}}
	return func(s *scan, v reflect.Value) {
		if m.last != "" && strings.HasPrefix(s.raw[s.at:], m.last) {
			s.at += len(m.last)
			v.Set(m.latest)
			return
		}
		start := s.at
		raw := s.value()
		if s.failed {
			return
		}
		found, known := m.values[raw]
		if known {
			v.Set(found)
		} else {
			s.at = start
			if read(s, v); s.failed {
				return
			}
			found = reflect.New(v.Type()).Elem()
			found.Set(v)
			if len(m.values) >= kept {
				clear(m.values)
			}
			m.values[strings.Clone(raw)] = found
		}
		if c := raw[len(raw)-1]; c == '}' || c == ']' {
			m.last, m.latest = strings.Clone(raw), found
		}
	}
}

func pointer(to reflect.Type, read reading) reading {
	return func(s *scan, v reflect.Value) {
		if s.next() == 'n' {
			s.pass("null")
			return
		}
		v.Set(reflect.New(to))
		read(s, v.Elem())
	}
}

func list(read reading) reading {
	return func(s *scan, v reflect.Value) {
		if s.next() == 'n' {
			s.pass("null")
			return
		}
		if !s.open('[', ']') {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
			return
		}
		for n, more := 0, true; more; n++ {
			if n == v.Cap() {
				v.Grow(1)
			}
			v.SetLen(n + 1)
			read(s, v.Index(n))
			more = s.another(']')
		}
	}
}

// amounts reads amounts by month, the one kind of map in stored forms.
func amounts(s *scan, v reflect.Value) {
	if s.next() == 'n' {
		s.pass("null")
		return
	}
	found := make(map[string]int64, 2)
	*v.Addr().Interface().(*map[string]int64) = found
	for more := s.open('{', '}'); more; more = s.another('}') {
		name := s.quoted()
		s.pass(":")
		if _, known := s.texts[name]; !known && !plain(name) {
			s.failed = true
			return
		}
		found[s.keep(name)] = s.number()
	}
}

// field is a member of an object, and where it goes.
type field struct {
	name  string // as it stands: in quotes, with the colon behind it
	index []int  // more than one step: within embedded structs
	read  reading
}

// object reads members into fields. They must come in the order of the fields; those that are empty are left out.
func (p *plan) object(t reflect.Type) reading {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
			continue
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			continue // its own fields are visible, too
		case !plain(name) || name == "" || f.Anonymous || hidden(t, f):
			return rare // rules of encoding/json that no stored form needs
		}
		fields = append(fields, field{`"` + name + `":`, f.Index, p.of(f.Type)})
	}
	return func(s *scan, v reflect.Value) {
		next := 0
		for more := s.open('{', '}'); more; more = s.another('}') {
			for next < len(fields) && !strings.HasPrefix(s.raw[s.at:], fields[next].name) {
				next++
			}
			if next == len(fields) {
				s.failed = true
				return
			}
			f := &fields[next]
			next++
			s.at += len(f.name)
			at := v.Field(f.index[0])
			for _, step := range f.index[1:] {
				at = at.Field(step)
			}
			f.read(s, at)
		}
	}
}

// hidden tells whether two fields have one name among members.
func hidden(t reflect.Type, f reflect.StructField) bool {
	count := 0
	for _, other := range reflect.VisibleFields(t) {
		if other.Tag.Get("json") == f.Tag.Get("json") {
			count++
		}
	}
	return count > 1
}

// plain tells whether a text stands between its quotes as it is.
func plain(text string) bool {
	ascii := true
	for i := range len(text) {
		c := text[i]
		if c == '\\' || c < ' ' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(text)
}
