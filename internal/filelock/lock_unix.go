//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Take takes the lock file at path, which is made if it does not exist. The
// lock ends with unlock, or with the process, however that ends.
func Take(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrTaken
		}
		return nil, err
	}
	return func() { f.Close() }, nil
}
