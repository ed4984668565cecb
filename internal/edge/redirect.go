package edge

import (
	"html"
	"net/http"
	"strings"

	"tributary/internal/click"
	"tributary/internal/fault"
	"tributary/internal/link"
)

// Header values that never change are shared: net/http only reads them.
var (
	noStore    = []string{"no-store"}
	referrer   = []string{"no-referrer-when-downgrade"} // the store sees the page on which the link stood
	noLength   = []string{"0"}
	setStay    = []string{staySet}
	clearStay  = []string{stayUnset}
	allowed    = []string{"GET, HEAD"}
	pageType   = []string{"text/html; charset=utf-8"}
	pagePolicy = []string{"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; " +
		"form-action 'none'"}
	noSniff = []string{"nosniff"}
)

// ServeHTTP answers a link.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header()["Allow"] = allowed
		e.refuse(w, r, http.StatusMethodNotAllowed, fault.New(fault.Invalid, "method", "is not one for links", "send GET"))
		return
	}
	b := e.work.Get().(*bench)
	defer e.work.Put(b)
	var err error
	if b.wanted, err = link.Parse(r.URL.EscapedPath(), r.URL.RawQuery); err == nil {
		err = e.answer(w, r, b)
	}
	if err != nil {
		e.refuse(w, r, statusOf(err), fault.Of(err))
	}
}

// answer redirects; the error is a fault of the address.
func (e *Edge) answer(w http.ResponseWriter, r *http.Request, b *bench) error {
	stay, show := b.wanted.Stay, b.wanted.Show
	address, visitor := e.visitor(r, stay, e.Clock.Now())
	res, err := e.State.resolve(&b.wanted, visitor)
	if err != nil {
		return err
	}
	destination := res.market.addresses.Destination(&b.wanted, e.Parameter)
	if show {
		b.to = destination.Append(b.to[:0], e.Parameter, "")
		e.show(w, r, &res, string(b.to))
		return nil
	}
	token := ""
	verdict, device := e.sieve.Judge(r.UserAgent(), click.ReadSigns(r.Method, r.Header.Get))
	if verdict.IsClick() && (res.known() || b.wanted.TagText != "") {
		e.describe(&b.click, r.Header.Get("Referer"), &res, visitor, address, verdict, device)
		if !e.record(r, &b.click) {
			return nil // nobody waits for the answer
		}
		if res.tells() {
			token = e.sealer.Seal(b.click.Token)
		}
	}
	b.to = destination.Append(b.to[:0], e.Parameter, token)
	h := w.Header()
	h["Location"] = []string{string(b.to)}
	h["Cache-Control"], h["Referrer-Policy"], h["Content-Length"] = noStore, referrer, noLength
	switch stay {
	case link.StayHere:
		h["Set-Cookie"] = setStay
	case link.StayNot:
		h["Set-Cookie"] = clearStay
	}
	e.redirects.Add(1)
	w.WriteHeader(http.StatusFound)
	return nil
}

func statusOf(err error) int {
	switch fault.Of(err).Kind {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Exhausted:
		return http.StatusRequestURITooLong
	case fault.Invalid, fault.Denied, fault.Conflict:
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}

// pageHead and pageTail stand around the edge's own two pages, which a shopper sees only where there is nothing to
// redirect to.
const (
	pageHead = `<!doctype html><html lang="en"><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">` +
		`<style>:root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;max-width:36rem;` +
		`margin:15vh auto 0;padding:0 1.5rem}p{overflow-wrap:anywhere}</style>`
	pageTail = "</html>\n"
)

func page(w http.ResponseWriter, r *http.Request, status int, body string) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Referrer-Policy"] = pageType, noStore, referrer
	h["Content-Security-Policy"], h["X-Content-Type-Options"] = pagePolicy, noSniff
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// The visitor may have gone; nobody else is to be told.
		_, _ = w.Write([]byte(pageHead + body + pageTail))
	}
}

// refuse says what is wrong with an address: field, rule and fix, never what was sent.
func (e *Edge) refuse(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	text := f.Rule
	if f.Field != "" {
		text = "The " + f.Field + " of this link " + f.Rule
	}
	body := "<title>This link does not work</title><h1>This link does not work</h1><p>" + html.EscapeString(text) + "."
	if f.Fix != "" {
		body += "<p>What helps: " + html.EscapeString(f.Fix) + "."
	}
	page(w, r, status, body)
}

// show tells where a short link leads (`/{code}+`). It is no click.
func (e *Edge) show(w http.ResponseWriter, r *http.Request, res *resolved, to string) {
	host := to
	if _, rest, found := strings.Cut(to, "://"); found {
		host, _, _ = strings.Cut(rest, "/")
	}
	body := "<title>Where this link leads</title><h1>This link leads to " + html.EscapeString(host) +
		"</h1><p><a rel=\"nofollow noopener\" href=\"" +
		html.EscapeString(to) + "\">" + html.EscapeString(to) + "</a>"
	if res.verdict == click.VerdictCounted {
		body += "<p>Whoever shared it may earn a commission when you buy; you pay the same."
	}
	page(w, r, http.StatusOK, body)
}
