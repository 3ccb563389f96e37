package evalrpc

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/internal/structwire"
	"github.com/flagline/flagline/sidecar/internal/encoded"
)

// An event is one message of a stream, written once for all streams.
type event struct {
	wire, text []byte
	mark       string // what the stream that it begins is marked with; or ""
}

// Fields of EventStreamResponse.
const (
	eventType = 1
	eventData = 2
)

func newEvent(kind string, data map[string]any) *event {
	wire := encoded.AppendString(nil, eventType, kind)
	wire = protowire.AppendTag(wire, eventData, protowire.BytesType)
	wire = protowire.AppendBytes(wire, structwire.Append(nil, data))
	text := append([]byte(`{"type":"`), kind...)
	text = append(text, `","data":`...)
	if data == nil {
		data = map[string]any{}
	}
	text = append(text, encoded.Text(data)...)
	return &event{wire: wire, text: append(text, '}')}
}

// Mark implements [rpc.Marked].
func (e *event) Mark() (name, value string) { return marked(e.mark) }

// AppendWire implements [rpc.Message].
func (e *event) AppendWire(b []byte) []byte { return append(b, e.wire...) }

// AppendText implements [rpc.Message].
func (e *event) AppendText(b []byte) []byte { return append(b, e.text...) }

// Wire implements [rpc.Ready].
func (e *event) Wire() [][]byte { return [][]byte{e.wire} }

// recentChanges remembers how the last few snapshots differ: what one stream
// asks for, the others ask for at the same moment.
type recentChanges struct {
	mu   sync.Mutex
	last [16]difference
	next int
}

// A difference is what a change is to those who ask for it.
type difference struct {
	old, next uint64 // numbers, so that no snapshot is kept for it
	sel       store.Selector
	found     func() *event // finds it once
}

// between returns the event that tells how what sel shows differs in next from
// old; nil if it does not.
func (c *recentChanges) between(old, next *store.Snapshot, sel store.Selector) *event {
	return c.find(old, next, sel)()
}

func (c *recentChanges) find(old, next *store.Snapshot, sel store.Selector) func() *event {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.last {
		if d := &c.last[i]; d.old == old.Number && d.next == next.Number && d.sel == sel && d.found != nil {
			return d.found
		}
	}
	found := sync.OnceValue(func() *event { return changeEvent(store.Diff(old, next, sel)) })
	c.last[c.next] = difference{old.Number, next.Number, sel, found}
	c.next = (c.next + 1) % len(c.last)
	return found
}

// changeEvent lists what changed as flagd does: each key with its type of change.
func changeEvent(changed map[string]evaluator.Change) *event {
	if len(changed) == 0 {
		return nil
	}
	flags := make(map[string]any, len(changed))
	for key, change := range changed {
		flags[key] = map[string]any{"type": change.String()}
	}
	return newEvent("configuration_change", map[string]any{"flags": flags})
}
