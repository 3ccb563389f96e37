// Package reference resolves flags with flagd's own evaluator, so that an
// answer is flagd's by construction.
//
// It is the oracle that faster engines are measured against. It decodes the
// rule and encodes the context on every evaluation, as flagd does.
package reference

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/model"
	"github.com/open-feature/flagd/core/pkg/store"
	"go.opentelemetry.io/otel/trace/noop"
)

// A Flag is what flagd needs to know about a flag to resolve it. It must not
// be changed once it has been evaluated.
type Flag struct {
	Key            string
	State          string // only "DISABLED" matters
	Variants       map[string]any
	DefaultVariant string // "" if there is none
	Targeting      []byte // a JSON value without $ref; nil if there is none
}

// An Answer is what flagd says about a flag, in flagd's words. Value is nil
// if there is none. Code is "" if there was no error.
type Answer struct {
	Value   any
	Variant string
	Reason  string
	Code    string
}

// The words of flagd that its users see under other names.
const (
	ReasonFallback = model.FallbackReason // no default variant, and none was named
	CodePanic      = "PANIC"              // the evaluator panicked; not a word of flagd
)

// Evaluate resolves the flag for the context ec. It may be called from any
// number of goroutines at once. It never panics.
func (f *Flag) Evaluate(ec map[string]any) (answer Answer) {
	// flagd recovers what its operators panic with only if that is an error,
	// and not at all what a value of the context does while it is encoded.
	defer func() {
		if recover() != nil {
			answer = Answer{Reason: model.ErrorReason, Code: CodePanic}
		}
	}()

	if f.asks() && !encodes(ec) {
		return Answer{Reason: model.ErrorReason, Code: model.ErrorReason}
	}
	ctx := context.WithValue(context.Background(), flagKey{}, f)
	got := resolver().ResolveAsAnyValue(ctx, "", f.Key, ec)
	answer = Answer{Value: got.Value, Variant: got.Variant, Reason: got.Reason}
	if got.Error != nil {
		answer.Code = got.Error.Error()
	}
	return answer
}

// asks says whether the answer depends on the context.
func (f *Flag) asks() bool {
	return f.State != evaluator.Disabled && len(f.Targeting) > 0 && string(f.Targeting) != "{}"
}

// encodes says whether ec can be written as JSON. flagd finds that out itself,
// but then formats the context for its log: if that contains itself, the stack
// overflows, which ends the process.
func encodes(ec map[string]any) bool {
	_, err := json.Marshal(ec)
	return err == nil
}

// resolver is shared by all flags: making one registers flagd's operators in a
// table of the whole process.
var resolver = sync.OnceValue(func() *evaluator.Resolver {
	r := evaluator.NewResolver(flagOfContext{}, logger.NewLogger(nil, false), noop.NewTracerProvider().Tracer(""))
	return &r
})

type flagKey struct{}

// flagOfContext is the store that flagd asks for the flag. It holds nothing:
// the flag travels in the context, the only way through flagd's interface.
type flagOfContext struct{}

var (
	_ store.IStore = flagOfContext{}

	errNoFlag = errors.New("the context holds no flag")
)

// Get returns the flag of ctx. Metadata stay outside: flagd would copy them
// anew for every answer.
func (flagOfContext) Get(ctx context.Context, _ string, _ *store.Selector) (model.Flag, model.Metadata, error) {
	f, ok := ctx.Value(flagKey{}).(*Flag)
	if !ok {
		return model.Flag{}, nil, errNoFlag
	}
	return model.Flag{
		Key:            f.Key,
		State:          f.State,
		Variants:       f.Variants,
		DefaultVariant: f.DefaultVariant,
		Targeting:      f.Targeting,
	}, nil, nil
}

func (flagOfContext) GetAll(context.Context, *store.Selector) ([]model.Flag, model.Metadata, error) {
	return nil, nil, nil
}

func (flagOfContext) Watch(context.Context, *store.Selector, chan<- store.FlagQueryResult) {}

func (flagOfContext) Update(string, []model.Flag, model.Metadata, bool) {}
