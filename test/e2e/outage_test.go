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
	"time"
)

// A fleet is NATS, a control plane and a sidecar, each a process of its own.
type fleet struct {
	*world
	natsPort string
	nats     *process
	serve    *process
	api      string
	sidecar  *process
	at       addresses
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{world: newWorld(t), natsPort: freePort(t)}
	f.startNATS()
	apiPort := freePort(t)
	f.api = "http://127.0.0.1:" + apiPort
	f.serve = f.start("flagline", "serve", "--nats-url", f.natsURL(), "--listen", "127.0.0.1:"+apiPort, "--data-dir", f.path("plane"))
	f.await("the control plane", func() error {
		if code := status(f.api + "/readyz"); code != http.StatusOK {
			return fmt.Errorf("status %d", code)
		}
		return nil
	})
	return f
}

func (f *fleet) natsURL() string { return "nats://127.0.0.1:" + f.natsPort }

func (f *fleet) startNATS() {
	f.nats = f.start("flagline", "nats", "--data-dir", f.path("nats"), "--listen", "127.0.0.1:"+f.natsPort)
}

func (f *fleet) startSidecar() {
	f.t.Helper()
	_ = os.Remove(f.path("sidecar-ready"))
	f.sidecar = f.start("flagline-sidecar", "start", "--nats-url", f.natsURL(), "--environment", "dev",
		"--port", "0", "--management-port", "0", "--ofrep-port", "0", "--sync-port", "0",
		"--snapshot-dir", f.path("snapshots"), "--instance", "pod-1", "--service", "checkout",
		"--ready-file", f.path("sidecar-ready"))
	f.at = f.ready("sidecar-ready")
}

func (f *fleet) generation() (uint64, error) {
	resp, err := http.Get("http://" + f.at.Management + "/status")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var s struct{ Generation uint64 }
	err = json.NewDecoder(resp.Body).Decode(&s)
	return s.Generation, err
}

// saved waits until the snapshot holds what the sidecar serves: it is written
// behind the sidecar's back.
func (f *fleet) saved() {
	f.t.Helper()
	f.await("the snapshot", func() error {
		generation, err := f.generation()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(f.path("snapshots/dev.snapshot"))
		if err == nil && !strings.Contains(string(data), fmt.Sprintf(`"generation":%d`, generation)) {
			err = fmt.Errorf("it does not hold generation %d", generation)
		}
		return err
	})
}

func (f *fleet) set(value int) {
	f.t.Helper()
	f.must(f.api, "flag", "set", "limit", "--variant", "v="+strconv.Itoa(value))
}

// Everything keeps answering without NATS; the sidecar starts anew without it
// and answers from its snapshot; and when NATS is back it catches up by itself.
func TestAnswersSurviveEveryOutage(t *testing.T) {
	f := newFleet(t)
	f.startSidecar()
	f.must(f.api, "flag", "create", "limit", "--variant", "v=1", "--default-variant", "v")
	f.await("the flag", answers(f.at.OFREP, "limit", "1"))
	f.await("readiness", func() error {
		if code := status("http://" + f.at.Management + "/readyz"); code != http.StatusOK {
			return fmt.Errorf("status %d", code)
		}
		return nil
	})

	f.saved()
	_ = f.nats.kill(syscall.SIGKILL) // it ends by the signal
	for range 100 {
		if err := answers(f.at.OFREP, "limit", "1")(); err != nil {
			t.Fatalf("without NATS: %v", err)
		}
	}
	if r := f.cli(f.api, "flag", "get", "limit"); r.code != 0 {
		t.Errorf("reading a flag from the control plane without NATS ends with %d: %s", r.code, r.err)
	}
	_ = f.sidecar.kill(syscall.SIGKILL) // it ends by the signal
	f.startSidecar()
	f.await("the answer from the snapshot", answers(f.at.OFREP, "limit", "1"))

	f.startNATS()
	f.await("a change after the outage", func() error {
		if r := f.cli(f.api, "flag", "set", "limit", "--variant", "v=2"); r.code != 0 {
			return errors.New(r.err)
		}
		return nil
	})
	f.await("the sidecar to catch up", answers(f.at.OFREP, "limit", "2"))
}

// The sidecar is killed while changes rain on it, each of which sets two flags
// to the same number. Started anew without NATS it answers with two numbers
// that are the same; and what it had when it was ended in peace, it has.
func TestSidecarKilledWhileItAppliesAChange(t *testing.T) {
	f := newFleet(t)
	f.startSidecar()
	f.both(0)
	f.await("the flags", answers(f.at.OFREP, "left", "0"))
	f.saved()

	value := 0
	for range 4 {
		raining := make(chan error, 1)
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					raining <- nil
					return
				default:
				}
				value++
				if r := f.cli(f.api, "apply", "-f", f.pair(value)); r.code != 0 {
					raining <- errors.New(r.err)
					return
				}
			}
		}()
		before, err := f.generation()
		if err != nil {
			t.Fatal(err)
		}
		f.await("changes", func() error {
			if now, err := f.generation(); err != nil || now < before+3 {
				return fmt.Errorf("generation %d, %w", now, err)
			}
			return nil
		})
		_ = f.sidecar.kill(syscall.SIGKILL) // it ends by the signal
		close(stop)
		if err := <-raining; err != nil {
			t.Fatal(err)
		}
		_ = f.nats.kill(syscall.SIGKILL) // it ends by the signal

		f.startSidecar()
		f.await("an answer from the snapshot", func() error {
			left, err := ofrep(f.at.OFREP, "left", "{}")
			if err != nil || left == "" {
				return fmt.Errorf("left is %q, %w", left, err)
			}
			right, err := ofrep(f.at.OFREP, "right", "{}")
			if err == nil && right != left {
				t.Fatalf("the snapshot holds half a change: left is %s, right is %s", left, right)
			}
			return err
		})
		f.startNATS()
		f.await("the newest value", answers(f.at.OFREP, "left", strconv.Itoa(value)))
	}

	if err := f.sidecar.kill(syscall.SIGTERM); err != nil {
		t.Errorf("the sidecar ends on SIGTERM with %v", err)
	}
	_ = f.nats.kill(syscall.SIGKILL) // it ends by the signal
	f.startSidecar()
	f.await("what it had when it was ended", answers(f.at.OFREP, "right", strconv.Itoa(value)))
}

