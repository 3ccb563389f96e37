// Package syncstream reads flags from a server of flagd.sync.v1, such as flagd
// or another sidecar, which pushes all of them whenever one changes.
//
// The stream is opened again whenever it ends, for ever: at once if it had
// brought flags, and otherwise after 1 to 30 seconds, or as [Config] says. A
// connection that was
// lost without a word is noticed, because the server is asked for a sign of
// life while it is silent, and the source counts flags as confirmed only up to
// the moment at which it last heard of it.
//
// A message that is not a document takes no flag away. The last good flags
// stay, and the source reports what is wrong.
package syncstream

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/flagline/flagline/source"
)

// A Source delivers the flags of one server. It implements [source.Source],
// and may be watched from several goroutines.
type Source struct {
	cfg       Config
	target    target
	metadata  metadata.MD
	fatal     []codes.Code
	delivered atomic.Uint64
}

// New returns a source, or says what of cfg makes no sense. The server need
// not be within reach.
func New(cfg Config) (*Source, error) {
	at, err := parseTarget(cfg.URI)
	if err != nil {
		return nil, fmt.Errorf("the URI of a source: %w", err)
	}
	at.secure = at.secure || cfg.TLS
	s := &Source{cfg: cfg.complete(at), target: at, metadata: outgoing(cfg)}
	s.fatal, err = parseCodes(cfg.FatalCodes)
	if err := cmp.Or(err, s.check()); err != nil {
		return nil, fmt.Errorf("%s: %w", at.name, err)
	}
	return s, nil
}

// Name returns the URI without grpc:// or grpcs://, or the name that replaces
// it. The former is the name under which flagd knows the source, and the one
// that selectors use.
func (s *Source) Name() string { return s.cfg.Name }

// Watch implements [source.Source]. It returns an error only for the
// FatalCodes of [Config]: whatever else is wrong with the server may be mended.
func (s *Source) Watch(ctx context.Context, sink source.Sink) error {
	w := watch{source: s, sink: sink, keepAlive: s.cfg.KeepAlive}
	p := pace{least: s.cfg.MinBackoff, most: s.cfg.MaxBackoff}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		begun := time.Now()
		well, err := w.follow(ctx)
		if err != nil {
			return err
		}
		timer.Reset(p.wait(well, time.Since(begun)))
	}
}
