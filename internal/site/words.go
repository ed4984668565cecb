package site

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// phrase is how a language says something. Patterns are matched against text in lower case with single spaces, and are short
// enough to be found in the middle of a sentence.
type phrase struct {
	tongue  string
	pattern *regexp.Regexp
}

func say(tongue, pattern string) phrase { return phrase{tongue, regexp.MustCompile(pattern)} }

// disclosures are the ways in which people say that they earn by their links.
var disclosures = []phrase{
	say("en", `affiliate (links?|disclosure|disclaimer|program(me)?s?|partner(s|ship)?|commissions?|relationships?)`),
	say("en", `\b(earns?|receives?|gets?|paid|makes?) (me |us )?(an? )?((small|little|modest|affiliate|referral) )*`+
		`(commissions?|referral fees?|compensation|percentage)\b`),
	say("en", `\b(earns?|paid) (money )?(from|by|through|for) (qualifying purchases|qualified purchases|our links|my links|links)`),
	say("en", `\b(contains?|includes?|uses?) (paid|sponsored|affiliate|commissionable) links`),
	say("en", `\b(paid partnership|sponsored (post|content|article|by)|in paid cooperation with)\b`),
	say("de", `affiliate[- ]?(links?|partner\w*|programm\w*|hinweis)|partnerlinks?|werbelinks?|provisionslinks?`),
	say("de", `\b(erhalte|bekomme|verdiene|erhält|bekommt|verdient)n? .{0,60}\b(provision|vergütung|kommission)`),
	say("de", `\b(provision|vergütung|kommission)\w* .{0,40}\b(erhalte|bekomme|verdiene|erhält|bekommt|verdient)n?\b`),
	say("de", `\b(enthält|beinhaltet) (bezahlte )?(werbung|anzeigen|werbelinks)|als .{0,30}partner verdiene`),
	say("es", `(enlaces?|programas?|marketing|links?) de afiliad[oa]s?|enlaces? afiliados?|(programa|enlaces?) de afiliación`),
	say("es", `\b(gan(o|amos|ar)|recib(o|imos|ir)|obten(go|emos|er)|llev(o|amos)) .{0,50}comisi(ó|o)n`),
	say("es", `contiene (publicidad|enlaces patrocinados)|contenido patrocinado|colaboración pagada`),
	say("fr", `(liens?|programmes?|partenariats?) (d['’]\s?)?affili(é|e|ation)s?`),
	say("fr", `(touch(e|ons)|perçoi(s|t)|percevons|reçoi(s|t)|recevons|gagn(e|ons)) .{0,60}(commission|rémunération|pourcentage)`),
	say("fr", `(article|contenu|billet) sponsorisé|collaboration (commerciale|rémunérée)|partenariat rémunéré`),
	say("ja", `アフィリエイト(リンク|広告|プログラム|・プログラム)?`),
	say("ja", `(紹介料|報酬|手数料|収益|コミッション).{0,20}(得て|得る|受け取|受取|獲得|いただ|頂い|発生)`),
	say("ja", `(広告|プロモーション|pr|宣伝)(リンク)?(を|が)(含み|含んで|含まれ)|広告を利用して|アソシエイト.{0,20}参加者`),
}

// young are signs that a page is made for children below 13.
var young = []phrase{
	say("en", `\b(games|videos?|stories|songs|cartoons|crafts|activities|jokes|puzzles|fun|learning|website|site|blog|channel|`+
		`colou?ring pages) (just |made |only )?for (kids|children|toddlers|preschoolers|boys and girls)\b`),
	say("en", `\bmade for (kids|children)\b|\b(kids|children)['’]s? (games|website|channel|cartoons|songs|stories)\b`),
	say("en", `\bnursery rhymes\b`),
	say("en", `\b(for )?(ages?|aged) (from )?([2-9]|1[0-2])( ?(-|–|to) ?([3-9]|1[0-2]))\b`),
	say("de", `\b(spiele|videos|geschichten|lieder|hörspiele|ausmalbilder|rätsel|seite|kanal) für (kleine )?kinder\b|`+
		`\bkinder(spiele|lieder|seite|kanal)\b`),
	say("es", `\b(juegos|videos|vídeos|cuentos|canciones|dibujos|página|canal) (para|de) (los )?niños\b|\bcanciones infantiles\b`),
	say("fr", `\b(jeux|vidéos|histoires|contes|chansons|comptines|coloriages|site|chaîne) pour (les )?(enfants|petits)\b`),
	say("ja", `(子ども|子供|こども|キッズ|幼児)(向け|むけ|のための)|(子ども|子供|こども)用`),
}

