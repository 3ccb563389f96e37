package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

// A watch is a reader, and a bare subscriber, each with a connection of its own.
type watch struct {
	nc      *nats.Conn
	heads   chan time.Time // when the subscriber had the last message of a change
	applied chan applied
	stop    context.CancelFunc
	ended   chan error
}

type applied struct {
	generation uint64
	at         time.Time
}

func newWatch(ctx context.Context, url string) (*watch, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, err
	}
	src, err := natskv.New(natskv.Config{Servers: url, Environment: environment})
	if err != nil {
		return nil, err
	}
	w := &watch{nc: nc, heads: make(chan time.Time, 16), applied: make(chan applied, 16), ended: make(chan error, 1)}
	if _, err := nc.Subscribe("flagline."+environment+".changes.head", func(*nats.Msg) { w.heads <- time.Now() }); err != nil {
		return nil, err
	}
	if err := nc.Flush(); err != nil {
		return nil, err
	}
	ctx, w.stop = context.WithCancel(ctx)
	go func() { w.ended <- src.Watch(ctx, &timed{store.New().Add(src.Name()), w.applied}) }()
	select {
	case <-w.applied: // the first state
		return w, nil
	case err := <-w.ended:
		return nil, fmt.Errorf("the reader ended: %w", err)
	}
}

// timed notes when an update was applied.
type timed struct {
	source.Sink
	to chan<- applied
}

func (s *timed) Apply(u source.Update) []source.Rejection {
	rejected := s.Sink.Apply(u)
	s.to <- applied{u.Version.Generation, time.Now()}
	return rejected
}

func (w *watch) await(ctx context.Context, generation uint64) (seen, done time.Time, err error) {
	for done.IsZero() || seen.IsZero() {
		select {
		case at := <-w.heads:
			seen = at
		case a := <-w.applied:
			if a.generation == generation {
				done = a.at
			}
		case <-ctx.Done():
			return seen, done, ctx.Err()
		}
	}
	return seen, done, nil
}

func (w *watch) close() {
	w.stop()
	if err := <-w.ended; err != nil {
		fmt.Fprintln(os.Stderr, "reader:", err)
	}
	w.nc.Close()
}
