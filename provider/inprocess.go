package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

var (
	errNoSuchFlag = errors.New("there is no such flag")
	errNotReached = errors.New("its origin is out of reach")
)

// An inProcess mode answers from memory.
type inProcess struct {
	store      *store.Store
	origins    []*origin // in ascending priority
	staleAfter time.Duration

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
	m := &inProcess{store: store.New(), staleAfter: s.staleAfter}
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
	s.mode.note(s.tell, func() { s.origin.status = status })
}

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
		r.changes = changesOf(store.Diff(before, m.seen, store.Selector{}))
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
		return fmt.Errorf("source %q: it has not delivered yet", o.Name())
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

func (m *inProcess) boolean(_ context.Context, flag string, ec evaluator.Context) answer[bool] {
	return evaluate(m, flag, ec, evaluator.Resolution.Bool)
}

func (m *inProcess) text(_ context.Context, flag string, ec evaluator.Context) answer[string] {
	return evaluate(m, flag, ec, evaluator.Resolution.Text)
}

func (m *inProcess) float(_ context.Context, flag string, ec evaluator.Context) answer[float64] {
	return evaluate(m, flag, ec, evaluator.Resolution.Float)
}

func (m *inProcess) integer(_ context.Context, flag string, ec evaluator.Context) answer[int64] {
	return evaluate(m, flag, ec, evaluator.Resolution.Int)
}

func (m *inProcess) object(_ context.Context, flag string, ec evaluator.Context) answer[any] {
	return evaluate(m, flag, ec, func(r evaluator.Resolution) (any, bool, *evaluator.Error) {
		v, ok, err := r.Object()
		return cloned(v), ok, err
	})
}

func evaluate[T any](
	m *inProcess, flag string, ec evaluator.Context,
	value func(evaluator.Resolution) (T, bool, *evaluator.Error),
) answer[T] {
	f, ok := m.store.Current().Find(store.Selector{}, flag)
	if !ok {
		if !m.store.Ready() {
			return answer[T]{err: errNotReady} // the flag may be yet to come
		}
		return answer[T]{err: &evaluator.Error{Code: evaluator.CodeFlagNotFound, Flag: flag, Err: errNoSuchFlag}}
	}
	r := f.Evaluate(ec)
	a := answer[T]{variant: r.Variant, reason: r.Reason, metadata: r.Metadata}
	var err *evaluator.Error
	if a.value, a.ok, err = value(r); err != nil {
		a.err = err
	}
	return a
}

// cloned copies v, which is shared with other answers, for a caller who may
// change it.
func cloned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := maps.Clone(v)
		for key, member := range c {
			c[key] = cloned(member)
		}
		return c
	case []any:
		c := slices.Clone(v)
		for i, element := range c {
			c[i] = cloned(element)
		}
		return c
	default:
		return v
	}
}
