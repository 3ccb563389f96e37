package flagtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/open-feature/go-sdk/openfeature"
)

// installing is held while the provider of the global OpenFeature API is
// looked at and replaced: the SDK offers no one step for it.
var installing sync.Mutex

// routerName is how a router that is installed is known again.
const routerName = "flagtest"

type contextKey struct{}

// Context returns a copy of parent by which these flags answer questions to
// clients of the global API, those of openfeature.NewClient. It sets the
// global provider if none is set, and fails the test if that is another one.
//
// Where the first call in a process is in a bubble of package synctest, that
// provider belongs to the bubble, and openfeature.Shutdown must not be called
// outside of it.
func (f *Flags) Context(parent context.Context) context.Context {
	f.t.Helper()
	installing.Lock()
	defer installing.Unlock()
	if before, ok := f.global(); ok && before != routerName {
		f.install(newRouter(nil))
	}
	return context.WithValue(parent, contextKey{}, f)
}

// SetGlobal makes these flags answer, until the end of the test, questions to
// clients of the global API whose context carries no test's flags. No other
// test may run meanwhile: one that is parallel panics, as with Setenv.
func (f *Flags) SetGlobal() {
	f.t.Helper()
	f.t.Setenv("FLAGTEST_GLOBAL", "1") // refuses parallel tests
	installing.Lock()
	defer installing.Unlock()
	before, ok := f.global()
	if !ok {
		return
	}
	f.install(newRouter(f))
	f.t.Cleanup(func() {
		f.t.Helper()
		installing.Lock()
		defer installing.Unlock()
		if before == routerName {
			f.install(newRouter(nil))
		} else {
			f.install(openfeature.NoopProvider{})
		}
	})
}

// global returns the name of the global provider. It is not ok, and fails the
// test, if somebody else has set one.
func (f *Flags) global() (name string, ok bool) {
	f.t.Helper()
	name = openfeature.ProviderMetadata().Name
	if name != routerName && name != (openfeature.NoopProvider{}).Metadata().Name {
		f.t.Fatalf("the global OpenFeature API has the provider %q: flags of a test need it to have none", name)
		return name, false
	}
	return name, true
}

func (f *Flags) install(p openfeature.FeatureProvider) {
	f.t.Helper()
	if err := openfeature.SetProviderWithContextAndWait(context.WithoutCancel(f.t.Context()), p); err != nil {
		f.t.Fatalf("set the global provider: %v", err)
	}
}

// A router is the global provider: it passes questions to the flags of their
// contexts. It has no state and sends no events, so the SDK starts nothing for
// it that would have to be stopped.
type router struct {
	openfeature.NoopProvider
	rest *Flags // who answers where the context carries no flags; may be nil

	mu      sync.Mutex
	strays  map[string]struct{} // flags that were asked for without
	console io.Writer
}

func newRouter(rest *Flags) *router {
	return &router{rest: rest, strays: make(map[string]struct{}), console: os.Stderr}
}

var (
	_ openfeature.FeatureProvider = (*router)(nil)
	_ openfeature.Tracker         = (*router)(nil)
)

// Metadata implements [openfeature.FeatureProvider].
func (*router) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: routerName} }

// BooleanEvaluation implements [openfeature.FeatureProvider].
func (r *router) BooleanEvaluation(ctx context.Context, flag string, defaultValue bool, fc openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return route(ctx, r, flag, defaultValue, fc, (*double).BooleanEvaluation)
}

// StringEvaluation implements [openfeature.FeatureProvider].
func (r *router) StringEvaluation(ctx context.Context, flag, defaultValue string, fc openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return route(ctx, r, flag, defaultValue, fc, (*double).StringEvaluation)
}

// FloatEvaluation implements [openfeature.FeatureProvider].
func (r *router) FloatEvaluation(ctx context.Context, flag string, defaultValue float64, fc openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return route(ctx, r, flag, defaultValue, fc, (*double).FloatEvaluation)
}

// IntEvaluation implements [openfeature.FeatureProvider].
func (r *router) IntEvaluation(ctx context.Context, flag string, defaultValue int64, fc openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return route(ctx, r, flag, defaultValue, fc, (*double).IntEvaluation)
}

// ObjectEvaluation implements [openfeature.FeatureProvider].
func (r *router) ObjectEvaluation(ctx context.Context, flag string, defaultValue any, fc openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return route(ctx, r, flag, defaultValue, fc, (*double).ObjectEvaluation)
}

// Track implements [openfeature.Tracker].
func (r *router) Track(ctx context.Context, name string, ec openfeature.EvaluationContext, details openfeature.TrackingEventDetails) {
	if f := r.flags(ctx); f != nil {
		f.double.Track(ctx, name, ec, details)
	}
}

// flags returns whose flags answer in ctx, or nil.
func (r *router) flags(ctx context.Context) *Flags {
	if f, ok := ctx.Value(contextKey{}).(*Flags); ok {
		return f
	}
	return r.rest
}

func route[T any](
	ctx context.Context, r *router, flag string, defaultValue T, fc openfeature.FlattenedContext,
	ask func(*double, context.Context, string, T, openfeature.FlattenedContext) openfeature.GenericResolutionDetail[T],
) openfeature.GenericResolutionDetail[T] {
	if f := r.flags(ctx); f != nil {
		return ask(f.double, ctx, flag, defaultValue, fc)
	}
	message := fmt.Sprintf("flag %q: its context carries no test's flags: hand the one of Flags.Context to the code under test", flag)
	r.complain(flag, message)
	d := openfeature.GenericResolutionDetail[T]{Value: defaultValue}
	d.Reason = openfeature.ErrorReason
	d.ResolutionError = openfeature.NewGeneralResolutionError(message)
	return d
}

// complain says message once for each flag, because an application that is
// content with its default may never show the error to anybody.
func (r *router) complain(flag, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.strays[flag]; known {
		return
	}
	r.strays[flag] = struct{}{}
	fmt.Fprintln(r.console, "flagtest: "+message)
}
