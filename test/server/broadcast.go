package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	syncv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/sync/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flagline/flagline/test/server/wire"
)

// A broadcast is how many hear of changes, of how many flags, and how they are
// connected.
type broadcast struct {
	name          string
	flags         int
	streams       int
	perConnection int
	path          string
	message       proto.Message
	sync          bool // they get flags, on the port of flag sync
}

func (s settings) plans() []broadcast {
	events := broadcast{
		name: "events", flags: 1000, streams: 1000, perConnection: 1,
		path: service + "EventStream", message: &evaluationv1.EventStreamRequest{},
	}
	shared := events
	shared.perConnection = 10
	return []broadcast{events, shared, {
		name: "flag sync", flags: 10_000, streams: 100, perConnection: 1, sync: true,
		path: "/flagd.sync.v1.FlagSyncService/SyncFlags", message: &syncv1.SyncFlagsRequest{},
	}}
}

// broadcasts measure streams.
func (b *bench) broadcasts(ctx context.Context) error {
	for _, plan := range b.plans() {
		name := fmt.Sprintf("%s, %d streams, %d on a connection, %d flags", plan.name, plan.streams, plan.perConnection, plan.flags)
		if !b.wanted(name) {
			continue
		}
		for _, p := range b.peers {
			if !p.full {
				continue
			}
			r, err := b.broadcast(ctx, p, plan)
			if err != nil && p.name != ours {
				fmt.Fprintf(b.out, "%s: %s does not get through: %v\n", name, p.name, err)
				r.Failed = err.Error()
			} else if err != nil {
				return fmt.Errorf("%s: %s: %w", name, p.name, err)
			}
			b.figures.Broadcasts = append(b.figures.Broadcasts, r)
		}
	}
	return nil
}

func (b *bench) broadcast(ctx context.Context, p peer, plan broadcast) (r broadcastRow, err error) {
	r = broadcastRow{
		System: p.name, Kind: plan.name, Flags: plan.flags, Streams: plan.streams, PerConnection: plan.perConnection,
	}
	plan.flags, plan.streams = b.few(plan.flags), b.few(plan.streams)
	file, err := b.file("broadcast.json", plan.flags)
	if err != nil {
		return r, err
	}
	s, _, err := b.start(ctx, p, true, file)
	if err != nil {
		return r, err
	}
	defer s.Stop()
	if err := s.quiet(ctx); err != nil {
		return r, err
	}
	before, _, err := s.Memory()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a, err := b.gather(ctx, s, plan)
	if err != nil {
		return r, err
	}
	if err := s.quiet(ctx); err != nil {
		return r, err
	}
	subscribed, _, err := s.Memory()
	if err != nil {
		return r, err
	}
	r.Resident = significant(mebibytes(subscribed))
	r.PerStream = significant(float64(subscribed-before) / 1024 / float64(plan.streams))

	var used, last []float64
	for revision := range min(max(b.rounds, 1), 7) {
		u, l, err := b.tell(ctx, s, a, plan, revision+1)
		if err != nil {
			return r, err
		}
		used, last = append(used, u.Seconds()*1000), append(last, l.Seconds()*1000)
	}
	r.Used, r.MinUsed, r.MaxUsed = significant(median(used)), significant(slices.Min(used)), significant(slices.Max(used))
	r.Last = significant(median(last))
	after, _, err := s.Memory()
	r.After = significant(mebibytes(after))
	return r, err
}

// An audience is who listens on streams.
type audience struct {
	heard chan wire.Heard
	size  int
}

// gather subscribes, and returns when everyone has heard something.
func (b *bench) gather(ctx context.Context, s *server, plan broadcast) (*audience, error) {
	body, err := proto.Marshal(plan.message)
	if err != nil {
		return nil, err
	}
	q := wire.Question{GRPC: true, Path: plan.path, Body: body}
	address := s.rpc
	if plan.sync {
		address = s.sync
	}
	a := &audience{heard: make(chan wire.Heard, plan.streams), size: plan.streams}
	for first := 0; first < plan.streams; first += plan.perConnection {
		n := min(plan.perConnection, plan.streams-first)
		if err := wire.Listen(ctx, address, &q, first, n, a.heard); err != nil {
			return nil, err
		}
	}
	_, err = a.everyone()
	return a, err
}

// everyone waits until each stream has had a message, and for a while in which
// nobody has another. It returns when the last of them had its first.
func (a *audience) everyone() (last time.Time, err error) {
	const (
		long    = 2 * time.Minute
		silence = 300 * time.Millisecond
	)
	had := make([]bool, a.size)
	missing := a.size
	timer := time.NewTimer(long)
	defer timer.Stop()
	for {
		select {
		case h := <-a.heard:
			if h.Err != nil {
				return last, fmt.Errorf("the stream %d: %w", h.Stream, h.Err)
			}
			if !had[h.Stream] {
				had[h.Stream] = true
				missing--
				last = h.At
			}
			if missing == 0 {
				timer.Reset(silence)
			}
		case <-timer.C:
			if missing > 0 {
				return last, fmt.Errorf("%d of %d streams hear nothing", missing, a.size)
			}
			return last, nil
		}
	}
}

// tell changes one flag. It returns what that costs the server, and after how
// long the last stream has heard of it.
func (b *bench) tell(ctx context.Context, s *server, a *audience, plan broadcast, revision int) (used, last time.Duration, err error) {
	doc, err := document(plan.flags, revision)
	if err != nil {
		return 0, 0, err
	}
	before, err := s.Used()
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if err := replace(filepath.Join(b.dir, "broadcast.json"), doc); err != nil {
		return 0, 0, err
	}
	at, err := a.everyone()
	if err != nil {
		return 0, 0, err
	}
	if err := s.quiet(ctx); err != nil {
		return 0, 0, err
	}
	after, err := s.Used()
	return after - before, at.Sub(begin), err
}
