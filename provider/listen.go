package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/provider/internal/remote"
)

// patience is how long an event stream waits for a connection before it is told
// why there is none. gRPC goes on trying in any case.
const patience = 250 * time.Millisecond

// linger is how long a stream goes on when the next one is ready.
const linger = 5 * time.Second

var errSilent = errors.New("it has not answered yet")

// follow keeps an event stream open until ctx is done.
func (m *sidecar) follow(ctx context.Context, tell teller) {
	if m.err != nil {
		tell(report{err: m.err, fatal: true})
		return
	}
	defer m.close()
	m.tellLost(tell, errSilent)
	heard := false // from any server
	for ctx.Err() == nil {
		opened := time.Now()
		ready, err := m.listen(ctx, tell)
		heard = heard || ready
		if fatal := !heard && m.fatal[status.Code(err)]; fatal {
			tell(report{err: fmt.Errorf("sidecar %s: %w", m.cfg.Address, explain(err)), fatal: true})
			return
		}
		m.tellLost(tell, explain(err))
		if errors.Is(err, remote.ErrNotReached) {
			continue // that has taken its time
		}
		retry := time.NewTimer(m.backoff.next(time.Since(opened)))
		select {
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
		}
	}
}

// close ends whatever goes on. Nothing that was heard outlives it.
func (m *sidecar) close() {
	m.client.Close()
	m.known.Pause()
	m.known.DropAll()
}

// tellLost says that nobody tells of changes. What is known goes on answering for
// a while; what is heard meanwhile is not kept.
func (m *sidecar) tellLost(tell teller, err error) {
	m.known.Pause()
	m.client.Trust("")
	tell(report{err: fmt.Errorf("sidecar %s: %w", m.cfg.Address, err)})
}

// explain leaves out what gRPC says of itself.
func explain(err error) error {
	if s, ok := status.FromError(err); ok && s.Message() != "" {
		return fmt.Errorf("%s: %s", s.Code(), s.Message())
	}
	return err
}

// A stream is an event stream that goes on by itself.
type stream struct {
	cancel context.CancelFunc
	mark   string        // once it is ready
	ready  chan struct{} // closed then
	ended  chan error    // why it has ended
}

func (st *stream) isReady() bool {
	select {
	case <-st.ready:
		return true
	default:
		return false
	}
}

func (st *stream) stop() {
	st.cancel()
	<-st.ended //nolint:errcheck // nobody asks why any more
}

// open opens an event stream. One that takes the place of another is no news, unless
// it comes from elsewhere: see [sidecar.renew].
func (m *sidecar) open(ctx context.Context, tell teller, before *stream) *stream {
	ctx, cancel := context.WithCancel(ctx)
	st := &stream{cancel: cancel, ready: make(chan struct{}), ended: make(chan error, 1)}
	go func() {
		defer cancel()
		isReady := false
		st.ended <- m.client.Events(ctx, patience, func(e remote.Event) {
			m.pulse.beat()
			switch {
			case e.Type == remote.Ready && !isReady:
				isReady = true
				st.mark = e.Mark
				m.begin(st.mark)
				if before == nil || before.mark != st.mark {
					tell(report{usable: true, current: true, changes: changes{unknown: true}})
				}
				close(st.ready)
			case e.Type == remote.Changed:
				m.change(tell, e.Data)
			}
		})
	}()
	return st
}

// begin forgets what may have changed while nobody listened, which is anything.
func (m *sidecar) begin(mark string) {
	m.client.Trust(mark) // first, so that what is kept was asked of this server
	m.known.Listen()
}

// change takes the body of a change message, {"flags": {key: {…}}}.
func (m *sidecar) change(tell teller, data map[string]any) {
	flags, _ := data["flags"].(map[string]any)
	if len(flags) == 0 {
		m.known.DropAll()
		tell(report{usable: true, current: true, changes: changes{unknown: true}})
		return
	}
	c := changesOf(flags)
	m.known.Drop(c.flags()...)
	tell(report{usable: true, current: true, changes: c})
}

// listen opens an event stream, and the next one when its time is over, until one is
// lost. It returns why, and whether any was ready.
func (m *sidecar) listen(ctx context.Context, tell teller) (ready bool, err error) {
	current := m.open(ctx, tell, nil)
	for {
		var over <-chan time.Time
		if m.streamDeadline > 0 {
			deadline := time.NewTimer(m.streamDeadline)
			defer deadline.Stop()
			over = deadline.C
		}
		select {
		case err := <-current.ended:
			return ready || current.isReady(), err
		case <-over:
		}
		ready = ready || current.isReady()
		if current, err = m.renew(ctx, tell, current); err != nil {
			return ready, err
		}
	}
}

// renew opens the stream that takes the place of before, and ends that, which goes
// on for a while when the next one is ready: what changed just before that is for
// it to tell, and may be on its way. Should it never come, no answer is wrong for
// that, because none outlives the beginning of a stream.
func (m *sidecar) renew(ctx context.Context, tell teller, before *stream) (*stream, error) {
	next := m.open(ctx, tell, before)
	lingering := time.NewTimer(time.Hour)
	lingering.Stop()
	defer lingering.Stop()
	ready := next.ready
	for {
		select {
		case <-ready:
			ready = nil
			lingering.Reset(min(linger, 10*m.streamDeadline))
		case <-lingering.C:
			before.stop()
			return next, nil
		case err := <-before.ended:
			if next.isReady() {
				return next, nil // it has been replaced already
			}
			next.stop()
			return nil, err
		case err := <-next.ended:
			if ready == nil {
				before.stop()
				return nil, err
			}
			return before, nil // which is as good as it was
		}
	}
}

// A backoff says how long to wait before the next attempt.
type backoff struct {
	least, most time.Duration
	wait        time.Duration // the last answer
}

// next returns the wait after an attempt that lasted so long. It doubles,
// unless the attempt held for a while: a proxy that ends each stream at once
// must not be asked in a tight loop.
func (b *backoff) next(lasted time.Duration) time.Duration {
	if b.wait == 0 || lasted > b.most {
		b.wait = b.least
	} else {
		b.wait = min(2*b.wait, b.most)
	}
	return b.wait
}
