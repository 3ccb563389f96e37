package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
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

func (f *fleet) set(value int) {
	f.t.Helper()
	f.must(f.api, "flag", "set", "limit", "--variant", "v="+strconv.Itoa(value))
}

// Everything keeps answering without NATS; the sidecar starts anew without it
// and answers from its snapshot; and when NATS is back it catches up by itself.
func TestAnswersSurviveEveryOutage(t *testing.T) {
	f := newFleet(t)
	f.startSidecar()
	if code := status("http://" + f.at.Management + "/readyz"); code != http.StatusOK && code != http.StatusPreconditionFailed {
		t.Errorf("readyz of a sidecar without flags answers %d", code)
	}
	f.must(f.api, "flag", "create", "limit", "--variant", "v=1", "--default-variant", "v")
	f.await("the flag", answers(f.at.OFREP, "limit", "1"))
	f.await("readiness", func() error {
		if code := status("http://" + f.at.Management + "/readyz"); code != http.StatusOK {
			return fmt.Errorf("status %d", code)
		}
		return nil
	})

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

// The sidecar is killed while changes rain on it. Started anew without NATS it
// answers with one of the values that were published, never with half a change.
func TestSidecarKilledWhileItAppliesAChange(t *testing.T) {
	f := newFleet(t)
	f.startSidecar()
	f.must(f.api, "flag", "create", "limit", "--variant", "v=0", "--default-variant", "v")
	f.await("the flag", answers(f.at.OFREP, "limit", "0"))

	value := 0
	for round := range 5 {
		stop, raining := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(raining)
			for {
				select {
				case <-stop:
					return
				default:
					value++
					f.set(value)
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
		<-raining
		_ = f.nats.kill(syscall.SIGKILL) // it ends by the signal

		f.startSidecar()
		var got int
		f.await("an answer from the snapshot", func() error {
			text, err := ofrep(f.at.OFREP, "limit", "{}")
			if err != nil {
				return err
			}
			got, err = strconv.Atoi(text)
			return err
		})
		if got > value {
			t.Errorf("round %d: the snapshot answers %d, but only %d was published", round, got, value)
		}
		f.startNATS()
		f.await("the newest value", answers(f.at.OFREP, "limit", strconv.Itoa(value)))
	}
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
