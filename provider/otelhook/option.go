package otelhook

import (
	"slices"

	"github.com/open-feature/go-sdk/openfeature"
	"go.opentelemetry.io/otel/attribute"
)

// An Option changes what the hooks tell. The zero set of options is the
// recommended one.
type Option interface{ apply(*settings) }

type settings struct {
	contextID func(string) string
	value     bool
	metadata  []string
	more      func(openfeature.HookContext, openfeature.InterfaceEvaluationDetails) []attribute.KeyValue
	without   []attribute.Key
}

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

func newSettings(opts []Option) settings {
	var s settings
	for _, opt := range opts {
		opt.apply(&s)
	}
	return s
}

// WithContextID adds feature_flag.context.id, who an evaluation was for: what
// tell makes of the targeting key, or of the flag's metadata "contextId" if it
// has them. A nil tell leaves it as it is; a hash with a secret key lets
// evaluations of one user be found together without naming the user. An empty
// id is left out. [Metrics] refuses this option.
func WithContextID(tell func(id string) string) Option {
	if tell == nil {
		tell = func(id string) string { return id }
	}
	return optionFunc(func(s *settings) { s.contextID = tell })
}

// WithValue adds feature_flag.result.value to evaluations that have a variant,
// too. Objects are written as JSON. [Metrics] refuses this option.
func WithValue() Option {
	return optionFunc(func(s *settings) { s.value = true })
}

// WithMetadata adds what the metadata of the flag hold under keys: texts,
// numbers and booleans, each as an attribute of the same name. For [Metrics],
// they become dimensions of the successes.
func WithMetadata(keys ...string) Option {
	return optionFunc(func(s *settings) { s.metadata = append(s.metadata, keys...) })
}

// WithAttributes adds what more returns; nil is nothing. It is called during
// evaluations, from many goroutines at once. For [Metrics], they become
// dimensions of the successes: see that there are few different ones.
func WithAttributes(more func(openfeature.HookContext, openfeature.InterfaceEvaluationDetails) []attribute.KeyValue) Option {
	return optionFunc(func(s *settings) { s.more = more })
}

// WithoutAttributes leaves out the attributes of these keys, whatever else
// would add them, such as "feature_flag.error.message".
func WithoutAttributes(keys ...attribute.Key) Option {
	return optionFunc(func(s *settings) { s.without = append(s.without, keys...) })
}

// kept is attrs, which it overwrites, without those that are to be left out.
func (s *settings) kept(attrs []attribute.KeyValue) []attribute.KeyValue {
	if len(s.without) == 0 {
		return attrs
	}
	return slices.DeleteFunc(attrs, func(kv attribute.KeyValue) bool { return slices.Contains(s.without, kv.Key) })
}
