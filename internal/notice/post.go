package notice

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/secret"
)

// Post writes letters out and sends them: its methods are the work of the kinds JobMail and JobDigest.
type Post struct {
	DB    *db.DB
	Ring  *secret.Ring
	Clock *clock.Business
	Home  string // where addresses of ours begin: https://programs.example
	Name  string // of the installation, for what concerns no marketplace
	Mail  *Mail  // nil: letters land in the mailbox
}

const (
	// stale is how old a letter that opens a door may be: codes and links work for minutes.
	stale = 2 * time.Hour
	// bounces is how often an address may come back before nothing is sent there any more.
	bounces = 3
	// maxDigest bounds what one digest lists; the rest is on the page.
	maxDigest = 100
)

var (
	selectNotice = db.Statement(`SELECT event, creator, principal, market, at, facts FROM notice WHERE id = $1`)
	selectMail   = db.Statement(`SELECT state FROM notice_mail WHERE notice = $1 AND principal = $2`)
	endMail      = db.Statement(`UPDATE notice_mail SET state = $3, at = $4, code = $5, hash = $6
		WHERE notice = $1 AND principal = $2 AND state <> 'sent'`)
	openMails = db.Statement(`SELECT COUNT(*) FROM notice_mail WHERE notice = $1
		AND (state = 'waiting' OR state = 'failed' AND CAST($2 AS BIGINT) = 0)`)
	updateFacts  = db.Statement(`UPDATE notice SET facts = $2 WHERE id = $1`)
	deleteNotice = db.Statement(`DELETE FROM notice WHERE id = $1`)
	deleteMails  = db.Statement(`DELETE FROM notice_mail WHERE notice = $1`)

	selectBounce = db.Statement(`SELECT stopped FROM mail_bounce WHERE hash = $1`)
	addBounce    = db.Statement(`INSERT INTO mail_bounce (hash, count, last, stopped) VALUES ($1, 1, $2, 0)
		ON CONFLICT (hash) DO UPDATE SET count = mail_bounce.count + 1, last = excluded.last,
			stopped = CASE WHEN mail_bounce.count + 1 >= $3 THEN excluded.last ELSE mail_bounce.stopped END`)
	dropBounce = db.Statement(`DELETE FROM mail_bounce WHERE hash = $1`)
)

// kept is a notice as it is stored.
type kept struct {
	Notice
	id     id.ID
	event  Event
	sealed []byte
}

func (k kept) who() id.ID { return k.Creator + k.Principal }

func find(tx *db.Tx, number id.ID) (k kept, ok bool, err error) {
	var code string
	var creator, principal, at int64
	ok, err = tx.One(selectNotice, []any{&code, &creator, &principal, &k.Market, &at, &k.sealed}, int64(number))
	if err != nil || !ok {
		return k, false, fault.Wrap(err, "reading a message")
	}
	k.id, k.Creator, k.Principal, k.At = number, id.ID(creator), id.ID(principal), clock.FromMicro(at)
	k.Event = code
	k.event, err = EventOf(code)
	return k, err == nil, nil // an event of another version of the product is let be
}

// drop is why a letter is not sent; it is no error.
type drop string

func (d drop) Error() string { return "not sent: " + string(d) }

// state tells whether the operator's people are told of it.
func (d drop) state() string {
	if d == dropStopped || d == dropNowhere {
		return failed
	}
	return dropped
}

// Reasons for which letters are not sent.
const (
	dropGone    = drop("gone")       // the person or the seat is gone
	dropOff     = drop("off")        // switched off meanwhile
	dropErased  = drop("erased")     // of somebody who was erased
	dropNowhere = drop("no address") // nobody knows where to
	dropStale   = drop("stale")      // what it opens is closed
	dropStopped = drop("stopped")    // the address came back too often
)

// Deliver sends one letter. What the server refuses for good is Invalid, so that the job is given up and told.
func (p *Post) Deliver(ctx context.Context, j job.Job) error {
	var at place
	if err := json.Unmarshal(j.Body, &at); err != nil {
		return fault.New(fault.Invalid, "", "this job names no message", "let it be").Because(err)
	}
	var l Letter
	var k kept
	done := false
	err := p.DB.Read(ctx, func(tx *db.Tx) error {
		var state string
		there, err := tx.One(selectMail, []any{&state}, at.Notice, at.Principal)
		if err != nil {
			return fault.Wrap(err, "reading where a letter stands")
		}
		var found bool
		if k, found, err = find(tx, id.ID(at.Notice)); err != nil {
			return err
		}
		if done = !there || !found || state == sent || state == dropped; done {
			return nil
		}
		l, err = p.compose(tx, k, id.ID(at.Principal))
		return err
	})
	var why drop
	switch {
	case errors.As(err, &why):
		return p.end(ctx, k, at, l, why.state(), string(why))
	case err != nil || done:
		return err
	}
	err = p.send(ctx, l)
	var refused *refusal
	switch {
	case err == nil:
		return p.end(ctx, k, at, l, sent, "")
	case !errors.As(err, &refused):
		if k.event.Parting && j.Tries >= job.MaxTries { // of somebody who was erased nothing may stay, the farewell neither
			return errors.Join(err, p.end(ctx, k, at, l, dropped, string(dropStale)))
		}
		return err
	}
	if err := p.end(ctx, k, at, l, failed, refused.told()); err != nil {
		return err
	}
	return fault.New(fault.Invalid, "mail", refused.Error(), "ask the person for another address, or look at the sender's").Because(refused)
}

