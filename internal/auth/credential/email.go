package credential

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Lengths of an address, in bytes (RFC 5321 §4.5.3.1).
const (
	maxEmail = 254
	maxLocal = 64
)

// States of an address.
const (
	verified = "verified"
	pending  = "pending"
)

// ParseEmail gives an address as it is compared: NFKC, small letters, the host in ASCII. Invalid names the rule: it has one @,
// up to 254 bytes, a host with a dot, and before the @ no letters of two scripts, which are made to look like others.
func ParseEmail(text string) (string, error) {
	if len(text) > 2*maxEmail || !utf8.ValidString(text) {
		return "", fault.Invalidf("email", "is longer than %d bytes or not in UTF-8", "send an address such as ada@example.org",
			maxEmail)
	}
	folded, settled := fold(strings.TrimSpace(text))
	local, host, found := cutLast(folded, "@")
	switch {
	case !found || local == "" || host == "" || !settled:
		return "", fault.Invalidf("email", "is not an address", "send one such as ada@example.org")
	case len(local) > maxLocal || !goodLocal(local):
		return "", fault.Invalidf("email", "has characters before the @ that cannot be there, or more than %d bytes of them",
			"send letters, digits and signs such as . - _ +", maxLocal)
	case mixed(local):
		return "", fault.Invalidf("email", "mixes letters of several scripts before the @",
			"send the address as your mail program writes it")
	}
	host, err := idna.Lookup.ToASCII(host)
	if err != nil || !goodHost(host) {
		return "", fault.Invalidf("email", "has no host name behind the @", "send an address such as ada@example.org")
	}
	if len(local)+1+len(host) > maxEmail {
		return "", fault.Invalidf("email", "is longer than %d bytes", "send a shorter address", maxEmail)
	}
	return local + "@" + host, nil
}

// fold makes small letters in one normal form; settled is false for text that never comes to rest.
//
// Capitals and compatibility forms are the same mailbox in practice, and must be the same person here: else somebody would
// sign up twice without noticing, or next to somebody else on purpose.
func fold(text string) (folded string, settled bool) {
	for range 3 {
		folded = norm.NFKC.String(strings.ToLower(norm.NFKC.String(text)))
		if folded == text {
			return folded, true
		}
		text = folded
	}
	return folded, false
}

func cutLast(text, sep string) (before, after string, found bool) {
	at := strings.LastIndex(text, sep)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(sep):], true
}

// goodLocal takes dot-atoms (RFC 5322 §3.2.3) with the letters of any script (RFC 6531); quoted ones are not in use.
func goodLocal(local string) bool {
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return false
	}
	for _, r := range local {
		switch {
		case r < utf8.RuneSelf && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r)):
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r)):
		default:
			return false
		}
	}
	return true
}

