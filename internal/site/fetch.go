package site

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html/charset"

	"tributary/internal/egress"
)

// Limits of one request.
const (
	fetchTimeout = 30 * time.Second
	pageLimit    = 2 << 20 // bytes of a page, feed or sitemap
	robotsLimit  = 500 << 10
	proofLimit   = 64 << 10
)

// agentName is the crawler's name in robots.txt.
const agentName = "TributaryBot"

// trouble is what stood in the way of a request: a code of Problem, words that may be shown, and whether it may pass.
type trouble struct {
	code, words string
	passing     bool
	cause       error
}

func (t *trouble) Error() string { return t.words }
func (t *trouble) Unwrap() error { return t.cause }

func troubled(code, format string, args ...any) *trouble {
	return &trouble{code: code, words: fmt.Sprintf(format, args...)}
}

// answer is what a site sent: a body of at most the limit that was asked for, and the address where it was found.
type answer struct {
	at     *url.URL
	status int
	media  string            // such as text/html
	params map[string]string // of the media type
	body   []byte
}

// fetch asks for an address. may judges each redirect; nil lets it go on. Where a body is too large, the answer holds its
// beginning.
func (p *Prober) fetch(ctx context.Context, address *url.URL, limit int64, may func(*url.URL) *trouble) (answer, *trouble) {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = fetchTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return answer{}, troubled("address", "the address cannot be asked for")
	}
	request.Header.Set("User-Agent", p.agent())
	request.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5")
	// A copy: what a redirect may do is decided for each request, on top of what the client itself refuses.
	client := *p.Client
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if p.Client.CheckRedirect != nil {
			if err := p.Client.CheckRedirect(next, via); err != nil {
				return err
			}
		}
		if t := may(next.URL); t != nil {
			return t
		}
		return nil
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, troubleOf(err)
	}
	defer response.Body.Close()
	got := answer{at: response.Request.URL, status: response.StatusCode}
	got.media, got.params, _ = mime.ParseMediaType(response.Header.Get("Content-Type"))
	if got.body, err = egress.Body(response, limit); err != nil {
		return got, troubleOf(err)
	}
	if got.media == "" {
		got.media, _, _ = mime.ParseMediaType(http.DetectContentType(got.body))
	}
	if got.status < 200 || got.status > 299 {
		return got, statusTrouble(got.status)
	}
	return got, nil
}

func statusTrouble(status int) *trouble {
	t := troubled("status", "it answers with status %d", status)
	t.passing = status >= 500 || status == http.StatusTooManyRequests
	return t
}

func (p *Prober) agent() string {
	if p.Contact != "" && !strings.ContainsAny(p.Contact, "\r\n()") {
		return agentName + "/1.0 (+" + p.Contact + ")"
	}
	return agentName + "/1.0 (looks at sites that their owners have named)"
}

// onHost lets redirects go on while they stay on the site's host.
func (p place) onHost(next *url.URL) *trouble {
	if !p.holds(next) {
		return troubled("redirects", "it leads to another host, %s: if that is yours, name it in place of this one", clip(next.Host))
	}
	return nil
}

// troubleOf puts what went wrong into words. None of them holds more of the answer than its kind.
func troubleOf(err error) *trouble {
	var own *trouble
	var badCertificate *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	var alert tls.AlertError
	var noName *net.DNSError
	var slow net.Error
	t := &trouble{cause: err}
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, egress.ErrPrivate):
		t.code, t.words = "private_address", "it leads to an address that is not on the public internet"
	case errors.Is(err, egress.ErrRedirects):
		t.code, t.words = "redirects", "it redirects in a circle, more than five times, or from https to http"
	case errors.Is(err, egress.ErrForm):
		t.code, t.words = "address", "it leads to an address that is not a plain http or https one"
	case errors.Is(err, egress.ErrTooLarge):
		t.code, t.words = "too_large", "it is larger than is read"
	case errors.Is(err, egress.ErrShort):
		t.code, t.words = "short", "it ended before the length that it announced"
	case errors.Is(err, egress.ErrCoding):
		t.code, t.words = "encoding", "it is compressed in a way that cannot be read"
	case errors.As(err, &badCertificate), errors.As(err, new(x509.HostnameError)), errors.As(err, new(x509.UnknownAuthorityError)):
		t.code, t.words = "tls", "its certificate is not valid for this name today"
	case errors.As(err, &noTLS), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		t.code, t.words = "tls", "it does not speak https as it should: if it has none, name it with http://"
	case errors.As(err, &noName):
		t.code, t.words, t.passing = "dns", "its host cannot be found", !noName.IsNotFound
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		t.code, t.words, t.passing = "timeout", "it did not answer in time", true
	case errors.Is(err, context.Canceled):
		t.code, t.words, t.passing = "timeout", "the look was broken off", true
	default:
		t.code, t.words, t.passing = "unreachable", "it does not answer", true
	}
	return t
}

var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)

// maxBroken is the share of unreadable characters, one in so many, from which text is said to be in another encoding.
const maxBroken = 100

// text gives the body in UTF-8, whatever encoding it is in: by its mark, the header, or what stands in it. A trouble says
// that it names an encoding that nobody knows, or is not in the one it names; the text is as good as it gets.
func (a answer) text() (string, *trouble) {
	label := a.params["charset"]
	if found := xmlEncoding.FindSubmatch(a.body[:min(len(a.body), 1024)]); label == "" && found != nil &&
		!bytes.HasPrefix(bytes.ToLower(found[1]), []byte("utf-16")) { // who can read that without knowing it is not in it
		label = string(found[1])
	}
	var unknown *trouble
	if known, _ := charset.Lookup(label); label != "" && known == nil {
		unknown = troubled("encoding", "it names the encoding %q, which is not known: use utf-8", clip(label))
		label = ""
	}
	media := "text/html"
	if label != "" {
		media = mime.FormatMediaType(media, map[string]string{"charset": label})
	}
	found, _, certain := charset.DetermineEncoding(a.body, media)
	raw := a.body
	if certain || !utf8.Valid(a.body) { // what reads as UTF-8 and says nothing else is UTF-8
		if decoded, err := found.NewDecoder().Bytes(a.body); err == nil {
			raw = decoded
		}
	}
	raw = bytes.TrimPrefix(raw, []byte("\uFEFF"))
	text := strings.ToValidUTF8(string(raw), "\uFFFD")
	if broken := strings.Count(text, "\uFFFD"); unknown == nil && broken*maxBroken > utf8.RuneCountInString(text) {
		unknown = troubled("encoding", "its text is not in the encoding that it names: use utf-8, and say so")
	}
	return text, unknown
}

// isPage tells whether an answer is a page of HTML.
func (a answer) isPage() bool { return a.media == "text/html" || a.media == "application/xhtml+xml" }
