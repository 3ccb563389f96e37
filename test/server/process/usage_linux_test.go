package process_test

import (
	"os"
	"testing"
	"time"

	"github.com/flagline/flagline/test/server/process"
)

// TestMain busies itself for a while if it is told to, as a program would.
func TestMain(m *testing.M) {
	if os.Getenv("BUSY") != "" {
		for begin := time.Now(); time.Since(begin) < time.Minute; {
			_ = make([]byte, 1<<10)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestWhatAnotherProcessUsesIsSeen(t *testing.T) {
	t.Setenv("BUSY", "yes")
	p, err := process.Start(t.Context(), "busy", true, os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	err = p.Await(t.Context(), time.Minute, "wait until it is busy", func() bool {
		used, err := p.Used()
		return err == nil && used > 20*time.Millisecond
	})
	if err != nil {
		t.Error(err)
	}
	resident, peak, err := p.Memory()
	if err != nil || resident == 0 || peak < resident {
		t.Errorf("it has %d bytes and had %d, %v", resident, peak, err)
	}
}
