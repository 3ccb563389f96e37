package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// kept is the generation up to which journals in a directory are whole.
func (f *fleet) kept(dir string) uint64 {
	f.t.Helper()
	r := f.cli("", "restore", "-E", "dev", "--journal", f.path(dir), "--dry-run")
	var found struct{ Generation uint64 }
	if r.code != 0 || json.Unmarshal([]byte(r.out), &found) != nil {
		return 0
	}
	return found.Generation
}

// awaitJournal waits until a journal has come to generation.
func (f *fleet) awaitJournal(dir string, generation uint64) {
	f.t.Helper()
	f.await("the journal in "+dir, func() error {
		if g := f.kept(dir); g != generation {
			return fmt.Errorf("it is at generation %d, not %d", g, generation)
		}
		return nil
	})
}

// loseNATS destroys everything that JetStream holds, as the loss of all disks
// would, and starts the server again.
func (f *fleet) loseNATS() {
	f.t.Helper()
	_ = f.nats.kill(syscall.SIGKILL) // it ends by the signal
	if err := os.RemoveAll(f.path("nats/nats/jetstream")); err != nil {
		f.t.Fatal(err)
	}
	f.startNATS()
}

// startPlane runs one more control plane.
func (f *fleet) startPlane(dir string) (p *process, api string) {
	f.t.Helper()
	port := freePort(f.t)
	api = "http://127.0.0.1:" + port
	p = f.start("flagline", "serve", "--nats-url", f.natsURL(), "--listen", "127.0.0.1:"+port, "--data-dir", f.path(dir))
	f.await("the control plane in "+dir, func() error {
		if code := status(api + "/readyz"); code != http.StatusOK {
			return fmt.Errorf("status %d", code)
		}
		return nil
	})
	return p, api
}

// restore restores dev; args name the sources.
func (f *fleet) restore(args ...string) result {
	f.t.Helper()
	return f.cli("", append([]string{"restore", "-E", "dev", "--nats-url", f.natsURL()}, args...)...)
}

// askAllTheTime asks a flag of the sidecar until it is told to stop, and then
// says how often it asked and how many answers were not value.
func (f *fleet) askAllTheTime(key, value string) (stop func() (asked, wrong int, last error)) {
	done, ended := make(chan struct{}), make(chan struct{})
	var asked, wrong int
	var last error
	check := answers(f.at.OFREP, key, value)
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
			}
			asked++
			if err := check(); err != nil {
				wrong++
				last = err
			}
		}
	}()
	return func() (int, int, error) {
		close(done)
		<-ended
		return asked, wrong, last
	}
}

// The drill: all of NATS is lost, and the environment is made again from the
// control plane's journal, while the sidecar goes on answering and the control
// plane goes on running.
func TestEnvironmentIsRestoredFromTheJournalWhileTheSidecarAnswers(t *testing.T) {
	f := newFleet(t)
	f.startSidecar()
	f.must(f.api, "flag", "create", "limit", "--variant", "v=1", "--default-variant", "v", "-m", "the first")
	for value := 2; value <= 7; value++ {
		f.set(value)
	}
	f.await("the flag", answers(f.at.OFREP, "limit", "7"))
	f.awaitJournal("plane/journal", 8)
	before := f.history(f.api)

	stop := f.askAllTheTime("limit", "7")
	f.loseNATS()
	f.await("NATS to be without the environment", func() error {
		if r := f.cli(f.api, "flag", "set", "limit", "--variant", "v=666", "--timeout", "2s"); r.code == 0 {
			return errors.New("a change was taken")
		}
		return nil
	})
	if r := f.restore("--journal", f.path("plane/journal"), "-m", "the disks burnt"); r.code != 0 {
		t.Fatalf("restore ends with %d: %s", r.code, r.err)
	}
	f.await("the sidecar to follow", func() error {
		if g, err := f.generation(); err != nil || g != 9 {
			return fmt.Errorf("generation %d, %w", g, err)
		}
		return nil
	})
	asked, wrong, last := stop()
	t.Logf("the sidecar was asked %d times", asked)
	if wrong > 0 || asked < 100 {
		t.Errorf("of %d answers %d were wrong: %v", asked, wrong, last)
	}

	f.await("a change after the restoration", func() error {
		if r := f.cli(f.api, "flag", "set", "limit", "--variant", "v=8"); r.code != 0 {
			return errors.New(r.err)
		}
		return nil
	})
	f.await("the new value", answers(f.at.OFREP, "limit", "8"))
	after := f.history(f.api)
	if len(after) != len(before)+2 || after[1].Reason != "the disks burnt" {
		t.Fatalf("history is %+v", after)
	}
	for i, c := range before {
		if after[i+2] != c {
			t.Errorf("%+v is told as %+v", c, after[i+2])
		}
	}
	f.awaitJournal("plane/journal", 10) // the new incarnation is in it, too
}

