package account

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
	"tributary/internal/web/ui"
)

// Sessions says who is behind a cookie: the person, the device, the account that they act for, and when they last proved
// who they are.
type Sessions struct {
	*scs.SessionManager
	DB     *db.DB
	Ring   *secret.Ring
	Secure bool
	// Unread, if set, counts the messages that somebody has not read.
	Unread func(*db.Tx, auth.Principal) (int, error)
}

const (
	sessionLife = 30 * 24 * time.Hour
	sessionIdle = 14 * 24 * time.Hour // without a visit
	seenStride  = time.Minute         // how often a visit is written down
	// FreshFor is how long a proof is good for what changes money or identity.
	FreshFor = 10 * time.Minute
)

// The session's content.
const (
	keyPrincipal = "principal"
	keyDevice    = "device"
	keyAccount   = "account" // 0: the oldest of their own
	keySeats     = "seats"   // accounts that they may act for
	keySeen      = "seen"    // unix seconds of the last visit that was written down
	keyProof     = "proof"   // unix seconds of the last proof
	keyBrowser   = "browser" // a text that this browser alone has: what is mailed or sent elsewhere is bound to it
	keyPending   = "pending" // who is about to sign in: signed up, or gave a password, and owes a second proof
	keyOwed      = "owed"    // the purpose of the code that was mailed to them
	keyStep      = "step"    // what is left to do for who is pending. Never the place of what a form can choose
	keyNext      = "next"    // where to go afterwards
	keyInvite    = "invite"  // an invitation to take afterwards
	keyCeremony  = "ceremony"
	keyWaits     = "waits" // unix seconds since which somebody is pending
)

// NewSessions gives the sessions of an installation; secure is true where it is served over https.
func NewSessions(d *db.DB, ring *secret.Ring, secure bool) *Sessions {
	s := &Sessions{SessionManager: scs.New(), DB: d, Ring: ring, Secure: secure}
	s.Store = auth.Sessions{DB: d}
	s.HashTokenInStore = true
	s.Lifetime = sessionLife
	s.ErrorFunc = ui.Fail
	s.Cookie.Name = "tributary"
	if secure {
		s.Cookie.Name, s.Cookie.Secure = "__Host-tributary", true
	}
	return s
}

// Who is who signed in with this session, read anew: a closed account, an ended device and a seat that was taken away are
// out at once.
func (s *Sessions) Who(r *http.Request) (p auth.Principal, ok bool, err error) {
	p, _, ok, err = s.look(r, nil)
	return p, ok, err
}

// Visit is Who, with what a page's frame says about them.
func (s *Sessions) Visit(r *http.Request) (p auth.Principal, v ui.Visit, ok bool, err error) {
	p, v.Unread, ok, err = s.look(r, s.Unread)
	v.Seats = int(s.GetInt64(r.Context(), keySeats))
	return p, v, ok, err
}

func (s *Sessions) look(r *http.Request, count func(*db.Tx, auth.Principal) (int, error)) (p auth.Principal, unread int, ok bool, err error) {
	ctx := r.Context()
	number, device := id.ID(s.GetInt64(ctx, keyPrincipal)), id.ID(s.GetInt64(ctx, keyDevice))
	since := clock.Since(time.Unix(s.GetInt64(ctx, keySeen), 0))
	if number == 0 || device == 0 || since > sessionIdle {
		return p, 0, false, nil
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if p, ok, err = auth.Who(tx, number, device, id.ID(s.GetInt64(ctx, keyAccount))); err == nil && ok && count != nil {
			unread, err = count(tx, p)
		}
		return err
	})
	if err == nil && ok && since > seenStride {
		s.Put(ctx, keySeen, clock.Wall().Unix())
		err = s.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error { return auth.SeenDevice(tx, device, clock.Wall()) })
	}
	return p, unread, ok, err
}

// Device is the device of this session; 0 where nobody signed in.
func (s *Sessions) Device(r *http.Request) id.ID { return id.ID(s.GetInt64(r.Context(), keyDevice)) }

// Fresh tells whether somebody proved a moment ago who they are.
func (s *Sessions) Fresh(r *http.Request) bool {
	age := clock.Since(time.Unix(s.GetInt64(r.Context(), keyProof), 0))
	return age >= -seenStride && age < FreshFor
}

