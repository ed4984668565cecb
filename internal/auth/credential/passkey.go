package credential

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Passkeys runs the ceremonies with authenticators (W3C WebAuthn level 3): passkeys that the authenticator finds by itself, and
// that it gives only to whom it has verified.
type Passkeys struct{ web *webauthn.WebAuthn }

// Limits of ceremonies.
const (
	ceremonyFor   = 5 * time.Minute
	maxCeremonies = 50_000   // under way at once
	maxAnswer     = 64 << 10 // bytes of an authenticator's answer
	maxPasskeys   = 20       // of one person
	handleSize    = 32
)

// Kinds of ceremonies: what begins as one does not end as the other.
const (
	registering = "register"
	signingIn   = "login"
)

// NewPasskeys gives them for an installation of that name at its home address (https, or http on localhost). Invalid where no
// browser would do it there: at an IP address, or without TLS.
func NewPasskeys(name, home string) (*Passkeys, error) {
	at, err := url.Parse(home)
	if err != nil || at.Host == "" {
		return nil, fault.Invalidf("home", "is not an address", "write one such as https://go.example.org").Because(err)
	}
	// The relying party is the very host, not a domain above it: a neighbour under the same domain gets no signature for it.
	host := strings.ToLower(at.Hostname())
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if net.ParseIP(host) != nil || at.Scheme != "https" && !(at.Scheme == "http" && local) {
		return nil, fault.Invalidf("home", "is an address at which browsers use no passkeys",
			"use a host name with https, or http://localhost")
	}
	if name == "" {
		name = host
	}
	web, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: name, RPOrigins: []string{at.Scheme + "://" + strings.ToLower(at.Host)},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
	})
	if err != nil {
		return nil, fault.Invalidf("home", "is not an address for passkeys", "write one such as https://go.example.org").Because(err)
	}
	return &Passkeys{web}, nil
}

// holder is a person as the library asks for them.
type holder struct {
	principal id.ID
	handle    []byte
	name      string
	keys      []webauthn.Credential
}

func (h *holder) WebAuthnID() []byte                         { return h.handle }
func (h *holder) WebAuthnName() string                       { return h.name }
func (h *holder) WebAuthnDisplayName() string                { return h.name }
func (h *holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

var (
	insertHandle = db.Statement(`INSERT INTO passkey_handle (principal, handle) VALUES ($1, $2)
		ON CONFLICT (principal) DO NOTHING`)
	selectHandle    = db.Statement(`SELECT handle FROM passkey_handle WHERE principal = $1`)
	deleteHandle    = db.Statement(`DELETE FROM passkey_handle WHERE principal = $1`)
	selectBodies    = db.Statement(`SELECT body FROM passkey WHERE principal = $1 ORDER BY created, id`)
	selectKeyHolder = db.Statement(`SELECT k.principal, k.body, h.handle, p.name FROM passkey k
		JOIN passkey_handle h ON h.principal = k.principal JOIN principal p ON p.id = k.principal
		WHERE k.id = $1 AND p.closed = 0`)

	insertCeremony   = db.Statement(`INSERT INTO ceremony (hash, kind, principal, body, expires) VALUES ($1, $2, $3, $4, $5)`)
	selectCeremony   = db.Statement(`SELECT principal, body FROM ceremony WHERE hash = $1 AND kind = $2 AND expires > $3`)
	spendCeremony    = db.Statement(`DELETE FROM ceremony WHERE hash = $1`)
	sweepCeremonies  = db.Statement(`DELETE FROM ceremony WHERE expires <= $1`)
	fullCeremonies   = db.Statement(`SELECT expires FROM ceremony ORDER BY expires, hash LIMIT 1 OFFSET $1`)
	deleteCeremonies = db.Statement(`DELETE FROM ceremony WHERE principal = $1`)
)

// findHolder reads a person with their handle, which is made with the first ceremony, and their passkeys.
func findHolder(tx *db.Tx, principal id.ID) (*holder, error) {
	p, ok, err := auth.Find(tx, principal)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New(fault.NotFound, "principal", "there is no such account, or it is closed", "sign in again")
	}
	// An authenticator shows its handle to whoever holds the device: it says neither who somebody is nor that two belong together.
	fresh := make([]byte, handleSize)
	rand.Read(fresh)
	if _, err := tx.Exec(insertHandle, int64(principal), fresh); err != nil {
		return nil, fault.Wrap(err, "making a handle")
	}
	h := &holder{principal: principal, name: p.Name}
	if _, err := tx.One(selectHandle, []any{&h.handle}, int64(principal)); err != nil {
		return nil, fault.Wrap(err, "reading a handle")
	}
	err = tx.Each(selectBodies, func(scan func(...any) error) error {
		var body string
		var key webauthn.Credential
		if err := scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &key); err != nil {
			return err
		}
		h.keys = append(h.keys, key)
		return nil
	}, int64(principal))
	return h, fault.Wrap(err, "reading passkeys")
}

