package fault

import (
	"errors"
	"io"
	"testing"
)

func TestUnclassifiedErrorsShowNothing(t *testing.T) {
	err := Wrap(io.ErrUnexpectedEOF, "reading /etc/secret")
	got := Of(err)
	if got.Kind != Unavailable {
		t.Errorf("kind %v, want unavailable", got.Kind)
	}
	if want := "something went wrong on our side; try again in a moment"; got.Error() != want {
		t.Errorf("text %q, want %q", got.Error(), want)
	}
	if !errors.Is(got, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost to the log")
	}
}

func TestKindSurvivesWrapping(t *testing.T) {
	err := Wrap(Invalidf("quantity", "is %d, and may not be negative", "send 0 or more", -2), "taking event evt-1")
	if !Is(err, Invalid) || Is(nil, Invalid) {
		t.Errorf("kind of %v", err)
	}
	if want := "quantity: is -2, and may not be negative; send 0 or more"; Of(err).Error() != want {
		t.Errorf("text %q, want %q", Of(err).Error(), want)
	}
}