// send hands a letter to the mail server. A sandbox without one sends nothing: its letters are kept with the note that they
// were sent. An installation without one lets them wait, for a letter that nobody can read is lost.
func (p *Post) send(ctx context.Context, l Letter) error {
	switch {
	case p.Mail != nil:
		return p.Mail.send(ctx, l, p.Name)
	case !p.Clock.Sandbox():
		return fault.New(fault.Unavailable, "mail", "no mail server is named", "name one in the configuration")
	}
	return nil
}

// end notes what became of a letter. Once it was sent, what opens a door is forgotten, and so is the message of somebody who
// left. The note is made even where the process is told to stop: the letter has left.
func (p *Post) end(ctx context.Context, k kept, at place, l Letter, state, code string) error {
	return p.DB.Write(context.WithoutCancel(ctx), db.Background, func(tx *db.Tx) error {
		hash := []byte{}
		if l.To != "" {
			hash = p.hash(l.To)
		}
		ended, err := tx.Exec(endMail, at.Notice, at.Principal, state, clock.Micro(p.Clock.Now()), code, hash)
		if err != nil || ended == 0 { // forgotten meanwhile
			return fault.Wrap(err, "noting what became of a letter")
		}
		if err := bounced(tx, hash, code); err != nil {
			return err
		}
		if state == sent && p.Mail == nil {
			if err := keepInMailbox(tx, p.Ring, k.Creator, id.ID(at.Principal), p.Clock.Now(), l); err != nil {
				return err
			}
		}
		if state == failed && !k.event.Parting { // somebody may send it again
			return nil
		}
		return p.forget(tx, k)
	})
}

// bounced counts how often an address came back.
func bounced(tx *db.Tx, hash []byte, code string) error {
	if !strings.HasPrefix(code, ofAddress) {
		return nil
	}
	_, err := tx.Exec(addBounce, hash, clock.Micro(clock.Wall()), int64(bounces))
	return fault.Wrap(err, "noting that a letter came back")
}