// proved notes that they just did.
func (s *Sessions) proved(r *http.Request) { s.Put(r.Context(), keyProof, clock.Wall().Unix()) }

// enter makes a session that is signed in, on a new device. A session that was there before must not become one.
func (s *Sessions) enter(r *http.Request, principal, device id.ID, seats int) error {
	ctx := r.Context()
	if err := s.RenewToken(ctx); err != nil {
		return fault.Wrap(err, "renewing a session")
	}
	for _, key := range []string{keyPending, keyOwed, keyStep, keyWaits, keyInvite, keyCeremony, keyAccount, keyNext, keyBrowser} {
		s.Remove(ctx, key)
	}
	s.Put(ctx, keyPrincipal, int64(principal))
	s.Put(ctx, keyDevice, int64(device))
	s.Put(ctx, keySeats, int64(seats))
	s.Put(ctx, keySeen, clock.Wall().Unix())
	s.proved(r)
	return nil
}

// leave ends the session and its device.
func (s *Sessions) leave(r *http.Request) error {
	ctx := r.Context()
	principal, device := id.ID(s.GetInt64(ctx, keyPrincipal)), id.ID(s.GetInt64(ctx, keyDevice))
	if device != 0 {
		err := s.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
			err := auth.EndDevice(tx, principal, device, clock.Wall())
			if fault.Is(err, fault.NotFound) { // it was ended from elsewhere: the same
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return fault.Wrap(s.Destroy(ctx), "ending a session")
}

// Browser is a text that only this browser's session holds.
func (s *Sessions) Browser(r *http.Request) string {
	text := s.GetString(r.Context(), keyBrowser)
	if text == "" {
		var raw [32]byte
		rand.Read(raw[:])
		text = base64.RawURLEncoding.EncodeToString(raw[:])
		s.Put(r.Context(), keyBrowser, text)
		s.brief(r)
	}
	return text
}

// A browser remembers who signed in there, so that only a new one is told of. The cookie opens nothing: with it, whoever
// signs in merely causes no message.
const (
	knownPurpose = "known-browser"
	knownLife    = 365 * 24 * time.Hour
	maxKnown     = 5 // people who share a browser
)

func (s *Sessions) knownCookie() string {
	if s.Secure {
		return "__Host-tributary-known"
	}
	return "tributary-known"
}

// known tells whether somebody signed in with this browser before, and notes that they do now.
func (s *Sessions) known(w http.ResponseWriter, r *http.Request, principal id.ID) bool {
	mark := base64.RawURLEncoding.EncodeToString(s.Ring.Hash(knownPurpose, principal.Text(auth.Prefix)))
	marks := []string{mark}
	found := false
	if cookie, err := r.Cookie(s.knownCookie()); err == nil {
		for text := range strings.SplitSeq(cookie.Value, ".") {
			if secret.Equal([]byte(text), []byte(mark)) {
				found = true
			} else if len(marks) < maxKnown && len(text) == len(mark) {
				marks = append(marks, text)
			}
		}
	}
	http.SetCookie(w, &http.Cookie{Name: s.knownCookie(), Value: strings.Join(marks, "."), Path: "/", MaxAge: int(knownLife / time.Second),
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
	return found
}

// browserName says what a browser is, in a few words, out of what it says of itself.
func browserName(r *http.Request) string {
	agent := r.UserAgent()
	pick := func(otherwise string, pairs ...string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return otherwise
	}
	// Each browser names those that it descends from, too: the newest name comes first.
	name := pick("A browser", "Edg/", "Edge", "OPR/", "Opera", "SamsungBrowser", "Samsung Internet", "Firefox/", "Firefox", "FxiOS", "Firefox",
		"CriOS", "Chrome", "Chromium", "Chromium", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := pick("", "iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "Mac OS X", "macOS", "CrOS", "ChromeOS",
		"Linux", "Linux")
	if system == "" {
		return name
	}
	return name + " on " + system
}

// briefLife is how long a session is kept that nobody signed in with: what it holds is over sooner.
const briefLife = time.Hour

// brief makes the session of somebody who has not signed in a short one.
func (s *Sessions) brief(r *http.Request) {
	if s.GetInt64(r.Context(), keyPrincipal) == 0 {
		s.SetDeadline(r.Context(), clock.Wall().Add(briefLife))
	}
}
