package creator_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/secret"
)

var (
	ring  = secret.FixedRing("creators")
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// One person written in several ways has one hash; different people, and different kinds, have different ones.
func TestFact(t *testing.T) {
	same := [][]string{
		{"X@y.example", " x@y.example\n", "x@Y.EXAMPLE", "ｘ@y.example", hashed("x@y.example"),
			"sha256:" + strings.ToUpper(hashed("x@y.example")[len("sha256:"):])},
		{"Straße 1", "straße 1", hashed("straße 1")},
		{"sha256:no hash at all", "SHA256:NO HASH AT ALL"},
		{"e\u0301va@y.example", "\u00e9va@y.example"},
	}
	seen := map[string]string{}
	for _, spellings := range same {
		first := creator.Fact(ring, creator.FactEmail, spellings[0])
		if len(first) != creator.FactSize {
			t.Fatalf("%q: %d bytes", spellings[0], len(first))
		}
		for _, spelling := range spellings {
			if !bytes.Equal(creator.Fact(ring, creator.FactEmail, spelling), first) {
				t.Errorf("%q and %q differ", spelling, spellings[0])
			}
		}
		for _, kind := range []string{creator.FactEmail, creator.FactAddress, creator.FactCustomer, creator.FactHousehold,
			creator.FactPayment} {
			hash := string(creator.Fact(ring, kind, spellings[0]))
			if other, ok := seen[hash]; ok {
				t.Errorf("%s %q collides with %s", kind, spellings[0], other)
			}
			seen[hash] = kind + " " + spellings[0]
		}
	}
	for _, kind := range []string{creator.FactPayment, creator.FactDevice} {
		if bytes.Equal(creator.Fact(ring, kind, "Card-A"), creator.Fact(ring, kind, "card-a")) {
			t.Errorf("%s ids are the store's own and must be taken as they are", kind)
		}
		if !bytes.Equal(creator.Fact(ring, kind, "Card-A"), creator.Fact(ring, kind, hashed("Card-A"))) {
			t.Errorf("a hashed %s is another one", kind)
		}
	}
	if creator.Fact(ring, creator.FactEmail, "  ") != nil || creator.Fact(ring, creator.FactDevice, "") != nil {
		t.Error("nothing must have no hash: strangers would be taken for one another")
	}
}

// However a text is spelt, hashing it at the store gives the same as sending it.
func TestFactHashedByTheStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z0-9@. -]{1,30}`).Draw(t, "text")
		plain := strings.TrimSpace(text)
		if plain == "" {
			return
		}
		if !bytes.Equal(creator.Fact(ring, creator.FactEmail, text), creator.Fact(ring, creator.FactEmail, hashed(plain))) {
			t.Fatalf("%q differs when it is hashed", text)
		}
	})
}

func FuzzFact(f *testing.F) {
	f.Add("email", "sha256:"+strings.Repeat("0", 64))
	f.Add("device", "\xff")
	f.Fuzz(func(t *testing.T, kind, text string) {
		if hash := creator.Fact(ring, kind, text); hash != nil && len(hash) != creator.FactSize {
			t.Errorf("%d bytes", len(hash))
		}
	})
}

func TestAccounts(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	personal := creator.Personal{FullName: "Ada Lovelace", Email: "Ada@example.org", Customer: "c-1"}
	var made []creator.Creator
	for i := range 5 {
		made = append(made, creator.Creator{ID: id.New(start.Add(time.Duration(i) * time.Hour)),
			Name:   fmt.Sprintf("Creator %d", i),
			Handle: fmt.Sprintf("creator.%d", i), Created: start})
	}
	if err := d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		for i, c := range made {
			p := creator.Personal{Email: fmt.Sprint(i, "@example.org")}
			if i == 0 {
				p = personal
			}
			if err := creator.Create(tx, ring, c, p); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	again := made[0]
	again.ID = id.New(start.Add(time.Minute))
	if err := d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		return creator.Create(tx, ring, again, personal)
	}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a handle was given twice: %v", err)
	}
	if err := d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		moved := personal
		moved.Email = "ada@new.example"
		if err := creator.SetRouting(tx, made[0].ID, market.Exact); err != nil {
			return err
		}
		return creator.SavePersonal(tx, ring, made[0].ID, moved)
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.Read(ctx, func(tx *db.Tx) error { return checkAccounts(t, tx, made) }); err != nil {
		t.Fatal(err)
	}
}

func checkAccounts(t *testing.T, tx *db.Tx, made []creator.Creator) error {
	made[0].Routing = market.Exact
	page, err := creator.All(tx, made[1].ID, 2)
	if err != nil || len(page) != 2 || page[0] != made[2] || page[1] != made[3] {
		t.Errorf("page %v, %v", page, err)
	}
	if found, err := creator.ByHandle(tx, " Creator.0 "); err != nil || found != made[0] {
		t.Errorf("by handle %v, %v", found, err)
	}
	if found, err := creator.Search(tx, "R 4", 10); err != nil || len(found) != 1 || found[0] != made[4] {
		t.Errorf("search %v, %v", found, err)
	}
	if found, err := creator.Search(tx, "100%_!", 10); err != nil || len(found) != 0 {
		t.Errorf("search took its wildcards from the caller: %v, %v", found, err)
	}
	if _, err := creator.One(tx, 5); !fault.Is(err, fault.NotFound) {
		t.Errorf("a creator who does not exist: %v", err)
	}
	personal, err := creator.FindPersonal(tx, ring, made[0].ID)
	if err != nil || personal.Email != "ada@new.example" || personal.FullName != "Ada Lovelace" {
		t.Errorf("personal %v, %v", personal, err)
	}
	if _, err := creator.FindPersonal(tx, secret.FixedRing("another"), made[0].ID); err == nil {
		t.Error("another installation's keys open what is personal")
	}
	old, moved := creator.Fact(ring, creator.FactEmail, "ada@example.org"), creator.Fact(ring, creator.FactEmail,
		"ADA@new.example")
	owners, err := creator.Owners(tx, creator.FactEmail, [][]byte{old, moved, creator.Fact(ring, creator.FactEmail,
		"nobody@example.org")})
	if err != nil || len(owners) != 2 || owners[string(old)][0] != made[0].ID || owners[string(moved)][0] != made[0].ID {
		t.Errorf("owners %v, %v", owners, err)
	}
	return nil
}

func TestAccountsThatCannotBe(t *testing.T) {
	good := creator.Creator{ID: 1, Name: "Ada", Handle: "ada-l", Created: start}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*creator.Creator){
		func(c *creator.Creator) { c.Name = "" },
		func(c *creator.Creator) { c.Name = " Ada" },
		func(c *creator.Creator) { c.Name = "Ada\nEvil: yes" },
		func(c *creator.Creator) { c.Name = "\xff" },
		func(c *creator.Creator) { c.Name = strings.Repeat("ä", 101) },
		func(c *creator.Creator) { c.Handle = "ab" },
		func(c *creator.Creator) { c.Handle = "Ada" },
		func(c *creator.Creator) { c.Handle = "ada_" },
		func(c *creator.Creator) { c.Handle = "a..da" },
		func(c *creator.Creator) { c.Handle = "../ada" },
		func(c *creator.Creator) { c.Handle = strings.Repeat("a", 31) },
		func(c *creator.Creator) { c.Routing = "far" },
	} {
		bad := good
		change(&bad)
		if err := bad.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v is taken: %v", bad, err)
		}
	}
}

func BenchmarkFact(b *testing.B) {
	for b.Loop() {
		creator.Fact(ring, creator.FactCustomer, "c-77")
	}
}
