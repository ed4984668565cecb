package id

import (
	"math"
	"testing"
	"time"
)

func TestTextAndBack(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	for _, n := range []ID{0, 1, New(now), math.MaxInt64} {
		back, err := Parse("creator", Creator, n.Text(Creator))
		if err != nil || back != n {
			t.Errorf("%d → %s → %d, %v", n, n.Text(Creator), back, err)
		}
	}
	for _, bad := range []string{"", "cr_", "li_0000000000001", "cr_000000000000u", "cr_z000000000000", "cr_00000000000001"} {
		if _, err := Parse("creator", Creator, bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestSortsByTime(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	if early, late := New(now), New(now.Add(time.Millisecond)); early >= late {
		t.Errorf("%d is not before %d", early, late)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cr_0123456789abc")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse("x", Creator, text)
		if err == nil && n.Text(Creator) != text {
			t.Errorf("%q is read as %d and written as %q", text, n, n.Text(Creator))
		}
	})
}
