package sourcetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
)

// The least that keeps the contract: an origin in memory. It shows what an
// implementation of the harness looks like, and that the contract can be kept.
func TestContractCanBeKept(t *testing.T) {
	opened := 0
	sourcetest.Run(t, sourcetest.Harness{Open: func(*testing.T) sourcetest.Origin {
		opened++
		return &memory{name: fmt.Sprint("memory:", opened)}
	}})
}

type memory struct {
	name string

	mu     sync.Mutex
	doc    *flagdoc.Document // nil if never written
	number uint64            // of doc
	broken bool
}

func (m *memory) Source(*testing.T) source.Source { return memorySource{m} }

func (m *memory) Write(_ *testing.T, doc flagdoc.Document) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doc = &doc
	m.number++
}

func (m *memory) Break(*testing.T) { m.set(true) }
func (m *memory) Mend(*testing.T)  { m.set(false) }

func (m *memory) set(broken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = broken
}

func (m *memory) read() (doc flagdoc.Document, number uint64, connected bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.broken:
		return doc, 0, false, errors.New("the memory is lost")
	case m.doc == nil:
		return doc, 0, true, errors.New("nothing was written")
	}
	return *m.doc, m.number, true, nil
}

type memorySource struct{ origin *memory }

func (s memorySource) Name() string { return s.origin.name }

func (s memorySource) Watch(ctx context.Context, sink source.Sink) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var last uint64
	var status source.Status
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		doc, number, connected, err := s.origin.read()
		if err == nil {
			status.Confirmed = time.Now()
			if number != last {
				sink.Apply(source.Update{Version: source.Version{Generation: number}, Replace: true, Records: doc.Records()})
				last = number
			}
		}
		status.Connected, status.Err = connected, err
		sink.Report(status)
	}
}
