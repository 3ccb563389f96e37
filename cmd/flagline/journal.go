package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin/journal"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/wire"
)

// journalDir is where a control plane keeps what its environments went through,
// outside of NATS.
func journalDir(dataDir string) string { return filepath.Join(dataDir, "journal") }

// keepJournal keeps the journal of an environment until ctx is done. Whatever
// goes wrong with it stops no change.
func keepJournal(ctx context.Context, nc *nats.Conn, dir, environment string, logger *slog.Logger) {
	logger = logger.With("origin", "journal of "+environment)
	env, err := wire.ParseEnvironment(environment)
	if err != nil {
		logger.Error("keep no journal", "err", err)
		return
	}
	wake := make(chan struct{}, 1)
	sub, err := nc.Subscribe(env.Changes(), func(msg *nats.Msg) {
		if msg.Header.Get("Nats-Subject") != env.Subject(wire.HeadKey) {
			return
		}
		select {
		case wake <- struct{}{}:
		default: // it is awake
		}
	})
	if err != nil {
		logger.Warn("keep the journal by the clock alone", "err", err)
	} else {
		defer sub.Unsubscribe()
	}
	journal.Follow(ctx, dir, natslog.Owner(nc, env), wake, logger)
}

// olderCopy is an error if the journal knows more of the log that NATS holds, or
// a later log: then an older copy was put in place, and to go on from it would
// be to take back what was published since.
func (c *controlPlane) olderCopy(l *ledger.Ledger, environment string) error {
	env, err := wire.ParseEnvironment(environment)
	if err != nil {
		return err
	}
	dir := journalDir(c.dataDir)
	sources, err := journal.OpenDirectory(dir, env)
	if err != nil || len(sources) == 0 {
		return err
	}
	best, err := journal.Choose(sources)
	if err != nil {
		return nil //nolint:nilerr // a journal that cannot be read forbids nothing
	}
	incarnation, epoch := l.Incarnation()
	now := l.State().Generation()
	if best.Head.Incarnation == incarnation && best.Generation() <= now || best.Head.Incarnation != incarnation && best.Epoch <= epoch {
		return nil
	}
	return fmt.Errorf("NATS holds generation %d of environment %q, but the journal has generation %d: was an older copy put in place? "+
		"Put things right with \"flagline restore -E %s --journal %s --replace\", or remove %s to go on from what NATS holds",
		now, env, best.Generation(), env, dir, filepath.Join(dir, string(env)))
}

// lostEnvironment is an error if NATS does not know an environment of which
// there is a journal: making it anew would look to every reader as if somebody
// had deleted all its flags.
func (c *controlPlane) lostEnvironment(ctx context.Context, nc *nats.Conn, environment string) error {
	env, err := wire.ParseEnvironment(environment)
	if err != nil {
		return err
	}
	sources, err := journal.OpenDirectory(journalDir(c.dataDir), env)
	if err != nil || len(sources) == 0 {
		return err
	}
	there, err := ledger.Exists(ctx, nc, environment)
	if err != nil || there {
		return err
	}
	best, err := journal.Choose(sources)
	if err != nil || best.Generation() <= 1 {
		return nil //nolint:nilerr // a journal that holds nothing forbids nothing
	}
	dir := journalDir(c.dataDir)
	return fmt.Errorf("NATS has no environment %q, but the journal has its generation %d: "+
		"restore it with \"flagline restore -E %s --journal %s\" (\"flagline nats\" runs the server of \"flagline dev\" for that), "+
		"or remove %s to begin with no flags",
		env, best.Generation(), env, dir, filepath.Join(dir, string(env)))
}
