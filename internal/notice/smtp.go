package notice

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"tributary/internal/clock"
	"tributary/internal/fault"
)

// TLS says how a mail server is spoken to.
type TLS string

// The ways.
const (
	TLSStart TLS = "starttls" // after STARTTLS, or not at all
	TLSFull  TLS = "tls"      // from the first byte on
	TLSNone  TLS = "none"     // in the open: for a server on the same machine; no password is ever sent this way
)

// Mail is the mail server that the operator configures.
type Mail struct {
	Address        string // host:port
	User, Password string // empty: the server asks for none
	From           string // an address, or `Name <address>`
	TLS            TLS    // empty: TLSStart
	// Dial makes connections (egress.Mail of the same address).
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Roots are whose certificates are believed; nil: those of the system.
	Roots *x509.CertPool
}

// sendTimeout bounds a conversation with the mail server.
const sendTimeout = 30 * time.Second

// Check refuses what cannot be a mail server.
func (m *Mail) Check() error {
	host, port, err := net.SplitHostPort(m.Address)
	number, portErr := strconv.Atoi(port)
	from, fromErr := mail.ParseAddress(m.From)
	switch {
	case err != nil || host == "" || portErr != nil || number < 1 || number > 65535:
		return fault.Invalidf("mail", "%q is not the address of a mail server", "write it as host:port", short(m.Address))
	case fromErr != nil || !isAddress(from.Address):
		return fault.Invalidf("mail-from", "is not a mail address", "write name@host, or Name <name@host>")
	case m.TLS != "" && m.TLS != TLSStart && m.TLS != TLSFull && m.TLS != TLSNone:
		return fault.Invalidf("mail-tls", "is not a way to speak to a mail server", "write starttls, tls or none")
	case m.User != "" && m.TLS == TLSNone:
		return fault.Invalidf("mail-tls", "would send the password in the open", "write starttls or tls")
	case m.Dial == nil:
		return fault.Invalidf("mail", "has nothing to dial with", "give egress.Mail of its address")
	}
	return nil
}

// refusal is a mail that the server will not take, now or later. Its text names the server's codes and none of its words:
// these repeat addresses.
type refusal struct {
	code    string // `550 5.1.1`
	address bool   // the recipient's address is refused, and not the mail or its sender
}

func (r *refusal) Error() string { return "the mail server refused it for good: " + r.code }

// ofAddress begins what is noted of a refusal that is about the recipient's address.
const ofAddress = "address "

// told is what is noted of a refusal.
func (r *refusal) told() string {
	if r.address {
		return ofAddress + r.code
	}
	return r.code
}

// host is the domain that the letters of an installation come from.
func (m *Mail) host() string {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return "localhost"
	}
	_, host, _ := strings.Cut(from.Address, "@")
	return host
}

// message builds the mail of a letter. Whatever a name or a subject holds, it stays within its header.
func (m *Mail) message(l Letter, name string) (*gomail.Msg, error) {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return nil, fault.Wrap(err, "reading the sender's address")
	}
	if from.Name == "" {
		from.Name = name
	}
	if !isAddress(l.To) {
		return nil, fault.Invalidf("to", "is not a mail address", "the person corrects it")
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&mail.Address{Name: oneLine(from.Name, maxSubject), Address: from.Address})
	msg.ToMailAddress(&mail.Address{Name: oneLine(l.Name, maxSubject), Address: l.To})
	msg.Subject(oneLine(l.Subject, maxSubject))
	msg.SetMessageIDWithValue(l.MessageID + "@" + m.host())
	msg.SetDateWithValue(clock.Wall())
	// Programs that answer by themselves (holiday notes) leave such mail alone (RFC 3834).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	switch {
	case strings.HasPrefix(l.Unsubscribe, "https://"):
		if err := msg.SetListUnsubscribeOneClick(l.Unsubscribe); err != nil {
			return nil, fault.Wrap(err, "writing the header that switches off")
		}
	case l.Unsubscribe != "":
		msg.SetListUnsubscribe(l.Unsubscribe)
	}
	msg.SetBodyString(gomail.TypeTextPlain, l.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	return msg, nil
}

