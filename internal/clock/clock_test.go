package clock

import (
	"testing"
	"time"

	"tributary/internal/fault"
)

func TestSandboxMovesOnlyForward(t *testing.T) {
	start := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	b := NewStopped(start)
	if err := b.Set(start.AddDate(0, 0, 180)); err != nil {
		t.Fatal(err)
	}
	if got := b.Now(); !got.Equal(start.AddDate(0, 0, 180)) {
		t.Errorf("now %s", got)
	}
	if err := b.Set(start); !fault.Is(err, fault.Invalid) {
		t.Errorf("the clock went back: %v", err)
	}
}

func TestProductionRefuses(t *testing.T) {
	var b Business
	if err := b.Set(time.Now().Add(time.Hour)); !fault.Is(err, fault.Denied) {
		t.Errorf("a production clock was set: %v", err)
	}
	if off := time.Until(b.Now()).Abs(); off > time.Minute {
		t.Errorf("a production clock is %s off", off)
	}
}

func TestSandboxRuns(t *testing.T) {
	b := NewSandbox(48 * time.Hour)
	if ahead := time.Until(b.Now()); ahead < 47*time.Hour || ahead > 49*time.Hour {
		t.Errorf("%s ahead, want 48 h", ahead)
	}
}

func TestMicroAndBack(t *testing.T) {
	at := time.Date(2026, 11, 22, 14, 3, 11, 123456000, time.UTC)
	if !FromMicro(Micro(at)).Equal(at) {
		t.Error("an instant changed in storage")
	}
}
