package click

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/clock"
	"tributary/internal/id"
	"tributary/internal/secret"
)

func anyToken() *rapid.Generator[Token] {
	return rapid.Custom(func(t *rapid.T) Token {
		return Token{
			Click:    rapid.Int64().Draw(t, "click"),
			Creator:  id.ID(rapid.Int64().Draw(t, "creator")),
			Program:  Program(rapid.Uint8().Draw(t, "program")),
			Tracking: id.ID(rapid.Int64().Draw(t, "tracking")),
			Link:     id.ID(rapid.Int64().Draw(t, "link")),
			Market:   rapid.Uint16().Draw(t, "market"),
			Landed:   Landed(rapid.Uint8().Draw(t, "landed")),
			Place:    rapid.Int64().Draw(t, "place"),
			Kind:     LinkKind(rapid.Uint8().Draw(t, "kind")),
			At:       clock.FromMicro(rapid.Int64Range(-1<<50, 1<<60).Draw(t, "at")),
			Flags:    Flags(rapid.Uint16().Draw(t, "flags")),
		}
	})
}

func TestTokenComesBackAsItWasSealed(t *testing.T) {
	sealer := NewSealer(secret.FixedRing("token"))
	rapid.Check(t, func(t *rapid.T) {
		token := anyToken().Draw(t, "token")
		text := sealer.Seal(token)
		if len(text) != TokenLength || len(text) > 200 {
			t.Fatalf("length %d", len(text))
		}
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("%q needs escaping in a URL", text)
		}
		opened, err := sealer.Open(text)
		if err != nil || opened != token {
			t.Fatalf("opened %+v, %v; sealed %+v", opened, err, token)
		}
	})
}

func TestAnyAlteredCharacterIsRefused(t *testing.T) {
	sealer := NewSealer(secret.FixedRing("token"))
	text := sealer.Seal(Token{Click: NewID(), Creator: 7, Market: 1, At: time.Unix(1_800_000_000, 0)})
	for at := range len(text) {
		for _, other := range []byte("A_9") {
			if text[at] == other {
				continue
			}
			forged := text[:at] + string(other) + text[at+1:]
			if token, err := sealer.Open(forged); err != ErrToken || token != (Token{}) {
				t.Fatalf("character %d altered: %+v, %v", at, token, err)
			}
		}
	}
}

func TestKeysRotateWithoutBreakingTokens(t *testing.T) {
	first := secret.FixedRing("token")
	second, err := first.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	token := Token{Click: 1, Creator: 2, At: time.Unix(1_800_000_000, 0).UTC()}
	before, after := NewSealer(first), NewSealer(second)
	if opened, err := after.Open(before.Seal(token)); err != nil || opened != token {
		t.Errorf("a token of the older key: %+v, %v", opened, err)
	}
	if opened, err := after.Open(after.Seal(token)); err != nil || opened != token {
		t.Errorf("a token of the newest key: %+v, %v", opened, err)
	}
	if _, err := before.Open(after.Seal(token)); err != ErrToken {
		t.Errorf("a token of a key that is not in the ring: %v", err)
	}
	if _, err := NewSealer(secret.FixedRing("another installation")).Open(before.Seal(token)); err != ErrToken {
		t.Errorf("a token of another installation: %v", err)
	}
}

func TestPlacesDiffer(t *testing.T) {
	if ProductPlace("Home") == CategoryPlace("Home") || ProductPlace("a") == ProductPlace("b") {
		t.Error("two things have one place")
	}
	// Places are in tokens and records: the first eight bytes of SHA-256("product:KETTLE-1"), for ever.
	if got := ProductPlace("KETTLE-1"); got != 6468385322126323657 {
		t.Errorf("the place of KETTLE-1 is %d", got)
	}
}

func TestNamesOfPrograms(t *testing.T) {
	for _, program := range []Program{Associates, Influencer, Connections} {
		if read, err := ParseProgram(program.String()); err != nil || read != program {
			t.Errorf("%s read as %v, %v", program, read, err)
		}
	}
	for _, text := range []string{"", "Associates", "4"} {
		if _, err := ParseProgram(text); err == nil {
			t.Errorf("%q is a program", text)
		}
	}
	if KindDirect.String() != "direct" || LinkKind(77).String() != "77" {
		t.Error("names of link kinds")
	}
}

func FuzzTokenOpen(f *testing.F) {
	sealer := NewSealer(secret.FixedRing("token"))
	f.Add(sealer.Seal(Token{Click: 1, At: time.Unix(1_800_000_000, 0)}))
	f.Add("")
	f.Add(strings.Repeat("A", TokenLength))
	f.Add(strings.Repeat("\n", TokenLength))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := sealer.Open(text)
		if err == nil && token.At.Location() != time.UTC {
			t.Errorf("time not in UTC: %v", token.At)
		}
		if err != nil && err != ErrToken {
			t.Errorf("error %v", err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	sealer := NewSealer(secret.FixedRing("token"))
	token := Token{Click: NewID(), Creator: 7, Tracking: 8, Market: 1, At: time.Unix(1_800_000_000, 0)}
	b.ReportAllocs()
	for b.Loop() {
		sealer.Seal(token)
	}
}

func BenchmarkOpen(b *testing.B) {
	sealer := NewSealer(secret.FixedRing("token"))
	text := sealer.Seal(Token{Click: NewID(), Creator: 7, Tracking: 8, Market: 1, At: time.Unix(1_800_000_000, 0)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Open(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewID(b *testing.B) {
	for b.Loop() {
		NewID()
	}
}
