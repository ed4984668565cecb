package ratefile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// Amendment is one entry of a card as a form changes it: in the text that a person wrote.
type Amendment struct {
	Kind   ratecard.Kind
	Card   int            // 0: the first card of the section, 1 and on: those under coming
	Entry  ratecard.Entry // with its category or sku
	Remove bool           // no entry any more
}

// Amend changes one entry in the text of a file and leaves the rest as it was written, comments included, as far as the
// entry has a line of its own; else it writes the file anew. Either way the text says the same but for that entry.
func Amend(raw []byte, m market.Market, a Amendment) ([]byte, error) {
	f, err := Parse(raw, m)
	if err != nil {
		return nil, err
	}
	cards := f.Cards[a.Kind]
	if a.Card < 0 || a.Card >= len(cards) {
		return nil, fault.New(fault.NotFound, "card", "the file has no such card", "read the draft again")
	}
	card := &cards[a.Card]
	a.Entry.Category = ratecard.Card{Entries: []ratecard.Entry{a.Entry}}.Clean().Entries[0].Category
	at := slices.IndexFunc(card.Entries, func(e ratecard.Entry) bool { return e.Text() == a.Entry.Text() })
	last := -1 // behind which a new entry goes
	for i, e := range card.Entries {
		if (e.SKU == "") == (a.Entry.SKU == "") {
			last = i
		}
	}
	text := (&writer{market: m}).entry(a.Entry)
	lines := bytes.SplitAfter(raw, []byte("\n"))
	var changed []byte
	switch {
	case at >= 0 && a.Remove:
		if _, ok := alone(raw, card.entries[at].line); ok {
			changed = bytes.Join(slices.Delete(lines, card.entries[at].line-1, card.entries[at].line), nil)
		}
		card.Entries, card.entries = slices.Delete(card.Entries, at, at+1), slices.Delete(card.entries, at, at+1)
	case a.Remove:
		return raw, nil
	case at >= 0:
		if span, ok := alone(raw, card.entries[at].line); ok {
			line := []rune(string(lines[card.entries[at].line-1]))
			lines[card.entries[at].line-1] = []byte(string(line[:span.from]) + " " + text + string(line[span.until:]))
			changed = bytes.Join(lines, nil)
		}
		card.Entries[at] = a.Entry
	default:
		if last >= 0 {
			changed = insert(raw, lines, card.entries[last].line, a.Entry, text)
		}
		card.Entries, card.entries = append(card.Entries, a.Entry), append(card.entries, card.spot)
	}
	if err := card.relocate(card.Card.Check()); err != nil && !card.Effective.IsZero() {
		return nil, err
	}
	if says(changed, f) {
		return changed, nil
	}
	return f.Text(), nil
}

// insert puts a new entry on a line behind another one.
func insert(raw []byte, lines [][]byte, behind int, e ratecard.Entry, text string) []byte {
	if _, ok := alone(raw, behind); !ok {
		return nil
	}
	line := string(lines[behind-1])
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	if !strings.HasSuffix(line, "\n") {
		lines[behind-1] = []byte(line + "\n")
	}
	name := e.Category
	if e.SKU != "" {
		name = e.SKU
	}
	return bytes.Join(slices.Insert(lines, behind, []byte(indent+quoted(name)+": "+text+"\n")), nil)
}

// span is a part of a line, in characters.
type span struct{ from, until int }

// alone tells whether a line holds one name with its whole value and nothing else but a comment, and where the value
// stands, from behind the colon.
func alone(raw []byte, line int) (value span, ok bool) {
	var on []*token.Token
	tokens := lexer.Tokenize(string(raw))
	next := (*token.Token)(nil)
	for _, t := range tokens {
		switch {
		case t.Position.Line == line:
			on = append(on, t)
		case t.Position.Line > line && next == nil:
			next = t
		}
	}
	if len(on) < 3 || on[1].Type != token.MappingValueType || on[1].Position.Column < 1 {
		return span{}, false
	}
	length := len([]rune(strings.TrimRight(string(bytes.Split(raw, []byte("\n"))[line-1]), " \r")))
	value = span{on[1].Position.Column, length}
	depth := 0
	for i, t := range on[2:] {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.CommentType:
			if i == 0 {
				return span{}, false
			}
			// The blanks before a comment stay as they are.
			head := []rune(string(bytes.Split(raw, []byte("\n"))[line-1]))[:t.Position.Column-1]
			value.until = len([]rune(strings.TrimRight(string(head), " ")))
		case token.CollectEntryType:
			if depth == 0 {
				return span{}, false
			}
		}
	}
	return value, depth == 0 && value.until > value.from
}

// says tells whether a text can be read and says what a file does, wherever it stands.
func says(text []byte, f *File) bool {
	if text == nil {
		return false
	}
	read, err := Parse(text, f.Market)
	if err != nil {
		return false
	}
	return bytes.Equal(read.Text(), f.Text())
}
