package admin

import (
	"bytes"
	"context"
	"fmt"
)

// Rollback plans to make a flag again what it was when the environment had
// reached generation to, or, if to is 0, what it was before its last change.
// It reads the history at once; if the flag has moved on when the plan is
// asked, what the last change was is no longer true, and the plan answers with
// a [*ConflictError].
//
// A flag that was deleted comes back. A flag that did not exist then is not
// deleted: that is for [Delete] to say.
func Rollback(ctx context.Context, l Ledger, set, key string, to uint64) (Plan, error) {
	last, err := lastChange(ctx, l, set, key)
	if err != nil {
		return nil, err
	}
	moved := func(State) error { return nil }
	if to == 0 {
		to = last - 1
		moved = func(st State) error { return movedSince(st, set, key, last) }
	}
	if newest := max(l.State().Generation(), last); to > newest {
		return nil, usage("environment %q has only reached generation %d, not %d", l.State().Environment(), newest, to)
	}
	then, ok, err := l.FlagAt(ctx, set, key, to)
	if err != nil {
		return nil, fmt.Errorf("look for flag %q at generation %d: %w", key, to, err)
	}
	if !ok {
		return nil, usage("flag %q did not exist at generation %d; to be rid of it, delete it", key, to)
	}
	return func(st State) ([]Edit, error) {
		if err := moved(st); err != nil {
			return nil, err
		}
		if now, exists := st.Flag(set, key); exists && bytes.Equal(now.Body, then.Body) {
			return nil, nil
		}
		return checked(st, []Edit{{Set: set, Key: key, Body: then.Body}}, nil)
	}, nil
}

// lastChange returns the generation of the last change of a flag.
func lastChange(ctx context.Context, l Ledger, set, key string) (uint64, error) {
	changes, err := l.History(ctx, HistoryQuery{Set: set, Key: key, Limit: 1})
	if err != nil {
		return 0, fmt.Errorf("look for the last change of flag %q: %w", key, err)
	}
	if len(changes) == 0 {
		return 0, noFlag(l.State(), set, key)
	}
	return changes[0].Generation, nil
}

func movedSince(st State, set, key string, generation uint64) error {
	now, exists := st.Flag(set, key)
	if !exists || now.Generation <= generation {
		return nil
	}
	return &ConflictError{
		Environment: st.Environment(),
		Expected:    generation,
		Generation:  st.Generation(),
		Moved:       []Moved{{Set: set, Key: key, Generation: now.Generation, Change: now.Change, Author: now.Author}},
	}
}
