package telemetry

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// flagdNames gives figures that were named for Prometheus the names and units
// that flagd sends them with. Those that flagd does not have keep theirs.
type flagdNames struct{ figures sdkmetric.Producer }

// Produce returns the figures of this moment.
func (p flagdNames) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	scopes, err := p.figures.Produce(ctx)
	for i := range scopes {
		figures := slices.DeleteFunc(scopes[i].Metrics, func(m metricdata.Metrics) bool {
			return m.Name == "target_info" // which the resource says already
		})
		for j := range figures {
			if flagd, ok := metricNames[figures[j].Name]; ok {
				figures[j].Name, figures[j].Unit = flagd.name, flagd.unit
			}
			nameLabels(figures[j].Data)
		}
		scopes[i].Metrics = figures
	}
	return scopes, err
}

type metricName struct{ name, unit string }

var metricNames = map[string]metricName{
	"feature_flag_flagd_impression_total":             {"feature_flag.flagd.impression", "{impression}"},
	"feature_flag_flagd_result_reason_total":          {"feature_flag.flagd.result.reason", "{reason}"},
	"feature_flag_flagd_sync_active_streams":          {"feature_flag.flagd.sync.active_streams", "{stream}"},
	"feature_flag_flagd_sync_stream_duration_seconds": {"feature_flag.flagd.sync.stream.duration", "s"},
	"http_server_request_duration_seconds":            {"http.server.request.duration", "s"},
	"http_server_response_body_size_bytes":            {"http.server.response.body.size", "By"},
	"http_server_active_requests":                     {"http.server.active_requests", "{request}"},
	"rpc_server_duration_milliseconds":                {"rpc.server.duration", "ms"},
	"rpc_server_request_size_bytes":                   {"rpc.server.request.size", "By"},
	"rpc_server_response_size_bytes":                  {"rpc.server.response.size", "By"},
}

var labelNames = map[attribute.Key]attribute.Key{
	"feature_flag_key":            "feature_flag.key",
	"feature_flag_reason":         "feature_flag.reason",
	"feature_flag_result_variant": "feature_flag.result.variant",
	"feature_flag_provider_name":  "feature_flag.provider.name",
	"service_name":                "service.name",
	"http_route":                  "http.route",
	"http_request_method":         "http.request.method",
	"http_response_status_code":   "http.response.status_code",
	"url_scheme":                  "url.scheme",
	"rpc_system":                  "rpc.system",
	"rpc_service":                 "rpc.service",
	"rpc_method":                  "rpc.method",
	"rpc_grpc_status_code":        "rpc.grpc.status_code",
	"rpc_grpc_web_status_code":    "rpc.grpc_web.status_code",
	"rpc_connect_rpc_error_code":  "rpc.connect_rpc.error_code",
}

// nameLabels renames the labels of all points of figures in place.
func nameLabels(figures metricdata.Aggregation) {
	switch figures := figures.(type) {
	case metricdata.Sum[float64]:
		for i := range figures.DataPoints {
			figures.DataPoints[i].Attributes = named(figures.DataPoints[i].Attributes)
		}
	case metricdata.Gauge[float64]:
		for i := range figures.DataPoints {
			figures.DataPoints[i].Attributes = named(figures.DataPoints[i].Attributes)
		}
	case metricdata.Histogram[float64]:
		for i := range figures.DataPoints {
			figures.DataPoints[i].Attributes = named(figures.DataPoints[i].Attributes)
		}
	}
}

// named returns labels by their other names, without those that are empty,
// which in Prometheus is to be absent.
func named(labels attribute.Set) attribute.Set {
	if labels.Len() == 0 {
		return labels
	}
	attributes := make([]attribute.KeyValue, 0, labels.Len())
	for _, kv := range labels.ToSlice() {
		if kv.Value.AsString() == "" {
			continue
		}
		if name, ok := labelNames[kv.Key]; ok {
			kv.Key = name
		}
		attributes = append(attributes, kv)
	}
	return attribute.NewSet(attributes...)
}
