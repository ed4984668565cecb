package egress

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"tributary/internal/fault"
)

func TestTXT(t *testing.T) {
	var asked string
	many := make([]string, maxRecords+1)
	many[0] = strings.Repeat("x", maxRecord+1)
	ask := func(ctx context.Context, host string) ([]string, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the look-up has no end")
		}
		asked = host
		switch host {
		case "nothing.example.":
			return nil, &net.DNSError{IsNotFound: true}
		case "down.example.":
			return nil, &net.DNSError{IsTemporary: true}
		case "many.example.":
			return many, nil
		}
		return []string{"tributary-site=abc"}, nil
	}
	if _, err := lookTXT(t.Context(), "_tributary.Bücher.example", ask); err == nil || asked != "" {
		t.Errorf("a name that is not one was asked for: %q %v", asked, err)
	}
	found, err := lookTXT(t.Context(), "_tributary.blog.example.", ask)
	if err != nil || len(found) != 1 || asked != "_tributary.blog.example." {
		t.Errorf("found %v at %q, %v", found, asked, err)
	}
	if found, err = lookTXT(t.Context(), "nothing.example", ask); err != nil || found != nil {
		t.Errorf("nothing: %v %v", found, err)
	}
	if _, err = lookTXT(t.Context(), "down.example", ask); !fault.Is(err, fault.Unavailable) || fault.Of(err).Field == "" {
		t.Errorf("down: %v", err)
	}
	if found, err = lookTXT(t.Context(), "many.example", ask); err != nil || len(found) != maxRecords || len(found[0]) != maxRecord {
		t.Errorf("many: %d %v", len(found), err)
	}
	asked = ""
	for _, bad := range []string{"", "localhost", "127.0.0.1", "8.8.8.8", "2606:4700::1", "a b.example", "router.local", "1.2.3", "a..example", "."} {
		if _, err := lookTXT(t.Context(), bad, ask); err == nil || asked != "" {
			t.Errorf("%q was asked for: %v", bad, err)
		}
	}
}

func TestMailDialsItsServerOnly(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, configured := range []string{listener.Addr().String(), "mail.localhost:" + port} {
		conn, err := Mail(configured)(t.Context(), "tcp", strings.ToUpper(configured))
		if err != nil {
			t.Fatalf("%s: %v", configured, err)
		}
		conn.Close()
		for _, other := range []string{"127.0.0.2:" + port, "127.0.0.1:25", "example.com:25", "", ":" + port} {
			if conn, err := Mail(configured)(t.Context(), "tcp", other); !fault.Is(err, fault.Denied) || conn != nil {
				t.Errorf("%s: dialled %s: %v", configured, other, err)
			}
		}
	}
	if _, err := Mail(listener.Addr().String())(t.Context(), "udp", listener.Addr().String()); !fault.Is(err, fault.Denied) {
		t.Errorf("another kind of network: %v", err)
	}
	for _, bad := range []string{"", "mail.example", ":25", "mail.example:"} {
		if _, err := Mail(bad)(t.Context(), "tcp", bad); !fault.Is(err, fault.Denied) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Mail(listener.Addr().String())(ctx, "tcp", listener.Addr().String()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