// A past is a change as the history tells it.
type past struct {
	Change, Author, Reason, Time string
	Generation                   uint64
}

func (f *fleet) history(api string) []past {
	f.t.Helper()
	var h struct{ Changes []past }
	if err := json.Unmarshal([]byte(f.must(api, "flag", "history", "--limit", "100")), &h); err != nil {
		f.t.Fatal(err)
	}
	return h.Changes
}

// A control plane that finds NATS empty does not make the environment anew,
// which would take all flags away from everybody.
func TestControlPlaneDoesNotBeginAnewWhatItHasAJournalOf(t *testing.T) {
	f := newFleet(t)
	f.startSidecar()
	f.must(f.api, "flag", "create", "limit", "--variant", "v=1", "--default-variant", "v")
	f.await("the flag", answers(f.at.OFREP, "limit", "1"))
	f.awaitJournal("plane/journal", 2)
	_ = f.serve.kill(syscall.SIGKILL) // it ends by the signal
	f.loseNATS()

	r := f.cli("", "serve", "--nats-url", f.natsURL(), "--listen", "127.0.0.1:0", "--data-dir", f.path("plane"))
	if r.code == 0 || !strings.Contains(r.err, "flagline restore -E dev --journal") {
		t.Errorf("the control plane ends with %d: %s", r.code, r.err)
	}
	if r := f.restore("--journal", f.path("plane/journal")); r.code != 0 {
		t.Fatalf("restore ends with %d: %s", r.code, r.err)
	}
	_, api := f.startPlane("plane")
	f.must(api, "flag", "set", "limit", "--variant", "v=2")
	f.await("the new value", answers(f.at.OFREP, "limit", "2"))
}

// Of two control planes, one was away for a while, and the other one's journal
// ends in what a crash left.
func TestTheBestOfTwoJournalsCounts(t *testing.T) {
	f := newFleet(t)
	second, _ := f.startPlane("second")
	f.must(f.api, "flag", "create", "limit", "--variant", "v=1", "--default-variant", "v")
	f.awaitJournal("second/journal", 2)
	_ = second.kill(syscall.SIGKILL) // it ends by the signal
	for value := 2; value <= 4; value++ {
		f.set(value)
	}
	f.awaitJournal("plane/journal", 5)
	if g := f.kept("second/journal"); g != 2 {
		t.Errorf("the journal of a control plane that was away is at generation %d, want 2", g)
	}
	_ = f.serve.kill(syscall.SIGKILL) // it ends by the signal
	segments, err := filepath.Glob(f.path("plane/journal/dev/*/*.journal"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments are %v, %v", segments, err)
	}
	data, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segments[0], data[:len(data)-3], 0o600); err != nil {
		t.Fatal(err)
	}

	f.loseNATS()
	r := f.restore("--journal", f.path("second/journal"), "--journal", f.path("plane/journal"))
	if r.code != 0 || !strings.Contains(r.err, "leave out the damaged end") || !strings.Contains(r.err, segments[0]) {
		t.Fatalf("restore ends with %d: %s", r.code, r.err)
	}
	_, api := f.startPlane("third")
	if out := f.must(api, "flag", "get", "limit"); !strings.Contains(out, `"v": 3`) {
		t.Errorf("what was whole is generation 4, with the value 3; there is %s", out)
	}

	// A control plane that comes back reads what it missed from NATS.
	f.startPlane("second")
	f.awaitJournal("second/journal", 5) // 4, and the restoration
}

