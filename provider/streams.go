package provider

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/flagline/flagline/provider/internal/remote"
)

// linger is how long a stream goes on when the one that takes its place is ready.
const linger = 5 * time.Second

// A stream is an event stream that goes on by itself.
type stream struct {
	cancel context.CancelFunc
	ready  bool   // it has said so
	mark   string // with what it did
}

// A said value is what a stream says, or why it has ended.
type said struct {
	by    *stream
	event remote.Event
	err   error
}

// Streams are those that a provider listens to: one, or two while one takes the
// place of the other. All is done by the goroutine in run.
//
// When a stream's time is over, the next one is opened first. When that is ready
// the old one goes on for a while, because what changed just before is for it to
// tell, and may be on its way; should it never come, no answer is wrong for that,
// since none outlives the beginning of a stream.
type streams struct {
	mode *sidecar
	tell teller
	said chan said
	all  sync.WaitGroup

	current   *stream
	next      *stream // is to become the current one; or nil
	old       *stream // was the current one; or nil
	heard     bool    // one of them was ready
	over      *time.Timer
	lingering *time.Timer

	// told counts by flag how much more often the old stream has told of its
	// changes than the current one; both tell what changes while they overlap. A
	// change that is heard of in the moment in which the next stream becomes ready
	// may still be told twice, which is better than not at all.
	told map[string]int
}

// listen opens an event stream, and the next one when its time is over, until there
// is none. It returns why, and whether any was ready.
func (m *sidecar) listen(ctx context.Context, tell teller) (ready bool, err error) {
	s := &streams{mode: m, tell: tell, said: make(chan said), over: stoppedTimer(), lingering: stoppedTimer()}
	defer s.all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer s.over.Stop()
	defer s.lingering.Stop()
	s.current = s.open(ctx)
	s.runs(m.streamDeadline)
	for err == nil {
		select {
		case what := <-s.said:
			err = s.hear(what)
		case <-s.over.C:
			if s.old != nil {
				s.runs(m.streamDeadline) // one after the other
			} else {
				s.next = s.open(ctx)
			}
		case <-s.lingering.C:
			s.part()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return s.heard, err
}

// runs has the current stream end in so much time, or never if that is 0.
func (s *streams) runs(d time.Duration) {
	if d > 0 && s.mode.streamDeadline > 0 {
		s.over.Reset(d)
	}
}

func (s *streams) open(ctx context.Context) *stream {
	ctx, cancel := context.WithCancel(ctx)
	st := &stream{cancel: cancel}
	say := func(what said) {
		what.by = st
		select {
		case s.said <- what:
		case <-ctx.Done():
		}
	}
	s.all.Go(func() {
		defer cancel()
		err := s.mode.client.Events(ctx, patience, func(e remote.Event) {
			s.mode.pulse.beat()
			say(said{event: e})
		})
		say(said{err: err})
	})
	return st
}

// hear takes what a stream says. The error is why there is none any more.
func (s *streams) hear(what said) error {
	switch st := what.by; {
	case what.err != nil:
		return s.lose(st, what.err)
	case st != s.current && st != s.next && st != s.old:
		return nil // it was sent away, and may not know yet
	case what.event.Type == remote.Ready && !st.ready:
		st.ready, st.mark, s.heard = true, what.event.Mark, true
		s.welcome(st)
	case what.event.Type == remote.Changed && st.ready:
		s.change(st, what.event.Data)
	}
	return nil
}

// welcome takes a stream that is ready for the current one. It is no news if it
// takes the place of one of the same server, since that goes on.
func (s *streams) welcome(st *stream) {
	s.mode.begin(st.mark)
	before := s.current
	if st == s.next {
		s.current, s.next = st, nil
		s.runs(s.mode.streamDeadline)
	}
	if before != s.current {
		if before.ready && before.mark == st.mark {
			s.old, s.told = before, make(map[string]int)
			s.lingering.Reset(min(linger, 10*s.mode.streamDeadline))
			return
		}
		before.cancel()
	}
	s.tell(report{usable: true, current: true, changes: changes{unknown: true}})
}

// part sends the old stream away.
func (s *streams) part() {
	if s.old != nil {
		s.old.cancel()
		s.old = nil
	}
}

// lose goes on with what there is without a stream.
func (s *streams) lose(st *stream, err error) error {
	switch {
	case st == s.next:
		s.next = nil
		s.runs(s.mode.backoff.most)
	case st == s.old:
		s.old = nil
	case st == s.current && s.old != nil: // which is as good as it was
		s.current, s.old = s.old, nil
		s.mode.begin(s.current.mark)
		s.runs(s.mode.backoff.most)
	case st == s.current:
		return err
	}
	return nil
}

// change takes the body of a change message, {"flags": {key: {…}}}.
func (s *streams) change(by *stream, data map[string]any) {
	flags, _ := data["flags"].(map[string]any)
	if len(flags) == 0 {
		s.mode.known.DropAll()
		s.tell(report{usable: true, current: true, changes: changes{unknown: true}})
		return
	}
	c := changesOf(flags)
	s.mode.known.Drop(c.flags()...)
	if by == s.next || s.repeats(by, c) {
		return
	}
	s.tell(report{usable: true, current: true, changes: c})
}

// repeats says that the other one of two streams has told of these changes.
func (s *streams) repeats(by *stream, c changes) bool {
	if s.old == nil {
		return false
	}
	step := -1
	if by == s.old {
		step = 1
	}
	repeated := true
	for key := range maps.Keys(c.keys) {
		repeated = repeated && s.told[key]*step < 0
		s.told[key] += step
	}
	return repeated
}
