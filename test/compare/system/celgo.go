package system

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"

	"github.com/flagline/flagline/test/compare/workload"
)

// celPrograms are typed, optimized programs.
type celPrograms struct {
	programs []cel.Program
	contexts []map[string]any
}

func newCEL(w workload.Workload) (System, error) {
	if nothingToSay(w) {
		return nil, ErrCannot
	}
	env, err := celEnvironment()
	if err != nil {
		return nil, err
	}
	d := dialect{endsWith: "%s.endsWith(%q)", let: "cel.bind(b, %s, %s)"}
	s := &celPrograms{contexts: w.Contexts()}
	for _, f := range w.Flags {
		ast, issues := env.Compile(d.source(f))
		if err := issues.Err(); err != nil {
			return nil, err
		}
		program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			return nil, err
		}
		s.programs = append(s.programs, program)
	}
	return s, nil
}

func celEnvironment() (*cel.Env, error) {
	options := []cel.EnvOption{
		// A chain of a hundred rules is nested more deeply than CEL allows.
		cel.ParserRecursionLimit(2000),
		ext.Bindings(),
		cel.Function("atLeast", cel.Overload("at_least",
			[]*cel.Type{cel.StringType, cel.IntType, cel.IntType, cel.IntType}, cel.BoolType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				v := version{int(args[1].(types.Int)), int(args[2].(types.Int)), int(args[3].(types.Int))}
				return types.Bool(laterOrSame(string(args[0].(types.String)), v))
			}))),
		cel.Function("bucket", cel.Overload("bucket_of",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.IntType,
			cel.BinaryBinding(func(key, subject ref.Val) ref.Val {
				return types.Int(bucket(string(key.(types.String)), string(subject.(types.String))))
			}))),
	}
	for _, name := range []string{"targetingKey", "email", "country", "plan", "version"} {
		options = append(options, cel.Variable(name, cel.StringType))
	}
	return cel.NewEnv(options...)
}

func (s *celPrograms) Answer(flag, subject int) string {
	v, _, err := s.programs[flag].Eval(s.contexts[subject])
	if err != nil {
		return err.Error()
	}
	variant, ok := v.(types.String)
	if !ok {
		return fmt.Sprintf("%T instead of a variant", v)
	}
	return string(variant)
}
