package provider

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/flagline/flagline/evaluator"
)

// Enrichments are what servers of the sync protocol add to every context.
type enrichments struct {
	all atomic.Pointer[map[string]any] // nil if there is nothing to add

	mu      sync.Mutex
	streams []map[string]any // by stream, the later ones counting before the earlier
}

// of returns what takes the context of one more stream, through enrich.
func (e *enrichments) of(enrich func(map[string]any) map[string]any) func(map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	stream := len(e.streams)
	e.streams = append(e.streams, nil)
	return func(syncContext map[string]any) {
		added := enrich(syncContext)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.streams[stream] = maps.Clone(added)
		all := make(map[string]any)
		for _, added := range e.streams {
			maps.Copy(all, added)
		}
		if len(all) == 0 {
			e.all.Store(nil)
		} else {
			e.all.Store(&all)
		}
	}
}

// join returns ec with what is added to it; ec itself if that is nothing.
func (e *enrichments) join(ec evaluator.Context) evaluator.Context {
	all := e.all.Load()
	if all == nil {
		return ec
	}
	joined := make(evaluator.Context, len(ec)+len(*all))
	maps.Copy(joined, ec)
	maps.Copy(joined, *all)
	return joined
}
