package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
)

const environment = "bench"

// A bench is everything that a change passes through.
type bench struct {
	dir     string
	server  *natsd.Server
	nc      *nats.Conn
	ledger  *ledger.Ledger
	addrs   sidecar.Addresses
	stop    context.CancelFunc
	ended   chan error
	closers []func()
	round   int
}

func newBench(ctx context.Context) (*bench, error) {
	dir, err := os.MkdirTemp("", "flagline-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, ended: make(chan error, 1)}
	if err := b.start(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) start(ctx context.Context) (err error) {
	b.server, err = natsd.Start(ctx, natsd.Config{DataDir: b.dir, Listen: "127.0.0.1:0", Environments: []string{environment}})
	if err != nil {
		return err
	}
	opts, err := natslog.Options("bench", b.server.PublisherFile())
	if err != nil {
		return err
	}
	if b.nc, err = nats.Connect(b.server.URL(), opts...); err != nil {
		return err
	}
	if b.ledger, err = ledger.Open(ctx, b.nc, ledger.Config{Environment: environment}); err != nil {
		return err
	}
	if err := b.change(ctx); err != nil {
		return err
	}

	src, err := b.source("sidecar")
	if err != nil {
		return err
	}
	ctx, b.stop = context.WithCancel(ctx)
	listening := make(chan sidecar.Addresses, 1)
	go func() {
		b.ended <- sidecar.Run(ctx, sidecar.Config{
			Sources: []source.Source{src}, Ready: func(a sidecar.Addresses) { listening <- a },
		})
	}()
	select {
	case b.addrs = <-listening:
		return nil
	case err := <-b.ended:
		b.stop = nil
		return fmt.Errorf("the sidecar ended: %w", err)
	}
}

func (b *bench) source(instance string) (*natskv.Source, error) {
	return natskv.New(natskv.Config{Servers: b.server.URL(), Environment: environment, Instance: instance})
}

func (b *bench) close() {
	for _, c := range b.closers {
		c()
	}
	if b.stop != nil {
		b.stop()
		if err := <-b.ended; err != nil {
			fmt.Fprintln(os.Stderr, "sidecar:", err)
		}
	}
	if b.nc != nil {
		b.nc.Close()
	}
	if b.server != nil {
		b.server.Close()
	}
	os.RemoveAll(b.dir)
}

// change makes the flag "probe" answer what it did not answer before.
func (b *bench) change(ctx context.Context) error {
	b.round++
	answer := fmt.Sprintf("answer-%d", b.round)
	_, err := b.ledger.Commit(ctx, admin.Draft{Author: "bench", Plan: func(admin.State) ([]admin.Edit, error) {
		body := fmt.Appendf(nil, `{"state":"ENABLED","variants":{"v":%q},"defaultVariant":"v"}`, answer)
		return []admin.Edit{{Key: "probe", Body: body}}, nil
	}})
	return err
}

// measure makes a change and returns how long it took from the decision until
// the door answered with it.
func (b *bench) measure(ctx context.Context, d door) (time.Duration, error) {
	want := fmt.Sprintf("answer-%d", b.round+1)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	type result struct {
		at  time.Time
		err error
	}
	seen := make(chan result, 1)
	go func() {
		for {
			got, err := d.ask(ctx)
			if err == nil && got == want {
				seen <- result{at: time.Now()}
				return
			}
			if ctx.Err() != nil {
				seen <- result{err: errors.Join(ctx.Err(), err)}
				return
			}
		}
	}()
	start := time.Now()
	if err := b.change(ctx); err != nil {
		return 0, err
	}
	r := <-seen
	return r.at.Sub(start), r.err
}
