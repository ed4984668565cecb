//go:build !linux

package click

import (
	"errors"
	"os"
	"syscall"
)

// syncData makes a file durable.
func syncData(file *os.File) error { return file.Sync() }

// allocate leaves the space to the zeros that are written next.
func allocate(*os.File, int64) error { return nil }

// isFull tells whether an error means that there is no room.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }

// lockFile takes no lock: outside Linux the operator sees to it that one process runs.
func lockFile(*os.File) (ok bool, err error) { return true, nil }
