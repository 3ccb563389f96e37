package jsonlogic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/diegoholiveira/jsonlogic/v3"
	flagd "github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	ours "github.com/flagline/flagline/evaluator/jsonlogic"
)

// The engine is asked which words it takes for operators, ours among others
// that people use elsewhere.
func TestOperatorsAreThoseOfTheEngine(t *testing.T) {
	// Making one registers flagd's operators with the engine, for the process.
	flagd.NewResolver(nil, logger.NewLogger(zap.NewNop(), false), noop.NewTracerProvider().Tracer(""))
	words := strings.Fields(`and or ! !! if ?: == != === !== < <= > >= + - * / % max min abs plus cat substr
		in var set missing missing_some merge map filter reduce all none some
		contains_all contains_any contains_none fractional sem_ver starts_with ends_with
		log method xor try length lower upper regex ?? exists fractional-v3 IF`)
	known := 0
	for _, word := range words {
		_, err := jsonlogic.ApplyInterface(map[string]any{word: []any{}}, map[string]any{})
		_, unknown := errors.AsType[jsonlogic.ErrInvalidOperator](err)
		if ours.IsOperator(word) == unknown {
			t.Errorf("IsOperator(%q) = %v, and the engine says %v", word, !unknown, err)
		}
		if !unknown {
			known++
		}
	}
	if known < 40 {
		t.Errorf("the engine knows %d operators of %d, want at least 40: was it asked?", known, len(words))
	}
}
