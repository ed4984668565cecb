package click

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"sync"

	"tributary/internal/clock"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// A token is version, key number, nonce and the sealed fields, every one of fixed width, so that its length says
// nothing and a wrong length is refused before any cipher runs. Version and key number are authenticated with it.
const (
	tokenVersion = 1
	tokenPurpose = "click-token"
	tokenHead    = 2 // version, key number
	tokenNonce   = 12
	tokenFields  = 6*8 + 2*2 + 3
	tokenTag     = 16
	tokenBytes   = tokenHead + tokenNonce + tokenFields + tokenTag
)

// TokenLength is the length of every token, in characters of the URL-safe base64 alphabet.
const TokenLength = (tokenBytes*8 + 5) / 6

// ErrToken is the one answer to a token that cannot be read: forged, altered, cut, of another installation, or sealed
// with a key that was removed. It does not say which, so that a forger learns nothing.
var ErrToken error = fault.Invalidf("tclid", "is not a click token of this installation",
	"send the value of tclid exactly as the landing page received it")

// Strict, so that there is one spelling of a token only.
var tokenText = base64.RawURLEncoding.Strict()

// Sealer makes and reads tokens. The ring's newest key seals, all of its keys open. Nonces are random: by the usual
// margin (a repeat less likely than 2^-32) a key may seal 2^32 tokens; rotate the ring before that. It is safe for use
// by many goroutines.
type Sealer struct {
	newest  byte
	keys    [256]cipher.AEAD
	scratch sync.Pool
}

// workspace keeps Seal and Open from allocating: what is handed to a cipher behind an interface would escape.
type workspace struct {
	plain  [tokenFields]byte
	sealed [tokenBytes]byte
	text   [TokenLength]byte
}

// NewSealer derives the token keys of every key of the ring.
func NewSealer(ring *secret.Ring) *Sealer {
	s := &Sealer{newest: ring.Newest()}
	for number := 1; number <= int(s.newest); number++ {
		if sealer, ok := ring.AEAD(byte(number), tokenPurpose); ok {
			s.keys[number] = sealer
		}
	}
	s.scratch.New = func() any { return new(workspace) }
	return s
}

// Seal gives the token's text: TokenLength characters that need no escaping in a URL.
func (s *Sealer) Seal(t Token) string {
	w := s.scratch.Get().(*workspace)
	defer s.scratch.Put(w)
	putFields(w.plain[:], &t)
	w.sealed[0], w.sealed[1] = tokenVersion, s.newest
	nonce := w.sealed[tokenHead : tokenHead+tokenNonce]
	rand.Read(nonce)
	s.keys[s.newest].Seal(w.sealed[:tokenHead+tokenNonce], nonce, w.plain[:], w.sealed[:tokenHead])
	tokenText.Encode(w.text[:], w.sealed[:])
	return string(w.text[:])
}

// Open reads a token; the error is always ErrToken.
func (s *Sealer) Open(text string) (Token, error) {
	if len(text) != TokenLength {
		return Token{}, ErrToken
	}
	w := s.scratch.Get().(*workspace)
	defer s.scratch.Put(w)
	copy(w.text[:], text)
	if n, err := tokenText.Decode(w.sealed[:], w.text[:]); err != nil || n != tokenBytes {
		return Token{}, ErrToken
	}
	key := s.keys[w.sealed[1]]
	if w.sealed[0] != tokenVersion || key == nil {
		return Token{}, ErrToken
	}
	nonce, body := w.sealed[tokenHead:tokenHead+tokenNonce], w.sealed[tokenHead+tokenNonce:]
	if _, err := key.Open(w.plain[:0], nonce, body, w.sealed[:tokenHead]); err != nil {
		return Token{}, ErrToken
	}
	var t Token
	takeFields(w.plain[:], &t)
	return t, nil
}

// putFields writes the token's fields, little endian, into tokenFields bytes. The click record begins with them too.
func putFields(b []byte, t *Token) {
	_ = b[tokenFields-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(t.Click))
	binary.LittleEndian.PutUint64(b[8:], uint64(t.Creator))
	binary.LittleEndian.PutUint64(b[16:], uint64(t.Tracking))
	binary.LittleEndian.PutUint64(b[24:], uint64(t.Link))
	binary.LittleEndian.PutUint64(b[32:], uint64(t.Place))
	binary.LittleEndian.PutUint64(b[40:], uint64(clock.Micro(t.At)))
	binary.LittleEndian.PutUint16(b[48:], t.Market)
	binary.LittleEndian.PutUint16(b[50:], uint16(t.Flags))
	b[52], b[53], b[54] = byte(t.Program), byte(t.Landed), byte(t.Kind)
}

func takeFields(b []byte, t *Token) {
	_ = b[tokenFields-1]
	t.Click = int64(binary.LittleEndian.Uint64(b[0:]))
	t.Creator = id.ID(binary.LittleEndian.Uint64(b[8:]))
	t.Tracking = id.ID(binary.LittleEndian.Uint64(b[16:]))
	t.Link = id.ID(binary.LittleEndian.Uint64(b[24:]))
	t.Place = int64(binary.LittleEndian.Uint64(b[32:]))
	t.At = clock.FromMicro(int64(binary.LittleEndian.Uint64(b[40:])))
	t.Market = binary.LittleEndian.Uint16(b[48:])
	t.Flags = Flags(binary.LittleEndian.Uint16(b[50:]))
	t.Program, t.Landed, t.Kind = Program(b[52]), Landed(b[53]), LinkKind(b[54])
}
