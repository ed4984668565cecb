// Package egress is the only dialler: whatever leaves the process over the network leaves through here. It decides to
// which addresses a connection may be made, and how long anything may take.
//
// What must always hold: a client made by Operator connects to the hosts and ports that the configuration names and to
// nothing else, whatever address, redirect or proxy setting it meets on the way; a client made by Public, to public addresses
// and nothing else, however an address is written and whatever a name resolves to.
//
// It knows no protocol above HTTP and the look-up of text records, keeps nothing, and retries nothing: whoever sends something
// that must arrive keeps it until it is acknowledged.
package egress

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tributary/internal/fault"
)

// Limits of one request. They are generous for a service in the same building and short enough that a hanging one is
// noticed before the next minute.
const (
	dialTimeout     = 5 * time.Second
	headerTimeout   = 15 * time.Second
	requestTimeout  = 30 * time.Second
	idleTimeout     = 60 * time.Second
	idlePerHost     = 4
	maxHeaderBytes  = 64 << 10
	localhostSuffix = ".localhost"
)

// Operator gives a client for the addresses that an operator wrote into the configuration (private ones may be among
// them). Each is an absolute http or https address; what stands after its host is ignored.
func Operator(addresses ...string) (*http.Client, error) {
	allowed := make(map[string]bool, len(addresses))
	for _, text := range addresses {
		target, err := hostPort(text)
		if err != nil {
			return nil, err
		}
		allowed[target] = true
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		// No proxy: the environment of the process is not part of the configuration.
		DialContext: func(ctx context.Context, network, target string) (net.Conn, error) {
			if !allowed[strings.ToLower(target)] {
				return nil, fault.New(fault.Denied, "address", "is not in the configuration", "add it there if it is meant")
			}
			return dialer.DialContext(ctx, network, loopback(target))
		},
		TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout, IdleConnTimeout: idleTimeout,
		MaxIdleConnsPerHost: idlePerHost, MaxResponseHeaderBytes: maxHeaderBytes, ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: transport, Timeout: requestTimeout}, nil
}

// hostPort gives the address that a request to a URL dials.
func hostPort(text string) (string, error) {
	target, err := url.Parse(text)
	if err != nil || target.Hostname() == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return "", fault.Invalidf("address", "%q is not an http address", "write it as https://host:port", text)
	}
	port := target.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[target.Scheme]
	}
	return strings.ToLower(net.JoinHostPort(target.Hostname(), port)), nil
}

// loopback answers names under .localhost itself, as browsers do: few resolvers know them.
func loopback(target string) string {
	host, port, err := net.SplitHostPort(target)
	if err == nil && strings.HasSuffix(strings.ToLower(host), localhostSuffix) {
		return net.JoinHostPort("localhost", port)
	}
	return target
}
