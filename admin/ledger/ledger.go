// Package ledger keeps environments on NATS JetStream: one stream each, in
// which a change is an atomic batch of records that a head closes.
//
// A [Ledger] is the publisher of the protocol: it publishes only on top of the
// newest head, resolves outcomes that a lost answer left unknown, and puts
// back what was written past it. Several ledgers, in several processes, may
// work on one environment at once. docs/protocol.md tells the whole of it.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// How long a ledger waits for what.
const (
	firstAckIn = 500 * time.Millisecond // the first message of a batch
	commitIn   = 2 * time.Second        // the last one
	changeIn   = 15 * time.Second       // a whole change: an election took up to 8 s
	answerIn   = 2 * time.Second        // any other request
	refreshEv  = 5 * time.Second        // looking at head without a reason
)

// A Config says how to keep an environment.
type Config struct {
	Environment string

	// Replicas is how many servers of a cluster store the environment, if
	// it has to be made; 0 means 1.
	Replicas int

	Logger *slog.Logger // nil is silent
}

// A Ledger implements [admin.Ledger].
type Ledger struct {
	env    wire.Environment
	nc     *nats.Conn
	js     jetstream.JetStream
	client *natslog.Client
	logger *slog.Logger

	mu    sync.Mutex // of log and flags, and of whoever publishes
	log   *replica.Log
	flags map[string]bool // the keys that exist after the last change

	// What is read without the lock, so that it never waits for a change
	// under way, and so that a plan may look at the past.
	state   atomic.Pointer[replica.State]
	changes atomic.Pointer[[]entry] // every change, oldest first
}

var _ admin.Ledger = (*Ledger)(nil)

// Open opens an environment over nc, whose user owns it, and makes it if it
// does not exist. It returns when the newest state is known.
func Open(ctx context.Context, nc *nats.Conn, cfg Config) (*Ledger, error) {
	env, err := wire.ParseEnvironment(cfg.Environment)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open environment %q: %w", env, err)
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l := &Ledger{
		env: env, nc: nc, js: js,
		client: natslog.Owner(nc, env),
		logger: logger.With("origin", "environment "+string(env)),
		log:    replica.NewLog(env, nil),
		flags:  make(map[string]bool),
	}
	l.state.Store(l.log.State())
	l.changes.Store(new([]entry))
	if err := l.open(ctx, max(cfg.Replicas, 1)); err != nil {
		return nil, fmt.Errorf("open environment %q: %w", env, err)
	}
	return l, nil
}

// open retries while the cluster has no leader, as at its start.
func (l *Ledger) open(ctx context.Context, replicas int) error {
	for {
		err := l.tryOpen(ctx, replicas)
		if err == nil || ctx.Err() != nil || !passing(err) {
			return err
		}
		l.logger.Info("wait for the environment", "err", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func (l *Ledger) tryOpen(ctx context.Context, replicas int) error {
	if err := l.ensureStream(ctx, replicas); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, _, err := l.leaderHead(ctx); errors.Is(err, natslog.ErrEmpty) {
		if err := l.begin(ctx); err != nil {
			return err
		}
	}
	_, err := l.whole(ctx)
	return err
}

// Run keeps State up to date with what other publishers do, until ctx is done.
func (l *Ledger) Run(ctx context.Context) error {
	wake := make(chan struct{}, 1)
	sub, err := l.nc.Subscribe(l.env.Changes(), func(*nats.Msg) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return fmt.Errorf("follow environment %q: %w", l.env, err)
	}
	defer sub.Unsubscribe()
	tick := time.NewTicker(refreshEv)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-tick.C:
		}
		l.mu.Lock()
		_, err := l.whole(ctx)
		l.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			l.logger.Warn("wait for the newest state", "err", err)
		}
	}
}

// State is the newest state known.
func (l *Ledger) State() admin.State { return view{l.env, l.state.Load()} }

// leaderHead asks the leader of the stream for head, which no replica that is
// behind can answer. If something else was written in its place, the head is
// the zero one.
func (l *Ledger) leaderHead(ctx context.Context) (wire.Head, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	msg, err := l.lastOf(ctx, l.env.Subject(wire.HeadKey))
	if err != nil {
		return wire.Head{}, 0, err
	}
	h, err := wire.ParseHead(msg.Data)
	if err != nil {
		return wire.Head{}, msg.Seq, nil
	}
	return h, msg.Seq, nil
}

// whole brings the log to the leader's head. It returns the records that were
// news, in stream order. The caller holds the lock.
func (l *Ledger) whole(ctx context.Context) ([]replica.Record, error) {
	var news []replica.Record
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		head, seq, err := l.leaderHead(ctx)
		if err != nil {
			return news, err
		}
		stray := head.Generation == 0
		if now := l.log.State().Head; !stray && now.Generation != 0 && head.Incarnation != now.Incarnation {
			l.logger.Warn("follow another incarnation", "generation", head.Generation)
			l.log, l.flags = replica.NewLog(l.env, nil), make(map[string]bool)
			l.changes.Store(new([]entry))
		}
		if seq <= l.log.State().Seq {
			return news, nil
		}
		more, err := l.catchUp(ctx, seq)
		news = append(news, more...)
		switch {
		case err != nil:
			return news, err
		case l.log.State().Seq == seq:
			return news, nil
		case stray, head.More && time.Since(head.Time) > abandonedAfter:
			if err := l.repair(ctx); err != nil {
				return news, err
			}
			continue
		}
		select { // a replica that is behind, or a publisher at work
		case <-ctx.Done():
			if head.More {
				return news, &admin.UnavailableError{Err: fmt.Errorf("change %s is being published", head.Change)}
			}
			return news, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (l *Ledger) catchUp(ctx context.Context, to uint64) ([]replica.Record, error) {
	var news []replica.Record
	var stepErr error
	advance := func() bool {
		step, err := l.log.Advance()
		if step != nil {
			l.record(step.Records)
			news = append(news, step.Records...)
			l.state.Store(step.State)
		}
		stepErr = err
		return err == nil
	}
	err := l.client.Read(ctx, l.env.Subjects(), l.log.Missing(), to, func(r replica.Record) bool {
		l.log.Offer(r)
		return r.Key != wire.HeadKey || !l.log.Full() || advance()
	})
	if err == nil && stepErr == nil {
		advance()
	}
	if err == nil {
		err = stepErr
	}
	return news, err
}

// passing says whether err may be gone in a moment.
func passing(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, natslog.ErrNoAnswer) || errors.Is(err, nats.ErrDisconnected) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || apiCode(err) == codeNoLeader
}
