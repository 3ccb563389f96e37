package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Used is the processor time that the process has used since it began, all its
// threads in user and in system mode.
func (p *Process) Used() (time.Duration, error) {
	const allThreads = 2 // in the number of a process's clock, beside the inverted process
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid)<<3|allThreads, &t); err != nil {
		return 0, fmt.Errorf("%s: the clock of process %d: %w", p.name, p.cmd.Process.Pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// Memory is what the process occupies, and occupied at most, in bytes.
func (p *Process) Memory() (resident, peak int64, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			resident = kilobytes << 10
		case "VmHWM:":
			peak = kilobytes << 10
		}
	}
	return resident, peak, nil
}

// Settle moves this program to the last core, if the machine has several, so
// that servers which are pinned have the first one for themselves.
func Settle() error {
	if runtime.NumCPU() < 2 {
		return nil
	}
	last := only(runtime.NumCPU() - 1)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &last); err != nil {
			return fmt.Errorf("stay on one core: %w", err)
		}
	}
	runtime.GOMAXPROCS(1)
	return nil
}

// on starts something on the first core, or on all.
func on(pinned bool, start func() error) error {
	if runtime.NumCPU() < 2 {
		return start()
	}
	runtime.LockOSThread() // what is started is where its parent's thread is
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	set := only(0)
	for core := range runtime.NumCPU() {
		if !pinned {
			set.Set(core)
		}
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return err
	}
	err := start()
	if problem := unix.SchedSetaffinity(0, &before); err == nil {
		err = problem
	}
	return err
}

func only(core int) (set unix.CPUSet) {
	set.Set(core)
	return set
}
