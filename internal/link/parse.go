package link

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tributary/internal/click"
	"tributary/internal/fault"
)

// Parse reads an address of the edge (docs/spec.md §3.1): its path as it was sent (escaped), and its query. It takes any
// bytes. What names the destination must be right, or the address is Invalid; what is only carried along is taken where
// it can be read, and never keeps a shopper from the shop. A path that is no link is NotFound.
func Parse(path, query string) (w Wanted, err error) {
	if len(path) > maxPath || len(query) > maxQuery {
		return w, fault.New(fault.Exhausted, "address", "is too long", "leave out parameters that nobody needs")
	}
	fields := w.readQuery(query)
	path = strings.TrimPrefix(path, "/")
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	head, rest, nested := strings.Cut(path, "/")
	switch head {
	case "":
		w.Kind = click.KindHome
	case "dp":
		w.Kind, nested = click.KindProduct, strings.Contains(rest, "/")
		w.SKU, err = readText("sku", rest, false, maxSKU)
		if w.SKU == "." || w.SKU == ".." { // a browser would take it for a step in the path
			err = invalidText("sku")
		}
	case "c":
		w.Kind, nested = click.KindCategory, false
		w.Category, err = readCategory(rest)
	case "s":
		w.Kind = click.KindSearch
		w.Query, err = readText("k", fields.search, true, maxSearch)
	case "to":
		w.Kind = click.KindPage
		w.Page, err = readText("url", fields.page, true, maxPage)
	case "cart":
		w.Kind = click.KindCart
		w.Items, err = readItems(fields.items)
	default:
		w.Kind = click.KindShort
		err = w.readCode(head)
	}
	if err == nil && nested {
		err = errNoLink
	}
	return w, err
}

var errNoLink error = fault.New(fault.NotFound, "address", "is no link", "check that it was copied whole")

func invalidText(field string) error {
	return fault.Invalidf(field, "is missing, too long, or holds characters that no address may hold",
		"check that the link was copied whole")
}

// readText decodes a text that names a destination. In a query a plus stands for a space.
func readText(field, raw string, query bool, limit int) (string, error) {
	text, ok := decode(raw, query)
	text = strings.TrimSpace(text)
	if !ok || text == "" || len(text) > limit || !clean(text) {
		return "", invalidText(field)
	}
	return text, nil
}

// decode undoes %-escapes; ok is false for a broken one. A text without escapes is returned as it is.
func decode(raw string, query bool) (text string, ok bool) {
	if !strings.ContainsAny(raw, "%+") {
		return raw, true
	}
	var err error
	if query {
		text, err = url.QueryUnescape(raw)
	} else {
		text, err = url.PathUnescape(raw)
	}
	return text, err == nil
}

// clean tells whether a text is UTF-8 without control characters, and without those that turn the direction of writing,
// with which one address is made to look like another.
func clean(text string) bool {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == 0x7f {
			return false
		} else if c >= utf8.RuneSelf {
			plain = false
		}
	}
	return plain || utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	})
}

// readCategory reads the levels of a category, one per part of the path; a whole path in one part (`Home > Kitchen`) is
// taken too. A slash within a level is escaped.
func readCategory(rest string) (string, error) {
	var levels []string
	for part := range strings.SplitSeq(rest, "/") {
		text, err := readText("category", part, false, maxLevels)
		if err != nil {
			return "", err
		}
		for level := range strings.SplitSeq(text, ">") {
			if level = strings.Join(strings.Fields(level), " "); level != "" {
				levels = append(levels, level)
			}
		}
	}
	joined := strings.Join(levels, " > ")
	if joined == "" || len(joined) > maxLevels {
		return "", invalidText("category")
	}
	return joined, nil
}

// readItems reads `sku:quantity,…`. A sku may hold a colon; a comma in it is escaped, so the list is cut before it is
// decoded, and commas within are escaped again in what is handed on.
func readItems(raw string) (string, error) {
	var out []byte
	count := 0
	for item := range strings.SplitSeq(raw, ",") {
		text, err := readText("add", item, true, maxSKU+len(":999"))
		if err != nil {
			return "", err
		}
		sku, units := text, 1
		if at := strings.LastIndexByte(text, ':'); at >= 0 {
			sku = text[:at]
			if units, err = strconv.Atoi(text[at+1:]); err != nil || units < 1 || units > maxUnits {
				return "", fault.Invalidf("add", "has a quantity that is not 1 to %d", "write add=SKU:2,SKU:1", maxUnits)
			}
		}
		if count++; sku == "" || len(sku) > maxSKU || count > maxItems || strings.ContainsAny(sku, ",") {
			return "", fault.Invalidf("add", "is not a list of at most %d products", "write add=SKU:2,SKU:1", maxItems)
		}
		if count > 1 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(append(append(out, sku...), ':'), int64(units), 10)
	}
	return string(out), nil
}

