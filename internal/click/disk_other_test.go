//go:build !linux

package click

import "errors"

func appendWithoutRoom() { fail(errors.New("only on Linux")) }
