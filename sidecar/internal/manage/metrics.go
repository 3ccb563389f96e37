package manage

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/flagline/flagline/evaluator"
)

// Observe counts one answer about a flag that exists. Keys that callers made
// up must not reach it: each would be a new time series.
func (s *Service) Observe(key string, r evaluator.Resolution) {
	key, variant := strings.ToValidUTF8(key, "\uFFFD"), strings.ToValidUTF8(r.Variant, "\uFFFD")
	s.impressions.WithLabelValues(key, variant, string(r.Reason)).Inc()
}

func (s *Service) metrics() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})
}

func (s *Service) register() {
	s.impressions = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name:        "feature_flag_flagd_impression_total",
		Help:        "Answers by flag, variant and reason.",
		ConstLabels: prometheus.Labels{"feature_flag_provider_name": "flagd"},
	}, []string{"feature_flag_key", "feature_flag_result_variant", "feature_flag_reason"})
	s.registry.MustRegister(
		s.impressions,
		&storeCollector{service: s},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
}

// A storeCollector reads the store whenever it is scraped, so that no figure
// can lag behind what is served.
type storeCollector struct{ service *Service }

func (c *storeCollector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

func (c *storeCollector) Collect(ch chan<- prometheus.Metric) {
	sources := c.service.store.Sources()
	gauge(ch, "flagline_generation", "Generation that is served.", float64(leading(sources).Generation))
	gauge(ch, "flagline_age_seconds", "Seconds since the least current source was known to be current.",
		c.service.age(sources).Seconds())
	gauge(ch, "flagline_rejected_flags", "Flags whose newest version does not compile.",
		float64(len(c.service.store.Current().Rejected())))
	for _, src := range sources {
		connected := 0.0
		if src.Status.Connected {
			connected = 1
		}
		gauge(ch, "flagline_source_connected", "Whether a source reaches its origin.", connected, "source", src.Name)
	}
}

// gauge sends one figure with the labels name, value, name, value.
func gauge(ch chan<- prometheus.Metric, name, help string, figure float64, labels ...string) {
	constant := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		constant[labels[i]] = strings.ToValidUTF8(labels[i+1], "\uFFFD")
	}
	desc := prometheus.NewDesc(name, help, nil, constant)
	ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, figure)
}
