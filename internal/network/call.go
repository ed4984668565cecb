package network

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tributary/internal/clock"
	"tributary/internal/fault"
)

// Limits of what is asked of a network.
const (
	maxBody    = 1 << 20 // bytes of an answer: a page of fifty posts is a tenth of it
	maxAsk     = 20 * time.Second
	maxJourney = 60 * time.Second // everything that one connection or check asks
	maxTries   = 3
	maxPause   = 3 * time.Second // a longer one is not waited for: the job comes again
	maxRest    = 24 * time.Hour
	usualRest  = time.Minute // where a network says that it is too much, and not for how long
	burst      = 10
)

// Tests have less time.
var (
	firstPause            = 300 * time.Millisecond // before the second try; each further one is twice as long
	perSecond  rate.Limit = 5                      // requests; far below what any of them allows
)

// line is the way to one network: its addresses, the pace at which it is asked, and until when it is left alone.
type line struct {
	kind   Kind
	speaks *dialect
	app    App
	client *http.Client
	pace   *rate.Limiter

	mu   sync.Mutex
	rest time.Time // wall time
}

func newLine(k Kind, app App, client *http.Client) *line {
	own := *client
	// An address that an answer names is never followed: it would be handed the secrets of the request.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &line{kind: k, speaks: dialects[k], app: app.at(dialects[k]), client: &own, pace: rate.NewLimiter(perSecond, burst)}
}

// ask is one request.
type ask struct {
	method string // GET where empty
	base   string
	path   string
	query  url.Values
	form   url.Values // the body, as a form
	json   any        // the body, as JSON
	bearer string
	once   bool // trying it again could spend something, such as a code
}

// refused is an answer that is none, sorted by what can be done about it. It holds no word of the network's own: what it
// wrote could hold what it was asked with.
type refused struct {
	network Kind
	path    string
	status  int
	code    string // one that is known, else empty
	reason  reason
	after   time.Duration // how long to wait, where the network says so
	own     bool          // only this account has asked too much
	cause   error
}

// reason sorts refusals.
type reason uint8

const (
	broken   reason = iota // out of reach, 5xx: later
	busy                   // too many requests: later, and nobody asks meanwhile
	odd                    // an answer that cannot be read: later, and somebody should look
	gone                   // the consent is gone: only its owner can renew it
	unknown                // the app itself is refused: its registration is wrong
	missing                // there is nothing to connect: no channel, no page
	tooSmall               // this figure is not told about this account
)

func (r *refused) Error() string {
	text := fmt.Sprintf("%s at %s: status %d", r.network, r.path, r.status)
	if r.code != "" {
		text += " (" + r.code + ")"
	}
	if r.cause != nil {
		text += ": " + r.cause.Error()
	}
	return text
}

func (r *refused) Unwrap() error { return r.cause }

// RetryAfter tells how long a network asked to be left alone, where err comes from its refusal; else 0.
func RetryAfter(err error) time.Duration {
	var r *refused
	if errors.As(err, &r) {
		return r.after
	}
	return 0
}

func because(err error, is reason) bool {
	var r *refused
	return errors.As(err, &r) && r.reason == is
}

// call asks and reads the answer, again after a pause where that may help.
func (l *line) call(ctx context.Context, a ask, into any) error {
	for try := 1; ; try++ {
		body, no := l.once(ctx, a)
		if no == nil {
			if err := json.Unmarshal(body, into); err != nil {
				return &refused{network: l.kind, path: a.path, status: http.StatusOK, reason: odd, cause: plainly(err)}
			}
			return nil
		}
		pause := firstPause<<(try-1) + rand.N(firstPause)
		again := no.after <= maxPause && (no.reason == broken || no.reason == busy && no.after > 0)
		if !again || a.once || try == maxTries || ctx.Err() != nil {
			l.leaveAlone(no)
			return no
		}
		select {
		case <-time.After(max(pause, no.after)):
		case <-ctx.Done():
			return no
		}
	}
}

// leaveAlone keeps everybody from asking a network that said it is too much, or that named a time to come back.
func (l *line) leaveAlone(no *refused) {
	if no.reason == busy && no.after <= 0 && !no.own {
		no.after = usualRest
	}
	if no.reason > busy || no.own || no.after <= 0 {
		return
	}
	no.after = min(no.after, maxRest)
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := clock.Wall().Add(no.after); until.After(l.rest) {
		l.rest = until
	}
}