// grown are words around such a sign that turn it: who says that a site is not for children, or speaks to their parents.
var grown = regexp.MustCompile(`\bnot\b|n['’]t\b|\bnever\b|\bparents?\b|\bmoms?\b|\bdads?\b|\bteachers?\b|\bgifts?\b|` +
	`\bunder (the age of )?1[0-8]\b|\bnicht\b|\bkeine?\b|\beltern\b|\bno (está|son|es)\b|\bpadres\b|\bne (s['’]|sont|est)\b|` +
	`保護者|ではありません`)

// around is how many bytes before and behind what was found are shown.
const around = 110

// find gives the first passage that one of the phrases fits, unless what stands around it is refused.
func find(text string, phrases []phrase, refuse *regexp.Regexp) (passage string, ok bool) {
	lower := strings.ToLower(text)
	if len(lower) != len(text) {
		text = lower // a letter that is longer in lower case: places would not agree
	}
	for _, p := range phrases {
		for _, at := range p.pattern.FindAllStringIndex(lower, 8) {
			shown := text[wordBefore(text, at[0]-around):wordBehind(text, at[1]+around)]
			if refuse == nil || !refuse.MatchString(strings.ToLower(shown)) {
				return shown, true
			}
		}
	}
	return "", false
}

// wordBefore and wordBehind move a place to where a word begins or ends, and in any case between two characters.
func wordBefore(text string, at int) int {
	if at <= 0 {
		return 0
	}
	if space := strings.IndexByte(text[at:min(at+around/2, len(text))], ' '); space >= 0 {
		return at + space + 1
	}
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return at
}

func wordBehind(text string, at int) int {
	if at >= len(text) {
		return len(text)
	}
	if space := strings.LastIndexByte(text[at-around/2:at], ' '); space >= 0 {
		return at - around/2 + space
	}
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// fixes say what somebody can do about a problem of their site, by its code.
var fixes = map[string]string{
	"address":         "name the page where your work begins by its plain address",
	"confusable":      "nothing needs to be done: a reviewer looks at the name",
	"copies":          "let each page hold a text of its own",
	"dns":             "check the spelling, or see that the name is registered and set up",
	"encoding":        "write your pages in utf-8, and let the server say so",
	"feed":            "mend the feed, or take its address out of your page",
	"foreign":         "name the site on which your work appears first",
	"no_items":        "publish a sitemap or a feed, and let pages be readable without script",
	"not_html":        "name a web page, not a file",
	"private_address": "name a site that everybody can open",
	"redirects":       "name the address at which the redirects end",
	"robots":          "let TributaryBot in, by two lines in robots.txt: User-agent: TributaryBot and Allow: /",
	"short":           "let the server send whole answers",
	"sitemap":         "mend the sitemap, or take its address out of robots.txt",
	"status":          "see that the page can be opened by everybody, and is not kept from crawlers",
	"thin":            "nothing needs to be done while enough other pages are counted",
	"timeout":         "see that the site answers within a few seconds",
	"tls":             "renew the certificate, or name the site with http:// if it has none",
	"too_large":       "let a page be smaller than 2 MB",
	"unreachable":     "see that the site can be opened from elsewhere",
}

// Fix says what can be done about a problem.
func (p Problem) Fix() string { return fixes[p.Code] }
