// Package churn is a source of flags of which one changes after the other, as
// often as it is told, while others are evaluated.
package churn

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

// Flags is how many flags change, in turn.
const Flags = 100

// A Source delivers a document, and beside it flags that change. It starts at
// rest.
type Source struct {
	document []source.Record
	every    time.Duration
	changing func() bool
	changes  atomic.Uint64
}

// New returns a source of document in which, for as long as changing says so, a
// flag changes perSecond times a second.
func New(document []byte, perSecond int, changing func() bool) (*Source, error) {
	parsed, err := flagdoc.Parse(document)
	if err != nil {
		return nil, fmt.Errorf("the flags that do not change: %w", err)
	}
	return &Source{document: parsed.Records(), every: time.Second / time.Duration(perSecond), changing: changing}, nil
}

// Name is the same for all of them.
func (s *Source) Name() string { return "churn" }

// Changes is how many changes were delivered so far.
func (s *Source) Changes() uint64 { return s.changes.Load() }

// Watch delivers everything, and then one flag at a time.
func (s *Source) Watch(ctx context.Context, sink source.Sink) error {
	all := slices.Clone(s.document)
	for n := range Flags {
		all = append(all, revision(n))
	}
	sink.Apply(source.Update{Replace: true, Records: all})
	s.confirm(sink)
	look := time.NewTicker(max(s.every, time.Millisecond))
	defer look.Stop()
	confirm := time.NewTicker(time.Second)
	defer confirm.Stop()
	next := time.Now()
	for {
		select {
		case <-look.C:
		case <-confirm.C:
			s.confirm(sink)
		case <-ctx.Done():
			return nil
		}
		if !s.changing() {
			next = time.Now()
			continue
		}
		for ; time.Until(next) <= 0; next = next.Add(s.every) { // a late tick does not make them fewer
			n := s.changes.Add(1)
			sink.Apply(source.Update{Records: []source.Record{revision(int(n) + Flags)}})
		}
	}
}

func (s *Source) confirm(sink source.Sink) {
	sink.Report(source.Status{Connected: true, Confirmed: time.Now()})
}

// revision is the nth state of one of the flags that change.
func revision(n int) source.Record {
	const body = `{"state":"ENABLED","variants":{"now":"revision %d"},"defaultVariant":"now"}`
	return source.Record{Key: fmt.Sprintf("churn-%02d", n%Flags), Body: fmt.Appendf(nil, body, n)}
}
