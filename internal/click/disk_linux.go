package click

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncData makes a file's bytes durable, and its size where that changed; not its times, which nobody reads.
func syncData(file *os.File) error {
	for {
		err := unix.Fdatasync(int(file.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// allocate takes the space from the disk now, so that a full disk is met here and not under a click.
func allocate(file *os.File, size int64) error {
	err := unix.Fallocate(int(file.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil // the zeros that follow take the space
	}
	return err
}

// isFull tells whether an error means that there is no room: the disk, the quota, or the limit on a file.
func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

// lockFile takes the lock for as long as the file is open; ok is false where another process has it.
func lockFile(file *os.File) (ok bool, err error) {
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
