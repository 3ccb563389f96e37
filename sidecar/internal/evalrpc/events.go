package evalrpc

import (
	"context"
	"net/http"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
)

// What an event stream says.
const (
	eventReady     = "provider_ready"
	eventChange    = "configuration_change"
	eventKeepAlive = "keep_alive"
	eventShutdown  = "provider_shutdown"
)

// events tells send that the service is ready, once every source has delivered,
// then of each change to the
// flags that the selector shows, until ctx is done, the service is closing or
// send returns an error.
func (s *Service) events(
	ctx context.Context, headers http.Header, send func(kind string, data *structpb.Struct) error,
) error {
	sel, err := selector(headers)
	if err != nil {
		return err
	}

	// A client takes the first message for leave to ask: it must not be told that flags do
	// not exist which are on their way.
	for now := s.Store.Current(); !s.Store.Ready(); now = s.Store.Current() {
		select {
		case <-now.Superseded():
		case <-s.Closing:
			return send(eventShutdown, &structpb.Struct{})
		case <-ctx.Done():
			return nil
		}
	}

	// Changes count from here, before the first message: whoever has that
	// message may ask, and keep the answer until it is told of a change.
	ctx, cancel := context.WithCancel(ctx)
	changes := s.changes(ctx, sel)
	var pump sync.WaitGroup
	defer pump.Wait()
	defer cancel()
	pending := make(chan map[string]evaluator.Change)
	pump.Go(func() { changes(pending) })

	if err := send(eventReady, &structpb.Struct{}); err != nil {
		return err
	}
	for {
		silence := time.NewTimer(s.KeepAlive)
		select {
		case changed := <-pending:
			err = send(eventChange, changeData(changed))
		case <-silence.C:
			err = send(eventKeepAlive, &structpb.Struct{})
		case <-s.Closing:
			return send(eventShutdown, &structpb.Struct{})
		case <-ctx.Done():
			return nil
		}
		silence.Stop()
		if err != nil {
			return err
		}
	}
}

// changes returns a function that passes on what changes after the call of
// changes itself, until ctx is done. While nobody receives, changes gather.
func (s *Service) changes(ctx context.Context, sel store.Selector) func(to chan<- map[string]evaluator.Change) {
	steps := s.Store.Changes(ctx)
	return func(to chan<- map[string]evaluator.Change) {
		for old, next := range steps {
			changed := store.Diff(old, next, sel)
			if len(changed) == 0 {
				continue
			}
			select {
			case to <- changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// changeData lists what changed as flagd does: each key with its type of change.
func changeData(changed map[string]evaluator.Change) *structpb.Struct {
	flags := make(map[string]*structpb.Value, len(changed))
	for key, change := range changed {
		flags[key] = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			"type": structpb.NewStringValue(change.String()),
		}})
	}
	return &structpb.Struct{Fields: map[string]*structpb.Value{
		"flags": structpb.NewStructValue(&structpb.Struct{Fields: flags}),
	}}
}
