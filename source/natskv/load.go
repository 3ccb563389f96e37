package natskv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/flagline/flagline/internal/base"
	"github.com/flagline/flagline/internal/mutation"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

const (
	baseIn       = time.Minute      // a whole base, from a server that has many readers
	reloadEvery  = 10 * time.Second // between a reload and one that need not wait
	reloadWithin = 10 * time.Second // how long another one waits, at the most
)

// load reads everything there is, from the base on if there is one, and goes
// over to it only when it is complete.
func (f *follower) load(ctx context.Context, to uint64) error {
	if f.delivered {
		// What makes this reader load again may make all of them.
		if wait := f.loads.wait(time.Now()); wait > 0 {
			return &postponedError{wait}
		}
	}
	fresh, err := f.fromBase(ctx, to)
	if fresh == nil && err == nil {
		fresh, err = f.fromStart(ctx, to)
	}
	if fresh == nil {
		return cmp.Or(err, natslog.ErrEmpty)
	}
	now, loaded := f.log.State().Head, fresh.State().Head
	if loaded.Incarnation == now.Incarnation && loaded.Generation <= now.Generation && !mutation.LowerGeneration {
		return cmp.Or(err, error(&replica.RejectError{Head: loaded, Reason: fmt.Sprintf(
			"not above generation %d: an old copy of the log?", now.Generation)}))
	}
	f.refused = nil
	f.log = fresh
	f.current(fresh.State())
	f.deliver(nil)
	return err
}

// fromStart reads the whole log. It returns nil if there is nothing that can
// be shown, and may return both a log and an error.
func (f *follower) fromStart(ctx context.Context, to uint64) (*replica.Log, error) {
	fresh := f.newLog(nil)
	step, err := f.read(ctx, fresh, to, f.judge)
	if step == nil {
		return nil, err
	}
	return fresh, err
}

// fromBase reads the base, and the log from there on. It returns nil, and no
// error, if that leads nowhere: the base only saves time, and whatever is wrong
// with it, the log from its start is right.
func (f *follower) fromBase(ctx context.Context, to uint64) (*replica.Log, error) {
	state, err := f.base(ctx)
	if state == nil {
		return nil, err
	}
	fresh := f.newLog(state)
	step, err := f.read(ctx, fresh, to, f.judge)
	var wrong *replica.RejectError
	switch {
	case errors.As(err, &wrong):
		err = wrong
	case err != nil:
		return nil, err
	case step == nil:
		err = f.judge(state) // as nothing follows it that was judged
	}
	if err != nil {
		f.logger.Warn("load without the base", "generation", state.Generation(), "err", err)
		return nil, nil
	}
	return fresh, nil
}

// base asks for the state that the base holds. It returns nil, and no error, if
// there is none that can be used.
func (f *follower) base(ctx context.Context) (*replica.State, error) {
	whole, cancel := context.WithTimeout(ctx, baseIn)
	defer cancel()
	index, chunks, err := f.client.Base(whole)
	if errors.Is(err, natslog.ErrTornBase) { // it was being written, perhaps
		index, chunks, err = f.client.Base(whole)
	}
	// A server that is short of breath is not helped by being asked for the
	// whole log instead. If it is silent twice, this user may not ask, rather.
	silent := errors.Is(err, natslog.ErrNoAnswer)
	again := silent && !f.loads.silent
	f.loads.silent = again
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case again:
		return nil, err
	case silent, errors.Is(err, natslog.ErrNoBase):
		return nil, nil
	}
	if err == nil {
		err = f.stands(whole, index)
	}
	if errors.Is(err, natslog.ErrNoAnswer) {
		return nil, err
	}
	var state *replica.State
	if err == nil {
		state, err = base.Unpack(index, chunks)
	}
	if err != nil {
		f.logger.Warn("load without the base", "generation", index.Generation, "err", err)
		return nil, nil
	}
	return state, nil
}

// stands says what is wrong with where a base says it stands in the log. A
// reader that took too high a sequence for its own would pass over what comes.
func (f *follower) stands(ctx context.Context, index wire.BaseIndex) error {
	head, err := f.client.HeadAt(ctx, index.Sequence)
	if err != nil {
		return fmt.Errorf("the base ends at sequence %d of the log: %w", index.Sequence, err)
	}
	if !index.Stands(head) {
		return fmt.Errorf("the base is of generation %d of incarnation %s, where the log has %d of %s",
			index.Generation, index.Incarnation, head.Generation, head.Incarnation)
	}
	return nil
}

// A loading spreads out what many readers may do in the same moment.
type loading struct {
	last   time.Time // when the last reload began
	due    time.Time // when the next may begin; zero if none waits
	silent bool      // nobody answered when the base was last asked for
}

// wait says how long a reload has to wait. It is to be asked again then.
func (l *loading) wait(now time.Time) time.Duration {
	if l.due.IsZero() && now.Sub(l.last) < reloadEvery {
		l.due = now.Add(rand.N(reloadWithin))
	}
	if wait := l.due.Sub(now); wait > 0 {
		return wait
	}
	l.last, l.due = now, time.Time{}
	return 0
}

// A postponedError says that everything has to be read again, and when.
type postponedError struct{ wait time.Duration }

func (e *postponedError) Error() string {
	return fmt.Sprintf("everything has to be read again, in %v: others may have to as well", e.wait.Round(time.Millisecond))
}

// postponed is true if err says that a load waits its turn, and sees to it that
// it gets it.
func (f *follower) postponed(err error) bool {
	var p *postponedError
	if !errors.As(err, &p) {
		return false
	}
	f.check.Reset(p.wait)
	f.sink.Report(source.Status{Connected: true, Confirmed: f.confirmed, Err: err})
	return true
}

// newLog begins after state.
func (f *follower) newLog(state *replica.State) *replica.Log {
	log := replica.NewLog(f.env, state)
	if f.trust != nil {
		log.Vouch = func(h wire.Head) error {
			_, err := f.trust.Verify(h.Signed(f.env), h.Signatures)
			return err
		}
	}
	return log
}

// judge says why next must not take the place of what is served: nobody who is
// trusted signed it, or a set shrank and no publication said that it should.
func (f *follower) judge(next *replica.State) error {
	emergency, err := f.trust.Verify(next.Head.Signed(f.env), next.Head.Signatures)
	if err != nil {
		return err
	}
	if err := f.log.State().Unannounced(next); err != nil {
		return err
	}
	if f.emergency = emergency; emergency {
		f.logger.Error("accept flags signed with the emergency key", "generation", next.Generation())
	}
	return nil
}
