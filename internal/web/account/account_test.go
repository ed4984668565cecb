package account

import (
	"context"
	"net/http/httptest"
	"regexp"
	"testing"

	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// What a link says must not lead to another host, however a browser reads it.
func TestLocal(t *testing.T) {
	for to, want := range map[string]string{
		"/account?x=1#y": "/account?x=1#y", "": "/home", "account": "/home", "//elsewhere.example": "/home", "https://elsewhere.example": "/home",
		"/\\elsewhere.example": "/home", "\\/elsewhere.example": "/home", "/\t/elsewhere.example": "/home", "/\n": "/home", " /account": "/home",
	} {
		if got := local(to); got != want {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func FuzzLocal(f *testing.F) {
	f.Add("//x")
	f.Add("/\\x")
	safe := regexp.MustCompile(`^/([^/\\].*)?$`)
	f.Fuzz(func(t *testing.T, to string) {
		if got := local(to); !safe.MatchString(got) {
			t.Errorf("%q leads to %q", to, got)
		}
	})
}

// Guesses are counted by the visitor's own network: one address of the fourth version, a whole block of the sixth.
func TestFrom(t *testing.T) {
	for remote, want := range map[string]string{
		"203.0.113.7:4000": "address:203.0.113.7", "[2001:db8:1:2:3::4]:4000": "address:2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:9": "address:2001:db8:1:2::/64", "[::ffff:203.0.113.7]:1": "address:203.0.113.7", "pipe": "address:",
	} {
		r := httptest.NewRequest("POST", "/login", nil)
		r.RemoteAddr = remote
		if got := (&Pages{}).from(r); got != want {
			t.Errorf("%s is counted as %s, want %s", remote, got, want)
		}
	}
}

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                        "Firefox on Linux",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/604.1":     "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36":                      "Chrome on Android",
		"": "A browser",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("User-Agent", agent)
		if got := browserName(r); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

func TestMask(t *testing.T) {
	for email, want := range map[string]string{"ada@new.example": "a…@new.example", "é@x.example": "é…@x.example", "": "", "@x": "", "nothing": ""} {
		if got := mask(email); got != want {
			t.Errorf("%q is shown as %q", email, got)
		}
	}
}

// A name becomes a handle that nobody has; one in other letters, or that many have, becomes one all the same.
func TestHandles(t *testing.T) {
	d, ring := dbtest.Open(t), secret.FixedRing("handles")
	made := map[string]bool{}
	for i, c := range []struct{ name, want string }{
		{"Zoë Ångström", "zoe-angstrom"}, {"zoe angstrom", "zoe-angstrom2"}, {"李小龙", "creator"}, {"Bo", "creator-bo"}, {"  -- ", "creator2"},
		{"O'Neill & Sons, Ltd.", "o-neill-sons-ltd"}, {"A name that is far too long for any handle at all", "a-name-that-is-far-too-l"},
	} {
		var handle string
		err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) (err error) {
			if handle, err = freeHandle(tx, c.name); err != nil {
				return err
			}
			return creator.Create(tx, ring, creator.Creator{ID: id.ID(i + 1), Name: "Somebody", Handle: handle, Created: clock.Wall()}, creator.Personal{})
		})
		if err != nil || handle != c.want {
			t.Errorf("%q: %q, %v", c.name, handle, err)
		}
	}
	for i := range 30 {
		if err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
			handle, err := freeHandle(tx, "Sam Lee")
			if err != nil {
				return err
			}
			if made[handle] {
				t.Errorf("%s is given twice", handle)
			}
			made[handle] = true
			return creator.Create(tx, ring, creator.Creator{ID: id.ID(i + 100), Name: "Sam Lee", Handle: handle, Created: clock.Wall()}, creator.Personal{})
		}); err != nil {
			t.Fatal(err)
		}
	}
}
