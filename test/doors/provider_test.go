package doors_test

import (
	"context"
	"maps"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/scripts"
	"github.com/flagline/flagline/provider"
)

func TestProviderInProcess(t *testing.T) {
	everyScript(t, typedKinds(), func(t *testing.T, script *scripts.Script) door {
		return through(t, provider.WithFile(save(t, script)))
	}, inSDK)
}

func TestProviderBesideASidecar(t *testing.T) {
	everyScript(t, typedKinds(), func(t *testing.T, script *scripts.Script) door {
		return through(t, provider.WithSidecar(serve(t, script).Evaluation), provider.WithCache(0))
	}, inSDK)
}

func TestProviderWithASyncStream(t *testing.T) {
	everyScript(t, typedKinds(), func(t *testing.T, script *scripts.Script) door {
		return through(t, provider.WithSyncStream(serve(t, script).Sync))
	}, inSDK)
}

// An answer that is kept is the one that would be given.
func TestProviderThatKeepsAnswers(t *testing.T) {
	kept := 0
	everyScript(t, typedKinds(), func(t *testing.T, script *scripts.Script) door {
		addr := provider.WithSidecar(serve(t, script).Evaluation)
		keeping, asking := through(t, addr), through(t, addr, provider.WithCache(0))
		return func(t *testing.T, q scripts.Question, k kind) reply {
			keeping(t, q, k)
			again := keeping(t, q, k)
			if again.reason == string(openfeature.CachedReason) {
				kept++
				again.reason = asking(t, q, k).reason
			}
			return again
		}
	}, inSDK)
	if kept == 0 {
		t.Error("no answer was kept")
	}
}

// The application's own defaults, which no variant of a script has.
const (
	ownText    = "the application's own"
	ownFloat   = -8.25
	ownInteger = -88
)

func ownObject() map[string]any { return map[string]any{"the application's": "own"} }

// inSDK is how the SDK tells an answer: where there is no value, the value is the
// application's own default.
func inSDK(r reply, k kind) reply {
	if r.variant == "" {
		r.value = map[kind]any{
			boolean: true, text: ownText, float: ownFloat, integer: int64(ownInteger), object: ownObject(),
		}[k]
	}
	return r
}

// through is a client of the SDK with a provider of ours.
func through(t *testing.T, options ...provider.Option) door {
	t.Helper()
	p, err := provider.New(append(options, provider.WithDeadline(patience))...)
	if err != nil {
		t.Fatal(err)
	}
	api := isolated.NewAPI()
	t.Cleanup(func() { _ = api.Shutdown(context.Background()) })
	if err := api.SetProviderAndWait(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	client := api.NewClient()
	return func(t *testing.T, q scripts.Question, k kind) reply { return askSDK(t.Context(), client, q, k) }
}

func askSDK(ctx context.Context, c *openfeature.Client, q scripts.Question, k kind) reply {
	ec := inSDKsForm(q.Context)
	switch k {
	case boolean:
		return told(c.BooleanValueDetails(ctx, q.Key, true, ec))
	case text:
		return told(c.StringValueDetails(ctx, q.Key, ownText, ec))
	case float:
		return told(c.FloatValueDetails(ctx, q.Key, ownFloat, ec))
	case integer:
		return told(c.IntValueDetails(ctx, q.Key, ownInteger, ec))
	default:
		return told(c.ObjectValueDetails(ctx, q.Key, ownObject(), ec))
	}
}

func told[T any](d openfeature.GenericEvaluationDetails[T], err error) reply {
	r := reply{value: d.Value, variant: d.Variant, reason: string(d.Reason), code: string(d.ErrorCode)}
	if err != nil && r.code == "" {
		r.code = err.Error()
	}
	r.metadata = map[string]any(d.FlagMetadata)
	return r
}

// inSDKsForm is a context as applications write it: the targeting key apart, if
// it is one.
func inSDKsForm(ec evaluator.Context) openfeature.EvaluationContext {
	attributes := maps.Clone(ec)
	key, _ := attributes[openfeature.TargetingKey].(string)
	if key == "" {
		return openfeature.NewTargetlessEvaluationContext(attributes)
	}
	delete(attributes, openfeature.TargetingKey)
	return openfeature.NewEvaluationContext(key, attributes)
}
