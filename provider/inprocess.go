package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

var (
	errNotReached   = errors.New("its origin is out of reach")
	errNotDelivered = errors.New("it has not delivered yet")
)

// An inProcess mode answers from memory.
type inProcess struct {
	store       *store.Store
	selector    store.Selector
	enrichments *enrichments
	origins     []*origin // in ascending priority
	staleAfter  time.Duration
	identity    *byte // no other mode has the same
	logger      *slog.Logger

	mu   sync.Mutex // held while the origins are looked at together
	seen *store.Snapshot
}

// An origin is one source and what it said of itself last.
type origin struct {
	source.Source
	sink source.Sink

	status    source.Status // not connected until the source reports
	delivered time.Time     // when it first delivered anything
	fatal     error         // what Watch returned
}

func newInProcess(s settings) *inProcess {
	m := &inProcess{store: store.New(), selector: s.local, enrichments: s.enrichments, staleAfter: s.staleAfter, identity: new(byte), logger: s.logger}
	for _, src := range s.sources {
		sink := logged{Sink: m.store.Add(src.Name()), logger: s.logger}
		m.origins = append(m.origins, &origin{Source: src, sink: sink})
	}
	m.seen = m.store.Current()
	return m
}

func (m *inProcess) follow(ctx context.Context, tell teller) {
	m.note(tell, func() {}) // who is waited for
	var watches sync.WaitGroup
	for _, o := range m.origins {
		watches.Go(func() {
			err := o.Watch(ctx, observed{origin: o, mode: m, tell: tell})
			if err != nil && ctx.Err() == nil {
				m.note(tell, func() { o.fatal = err })
			}
		})
	}
	watches.Wait()
}

// An observed sink lets the mode look at the whole after each step.
type observed struct {
	origin *origin
	mode   *inProcess
	tell   teller
}

func (s observed) Apply(u source.Update) []source.Rejection {
	rejected := s.origin.sink.Apply(u)
	s.mode.note(s.tell, func() {
		if s.origin.delivered.IsZero() {
			s.origin.delivered = time.Now()
		}
	})
	return rejected
}

func (s observed) Report(status source.Status) {
	s.origin.sink.Report(status)
	s.mode.note(s.tell, func() {
		// What is said of one that is away is for the monitor to log.
		if status.Connected && status.Err != nil && !sameText(s.origin.status.Err, status.Err) {
			s.mode.logger.Warn("source is troubled", "origin", s.origin.Name(), "err", status.Err)
		}
		s.origin.status = status
	})
}

func sameText(a, b error) bool { return a != nil && b != nil && a.Error() == b.Error() }

// note changes what is known of an origin and tells what follows from it.
// The lock makes sure that what is told last is the newest.
func (m *inProcess) note(tell teller, change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	tell(m.report())
}

func (m *inProcess) report() report {
	r := report{usable: m.store.Ready(), current: true}
	before := m.seen
	m.seen = m.store.Current()
	if before.Number > 0 && before != m.seen {
		r.changes = changesOf(store.Diff(before, m.seen, m.selector))
	}
	for _, o := range m.origins {
		r.fatal = r.fatal || o.fatal != nil
		if err := o.lost(); err != nil {
			r.current = false
			r.err = errors.Join(r.err, err)
		}
		if expires := o.confirmed().Add(m.staleAfter); r.expires.IsZero() || expires.Before(r.expires) {
			r.expires = expires
		}
	}
	r.current = r.current && r.usable
	return r
}

// lost returns what is wrong with the origin, if anything is.
func (o *origin) lost() error {
	err := cmp.Or(o.fatal, o.status.Err, errNotReached)
	switch {
	case o.fatal != nil, !o.status.Connected:
		return fmt.Errorf("source %q: %w", o.Name(), err)
	case o.delivered.IsZero():
		return fmt.Errorf("source %q: %w", o.Name(), cmp.Or(o.status.Err, errNotDelivered))
	}
	return nil
}

// confirmed is when the delivered flags were last known to be the newest.
func (o *origin) confirmed() time.Time {
	if o.status.Confirmed.IsZero() {
		return o.delivered
	}
	return o.status.Confirmed
}

// A logged sink says which flags it could not take.
type logged struct {
	source.Sink
	logger *slog.Logger
}

func (s logged) Apply(u source.Update) []source.Rejection {
	rejected := s.Sink.Apply(u)
	for _, r := range rejected {
		s.logger.Warn("keep last good flag", "set", r.Set, "flag", r.Key, "err", r.Reason)
	}
	return rejected
}

// forget leaves the flags alone: they answer, whatever happens.
func (m *inProcess) forget() {}

// resolve answers from memory.
func (m *inProcess) resolve(_ context.Context, _ kind, flag string, ec evaluator.Context) evaluator.Resolution {
	f, ok := m.store.Current().Find(m.selector, flag)
	if !ok {
		return m.missing(flag)
	}
	return m.evaluate(f, ec)
}

// evaluate answers for one flag. A context with a value that JSON does not have is
// no context for flags whose rule may look at that value.
func (m *inProcess) evaluate(f *evaluator.Flag, ec evaluator.Context) evaluator.Resolution {
	r := f.Evaluate(m.enrichments.join(ec))
	if indifferent(r.Reason) {
		return r
	}
	members, known := f.Reads()
	if err := check(ec, members, known); err != nil {
		return failed(evaluator.CodeInvalidContext, f.Key(), err)
	}
	return r
}

func (m *inProcess) missing(flag string) evaluator.Resolution {
	if !m.store.Ready() {
		return failed(evaluator.CodeGeneral, flag, errNotReady) // the flag may be yet to come
	}
	return failed(evaluator.CodeFlagNotFound, flag, errNoSuchFlag)
}
