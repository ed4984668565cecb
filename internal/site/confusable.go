package site

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// lookalikes maps letters and digits of other scripts to the Latin letter that they are taken for: pairs, first what is
// written, then what is read.
const lookalikes = "аaсcеeоoрpхxуyіiјjѕsԁdԛqԝwһhӏlɡgвbкkмmнhтtгrпnиuзeбbёeїi" + // Cyrillic
	"αaβbεeηnιiκkνvοoρpσoτtυuχxωwγyμuζzδd" + // Greek
	"օoսuոnցgհhսuյjռnզqաwտsլlкk" + // Armenian
	"ᴀaᴄcᴅdᴇeɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrᴛtᴜuᴠvᴡwʏyᴢzıiłløođdħhßbæaœoɑaȷj" + // Latin
	"0o1l3e4a5s7t8b9g"

var looks = pairs(lookalikes)

func pairs(text string) map[rune]rune {
	runes, all := []rune(text), map[rune]rune{}
	for i := 0; i+1 < len(runes); i += 2 {
		all[runes[i]] = runes[i+1]
	}
	return all
}

// networks are names that people trust, whoever has a name that looks like one of them.
var networks = []string{"youtube", "instagram", "tiktok", "facebook"}

// shortestName bounds what is protected: shorter names look like too many words.
const shortestName = 4

// Confusable tells in words why the name of a host may be taken for another one: a label that mixes scripts, one whose every
// letter looks Latin and is not, or one that looks like a protected name (those of the networks, and those given). Empty: it
// is not confusable. It is a sign, and no proof of anything.
func Confusable(host string, protected ...string) string {
	for label := range strings.SplitSeq(host, ".") {
		shown, err := idna.Punycode.ToUnicode(label)
		if err != nil {
			return fmt.Sprintf("the name %q cannot be read as letters", label)
		}
		if mixed := scriptsOf(shown); len(mixed) > 1 && !togetherInUse(mixed) {
			return fmt.Sprintf("the name %q mixes letters of %s", shown, strings.Join(mixed, " and "))
		}
		read := skeleton(shown)
		if !hasLatin(shown) && shown != label && readsLatin(read) {
			return fmt.Sprintf("every letter of the name %q looks like a Latin one: it reads %q", shown, read)
		}
		for _, name := range slices.Concat(networks, protectedLabels(protected)) {
			if oneStroke(read) == oneStroke(skeleton(name)) && shown != name {
				return fmt.Sprintf("the name %q looks like %q", shown, name)
			}
		}
	}
	return ""
}

// protectedLabels takes the names out of hosts: all labels but the last.
func protectedLabels(hosts []string) (names []string) {
	for _, host := range hosts {
		labels := strings.Split(strings.ToLower(host), ".")
		for _, label := range labels[:max(len(labels)-1, 1)] {
			if len(label) >= shortestName && label != "www" {
				names = append(names, label)
			}
		}
	}
	return names
}

// skeleton writes a name as it is read at a glance.
func skeleton(name string) string {
	var out strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch seen, ok := looks[r]; {
		case unicode.Is(unicode.Mn, r) || r == '-' || r == '_':
		case ok:
			out.WriteRune(seen)
		default:
			out.WriteRune(r)
		}
	}
	return strings.NewReplacer("rn", "m", "vv", "w", "cl", "d").Replace(out.String())
}

// oneStroke makes i and l one letter: in many fonts they are.
func oneStroke(name string) string { return strings.ReplaceAll(name, "i", "l") }

func readsLatin(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

func hasLatin(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) >= 0
}

// scriptsOf lists the scripts of a name's letters.
func scriptsOf(text string) (names []string) {
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		for name, table := range unicode.Scripts {
			if name != "Common" && name != "Inherited" && unicode.Is(table, r) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// written are scripts that one language writes side by side (UTS 39, highly restrictive).
var written = [][]string{{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Hangul"}, {"Latin", "Han", "Bopomofo"}}

func togetherInUse(scripts []string) bool {
	return slices.ContainsFunc(written, func(group []string) bool {
		return !slices.ContainsFunc(scripts, func(name string) bool { return !slices.Contains(group, name) })
	})
}
