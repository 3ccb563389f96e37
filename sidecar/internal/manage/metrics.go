package manage

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Gatherer returns the figures of GET /metrics, for those who send them
// elsewhere.
func (s *Service) Gatherer() prometheus.Gatherer { return s.registry }

func (s *Service) metrics() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})
}

func (s *Service) register() {
	s.registry.MustRegister(
		&storeCollector{service: s},
		&answerCollector{counts: s.counts},
		s.requests,
		s.calls,
		s.syncs,
		s.events,
		identityCollector(s.identity),
		collectors.NewBuildInfoCollector(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
}

// identityCollector tells which program this is: as OpenTelemetry says it, and
// as Prometheus users look for it.
func identityCollector(id Identity) prometheus.Collector {
	return constant{
		info("target_info", "What the figures are about.", prometheus.Labels{
			"service_name":        serviceName,
			"service_version":     id.Version,
			"service_instance_id": id.Instance,
		}),
		info("flagline_build_info", "Which version this is, and what built it.", prometheus.Labels{
			"version":   id.Version,
			"goversion": runtime.Version(),
		}),
	}
}

// serviceName is what this program is called among the services that telemetry
// is about.
const serviceName = "flagline-sidecar"

func info(name, help string, labels prometheus.Labels) prometheus.Metric {
	for label, value := range labels {
		labels[label] = valid(value)
	}
	return prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, labels), prometheus.GaugeValue, 1)
}

// A constant collector has figures that do not change.
type constant []prometheus.Metric

func (c constant) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

func (c constant) Collect(ch chan<- prometheus.Metric) {
	for _, m := range c {
		ch <- m
	}
}

// An unchecked collector may send series of one name with different labels, as
// OpenTelemetry's conventions have it, which a registry otherwise refuses.
type unchecked []prometheus.Collector

func (unchecked) Describe(chan<- *prometheus.Desc) {}

func (u unchecked) Collect(ch chan<- prometheus.Metric) {
	for _, c := range u {
		c.Collect(ch)
	}
}

// valid returns s as a label may hold it.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

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
	shown := map[string]int{} // how often
	for _, src := range sources {
		name := Shown(src.Name)
		if shown[name]++; shown[name] > 1 {
			name = fmt.Sprintf("%s#%d", name, shown[name]) // or nothing could be scraped
		}
		connected, wrong := 0.0, 0.0
		if src.Status.Connected {
			connected = 1
		}
		if src.Status.Err != nil {
			wrong = 1
		}
		gauge(ch, "flagline_source_error", "Whether something keeps a source from its origin, or from what the origin holds.",
			wrong, "source", name)
		gauge(ch, "flagline_source_connected", "Whether a source reaches its origin.", connected, "source", name)
	}
}

// gauge sends one figure with the labels name, value, name, value.
func gauge(ch chan<- prometheus.Metric, name, help string, figure float64, labels ...string) {
	constant := prometheus.Labels{}
	for i := 0; i+1 < len(labels); i += 2 {
		constant[labels[i]] = valid(labels[i+1])
	}
	desc := prometheus.NewDesc(name, help, nil, constant)
	ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, figure)
}
