package clients_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
	"github.com/open-feature/flagd/core/pkg/sync/grpc"
	"github.com/open-feature/flagd/core/pkg/sync/grpc/credentials"
)

// What flagd itself is made of follows our sidecar: its source of flags, its
// store and its engine, as they stand in front of a fleet.
func TestFlagdFollowsTheSidecar(t *testing.T) {
	s := launch(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := logger.NewLogger(nil, false)
	flags, err := store.NewStore(log, []string{s.Sync})
	if err != nil {
		t.Fatal(err)
	}
	engine := evaluator.NewJSON(log, flags)
	source := &grpc.Sync{URI: s.Sync, ProviderID: "flagd", CredentialBuilder: &credentials.CredentialBuilder{}, Logger: log, MaxMsgSize: 1 << 24}
	if err := source.Init(ctx); err != nil {
		t.Fatal(err)
	}
	updates, ended := make(chan sync.DataSync, 1), make(chan error, 1)
	go func() { ended <- source.Sync(ctx, updates) }()

	expectColor(t, engine, updates, s.path, "red")
	rule, variant, reason, _, err := engine.ResolveBooleanValue(ctx, "", "rule", map[string]any{"email": "a@example.com"})
	if !rule || variant != "yes" || reason != "TARGETING_MATCH" || err != nil {
		t.Errorf("the rule answers %v %s %s %v, want yes by targeting", rule, variant, reason, err)
	}
	s.write(t, "blue")
	expectColor(t, engine, updates, s.path, "blue")
	s.stop(t)
	s.write(t, "red")
	s.restart(t)
	expectColor(t, engine, updates, s.path, "red")
	cancel()
	if err := <-ended; err != nil && !strings.Contains(err.Error(), "cancel") {
		t.Errorf("flagd's source ended with %v", err)
	}
}

// expectColor applies updates, none of which may say where the flags come from,
// until flagd's engine answers so.
func expectColor(t *testing.T, engine *evaluator.JSON, updates <-chan sync.DataSync, where, want string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case update := <-updates:
			if strings.Contains(update.FlagData, where) {
				t.Errorf("flagd is told of a path: %s", update.FlagData)
			}
			if err := engine.SetState(update); err != nil {
				t.Fatalf("flagd refuses what it is told: %v", err)
			}
			if got, _, _, _, err := engine.ResolveStringValue(t.Context(), "", "color", nil); got == want && err == nil {
				return
			}
		case <-deadline:
			t.Fatalf("flagd does not come to answer %s", want)
		}
	}
}
