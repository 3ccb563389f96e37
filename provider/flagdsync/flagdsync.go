// Package flagdsync feeds flagd's own Go code with flags from our sources: the
// official flagd provider, in-process, then hears of a change as soon as NATS
// pushes it. It takes one option:
//
//	provider, err := flagd.NewProvider(
//		flagd.WithInProcessResolver(),
//		flagd.WithCustomSyncProvider(flagdsync.FromNATS(natskv.Config{
//			Servers: "nats://localhost:4222", Environment: "prod",
//		})),
//	)
//
// What a source delivers piece by piece is put together to whole documents, as
// flagd takes them. Changes that come faster than they are taken become one
// document, and who takes none holds up nobody. A flag whose newest version
// does not compile keeps its last good one, and a flag that never did is left
// out: flagd refuses a document for the sake of one flag.
//
// Flags of several flag sets are told by their metadata, "flagSetId". Of those
// with one key the unnamed set's is handed on, else that of the first set in
// byte order of names, as our sidecar does it; [WithSet] picks one set instead.
//
// The official provider has no way to be told that the origin is out of reach:
// it stays READY and answers from the flags it has. Give [natskv.Config] a
// SnapshotDir, and it starts without NATS, too.
package flagdsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	flagd "github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

// DefaultURI is what flagd's Go provider calls a source of flags that it did
// not make itself, unless told otherwise.
const DefaultURI = "syncprovider://custom"

// A Sync hands the flags of a source to flagd. It implements flagd's ISync. One
// belongs to one provider, which runs Sync once at a time; the other methods
// may be called at any time.
type Sync struct {
	source   source.Source
	selector store.Selector
	uri      string
	log      *slog.Logger
	err      error // for Init

	ready  atomic.Bool
	newest atomic.Pointer[string] // document; nil until there is one
}

var _ flagd.ISync = (*Sync)(nil)

// An Option changes how a [Sync] behaves.
type Option func(*Sync)

// WithSet hands on the flags of one flag set only; "" is the unnamed one. By
// default all are handed on.
func WithSet(name string) Option {
	return func(s *Sync) { s.selector = store.Selector{Set: name, BySet: true} }
}

// WithURI sets what flagd knows the source as. It has to be what flagd was told,
// if it was told anything: the official provider by WithCustomSyncProviderAndUri.
// The default is [DefaultURI].
func WithURI(uri string) Option {
	return func(s *Sync) { s.uri = uri }
}

// WithLogger logs flags that do not compile to l. The default is silence.
func WithLogger(l *slog.Logger) Option {
	return func(s *Sync) {
		if l != nil {
			s.log = l
		}
	}
}

// New returns what hands on the flags of src, which nobody else may watch
// meanwhile. An option that makes no sense is an error of [Sync.Init].
func New(src source.Source, opts ...Option) *Sync {
	s := &Sync{source: src, uri: DefaultURI, log: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(s)
	}
	switch {
	case src == nil:
		s.err = errors.New("flags for flagd: the source is nil")
	case s.uri == "":
		s.err = errors.New("flags for flagd: the URI is empty; flagd panics without one")
	}
	return s
}

// FromNATS returns what hands on the flags of an environment on NATS, logging
// to the logger of cfg unless an option says otherwise. A cfg that makes no
// sense is an error of [Sync.Init], so that the whole fits into the options of
// a provider.
func FromNATS(cfg natskv.Config, opts ...Option) *Sync {
	src, err := natskv.New(cfg)
	if err != nil {
		return &Sync{err: fmt.Errorf("flags for flagd from NATS: %w", err)}
	}
	return New(src, append([]Option{WithLogger(cfg.Logger)}, opts...)...)
}

// Init returns what is wrong with how s was made. It opens nothing.
func (s *Sync) Init(context.Context) error { return s.err }

// IsReady reports whether flagd has been given flags.
func (s *Sync) IsReady() bool { return s.ready.Load() }

// Sync sends the flags to updates, as one document, as soon as the source
// delivers them, then a document whenever they have changed, until ctx is done;
// it then returns nil. It returns an error only if the source cannot ever
// deliver anything. Nothing of it is left when it returns.
func (s *Sync) Sync(ctx context.Context, updates chan<- flagd.DataSync) error {
	if s.err != nil {
		return s.err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	flags := store.New()
	sink := logged{flags.Add(s.source.Name()), s.log}
	var watch sync.WaitGroup
	var fatal error
	watch.Go(func() {
		if err := s.source.Watch(ctx, sink); err != nil && ctx.Err() == nil {
			fatal = err
			cancel()
		}
	})
	s.handOn(ctx, flags, updates)
	watch.Wait()
	return fatal
}

// ReSync sends the newest document to updates once more, or returns an error if
// there is none yet.
func (s *Sync) ReSync(ctx context.Context, updates chan<- flagd.DataSync) error {
	if s.err != nil {
		return s.err
	}
	text := s.newest.Load()
	if text == nil {
		return fmt.Errorf("flags of %s: none have come yet", s.source.Name())
	}
	select {
	case updates <- s.update(*text):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// handOn sends what the flags are until ctx is done.
func (s *Sync) handOn(ctx context.Context, flags *store.Store, updates chan<- flagd.DataSync) {
	var sent string
	for snapshot := flags.Current(); ; snapshot = flags.Current() {
		var pause time.Duration
		if snapshot.Number > 0 {
			begun := time.Now()
			text := document(snapshot, s.selector)
			pause = share * time.Since(begun)
			s.newest.Store(&text)
			if text != sent && s.offer(ctx, updates, text, snapshot) {
				sent, pause = text, 0
				s.ready.Store(true)
			}
		}
		select {
		case <-snapshot.Superseded():
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// share bounds what is spent on documents that nobody takes: at most one part
// in so many of a processor, while changes pour in.
const share = 9

// offer sends text unless there is a newer snapshot first, and reports whether
// it did.
func (s *Sync) offer(ctx context.Context, updates chan<- flagd.DataSync, text string, of *store.Snapshot) bool {
	select {
	case updates <- s.update(text):
		return true
	case <-of.Superseded():
	case <-ctx.Done():
	}
	return false
}

func (s *Sync) update(text string) flagd.DataSync {
	return flagd.DataSync{FlagData: text, Source: s.uri}
}

// A logged sink says which flags it could not take.
type logged struct {
	source.Sink

	log *slog.Logger
}

func (l logged) Apply(u source.Update) []source.Rejection {
	rejected := l.Sink.Apply(u)
	for _, r := range rejected {
		l.log.Warn("keep last good flag", "set", r.Set, "flag", r.Key, "err", r.Reason)
	}
	return rejected
}
