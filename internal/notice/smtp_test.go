package notice

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
)

// server is a small mail server that answers as it is told.
type server struct {
	t        *testing.T
	listener net.Listener
	config   *tls.Config
	roots    *x509.CertPool
	full     bool // TLS from the first byte on
	plain    bool // offers no STARTTLS
	password string

	mu      sync.Mutex
	answers map[string][]string // by verb, one for each time; then the usual one
	mails   []received
	heard   strings.Builder // all that was said in the open
}

type received struct{ from, to, text string }

func newServer(t *testing.T) *server {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, answers: map[string][]string{}, roots: x509.NewCertPool(),
		config: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	s.roots.AddCert(certificate)
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.listener.Close() })
	go func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

// mail is how an installation is told of the server.
func (s *server) mail() *Mail {
	dialer := &net.Dialer{}
	return &Mail{Address: s.listener.Addr().String(), From: "post@programs.example", Dial: dialer.DialContext, Roots: s.roots}
}

func (s *server) answer(verb, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if planned := s.answers[verb]; len(planned) > 0 {
		s.answers[verb] = planned[1:]
		return planned[0]
	}
	return usual
}

func (s *server) plan(verb string, answers ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[verb] = answers
}

func (s *server) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received{}, s.mails...)
}

func (s *server) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	encrypted := s.full
	if s.full {
		conn = tls.Server(conn, s.config)
	}
	lines := textproto.NewConn(conn)
	lines.PrintfLine("220 mail.example ready")
	var m received
	for {
		line, err := lines.ReadLine()
		if err != nil {
			return
		}
		if !encrypted {
			s.mu.Lock()
			s.heard.WriteString(line + "\n")
			s.mu.Unlock()
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			lines.PrintfLine("250-mail.example")
			if !encrypted && !s.plain {
				lines.PrintfLine("250-STARTTLS")
			}
			if s.password != "" {
				lines.PrintfLine("250-AUTH PLAIN")
			}
			lines.PrintfLine("250 ENHANCEDSTATUSCODES")
		case "STARTTLS":
			lines.PrintfLine("220 go on")
			conn, encrypted = tls.Server(conn, s.config), true
			lines = textproto.NewConn(conn)
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			if strings.HasSuffix(string(raw), "\x00"+s.password) {
				lines.PrintfLine("235 welcome")
			} else {
				lines.PrintfLine("535 5.7.8 no such %q", raw)
			}
		case "MAIL":
			m.from = rest
			lines.PrintfLine("%s", s.answer("MAIL", "250 fine"))
		case "RCPT":
			m.to = rest
			lines.PrintfLine("%s", s.answer("RCPT", "250 fine"))
		case "DATA":
			if answer := s.answer("DATA", "354 go on"); !strings.HasPrefix(answer, "354") {
				lines.PrintfLine("%s", answer)
				continue
			}
			lines.PrintfLine("354 go on")
			text, err := lines.ReadDotBytes()
			if err != nil {
				return
			}
			answer := s.answer("END", "250 taken")
			if strings.HasPrefix(answer, "250") {
				m.text = string(text)
				s.mu.Lock()
				s.mails = append(s.mails, m)
				s.mu.Unlock()
			}
			lines.PrintfLine("%s", strings.TrimSuffix(answer, " and gone"))
			if strings.HasSuffix(answer, " and gone") {
				return
			}
		case "QUIT":
			lines.PrintfLine("221 bye")
			return
		default: // NOOP, RSET
			lines.PrintfLine("250 fine")
		}
	}
}

// opened reads a mail as a program does: its headers, its text and its HTML.
func opened(t *testing.T, r received) (header mail.Header, text, html string) {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(r.text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, r.text)
	}
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("it is %s, %v", kind, err)
	}
	reader := multipart.NewReader(message.Body, parameters["boundary"])
	for _, into := range []*string{&text, &html} {
		part, err := reader.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		*into = strings.ReplaceAll(string(raw), "\r\n", "\n")
	}
	return message.Header, text, html
}

