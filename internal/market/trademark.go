package market

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"tributary/internal/fault"
)

// Trademarks are the operator's own words, on which nobody may buy ads for links that earn (docs/spec.md §5.10). They are
// compared whole word by whole word, without case, in one spelling of each letter, and without what stands between words.
type Trademarks struct{ phrases []string }

// Limits of the list. Whoever needs more of them wants a pattern, which this is not.
const (
	maxTrademarks = 200
	maxTrademark  = 100 // characters
)

// NewTrademarks makes the list ready to compare with.
func NewTrademarks(words []string) Trademarks {
	var t Trademarks
	for _, word := range words {
		if phrase := spell(word); phrase != blank {
			t.phrases = append(t.phrases, phrase)
		}
	}
	return t
}

// None tells whether there is nothing to compare with, at no cost.
func (t Trademarks) None() bool { return len(t.phrases) == 0 }

// Match compares a text: whole says that it is one of the trademarks and nothing else, within that it holds one.
func (t Trademarks) Match(text string) (whole, within bool) {
	if t.None() || text == "" {
		return false, false
	}
	spelled := spell(text)
	for _, phrase := range t.phrases {
		whole = whole || spelled == phrase
		within = within || strings.Contains(spelled, phrase)
	}
	return whole, within
}

const blank = " "

// spell writes a text as words with one space before and behind each, so that a phrase lies within another text only
// where its words do.
func spell(text string) string {
	text = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) })
	return blank + strings.Join(words, blank) + strings.Repeat(blank, min(len(words), 1))
}

func checkTrademarks(words []string) error {
	if len(words) > maxTrademarks {
		return fault.Invalidf("marketplace.trademarks", "are %d, and may be %d", "leave out those that hold another one",
			len(words), maxTrademarks)
	}
	for _, word := range words {
		if !utf8.ValidString(word) || utf8.RuneCountInString(word) > maxTrademark || spell(word) == blank {
			return fault.Invalidf("marketplace.trademarks",
				"hold one without a letter or digit, or of more than %d characters", "write words, such as Copper Kettle",
				maxTrademark)
		}
	}
	return nil
}
