package natskv

import (
	"log/slog"
	"sync"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// A saver writes snapshots behind the follower's back: applying a change never
// waits for a disk, and of states that come quickly only the newest is kept.
type saver struct {
	dir    string
	env    wire.Environment
	logger *slog.Logger

	mu     sync.Mutex
	next   *replica.State // to be written; nil if none
	wake   chan struct{}
	done   sync.WaitGroup
	warned bool
}

func newSaver(dir string, env wire.Environment, logger *slog.Logger) *saver {
	return &saver{dir: dir, env: env, logger: logger, wake: make(chan struct{}, 1)}
}

// start begins to write what save is given, until close.
func (s *saver) start() { s.done.Go(s.write) }

func (s *saver) restore() (*replica.State, error) {
	if s.dir == "" {
		return nil, nil
	}
	return replica.Restore(s.dir, s.env)
}

func (s *saver) save(state *replica.State) {
	if s.dir == "" {
		return
	}
	s.mu.Lock()
	s.next = state
	s.mu.Unlock()
	signal(s.wake)
}

// close waits until the newest state is written.
func (s *saver) close() {
	close(s.wake)
	s.done.Wait()
}

func (s *saver) write() {
	for range s.wake {
		s.flush()
	}
	s.flush()
}

func (s *saver) flush() {
	s.mu.Lock()
	state := s.next
	s.next = nil
	s.mu.Unlock()
	if state == nil {
		return
	}
	switch err := replica.Save(s.dir, s.env, state); {
	case err == nil:
		s.warned = false
	case !s.warned: // a read-only disk is said once, not at every change
		s.warned = true
		s.logger.Warn("go on without a snapshot", "err", err)
	}
}
