package credential_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// authenticator is a device with one passkey, and the browser in front of it. It answers as real ones do, unless a test bends it.
type authenticator struct {
	t       testing.TB
	origin  string // what the browser says it is at
	site    string // the relying party that the device signs for
	key     *ecdsa.PrivateKey
	id      []byte
	handle  []byte
	signs   uint32
	flags   byte   // what the device says of the person
	kind    string // in place of the ceremony's own, where it is not empty
	counter bool   // it counts its signatures
}

const (
	flagPresent  = 0x01
	flagVerified = 0x04
	flagBackup   = 0x08 // it may be kept elsewhere
	flagBackedUp = 0x10
	flagKey      = 0x40
)

func newAuthenticator(t testing.TB, origin, site string) *authenticator {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authenticator{t: t, origin: origin, site: site, key: key,
		id: make([]byte, 16), flags: flagPresent | flagVerified, counter: true}
	rand.Read(a.id)
	return a
}

func text(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// asked is what the page was given for the browser.
type asked struct {
	PublicKey struct {
		Challenge string
		User      struct{ ID, Name string }
		RPID      string `json:"rpId"`
		RP        struct{ ID, Name string }

		UserVerification       string
		AllowCredentials       []struct{ ID string }
		ExcludeCredentials     []struct{ ID string }
		AuthenticatorSelection struct{ ResidentKey, UserVerification string }
	}
}

func (a *authenticator) read(options []byte) (q asked) {
	a.t.Helper()
	if err := json.Unmarshal(options, &q); err != nil {
		a.t.Fatal(err)
	}
	return q
}

// said is what the browser vouches for.
func (a *authenticator) said(kind string, q asked) []byte {
	if a.kind != "" {
		kind = a.kind
	}
	return a.json(map[string]any{"type": kind, "challenge": q.PublicKey.Challenge, "origin": a.origin, "crossOrigin": false})
}

func (a *authenticator) json(v any) []byte {
	a.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

func (a *authenticator) cbor(v any) []byte {
	a.t.Helper()
	raw, err := webauthncbor.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

// data is what the device signs, or attests to.
func (a *authenticator) data(flags byte) []byte {
	site := sha256.Sum256([]byte(a.site))
	if a.counter {
		a.signs++
	}
	return binary.BigEndian.AppendUint32(append(site[:], flags), a.signs)
}

// create answers navigator.credentials.create, with attestation none.
func (a *authenticator) create(options []byte) []byte {
	q := a.read(options)
	handle, err := base64.RawURLEncoding.DecodeString(q.PublicKey.User.ID)
	if err != nil {
		a.t.Fatal(err)
	}
	a.handle = handle
	public, err := a.key.PublicKey.Bytes()
	if err != nil {
		a.t.Fatal(err)
	}
	key := a.cbor(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	data := append(a.data(a.flags|flagKey), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), key...)
	object := a.cbor(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	return a.json(map[string]any{"id": text(a.id), "rawId": text(a.id), "type": "public-key", "response": map[string]any{
		"clientDataJSON": text(a.said("webauthn.create", q)), "attestationObject": text(object)}})
}

// get answers navigator.credentials.get.
func (a *authenticator) get(options []byte) []byte {
	a.t.Helper()
	said, data := a.said("webauthn.get", a.read(options)), a.data(a.flags)
	hash := sha256.Sum256(said)
	digest := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return a.json(map[string]any{"id": text(a.id), "rawId": text(a.id), "type": "public-key", "response": map[string]any{
		"clientDataJSON": text(said), "authenticatorData": text(data), "signature": text(signature), "userHandle": text(a.handle)}})
}
