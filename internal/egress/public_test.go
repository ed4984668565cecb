package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/fault"
)

// serve starts a server, and a client that finds it under blog.example and nothing else.
func serve(t *testing.T, answer http.HandlerFunc) *http.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return PublicFor("blog.example:80=" + strings.TrimPrefix(server.URL, "http://"))
}

func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "100.63.255.255": true, "100.128.0.0": true, "172.15.255.255": true, "172.32.0.0": true,
		"192.0.1.0": true, "192.169.0.0": true, "198.17.255.255": true, "198.20.0.0": true, "223.255.255.255": true,
		"2606:4700::1111": true, "2a00:1450::1": true, "64:ff9b::808:808": true, "2001:200::1": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.255.255.255": false, "100.64.0.0": false, "100.127.255.255": false, "127.255.255.254": false,
		"168.63.129.16": false, "169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.8": false,
		"192.0.2.1": false, "192.88.99.1": false, "192.168.1.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.7": false,
		"203.0.113.9": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:8.8.8.8": false, "::ffff:127.0.0.1": false, "::8.8.8.8": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::808:808": false, "100::1": false, "2001::1": false,
		"2001:0:4136:e378:8000:63bf:3fff:fdd2": false, "2001:2::1": false, "2001:10::1": false, "2001:db8::1": false,
		"2002:7f00:1::": false, "2002:808:808::": false, "3fff::1": false, "5f00::1": false, "fc00::1": false, "fd00:ec2::254": false,
		"fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false, "2606:4700::1%eth0": false,
		"2606:4700::5efe:127.0.0.1": false, "2606:4700::200:5efe:10.0.0.1": false, "2606:4700::5efe:8.8.8.8": true, "4000::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

// The dialler is asked again about the very address: what a name resolved to a moment ago counts for nothing.
func TestDialledAddressIsCheckedAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialer := &net.Dialer{Timeout: time.Second, Control: control}
	conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	if !errors.Is(err, ErrPrivate) || conn != nil {
		t.Fatalf("connected: %v %v", conn, err)
	}
	// A guard whose own check was deceived still ends there.
	g := newGuard(nil, func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
	}, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, listener.Addr().String())
	}, nil)
	if _, err := g.client().Get("http://rebound.example/"); !fault.Is(err, fault.Denied) || !errors.Is(err, ErrPrivate) {
		t.Errorf("got %v", err)
	}
}

// What is public is dialled, at the address that was checked, one after the other.
func TestPublicDialsWhatItResolved(t *testing.T) {
	var dialled []string
	answers := []string{"2606:4700::1", "::ffff:8.8.4.4", "9.9.9.9", "1.1.1.1", "8.8.8.8"}
	g := newGuard(nil, func(_ context.Context, host string) (found []netip.Addr, err error) {
		if host != "xn--bcher-kva.example" {
			t.Errorf("looked up %q", host)
		}
		for _, text := range answers {
			found = append(found, netip.MustParseAddr(text))
		}
		return found, nil
	}, func(_ context.Context, _, target string) (net.Conn, error) {
		dialled = append(dialled, target)
		return nil, errors.New("nobody is there")
	}, nil)
	_, err := g.client().Get("https://Bücher.example./read")
	if !fault.Is(err, fault.Unavailable) || fault.Of(err).Field != "address" {
		t.Errorf("got %v", err)
	}
	want := "[2606:4700::1]:443 8.8.4.4:443 9.9.9.9:443 1.1.1.1:443"
	if got := strings.Join(dialled, " "); got != want {
		t.Errorf("dialled %s, want %s", got, want)
	}
	// One that is not public spoils all.
	answers, dialled = []string{"8.8.8.8", "10.0.0.1"}, nil
	if _, err := g.client().Get("http://bücher.example/"); !errors.Is(err, ErrPrivate) || dialled != nil {
		t.Errorf("dialled %v, %v", dialled, err)
	}
	for _, none := range [][]netip.Addr{nil, {}} {
		g.look = func(context.Context, string) ([]netip.Addr, error) { return none, nil }
		if _, err := g.client().Get("http://bücher.example/"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("no address: %v", err)
		}
	}
	missing := &net.DNSError{IsNotFound: true}
	g.look = func(context.Context, string) ([]netip.Addr, error) { return nil, missing }
	if _, err := g.client().Get("http://bücher.example/"); !errors.Is(err, missing) || !fault.Is(err, fault.Unavailable) {
		t.Errorf("unknown name: %v", err)
	}
}