func subject(t *testing.T, h mail.Header) string {
	text, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// logged gives what is logged while fn runs.
func logged(fn func()) string {
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	fn()
	return b.String()
}

func TestMail(t *testing.T) {
	w, s := newWorld(t), newServer(t)
	s.password = "CANARY-PASSWORD"
	w.post.Mail = s.mail()
	w.post.Mail.User, w.post.Mail.Password = "post", s.password
	if err := w.post.Mail.Check(); err != nil {
		t.Fatal(err)
	}
	w.send("site.proved", func(n *Notice) { n.Principal, n.Facts["site"] = w.owner, "größe.example <b>" })
	w.send("account.signed_in", w.toOwner)
	w.drain()
	mails := s.got()
	if len(mails) != 2 {
		t.Fatalf("%d mails", len(mails))
	}
	for _, m := range mails {
		h, text, html := opened(t, m)
		if !strings.Contains(m.from, "post@programs.example") || !strings.Contains(m.to, "ada@people.example") || h.Get("Auto-Submitted") != "auto-generated" ||
			!strings.HasSuffix(h.Get("Message-Id"), "@programs.example>") || !strings.Contains(h.Get("From"), `"Harbour programs" <post@programs.example>`) ||
			!strings.Contains(h.Get("To"), `"Ada Lindholm" <ada@people.example>`) {
			t.Errorf("from %s to %s, %v", m.from, m.to, h)
		}
		if strings.Contains(subject(t, h), "größe.example <b> is yours") {
			if !strings.HasPrefix(h.Get("List-Unsubscribe"), "<https://programs.example/unsubscribe?t=us_") || h.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" ||
				!strings.Contains(text, "größe.example <b>") || !strings.Contains(html, "größe.example &lt;b&gt;") || strings.Contains(html, "<b>") {
				t.Errorf("%v\n%s\n%s", h, text, html)
			}
		} else if h.Get("List-Unsubscribe") != "" || !strings.Contains(text, footMust) || strings.Contains(html, "unsubscribe") {
			t.Errorf("what must be known can be switched off: %v", h)
		}
	}
	if strings.Contains(s.heard.String(), "ada@") || strings.Contains(s.heard.String(), "AUTH") {
		t.Errorf("said in the open: %s", s.heard.String())
	}
}

func TestMailOverTLSFromTheFirstByte(t *testing.T) {
	w, s := newWorld(t), newServer(t)
	s.full, s.password = true, "secret"
	w.post.Mail = s.mail()
	w.post.Mail.TLS, w.post.Mail.User, w.post.Mail.Password = TLSFull, "post", "secret"
	w.send("account.signed_in", w.toOwner)
	w.drain()
	if len(s.got()) != 1 {
		t.Errorf("%d mails", len(s.got()))
	}
}

var pullAll = db.Statement(`UPDATE job SET due = 0 WHERE state = 'open'`)

// again lets all that waits be due now.
func (w *world) again() {
	w.t.Helper()
	w.write(func(tx *db.Tx) error { _, err := tx.Exec(pullAll); return err })
	w.drain()
}

func (w *world) states() map[string]int {
	w.t.Helper()
	var counts map[string]int
	w.read(func(tx *db.Tx) (err error) { counts, err = MailCounts(tx); return err })
	return counts
}

func (w *world) givenUp() (all []job.Failure) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) { all, err = job.Failed(tx, "", 50); return err })
	return all
}

// Whatever may pass is tried again: the server puts it off, is away, speaks no TLS, does not know us, breaks off.
func TestMailTriedAgain(t *testing.T) {
	w, s := newWorld(t), newServer(t)
	w.post.Mail = s.mail()
	good := *w.post.Mail
	s.plan("RCPT", "451 4.7.1 come back later, ada@people.example")
	s.plan("END", "452 4.3.1 disk full")
	w.send("account.signed_in", w.toOwner)
	log := logged(func() {
		w.drain()
		w.again()
		s.plain, s.password = true, "right"
		w.again()
		s.plain = false
		w.post.Mail.User, w.post.Mail.Password = "post", "CANARY-PASSWORD"
		w.again()
		*w.post.Mail = good
		w.post.Mail.Address = "127.0.0.1:1"
		w.again()
		*w.post.Mail = good
		w.post.Mail.Roots = x509.NewCertPool()
		w.again()
	})
	if len(s.got()) != 0 || w.states()[waiting] != 1 || len(w.givenUp()) != 0 {
		t.Fatalf("%d mails, %v", len(s.got()), w.states())
	}
	if strings.Contains(log, "CANARY") || strings.Contains(log, "ada@") || !strings.Contains(log, "451 4.7.1") || !strings.Contains(log, "452 4.3.1") {
		t.Errorf("the log says\n%s", log)
	}
	if heard := s.heard.String(); strings.Contains(heard, "RCPT") || strings.Contains(heard, "AUTH") {
		t.Errorf("said in the open:\n%s", heard)
	}
	w.nothingHolds("CANARY", "ada@people.example")
	*w.post.Mail = good
	s.plan("END", "250 taken and gone") // taken is taken, also without a good-bye
	w.again()
	w.again()
	if len(s.got()) != 1 || w.states()[sent] != 1 {
		t.Errorf("%d mails, %v", len(s.got()), w.states())
	}
}

