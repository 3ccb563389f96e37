package flagtest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/provider/flagtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var nobody openfeature.EvaluationContext

// A standIn is the test that an example would be if it were one.
type standIn struct {
	ctx      context.Context //nolint:containedctx // as testing.T has it
	cleanups []func()
}

// test runs f as a test.
func test(f func(flagtest.TB)) {
	ctx, cancel := context.WithCancel(context.Background())
	t := &standIn{ctx: ctx}
	defer func() {
		cancel()
		for _, cleanup := range slices.Backward(t.cleanups) {
			cleanup()
		}
	}()
	f(t)
}

func (t *standIn) Helper() {}

func (t *standIn) Context() context.Context { return t.ctx }

func (t *standIn) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *standIn) Setenv(string, string) {}

func (t *standIn) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// A failure is what a test was failed with.
type failure struct {
	testing.TB

	text string
}

func (f *failure) Helper() {}

func (f *failure) Fatalf(format string, args ...any) { f.text = fmt.Sprintf(format, args...) }
