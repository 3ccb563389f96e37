package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// A view shows a replica's state in the words of [admin.State].
type view struct {
	env   wire.Environment
	state *replica.State
}

func (v view) Environment() string { return string(v.env) }
func (v view) Generation() uint64  { return v.state.Generation() }
func (v view) Digest() string      { return v.state.Digest().String() }

func (v view) Flag(set, key string) (admin.Flag, bool) {
	e, ok := v.state.Get(wire.Key{Set: set, Flag: key})
	if !ok || key == "" {
		return admin.Flag{}, false
	}
	return admin.Flag{Set: set, Key: key, Body: e.Body, Generation: e.Generation, Change: e.Change, Author: e.Author}, true
}

func (v view) Flags() []admin.Flag {
	var flags []admin.Flag
	for _, k := range v.state.Keys() {
		if f, ok := v.Flag(k.Set, k.Flag); ok {
			flags = append(flags, f)
		}
	}
	return flags
}

func (v view) Sets() []string { return v.state.Sets() }

func (v view) Settings(set string) []byte {
	e, _ := v.state.Get(wire.Key{Set: set})
	return e.Body
}

// WatchFleet calls note with each report of an instance of env, until ctx is
// done. Calls come one at a time. What is not a report is passed over.
func WatchFleet(ctx context.Context, nc *nats.Conn, environment string, note func(wire.Report)) error {
	env, err := wire.ParseEnvironment(environment)
	if err != nil {
		return err
	}
	sub, err := nc.Subscribe(env.FleetAll(), func(msg *nats.Msg) {
		var r wire.Report
		// Where readers have credentials of their own the server lets each
		// publish under its own name only: the subject is to be believed
		// and not the body.
		if json.Unmarshal(msg.Data, &r) == nil && msg.Subject == env.Fleet(r.Instance) {
			note(r)
		}
	})
	if err != nil {
		return fmt.Errorf("follow the fleet of %q: %w", env, err)
	}
	defer sub.Unsubscribe()
	<-ctx.Done()
	return nil
}