// What the server refuses for good is given up and told; an address that came back three times gets no more mail, until
// somebody believes it again.
func TestMailRefused(t *testing.T) {
	w, s := newWorld(t), newServer(t)
	w.post.Mail = s.mail()
	refusal := "550 5.1.1 no such user ada@people.example"
	s.plan("RCPT", refusal, refusal, refusal)
	s.plan("DATA")
	for range 4 {
		w.send("account.signed_in", w.toOwner)
		w.drain()
	}
	all := w.givenUp()
	if len(all) != 3 || strings.Contains(all[0].Error, "ada@") || !strings.Contains(all[0].Error, "550 5.1.1") || len(s.got()) != 0 {
		t.Errorf("given up %+v, %d mails", all, len(s.got()))
	}
	var list []Undelivered
	w.read(func(tx *db.Tx) (err error) { list, err = UndeliveredMail(tx, 10); return err })
	codes := map[string]int{}
	for _, u := range list {
		codes[u.Code]++
	}
	if len(list) != 4 || codes["address 550 5.1.1"] != 3 || codes["stopped"] != 1 || list[0].Event != "account.signed_in" || list[0].Principal != w.owner {
		t.Errorf("undelivered %+v", list)
	}
	w.nothingHolds("ada@people.example")
	s.plan("DATA", "554 5.6.0 I do not like this mail")
	resend := func(u Undelivered) error {
		return w.db.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return Resend(tx, u.Notice, u.Principal) })
	}
	for _, u := range list[:2] {
		if err := resend(u); err != nil {
			t.Fatal(err)
		}
		w.drain()
	}
	if got := w.states(); got[sent] != 1 || got[failed] != 3 || len(s.got()) != 1 { // one refused for what it holds, one sent
		t.Errorf("%v, %d mails", got, len(s.got()))
	}
	if err := resend(list[1]); !fault.Is(err, fault.NotFound) {
		t.Errorf("what was sent is sent again: %v", err)
	}
	w.send("account.signed_in", func(n *Notice) { n.Principal = w.manager })
	w.drain()
	if len(s.got()) != 2 {
		t.Error("somebody else's mail did not go")
	}
}

// Of somebody who was erased nothing stays, whatever becomes of the last letter.
func TestFarewellThatDoesNotArrive(t *testing.T) {
	w, s := newWorld(t), newServer(t)
	w.post.Mail = s.mail()
	s.plan("RCPT", "550 5.1.1 no such user", "451 4.7.1 later")
	gone := func(n *Notice) { n.Principal, n.To = w.owner, "ada@people.example" }
	w.send("data.erased", gone)
	w.drain()
	w.send("data.erased", gone)
	w.write(func(tx *db.Tx) error { _, err := tx.Exec(lastTry, int64(job.MaxTries-1)); return err })
	w.drain()
	if got := w.states(); len(got) != 0 || len(s.got()) != 0 || len(w.givenUp()) != 2 {
		t.Errorf("%v, %d mails, %v", got, len(s.got()), w.givenUp())
	}
	w.read(func(tx *db.Tx) error {
		return tx.Each(everything[0], func(scan func(...any) error) error { t.Error("a notice is left"); return nil })
	})
}

var lastTry = db.Statement(`UPDATE job SET tries = $1 WHERE state = 'open'`)

// An installation that has no mail server lets letters wait: it has no mailbox in which somebody could read them.
func TestNoMailServer(t *testing.T) {
	w := newWorld(t)
	w.post.Clock = &clock.Business{}
	w.write(func(tx *db.Tx) error { return Switch(tx, w.owner, "proofs", Daily) })
	w.send("hold.released", w.toOwner)
	w.send("site.proved", w.toOwner)
	log := logged(w.drain)
	if got := w.states(); got[waiting] != 1 || got[inDigest] != 1 || len(w.box()) != 0 || !strings.Contains(log, "no mail server is named") {
		t.Errorf("%v\n%s", got, log)
	}
}

