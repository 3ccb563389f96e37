package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// maxBody is the largest record, in bytes: what the server's default payload
// of 1 MB leaves beside headers.
const maxBody = 1_000_000

// Commit implements [admin.Ledger].
func (l *Ledger) Commit(ctx context.Context, draft admin.Draft) (admin.Change, error) {
	if draft.Author == "" {
		return admin.Change{}, &admin.UsageError{Message: "a change needs an author"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()

	// A caller that goes away must not leave the outcome unknown.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeIn)
	defer cancel()
	a := &attempt{l: l, draft: draft, id: newID(time.Now()), touched: make(map[wire.Key]bool)}
	for {
		change, done, err := a.try(ctx)
		if done || err != nil {
			return change, err
		}
	}
}

// Preview implements [admin.Ledger].
func (l *Ledger) Preview(ctx context.Context, draft admin.Draft) (admin.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, changeIn)
	defer cancel()
	a := &attempt{l: l, draft: draft, touched: make(map[wire.Key]bool)}
	if _, err := a.look(ctx); err != nil {
		return admin.Change{}, err
	}
	records, head, err := a.plan()
	if err != nil || len(records) == 0 {
		return l.nothing(draft), err
	}
	return l.change(draft, records, head), nil
}

// An attempt is one change on its way.
type attempt struct {
	l     *Ledger
	draft admin.Draft
	id    string

	planned *replica.State    // what the first plan was shown; nil before it
	touched map[wire.Key]bool // what any plan so far wanted to write
	asked   bool              // something of ours was sent
	result  admin.Change      // if what was sent last is stored
}

// try plans and publishes once. done is false if it is worth trying again.
func (a *attempt) try(ctx context.Context) (change admin.Change, done bool, err error) {
	news, err := a.look(ctx)
	if err != nil {
		return admin.Change{}, false, err
	}
	// An attempt whose answer was lost may have been stored, and others may
	// have published on top of it since.
	if a.asked && slices.ContainsFunc(news, func(r replica.Record) bool { return r.Change == a.id }) {
		return a.result, true, nil
	}

	// Before the plan is asked again, which might trip over what moved, and
	// after it, for it may want other records this time.
	if err := a.conflict(news); err != nil {
		return admin.Change{}, false, err
	}
	records, head, err := a.plan()
	if err != nil {
		return admin.Change{}, false, err
	}
	if err := a.conflict(news); err != nil {
		return admin.Change{}, false, err
	}
	if len(records) == 0 {
		return a.l.nothing(a.draft), true, nil
	}
	a.result = a.l.change(a.draft, records, head)
	return a.publish(ctx, split(records, head, a.draft.Author, a.draft.Reason))
}

// look waits until the newest state is known, and returns the records that led
// there since the last look.
func (a *attempt) look(ctx context.Context) ([]replica.Record, error) {
	news, err := a.l.whole(ctx)
	switch {
	case err == nil:
		return news, nil
	case a.asked:
		return nil, &admin.UnknownOutcomeError{Change: a.id, Err: err}
	}
	if _, ok := errors.AsType[*admin.UnavailableError](err); ok {
		return nil, err
	}
	return nil, &admin.UnavailableError{Err: err}
}

// plan asks the draft's plan, and returns what it really changes, with the head
// that describes the result.
func (a *attempt) plan() ([]replica.Record, wire.Head, error) {
	state := a.l.log.State()
	if a.draft.Expect != 0 && a.draft.Expect != state.Generation() {
		return nil, wire.Head{}, &admin.ConflictError{
			Environment: string(a.l.env), Expected: a.draft.Expect, Generation: state.Generation(),
		}
	}
	edits, err := a.draft.Plan(view{a.l.env, state})
	if err != nil {
		return nil, wire.Head{}, err
	}
	records, err := a.records(state, edits)
	if err != nil {
		return nil, wire.Head{}, err
	}
	if a.planned == nil {
		a.planned = state
	}
	now := time.Now().UTC()
	head := wire.Head{
		Incarnation: state.Head.Incarnation, Epoch: state.Head.Epoch,
		Generation: state.Generation() + 1, Parent: state.Head.Digest,
		Change: a.id, Part: 1, Time: now,
	}
	next := state.With(records, head, 0)
	head.Flags, head.Digest = next.Flags(), next.Digest().String()
	return records, head, nil
}

// records are the edits that change something, in the order of their keys.
func (a *attempt) records(state *replica.State, edits []admin.Edit) ([]replica.Record, error) {
	bodies := make(map[wire.Key][]byte)
	for _, e := range edits {
		k := wire.Key{Set: e.Set, Flag: e.Key}
		if (e.Key == "") != e.Settings {
			return nil, &admin.UsageError{Message: "a flag needs a key"}
		}
		if len(e.Body) > maxBody {
			return nil, &admin.UsageError{Message: fmt.Sprintf(
				"%s has %d bytes, more than the %d that fit into one record", k, len(e.Body), maxBody)}
		}
		if e.Body != nil && !json.Valid(e.Body) {
			return nil, &admin.UsageError{Message: fmt.Sprintf("%s is not JSON", k)}
		}
		bodies[k] = e.Body
	}
	var records []replica.Record
	for k, body := range bodies {
		a.touched[k] = true
		now, exists := state.Get(k)
		if !exists && body == nil || exists && body != nil && bytes.Equal(now.Body, body) {
			continue
		}
		records = append(records, replica.Record{Key: k.String(), Body: body})
	}
	slices.SortFunc(records, func(x, y replica.Record) int { return cmp.Compare(x.Key, y.Key) })
	return records, nil
}

// conflict names what others wrote, among news, of the records that this change
// touches. Whatever came before the first plan is not a conflict.
func (a *attempt) conflict(news []replica.Record) error {
	if a.planned == nil || !a.asked {
		return nil
	}
	var moved []admin.Moved
	for _, r := range news {
		k, err := wire.ParseKey(r.Key)
		if err != nil || !a.touched[k] {
			continue
		}
		m := admin.Moved{Set: k.Set, Key: k.Flag, Generation: r.Generation, Change: r.Change, Author: r.Author}
		at := slices.IndexFunc(moved, func(x admin.Moved) bool { return x.Set == m.Set && x.Key == m.Key })
		if at >= 0 {
			moved[at] = m
		} else {
			moved = append(moved, m)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return &admin.ConflictError{
		Environment: string(a.l.env), Expected: a.planned.Generation(),
		Generation: a.l.log.State().Generation(), Moved: moved,
	}
}

// publish sends the parts of the change. done is false if another publisher was
// quicker, or something had to be put back first.
func (a *attempt) publish(ctx context.Context, parts []*batch) (admin.Change, bool, error) {
	headSeq := a.l.log.State().Seq
	a.asked = true
	for i, part := range parts {
		part.lastSeq, part.headSeq = headSeq, headSeq
		what, seq, err := a.l.settle(ctx, part)
		switch {
		case what == committed:
			headSeq = seq
		case what == unknown:
			return admin.Change{}, false, &admin.UnknownOutcomeError{Change: a.id, Err: err}
		case what == foreign, i > 0:
			// Parts of ours that stand alone are put back with the rest.
			if err := a.l.repair(ctx); err != nil {
				return admin.Change{}, false, &admin.UnavailableError{Err: err}
			}
			return admin.Change{}, false, nil
		default:
			return admin.Change{}, false, nil
		}
	}
	if _, err := a.l.whole(ctx); err != nil {
		a.l.logger.Warn("read back a change", "err", err) // it is made all the same
	}
	return a.result, true, nil
}

func (l *Ledger) nothing(draft admin.Draft) admin.Change {
	now := l.log.State().Head
	return admin.Change{
		Environment: string(l.env), Generation: now.Generation, Digest: now.Digest,
		Author: draft.Author, Reason: draft.Reason, Time: now.Time,
	}
}

func (l *Ledger) change(draft admin.Draft, records []replica.Record, head wire.Head) admin.Change {
	c := admin.Change{
		ID: head.Change, Environment: string(l.env), Generation: head.Generation, Digest: head.Digest,
		Author: draft.Author, Reason: draft.Reason, Time: head.Time,
	}
	for _, r := range records {
		k, err := wire.ParseKey(r.Key)
		if err != nil {
			continue
		}
		_, existed := l.log.State().Get(k)
		c.Flags = append(c.Flags, touched(k, existed, r.Body != nil))
	}
	return c
}

func touched(k wire.Key, existed, exists bool) admin.Touched {
	t := admin.Touched{Set: k.Set, Key: k.Flag, Action: admin.ActionUpdate}
	switch {
	case !existed:
		t.Action = admin.ActionCreate
	case !exists:
		t.Action = admin.ActionDelete
	}
	return t
}
