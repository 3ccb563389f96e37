package provider

import (
	"maps"
	"slices"

	"github.com/open-feature/go-sdk/openfeature"
)

// changes are the flags that answer differently than before. The zero value
// is none.
type changes struct {
	keys    map[string]struct{}
	unknown bool // any flag may answer differently
}

func changesOf[V any](flags map[string]V) changes {
	c := changes{keys: make(map[string]struct{}, len(flags))}
	for key := range flags {
		c.keys[key] = struct{}{}
	}
	return c
}

func (c changes) none() bool { return len(c.keys) == 0 && !c.unknown }

func (c *changes) add(more changes) {
	c.unknown = c.unknown || more.unknown
	if c.keys == nil {
		c.keys = make(map[string]struct{}, len(more.keys))
	}
	maps.Copy(c.keys, more.keys)
}

// flags returns the keys in byte order, nil if they are unknown and an empty
// list if there are none.
func (c changes) flags() []string {
	if c.unknown {
		return nil
	}
	return slices.AppendSeq(make([]string, 0, len(c.keys)), maps.Keys(c.keys))
}

func event(kind openfeature.EventType, message string, flags []string) openfeature.Event {
	slices.Sort(flags)
	return openfeature.Event{
		EventType:            kind,
		ProviderEventDetails: openfeature.ProviderEventDetails{Message: message, FlagChanges: flags},
	}
}

func failure(code openfeature.ErrorCode, message string) openfeature.Event {
	e := event(openfeature.ProviderError, message, nil)
	e.ErrorCode = code
	return e
}

// maxQueue is how many events wait for a reader before they are merged. The
// SDK reads at once; nobody reads from a provider that is not set.
const maxQueue = 32

// A queue holds events that nobody has received yet.
type queue []openfeature.Event

// push adds e. A queue that grows too long is reduced to what still matters:
// the newest state and all that changed.
func (q *queue) push(e openfeature.Event) {
	*q = append(*q, e)
	if len(*q) > maxQueue {
		*q = q.merged()
	}
}

func (q queue) merged() queue {
	var state, change *openfeature.Event
	var all changes
	for _, e := range q {
		if e.EventType != openfeature.ProviderConfigChange {
			state = &e
			continue
		}
		change = &e
		all.unknown = all.unknown || e.FlagChanges == nil
		for _, key := range e.FlagChanges {
			all.add(changes{keys: map[string]struct{}{key: {}}})
		}
	}
	var merged queue
	if state != nil {
		merged = append(merged, *state)
	}
	if change != nil {
		merged = append(merged, event(change.EventType, change.Message, all.flags()))
	}
	return merged
}