// forget removes what need not be kept once no letter of a notice waits.
func (p *Post) forget(tx *db.Tx, k kept) error {
	if !k.event.Parting && !k.event.secrets() {
		return nil
	}
	var waits, parting int64
	if k.event.Parting {
		parting = 1
	}
	if _, err := tx.One(openMails, []any{&waits}, int64(k.id), parting); err != nil || waits > 0 {
		return fault.Wrap(err, "looking for letters that wait")
	}
	if k.event.Parting {
		if _, err := tx.Exec(deleteMails, int64(k.id)); err != nil {
			return fault.Wrap(err, "forgetting a message")
		}
		_, err := tx.Exec(deleteNotice, int64(k.id))
		return fault.Wrap(err, "forgetting a message")
	}
	c, ok, err := unseal(tx, p.Ring, k.event, k.who(), k.id, k.sealed)
	if err != nil || !ok {
		return err
	}
	for _, f := range k.event.Facts {
		if f.Secret {
			delete(c.Facts, f.Name)
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	sealed, err := seal(tx, p.Ring, k.event, k.who(), k.id, text)
	if err != nil {
		return err
	}
	_, err = tx.Exec(updateFacts, int64(k.id), sealed)
	return fault.Wrap(err, "forgetting what opens a door")
}

func (p *Post) hash(address string) []byte {
	return p.Ring.Hash("mail-address", strings.ToLower(address))
}

// compose writes one letter out. A drop is why it is not to be sent.
func (p *Post) compose(tx *db.Tx, k kept, principal id.ID) (l Letter, err error) {
	c, ok, err := unseal(tx, p.Ring, k.event, k.who(), k.id, k.sealed)
	switch {
	case err != nil:
		return l, err
	case !ok:
		return l, dropErased
	case k.event.secrets() && p.Clock.Now().Sub(k.At) > stale:
		return l, dropStale
	}
	mode, err := modeOf(tx, k.event, principal)
	if err != nil {
		return l, err
	}
	if mode == Off {
		return l, dropOff
	}
	if l, err = p.address(tx, k, c, principal); err != nil {
		return l, err
	}
	brand, err := p.brand(tx, k.Market)
	if err != nil {
		return l, err
	}
	w, err := newWriter(tx)
	if err != nil {
		return l, err
	}
	t := w.write(k.event, c.Facts, map[string]string{"recipient": l.Name, "market": brand})
	l.Subject, l.MessageID = t.Subject, k.id.Text(Prefix)+"."+principal.Text(auth.Prefix)
	s := sheet{Subject: t.Subject, Brand: brand, Preview: t.Line, Code: t.Code, Blocks: blocks(t.Body), Action: t.Action, Why: footMust}
	s.Link = p.at(leads(k.event, c.Facts))
	p.foot(&s, &l, k.event, principal)
	return l, l.lay(s)
}

// foot says what can be switched off, and where.
func (p *Post) foot(s *sheet, l *Letter, e Event, principal id.ID) {
	if e.Must || principal == 0 {
		return
	}
	l.Unsubscribe = p.at("/unsubscribe?t=" + Token(p.Ring, principal, e.Group))
	s.Why, s.Unsubscribe, s.Settings = footFree, l.Unsubscribe, p.at("/messages/settings")
}

// leads is where a message leads.
func leads(e Event, facts map[string]string) string {
	if given := facts[link.Name]; given != "" {
		return given
	}
	return e.Link
}

// at is an address of ours, absolute.
func (p *Post) at(path string) string {
	if path == "" {
		return ""
	}
	return strings.TrimSuffix(p.Home, "/") + path
}

// brand is who writes: the marketplace, or the installation.
func (p *Post) brand(tx *db.Tx, name string) (string, error) {
	brand := p.Name
	if brand == "" {
		brand = "Tributary"
	}
	if name == "" {
		return brand, nil
	}
	markets, err := market.All(tx)
	for _, m := range markets {
		if m.ID == name && m.Name != "" {
			brand = m.Name
		}
	}
	return brand, err
}

// address finds where a letter goes, and how its reader is called.
func (p *Post) address(tx *db.Tx, k kept, c content, principal id.ID) (l Letter, err error) {
	l.Name, l.To = c.Name, c.To
	who, open, err := auth.Find(tx, principal)
	switch {
	case err != nil:
		return l, err
	case open:
		l.Name = who.Name
	case principal != 0 && !k.event.Parting && c.To == "":
		return l, dropGone
	}
	if k.Creator != 0 && principal != 0 && !k.event.Parting {
		if in, err := seated(tx, k.Creator, principal); err != nil || !in {
			return l, errors.Join(err, dropGone)
		}
	}
	if l.To == "" {
		account := k.Creator
		if account == 0 {
			account = who.Creator
		}
		if l.To, err = p.known(tx, k.event, principal, account); err != nil {
			return l, err
		}
	}
	if l.Name == "" && k.Creator != 0 {
		found, err := creator.Find(tx, []id.ID{k.Creator})
		if err != nil {
			return l, err
		}
		l.Name = found[k.Creator].Name
	}
	if l.To == "" {
		return l, dropNowhere
	}
	stopped, err := Stopped(tx, p.Ring, l.To)
	if stopped {
		err = dropStopped
	}
	return l, err
}

// known is the address that we know of somebody: their own, once it is verified, else that of the account. The account's is
// written to once, to the first of its people who has none.
func (p *Post) known(tx *db.Tx, e Event, principal, account id.ID) (string, error) {
	if principal != 0 {
		own, err := p.own(tx, e, principal)
		if err != nil || own != "" {
			return own, err
		}
	}
	if account == 0 {
		return "", nil
	}
	people, err := managers(tx, account)
	if err != nil {
		return "", err
	}
	for _, one := range people {
		if one == principal {
			break
		}
		if own, err := p.own(tx, e, one); err != nil || own == "" {
			return "", err
		}
	}
	personal, err := creator.FindPersonal(tx, p.Ring, account)
	if fault.Is(err, fault.NotFound) { // an agency or a brand
		return "", nil
	}
	return personal.Email, err
}

// own is somebody's own address. One that is not verified yet gets what verifies it, and nothing else.
func (p *Post) own(tx *db.Tx, e Event, principal id.ID) (string, error) {
	verify := e.Code == "account.verify"
	if verify {
		if address, ok, err := credential.PendingEmail(tx, p.Ring, principal); err != nil || ok {
			return address, err
		}
	}
	address, verified, ok, err := credential.VerifiedEmail(tx, p.Ring, principal)
	if err != nil || !ok || !verified && !verify {
		return "", err
	}
	return address, nil
}

// seated tells whether somebody still manages an account.
func seated(tx *db.Tx, account, principal id.ID) (bool, error) {
	people, err := managers(tx, account)
	return slices.Contains(people, principal), err
}
