// Package manage tells operators and orchestrators how a sidecar is doing: is
// it alive, is it ready, what does it serve, how much is it asked.
package manage

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/tally"
	"github.com/flagline/flagline/source"
)

// An Identity says which sidecar this is.
type Identity struct {
	Instance    string // tells it from the others of the fleet
	Environment string // what it follows, as far as that is known beforehand
	Version     string // of the program
}

// A Service watches over one store. Its methods may be called at once from any
// number of goroutines.
type Service struct {
	store    *store.Store
	counts   *tally.Tally
	identity Identity
	started  time.Time
	stale    time.Duration // the age from which answers count as stale
	ready    atomic.Bool

	registry *prometheus.Registry
	requests *requests
	calls    *calls
	syncs    *syncStreams
	events   *prometheus.GaugeVec

	mu         sync.Mutex
	rejectedAt map[source.Rejection]uint64 // the generation that brought it
}

// New returns a service that watches over st, whose answers counts counts and
// which count as stale from the age staleAfter.
func New(st *store.Store, counts *tally.Tally, identity Identity, staleAfter time.Duration) *Service {
	s := &Service{
		store: st, counts: counts, identity: identity, started: time.Now(), stale: staleAfter,
		registry:   prometheus.NewRegistry(),
		requests:   newRequests(),
		calls:      newCalls(),
		syncs:      newSyncStreams(),
		events:     newEventStreams(),
		rejectedAt: map[source.Rejection]uint64{},
	}
	s.register()
	return s
}

// Handler returns the handler of the management port. Once closing is closed,
// requests that have no end are ended: those that watch the health.
func (s *Service) Handler(closing <-chan struct{}) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /status", s.serveStatus)
	mux.Handle("GET /metrics", s.metrics())
	mux.Handle("POST /grpc.health.v1.Health/", healthHandler(&health{service: s, closing: closing}))
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
	quarantined := map[source.Rejection]struct{}{}
	for _, r := range s.store.Current().Rejected() {
		quarantined[r] = struct{}{}
	}
	maps.DeleteFunc(s.rejectedAt, func(r source.Rejection, _ uint64) bool {
		_, still := quarantined[r]
		return !still
	})
}
