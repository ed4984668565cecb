package site

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"tributary/internal/fault"
	"tributary/internal/secret"
)

// The proofs, as docs/spec.md §9 names them. A file has the same name on every site, so that a page which repeats what it was
// asked for repeats no token.
const (
	FilePath   = "/.well-known/tributary.txt" // under the site's address
	MetaName   = "tributary-site"
	recordMark = "tributary-site="
	recordHost = "_tributary."
)

// FileAddress is where the file must be found.
func (s Site) FileAddress() string { return s.Address + FilePath }

// FileText is what the file must hold, a line of it at least. Several people may each have a line.
func (s Site) FileText() string { return recordMark + s.Token + "\n" }

// MetaTag is what the head of the page at the site's address must hold.
func (s Site) MetaTag() string {
	return `<meta name="` + MetaName + `" content="` + s.Token + `">`
}

// Record is the text record that one of the hosts must have.
func (s Site) Record() (hosts []string, value string) {
	p := split(s.Address)
	hosts = []string{p.host, recordHost + p.host}
	if bare, found := strings.CutPrefix(p.host, "www."); found {
		hosts = append(hosts, bare, recordHost+bare)
	}
	return hosts, recordMark + s.Token
}

// Prove asks the site for its proof. A proof that is not there is Invalid, with what was looked for and what was found; a
// site that cannot be asked now is Unavailable. The host itself must answer: what it redirects to elsewhere proves nothing.
func (p *Prober) Prove(ctx context.Context, s Site, method Method) error {
	home := split(s.Address)
	if home.host == "" || s.Token == "" {
		return fault.Invalidf("site", "has no address or no token", "remove it, and add it again")
	}
	if !slices.Contains(s.Methods(), method) {
		return refuseMethod(home, method)
	}
	switch method {
	case File:
		return p.proveFile(ctx, home, s)
	case Meta:
		return p.proveMeta(ctx, home, s)
	case DNS:
		return p.proveRecord(ctx, s)
	}
	return fault.Invalidf("method", "is not looked for here: the network says whose a channel is", "connect the account")
}

func refuseMethod(home place, method Method) error {
	switch {
	case home.isChannel():
		return fault.Invalidf("method", "does not work for a channel of a network, whose pages are not yours to change",
			"connect the account")
	case method == DNS && home.path != "":
		return fault.Invalidf("method", "does not work for %s: records belong to the whole host %s, and the site is a part of it",
			"use the file or the tag", home.key(), home.host)
	case method == Connected:
		return fault.Invalidf("method", "is for channels of networks only", "use the file, the tag or the record")
	}
	return fault.Invalidf("method", "is not a way to prove a site", "choose file, meta or dns")
}

// missing says what was looked for, where, and what was found.
func missing(method Method, wanted, where, found, fix string) error {
	return fault.Invalidf(string(method), "looked for %s at %s; %s", fix, wanted, where, found)
}

// inTheWay says that a site could not be asked.
func inTheWay(method Method, wanted, where string, t *trouble) error {
	if t.passing {
		return fault.New(fault.Unavailable, string(method), fmt.Sprintf("looked for %s at %s; %s", wanted, where, t.words),
			"see that it can be reached, and try again").Because(t)
	}
	return fault.Invalidf(string(method), "looked for %s at %s; %s", "mend that, and try again", wanted, where, t.words).Because(t)
}

func (p *Prober) proveFile(ctx context.Context, home place, s Site) error {
	where, line := s.FileAddress(), strings.TrimSpace(s.FileText())
	wanted := "the line " + line
	got, t := p.ask(ctx, home, where, proofLimit)
	if t != nil && t.code == "status" && !t.passing {
		return missing(File, wanted, where, t.words, "put the file there")
	}
	if t != nil {
		return inTheWay(File, wanted, where, t)
	}
	// Many hosts answer every address with a page, and pages hold what visitors write.
	if got.isPage() {
		return missing(File, wanted, where, "found a web page in place of a text file", "put the file there, as plain text")
	}
	text, _ := got.text()
	first := ""
	// A whole line must be it: text that mentions the token is no consent of the host's owner.
	for have := range strings.Lines(text) {
		have = strings.TrimSpace(have)
		if secret.Equal([]byte(have), []byte(line)) || secret.Equal([]byte(have), []byte(s.Token)) {
			return nil
		}
		if first == "" {
			first = have
		}
	}
	found := "found an empty file"
	if first != "" {
		found = fmt.Sprintf("found a file without it, which begins %q", cut(first, shownText))
	}
	return missing(File, wanted, where, found, "put the line into the file")
}

