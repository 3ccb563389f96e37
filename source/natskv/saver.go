package natskv

import (
	"log/slog"
	"sync"
	"time"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// longWrite is how long a write may take that another one may follow at once.
const longWrite = 250 * time.Millisecond

// A saver writes snapshots behind the follower's back: applying a change never
// waits for a disk, and of states that come quickly only the newest is kept.
type saver struct {
	dir    string
	env    wire.Environment
	logger *slog.Logger

	mu        sync.Mutex
	next      *replica.State // to be written; nil if none
	confirmed time.Time      // when next was last known to be current
	wake      chan struct{}
	done      sync.WaitGroup
	closing   chan struct{}
	warned    bool
}

func newSaver(dir string, env wire.Environment, logger *slog.Logger) *saver {
	return &saver{dir: dir, env: env, logger: logger, wake: make(chan struct{}, 1), closing: make(chan struct{})}
}

// start begins to write what save is given, until close.
func (s *saver) start() { s.done.Go(s.write) }

func (s *saver) restore() (*replica.State, time.Time, error) {
	if s.dir == "" {
		return nil, time.Time{}, nil
	}
	return replica.Restore(s.dir, s.env)
}

func (s *saver) save(state *replica.State, confirmed time.Time) {
	if s.dir == "" {
		return
	}
	s.mu.Lock()
	s.next, s.confirmed = state, confirmed
	s.mu.Unlock()
	signal(s.wake)
}

// close waits until the newest state is written.
func (s *saver) close() {
	close(s.closing)
	close(s.wake)
	s.done.Wait()
}

func (s *saver) write() {
	for range s.wake {
		began := time.Now()
		s.flush()
		if took := time.Since(began); took > longWrite {
			s.rest(took)
		}
	}
	s.flush()
}

// rest keeps a large state, or a slow disk, from being written without pause.
func (s *saver) rest(d time.Duration) {
	select {
	case <-s.closing:
	case <-time.After(min(d, 5*time.Second)):
	}
}

func (s *saver) flush() {
	s.mu.Lock()
	state, confirmed := s.next, s.confirmed
	s.next = nil
	s.mu.Unlock()
	if state == nil {
		return
	}
	switch err := replica.Save(s.dir, s.env, state, confirmed); {
	case err == nil:
		s.warned = false
	case !s.warned: // a read-only disk is said once, not at every change
		s.warned = true
		s.logger.Warn("go on without a snapshot", "err", err)
	}
}
