package sidecar_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func flags(variant string) string {
	return `{"flags":{"color":{"state":"ENABLED","variants":{"red":"red","blue":"blue"},"defaultVariant":"` + variant + `"}}}`
}

// A running sidecar, and how to end it.
type running struct {
	sidecar.Addresses

	cancel context.CancelFunc
	ended  chan error
}

func (r *running) end(t *testing.T) error {
	t.Helper()
	r.cancel()
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(patience):
		t.Fatal("the sidecar does not end")
		return nil
	}
}

// start runs a sidecar until the test ends.
func start(t *testing.T, cfg sidecar.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{cancel: cancel, ended: make(chan error, 1)}
	listening := make(chan sidecar.Addresses, 1)
	cfg.Ready = func(at sidecar.Addresses) { listening <- at }
	go func() { r.ended <- sidecar.Run(ctx, cfg) }()
	t.Cleanup(func() {
		_ = r.end(t)
		http.DefaultClient.CloseIdleConnections()
	})
	select {
	case r.Addresses = <-listening:
	case err := <-r.ended:
		t.Fatalf("run the sidecar: %v", err)
	case <-time.After(patience):
		t.Fatal("the sidecar does not listen")
	}
	return r
}

// fileWith returns a file source that is looked at often, and its path.
func fileWith(t *testing.T, document string) (source.Source, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flags.json")
	if document != "" {
		write(t, path, document)
	}
	return file.New(path, file.WithInterval(10*time.Millisecond)), path
}

func write(t *testing.T, path, document string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually asks until the answer is the wanted one.
func eventually(t *testing.T, what string, ask func() string, want string) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for got := ask(); got != want; got = ask() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("%s is still %q, want %q", what, got, want)
		}
	}
}

func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// color asks for the one flag over OFREP.
func (r *running) color(t *testing.T) string {
	t.Helper()
	_, body := request(t, http.MethodPost, "http://"+r.OFREP+"/ofrep/v1/evaluate/flags/color", "{}")
	var answer struct{ Value string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("color: %q is not JSON", body)
	}
	return answer.Value
}

func (r *running) readiness(t *testing.T) string {
	t.Helper()
	status, _ := request(t, http.MethodGet, "http://"+r.Management+"/readyz", "")
	return http.StatusText(status)
}

func TestChangedFileChangesTheAnswer(t *testing.T) {
	src, path := fileWith(t, flags("red"))
	r := start(t, sidecar.Config{Sources: []source.Source{src}})
	eventually(t, "the color", func() string { return r.color(t) }, "red")
	write(t, path, flags("blue"))
	eventually(t, "the color", func() string { return r.color(t) }, "blue")
}

func TestNotReadyUntilTheFlagsAreThere(t *testing.T) {
	src, path := fileWith(t, "")
	r := start(t, sidecar.Config{Sources: []source.Source{src}})
	if got := r.readiness(t); got != "Precondition Failed" {
		t.Errorf("without flags, readyz is %q, want 412", got)
	}
	write(t, path, flags("red"))
	eventually(t, "readyz", func() string { return r.readiness(t) }, "OK")
}

func TestLaterSourceAnswersAndTheEarlierOneReturns(t *testing.T) {
	below, _ := fileWith(t, flags("red"))
	above, path := fileWith(t, flags("blue"))
	r := start(t, sidecar.Config{Sources: []source.Source{below, above}})
	eventually(t, "the color", func() string { return r.color(t) }, "blue")
	write(t, path, `{"flags":{}}`)
	eventually(t, "the color", func() string { return r.color(t) }, "red")
}

func TestEndTellsEventStreamsAndWaitsForThem(t *testing.T) {
	src, _ := fileWith(t, flags("red"))
	r := start(t, sidecar.Config{Sources: []source.Source{src}})
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	client := evaluationv2connect.NewServiceClient(
		&http.Client{Transport: transport}, "http://"+r.Evaluation, connect.WithGRPC())
	stream, err := client.EventStream(t.Context(), connect.NewRequest(&eval.EventStreamRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	r.cancel()
	var last string
	for stream.Receive() {
		last = stream.Msg().GetType()
	}
	if last != "provider_shutdown" || connect.CodeOf(stream.Err()) != connect.CodeUnavailable {
		t.Errorf("the stream ended with %q, %v, want provider_shutdown and unavailable", last, stream.Err())
	}
	if err := r.end(t); err != nil {
		t.Errorf("Run returned %v, want nil", err)
	}
}

func TestRunRefusesAConfigWithoutItsParts(t *testing.T) {
	src, _ := fileWith(t, flags("red"))
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	tests := []struct {
		name string
		cfg  sidecar.Config
		want string
	}{
		{"no sources", sidecar.Config{}, "no source"},
		{"one source twice", sidecar.Config{Sources: []source.Source{src, src}}, "given twice"},
		{
			"port taken",
			sidecar.Config{Sources: []source.Source{src}, OFREP: sidecar.Door{Address: taken.Addr().String()}},
			"listen for ofrep",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := sidecar.Run(t.Context(), test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Run returns %v, want an error with %q", err, test.want)
			}
		})
	}
}

// A locked buffer takes the log of a sidecar.
type locked struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *locked) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.String(), s)
}

func TestLogNamesTheFlagThatKeepsItsLastGoodVersion(t *testing.T) {
	src, path := fileWith(t, flags("red"))
	log := new(locked)
	r := start(t, sidecar.Config{Sources: []source.Source{src}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	eventually(t, "the color", func() string { return r.color(t) }, "red")
	write(t, path, flags("green"))
	eventually(t, "the log", func() string {
		if log.has(`msg="refuse a version of a flag"`) && log.has("flag=color") {
			return "complete"
		}
		return "lacking"
	}, "complete")
	if got := r.color(t); got != "red" {
		t.Errorf("the color is %q, want the last good one", got)
	}
}
