package provider

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/provider/internal/cache"
)

var (
	_ openfeature.FeatureProvider          = (*Provider)(nil)
	_ openfeature.ContextAwareStateHandler = (*Provider)(nil)
	_ openfeature.EventHandler             = (*Provider)(nil)
)

// A Provider answers flag evaluations of the OpenFeature SDK. All its methods
// may be called at once from any number of goroutines, and one provider may
// be set for any number of domains.
type Provider struct {
	settings settings
	events   chan openfeature.Event
	known    *answers // of the sidecar mode

	mu   sync.Mutex // held to replace life
	life atomic.Pointer[life]
}

// New returns a provider that is ready to be set. It opens nothing: that is
// left to the initialisation. An error names every option, and every variable of
// the environment, that is wrong.
func New(opts ...Option) (*Provider, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	known := cache.New[*heard](s.cache)
	known.Members = (*heard).dependsOn
	return &Provider{settings: s, events: make(chan openfeature.Event), known: known}, nil
}

// Metadata names the provider.
func (p *Provider) Metadata() openfeature.Metadata {
	return openfeature.Metadata{Name: p.settings.name}
}

// Hooks returns none.
func (p *Provider) Hooks() []openfeature.Hook { return nil }

// EventChannel returns the channel on which the provider tells of its state
// and of changed flags. It is the same for the provider's whole existence and
// is never closed. Events that nobody receives are merged, and forgotten at
// shutdown.
func (p *Provider) EventChannel() <-chan openfeature.Event { return p.events }

// BooleanEvaluation resolves a flag whose variants are booleans.
func (p *Provider) BooleanEvaluation(ctx context.Context, flag string, defaultValue bool, fc openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return detail(defaultValue, p.resolve(ctx, boolean, flag, fc), evaluator.Resolution.Bool)
}

// StringEvaluation resolves a flag whose variants are strings.
func (p *Provider) StringEvaluation(ctx context.Context, flag string, defaultValue string, fc openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return detail(defaultValue, p.resolve(ctx, text, flag, fc), evaluator.Resolution.Text)
}

// FloatEvaluation resolves a flag whose variants are numbers.
func (p *Provider) FloatEvaluation(ctx context.Context, flag string, defaultValue float64, fc openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return detail(defaultValue, p.resolve(ctx, float, flag, fc), evaluator.Resolution.Float)
}

// IntEvaluation resolves a flag whose variants are numbers. What comes after
// the decimal point is cut off, as flagd does it.
func (p *Provider) IntEvaluation(ctx context.Context, flag string, defaultValue int64, fc openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return detail(defaultValue, p.resolve(ctx, integer, flag, fc), evaluator.Resolution.Int)
}

// ObjectEvaluation resolves a flag whose variants are objects. The value is a
// map[string]any that belongs to the caller, or defaultValue.
func (p *Provider) ObjectEvaluation(ctx context.Context, flag string, defaultValue any, fc openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return objectDetail(defaultValue, p.resolve(ctx, object, flag, fc))
}