func TestBackupIsRestoredOrRefused(t *testing.T) {
	f := newFleet(t)
	f.must(f.api, "flag", "create", "limit", "--variant", "v=1", "--default-variant", "v")
	f.set(2)
	saved := f.path("dev.backup")
	f.must("", "backup", "-E", "dev", "-f", saved, "--nats-url", f.natsURL())
	f.set(3)

	if r := f.restore("-f", saved); r.code != 5 || !strings.Contains(r.err, "--replace") {
		t.Errorf("restore over flags ends with %d: %s", r.code, r.err)
	}
	data, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	broken := f.path("broken.backup")
	if err := os.WriteFile(broken, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := f.restore("-f", broken, "--replace"); r.code != 1 || !strings.Contains(r.err, broken+": at byte ") {
		t.Errorf("restore from a broken file ends with %d: %s", r.code, r.err)
	}
	if r := f.cli("", "restore", "-E", "prod", "-f", saved); r.code != 2 || !strings.Contains(r.err, `of environment \"dev\"`) {
		t.Errorf("restore into another environment ends with %d: %s", r.code, r.err)
	}

	f.startSidecar()
	f.await("the flag", answers(f.at.OFREP, "limit", "3"))
	if r := f.restore("-f", saved, "--replace"); r.code != 0 {
		t.Fatalf("restore ends with %d: %s", r.code, r.err)
	}
	f.await("what it was", answers(f.at.OFREP, "limit", "2"))

	// From the journal alone, without NATS.
	_ = f.nats.kill(syscall.SIGKILL) // it ends by the signal
	var sum struct{ Generation, Flags uint64 }
	f.awaitJournal("plane/journal", 4)
	out := f.must("", "backup", "-E", "dev", "-f", saved, "--journal", f.path("plane/journal"))
	if err := json.Unmarshal([]byte(out), &sum); err != nil || sum.Generation != 4 || sum.Flags != 1 {
		t.Errorf("backup says %s", out)
	}
}

// Erasing: afterwards no author and no reason is left in the log.
func TestStateAloneIsRestored(t *testing.T) {
	f := newFleet(t)
	f.startSidecar()
	f.must(f.api, "flag", "create", "limit", "--variant", "v=0", "--default-variant", "v", "-m", "for Mrs Smith", "--author", "carl")
	for value := range 5 {
		f.set(value)
	}
	f.await("the flag", answers(f.at.OFREP, "limit", "4"))
	stop := f.askAllTheTime("limit", "4")
	saved := f.path("dev.backup")
	f.must("", "backup", "-E", "dev", "-f", saved, "--nats-url", f.natsURL())
	if r := f.restore("-f", saved, "--replace", "--state-only", "--author", "privacy", "-m", "erasure"); r.code != 0 {
		t.Fatalf("restore ends with %d: %s", r.code, r.err)
	}
	f.await("the sidecar to follow", func() error {
		if g, err := f.generation(); err != nil || g != 1 {
			return fmt.Errorf("generation %d, %w", g, err)
		}
		return nil
	})
	if asked, wrong, last := stop(); wrong > 0 {
		t.Errorf("of %d answers %d were wrong: %v", asked, wrong, last)
	}
	f.await("the control plane to follow", func() error {
		if h := f.history(f.api); len(h) != 1 || h[0].Author != "privacy" {
			return fmt.Errorf("history is %+v", h)
		}
		return nil
	})
	f.set(5)
	f.await("the new value", answers(f.at.OFREP, "limit", strconv.Itoa(5)))
}
