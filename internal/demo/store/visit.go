package store

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/fault"
)

// visit is one request of a shopper in one region.
type visit struct {
	store   *Store
	w       http.ResponseWriter
	r       *http.Request
	region  Region
	visitor string // key; empty for someone who has not put anything into a cart yet
}

// Cookies, all first-party, out of scripts' reach, and sent on links from elsewhere but not on forms from elsewhere.
const (
	visitorCookie = "hm_visitor"
	touchCookie   = "hm_touch_" // and the market: tokens that arrived in addresses, newest first, with dots between
	cookieDays    = 90
	keptTokens    = 5
)

// tokenForm is all that the guide promises of a token.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{60,200}$`)

// serve runs a page and answers what it refuses.
func (s *Store) serve(w http.ResponseWriter, r *http.Request, region Region, page func(*visit) error) {
	v := &visit{store: s, w: w, r: r, region: region}
	if cookie, err := r.Cookie(visitorCookie); err == nil && len(cookie.Value) == visitorLength {
		v.visitor = cookie.Value
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		v.keepToken(r.URL.Query().Get("tclid"))
	} else if err := r.ParseForm(); err != nil {
		v.trouble(fault.New(fault.Invalid, "form", "cannot be read", "go back and send it again").Because(err))
		return
	}
	if err := page(v); err != nil {
		v.trouble(err)
	}
}

// keepToken remembers a token that a creator's link brought, in a cookie that the server sets: browsers keep those
// longer than what a script writes.
func (v *visit) keepToken(token string) {
	if !tokenForm.MatchString(token) {
		return
	}
	kept := append([]string{token}, slices.DeleteFunc(v.keptTokens(), func(other string) bool { return other == token })...)
	v.setCookie(touchCookie+v.region.Market, strings.Join(kept[:min(len(kept), keptTokens)], "."))
}

func (v *visit) keptTokens() []string {
	cookie, err := v.r.Cookie(touchCookie + v.region.Market)
	if err != nil {
		return nil
	}
	return readTokens(cookie.Value)
}

// readTokens takes what has the form of a token from a list with dots or spaces between.
func readTokens(text string) []string {
	var tokens []string
	for _, token := range strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == ' ' }) {
		if tokenForm.MatchString(token) && !slices.Contains(tokens, token) {
			tokens = append(tokens, token)
		}
	}
	return tokens[:min(len(tokens), keptTokens)]
}

func (v *visit) setCookie(name, value string) {
	http.SetCookie(v.w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: cookieDays * 24 * int(time.Hour/time.Second),
		HttpOnly: true, Secure: v.r.TLS != nil, SameSite: http.SameSiteLaxMode})
}

const visitorLength = 20

// recognise gives the visitor a key where there is none yet.
func (v *visit) recognise() string {
	if v.visitor == "" {
		v.visitor = randomName(visitorLength)
		v.setCookie(visitorCookie, v.visitor)
	}
	return v.visitor
}

// path is an address in the visitor's region.
func (v *visit) path(to string) string { return v.region.Prefix + to }

// moved sends the browser on after a form.
func (v *visit) moved(to string) error {
	http.Redirect(v.w, v.r, v.path(to), http.StatusSeeOther)
	return nil
}

// show renders a page whole before the first byte leaves, so that a failure can still be answered.
func (v *visit) show(status int, page templ.Component) error {
	var body bytes.Buffer
	if err := page.Render(v.r.Context(), &body); err != nil {
		return err
	}
	header := v.w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "private, no-store")
	v.w.WriteHeader(status)
	_, err := v.w.Write(body.Bytes())
	return err
}

// frame is what every page shows around its content.
type frame struct {
	region    Region
	regions   []Region
	title     string
	about     string // for search engines and link previews
	query     string
	inCart    int64
	script    string // address of t.js
	path      string // of this page, without the region's prefix
	elsewhere map[string]string
	shelves   shelves
}

// frame prepares the frame of a page.
func (v *visit) frame(title string) frame {
	f := frame{region: v.region, regions: v.store.config.Regions, title: title, script: v.store.origin + "/t.js",
		path: strings.TrimPrefix(v.r.URL.Path, v.region.Prefix), elsewhere: map[string]string{},
		shelves: v.store.shelves[v.region.Market]}
	for _, region := range f.regions {
		f.elsewhere[region.Market] = region.Prefix + "/"
	}
	for _, line := range v.cartLines() {
		f.inCart += line.Quantity
	}
	return f
}

// cartLines copies the visitor's cart.
func (v *visit) cartLines() (lines []cartLine) {
	v.store.view(func(st *state) {
		if known := st.Visitors[v.visitor]; known != nil {
			lines = slices.Clone(known.Carts[v.region.Market])
		}
	})
	return lines
}

var statuses = map[fault.Kind]int{
	fault.Invalid: http.StatusUnprocessableEntity, fault.NotFound: http.StatusNotFound, fault.Denied: http.StatusForbidden,
	fault.Conflict: http.StatusConflict, fault.Exhausted: http.StatusUnprocessableEntity,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// trouble answers an error with a page.
func (v *visit) trouble(err error) {
	found := fault.Of(err)
	if found.Kind == fault.Unavailable {
		v.store.config.Log.Error("demo store", "path", v.r.URL.Path, "error", err)
	}
	title := "This did not work"
	if found.Kind == fault.NotFound {
		title = "We do not have that"
	}
	if err := v.show(statuses[found.Kind], troublePage(v.frame(title), found.Rule, found.Fix)); err != nil {
		v.store.config.Log.Error("demo store", "path", v.r.URL.Path, "error", err)
	}
}

// escape writes one part of a path.
func escape(part string) string { return url.PathEscape(part) }
