package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/admin/client"
	"github.com/flagline/flagline/admin/journal"
	"github.com/flagline/flagline/admin/rest"
	"github.com/flagline/flagline/internal/natslog"
)

// journaled is about what a change takes in a journal, in bytes.
const journaled = 1100

// An aroundRow is one of the things that happen around a commit.
type aroundRow struct {
	What   string `json:"what"`
	Flags  int    `json:"flags"`
	Rounds int    `json:"rounds"`
	figures
}

// measureAround measures a change by each way into one environment, and what
// the journal takes to follow.
func measureAround(ctx context.Context, flags, rounds int) ([]aroundRow, error) {
	b, err := newBench(ctx, 1, flags)
	if err != nil {
		return nil, err
	}
	defer b.close()
	commit := func() error {
		_, err := b.commit(ctx)
		return err
	}
	door, err := b.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer door.close()

	dir := filepath.Join(b.dir, "journal")
	keeper, err := journal.NewKeeper(dir, natslog.Owner(b.nc, environment), nil)
	if err != nil {
		return nil, err
	}
	defer keeper.Close()
	catchUp := func() error { return keeper.CatchUp(ctx) }
	if err := catchUp(); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		return nil, err
	}
	defer file.Close()

	operations := []*operation{
		{name: "bare batch", do: func() error { return b.bare(ctx) }},
		{name: "commit", do: commit},
		{name: "REST", do: func() error { return door.change(ctx, nil) }},
		{name: "REST, set named", do: func() error { return door.change(ctx, new("")) }},
		// Whatever was committed since is another matter.
		{name: "journal", do: catchUp, before: func() error {
			if err := catchUp(); err != nil {
				return err
			}
			return commit()
		}},
		{name: "bare write and fsync", do: func() error { return appendTo(file) }},
	}
	if err := inTurns(rounds, operations...); err != nil {
		return nil, err
	}
	if err := inBlocks(rounds, operations...); err != nil {
		return nil, err
	}
	var rows []aroundRow
	for _, o := range operations {
		rows = append(rows, aroundRow{o.name, flags, rounds, o.figures()})
	}
	return rows, nil
}

// appendTo is the least that keeping a change costs.
func appendTo(file *os.File) error {
	if _, err := file.Write(make([]byte, journaled)); err != nil {
		return err
	}
	return file.Sync()
}

// A door is the REST API of an environment, on loopback, with a client.
type door struct {
	bench  *bench
	server *http.Server
	client *client.Client
	ended  chan struct{}
}

func (b *bench) serve(ctx context.Context) (*door, error) {
	const token = "bench"
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &door{
		bench: b,
		server: &http.Server{
			Handler: rest.Handler(rest.Config{
				Environments: map[string]rest.Environment{environment: {Ledger: b.ledger}},
				Token:        []byte(token), Loopback: true,
			}),
			ReadHeaderTimeout: 5 * time.Second,
		},
		client: client.New("http://"+listener.Addr().String(), token, new(http.Client)),
		ended:  make(chan struct{}),
	}
	go func() {
		defer close(d.ended)
		_ = d.server.Serve(listener) // that it ended before its time shows in the next request
	}()
	return d, nil
}

// change makes the next change, to a flag of set; if it is nil, the server has
// to find the flag.
func (d *door) change(ctx context.Context, set *string) error {
	key, body := d.bench.next()
	_, err := d.client.Change(ctx, environment, api.ChangeRequest{
		Author: "bench", Verb: api.VerbSet, Set: set, Key: key, Definition: body,
	})
	return err
}

func (d *door) close() {
	_ = d.server.Close() // nobody waits for an answer any more
	<-d.ended
}
