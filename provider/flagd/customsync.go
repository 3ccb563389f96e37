package flagd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

const (
	// confirming is how often a sync that runs counts as a sign that its flags
	// are current. The interface has no other.
	confirming = 5 * time.Second

	// quiet is how long a sync may take to bring flags before it is said to have
	// none.
	quiet = time.Second
)

var errNothing = errors.New("the custom sync has not sent any flags yet")

// A customSync is a source that follows an implementation of flagd's interface
// of sources.
type customSync struct {
	sync        sync.ISync
	uri         string
	least, most time.Duration // of waits after errors
	log         *slog.Logger
	delivered   atomic.Uint64
}

// Name implements [source.Source].
func (c *customSync) Name() string { return c.uri }

// Watch implements [source.Source]. It never returns an error: an Init or Sync
// that fails is called again.
func (c *customSync) Watch(ctx context.Context, sink source.Sink) error {
	w := customWatch{customSync: c, sink: sink}
	defer func() { w.shutDown() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	wait := c.least
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		before := c.delivered.Load()
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		w.report(false, err)
		if c.delivered.Load() > before {
			wait = c.least
		}
		timer.Reset(wait)
		wait = min(2*wait, c.most)
	}
}

// A customWatch is what one call of Watch knows.
type customWatch struct {
	*customSync

	sink    source.Sink
	running bool // from Init to Shutdown
	records []source.Record
	status  source.Status
}

// follow runs Sync until ctx is done or Sync fails. Sync has a goroutine of its
// own, and the sink is called from here.
func (w *customWatch) follow(ctx context.Context) error {
	if !w.running {
		if err := w.sync.Init(ctx); err != nil {
			return fmt.Errorf("initialise the custom sync: %w", err)
		}
		w.running = true
	}
	data, ended := make(chan sync.DataSync, 1), make(chan error, 1)
	go func() { ended <- w.sync.Sync(ctx, data) }()
	sign, late := time.NewTicker(confirming), time.NewTimer(quiet)
	defer sign.Stop()
	defer late.Stop()
	for over := (<-chan error)(ended); ; {
		select {
		case d := <-data:
			w.take(d)
		case <-sign.C:
			if w.status.Connected {
				w.report(true, w.status.Err)
			}
		case <-late.C:
			if !w.status.Connected {
				w.report(false, errNothing)
			}
		case err := <-over:
			if err != nil {
				w.takeRest(data)
				return fmt.Errorf("custom sync: %w", err)
			}
			over = nil // it has said all there is, and what it said holds
		case <-ctx.Done():
			w.leave(data, over)
			return nil
		}
	}
}

// leaving is how long a Sync may take to end when its context is done.
const leaving = 5 * time.Second

// leave waits for a Sync whose context is done. Some wait for Shutdown, and some
// for somebody to take what they have. One that does not end is left behind.
func (w *customWatch) leave(data <-chan sync.DataSync, over <-chan error) {
	w.shutDown()
	enough := time.NewTimer(leaving)
	defer enough.Stop()
	for over != nil {
		select {
		case <-data:
		case <-over:
			over = nil
		case <-enough.C:
			w.log.Error("leave behind a custom sync that does not end", "origin", w.uri)
			return
		}
	}
}

func (w *customWatch) shutDown() {
	s, ok := w.sync.(interface{ Shutdown() error })
	if ok && w.running {
		if err := s.Shutdown(); err != nil {
			w.log.Warn("shut down the custom sync", "origin", w.uri, "err", err)
		}
	}
	w.running = false
}

// take makes current what d says. What is no document takes no flag away.
func (w *customWatch) take(d sync.DataSync) {
	doc, err := flagdoc.Parse([]byte(d.FlagData))
	if err != nil {
		w.report(true, err)
		return
	}
	records := doc.Records()
	if d.IncrementalUpdates {
		records = overSets(w.records, records)
	}
	w.records = records
	w.sink.Apply(source.Update{
		Version: source.Version{Generation: w.delivered.Add(1), Time: time.Now()},
		Replace: true,
		Records: records,
	})
	w.report(true, nil)
}

func (w *customWatch) takeRest(data <-chan sync.DataSync) {
	select {
	case d := <-data:
		w.take(d)
	default:
	}
}

// overSets returns news and what old has of other sets than they do.
func overSets(old, news []source.Record) []source.Record {
	var others []source.Record
	for _, r := range old {
		if !slices.ContainsFunc(news, func(n source.Record) bool { return n.Set == r.Set }) {
			others = append(others, r)
		}
	}
	return append(others, news...)
}

func (w *customWatch) report(connected bool, err error) {
	w.status.Connected, w.status.Err = connected, err
	if connected && err == nil {
		w.status.Confirmed = time.Now()
	}
	w.sink.Report(w.status)
}
