package manage

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// How a sync stream can end, in flagd's words.
const (
	NormalClose      = "normal_close"      // the sidecar ends
	DeadlineExceeded = "deadline_exceeded" // it had its time
	ClientDisconnect = "client_disconnect"
	StreamError      = "error"
)

// Callers choose what their streams are called, so there are bounds to how many
// names are told apart, and to how long they are.
const (
	maxSubscribers = 200
	maxNameLength  = 128
	otherName      = "other"
)

// A subscriber is who a sync stream says it is, and what it wants.
type subscriber struct{ providerID, selector string }

// syncStreams are the figures of streams to providers that evaluate themselves.
type syncStreams struct {
	active   *prometheus.Desc
	duration *prometheus.HistogramVec

	mu   sync.Mutex
	open map[subscriber]int // also those that have none open any more
}

func newSyncStreams() *syncStreams {
	return &syncStreams{
		active: prometheus.NewDesc("feature_flag_flagd_sync_active_streams",
			"Sync streams that are open.", []string{"provider_id", "selector"}, nil),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "feature_flag_flagd_sync_stream_duration_seconds",
			Help:    "Seconds for which sync streams were open.",
			Buckets: []float64{30, 60, 120, 300, 480, 600, 1200, 1800, 3600, 10800},
		}, []string{"reason"}),
		open: map[subscriber]int{},
	}
}

// SyncStream notes that a sync stream was opened and returns what has to be
// called when it ends, with one of the reasons of this package; another counts
// as StreamError, and a second call does nothing. Both names may be whatever
// the caller said: the first 200 pairs in the life of the process are told
// apart, the others are "other".
func (s *Service) SyncStream(providerID, selector string) (closed func(reason string)) {
	started := time.Now()
	who := s.syncs.enter(subscriber{providerID: label(providerID), selector: label(selector)})
	var once sync.Once
	return func(reason string) {
		once.Do(func() {
			s.syncs.leave(who)
			s.syncs.duration.WithLabelValues(reasonOf(reason)).Observe(time.Since(started).Seconds())
		})
	}
}

// label returns a caller's word as a label.
func label(word string) string {
	if len(word) > maxNameLength {
		return otherName
	}
	return valid(word)
}

func reasonOf(reason string) string {
	switch reason {
	case NormalClose, DeadlineExceeded, ClientDisconnect:
		return reason
	default:
		return StreamError
	}
}

// enter counts who in, and returns as whom.
func (s *syncStreams) enter(who subscriber) subscriber {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.open[who]; !known && len(s.open) >= maxSubscribers {
		who = subscriber{otherName, otherName}
	}
	s.open[who]++
	return who
}

func (s *syncStreams) leave(who subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[who]--
}

func (s *syncStreams) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.active
	s.duration.Describe(ch)
}

func (s *syncStreams) Collect(ch chan<- prometheus.Metric) {
	s.duration.Collect(ch)
	s.mu.Lock()
	defer s.mu.Unlock()
	for who, n := range s.open {
		ch <- prometheus.MustNewConstMetric(s.active, prometheus.GaugeValue, float64(n), who.providerID, who.selector)
	}
}

func newEventStreams() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "flagline_event_streams",
		Help: "Event streams that are open.",
	}, []string{"service_name"})
}

// EventStream notes that an event stream of service was opened, and returns
// what has to be called, once, when it ends.
func (s *Service) EventStream(service string) (closed func()) {
	open := s.events.WithLabelValues(service)
	open.Inc()
	return open.Dec
}
