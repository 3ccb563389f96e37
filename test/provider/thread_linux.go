package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// threadUsed is the processor time that this thread has used since it began.
func threadUsed() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("the clock of a thread: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
