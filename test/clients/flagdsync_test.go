package clients_test

import (
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	flagd "github.com/open-feature/go-sdk-contrib/providers/flagd/pkg"
	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/provider/flagdsync"
	"github.com/flagline/flagline/source/natskv"
)

// An environment is one on a NATS server of the test's own.
type environment struct {
	dir, address string
	server       *natsd.Server
	ledger       *ledger.Ledger
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	e := &environment{dir: t.TempDir(), address: "127.0.0.1:0"}
	e.start(t)
	return e
}

// start starts the server, where it was if it was anywhere.
func (e *environment) start(t *testing.T) {
	t.Helper()
	e.server = natstest.StartAt(t, e.dir, e.address)
	e.address = strings.TrimPrefix(e.server.URL(), "nats://")
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, e.server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	e.ledger = l
}

// put publishes a flag of a set, whose answer is the name of a color.
func (e *environment) put(t *testing.T, set, key, color string) {
	t.Helper()
	e.publish(t, set, key, `{"state":"ENABLED","variants":{"red":"red","blue":"blue"},"defaultVariant":"`+color+`"}`)
}

func (e *environment) publish(t *testing.T, set, key, body string) {
	t.Helper()
	_, err := e.ledger.Commit(t.Context(), admin.Draft{Author: "test", Plan: func(admin.State) ([]admin.Edit, error) {
		return []admin.Edit{{Set: set, Key: key, Body: []byte(body)}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// follow sets the official provider for an API of its own, in the one line that
// our documentation has.
func (e *environment) follow(t *testing.T, cfg natskv.Config) (api *openfeature.EvaluationAPI, client *openfeature.Client, changes <-chan []string) {
	t.Helper()
	cfg.Servers, cfg.Environment = "nats://"+e.address, natstest.Environment
	provider, err := flagd.NewProvider(flagd.WithInProcessResolver(), flagd.WithCustomSyncProvider(flagdsync.FromNATS(cfg)))
	if err != nil {
		t.Fatal(err)
	}
	api = isolated.NewAPI()
	client, heard := api.NewClient(), make(chan []string, 100)
	note := func(details openfeature.EventDetails) { heard <- details.FlagChanges }
	client.AddHandler(openfeature.ProviderConfigChange, &note)
	if err := api.SetProviderAndWait(t.Context(), provider); err != nil {
		t.Fatal(err)
	}
	return api, client, heard
}

func shutDown(t *testing.T, api *openfeature.EvaluationAPI) {
	t.Helper()
	if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestOfficialProviderFollowsNATSByOneLine(t *testing.T) {
	e := newEnvironment(t)
	e.put(t, "", "color", "red")
	e.put(t, "shop", "accent", "blue")
	api, client, changes := e.follow(t, natskv.Config{})
	defer shutDown(t, api)

	if got := color(t.Context(), client); got != "red" {
		t.Errorf("color is %s, want red", got)
	}
	details, err := client.StringValueDetails(t.Context(), "accent", "none", openfeature.EvaluationContext{})
	if err != nil || details.Value != "blue" || details.FlagMetadata["flagSetId"] != "shop" {
		t.Errorf("accent is %+v (%v), want blue, of the set shop", details, err)
	}

	e.put(t, "", "color", "blue")
	eventually(t, "the provider tells of the change of color alone", func() bool {
		select {
		case keys := <-changes:
			return slices.Equal(keys, []string{"color"}) // the first names all flags
		default:
			return false
		}
	})
	if got := color(t.Context(), client); got != "blue" {
		t.Errorf("color is %s, want blue", got)
	}

	// flagd would refuse all flags for the sake of this one.
	e.publish(t, "", "broken", `{"variants":7}`)
	e.put(t, "", "color", "red")
	eventually(t, "color is red beside a flag that does not compile", func() bool { return color(t.Context(), client) == "red" })
}

func TestOfficialProviderGoesOnWithoutNATSAndCatchesUp(t *testing.T) {
	e := newEnvironment(t)
	e.put(t, "", "color", "red")
	snapshots := t.TempDir()
	api, client, _ := e.follow(t, natskv.Config{SnapshotDir: snapshots})
	e.server.Close()
	if got := color(t.Context(), client); got != "red" {
		t.Errorf("without NATS, color is %s, want red", got)
	}
	e.start(t)
	e.put(t, "", "color", "blue")
	eventually(t, "color is blue", func() bool { return color(t.Context(), client) == "blue" })
	eventually(t, "there is a snapshot", func() bool {
		files, err := filepath.Glob(filepath.Join(snapshots, "*"))
		return err == nil && len(files) > 0
	})
	shutDown(t, api)

	e.server.Close()
	api, client, _ = e.follow(t, natskv.Config{SnapshotDir: snapshots})
	defer shutDown(t, api)
	if got := color(t.Context(), client); got != "blue" {
		t.Errorf("started without NATS, color is %s, want blue", got)
	}
}

func TestNothingOfOursIsLeftAfterTheOfficialProvider(t *testing.T) {
	e := newEnvironment(t)
	e.put(t, "", "color", "red")
	for range 5 {
		api, client, _ := e.follow(t, natskv.Config{})
		if got := color(t.Context(), client); got != "red" {
			t.Errorf("color is %s, want red", got)
		}
		shutDown(t, api)
	}
	// The official provider leaves a goroutine behind for each start; we do not.
	eventually(t, "our goroutines have ended", func() bool {
		stacks := make([]byte, 1<<20)
		text := string(stacks[:runtime.Stack(stacks, true)])
		return !strings.Contains(text, "provider/flagdsync.") && !strings.Contains(text, "source/natskv.")
	})
}
