package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/flagline/flagline/internal/filelock"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// How long a keeper waits for what.
const (
	headIn     = 5 * time.Second // one question
	lookEvery  = 5 * time.Second // without a reason
	retryLast  = time.Minute     // after failures
	flushAfter = 10_000          // records, while it catches up
)

// A Keeper keeps the journal of one environment. It is not safe for concurrent
// use. Close it when done.
type Keeper struct {
	dir    string
	env    wire.Environment
	from   *natslog.Client
	logger *slog.Logger
	unlock func()
	w      *writer
}

// NewKeeper keeps in dir the journal of the environment that from reads. Any
// number of environments share dir, but of each environment there is one keeper
// at a time, in all processes: while there is another, it returns an error.
// logger may be nil.
func NewKeeper(dir string, from *natslog.Client, logger *slog.Logger) (*Keeper, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	k := &Keeper{dir: dir, env: from.Environment, from: from, logger: logger}
	place := filepath.Join(dir, string(k.env))
	if err := os.MkdirAll(place, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var err error
	if k.unlock, err = filelock.Take(filepath.Join(place, "lock")); err != nil {
		return nil, fmt.Errorf("journal %s: %w", place, err)
	}
	return k, nil
}

// Close ends the keeping.
func (k *Keeper) Close() {
	k.reset()
	k.unlock()
}

func (k *Keeper) reset() {
	if k.w != nil {
		k.w.close()
	}
	k.w = nil
}

// CatchUp writes down what the log holds beyond the journal. When it returns
// without an error, everything up to the newest complete head that the
// answering server knows is on the disk.
func (k *Keeper) CatchUp(ctx context.Context) error {
	err := k.catchUp(ctx)
	if err != nil {
		k.reset() // and go over the end of the file the next time
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (k *Keeper) catchUp(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, headIn)
	head, seq, err := k.from.Head(short)
	cancel()
	if errors.Is(err, natslog.ErrEmpty) {
		return nil
	}
	if err != nil {
		return err
	}
	if k.w == nil || k.w.incarnation != head.Incarnation {
		k.reset()
		w, cut, err := openWriter(k.dir, k.env, head.Incarnation)
		if cut != nil {
			k.logger.Warn("cut the end of the journal off", "err", cut)
		}
		if err != nil {
			return err
		}
		k.w = w
	}
	var steps []*replica.Step
	records := 0
	for step, err := range read(ctx, k.from, k.w.log, seq) {
		if err != nil {
			return err
		}
		if step.State.Head.Incarnation != k.w.incarnation {
			return fmt.Errorf("the log of incarnation %s became that of %s", k.w.incarnation, step.State.Head.Incarnation)
		}
		steps = append(steps, step)
		if records += len(step.Records); records < flushAfter {
			continue
		}
		if err := k.w.append(steps); err != nil {
			return err
		}
		steps, records = nil, 0
	}
	return k.w.append(steps)
}

// read reads the log beyond at, up to the sequence to, generation by
// generation. Records after the last complete head are left for another time.
func read(ctx context.Context, from *natslog.Client, at *replica.Log, to uint64) iter.Seq2[*replica.Step, error] {
	return func(yield func(*replica.Step, error) bool) {
		at.Forget()
		next := at.State().Seq + 1
		var wrong, refused error
		stopped := false
		err := from.Read(ctx, from.Environment.Subjects(), next, to, func(r replica.Record) bool {
			if r.Seq != next {
				wrong = fmt.Errorf("the log goes on with sequence %d, where %d is next", r.Seq, next)
				return false
			}
			next++
			step, no, err := takeRecord(at, r)
			if wrong = err; err != nil {
				return false
			}
			if no != nil {
				refused = no
			}
			if step != nil {
				refused = nil
				stopped = !yield(step, nil)
			}
			return !stopped
		})
		if err == nil {
			err = errors.Join(wrong, refused)
		}
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// Follow keeps the journal of the environment that from reads until ctx is done:
// it looks when it is woken and every few seconds. Nothing that goes wrong with
// a journal ends it, or anything else; it is logged, and tried again.
func Follow(ctx context.Context, dir string, from *natslog.Client, wake <-chan struct{}, logger *slog.Logger) {
	var k *Keeper
	defer func() {
		if k != nil {
			k.Close()
		}
	}()
	wait, said := lookEvery, ""
	for {
		err := func() (err error) {
			if k == nil {
				k, err = NewKeeper(dir, from, logger)
			}
			if err != nil {
				k = nil
				return err
			}
			return k.CatchUp(ctx)
		}()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if said != "" {
				logger.Warn("keep the journal again")
			}
			wait, said = lookEvery, ""
		default:
			if said != err.Error() {
				logger.Log(ctx, severity(err), "fall behind with the journal", "err", err)
			}
			wait, said = min(2*wait, retryLast), err.Error()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-wake:
		}
	}
}

// severity: that NATS is away mends itself.
func severity(err error) slog.Level {
	if errors.Is(err, natslog.ErrNoAnswer) {
		return slog.LevelWarn
	}
	return slog.LevelError
}
