// Package manage tells operators and orchestrators how a sidecar is doing: is
// it alive, is it ready, what does it serve, how much is it asked.
package manage

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

// An Identity says which sidecar this is.
type Identity struct {
	Instance    string // tells it from the others of the fleet
	Environment string // what it follows, as far as that is known beforehand
}

// A Service watches over one store. Its methods may be called at once from any
// number of goroutines.
type Service struct {
	store    *store.Store
	identity Identity
	started  time.Time
	stale    time.Duration // the age from which answers count as stale
	ready    atomic.Bool

	registry    *prometheus.Registry
	impressions *prometheus.CounterVec

	mu         sync.Mutex
	rejectedAt map[source.Rejection]uint64 // the generation that brought it
}

// New returns a service that watches over st, whose answers count as stale from
// the age staleAfter.
func New(st *store.Store, identity Identity, staleAfter time.Duration) *Service {
	s := &Service{
		store: st, identity: identity, started: time.Now(), stale: staleAfter,
		registry:   prometheus.NewRegistry(),
		rejectedAt: map[source.Rejection]uint64{},
	}
	s.register()
	return s
}

// Handler returns the handler of the management port.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /status", s.serveStatus)
	mux.Handle("GET /metrics", s.metrics())
	mux.Handle(s.health())
	return mux
}

func (s *Service) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !s.Ready() {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// Ready reports whether every source has delivered. It never turns back: a
// sidecar that lost its sources goes on answering, and taking it out of service
// would help nobody.
func (s *Service) Ready() bool {
	if s.ready.Load() {
		return true
	}
	if !s.store.Ready() {
		return false
	}
	s.ready.Store(true)
	return true
}

// Rejected notes which flags a generation brought that did not compile, after
// the store has them, and forgets those that are quarantined no more.
func (s *Service) Rejected(generation uint64, rejected []source.Rejection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rejected {
		if _, known := s.rejectedAt[r]; !known {
			s.rejectedAt[r] = generation
		}
	}
	// Read under the lock: what another source noted in the meantime must not
	// be forgotten on the word of an older snapshot.
	quarantined := s.store.Current().Rejected()
	maps.DeleteFunc(s.rejectedAt, func(r source.Rejection, _ uint64) bool {
		return !slices.Contains(quarantined, r)
	})
}