// client opens nothing yet: it knows how to speak to the server. opened is told each connection that is made.
func (m *Mail) client(opened func(net.Conn)) (*gomail.Client, error) {
	host, port, _ := net.SplitHostPort(m.Address)
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, m.Check()
	}
	config := &tls.Config{ServerName: host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := m.Dial(ctx, network, address)
		if err == nil {
			opened(conn)
		}
		return conn, err
	}
	open, policy := dial, gomail.TLSMandatory
	switch m.TLS {
	case TLSNone:
		policy = gomail.NoTLS
	case TLSFull: // the library does not encrypt what a dialler of ours gives it
		policy = gomail.NoTLS
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			plain, err := open(ctx, network, address)
			if err != nil {
				return nil, err
			}
			conn := tls.Client(plain, config)
			return conn, conn.HandshakeContext(ctx)
		}
	}
	options := []gomail.Option{gomail.WithPort(number), gomail.WithTimeout(sendTimeout), gomail.WithDialContextFunc(dial),
		gomail.WithTLSConfig(config), gomail.WithTLSPolicy(policy), gomail.WithHELO(m.host())}
	if m.User != "" {
		auth := gomail.SMTPAuthAutoDiscover
		if m.TLS == TLSFull { // encrypted, which the library cannot see
			auth = gomail.SMTPAuthPlainNoEnc
		}
		options = append(options, gomail.WithSMTPAuth(auth), gomail.WithUsername(m.User), gomail.WithPassword(m.Password))
	}
	return gomail.NewClient(host, options...)
}

// send hands a letter to the server. A *refusal is for good; any other error may pass.
func (m *Mail) send(ctx context.Context, l Letter, name string) error {
	msg, err := m.message(l, name)
	if err != nil {
		return err
	}
	var line net.Conn
	client, err := m.client(func(conn net.Conn) { line = conn })
	if err != nil {
		return fault.New(fault.Unavailable, "mail", "the mail server is not set up rightly", "look at its configuration").Because(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*sendTimeout)
	defer cancel()
	conversation, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil { // the server is away, wants no TLS, or does not know us: all of that may be mended
		if line != nil { // the library leaves open what it could not use
			_ = line.Close()
		}
		return fault.New(fault.Unavailable, "mail", "the mail server cannot be reached, or does not let us in", "look at its configuration").
			Because(errors.New(wordless(err)))
	}
	err = client.SendWithSMTPClient(conversation, msg)
	// The server has taken the mail once it said so, whatever becomes of the good-bye.
	_ = client.CloseWithSMTPClient(conversation)
	if msg.IsDelivered() {
		return nil
	}
	var failure *gomail.SendError
	if !errors.As(err, &failure) {
		return fault.New(fault.Unavailable, "mail", "the mail server broke off", "it is tried again").Because(errors.New(wordless(err)))
	}
	code := strings.TrimSpace(strconv.Itoa(failure.ErrorCode()) + " " + failure.EnhancedStatusCode())
	if failure.ErrorCode() >= 500 && !failure.IsTemp() {
		return &refusal{code: code, address: failure.Reason == gomail.ErrSMTPRcptTo}
	}
	return fault.New(fault.Unavailable, "mail", "the mail server put it off: "+code, "it is tried again")
}

// wordless is what may be logged of an error of the conversation: its kind and code. Servers repeat what they were told.
func wordless(err error) string {
	var coded interface{ Error() string }
	text := fmt.Sprintf("%T", err)
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		coded = inner
		text = fmt.Sprintf("%T", inner)
	}
	if coded != nil {
		if number, _, found := strings.Cut(coded.Error(), " "); found && len(number) == 3 && strings.Trim(number, "0123456789") == "" {
			text += " " + number
		}
	}
	var network *net.OpError
	if errors.As(err, &network) {
		text += " " + network.Op
	}
	return text
}
