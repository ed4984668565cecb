// Package click takes clicks in and keeps them: the sealed token that a shopper carries to the store (docs/spec.md §3),
// the sieve that tells browsers from machines, the append-only log that is synced before a click is answered, and the
// shipper that moves the log into the database together with its rollups.
//
// What must always hold: a token that this installation did not seal is never read. A click that Append acknowledged
// is on disk, has a number of its own without gaps, and is counted exactly once. A click that Append refused is not
// counted, so that it may be counted when its *unlogged* token is presented. Gross is counted plus filtered. Nothing
// here asks the database before a click is answered.
//
// It owns neither links nor marketplaces, it decides no credit (package attribution) and it knows no HTTP. No address
// of a shopper reaches it, only a keyed daily hash.
package click

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"tributary/internal/fault"
	"tributary/internal/id"
)

// Program is one of the three programs (docs/spec.md §1), in the one byte that token and record have for it.
type Program uint8

// The programs. The numbers are in every token and record: they never change.
const (
	Associates  Program = 1
	Influencer  Program = 2
	Connections Program = 3
)

var programNames = [...]string{"", "associates", "influencer", "connections"}

// String gives the program's name in API and database; empty for zero.
func (p Program) String() string { return nameOf(programNames[:], uint8(p)) }

// ParseProgram reads a program's name.
func ParseProgram(text string) (Program, error) {
	for number, name := range programNames[1:] {
		if text == name {
			return Program(number + 1), nil
		}
	}
	return 0, fault.Invalidf("program", "is not a program", "send associates, influencer or connections")
}

// Landed is what Token.Place names.
type Landed uint8

// What a click can land on. Search, home and any other page name no place: every line bought after them is indirect.
const (
	LandedNothing  Landed = 0
	LandedProduct  Landed = 1
	LandedCategory Landed = 2
)

// ProductPlace is the token's eight bytes for a product: attribution compares them and never needs the text.
func ProductPlace(sku string) int64 { return place("product:" + sku) }

// CategoryPlace is the token's eight bytes for a category path (`Home > Kitchen > Kettles`).
func CategoryPlace(path string) int64 { return place("category:" + path) }

func place(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// LinkKind is the kind of address that was clicked (docs/spec.md §3).
type LinkKind uint8

// The kinds of link. The numbers are in every token and record: they never change.
const (
	KindProduct    LinkKind = 1
	KindSearch     LinkKind = 2
	KindCategory   LinkKind = 3
	KindHome       LinkKind = 4
	KindPage       LinkKind = 5
	KindShort      LinkKind = 6
	KindCart       LinkKind = 7
	KindStorefront LinkKind = 8
	KindDirect     LinkKind = 9
	KindView       LinkKind = 10 // no click: a video was seen on a product page (package link, View)
)

var kindNames = [...]string{
	"", "product", "search", "category", "home", "page", "short", "cart", "storefront", "direct", "view",
}

// String gives the kind's name in API and reports; empty for zero.
func (k LinkKind) String() string { return nameOf(kindNames[:], uint8(k)) }

// Flags say what the edge knew when it answered.
type Flags uint16

// The flags. The bits are in every token and record: they never change meaning.
const (
	FlagInvalid  Flags = 1 << iota // bot or other invalid traffic: wins nothing, ends nobody's session (§5.1)
	FlagPaid                       // paid traffic proven by its ids (§5.10)
	FlagUnlogged                   // the log could not accept it: it enters the log when it is first presented (§3.4)
	FlagDirect                     // a `?tag=` link straight to the store, taken by t.js without a redirect
	FlagImported                   // a touch that an operator imported; no browser was seen
	FlagClosed                     // the tag was known and its enrolment did not run: earns nobody anything (§3.5)
	FlagCampaign                   // Link is a campaign
	FlagSandbox                    // made under a clock that can be set
)

// Has tells whether every bit of wanted is set.
func (f Flags) Has(wanted Flags) bool { return f&wanted == wanted }

// NewID makes a click id: 63 random bits that nobody can guess, never zero.
func NewID() int64 {
	var raw [8]byte
	for {
		rand.Read(raw[:])
		if value := int64(binary.LittleEndian.Uint64(raw[:]) >> 1); value != 0 {
			return value
		}
	}
}

// Token is what attribution needs to know of a click (docs/spec.md §3.3). At is cut to the microsecond, UTC, by the
// business clock. When its windows have passed is decided by package attribution, not here.
type Token struct {
	Click    int64 // 63 random bits
	Creator  id.ID // zero where the tag was unknown
	Program  Program
	Tracking id.ID
	Link     id.ID  // link, or campaign where FlagCampaign is set; 0 none
	Market   uint16 // marketplace number
	Landed   Landed
	Place    int64 // ProductPlace or CategoryPlace, as Landed says
	Kind     LinkKind
	At       time.Time
	Flags    Flags
}

// nameOf writes what has no name yet as its number, so that a record of a later version can still be shown.
func nameOf(names []string, number uint8) string {
	if int(number) < len(names) {
		return names[number]
	}
	return strconv.Itoa(int(number))
}
