//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the file at path for this process. The lock ends with the process,
// however that ends.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.New("another control plane keeps it")
		}
		return nil, err
	}
	return func() { f.Close() }, nil
}
