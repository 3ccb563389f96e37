package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/wire"
)

// A bench is an environment with flags, and beside it a bare stream that is
// stored on as many servers and led by the same one.
type bench struct {
	*servers
	nc      *nats.Conn // to the node that leads
	js      jetstream.JetStream
	ledger  *ledger.Ledger
	flags   int
	changes int // how many there were
}

func newBench(ctx context.Context, replicas, flags int) (*bench, error) {
	s, err := start(ctx, replicas)
	if err != nil {
		return nil, err
	}
	b := &bench{servers: s, flags: flags}
	if err := b.fill(ctx, replicas); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() {
	if b.nc != nil {
		b.nc.Close()
	}
	b.servers.close()
}

func (b *bench) fill(ctx context.Context, replicas int) (err error) {
	if b.nc, err = b.connect(b.url); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.nc); err != nil {
		return err
	}
	if b.ledger, err = ledger.Open(ctx, b.nc, ledger.Config{Environment: environment, Replicas: replicas}); err != nil {
		return err
	}
	// As the stream of an environment is, in everything that costs time.
	if _, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "bare", Subjects: []string{"bare.>"}, Storage: jetstream.FileStorage, Replicas: replicas,
		AllowAtomicPublish: true, AllowDirect: true,
		RePublish: &jetstream.RePublish{Source: "bare.>", Destination: "changes.bare.>"},
	}); err != nil {
		return err
	}
	for _, stream := range []string{"bare", wire.Environment(environment).Stream()} {
		if err := b.lead(ctx, b.nc, b.js, stream); err != nil {
			return err
		}
	}
	_, err = b.ledger.Commit(ctx, admin.Draft{Author: "bench", Plan: func(admin.State) (edits []admin.Edit, err error) {
		for i := range b.flags {
			edits = append(edits, admin.Edit{Key: key(i), Body: body(-1)})
		}
		return edits, nil
	}})
	return err
}

// next is the next change: a flag, and a definition that it did not have.
func (b *bench) next() (string, []byte) {
	b.changes++
	return key(b.changes % b.flags), body(b.changes)
}

// commit makes the next change, with nothing around the ledger.
func (b *bench) commit(ctx context.Context) (admin.Change, error) {
	key, body := b.next()
	return b.ledger.Commit(ctx, admin.Draft{Author: "bench", Plan: func(admin.State) ([]admin.Edit, error) {
		return []admin.Edit{{Key: key, Body: body}}, nil
	}})
}

// bare publishes two messages as an atomic batch, and nothing else.
func (b *bench) bare(ctx context.Context) error {
	first, last := nats.NewMsg("bare.flag"), nats.NewMsg("bare.head")
	first.Data, last.Data = body(b.changes), make([]byte, 400) // about a head's size
	_, err := jetstreamext.PublishMsgBatch(ctx, b.js, []*nats.Msg{first, last})
	return err
}

func key(i int) string { return "flag-" + strconv.Itoa(i) }

func body(change int) []byte {
	return fmt.Appendf(nil, `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off",`+
		`"targeting":{"if":[{"ends_with":[{"var":"email"},"@example-%d.com"]},"on",null]}}`, change)
}
