package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/provider/internal/remote"
)

// patience is how long an event stream waits for a connection before it is told
// why there is none. gRPC goes on trying in any case.
const patience = 250 * time.Millisecond

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
		if !heard && m.isFatal(err) {
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

// isFatal says that err, which a server has said, is one of those that end
// everything.
func (m *sidecar) isFatal(err error) bool {
	s, ok := status.FromError(err)
	return ok && m.fatal[s.Code()]
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
	if s, ok := status.FromError(err); ok && s.Code() == codes.Unimplemented {
		return fmt.Errorf("%s; the port of evaluation is 8013", s.Message())
	} else if ok && s.Message() != "" {
		return fmt.Errorf("%s: %s", s.Code(), s.Message())
	}
	return err
}

// begin forgets what may have changed while nobody listened, which is anything.
func (m *sidecar) begin(mark string) {
	m.client.Trust(mark) // first, so that what is kept was asked of this server
	m.known.Listen()
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