// A process that is cut off after the server's word sends again, under the same Message-ID.
func TestCutOffBeforeTheNote(t *testing.T) {
	w, s := newWorld(t), newServer(t)
	w.post.Mail = s.mail()
	w.send("account.signed_in", w.toOwner)
	number := w.list(0, w.owner)[0].ID
	var l Letter
	w.read(func(tx *db.Tx) error {
		k, _, err := find(tx, number)
		if err == nil {
			l, err = w.post.compose(tx, k, w.owner)
		}
		return err
	})
	if err := w.post.Mail.send(context.Background(), l, w.post.Name); err != nil {
		t.Fatal(err)
	}
	w.drain()
	mails := s.got()
	if len(mails) != 2 {
		t.Fatalf("%d mails", len(mails))
	}
	first, _, _ := opened(t, mails[0])
	second, _, _ := opened(t, mails[1])
	if first.Get("Message-Id") == "" || first.Get("Message-Id") != second.Get("Message-Id") {
		t.Errorf("%s, then %s", first.Get("Message-Id"), second.Get("Message-Id"))
	}
}

// Nothing that a name or a fact holds begins a header or another recipient.
func TestHeadersStayWhole(t *testing.T) {
	s := newServer(t)
	m := s.mail()
	for i, evil := range []string{"x\r\nBcc: all@evil.example", "x\nSubject: y", `"x" <y@evil.example>,`, "x\x00\x1b\u202etxt.exe", "<>", strings.Repeat("ä", 400), "=?utf-8?q?x?="} {
		l := Letter{To: "ada@people.example", Name: evil, Subject: evil, Text: "text " + evil, HTML: "<p>", MessageID: "m"}
		if err := m.send(context.Background(), l, evil); err != nil {
			t.Fatalf("%q: %v", evil, err)
		}
		h, _, _ := opened(t, s.got()[i])
		to, err := mail.ParseAddressList(h.Get("To"))
		if err != nil || len(to) != 1 || to[0].Address != "ada@people.example" || h.Get("Bcc") != "" || len(h["Subject"]) != 1 || s.got()[i].to != "TO:<ada@people.example>" {
			t.Errorf("%q: %v, %v, %s", evil, h, err, s.got()[i].to)
		}
		if strings.ContainsAny(subject(t, h), "\r\n\x00\x1b\u202e") {
			t.Errorf("%q: the subject is %q", evil, subject(t, h))
		}
	}
	for _, to := range []string{"", "ada", "ada@people.example>\r\nRCPT TO:<b@c", "a b@c"} {
		if err := m.send(context.Background(), Letter{To: to, Subject: "s", Text: "t", HTML: "h", MessageID: "m"}, "n"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is taken: %v", to, err)
		}
	}
}

func TestWhatCannotBeAMailServer(t *testing.T) {
	good := newServer(t).mail()
	for field, change := range map[string]func(*Mail){
		"mail":      func(m *Mail) { m.Address = "mail.example" },
		"mail-from": func(m *Mail) { m.From = "nobody" },
		"mail-tls":  func(m *Mail) { m.TLS = "sometimes" },
	} {
		bad := *good
		change(&bad)
		invalid(t, bad.Check(), field)
	}
	open := *good
	open.TLS, open.User = TLSNone, "post"
	invalid(t, open.Check(), "mail-tls")
	open.TLS, open.Dial = TLSStart, nil
	invalid(t, open.Check(), "mail")
}

// A digest over the wire is one mail, and a repeat is told by its Message-ID.
func TestDigestByMail(t *testing.T) {
	w, s := newWorld(t), newServer(t)
	w.post.Mail = s.mail()
	w.write(func(tx *db.Tx) error { return Switch(tx, w.owner, "proofs", Daily) })
	w.send("site.proved", w.toOwner)
	w.send("network.connected", w.toOwner)
	w.drain()
	if err := w.clock.Set(now.Add(14 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.plan("RCPT", "451 4.0.0 later")
	for range 2 {
		if err := w.post.DueDigests(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.again()
	}
	if len(s.got()) != 1 {
		t.Fatalf("%d mails", len(s.got()))
	}
	h, text, _ := opened(t, s.got()[0])
	if subject(t, h) != "2 new messages" || !strings.Contains(text, "ada.example is proved to be yours") || !strings.Contains(h.Get("Message-Id"), "digest."+id.ID(w.owner).Text("us_")) {
		t.Errorf("%v\n%s", h, text)
	}
	w.send("site.proved", w.toOwner)
	if err := w.clock.Set(now.Add(40 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.plan("RCPT", "550 5.1.1 gone")
	w.again()
	if got := w.states(); got[failed] != 1 || got[sent] != 2 || len(w.givenUp()) != 1 {
		t.Errorf("%v, %v", got, w.givenUp())
	}
}