// shownText is how much of what was found an answer repeats.
const shownText = 60

// ask fetches an address of the site's own.
func (p *Prober) ask(ctx context.Context, home place, address string, limit int64) (answer, *trouble) {
	u, err := url.Parse(address)
	if err != nil {
		return answer{}, troubled("address", "the address cannot be asked for")
	}
	return p.fetch(ctx, u, limit, home.onHost)
}

func (p *Prober) proveMeta(ctx context.Context, home place, s Site) error {
	wanted := "the tag " + s.MetaTag()
	got, t := p.ask(ctx, home, s.Address+homeSlash(home), pageLimit)
	if t != nil && t.code != "too_large" { // the head comes first
		return inTheWay(Meta, wanted, s.Address, t)
	}
	if !got.isPage() {
		return missing(Meta, wanted, s.Address, fmt.Sprintf("found no page of HTML but %q", clip(got.media)),
			"give the address of a page")
	}
	text, _ := got.text()
	page, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		return missing(Meta, wanted, s.Address, "found a page that cannot be read as HTML", "mend the page, or use the file")
	}
	found, fix := "found no such tag in the head of the page", "put the tag between <head> and </head>"
	proved := false
	page.Find("meta[name]").EachWithBreak(func(_ int, tag *goquery.Selection) bool {
		name, _ := tag.Attr("name")
		if !strings.EqualFold(strings.TrimSpace(name), MetaName) {
			return true
		}
		content, _ := tag.Attr("content")
		content = strings.TrimSpace(content)
		// What stands in the body may have been written by any visitor.
		inHead := tag.ParentsFiltered("head").Length() > 0
		same := secret.Equal([]byte(content), []byte(s.Token))
		switch {
		case same && inHead:
			proved = true
		case same:
			found = "found it in the body of the page, where a comment could hold it"
		default:
			found = fmt.Sprintf("found the tag with %q", cut(content, shownText))
			fix = "copy the whole token of this site"
		}
		return !proved
	})
	if proved {
		return nil
	}
	return missing(Meta, wanted, s.Address, found, fix)
}

// homeSlash ends the address of a whole host as requests write it.
func homeSlash(home place) string {
	if home.path == "" {
		return "/"
	}
	return ""
}

func (p *Prober) proveRecord(ctx context.Context, s Site) error {
	hosts, value := s.Record()
	wanted, where := "the text record "+value, strings.Join(hosts[:2], " and ")
	first := ""
	var away error // one host whose servers do not answer may be the one that has the record
	for _, host := range hosts {
		records, err := p.TXT(ctx, host)
		if err != nil {
			away = err
			continue
		}
		for _, record := range records {
			record = strings.TrimSpace(record)
			if secret.Equal([]byte(record), []byte(value)) {
				return nil
			}
			if first == "" && strings.HasPrefix(strings.ToLower(record), recordMark) {
				first = record
			}
		}
	}
	switch {
	case first != "":
		return missing(DNS, wanted, where, fmt.Sprintf("found %q", cut(first, shownText)), "copy the whole record of this site")
	case away != nil && !fault.Is(away, fault.Invalid):
		return fault.New(fault.Unavailable, string(DNS),
			fmt.Sprintf("looked for %s at %s; the name servers do not answer", wanted, where), "try again in a few minutes").Because(away)
	}
	return missing(DNS, wanted, where, "found no such record", "add it; a new record may take an hour to be seen")
}
