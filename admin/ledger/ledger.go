// Package ledger keeps environments on NATS JetStream: one stream each, in
// which a change is an atomic batch of records that a head closes.
//
// A [Ledger] is the publisher of the protocol: it publishes only on top of the
// newest head, resolves outcomes that a lost answer left unknown, and puts
// back what was written past it. Several ledgers, in several processes, may
// work on one environment at once. docs/protocol.md tells the whole of it.
package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
)

// How long a ledger waits for what.
const (
	firstAckIn  = 500 * time.Millisecond // the first message of a batch
	commitIn    = 2 * time.Second        // the last one
	changeIn    = 15 * time.Second       // a whole change: an election took up to 8 s
	answerIn    = 2 * time.Second        // any other request
	beaconEvery = 5 * time.Second
)

// A Config says how to keep an environment.
type Config struct {
	Environment string

	// Replicas is how many servers of a cluster store the environment, if
	// it has to be made; 0 means 1.
	Replicas int

	// AbandonedAfter is how long parts of a change wait for their publisher
	// before somebody else puts back what they replaced; 0 means a minute.
	AbandonedAfter time.Duration

	// SigningKeys are files with the keys that every change is signed with;
	// see "flagline key". With at least one, only a state that one of them
	// signed is built upon.
	SigningKeys []string

	// SignExisting takes the newest state there is as it is, once, to begin
	// signing an environment that was not signed before.
	SignExisting bool

	Logger *slog.Logger // nil is silent
}

// A Ledger implements [admin.Ledger].
type Ledger struct {
	env    wire.Environment
	nc     *nats.Conn
	js     jetstream.JetStream
	client *natslog.Client
	signer *signing.Signer
	logger *slog.Logger

	abandoned time.Duration // as Config.AbandonedAfter

	turn  chan struct{} // holds one token: whoever has it moves what follows
	log   *replica.Log
	flags map[string]bool // the keys that exist after the last change
	own   map[string]bool // the changes that were begun here in this turn
	doubt bool            // an answer was lost: readers may have lost records
	anew  bool            // log begins before what state and changes show

	// What is read at any time, so that reading never waits for a change
	// under way, and a plan may look at the past.
	state   atomic.Pointer[replica.State]
	changes atomic.Pointer[[]entry] // every change, oldest first
	base    atomic.Pointer[written] // nil if there is none that is known
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
	signer, err := signing.ReadSigner(cfg.SigningKeys...)
	if err != nil {
		return nil, fmt.Errorf("open environment %q: %w", env, err)
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l := &Ledger{
		env: env, nc: nc, js: js, signer: signer,
		client: natslog.Owner(nc, env),
		logger: logger.With("origin", "environment "+string(env)),
		turn:   make(chan struct{}, 1),

		abandoned: cmp.Or(cfg.AbandonedAfter, time.Minute),
	}
	l.turn <- struct{}{}
	l.reset()
	l.state.Store(l.log.State())
	l.changes.Store(new([]entry))
	l.anew = false
	if err := l.open(ctx, cfg); err != nil {
		return nil, fmt.Errorf("open environment %q: %w", env, err)
	}
	return l, nil
}

// reset begins to read from the start. What was read is shown until there is
// something else.
func (l *Ledger) reset() {
	l.log, l.flags, l.anew = replica.NewLog(l.env, nil), make(map[string]bool), true
	if l.signer != nil {
		l.log.Vouch = l.vouch
	}
}

// open retries while the cluster has no leader, as at its start.
func (l *Ledger) open(ctx context.Context, cfg Config) error {
	for {
		err := l.tryOpen(ctx, cfg)
		if err == nil || ctx.Err() != nil || !passing(err) {
			return err
		}
		l.logger.Info("wait for the environment", "err", err)
		if !sleep(ctx, 250*time.Millisecond) {
			return err
		}
	}
}

func (l *Ledger) tryOpen(ctx context.Context, cfg Config) error {
	if err := l.ensureStream(ctx, max(cfg.Replicas, 1)); err != nil {
		return err
	}
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.leave()
	if cfg.SignExisting {
		if err := l.signExisting(ctx); err != nil {
			return err
		}
	}
	if _, err := l.whole(ctx); err != nil {
		return err
	}
	return l.signWithAll(ctx)
}

// take waits for the turn. It fails if ctx is done first, or by then: nobody
// waits any more for what would be done.
func (l *Ledger) take(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.turn:
	}
	if ctx.Err() != nil {
		l.leave()
		return ctx.Err()
	}
	return nil
}

func (l *Ledger) leave() { l.turn <- struct{}{} }

// Run keeps State up to date with what other publishers do, and tells readers
// with a beacon that somebody does, until ctx is done.
func (l *Ledger) Run(ctx context.Context) error {
	wake := make(chan struct{}, 1)
	sub, err := l.nc.Subscribe(l.env.Changes(), func(msg *nats.Msg) {
		if msg.Subject == l.env.Beacon() {
			return
		}
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return fmt.Errorf("follow environment %q: %w", l.env, err)
	}
	defer sub.Unsubscribe()
	defer l.keepBase(ctx)()
	tick := time.NewTicker(beaconEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
			l.refresh(ctx)
		case <-tick.C:
			if l.refresh(ctx) {
				l.beacon()
			}
		}
	}
}

// refresh looks at the newest state, for as long as a tick at most. It is true
// if it is known.
func (l *Ledger) refresh(ctx context.Context) bool {
	short, cancel := context.WithTimeout(ctx, beaconEvery)
	defer cancel()
	if err := l.take(short); err != nil {
		return false // somebody publishes
	}
	defer l.leave()
	_, err := l.whole(short)
	if err != nil && ctx.Err() == nil {
		l.logger.Warn("wait for the newest state", "err", err)
	}
	return err == nil
}

// Incarnation names the log that the newest state known belongs to, and its
// epoch.
func (l *Ledger) Incarnation() (name string, epoch uint64) {
	head := l.state.Load().Head
	return head.Incarnation, head.Epoch
}

// State is the newest state known.
func (l *Ledger) State() admin.State { return view{l.env, l.state.Load()} }

// passing says whether err may be gone in a moment.
func passing(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, natslog.ErrNoAnswer) || errors.Is(err, nats.ErrDisconnected) ||
		errors.Is(err, nats.ErrConnectionReconnecting) || errors.Is(err, errBusy) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || apiCode(err) == codeNoLeader
}