// readCode reads a short code, with a `+` behind it to be shown where it leads. Characters that are not of codes are
// refused before anything is looked up.
func (w *Wanted) readCode(raw string) error {
	raw, _ = decode(strings.ReplaceAll(raw, "+", "%2B"), false) // a broken escape leaves nothing, which is no code
	if shown, plus := strings.CutSuffix(raw, "+"); plus {
		raw, w.Show = shown, true
	}
	w.Code = strings.Trim(raw, "_-")
	if len(w.Code) < shortestCode || len(w.Code) > longestCode {
		return errNoLink
	}
	for i := range len(w.Code) {
		if c := w.Code[i]; !unreserved(c) || c == '.' || c == '~' {
			return errNoLink
		}
	}
	return nil
}

// fields are the parameters that name a destination, still escaped.
type fields struct{ search, page, items string }

// readQuery goes through the parameters once. Of two with the same name the first counts; the canonical names go before
// what is also accepted (docs/integrate.md).
func (w *Wanted) readQuery(query string) (f fields) {
	var tag, alias, subAlias string
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, raw, _ := strings.Cut(pair, "=")
		if name == "" || raw == "" {
			continue
		}
		if strings.ContainsAny(name, "%+") {
			decoded, ok := decode(name, true)
			if !ok {
				continue
			}
			name = decoded
		}
		switch name {
		case "tag":
			first(&tag, raw)
		case "ref", "via", "aff", "a_aid", "fpr", "rfsn":
			first(&alias, raw)
		case "sub", "subid", "ascsubtag", "sid", "u1", "clickref", "epi":
			first(&subAlias, raw)
		case "k":
			first(&f.search, raw)
		case "url":
			first(&f.page, raw)
		case "add":
			first(&f.items, raw)
		case "stay":
			w.readStay(raw)
		default:
			w.readCarried(name, raw)
		}
	}
	first(&tag, alias)
	if tag != "" {
		w.TagText = carried(tag)
		w.Tag = CleanTag(w.TagText)
	}
	if w.Sub[0] == "" && subAlias != "" {
		w.Sub[0] = carried(subAlias)
	}
	return f
}

func first(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

func (w *Wanted) readStay(raw string) {
	switch raw {
	case "1":
		w.Stay = StayHere
	case "0":
		w.Stay = StayNot
	}
}

// readCarried takes sub-ids, utm fields and the networks' ids; every other parameter is left out.
func (w *Wanted) readCarried(name, raw string) {
	switch {
	case len(name) == 4 && name[:3] == "sub" && name[3] >= '1' && name[3] <= '5':
		if to := &w.Sub[name[3]-'1']; *to == "" {
			*to = carried(raw)
		}
	case strings.HasPrefix(name, "utm_"):
		for i, utm := range utmNames {
			if name == utm && w.UTM[i] == "" {
				w.UTM[i] = carried(raw)
			}
		}
	default:
		if ad, ok := click.AdNameOf(name); ok {
			if value := carried(raw); value != "" && !w.hasAd(ad) {
				w.Ads = append(w.Ads, click.AdID{Name: ad, Value: value})
			}
		}
	}
}

func (w *Wanted) hasAd(name click.AdName) bool {
	for _, ad := range w.Ads {
		if ad.Name == name {
			return true
		}
	}
	return false
}

// carried decodes a text that is only carried along: what cannot be read of it is left out, never refused.
func carried(raw string) string {
	text, ok := decode(raw, true)
	if !ok {
		text = raw // a broken escape: the text as it stood tells the creator what is wrong
	}
	return tidy(text)
}

// tidy makes a text fit to be carried along: without what is not clean, trimmed, and cut to its limit.
func tidy(text string) string {
	if !clean(text) {
		text = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
				return -1
			}
			return r
		}, text)
	}
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		cut := maxText
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	return text
}
