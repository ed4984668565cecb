package secret

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRotationKeepsWhatIsInFlight(t *testing.T) {
	ring := NewRing()
	sealed, hash := ring.Seal("mail", "creator:1:email", []byte("x@y.example")), ring.Hash("customer", "c-1")
	grown, err := ring.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	text, err := grown.Open("mail", "creator:1:email", sealed)
	if err != nil || string(text) != "x@y.example" {
		t.Errorf("opened %q, %v", text, err)
	}
	if !Equal(hash, grown.Hash("customer", "c-1")) {
		t.Error("keyed hashes changed with the rotation: earlier orders of a shopper would no longer be found")
	}
	if again := grown.Seal("mail", "creator:1:email", []byte("x")); again[0] != 2 {
		t.Error("the newest key does not seal")
	}
}

func TestSealedValuesAreBound(t *testing.T) {
	ring := NewRing()
	sealed := ring.Seal("mail", "creator:1:email", []byte("x@y.example"))
	flipped := append([]byte(nil), sealed...)
	flipped[len(flipped)-1] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"another purpose":  func() ([]byte, error) { return ring.Open("tax", "creator:1:email", sealed) },
		"another context":  func() ([]byte, error) { return ring.Open("mail", "creator:2:email", sealed) },
		"a flipped bit":    func() ([]byte, error) { return ring.Open("mail", "creator:1:email", flipped) },
		"nothing":          func() ([]byte, error) { return ring.Open("mail", "", nil) },
		"a stump":          func() ([]byte, error) { return ring.Open("mail", "", sealed[:5]) },
		"another ring":     func() ([]byte, error) { return NewRing().Open("mail", "creator:1:email", sealed) },
		"an unknown key":   func() ([]byte, error) { return ring.Open("mail", "creator:1:email", append([]byte{9}, sealed[1:]...)) },
		"nothing but a no": func() ([]byte, error) { return ring.Open("mail", "creator:1:email", []byte{1}) },
	} {
		if text, err := try(); err == nil {
			t.Errorf("%s opened it: %q", name, text)
		}
	}
}

func TestHashPartsDoNotJoin(t *testing.T) {
	ring := FixedRing("a")
	if Equal(ring.Hash("p", "ab", "c"), ring.Hash("p", "a", "bc")) || Equal(ring.Hash("p", "a"), ring.Hash("q", "a")) {
		t.Error("two different inputs share a hash")
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "keys")
	made, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	grown, _ := made.Rotate()
	if err := grown.Save(path); err != nil {
		t.Fatal(err)
	}
	read, err := Load(path)
	if err != nil || read.Newest() != 2 || !Equal(read.Hash("p", "x"), made.Hash("p", "x")) {
		t.Errorf("read %v, %v", read.Newest(), err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	for _, bad := range []string{"", "1 abc\n", "0 " + strings.Repeat("ab", 32), "x " + strings.Repeat("ab", 32)} {
		os.WriteFile(path, []byte(bad), 0o600)
		if _, err := Load(path); err == nil || strings.Contains(err.Error(), "abab") {
			t.Errorf("%q gave %v", bad, err)
		}
	}
}
