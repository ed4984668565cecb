package creator_test

import (
	"strings"
	"testing"

	"tributary/internal/creator"
	"tributary/internal/fault"
)

func TestPersonalThatCannotBe(t *testing.T) {
	good := creator.Personal{FullName: "Ada Lindholm", Email: "ada@creators.example", Address: "1 Quay\nHarbour Town\nSweden", Customer: "c-1",
		Payee: "Lindholm AB", Company: true, Phone: "+46 8-555 010 00", Country: "SE", Language: "sv-SE"}
	for name, p := range map[string]creator.Personal{"all": good, "nothing": {}, "a local phone": {Phone: "555 0100"}} {
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for field, p := range map[string]creator.Personal{
		"full_name": {FullName: "two\nlines"}, "payee": {Payee: strings.Repeat("x", 101)}, "address": {Address: strings.Repeat("a\n", 8)},
		"email": {Email: strings.Repeat("x", 255)}, "customer": {Customer: "a\x00b"}, "phone": {Phone: "+1 555 CALL"}, "country": {Country: "se"},
		"language": {Language: "Swedish?"},
	} {
		if err := p.Check(); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != field {
			t.Errorf("%+v: %v, want a fault of %s", p, err, field)
		}
	}
	for _, phone := range []string{"12345", "1234567890123456", "++46 8 555", "+46  8 555 010"} {
		if err := (creator.Personal{Phone: phone}).Check(); err == nil {
			t.Errorf("%q is a phone number", phone)
		}
	}
}
