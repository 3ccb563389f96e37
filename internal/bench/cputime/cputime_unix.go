//go:build unix

package cputime

import (
	"syscall"
	"time"
)

// Used is the processor time that this process has used since it began; 0 if
// that cannot be told.
func Used() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
