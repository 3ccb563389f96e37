package provider

import (
	"context"
	"sync"
	"time"
)

// A bounded context is a caller's with a deadline, as that of
// [context.WithDeadline], but without what that costs as long as nobody waits for
// it: a question that goes out keeps the deadline by its connection.
type bounded struct {
	context.Context //nolint:containedctx // the caller's, which this one is

	deadline time.Time

	once   sync.Once
	timed  context.Context //nolint:containedctx // made of the caller's
	cancel context.CancelFunc
}

// bound returns ctx with a deadline after d, unless it has a nearer one. It is to
// be released.
func bound(ctx context.Context, d time.Duration) *bounded {
	b := &bounded{Context: ctx, deadline: time.Now().Add(d)}
	if own, ok := ctx.Deadline(); ok && own.Before(b.deadline) {
		b.deadline = own
	}
	return b
}

// Deadline implements [context.Context].
func (b *bounded) Deadline() (time.Time, bool) { return b.deadline, true }

// Done implements [context.Context].
func (b *bounded) Done() <-chan struct{} {
	b.once.Do(func() { b.timed, b.cancel = context.WithDeadline(b.Context, b.deadline) })
	return b.timed.Done()
}

// Err implements [context.Context].
func (b *bounded) Err() error {
	if err := b.Context.Err(); err != nil {
		return err
	}
	if !time.Now().Before(b.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

func (b *bounded) release() {
	if b.cancel != nil {
		b.cancel()
	}
}
