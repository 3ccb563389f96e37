package syncstream

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/sync/v1/syncv1grpc"
	syncv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/sync/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

const (
	// patience is how long a server may take to send the flags before it is
	// said to have none.
	patience = time.Second

	// rarest is how seldom a server is asked for a sign of life at most.
	rarest = 10 * time.Minute
)

var (
	errNothing = errors.New("the server is there but has not sent any flags yet")
	errOld     = errors.New("the stream has lived as long as streams may")
)

// A watch is what one call of [Source.Watch] knows about the server.
type watch struct {
	source    *Source
	sink      source.Sink
	status    source.Status
	keepAlive time.Duration
	heard     atomic.Int64 // when anything last came, in nanoseconds of Unix time

	delivered [sha256.Size]byte // the document that was delivered last
	told      map[string]any    // the context that came with it; nil is none
	sent      bool              // whether any was
}

// follow takes what one stream brings until it ends, and reports whether it did
// well: the next may be opened at once. The error is one to give up for.
func (w *watch) follow(ctx context.Context) (well bool, err error) {
	got, err := w.stream(ctx)
	if ctx.Err() != nil {
		return got, nil // the end of the watch says nothing about the server
	}
	if errors.Is(err, errOld) {
		if !got {
			w.reportNothing()
		}
		return true, nil
	}
	if w.source.fatally(err) {
		return false, w.source.explain(err)
	}
	asked := strings.Contains(err.Error(), "too_many_pings")
	if asked {
		w.keepAlive = min(2*w.keepAlive, rarest)
	}
	// Servers limit how long a stream lives, and ask for the next one.
	ordinary := errors.Is(err, io.EOF) || status.Code(err) == codes.DeadlineExceeded || asked
	if !got || !ordinary {
		w.status.Connected = false
		w.report(w.source.explain(err))
	}
	return got, nil
}

// fatally reports whether err, with which a stream ended, is to give up for.
// Who once got flags got the address and the credentials right.
func (s *Source) fatally(err error) bool {
	st, ended := status.FromError(err) // rather than what is wrong on this side
	return ended && s.delivered.Load() == 0 && slices.Contains(s.fatal, st.Code())
}

// stream opens a stream and takes what it brings. The error is why it ended.
func (w *watch) stream(ctx context.Context) (got bool, err error) {
	conn, err := w.source.dial(w.keepAlive, &w.heard)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(ctx, w.source.metadata))
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel()
	stream, err := syncv1grpc.NewFlagSyncServiceClient(conn).SyncFlags(ctx, &syncv1.SyncFlagsRequest{
		ProviderId: w.source.cfg.ProviderID,
		Selector:   w.source.cfg.Selector, //nolint:staticcheck // servers of older versions read it, and metadata cannot hold every name
	})
	if err != nil {
		return false, err
	}
	messages, ended := make(chan *syncv1.SyncFlagsResponse), make(chan error, 1)
	reader.Go(func() {
		for {
			m, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
		}
	})
	return w.receive(ctx, messages, ended)
}

// receive takes messages until the stream ends.
func (w *watch) receive(ctx context.Context, messages <-chan *syncv1.SyncFlagsResponse, ended <-chan error) (got bool, err error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(w.source.cfg.KeepAlive / 4)
	defer tick.Stop()
	var old <-chan time.Time
	if d := w.source.cfg.StreamDeadline; d > 0 {
		old = time.After(d)
	}
	for {
		select {
		case <-ctx.Done():
			return got, ctx.Err()
		case err := <-ended:
			return got, err
		case <-old:
			return got, errOld
		case m := <-messages:
			got = true
			w.heard.Store(time.Now().UnixNano())
			w.status.Connected = true
			w.report(w.take(m))
		case <-late.C:
			if !got {
				w.reportNothing()
			}
		case <-tick.C:
			w.report(w.status.Err)
		}
	}
}

// report tells how the source is doing, err being what is wrong. As long as
// nothing is, whatever the server sent last is what it holds. That it lives is
// known as of what came from it last, or, if an option of the caller's keeps
// that from being noted, as of when it must have answered a ping for the
// connection to stand.
func (w *watch) report(err error) {
	w.status.Err = err
	if err == nil {
		pinged := time.Now().Add(-w.keepAlive - w.source.cfg.KeepAlive/3)
		w.status.Confirmed = time.Unix(0, max(w.heard.Load(), pinged.UnixNano()))
	}
	w.sink.Report(w.status)
}

// reportNothing tells that the server is there, and no more.
func (w *watch) reportNothing() {
	w.status.Connected = true
	w.report(w.source.named(errNothing))
}

// take delivers the document of m as the only one that counts, unless it was
// delivered already, and what comes with it. A message that it cannot read it
// leaves alone.
func (w *watch) take(m *syncv1.SyncFlagsResponse) error {
	text := m.GetFlagConfiguration()
	sum := sha256.Sum256([]byte(text))
	if w.sent && sum == w.delivered {
		w.tell(m)
		return nil
	}
	doc, err := flagdoc.Parse([]byte(text))
	if err != nil {
		return w.source.named(err)
	}
	records := doc.Records()
	w.tell(m) // as late as may be: readers see it before the flags
	w.sink.Apply(source.Update{
		Version: source.Version{Generation: w.source.delivered.Add(1), Time: time.Now()},
		Replace: true,
		Records: records,
	})
	w.delivered, w.sent = sum, true
	return nil
}

// tell hands on the context of m if it is another than before. The first
// message of a watch always has one to tell: none, if there is none.
func (w *watch) tell(m *syncv1.SyncFlagsResponse) {
	if w.source.cfg.OnContext == nil {
		return
	}
	var now, own map[string]any
	if c := m.GetSyncContext(); len(c.GetFields()) > 0 {
		now, own = c.AsMap(), c.AsMap()
	}
	if w.sent && reflect.DeepEqual(now, w.told) {
		return
	}
	w.told = now
	w.source.cfg.OnContext(own)
}

func (s *Source) named(err error) error { return fmt.Errorf("%s: %w", s.target.name, err) }

// explain says, for people, why a stream ended.
func (s *Source) explain(err error) error {
	switch st := status.Convert(err); {
	case errors.Is(err, io.EOF):
		return s.named(errors.New("the server ended the stream"))
	case st.Code() == codes.ResourceExhausted && strings.Contains(st.Message(), "larger than max"):
		return s.named(fmt.Errorf("the flags are longer than the %d bytes that one message may have", s.cfg.MaxMessage))
	case st.Code() == codes.Unimplemented:
		return s.named(errors.New("the server does not hand on flags; flagd does so on its sync port, which is 8015"))
	case st.Code() == codes.Unknown:
		return s.named(err)
	default:
		return s.named(fmt.Errorf("%s: %s", st.Code(), st.Message()))
	}
}