func TestPublicRedirects(t *testing.T) {
	requests := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		switch n, to := 0, r.URL.Query().Get("to"); {
		case to != "":
			http.Redirect(w, r, to, http.StatusFound)
		case r.URL.Path == "/end":
			io.WriteString(w, "here")
		default:
			fmt.Sscanf(r.URL.Path, "/hop/%d", &n)
			if n == 0 {
				http.Redirect(w, r, "/end", http.StatusFound)
				return
			}
			http.Redirect(w, r, fmt.Sprintf("/hop/%d", n-1), http.StatusMovedPermanently)
		}
	})
	answer, err := client.Get("http://blog.example/hop/4")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	requests = 0
	if _, err := client.Get("http://blog.example/hop/5"); !errors.Is(err, ErrRedirects) || requests != maxRedirects+1 {
		t.Errorf("six redirects: %v after %d requests", err, requests)
	}
	if _, err := client.Get("http://blog.example/hop/1000"); !errors.Is(err, ErrRedirects) || !fault.Is(err, fault.Invalid) {
		t.Errorf("a thousand redirects: %v", err)
	}
	for to, want := range map[string]error{
		"http://127.0.0.1/": ErrPrivate, "//169.254.169.254/latest/meta-data/": ErrPrivate, "http://[::1]/": ErrPrivate,
		"file:///etc/passwd": ErrForm, "gopher://blog.example/": ErrForm, "http://u:p@blog.example/end": ErrForm,
		"http://blog.example:8080/": ErrForm, "http://localhost/": ErrForm, "javascript:alert(1)": ErrForm,
	} {
		if _, err := client.Get("http://blog.example/?to=" + url.QueryEscape(to)); !errors.Is(err, want) {
			t.Errorf("to %s: %v", to, err)
		}
	}
}

func TestPublicStaysOnHTTPS(t *testing.T) {
	asked := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/down" {
			http.Redirect(w, r, "http://blog.example/", http.StatusFound)
			return
		}
		io.WriteString(w, r.Proto)
	}))
	defer server.Close()
	at := server.Listener.Addr().String()
	g := newGuard([]string{"example.com:443=" + at, "blog.example:80=" + at}, nil, nil, (&net.Dialer{}).DialContext)
	if _, err := g.client().Get("https://example.com/"); err == nil || asked != 0 {
		t.Fatalf("an unknown certificate was taken: %v", err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	g.transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	answer, err := g.client().Get("https://example.com/")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if _, err := g.client().Get("https://example.com/down"); !errors.Is(err, ErrRedirects) || asked != 2 {
		t.Errorf("down to http: %v after %d requests", err, asked)
	}
}

func TestPublicKeepsNothingAndGoesStraight(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:9")
	t.Setenv("http_proxy", "http://192.0.2.1:9")
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.Cookies()) > 0 || r.Header.Get("Authorization") != "" {
			t.Errorf("sent %v", r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		if r.URL.Path == "/long" {
			w.Header().Set("Long", strings.Repeat("x", maxHeaderBytes))
		}
	})
	for range 2 {
		answer, err := client.Get("http://blog.example/")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	if _, err := client.Get("http://blog.example/long"); err == nil {
		t.Error("a header beyond the bound was taken")
	}
	if client.Timeout != requestTimeout {
		t.Errorf("a request may take %v", client.Timeout)
	}
}

func TestSandboxNamesAreExact(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	client := PublicFor(server.URL+"/any", "Ada.localhost:"+port, "ada.example:80=127.0.0.1:"+port, "nonsense")
	for _, address := range []string{server.URL, "http://ada.localhost:" + port + "/", "http://ADA.example/"} {
		answer, err := client.Get(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		answer.Body.Close()
	}
	for _, address := range []string{
		"http://127.0.0.1:80/", "http://[::1]:" + port + "/", "http://127.0.0.2:" + port + "/", "http://bob.localhost:" + port + "/",
		"https://ada.example:" + port + "/", "http://localhost:" + port + "/",
	} {
		if _, err := client.Get(address); !errors.Is(err, ErrPrivate) && !errors.Is(err, ErrForm) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestBody(t *testing.T) {
	var bomb bytes.Buffer
	packer := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		packer.Write(zeros)
	}
	packer.Close()
	const limit = 1 << 16
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body := bytes.Repeat([]byte("x"), limit)
		switch r.URL.Path {
		case "/larger": // announced
			w.Write(append(body, 'x'))
		case "/endless": // not announced
			for range 100 {
				if _, err := w.Write(body); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		case "/twice":
			w.Header().Add("Content-Encoding", "gzip, gzip")
			w.Write(bomb.Bytes())
		case "/torn":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bytes.Repeat([]byte("not gzip"), 20))
		case "/short":
			w.Header().Set("Content-Length", fmt.Sprint(limit))
			w.Write(body[:10])
		case "/fits":
			w.Header().Set("Content-Encoding", "identity")
			w.Write(body)
		}
	})
	for path, want := range map[string]error{
		"/fits": nil, "/empty": nil, "/larger": ErrTooLarge, "/endless": ErrTooLarge, "/bomb": ErrTooLarge, "/twice": ErrCoding,
		"/torn": ErrCoding, "/short": ErrShort,
	} {
		answer, err := client.Get("http://blog.example" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := Body(answer, limit)
		answer.Body.Close()
		if !errors.Is(err, want) || len(body) > limit {
			t.Errorf("%s: %v with %d bytes", path, err, len(body))
		}
		if want != nil && fault.Of(err).Fix == "" {
			t.Errorf("%s: %v says no fix", path, err)
		}
	}
	stalled := &http.Response{Body: io.NopCloser(iotest{}), Header: http.Header{}}
	if _, err := Body(stalled, limit); !errors.Is(err, context.DeadlineExceeded) || !fault.Is(err, fault.Unavailable) {
		t.Errorf("stalled: %v", err)
	}
}

type iotest struct{}

func (iotest) Read([]byte) (int, error) { return 0, context.DeadlineExceeded }
