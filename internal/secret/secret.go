// Package secret holds the installation's keys and the few things done with them: sealing (AES-256-GCM), keyed hashes
// (HMAC-SHA-256) and comparison in constant time. Every use names a purpose, and every purpose has a key of its own,
// derived by HKDF (RFC 5869), so that a value sealed or hashed for one means nothing to another.
//
// A Ring holds numbered master keys. The newest seals, all open: adding a key is how keys rotate without breaking what
// is in flight. The ring is a file of the operator's (mode 0600); this package never writes a key anywhere else.
package secret

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// KeySize is the size of a key in bytes.
const KeySize = 32

// maxKeys is how many master keys a ring may hold; a key number is one byte in everything that is sealed.
const maxKeys = 255

// Ring is an ordered set of master keys. It is immutable; Rotate gives a new one.
type Ring struct {
	keys    map[byte][KeySize]byte
	newest  byte
	deepest byte     // the oldest key: keyed hashes use it, since they must stay comparable for ever
	hashing sync.Map // derived keys of Hash by purpose: deriving costs more than hashing, and every order hashes
}

// NewRing makes a ring of one fresh key.
func NewRing() *Ring {
	var key [KeySize]byte
	rand.Read(key[:])
	return &Ring{keys: map[byte][KeySize]byte{1: key}, newest: 1, deepest: 1}
}

// FixedRing makes a ring from a seed: for tests and for benchmarks that must repeat.
func FixedRing(seed string) *Ring {
	return &Ring{keys: map[byte][KeySize]byte{1: sha256.Sum256([]byte(seed))}, newest: 1, deepest: 1}
}

// Rotate gives a ring with one more key, which seals from now on.
func (r *Ring) Rotate() (*Ring, error) {
	if r.newest == maxKeys {
		return nil, errors.New("secret: the ring holds 255 keys; start a new installation key file")
	}
	grown := &Ring{keys: map[byte][KeySize]byte{}, newest: r.newest + 1, deepest: r.deepest}
	for number, key := range r.keys {
		grown.keys[number] = key
	}
	var key [KeySize]byte
	rand.Read(key[:])
	grown.keys[grown.newest] = key
	return grown, nil
}

// Newest is the number of the key that seals.
func (r *Ring) Newest() byte { return r.newest }

// Derive gives the key of that number for a purpose; ok is false when the ring has no such key.
func (r *Ring) Derive(number byte, purpose string) (key [KeySize]byte, ok bool) {
	master, ok := r.keys[number]
	if !ok {
		return key, false
	}
	raw, err := hkdf.Key(sha256.New, master[:], nil, "tributary/"+purpose, KeySize)
	if err != nil {
		panic(err) // only for a length beyond 255 hashes
	}
	return [KeySize]byte(raw), true
}

// AEAD gives the cipher of that key number and purpose; ok is false when the ring has no such key.
func (r *Ring) AEAD(number byte, purpose string) (sealer cipher.AEAD, ok bool) {
	key, ok := r.Derive(number, purpose)
	if !ok {
		return nil, false
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // only for a wrong key size
	}
	sealer, err = cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return sealer, true
}

// Hash is a keyed hash of the parts, in which no two lists of parts collide by joining. The same ring gives the same
// hash for ever, also after a rotation.
func (r *Ring) Hash(purpose string, parts ...string) []byte {
	kept, ok := r.hashing.Load(purpose)
	if !ok {
		key, _ := r.Derive(r.deepest, "hash/"+purpose)
		kept, _ = r.hashing.LoadOrStore(purpose, key)
	}
	key := kept.([KeySize]byte)
	mac := hmac.New(sha256.New, key[:])
	for _, part := range parts {
		mac.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return mac.Sum(nil)
}

// Seal encrypts text for a purpose, bound to the context it stands in (`table:row:field`). Open with the same.
func (r *Ring) Seal(purpose, context string, text []byte) []byte {
	sealer, _ := r.AEAD(r.newest, purpose)
	out := make([]byte, 1+sealer.NonceSize(), 1+sealer.NonceSize()+len(text)+sealer.Overhead())
	out[0] = r.newest
	rand.Read(out[1:])
	return sealer.Seal(out, out[1:], text, []byte(context))
}

// ErrSealed says that a sealed value cannot be opened: another key, another context, or altered.
var ErrSealed = errors.New("secret: sealed value cannot be opened here")

// Open decrypts what Seal made.
func (r *Ring) Open(purpose, context string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, ErrSealed
	}
	sealer, ok := r.AEAD(sealed[0], purpose)
	if !ok || len(sealed) < 1+sealer.NonceSize() {
		return nil, ErrSealed
	}
	nonce, body := sealed[1:1+sealer.NonceSize()], sealed[1+sealer.NonceSize():]
	text, err := sealer.Open(nil, nonce, body, []byte(context))
	if err != nil {
		return nil, ErrSealed
	}
	return text, nil
}

// Equal compares in constant time.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// Load reads a ring from path and makes the file with one fresh key where there is none.
func Load(path string) (*Ring, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		ring := NewRing()
		return ring, ring.Save(path)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	ring := &Ring{keys: map[byte][KeySize]byte{}}
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := ring.read(line); err != nil {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
	}
	if len(ring.keys) == 0 {
		return nil, fmt.Errorf("key file %s holds no key; restore it from a backup, what was sealed with it is lost without it", path)
	}
	return ring, nil
}

func (r *Ring) read(line string) error {
	number, text, found := strings.Cut(line, " ")
	n, err := strconv.ParseUint(number, 10, 8)
	raw, hexErr := hex.DecodeString(strings.TrimSpace(text))
	if !found || err != nil || n == 0 || hexErr != nil || len(raw) != KeySize {
		return errors.New("a line is not `NUMBER 64-HEX-DIGITS`") // the line itself may be a key: never shown
	}
	r.keys[byte(n)] = [KeySize]byte(raw)
	r.newest = max(r.newest, byte(n))
	if r.deepest == 0 || byte(n) < r.deepest {
		r.deepest = byte(n)
	}
	return nil
}

// Save writes the ring to path, whole or not at all, readable by the owner only.
func (r *Ring) Save(path string) error {
	var text strings.Builder
	text.WriteString("# Keys of this installation. Whoever has this file can read tokens and personal data; without it they are lost. Back it up apart from the database.\n")
	for number := 1; number <= int(r.newest); number++ {
		if key, ok := r.keys[byte(number)]; ok {
			fmt.Fprintf(&text, "%d %x\n", number, key)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text.String())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