// goodHost takes host names as DNS has them, below some top-level domain: mail to a bare name would stay on this machine.
func goodHost(host string) bool {
	labels := strings.Split(host, ".")
	if len(labels) < 2 || len(host) > maxEmail {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != "" // an IP address is no host name
}

// scripts that one word may mix with others, since a language does.
var together = []string{"Han", "Hiragana", "Katakana", "Hangul", "Bopomofo"}

// mixed tells whether letters of several scripts stand in a word, as Latin and Cyrillic do in a fake.
func mixed(word string) bool {
	first := ""
	for _, r := range word {
		script := scriptOf(r)
		switch {
		case script == "" || script == first:
		case first == "":
			first = script
		default:
			return true
		}
	}
	return false
}

func scriptOf(r rune) string {
	if !unicode.IsLetter(r) || unicode.In(r, unicode.Common, unicode.Inherited) {
		return ""
	}
	if r < utf8.RuneSelf || unicode.Is(unicode.Latin, r) {
		return "Latin"
	}
	for _, name := range together {
		if unicode.Is(unicode.Scripts[name], r) {
			return "CJK"
		}
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "unknown"
}

var (
	upsertEmail = db.Statement(`INSERT INTO email (principal, state, hash, sealed, since) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (principal, state) DO UPDATE SET hash = excluded.hash, sealed = excluded.sealed, since = excluded.since`)
	// No target is named: what may stand in the way is the row of the person, or the address of somebody else.
	insertEmail = db.Statement(`INSERT INTO email (principal, state, hash, sealed, since) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING`)
	selectEmail  = db.Statement(`SELECT sealed FROM email WHERE principal = $1 AND state = $2`)
	deleteEmail  = db.Statement(`DELETE FROM email WHERE principal = $1 AND state = $2`)
	deleteEmails = db.Statement(`DELETE FROM email WHERE principal = $1`)
	selectHolder = db.Statement(`SELECT e.principal FROM email e JOIN principal p ON p.id = e.principal
		WHERE e.hash = $1 AND e.state = 'verified' AND p.closed = 0`)
	selectHolders = db.Statement(`SELECT DISTINCT e.principal FROM email e JOIN principal p ON p.id = e.principal
		WHERE e.hash = $1 AND p.closed = 0 ORDER BY e.principal LIMIT 100`)
	// Whoever has closed their account does not keep an address from its next holder.
	freeEmail = db.Statement(`DELETE FROM email WHERE hash = $1 AND state = 'verified' AND EXISTS
		(SELECT 1 FROM principal p WHERE p.id = email.principal AND p.closed <> 0)`)
)

// hashEmail is how an address is found without being readable: keyed, since addresses can be guessed one by one.
func hashEmail(ring *secret.Ring, email string) []byte { return ring.Hash("email", email) }

// emailContext binds a sealed address to its person and state: moved to another row, it does not open.
func emailContext(principal id.ID, state string) string {
	return "email:" + principal.Text(auth.Prefix) + ":" + state
}

// emailRow is what a statement that writes an address is given.
func emailRow(ring *secret.Ring, principal id.ID, state, email string, wall time.Time) []any {
	sealed := ring.Seal("email", emailContext(principal, state), []byte(email))
	return []any{int64(principal), state, hashEmail(ring, email), sealed, wall.UnixMicro()}
}

func readEmail(tx *db.Tx, ring *secret.Ring, principal id.ID, state string) (email string, ok bool, err error) {
	var sealed []byte
	ok, err = tx.One(selectEmail, []any{&sealed}, int64(principal), state)
	if err != nil || !ok {
		return "", false, fault.Wrap(err, "reading an address")
	}
	text, err := ring.Open("email", emailContext(principal, state), sealed)
	return string(text), err == nil, fault.Wrap(err, "opening an address")
}

// SetEmail notes an address that is still to be verified; a verified one stays in use until then. Codes of purposes verify and
// change that were mailed to an earlier one work no more. An address that is none is Invalid; the one in use is a Conflict.
func SetEmail(tx *db.Tx, ring *secret.Ring, principal id.ID, email string, wall time.Time) error {
	email, err := ParseEmail(email)
	if err != nil {
		return err
	}
	// Nothing is said about other people's addresses here: whose it is, is decided when it is verified.
	used, known, err := readEmail(tx, ring, principal, verified)
	if err != nil {
		return err
	}
	if known && used == email {
		return fault.New(fault.Conflict, "email", "is your address already", "send another one")
	}
	if _, err := tx.Exec(upsertEmail, emailRow(ring, principal, pending, email, wall)...); err != nil {
		return fault.Wrap(err, "noting an address")
	}
	return endCodes(tx, principal, Verify, Change)
}

// VerifiedEmail gives somebody's verified address, or else the one that waits for it; ok is false where there is none.
func VerifiedEmail(tx *db.Tx, ring *secret.Ring, principal id.ID) (email string, isVerified, ok bool, err error) {
	if email, ok, err = readEmail(tx, ring, principal, verified); ok || err != nil {
		return email, ok, ok, err
	}
	email, ok, err = readEmail(tx, ring, principal, pending)
	return email, false, ok, err
}

// PendingEmail gives the address that waits to be verified; ok is false where none does.
func PendingEmail(tx *db.Tx, ring *secret.Ring, principal id.ID) (email string, ok bool, err error) {
	return readEmail(tx, ring, principal, pending)
}

// FindByEmail gives the person whose verified address it is and who is not closed.
func FindByEmail(tx *db.Tx, ring *secret.Ring, email string) (principal id.ID, found bool, err error) {
	if email, err = ParseEmail(email); err != nil {
		return 0, false, err
	}
	var number int64
	found, err = tx.One(selectHolder, []any{&number}, hashEmail(ring, email))
	return id.ID(number), found, fault.Wrap(err, "looking for an address")
}

// WithEmail gives the people who are not closed and have that address, verified or not: for who sets up others' accounts.
func WithEmail(tx *db.Tx, ring *secret.Ring, email string) (all []id.ID, err error) {
	if email, err = ParseEmail(email); err != nil {
		return nil, err
	}
	err = tx.Each(selectHolders, func(scan func(...any) error) error {
		var number int64
		err := scan(&number)
		all = append(all, id.ID(number))
		return err
	}, hashEmail(ring, email))
	return all, fault.Wrap(err, "looking for an address")
}

// VerifyEmail makes the waiting address the verified one: after UseCode or UseDigits with purpose verify or change, in the same
// transaction. Conflict where it is verified for another person: it is told to whoever holds the mailbox, and to nobody else.
func VerifyEmail(tx *db.Tx, ring *secret.Ring, principal id.ID, wall time.Time) error {
	email, ok, err := readEmail(tx, ring, principal, pending)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Conflict, "email", "no address waits to be verified", "send one first")
	}
	return TrustEmail(tx, ring, principal, email, wall)
}

// TrustEmail sets and verifies an address that somebody else has verified: a store's or a directory's sign-in. Conflict as with
// VerifyEmail.
func TrustEmail(tx *db.Tx, ring *secret.Ring, principal id.ID, email string, wall time.Time) error {
	email, err := ParseEmail(email)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(freeEmail, hashEmail(ring, email)); err != nil {
		return fault.Wrap(err, "verifying an address")
	}
	for _, state := range []string{pending, verified} {
		if _, err := tx.Exec(deleteEmail, int64(principal), state); err != nil {
			return fault.Wrap(err, "verifying an address")
		}
	}
	made, err := tx.Exec(insertEmail, emailRow(ring, principal, verified, email, wall)...)
	if err != nil {
		return fault.Wrap(err, "verifying an address")
	}
	if made == 0 {
		return fault.New(fault.Conflict, "email", "belongs to another account here", "sign in to that one, or use another address")
	}
	// What was mailed to another address must not open anything now.
	return endCodes(tx, principal, Verify, Change, Reset, SignIn)
}