// begin stores what a ceremony must be held against; the session of the browser keeps the text that it gives.
func begin(tx *db.Tx, kind string, principal id.ID, session *webauthn.SessionData, wall time.Time) (ceremony string, err error) {
	if _, err := tx.Exec(sweepCeremonies, wall.UnixMicro()); err != nil {
		return "", fault.Wrap(err, "removing old ceremonies")
	}
	var expires int64
	full, err := tx.One(fullCeremonies, []any{&expires}, maxCeremonies-1)
	if err != nil {
		return "", fault.Wrap(err, "counting ceremonies")
	}
	if full {
		return "", fault.New(fault.Exhausted, "", "too many people sign in at this moment", "try again in a few minutes")
	}
	// The challenge stays here and is not given to the browser to keep: what comes back must answer this one.
	body, err := json.Marshal(session)
	if err != nil {
		return "", fault.Wrap(err, "writing a ceremony")
	}
	ceremony = newText()
	_, err = tx.Exec(insertCeremony, hashCeremony(ceremony), kind, int64(principal), string(body), wall.Add(ceremonyFor).UnixMicro())
	return ceremony, fault.Wrap(err, "beginning a ceremony")
}

// hashCeremony: 32 random bytes need no key.
func hashCeremony(ceremony string) []byte {
	sum := sha256.Sum256([]byte(ceremony))
	return sum[:]
}

var overCeremony = fault.New(fault.Denied, "passkey", "this took too long, or was done already", "begin again")

// take spends a ceremony: it is finished once, whoever else holds its text.
func take(tx *db.Tx, kind, ceremony string, wall time.Time) (principal id.ID, session webauthn.SessionData, err error) {
	var number int64
	var body string
	found, err := tx.One(selectCeremony, []any{&number, &body}, hashCeremony(ceremony), kind, wall.UnixMicro())
	if err != nil || !found {
		if err == nil {
			err = overCeremony
		}
		return 0, session, fault.Wrap(err, "reading a ceremony")
	}
	spent, err := tx.Exec(spendCeremony, hashCeremony(ceremony))
	if err != nil {
		return 0, session, fault.Wrap(err, "ending a ceremony")
	}
	if spent == 0 {
		return 0, session, overCeremony
	}
	return id.ID(number), session, fault.Wrap(json.Unmarshal([]byte(body), &session), "reading a ceremony")
}

// BeginRegister begins to add a passkey: options are the JSON for navigator.credentials.create, and ceremony is what the
// browser's session keeps until FinishRegister, up to 5 minutes.
func (p *Passkeys) BeginRegister(tx *db.Tx, principal id.ID, wall time.Time) (options []byte, ceremony string, err error) {
	h, err := findHolder(tx, principal)
	if err != nil {
		return nil, "", err
	}
	if len(h.keys) >= maxPasskeys {
		return nil, "", fault.New(fault.Exhausted, "passkey", "there are 20 passkeys, the most there can be", "remove one first")
	}
	creation, session, err := p.web.BeginRegistration(h,
		webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired),
		webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return nil, "", fault.Wrap(err, "beginning to add a passkey")
	}
	if options, err = json.Marshal(creation); err != nil {
		return nil, "", fault.Wrap(err, "beginning to add a passkey")
	}
	ceremony, err = begin(tx, registering, principal, session, wall)
	return options, ceremony, err
}

