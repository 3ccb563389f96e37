// Package file reads flags from a flagd document on disk, JSON or YAML, and
// delivers it again whenever it changes.
//
// The file may be edited in place, replaced by a rename, swapped behind
// symbolic links as Kubernetes does with ConfigMaps, deleted and written anew,
// with or without its directory. None of this ends the watch: the path is
// looked at in regular intervals, and notifications of the operating system,
// where they work, only make that sooner.
//
// A file that is missing, empty or not a document takes no flag away. The last
// good flags stay, and the source reports what is wrong.
package file

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/flagline/flagline/source"
)

// A Source delivers the flags of one file. It implements [source.Source], and
// may be watched from several goroutines.
type Source struct {
	path      string
	interval  time.Duration
	delivered atomic.Uint64 // how many updates there were
}

// An Option changes how a [Source] watches its file.
type Option func(*Source)

// WithInterval sets how often the file is looked at when nothing announces a
// change. The default is a second, and stays if d is not positive.
func WithInterval(d time.Duration) Option {
	return func(s *Source) {
		if d > 0 {
			s.interval = d
		}
	}
}

// New returns a source for the file at path, which need not exist yet. The
// extension decides how it is read: .json, .yaml or .yml.
func New(path string, options ...Option) *Source {
	s := &Source{path: path, interval: time.Second}
	for _, option := range options {
		option(s)
	}
	return s
}

// Name returns the path as it was given to [New]. That is the name under which
// flagd knows the source "file:path", and the one that selectors use.
func (s *Source) Name() string { return s.path }

// Watch implements [source.Source]. It never returns an error: whatever is
// wrong with the file may be mended.
func (s *Source) Watch(ctx context.Context, sink source.Sink) error {
	n := newNotifier(filepath.Dir(s.path))
	defer n.close()
	tick := time.NewTicker(s.interval)
	defer tick.Stop()

	w := watch{source: s, sink: sink}
	for ctx.Err() == nil {
		n.renew()
		w.poll()
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-n.events:
			n.settle(ctx)
		case <-n.errors: // some events were lost
		}
	}
	return nil
}
