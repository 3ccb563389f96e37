package otelhook

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/open-feature/go-sdk/openfeature"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// EventName is the name of the events in traces and logs.
const EventName = "feature_flag.evaluation"

// Flag metadata that the conventions have attributes for.
const (
	metadataContextID = "contextId"
	metadataSetID     = "flagSetId"
	metadataVersion   = "version"
)

// usual is how many attributes an event has at most, if no option adds any.
const usual = 10

// event appends the attributes of an evaluation.
func (s *settings) event(attrs []attribute.KeyValue, hc openfeature.HookContext, d openfeature.InterfaceEvaluationDetails) []attribute.KeyValue {
	attrs = append(attrs, semconv.FeatureFlagKey(hc.FlagKey()))
	if name := hc.ProviderMetadata().Name; name != "" {
		attrs = append(attrs, semconv.FeatureFlagProviderName(name))
	}
	if d.Variant != "" {
		attrs = append(attrs, semconv.FeatureFlagResultVariant(d.Variant))
	}
	if d.Variant == "" || s.value {
		attrs = appendValue(attrs, semconv.FeatureFlagResultValueKey, d.Value)
	}
	attrs = append(attrs, reason(d.Reason))
	if s.contextID != nil {
		if id := s.contextID(contextID(hc, d)); id != "" {
			attrs = append(attrs, semconv.FeatureFlagContextID(id))
		}
	}
	if id := text(d.FlagMetadata[metadataSetID]); id != "" {
		attrs = append(attrs, semconv.FeatureFlagSetID(id))
	}
	if version := text(d.FlagMetadata[metadataVersion]); version != "" {
		attrs = append(attrs, semconv.FeatureFlagVersion(version))
	}
	if failed(d) {
		attrs = append(attrs, errorType(d.ErrorCode))
		if d.ErrorMessage != "" {
			attrs = append(attrs, semconv.FeatureFlagErrorMessage(d.ErrorMessage))
		}
	}
	return s.kept(s.added(attrs, hc, d))
}

// added appends what the options ask for.
func (s *settings) added(attrs []attribute.KeyValue, hc openfeature.HookContext, d openfeature.InterfaceEvaluationDetails) []attribute.KeyValue {
	for _, key := range s.metadata {
		switch v := d.FlagMetadata[key].(type) {
		case bool, string, int64, float64:
			attrs = appendValue(attrs, attribute.Key(key), v)
		}
	}
	if s.more != nil {
		attrs = append(attrs, s.more(hc, d)...)
	}
	return attrs
}

func failed(d openfeature.InterfaceEvaluationDetails) bool {
	return d.ErrorCode != "" || d.Reason == openfeature.ErrorReason
}

func contextID(hc openfeature.HookContext, d openfeature.InterfaceEvaluationDetails) string {
	if id, ok := d.FlagMetadata[metadataContextID].(string); ok {
		return id
	}
	return hc.EvaluationContext().TargetingKey()
}

// text is v, which should be a string. Authors write versions as numbers, too.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// appendValue appends v, unless it is nothing that an attribute can hold.
func appendValue(attrs []attribute.KeyValue, key attribute.Key, v any) []attribute.KeyValue {
	switch v := v.(type) {
	case nil:
		return attrs
	case bool:
		return append(attrs, key.Bool(v))
	case string:
		return append(attrs, key.String(v))
	case int64:
		return append(attrs, key.Int64(v))
	case float64:
		return append(attrs, key.Float64(v))
	}
	object, err := json.Marshal(v)
	if err != nil {
		return attrs
	}
	return append(attrs, key.String(string(object)))
}

func reason(r openfeature.Reason) attribute.KeyValue {
	switch r {
	case openfeature.StaticReason:
		return semconv.FeatureFlagResultReasonStatic
	case openfeature.DefaultReason:
		return semconv.FeatureFlagResultReasonDefault
	case openfeature.TargetingMatchReason:
		return semconv.FeatureFlagResultReasonTargetingMatch
	case openfeature.SplitReason:
		return semconv.FeatureFlagResultReasonSplit
	case openfeature.CachedReason:
		return semconv.FeatureFlagResultReasonCached
	case openfeature.DisabledReason:
		return semconv.FeatureFlagResultReasonDisabled
	case openfeature.ErrorReason:
		return semconv.FeatureFlagResultReasonError
	case openfeature.UnknownReason, "":
		return semconv.FeatureFlagResultReasonUnknown
	}
	return semconv.FeatureFlagResultReasonKey.String(strings.ToLower(string(r))) // "stale", and what providers make up
}

func errorType(code openfeature.ErrorCode) attribute.KeyValue {
	if code == "" {
		code = openfeature.GeneralCode
	}
	return semconv.ErrorTypeKey.String(strings.ToLower(string(code)))
}
