package otelhook

import (
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// most is how many time series are remembered. It bounds the memory of an
// application that makes up the keys of its flags; SDKs fold what goes beyond
// 2,000 into one series anyway.
const most = 2000

// An identity tells the time series of the counters from each other.
type identity struct {
	provider, flag, variant string

	outcome string // a reason or, of a failure, a code; "" for all outcomes
	failed  bool
}

// attributes are what all series have.
func (id identity) attributes() []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, usual)
	attrs = append(attrs, semconv.FeatureFlagKey(id.flag))
	if id.provider != "" {
		attrs = append(attrs, semconv.FeatureFlagProviderName(id.provider))
	}
	return attrs
}

// series remembers the dimensions of each counter in the form that costs the
// least to hand over. Readers take no lock: after a while there are no new ones.
type series struct {
	current atomic.Pointer[map[identity][]metric.AddOption]

	mu sync.Mutex // held to replace current
}

func (s *series) find(id identity, dimensions func() []attribute.KeyValue) []metric.AddOption {
	if known := s.current.Load(); known != nil {
		if option, ok := (*known)[id]; ok {
			return option
		}
	}
	option := []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(dimensions()...))}
	s.keep(id, option)
	return option
}

func (s *series) keep(id identity, option []metric.AddOption) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := make(map[identity][]metric.AddOption)
	if known := s.current.Load(); known != nil {
		if len(*known) >= most {
			return
		}
		next = maps.Clone(*known)
	}
	next[id] = option
	s.current.Store(&next)
}
