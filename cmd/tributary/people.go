package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"tributary/internal/admission"
	"tributary/internal/auth/oidc"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/egress"
	"tributary/internal/fault"
	"tributary/internal/job"
	networks "tributary/internal/network"
	"tributary/internal/notice"
	"tributary/internal/rights"
	"tributary/internal/site"
)

// outside is what the installation may ask and tell beyond itself: mail, social networks, accounts elsewhere.
type outside struct {
	Name         string `help:"Name of the installation, as mails and authenticators show it." default:"Tributary" env:"TRIBUTARY_NAME"`
	Mail         string `help:"Mail server, host:port. Without one a sandbox keeps mail on its mailbox page, and an installation lets it wait." env:"TRIBUTARY_MAIL" placeholder:"HOST:PORT"`
	MailFrom     string `help:"Sender of mails." env:"TRIBUTARY_MAIL_FROM" placeholder:"NAME <ADDRESS>"`
	MailUser     string `help:"Account at the mail server." env:"TRIBUTARY_MAIL_USER"`
	MailPassword string `help:"File that holds its password." type:"existingfile" env:"TRIBUTARY_MAIL_PASSWORD_FILE" placeholder:"FILE"`
	MailTLS      string `help:"starttls, tls, or none (only on a network of your own)." default:"starttls" enum:"starttls,tls,none" env:"TRIBUTARY_MAIL_TLS"`
	Networks     string `help:"Apps at social networks as JSON (docs/networks.md)." type:"existingfile" env:"TRIBUTARY_NETWORKS" placeholder:"FILE"`
	Providers    string `help:"Accounts elsewhere with which people sign in, as JSON (docs/operate.md)." type:"existingfile" env:"TRIBUTARY_PROVIDERS" placeholder:"FILE"`

	// What a demo has in place of the world: apps at networks that are stood in for, and sites on this machine.
	apps  map[networks.Kind]networks.App
	local []string
}

// maxSettings bounds the files of settings.
const maxSettings = 256 << 10

// people connects what people need: mail, jobs, proofs, networks, and the desk that moves enrolments.
func (t *node) people(ctx context.Context, o outside) error {
	if err := t.db.Write(ctx, db.Background, func(tx *db.Tx) error { return document.Install(tx, t.clock.Now()) }); err != nil {
		return err
	}
	mail, err := o.mail()
	if err != nil {
		return err
	}
	apps, err := o.readApps()
	if err != nil {
		return err
	}
	client, err := egress.Operator(networks.Addresses(apps)...)
	if err != nil {
		return err
	}
	if t.providers, err = o.signIn(t.home); err != nil {
		return err
	}
	markets, err := t.markets(ctx)
	if err != nil {
		return err
	}
	var hosts []string // whose names a site must not imitate
	for _, m := range markets {
		hosts = append(hosts, m.Hosts...)
	}
	t.name = o.Name
	t.post = &notice.Post{DB: t.db, Ring: t.ring, Clock: t.clock, Home: t.home, Name: o.Name, Mail: mail}
	t.desk = &admission.Desk{DB: t.db, Clock: t.clock, Ring: t.ring, Accrual: t.accrual,
		Sites:    &site.Prober{Client: egress.PublicFor(o.local...), TXT: egress.TXT, Protected: hosts, Contact: t.home},
		Networks: &networks.Connector{DB: t.db, Ring: t.ring, Client: client, Apps: apps, Home: t.home, Weights: networks.Shipped()}}
	t.jobs = &job.Runner{DB: t.db, Work: map[string]job.Work{
		admission.JobCrawl: t.desk.Crawl, admission.JobNetwork: t.desk.Recheck,
	}}
	if mail != nil || t.clock.Sandbox() {
		t.jobs.Work[notice.JobMail], t.jobs.Work[notice.JobDigest] = t.post.Deliver, t.post.Digest
	} else {
		slog.Warn("no mail server is named: mails wait until one is", "flag", "--mail")
	}
	return nil
}

// mail reads what is said of the mail server; nil where nothing is.
func (o outside) mail() (*notice.Mail, error) {
	if o.Mail == "" {
		return nil, nil
	}
	password, err := readSetting(o.MailPassword)
	if err != nil {
		return nil, err
	}
	m := &notice.Mail{Address: o.Mail, User: o.MailUser, Password: strings.TrimSpace(string(password)), From: o.MailFrom, TLS: notice.TLS(o.MailTLS),
		Dial: egress.Mail(o.Mail)}
	return m, m.Check()
}

func readSetting(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxSettings {
		err = errors.New("it is larger than 256 kB")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fault.Invalidf("file", "%s cannot be read", "name a file of settings", path).Because(err)
	}
	return text, nil
}

// readApps reads how the installation is known to networks.
func (o outside) readApps() (map[networks.Kind]networks.App, error) {
	if o.Networks == "" {
		return o.apps, nil
	}
	text, err := readSetting(o.Networks)
	if err != nil {
		return nil, err
	}
	return networks.ReadApps(text)
}

// signIn makes the providers with which people may sign in.
func (o outside) signIn(home string) (all []*oidc.Provider, err error) {
	if o.Providers == "" {
		return nil, nil
	}
	configs, err := oidc.Read(o.Providers)
	if err != nil {
		return nil, err
	}
	for _, c := range configs {
		secret, err := c.Secret()
		if err != nil {
			return nil, err
		}
		client, err := egress.Operator(c.Addresses()...)
		if err != nil {
			return nil, err
		}
		all = append(all, oidc.New(c, secret, client, home))
	}
	return all, nil
}

// clientOf gives the address of whoever asks, as the edge finds it: behind a trusted proxy it is the one that it names.
func (t *node) clientOf(r *http.Request) string {
	address, _ := t.edge.Proxies.Visitor(r.RemoteAddr, r.Header)
	return address.String()
}

// resumeErasures goes on with erasures that a process left in the middle.
func (t *node) resumeErasures(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		if done, err := rights.Resume(ctx, t.db, t.ring, t.clock.Now()); err != nil && ctx.Err() == nil {
			slog.Error("an erasure could not be ended", "err", err)
		} else if done > 0 {
			slog.Info("erasures that were cut off are ended", "count", done)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// followPeople tells people of what happened to their enrolments, and wakes the jobs.
func (t *node) followPeople(ctx context.Context) {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		if told, err := t.desk.Follow(ctx); err != nil && ctx.Err() == nil {
			slog.Error("people could not be told of their enrolments", "err", err)
		} else if told > 0 {
			t.jobs.Wake()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
