package flagtest

import (
	"context"
	"sync"
	"time"

	"github.com/flagline/flagline/source"
)

// A memory is a source whose flags a test changes. A change has arrived when
// the call that makes it returns.
type memory struct {
	mu      sync.Mutex // held while the sink is called
	sink    source.Sink
	flags   map[string]source.Record // by key: a flag is in one set at a time
	version uint64
	home    string // the set of flags that are new
}

func newMemory() *memory { return &memory{flags: make(map[string]source.Record)} }

// Name says where the flags come from.
func (m *memory) Name() string { return "test" }

// Watch makes sink hear of changes until ctx is done.
func (m *memory) Watch(ctx context.Context, sink source.Sink) error {
	m.start(sink)
	<-ctx.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sink = nil
	return nil
}

func (m *memory) start(sink source.Sink) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sink = sink
	m.apply(true, nil)
	sink.Report(source.Status{Connected: true, Confirmed: time.Now()})
}

// put makes records what is known of their flags and returns those that did
// not compile. A flag leaves the set that it was in before, so that what was
// put last answers.
func (m *memory) put(records []source.Record) []source.Rejection {
	m.mu.Lock()
	defer m.mu.Unlock()
	var update []source.Record
	for _, r := range records {
		if !r.Settings {
			if before, ok := m.flags[r.Key]; ok && before.Set != r.Set {
				update = append(update, source.Record{Set: before.Set, Key: r.Key})
			}
			m.flags[r.Key] = r
		}
		update = append(update, r)
	}
	return m.apply(false, update)
}

// remove forgets a flag.
func (m *memory) remove(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.flags[key]; ok {
		delete(m.flags, key)
		m.apply(false, []source.Record{{Set: r.Set, Key: key}})
	}
}

// record returns what is known of a flag. One that is not there would belong
// to the set of the document loaded last, whose evaluators its rules may use.
func (m *memory) record(key string) (r source.Record, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok = m.flags[key]; !ok {
		r = source.Record{Set: m.home, Key: key}
	}
	return r, ok
}

// settle makes set the one that new flags belong to.
func (m *memory) settle(set string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.home = set
}

// apply hands records on, unless the test is over.
func (m *memory) apply(all bool, records []source.Record) []source.Rejection {
	if m.sink == nil {
		return nil
	}
	m.version++
	return m.sink.Apply(source.Update{
		Version: source.Version{Generation: m.version},
		Replace: all,
		Records: records,
	})
}
