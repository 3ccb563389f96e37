package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

const environment = "bench"

func measure(ctx context.Context, flags, rounds int) (row, error) {
	dir, err := os.MkdirTemp("", "flagline-bench-")
	if err != nil {
		return row{}, err
	}
	defer os.RemoveAll(dir)
	server, err := natsd.Start(ctx, natsd.Config{DataDir: dir, Listen: "127.0.0.1:0", Environments: []string{environment}})
	if err != nil {
		return row{}, err
	}
	defer server.Close()
	opts, err := natslog.Options("bench", server.PublisherFile())
	if err != nil {
		return row{}, err
	}
	nc, err := nats.Connect(server.URL(), opts...)
	if err != nil {
		return row{}, err
	}
	defer nc.Close()
	l, err := ledger.Open(ctx, nc, ledger.Config{Environment: environment})
	if err != nil {
		return row{}, err
	}
	if err := fill(ctx, l, flags); err != nil {
		return row{}, err
	}
	bare, err := bareBatch(ctx, nc)
	if err != nil {
		return row{}, err
	}
	w, err := newWatch(ctx, server.URL())
	if err != nil {
		return row{}, err
	}
	defer w.close()

	var batches, commits, subscribers, readers []time.Duration
	for i := range rounds {
		start := time.Now()
		if err := bare(i); err != nil {
			return row{}, fmt.Errorf("bare batch: %w", err)
		}
		batches = append(batches, time.Since(start))

		start = time.Now()
		c, err := l.Commit(ctx, change(i%flags, i))
		if err != nil {
			return row{}, err
		}
		commits = append(commits, time.Since(start))
		seen, applied, err := w.await(ctx, c.Generation)
		if err != nil {
			return row{}, err
		}
		subscribers, readers = append(subscribers, seen.Sub(start)), append(readers, applied.Sub(start))
	}
	r := row{
		Flags: flags, Rounds: rounds, BareBatch: median(batches), Commit: median(commits),
		Subscriber: median(subscribers), Reader: median(readers), Apply: applyCost(flags),
	}
	r.CommitRatio, r.ReaderRatio = r.Commit/r.BareBatch, r.Reader/r.Subscriber
	return r, nil
}

func key(i int) string { return "flag-" + strconv.Itoa(i) }

func body(round int) []byte {
	return fmt.Appendf(nil, `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off",`+
		`"targeting":{"if":[{"ends_with":[{"var":"email"},"@example-%d.com"]},"on",null]}}`, round)
}

func change(flag, round int) admin.Draft {
	return admin.Draft{Author: "bench", Plan: func(admin.State) ([]admin.Edit, error) {
		return []admin.Edit{{Key: key(flag), Body: body(round)}}, nil
	}}
}

func fill(ctx context.Context, l *ledger.Ledger, flags int) error {
	_, err := l.Commit(ctx, admin.Draft{Author: "bench", Plan: func(admin.State) (edits []admin.Edit, err error) {
		for i := range flags {
			edits = append(edits, admin.Edit{Key: key(i), Body: body(-1)})
		}
		return edits, nil
	}})
	return err
}

// bareBatch returns a function that publishes two messages as an atomic batch,
// and nothing else, into a stream like an environment's.
func bareBatch(ctx context.Context, nc *nats.Conn) (func(round int) error, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "bare", Subjects: []string{"bare.>"}, Storage: jetstream.FileStorage, AllowAtomicPublish: true, AllowDirect: true,
		RePublish: &jetstream.RePublish{Source: "bare.>", Destination: "changes.bare.>"},
	}); err != nil {
		return nil, err
	}
	return func(round int) error {
		first, last := nats.NewMsg("bare.flag"), nats.NewMsg("bare.head")
		first.Data, last.Data = body(round), make([]byte, 400) // about a head's size
		_, err := jetstreamext.PublishMsgBatch(ctx, js, []*nats.Msg{first, last})
		return err
	}, nil
}

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
