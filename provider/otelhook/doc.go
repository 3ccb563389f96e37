// Package otelhook tells OpenTelemetry which flags an application evaluates:
// in traces, logs and metrics, by the semantic conventions for feature flags.
//
//	openfeature.AddHooks(otelhook.Traces())
//
// [Traces] adds an event to the span of the request that asked, [Logs] writes
// the same event as a log record, [Metrics] counts. Each is a hook of the
// OpenFeature SDK, works with any provider, and may be given to the API, to a
// client or to one evaluation. [Observe] reports how the cache of a provider
// in sidecar mode does.
//
// # What is told, and what is not
//
// Events carry the flag's key, its variant, the reason, the provider, and the
// set and version of the flag where its metadata name them. They do not carry
// who asked unless [WithContextID] wants it: a targeting key is mostly a
// user's id, traces are kept elsewhere than user data, by others and for
// longer, and no convention makes that right by itself. The value stands in an
// event only if there is no variant to name it, unless [WithValue] wants it.
//
// Nothing that a caller can vary without bound ever becomes a dimension of a
// metric: no targeting key, no value, no text of an error.
//
// # What it costs
//
// A hook that nobody listens to costs next to nothing: Traces makes no
// attributes if the span is not recorded, Logs none if the logger does not
// want them, and Metrics reuses what it has made for the same flag, variant
// and reason.
package otelhook