// FinishRegister adds the passkey that an authenticator made. body is the credential's JSON as the browser gives it; name is what
// its owner calls it. Denied for a ceremony that is over, was finished, or is another's; Invalid for an answer that does not
// hold; Conflict for a passkey that is here already.
func (p *Passkeys) FinishRegister(tx *db.Tx, principal id.ID, ceremony, name string, body []byte, wall time.Time) (
	Passkey, error) {
	if err := checkKeyName(name); err != nil {
		return Passkey{}, err
	}
	owner, session, err := take(tx, registering, ceremony, wall)
	if err != nil {
		return Passkey{}, err
	}
	// Somebody else's browser session must not put a passkey of theirs into this account.
	if owner != principal {
		return Passkey{}, overCeremony
	}
	h, err := findHolder(tx, principal)
	if err != nil {
		return Passkey{}, err
	}
	bad := fault.Invalidf("passkey", "was not made for this site, or not by somebody who was recognised",
		"begin again, and unlock the device when it asks")
	if len(body) > maxAnswer {
		return Passkey{}, bad
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(body)
	if err != nil {
		return Passkey{}, bad.Because(err)
	}
	key, err := p.web.CreateCredential(h, session, parsed)
	if err != nil {
		return Passkey{}, bad.Because(err)
	}
	return addPasskey(tx, principal, name, key, wall)
}

// BeginLogin begins a sign-in with whichever passkey the person has: options are the JSON for navigator.credentials.get.
func (p *Passkeys) BeginLogin(tx *db.Tx, wall time.Time) (options []byte, ceremony string, err error) {
	assertion, session, err := p.web.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", fault.Wrap(err, "beginning to sign in")
	}
	if options, err = json.Marshal(assertion); err != nil {
		return nil, "", fault.Wrap(err, "beginning to sign in")
	}
	ceremony, err = begin(tx, signingIn, 0, session, wall)
	return options, ceremony, err
}

// notYours is one answer for every passkey that does not work: a guesser learns nothing from it.
var notYours = fault.New(fault.Denied, "passkey", "this passkey opens no account here", "use another one, or sign in by mail")

// FinishLogin gives who signed in with a passkey. Denied for anything that does not hold; where the passkey behaved like a copy,
// the person is given beside the error, to be told. It runs transactions of its own: a ceremony is spent, whatever comes of it.
func (p *Passkeys) FinishLogin(ctx context.Context, d *db.DB, ceremony string, body []byte, wall time.Time) (id.ID, error) {
	if len(body) > maxAnswer {
		body = nil
	}
	parsed, unreadable := protocol.ParseCredentialRequestResponseBytes(body)
	var session webauthn.SessionData
	var h *holder
	err := d.Write(ctx, db.Interactive, func(tx *db.Tx) (err error) {
		if _, session, err = take(tx, signingIn, ceremony, wall); err != nil || unreadable != nil {
			return err
		}
		h, err = keyHolder(tx, parsed.RawID)
		return err
	})
	if err != nil {
		return 0, err
	}
	if unreadable != nil {
		return 0, notYours.Because(unreadable)
	}
	if h == nil {
		return 0, notYours
	}
	// The person is found by the passkey, and the library holds the handle that the device tells against theirs.
	_, key, err := p.web.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return h, nil }, session, parsed)
	if err != nil {
		return 0, notYours.Because(err)
	}
	var copied bool
	err = d.Write(ctx, db.Interactive, func(tx *db.Tx) (err error) {
		copied, err = usePasskey(tx, h.principal, key, wall)
		return err
	})
	if err == nil && copied {
		return h.principal, fault.New(fault.Denied, "passkey", "this passkey was used in two places, as a copied one is",
			"sign in another way, remove it, and add a new one")
	}
	if err != nil {
		return 0, err
	}
	return h.principal, nil
}

// keyHolder finds whose passkey it is; nil where nobody's who may sign in.
func keyHolder(tx *db.Tx, passkey []byte) (*holder, error) {
	h := &holder{keys: make([]webauthn.Credential, 1)}
	var principal int64
	var body string
	found, err := tx.One(selectKeyHolder, []any{&principal, &body, &h.handle, &h.name}, passkey)
	if err != nil || !found {
		return nil, fault.Wrap(err, "reading a passkey")
	}
	h.principal = id.ID(principal)
	return h, fault.Wrap(json.Unmarshal([]byte(body), &h.keys[0]), "reading a passkey")
}

// keyID writes the id of a passkey for a form; readKeyID reads it.
func keyID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func readKeyID(text string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		return nil, noPasskey
	}
	return raw, nil
}
