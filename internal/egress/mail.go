package egress

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"tributary/internal/fault"
)

// Limits of a look-up of text records.
const (
	lookupTimeout = 10 * time.Second
	maxRecords    = 100
	maxRecord     = 4 << 10 // bytes
)

// TXT looks up the text records of a host, as it is written: search domains play no part. A host that does not exist, or has
// no records, has none. It takes 10 seconds at most, and gives at most 100 records of at most 4 KiB.
func TXT(ctx context.Context, host string) ([]string, error) {
	return lookTXT(ctx, host, net.DefaultResolver.LookupTXT)
}

func lookTXT(ctx context.Context, host string, ask func(context.Context, string) ([]string, error)) ([]string, error) {
	name, err := plainHost(host)
	if err != nil {
		return nil, err
	}
	switch _, isAddress, err := literal(name); {
	case err != nil:
		return nil, err
	case isAddress:
		return nil, badHost()
	}
	// The dot at the end says that the name is whole: no search domain is put behind it.
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := ask(ctx, name+".")
	// That nothing is there is an answer, and no failure: the caller says what was looked for.
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "address", "has name servers that do not answer", "try again in a few minutes").
			Because(err)
	}
	found = found[:min(len(found), maxRecords)]
	for i, record := range found {
		found[i] = record[:min(len(record), maxRecord)]
	}
	return found, nil
}

// Mail gives the function that dials the configured mail server, `host:port`, and nothing else. It may be on a private
// network. Where the address is not a host and port, every call is Denied.
func Mail(address string) func(ctx context.Context, network, target string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	host, port, err := net.SplitHostPort(address)
	configured := err == nil && host != "" && port != ""
	return func(ctx context.Context, network, target string) (net.Conn, error) {
		if !configured || !strings.EqualFold(target, address) || !strings.HasPrefix(network, "tcp") {
			return nil, fault.New(fault.Denied, "mail", "is not the mail server of the configuration", "write it there as host:port")
		}
		return dialer.DialContext(ctx, network, loopback(target))
	}
}
