package creator

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/text/unicode/norm"

	"tributary/internal/secret"
)

// The kinds of fact that shoppers and creators are compared by (docs/spec.md §5.8).
const (
	FactEmail     = "email"
	FactAddress   = "address"
	FactHousehold = "household"
	FactCustomer  = "customer"
	FactPayment   = "payment"
	FactDevice    = "device"
)

// FactSize is the size of a fact's hash in bytes: enough that no two people share one by chance.
const FactSize = 16

const hashedPrefix = "sha256:"

// Fact makes the keyed hash of a fact, of a shopper or of a creator alike. The text is plain, or `sha256:<hex>` of the
// normalised text where the store would rather not send it (docs/integrate.md): NFKC, trimmed, small letters; the
// store's own ids of payment and device as they are. Both spellings give the same hash. An empty text has none (nil).
func Fact(ring *secret.Ring, kind, text string) []byte {
	hashed, ok := hashedText(text)
	if !ok {
		plain := text
		if kind != FactPayment && kind != FactDevice {
			plain = strings.ToLower(strings.TrimSpace(norm.NFKC.String(text)))
		}
		if plain == "" {
			return nil
		}
		sum := sha256.Sum256([]byte(plain))
		hashed = hashedPrefix + hex.EncodeToString(sum[:])
	}
	return ring.Hash("shopper/"+kind, hashed)[:FactSize]
}

// hashedText recognises `sha256:` and 64 hexadecimal digits, in capitals too; anything else is a plain text.
func hashedText(text string) (string, bool) {
	digits, found := strings.CutPrefix(strings.TrimSpace(text), hashedPrefix)
	if !found || len(digits) != 2*sha256.Size {
		return "", false
	}
	digits = strings.ToLower(digits)
	if strings.Trim(digits, "0123456789abcdef") != "" {
		return "", false
	}
	return hashedPrefix + digits, true
}
