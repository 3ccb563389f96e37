package auto_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/auto"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// env sets variables for the test, and no others that a provider would read.
func env(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "FLAGLINE_") || strings.HasPrefix(name, "FLAGD_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// greeting sets the provider that the environment describes and returns what it
// greets with.
func greeting(t *testing.T, opts ...provider.Option) string {
	t.Helper()
	p, err := auto.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	api := isolated.NewAPI()
	t.Cleanup(func() {
		if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	if err := api.SetProviderAndWait(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return api.NewClient().String(t.Context(), "greeting", "none", openfeature.EvaluationContext{})
}

// says is a file in which the greeting is text.
func says(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(path, []byte(`{"flags":{"greeting":`+flag(text)+`}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func flag(text string) string {
	return `{"state":"ENABLED","variants":{"it":"` + text + `"},"defaultVariant":"it"}`
}

// environment publishes a greeting to an environment on NATS and returns where.
func environment(t *testing.T, text string) (servers string, link *natstest.Link) {
	t.Helper()
	server := natstest.Start(t)
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Commit(t.Context(), admin.Draft{Author: "test", Plan: func(admin.State) ([]admin.Edit, error) {
		return []admin.Edit{{Key: "greeting", Body: []byte(flag(text))}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	link = natstest.NewLink(t, server)
	return link.URL(), link
}

// serve runs a sidecar that has a greeting.
func serve(t *testing.T, text string) sidecar.Addresses {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan sidecar.Addresses, 1), make(chan error, 1)
	src := delivered{file.New(says(t, text)), make(chan struct{}, 1)}
	go func() {
		ended <- sidecar.Run(ctx, sidecar.Config{
			Sources: []source.Source{src}, Ready: func(a sidecar.Addresses) { ready <- a },
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop the sidecar: %v", err)
		}
	})
	<-src.first
	return <-ready
}

// A delivered source says when it has delivered.
type delivered struct {
	source.Source

	first chan struct{}
}

func (d delivered) Watch(ctx context.Context, sink source.Sink) error {
	return d.Source.Watch(ctx, tellingSink{sink, d.first})
}

type tellingSink struct {
	source.Sink

	first chan struct{}
}

func (s tellingSink) Apply(u source.Update) []source.Rejection {
	rejected := s.Sink.Apply(u)
	select {
	case s.first <- struct{}{}:
	default:
	}
	return rejected
}

func TestEachWayIsTakenThatTheEnvironmentNames(t *testing.T) {
	servers, _ := environment(t, "from NATS")
	side := serve(t, "from the sidecar")
	path := says(t, "from the file")
	host, port, err := net.SplitHostPort(side.Evaluation)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name      string
		variables map[string]string
		want      string
	}{
		{"NATS", map[string]string{"FLAGLINE_NATS_URL": servers, "FLAGLINE_ENVIRONMENT": natstest.Environment}, "from NATS"},
		{"NATS in flagd's spelling", map[string]string{"FLAGD_NATS_URL": servers, "FLAGD_FLAGLINE_ENVIRONMENT": natstest.Environment}, "from NATS"},
		{"NATS in one address", map[string]string{"FLAGLINE_NATS_URL": servers + "/" + natstest.Environment}, "from NATS"},
		{"NATS and a sidecar", map[string]string{
			"FLAGLINE_NATS_URL": servers + "/" + natstest.Environment, "FLAGLINE_HOST": host, "FLAGLINE_PORT": port,
		}, "from NATS"},
		{"NATS and in-process", map[string]string{
			"FLAGLINE_NATS_URL": servers + "/" + natstest.Environment, "FLAGD_RESOLVER": "in-process", "FLAGD_OFFLINE_FLAG_SOURCE_PATH": path,
		}, "from NATS"},
		{"a sidecar", map[string]string{"FLAGD_HOST": host, "FLAGD_PORT": port}, "from the sidecar"},
		{"a sidecar before NATS", map[string]string{
			"FLAGLINE_NATS_URL": servers + "/" + natstest.Environment, "FLAGLINE_RESOLVER": "rpc", "FLAGLINE_HOST": host, "FLAGLINE_PORT": port,
		}, "from the sidecar"},
		{"a sync stream", map[string]string{"FLAGLINE_RESOLVER": "in-process", "FLAGLINE_TARGET_URI": side.Sync}, "from the sidecar"},
		{"a file", map[string]string{"FLAGLINE_RESOLVER": "file", "FLAGLINE_OFFLINE_FLAG_SOURCE_PATH": path}, "from the file"},
		{"a file before a broken NATS", map[string]string{
			"FLAGLINE_NATS_URL": "nats://", "FLAGLINE_RESOLVER": "file", "FLAGLINE_OFFLINE_FLAG_SOURCE_PATH": path,
		}, "from the file"},
		{"an environment without NATS", map[string]string{"FLAGLINE_ENVIRONMENT": "prod", "FLAGLINE_HOST": host, "FLAGLINE_PORT": port}, "from the sidecar"},
	} {
		t.Run(row.name, func(t *testing.T) {
			env(t, row.variables)
			if got := greeting(t, provider.WithDeadline(patience)); got != row.want {
				t.Errorf("the greeting is %q, want %q", got, row.want)
			}
		})
	}
}

func TestOptionsCountBeforeTheEnvironment(t *testing.T) {
	servers, _ := environment(t, "from NATS")
	env(t, map[string]string{"FLAGLINE_NATS_URL": servers + "/" + natstest.Environment})
	if got := greeting(t, provider.WithFile(says(t, "from the file"))); got != "from the file" {
		t.Errorf("beside NATS a file says %q", got)
	}
	if _, err := auto.New(provider.WithSidecar("localhost:8013")); err != nil {
		t.Errorf("a sidecar beside NATS: %v", err)
	}
	env(t, nil)
	if got := greeting(t, provider.WithFile(says(t, "from the file"))); got != "from the file" {
		t.Errorf("without NATS a file says %q", got)
	}
}

func TestSnapshotOfTheLastStartCountsWithinTheDefaultDeadline(t *testing.T) {
	servers, link := environment(t, "from NATS")
	env(t, map[string]string{
		"FLAGLINE_NATS_URL": servers, "FLAGLINE_ENVIRONMENT": natstest.Environment,
		"FLAGLINE_SNAPSHOT_DIR": t.TempDir(), "FLAGLINE_STARTUP_GRACE": "600ms", // longer than any provider waits by default
		"FLAGLINE_INSTANCE": "shop-1", "FLAGLINE_SERVICE": "shop",
	})
	p, err := auto.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	p.Shutdown()
	link.Cut()
	if got := greeting(t); got != "from NATS" {
		t.Errorf("without NATS the greeting is %q, want that of the snapshot", got)
	}
}

func TestEnvironmentMayShortenTheDeadline(t *testing.T) {
	servers, link := environment(t, "from NATS")
	link.Cut()
	env(t, map[string]string{
		"FLAGLINE_NATS_URL": servers + "/" + natstest.Environment, "FLAGLINE_DEADLINE_MS": "20", "FLAGLINE_STARTUP_GRACE": "0s",
	})
	p, err := auto.New()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Shutdown()
	if err := p.Init(openfeature.EvaluationContext{}); err == nil || !strings.Contains(err.Error(), "20ms") {
		t.Errorf("Init returned %v, want an error that names the 20ms", err)
	}
}

func TestMistakesAreNamedTogetherAndNoSecretIsRepeated(t *testing.T) {
	good := map[string]string{"FLAGLINE_NATS_URL": "nats://h:4222", "FLAGLINE_ENVIRONMENT": "prod"}
	for _, row := range []struct {
		name, value string
		want        string
	}{
		{"FLAGLINE_NATS_URL", "nats://me:hunter2@h:4222", "FLAGLINE_NATS_URL: the address holds credentials"},
		{"FLAGLINE_NATS_URL", "nats://h:4222/staging", `FLAGLINE_NATS_URL: it says environment "staging", and FLAGLINE_ENVIRONMENT "prod"`},
		{"FLAGLINE_NATS_URL", "nats://h:4222/prod,h:4223", "behind the last server"},
		{"FLAGLINE_NATS_URL", "nats://", "NATS server"},
		{"FLAGLINE_ENVIRONMENT", "", "FLAGLINE_NATS_URL: there is no environment"},
		{"FLAGLINE_ENVIRONMENT", "Prod!", `environment "Prod!"`},
		{"FLAGLINE_STARTUP_GRACE", "soon", "FLAGLINE_STARTUP_GRACE: write a duration"},
		{"FLAGLINE_STARTUP_GRACE", "-1s", "FLAGLINE_STARTUP_GRACE: write a duration"},
		{"FLAGD_NATS_CREDS", "nowhere/reader.creds", "nowhere/reader.creds"},
		{"FLAGLINE_TRUSTED_KEYS", "nowhere/keys", "nowhere/keys"},
	} {
		t.Run(row.name+" "+row.value, func(t *testing.T) {
			env(t, good)
			t.Setenv(row.name, row.value)
			t.Setenv("FLAGLINE_DEADLINE_MS", "never")
			_, err := auto.New(provider.WithGracePeriod(-1))
			if err == nil {
				t.Fatal("there is no error")
			}
			for _, want := range []string{row.want, "FLAGLINE_DEADLINE_MS", "grace period"} {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error is %q, want one that says %q and no secret", err, want)
				}
			}
		})
	}
}
