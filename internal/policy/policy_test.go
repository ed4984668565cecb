package policy

import (
	"strings"
	"testing"
	"time"
)

func TestShippedIsSound(t *testing.T) {
	p := Shipped()
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if p.Session() != 24*time.Hour || p.Cart() != 89*24*time.Hour || p.Lapse() != 180*24*time.Hour || p.ResaleWindow() != 30*24*time.Hour || p.HoldDays != 60 || p.PaidEarns {
		t.Errorf("%+v is not what docs/spec.md names", p)
	}
}

func TestCheckNamesTheField(t *testing.T) {
	for field, spoil := range map[string]func(*Policy){
		"policy.session_hours": func(p *Policy) { p.SessionHours = 0 }, "policy.cart_days": func(p *Policy) { p.CartDays = 366 },
		"policy.lapse_days": func(p *Policy) { p.LapseDays = -1 }, "policy.resale_units": func(p *Policy) { p.ResaleUnits = -1 },
		"policy.resale_days": func(p *Policy) { p.ResaleDays = 0 }, "policy.hold_days": func(p *Policy) { p.HoldDays = 0 },
	} {
		p := Shipped()
		spoil(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
