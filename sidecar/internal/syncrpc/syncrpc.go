// Package syncrpc hands flags on to those who evaluate them themselves: flagd's
// service flagd.sync.v1, and the same document over plain HTTP.
//
// What is handed on is flagd's part of each flag, compiled and found good here.
// Each state is written once, however many ask for it, and whoever reads slowly
// is sent the newest and none of those in between.
package syncrpc

import (
	"context"
	"time"

	"connectrpc.com/connect"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/edition"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/scope"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// A Service hands on the newest snapshot of a store. Its fields must not be
// changed once it serves.
type Service struct {
	// Context are values that join the context of every evaluation elsewhere.
	Context map[string]any

	// NoMetadata refuses GetMetadata, as flagd does when it is told to.
	NoMetadata bool

	// Closing ends all streams once it is closed.
	Closing <-chan struct{}

	// StreamDeadline is how long a stream lasts at most; 0 is without limit.
	StreamDeadline time.Duration

	// Streams, unless nil, is told of each stream that begins, and returns what
	// to call with why it ended.
	Streams func(providerID, selector string) (ended func(reason string))

	store     *store.Store
	documents *edition.Shelf[document]
}

// New returns a service for the flags of st. It keeps what it writes with the
// flags, which are counted in counts by whoever answers about them.
func New(st *store.Store, counts *tally.Tally) *Service {
	return &Service{store: st, documents: newDocuments(counts)}
}

// Why streams end, as flagd counts it.
const (
	endedNormally  = "normal_close"
	endedDeadline  = "deadline_exceeded"
	endedByClient  = "client_disconnect"
	endedByMistake = "error"
)

const service = "flagd.sync.v1.FlagSyncService"

// Procedures returns the methods of the service.
func (s *Service) Procedures() rpc.Procedures {
	return rpc.Procedures{
		rpc.ServerStream(service, "SyncFlags", s.sync),
		rpc.Unary(service, "FetchAllFlags", s.fetch),
		rpc.Unary(service, "GetMetadata", s.metadata),
	}
}

// selector reads which flags a request is about: the header wins.
func selector(headers rpc.Headers, q *request) (sel store.Selector, text string, err error) {
	text = q.selector
	if values := headers.Values(scope.Header); len(values) > 0 && values[0] != "" {
		text = values[0]
	}
	sel, err = store.ParseSelector(text)
	if err != nil {
		err = &rpc.Refusal{Code: connect.CodeInvalidArgument, Text: err.Error()}
	}
	return sel, text, err
}

// errClosing ends streams when the service does. It is an error because many
// clients come back after one, and take an ordinary end for the end of all.
var errClosing = &rpc.Refusal{Code: connect.CodeUnavailable, Text: "the sidecar is shutting down; come back"}

var errNotReady = &rpc.Refusal{
	Code: connect.CodeUnavailable, Text: "not every source of flags has delivered yet; try again",
}

func (s *Service) fetch(_ context.Context, headers rpc.Headers, q *request) (*flags, error) {
	sel, _, err := selector(headers, q)
	if err != nil {
		return nil, err
	}
	if !s.store.Ready() {
		return nil, errNotReady
	}
	return &flags{document: s.documents.Of(s.store.Current(), sel)}, nil
}

func (s *Service) metadata(context.Context, rpc.Headers, *request) (*metadata, error) {
	if s.NoMetadata {
		return nil, &rpc.Refusal{Code: connect.CodeUnimplemented, Text: "metadata endpoint disabled"}
	}
	return &metadata{context: s.Context}, nil
}

func (s *Service) sync(ctx context.Context, headers rpc.Headers, q *request, send func(*flags) error) error {
	sel, text, err := selector(headers, q)
	if err != nil {
		return err
	}
	w := watch{service: s, sel: sel, send: send}
	if s.StreamDeadline > 0 {
		limit := time.NewTimer(s.StreamDeadline)
		defer limit.Stop()
		w.limit = limit.C
	}
	ended := func(string) {}
	if s.Streams != nil {
		ended = s.Streams(q.providerID, text)
	}
	reason, err := w.run(ctx)
	ended(reason)
	return err
}

// A watch is one stream.
type watch struct {
	service *Service
	sel     store.Selector
	send    func(*flags) error
	limit   <-chan time.Time // nil if the stream may last
}

// run sends the flags, once every source has delivered, and again whenever they
// differ. It says why it ended.
func (w *watch) run(ctx context.Context) (reason string, err error) {
	s := w.service
	var sent *document
	for {
		shown := s.store.Current()
		if s.store.Ready() {
			next := s.documents.Of(shown, w.sel)
			if sent == nil || next != sent && !next.equal(sent) {
				if err := w.send(&flags{document: next, context: s.Context, stream: true}); err != nil {
					return endedByClient, nil //nolint:nilerr // who went away needs no answer
				}
				sent = next
			}
		}
		select {
		case <-shown.Superseded():
		case <-w.limit:
			return endedDeadline, &rpc.Refusal{
				Code: connect.CodeDeadlineExceeded, Text: "stream closed due to server-side timeout",
			}
		case <-s.Closing:
			return endedNormally, errClosing
		case <-ctx.Done():
			return endedByClient, nil
		}
	}
}