// resting gives what is left of the time in which a network is not asked.
func (l *line) resting() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.rest.Sub(clock.Wall()), 0)
}

// once asks one time.
func (l *line) once(ctx context.Context, a ask) ([]byte, *refused) {
	no := &refused{network: l.kind, path: a.path}
	if left := l.resting(); left > 0 {
		no.reason, no.after, no.cause = busy, left, errors.New("left alone as it asked")
		return nil, no
	}
	if err := l.pace.Wait(ctx); err != nil {
		no.cause = err
		return nil, no
	}
	ctx, cancel := context.WithTimeout(ctx, maxAsk)
	defer cancel()
	request, err := l.request(ctx, a)
	if err != nil {
		no.reason, no.cause = odd, plainly(err)
		return nil, no
	}
	response, err := l.client.Do(request)
	if err != nil {
		no.cause = plainly(err)
		return nil, no
	}
	defer response.Body.Close()
	no.status = response.StatusCode
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		no.cause = plainly(err)
		return nil, no
	case len(body) > maxBody:
		no.reason, no.cause = odd, errors.New("the answer is larger than 1 MiB")
		return nil, no
	}
	no.after = retryAfter(response.Header.Get("Retry-After"))
	if !l.refuses(no, body) {
		return body, nil
	}
	return nil, no
}

// refuses sorts an answer: what the status says, and what the network says of it.
func (l *line) refuses(no *refused, body []byte) bool {
	switch {
	case no.status == http.StatusTooManyRequests:
		no.reason = busy
	case no.status >= 500:
		no.reason = broken
	case no.status == http.StatusUnauthorized:
		no.reason = gone
	default:
		no.reason = odd
	}
	said := l.speaks.refusal(no, body)
	return said || no.status < 200 || no.status > 299
}

func (l *line) request(ctx context.Context, a ask) (*http.Request, error) {
	method, address := a.method, a.base+a.path
	if method == "" {
		method = http.MethodGet
	}
	if len(a.query) > 0 {
		address += "?" + a.query.Encode()
	}
	var body io.Reader
	kind := ""
	switch {
	case a.form != nil:
		body, kind = strings.NewReader(a.form.Encode()), "application/x-www-form-urlencoded"
	case a.json != nil:
		text, err := json.Marshal(a.json)
		if err != nil {
			return nil, err
		}
		body, kind = bytes.NewReader(text), "application/json"
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if a.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+a.bearer)
	}
	return request, nil
}

// plainly strips an error of what may hold a secret: addresses with their parameters, and pieces of what was read.
func plainly(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var parse *url.Error
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("no JSON from byte %d on", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%s is not as documented", kind.Field)
	case errors.As(err, &parse):
		return errors.New("an address that cannot be read")
	}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	if found := fault.Of(err); found.Unwrap() != err { // a fault of egress: its text is safe to show
		return found
	}
	return errors.New("the connection failed")
}

// retryAfter reads seconds or a date.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(maxRest/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(clock.Wall()), 0), maxRest)
	}
	return 0
}

// known gives a code only where it is one of ours to know: what a network writes is not repeated.
func known(code string, codes ...string) string {
	if slices.Contains(codes, code) {
		return code
	}
	return ""
}

// fault says a refusal in words for whoever asked; doing tells what would have to be done again.
func (l *line) fault(err error, again string) error {
	var r *refused
	if !errors.As(err, &r) {
		return err
	}
	name := l.speaks.name
	switch r.reason {
	case gone:
		return fault.New(fault.Denied, "network", name+" does not know of your consent", again).Because(err)
	case missing:
		return fault.New(fault.Invalid, "account", l.speaks.nothing, l.speaks.something).Because(err)
	case unknown:
		return fault.New(fault.Unavailable, "network", name+" refuses this installation's registration",
			"tell whoever runs it; nothing is wrong with your account").Because(err)
	}
	if r.reason == busy || r.after > 0 {
		minutes := int64((r.after + time.Minute - 1) / time.Minute)
		return fault.New(fault.Unavailable, "network", name+" asks for a pause",
			"try again in "+counted(max(minutes, 1), "minute")).Because(err)
	}
	return fault.New(fault.Unavailable, "network", name+" cannot be asked at the moment", "try again in a few minutes").Because(err)
}
