package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// The longest texts of a change, in bytes: they travel with every record.
const (
	maxAuthor = 256
	maxReason = 4096
)

// Commit implements [admin.Ledger].
func (l *Ledger) Commit(ctx context.Context, draft admin.Draft) (admin.Change, error) {
	if err := check(draft); err != nil {
		return admin.Change{}, err
	}
	if err := l.take(ctx); err != nil {
		return admin.Change{}, &admin.UnavailableError{Err: err}
	}
	defer l.leave()

	// From here on the change is made, or not, whether the caller waits or
	// not: one that goes away must not leave the outcome unknown.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeIn)
	defer cancel()
	a := l.attempt(draft)
	for {
		change, done, err := a.try(ctx)
		if done || err != nil {
			return change, err
		}
	}
}

// Preview implements [admin.Ledger].
func (l *Ledger) Preview(ctx context.Context, draft admin.Draft) (admin.Change, error) {
	if err := check(draft); err != nil {
		return admin.Change{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, changeIn)
	defer cancel()
	if err := l.take(ctx); err != nil {
		return admin.Change{}, &admin.UnavailableError{Err: err}
	}
	defer l.leave()
	a := l.attempt(draft)
	if _, err := a.look(ctx); err != nil {
		return admin.Change{}, err
	}
	records, head, err := a.plan()
	if err != nil || len(records) == 0 {
		return l.nothing(draft), err
	}
	change := l.change(draft, records, head)
	change.ID = ""
	return change, nil
}

func check(draft admin.Draft) error {
	switch {
	case draft.Author == "":
		return &admin.UsageError{Message: "a change needs an author"}
	case len(draft.Author) > maxAuthor:
		return &admin.UsageError{Message: fmt.Sprintf("the author has %d bytes, and %d is the most", len(draft.Author), maxAuthor)}
	case len(draft.Reason) > maxReason:
		return &admin.UsageError{Message: fmt.Sprintf("the reason has %d bytes, and %d is the most", len(draft.Reason), maxReason)}
	}
	return nil
}

// An attempt is one change on its way.
type attempt struct {
	l     *Ledger
	draft admin.Draft
	id    string

	planned *replica.State    // what the first plan was shown; nil before it
	touched map[wire.Key]bool // what any plan so far wanted to write
	result  admin.Change      // if what was sent last is stored; without an ID before anything was
}

func (l *Ledger) attempt(draft admin.Draft) *attempt {
	l.own = make(map[string]bool)
	return &attempt{l: l, draft: draft, id: l.newID(time.Now()), touched: make(map[wire.Key]bool)}
}

// try plans and publishes once. done is false if it is worth trying again.
func (a *attempt) try(ctx context.Context) (change admin.Change, done bool, err error) {
	news, err := a.look(ctx)
	if err != nil {
		return admin.Change{}, false, err
	}
	// An attempt whose answer was lost may have been stored, and others may
	// have published on top of it since.
	if slices.ContainsFunc(news, a.completes) {
		return a.result, true, nil
	}

	// Before the plan is asked again, which might trip over what moved, and
	// after it, for it may want other records this time.
	if err := a.conflict(); err != nil {
		return admin.Change{}, false, err
	}
	records, head, err := a.plan()
	if err != nil {
		return admin.Change{}, false, err
	}
	if err := a.conflict(); err != nil {
		return admin.Change{}, false, err
	}
	if len(records) == 0 {
		return a.l.nothing(a.draft), true, nil
	}
	a.result = a.l.change(a.draft, records, head)
	return a.publish(ctx, split(records, head, a.draft.Author, a.draft.Reason))
}

// completes says whether r is the head that completes this change. Other records
// of it say nothing: parts can be put back.
func (a *attempt) completes(r replica.Record) bool {
	return r.Change == a.id && r.Completes()
}

// look waits until the newest state is known, and returns the records that led
// there since the last look.
func (a *attempt) look(ctx context.Context) ([]replica.Record, error) {
	if a.result.ID == "" && a.l.upToDate(ctx) {
		return nil, nil
	}
	news, err := a.l.wholeOnceLed(ctx)
	switch {
	case err == nil:
		return news, nil
	case a.result.ID != "":
		return nil, &admin.UnknownOutcomeError{Change: a.id, Err: err}
	}
	if apiCode(err) == codeNoStream {
		err = fmt.Errorf("NATS does not hold the environment any more; see \"flagline restore\": %w", err)
	}
	return nil, &admin.UnavailableError{Err: err}
}

// plan asks the draft's plan, and returns what it really changes, with the head
// that describes the result.
func (a *attempt) plan() ([]replica.Record, wire.Head, error) {
	l, state := a.l, a.l.log.State()
	if err := l.permitted(); err != nil {
		return nil, wire.Head{}, &admin.UnavailableError{Err: err}
	}
	if a.draft.Expect != 0 && a.draft.Expect != state.Generation() {
		return nil, wire.Head{}, &admin.ConflictError{
			Environment: string(l.env), Expected: a.draft.Expect, Generation: state.Generation(),
		}
	}
	edits, err := a.draft.Plan(view{l.env, state})
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
	head := l.nextHead(state, a.id, time.Now())
	next := state.With(records, head, 0)
	if shrinks := state.Shrinks(next); len(shrinks) > 0 {
		if !a.draft.AllowShrink {
			return nil, wire.Head{}, &admin.ShrinkError{What: shrinks[0].String()}
		}
		head.Shrunk = maps.Clone(head.Shrunk)
		if head.Shrunk == nil {
			head.Shrunk = make(map[string]uint64)
		}
		for _, s := range shrinks {
			head.Shrunk[s.Set] = head.Generation
		}
	}
	head.Flags, head.Digest = next.Flags(), next.Digest().String()
	l.seal(&head, records)
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
		if !utf8.ValidString(e.Set) || !utf8.ValidString(e.Key) {
			return nil, &admin.UsageError{Message: fmt.Sprintf("key %q of flag set %q is not UTF-8", e.Key, e.Set)}
		}
		if n := len(k.String()); n > wire.MaxKey {
			return nil, &admin.UsageError{Message: fmt.Sprintf(
				"the key %.60q… of flag set %.60q is too long: spelt for NATS, set and key have %d bytes, and %d is the most", k.Flag, k.Set, n, wire.MaxKey)}
		}
		if len(e.Body) > wire.MaxBody {
			return nil, &admin.UsageError{Message: fmt.Sprintf(
				"%s has %d bytes, more than the %d that fit into one record", k, len(e.Body), wire.MaxBody)}
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

// conflict names those records that this change touches and that somebody else
// has written since it was first planned.
func (a *attempt) conflict() error {
	if a.planned == nil {
		return nil
	}
	var moved []admin.Moved
	state := a.l.log.State()
	for k := range a.touched {
		was, existed := a.planned.Get(k)
		is, exists := state.Get(k)
		if existed == exists && bytes.Equal(was.Body, is.Body) {
			continue
		}
		m := admin.Moved{Set: k.Set, Key: k.Flag, Generation: is.Generation, Change: is.Change, Author: is.Author}
		if !exists {
			m.Generation, m.Change, m.Author = a.l.lastChange(k)
		}
		moved = append(moved, m)
	}
	if len(moved) == 0 {
		return nil
	}
	slices.SortFunc(moved, func(x, y admin.Moved) int {
		return cmp.Or(cmp.Compare(x.Set, y.Set), cmp.Compare(x.Key, y.Key))
	})
	return &admin.ConflictError{
		Environment: string(a.l.env), Expected: a.planned.Generation(), Generation: state.Generation(), Moved: moved,
	}
}

// publish sends the parts of the change. done is false if the log has moved on:
// the next look finds out how, and puts parts of ours back that stand alone.
func (a *attempt) publish(ctx context.Context, parts []*batch) (admin.Change, bool, error) {
	headSeq := a.l.log.State().Seq
	var stored []replica.Record
	for _, part := range parts {
		part.lastSeq, part.headSeq = headSeq, headSeq
		what, seq, err := a.l.settle(ctx, part)
		switch what {
		case committed:
			headSeq = seq
			stored = append(stored, part.stored(seq)...)
		case refused:
			return admin.Change{}, false, &admin.UnavailableError{Err: err}
		case unknown:
			return admin.Change{}, false, &admin.UnknownOutcomeError{Change: a.id, Err: err}
		case lost:
			return admin.Change{}, false, nil
		}
	}
	if !a.l.adopt(stored) {
		if _, err := a.l.whole(ctx); err != nil {
			a.l.logger.Warn("read back a change", "err", err) // it is made all the same
		}
	}
	if a.l.doubt {
		a.l.doubt = false
		a.l.beacon() // the server may not have republished all of it
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
