package evalrpc

import (
	"context"
	"time"

	"connectrpc.com/connect"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/rpc"
)

// What an event stream says beside what changed.
var (
	eventKeepAlive = newEvent("keep_alive", nil)
	eventShutdown  = newEvent("provider_shutdown", nil)
)

// errClosing ends streams when the service does. It is an error because many
// clients come back after one, and take an ordinary end for the end of all.
var errClosing = &rpc.Refusal{Code: connect.CodeUnavailable, Text: "the sidecar is shutting down; come back"}

// events tells send that the service is ready, once every source has delivered,
// then of each change to the flags that the selector shows, until ctx is done,
// the service is closing, the stream has lasted long enough or send returns an
// error. A client that reads slowly is told of several changes at once.
func (s *Service) events(ctx context.Context, d *dialect, headers rpc.Headers, send func(*event) error) error {
	sel, err := selector(headers)
	if err != nil {
		return err
	}
	if s.Streams != nil {
		defer s.Streams(d.service)()
	}
	w := watch{service: s, sel: sel, send: send}
	if s.StreamDeadline > 0 {
		limit := time.NewTimer(s.StreamDeadline)
		defer limit.Stop()
		w.limit = limit.C
	}
	return w.run(ctx)
}

// ready is the first event of each stream.
func (s *Service) ready() *event {
	first := newEvent("provider_ready", nil)
	first.mark = s.Mark
	return first
}

// A watch is one event stream.
type watch struct {
	service *Service
	sel     store.Selector
	send    func(*event) error
	limit   <-chan time.Time // nil if the stream may last
}

// run returns nil when the stream is over: a client that went away is no
// mistake.
func (w *watch) run(ctx context.Context) error {
	s := w.service
	shown := s.Store.Current()
	silence := time.NewTimer(s.KeepAlive)
	defer silence.Stop()
	ready := false
	for {
		// A client takes the first message for leave to ask: it must not be told
		// that flags do not exist which are on their way. Changes count from
		// before that message, since whoever has it may ask, and keep the answer
		// until it is told of a change.
		var next *event
		switch {
		case ready:
		case s.Store.Ready():
			shown, next, ready = s.Store.Current(), s.ready(), true
		}
		if next == nil {
			select {
			case <-shown.Superseded():
				old := shown
				if shown = s.Store.Current(); ready {
					next = s.recent.between(old, shown, w.sel)
				}
			case <-silence.C:
				if next = eventKeepAlive; !ready {
					next = nil
				}
				silence.Reset(s.KeepAlive)
			case <-w.limit:
				return &rpc.Refusal{Code: connect.CodeDeadlineExceeded, Text: "stream closed due to server-side timeout"}
			case <-s.Closing:
				_ = w.send(eventShutdown) // whether the client hears it or not, this is the end
				return errClosing
			case <-ctx.Done():
				return nil
			}
		}
		if next == nil {
			continue // nothing that this stream shows
		}
		if err := w.send(next); err != nil {
			return nil //nolint:nilerr // the client went away
		}
		silence.Reset(s.KeepAlive)
	}
}
