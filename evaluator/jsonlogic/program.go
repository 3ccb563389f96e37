package jsonlogic

import (
	"errors"
	"math"
)

// A Program is a compiled rule. It never changes, and may be run from any number
// of goroutines at once.
type Program struct {
	variables []variable // that the rule reads, by slot
	entry     target
	tests     []test
	trees     []node // the leaves that are trees
	constants []any  // for those that no one numbered
	timed     bool   // it may ask for the time
	reads     reads
	versioned bool // it remembers versions
}

// An Input is what a program is run for.
type Input struct {
	// Context holds the variables: values that encoding/json can encode. It is
	// not changed. A value that it cannot encode is an error for the rules that
	// read it, and for no others.
	Context map[string]any

	FlagKey string // $flagd.flagKey
	Now     int64  // $flagd.timestamp, in seconds of Unix time; see [Program.ReadsTime]
}

// A Result is what a rule gives.
type Result struct {
	// Constant is which of [Program.Constants] it is, or -1 if the value had to
	// be computed.
	Constant int

	// Err is a [*ContextError] if the rule reads what JSON cannot carry; any
	// other one says that the rule cannot be evaluated for this context, or not
	// within the bounds.
	Err error

	v value
}

// Value is the computed value, if Constant is -1: nil, a bool, a float64, a
// string, a []any or a map[string]any. Arrays and objects are shared and must
// not be changed.
func (r *Result) Value() any {
	if r.v.kind == integer {
		return 0.0
	}
	return r.v.any()
}

// Text is the computed value if that is a text.
func (r *Result) Text() (string, bool) { return r.v.text(), r.v.kind == text }

// IsNull says whether the computed value is null.
func (r *Result) IsNull() bool { return r.v.kind == null }

// Compile compiles a rule, which is decoded JSON. It returns an
// [*UnknownOperatorError] for a rule that calls what is no operator, where
// evaluation might look at it, and an error for rules beyond [MaxDepth] and
// [MaxNodes]. Whatever else is wrong with a rule shows when it is run.
//
// The rule must not be changed afterwards. Operands of other types, such as int,
// count as what encoding/json would write them as.
func Compile(rule any) (*Program, error) {
	var constants []any
	p, err := CompileFor(rule, func(v any) int {
		constants = append(constants, v)
		return len(constants) - 1
	})
	if err == nil {
		p.constants = constants
	}
	return p, err
}

// CompileFor is [Compile] for someone to whom results stand for something else:
// number says for what. It is called while the rule is compiled, with each
// result that is known without a context, and gives numbers from 0 to 2³⁰-1,
// which then are [Result.Constant]. The program has no Constants, and no Value.
func CompileFor(rule any, number func(any) int) (*Program, error) {
	var s slots
	p := parser{slots: &s, fold: true}
	tree, err := p.parse(rule, 0)
	if err != nil {
		return nil, err
	}
	return link(&tree, s, number), nil
}

// Constants returns the results that are known without a context. It must not
// be changed.
func (p *Program) Constants() []any { return p.constants }

// ReadsTime says whether the rule may ask for the time. If not, [Input].Now does
// not matter.
func (p *Program) ReadsTime() bool { return p.timed }

// Reads returns, in byte order, the members of the context that the rule may look
// at; without the others it gives the same. ok is false if it may look at any. The
// list must not be changed.
func (p *Program) Reads() (members []string, ok bool) { return p.reads.members, !p.reads.any }

// Run runs the program, and fills in r. To hand a Result up
// would cost more than to run most programs.
func (p *Program) Run(in Input, r *Result) {
	if p.entry.isTest() && len(p.tests) == 0 {
		*r = Result{Constant: -1, Err: errNoProgram}
		return
	}
	var m machine
	m.program = p
	// One by one: a copy of the whole waits for the stores of its parts.
	m.in.Context, m.in.FlagKey, m.in.Now = in.Context, in.FlagKey, in.Now
	var at target
	switch n := len(p.variables); {
	case n <= 2 && !p.versioned:
		var slots [2]value
		at = m.walk(slots[:], nil)
	case n <= 8:
		var slots [8]value
		var versions [maxMemos]version
		at = m.walk(slots[:], versions[:])
	default:
		at = m.walk(make([]value, n), make([]version, maxMemos))
	}
	if m.err == nil && at.isConstant() {
		r.Constant, r.Err, r.v.kind = at.index(), nil, unread
		return
	}
	r.Constant, r.v.kind = -1, unread
	if m.err == nil {
		r.v = m.eval(&p.trees[at.index()], value{kind: wholeContext})
		if r.v.kind == number && (math.IsNaN(r.v.num) || math.IsInf(r.v.num, 0)) {
			m.fail(errNotFinite)
		}
	}
	r.Err = m.err
}

// Value runs the program and returns its result, constant or computed.
func (p *Program) Value(in Input) (any, error) {
	var r Result
	p.Run(in, &r)
	switch {
	case r.Constant < 0:
		return r.Value(), r.Err
	case r.Constant < len(p.constants):
		return p.constants[r.Constant], nil
	}
	return nil, errNumbered
}

var (
	errNoProgram = errors.New("the program was not compiled")
	errNumbered  = errors.New("the program was compiled for its results' numbers")
)
