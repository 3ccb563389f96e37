package otelhook

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-feature/go-sdk/openfeature"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/flagline/flagline/provider"
)

// Observe reports how the cache of p does, a [provider.Provider] in sidecar
// mode, each time that metrics are collected:
//
//   - flagline.provider.cache.hits: evaluations answered from the cache;
//   - flagline.provider.cache.misses: evaluations that it had no answer for;
//   - flagline.provider.cache.collapsed: those of the misses that joined a call
//     under way;
//   - flagline.provider.cache.evicted: answers that made room for others;
//   - flagline.provider.cache.entries: answers in the cache;
//   - flagline.provider.calls: calls to the sidecar;
//   - flagline.provider.call.time: how long they took together, in seconds, so
//     that its rate over that of the calls is the average.
//
// A nil mp is the global one. Of several providers each needs attributes of its own,
// such as its domain: without them they report as one. It reports until the
// registration is ended, and keeps p in memory until then.
func Observe(
	mp metric.MeterProvider, p interface{ Stats() provider.Stats }, attributes ...attribute.KeyValue,
) (metric.Registration, error) {
	whose := metric.WithAttributes(attributes...)
	if mp == nil {
		mp = otel.GetMeterProvider()
	}
	meter := mp.Meter(scope)
	var errs []error
	counter := func(name, unit, description string) metric.Int64ObservableCounter {
		c, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		if err != nil {
			errs = append(errs, fmt.Errorf("metric %s: %w", name, err))
		}
		return c
	}
	hits := counter("flagline.provider.cache.hits", "{evaluation}", "Evaluations answered from the cache.")
	misses := counter("flagline.provider.cache.misses", "{evaluation}", "Evaluations that the cache had no answer for.")
	collapsed := counter("flagline.provider.cache.collapsed", "{evaluation}", "Misses that joined a call under way.")
	evicted := counter("flagline.provider.cache.evicted", "{answer}", "Answers that made room for others.")
	calls := counter("flagline.provider.calls", "{call}", "Calls to the sidecar.")
	entries, err := meter.Int64ObservableUpDownCounter("flagline.provider.cache.entries",
		metric.WithUnit("{answer}"), metric.WithDescription("Answers in the cache."))
	errs = append(errs, err)
	callTime, err := meter.Float64ObservableCounter("flagline.provider.call.time",
		metric.WithUnit("s"), metric.WithDescription("How long calls to the sidecar took together."))
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := p.Stats()
		o.ObserveInt64(hits, int64(s.Hits), whose)
		o.ObserveInt64(misses, int64(s.Misses), whose)
		o.ObserveInt64(collapsed, int64(s.Collapsed), whose)
		o.ObserveInt64(evicted, int64(s.Evicted), whose)
		o.ObserveInt64(entries, int64(s.Entries), whose)
		o.ObserveInt64(calls, int64(s.Calls), whose)
		o.ObserveFloat64(callTime, s.CallTime.Seconds(), whose)
		return nil
	}, hits, misses, collapsed, evicted, entries, calls, callTime)
}

// states are what a client may say of its provider, and how metrics spell it.
var states = map[openfeature.State]metric.ObserveOption{
	openfeature.NotReadyState: metric.WithAttributes(attribute.String("state", "not_ready")),
	openfeature.ReadyState:    metric.WithAttributes(attribute.String("state", "ready")),
	openfeature.StaleState:    metric.WithAttributes(attribute.String("state", "stale")),
	openfeature.ErrorState:    metric.WithAttributes(attribute.String("state", "error")),
	openfeature.FatalState:    metric.WithAttributes(attribute.String("state", "fatal")),
}

// ObserveState reports the state of the provider of client, any provider, each
// time that metrics are collected: flagline.provider.state is 1 for the state
// that it is in, one of not_ready, ready, stale, error and fatal, and 0 for the
// others. A nil mp is the global one. Of several providers each needs attributes of
// its own, such as its domain: without them the last one hides the others. It reports
// until the registration is ended.
func ObserveState(
	mp metric.MeterProvider, client interface{ State() openfeature.State }, attributes ...attribute.KeyValue,
) (metric.Registration, error) {
	whose := metric.WithAttributes(attributes...)
	if mp == nil {
		mp = otel.GetMeterProvider()
	}
	meter := mp.Meter(scope)
	gauge, err := meter.Int64ObservableGauge("flagline.provider.state",
		metric.WithUnit("{state}"), metric.WithDescription("1 for the state that the provider is in, 0 for the others."))
	if err != nil {
		return nil, err
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := client.State()
		for state, option := range states {
			var is int64
			if state == now {
				is = 1
			}
			o.ObserveInt64(gauge, is, option, whose)
		}
		return nil
	}, gauge)
}
