package network

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Limits of what is kept of a network's texts, in characters.
const (
	maxHandle  = 100
	maxTitle   = 200
	maxNumber  = 100
	maxAddress = 300
)

// tidyHandle makes a handle fit to be shown and compared: one spelling of each letter, nothing invisible, no sign in front.
func tidyHandle(text string) string {
	text = strings.TrimLeft(tidy(text, maxHandle), "@")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }), "")
}

// tidyTitle keeps the joiners that emoji are made of, and nothing that turns the direction of the text around it.
func tidyTitle(text string) string { return tidy(text, maxTitle) }

func tidy(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == unicode.ReplacementChar, unicode.Is(unicode.Bidi_Control, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Cs, r):
			return -1
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		}
		return r
	}, norm.NFC.String(text))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	return strings.TrimSpace(string(runes[:min(len(runes), most)]))
}

// tidyNumber is a network's own id: visible ASCII, or nothing.
func tidyNumber(text string) string {
	if len(text) > maxNumber || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return text
}

// ownAddress takes an address that a network gave for an account only where it leads to the network; else it is the one
// that is made from handle or number.
func ownAddress(given, host, made string) string {
	at, err := url.Parse(given)
	if err != nil || at.Scheme != "https" || at.User != nil || at.Port() != "" || len(given) > maxAddress ||
		at.Hostname() != host && !strings.HasSuffix(at.Hostname(), "."+host) {
		return made
	}
	at.RawQuery, at.Fragment = "", ""
	return at.String()
}

// alike are scripts with letters that look like another's. Scripts that are written beside Latin every day and look
// nothing like it (Han, Kana, Hangul, Arabic, …) are not among them.
var alike = []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee,
	unicode.Coptic, unicode.Lisu, unicode.Georgian}

// confusable tells whether a handle, or one word of a title, mixes scripts whose letters look alike, or a handle dresses
// Latin letters up as signs. A whole word in one other script is somebody's language and is not flagged.
func confusable(handle, title string) bool {
	if mixed(handle) || dressed(handle) {
		return true
	}
	for word := range strings.FieldsFuncSeq(title, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) }) {
		if mixed(word) {
			return true
		}
	}
	return false
}

func mixed(text string) bool {
	var first *unicode.RangeTable
	for _, r := range text {
		for _, script := range alike {
			if !unicode.Is(script, r) {
				continue
			}
			if first != nil && first != script {
				return true
			}
			first = script
		}
	}
	return false
}

// dressed finds letters such as those of mathematics, which fold to plain ones.
func dressed(handle string) bool {
	for _, r := range handle {
		if plain := norm.NFKC.String(string(r)); r > unicode.MaxASCII && len(plain) == 1 && unicode.IsLetter(rune(plain[0])) {
			return true
		}
	}
	return false
}
