package system

import (
	"fmt"
	"reflect"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/flagline/flagline/test/compare/workload"
)

// exprPrograms are typed, optimized programs that one machine runs.
type exprPrograms struct {
	machine  vm.VM
	programs []*vm.Program
	contexts []map[string]any
}

func newExpr(w workload.Workload) (System, error) {
	if nothingToSay(w) {
		return nil, ErrCannot
	}
	d := dialect{endsWith: "%s endsWith %q", let: "let b = %s; %s"}
	options := []expr.Option{
		expr.Env(map[string]any{"targetingKey": "", "email": "", "country": "", "plan": "", "version": ""}),
		expr.AsKind(reflect.String),
		expr.Function("atLeast", func(args ...any) (any, error) {
			return laterOrSame(args[0].(string), version{args[1].(int), args[2].(int), args[3].(int)}), nil
		}, new(func(string, int, int, int) bool)),
		expr.Function("bucket", func(args ...any) (any, error) {
			return bucket(args[0].(string), args[1].(string)), nil
		}, new(func(string, string) int)),
	}
	s := &exprPrograms{contexts: w.Contexts()}
	for _, f := range w.Flags {
		program, err := expr.Compile(d.source(f), options...)
		if err != nil {
			return nil, err
		}
		s.programs = append(s.programs, program)
	}
	return s, nil
}

func (s *exprPrograms) Answer(flag, subject int) string {
	v, err := s.machine.Run(s.programs[flag], s.contexts[subject])
	if err != nil {
		return err.Error()
	}
	variant, ok := v.(string)
	if !ok {
		return fmt.Sprintf("%T instead of a variant", v)
	}
	return variant
}
