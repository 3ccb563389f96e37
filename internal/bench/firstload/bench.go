package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/bench/cputime"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

// environment is the name of the one that holds so many flags.
func environment(flags int) wire.Environment {
	return wire.Environment("bench-" + strconv.Itoa(flags))
}

// A bench is a server with an environment for each of sizes.
type bench struct {
	dir    string
	server *natsd.Server
	nc     *nats.Conn
}

func newBench(ctx context.Context) (*bench, error) {
	dir, err := os.MkdirTemp("", "flagline-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir}
	if err := b.start(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) start(ctx context.Context) (err error) {
	var names []string
	for _, flags := range sizes {
		names = append(names, string(environment(flags)))
	}
	b.server, err = natsd.Start(ctx, natsd.Config{DataDir: b.dir, Listen: "127.0.0.1:0", Environments: names})
	if err != nil {
		return err
	}
	opts, err := natslog.Options("bench", b.server.PublisherFile())
	if err != nil {
		return err
	}
	b.nc, err = nats.Connect(b.server.URL(), opts...)
	return err
}

func (b *bench) close() {
	if b.nc != nil {
		b.nc.Close()
	}
	if b.server != nil {
		b.server.Close()
	}
	os.RemoveAll(b.dir)
}

// publish makes the environment env, and its flags in one change. Nobody writes
// a base for it but whoever asks the ledger to.
func (b *bench) publish(ctx context.Context, env wire.Environment, flags int) (*ledger.Ledger, error) {
	l, err := ledger.Open(ctx, b.nc, ledger.Config{Environment: string(env)})
	if err != nil {
		return nil, err
	}
	_, err = l.Commit(ctx, admin.Draft{Author: "bench", Plan: func(admin.State) ([]admin.Edit, error) {
		edits := make([]admin.Edit, flags)
		for i := range edits {
			edits[i] = admin.Edit{Key: fmt.Sprintf("flag-%06d", i), Body: body(i)}
		}
		return edits, nil
	}})
	return l, err
}

// body is a flag of a common size, 380 bytes, with a rule and a rollout.
func body(i int) []byte {
	sum := sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	return fmt.Appendf(nil, `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":`+
		`{"if":[{"in":[{"var":"customer"},["%x","%x","%x"]]},"on",{"fractional":[["on",%d],["off",%d]]}]},`+
		`"metadata":{"owner":"team-%d","description":"what this flag is for, in the words of those who made it: %x"}}`,
		sum[:8], sum[8:16], sum[16:24], i%100, 100-i%100, i%7, sum[24:])
}

// load is one process that starts.
func (b *bench) load(ctx context.Context, env wire.Environment) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	src, err := natskv.New(natskv.Config{Servers: b.server.URL(), Environment: string(env), Instance: "bench"})
	if err != nil {
		return 0, err
	}
	sink := &loaded{Sink: store.New().Add(src.Name()), done: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- src.Watch(ctx, sink) }()
	select {
	case <-sink.done:
	case err := <-ended:
		return 0, errors.Join(errors.New("the source ended"), err)
	}
	took := time.Since(start)
	cancel()
	return took, <-ended
}

// A loaded is a sink that says when it first has flags, compiled.
type loaded struct {
	source.Sink
	once sync.Once
	done chan struct{}
}

func (l *loaded) Apply(u source.Update) []source.Rejection {
	rejected := l.Sink.Apply(u)
	l.once.Do(func() { close(l.done) })
	return rejected
}

// floor connects and asks for the base, as whoever wants its bytes has to.
func (b *bench) floor(ctx context.Context, env wire.Environment) (time.Duration, error) {
	start := time.Now()
	nc, err := nats.Connect(b.server.URL())
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	_, _, err = natslog.Reader(nc, env).Base(ctx)
	return time.Since(start), err
}

// fleet is readers that start at once: how long each took from that moment on.
func (b *bench) fleet(ctx context.Context, env wire.Environment, readers int) (sample, error) {
	clients := make([]*natslog.Client, readers)
	for i := range clients {
		nc, err := nats.Connect(b.server.URL())
		if err != nil {
			return sample{}, err
		}
		defer nc.Close()
		clients[i] = natslog.Reader(nc, env)
	}
	took := make([]time.Duration, readers)
	errs := make([]error, readers)
	begin := make(chan struct{})
	var start time.Time
	var wg sync.WaitGroup
	for i, client := range clients {
		wg.Go(func() {
			<-begin
			errs[i] = check(ctx, client)
			took[i] = time.Since(start)
		})
	}
	before := cputime.Used()
	start = time.Now()
	close(begin)
	wg.Wait()
	return sample{took, cputime.Used() - before}, errors.Join(errs...)
}

// check loads the base and checks all of it but what it unpacks to.
func check(ctx context.Context, client *natslog.Client) error {
	index, chunks, err := client.Base(ctx)
	if err != nil {
		return err
	}
	all := sha256.New()
	for _, c := range chunks {
		all.Write(c)
	}
	if got := hex.EncodeToString(all.Sum(nil)); got != index.Hash {
		return fmt.Errorf("chunks hash to %s, where the index says %s", got, index.Hash)
	}
	head, err := client.HeadAt(ctx, index.Sequence)
	if err != nil {
		return err
	}
	if !index.Stands(head) {
		return errors.New("the base does not stand where it says")
	}
	return nil
}