// pair writes a document in which two flags have the same value.
func (f *fleet) pair(value int) string {
	flag := fmt.Sprintf(`{"state":"ENABLED","variants":{"v":%d},"defaultVariant":"v"}`, value)
	name := f.path(fmt.Sprintf("pair-%d.json", value))
	_ = os.WriteFile(name, []byte(`{"flags":{"left":`+flag+`,"right":`+flag+`}}`), 0o600) // apply says if it is missing
	return name
}

func (f *fleet) both(value int) {
	f.t.Helper()
	f.must(f.api, "apply", "-f", f.pair(value))
}

func TestSidecarSaysHowItStands(t *testing.T) {
	f := newFleet(t)
	f.startSidecar()
	f.must(f.api, "flag", "create", "limit", "--variant", "v=1", "--default-variant", "v")
	f.await("the flag", answers(f.at.OFREP, "limit", "1"))

	type fleetStatus struct {
		Generation uint64
		Instances  []struct {
			Instance, Service, State string
			Generation               uint64
		}
	}
	f.await("the report", func() error {
		var s fleetStatus
		if err := json.Unmarshal([]byte(f.must(f.api, "fleet", "status")), &s); err != nil {
			return err
		}
		if len(s.Instances) != 1 || s.Instances[0].Instance != "pod-1" || s.Instances[0].Service != "checkout" ||
			s.Instances[0].State != "applied" || s.Instances[0].Generation != s.Generation {
			return fmt.Errorf("fleet is %+v", s)
		}
		return nil
	})
	out := f.must(f.api, "flag", "set", "limit", "--variant", "v=2", "--wait")
	var change struct {
		Convergence struct{ Expected, Applied int }
	}
	if err := json.Unmarshal([]byte(out), &change); err != nil || change.Convergence.Expected != 1 || change.Convergence.Applied != 1 {
		t.Errorf("--wait prints %s, %v", out, err)
	}

	if err := f.sidecar.kill(syscall.SIGTERM); err != nil {
		t.Errorf("the sidecar ends on SIGTERM with %v", err)
	}
	f.await("its goodbye", func() error {
		var s fleetStatus
		if err := json.Unmarshal([]byte(f.must(f.api, "fleet", "status")), &s); err != nil {
			return err
		}
		if len(s.Instances) != 0 {
			return fmt.Errorf("fleet is %+v", s)
		}
		return nil
	})
	r := f.cli(f.api, "flag", "set", "limit", "--variant", "v=3", "--wait", "--timeout", (200 * time.Millisecond).String())
	if r.code != 7 || !json.Valid([]byte(r.out)) {
		t.Errorf("--wait without instances ends with %d and prints %s %s", r.code, r.out, r.err)
	}
}

// An older copy of NATS's files is nothing to go on from: the control plane,
// which knows better from its journal, says so and ends.
func TestControlPlaneDoesNotGoOnFromAnOlderCopy(t *testing.T) {
	f := newFleet(t)
	f.must(f.api, "flag", "create", "limit", "--variant", "v=1", "--default-variant", "v")
	stop := func(p *process) { _ = p.kill(syscall.SIGTERM) } // how it ends is not what this is about
	stop(f.nats)
	if err := os.CopyFS(f.path("older"), os.DirFS(f.path("nats"))); err != nil {
		t.Fatal(err)
	}
	f.startNATS()
	f.await("a change after the copy", func() error {
		if r := f.cli(f.api, "flag", "set", "limit", "--variant", "v=2"); r.code != 0 {
			return errors.New(r.err)
		}
		return nil
	})
	f.await("the journal", func() error {
		files, err := filepath.Glob(f.path("plane/journal/dev/*/*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			if data, err := os.ReadFile(file); err == nil && strings.Contains(string(data), `"generation":3`) {
				return nil
			}
		}
		return fmt.Errorf("generation 3 is in none of %v", files)
	})
	stop(f.serve)
	stop(f.nats)
	if err := errors.Join(os.RemoveAll(f.path("nats")), os.Rename(f.path("older"), f.path("nats"))); err != nil {
		t.Fatal(err)
	}
	f.startNATS()
	again := f.start("flagline", "serve", "--nats-url", f.natsURL(), "--listen", "127.0.0.1:0", "--data-dir", f.path("plane"))
	select {
	case <-again.done:
		again.done <- nil // for the end of the test
	case <-time.After(patience):
		t.Fatal("the control plane goes on")
	}
	said, err := os.ReadFile(again.log)
	if err != nil || !strings.Contains(string(said), "older copy") || !strings.Contains(string(said), "flagline restore") {
		t.Errorf("it says %s, %v; want what happened and the way out", said, err)
	}
}
