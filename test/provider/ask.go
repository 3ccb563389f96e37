package main

import (
	"context"
	"fmt"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/test/compare/workload"
)

// A way is one way to ask for a flag.
type way struct {
	name string

	// decide asks once.
	decide func(ctx context.Context, flag workload.Flag, s subject) (decision, error)

	// loop returns what asks for flag n times, for one of the audience after the
	// other, and returns an error if an answer is wrong.
	loop func(ctx context.Context, flag workload.Flag, of *audience) func(n int) error

	constant bool // it gives the same answer to everybody
	fresh    bool // it is asked for another subject each time
}

// as is w by another name.
func (w way) as(name string) *way {
	w.name = name
	return &w
}

// A decision is what is compared of an answer.
type decision struct {
	Value   any
	Variant string // "" if the way does not tell
}

// The values for who matches, and the text for who does not.
const (
	wantStatic   = true
	wantEndswith = "on of endswith-0000"
	missEndswith = "off of endswith-0000"
)

// throughClient asks as applications do.
func throughClient(name string, client *openfeature.Client) *way {
	return &way{
		name: name,
		decide: func(ctx context.Context, flag workload.Flag, s subject) (decision, error) {
			if flag.Type == workload.Bool {
				d, err := client.BooleanValueDetails(ctx, flag.Key, false, s.ec)
				return decision{d.Value, d.Variant}, err
			}
			d, err := client.StringValueDetails(ctx, flag.Key, "", s.ec)
			return decision{d.Value, d.Variant}, err
		},
		loop: func(ctx context.Context, flag workload.Flag, of *audience) func(n int) error {
			if flag.Type == workload.Bool {
				return around(of, wantStatic, func(s *subject) (bool, error) {
					return client.BooleanValue(ctx, flag.Key, false, s.ec)
				})
			}
			return around(of, wantEndswith, func(s *subject) (string, error) {
				return client.StringValue(ctx, flag.Key, "", s.ec)
			})
		},
	}
}

// around asks for one after the other.
func around[T comparable](of *audience, want T, ask func(*subject) (T, error)) func(n int) error {
	return func(n int) error {
		for range n {
			if got, err := ask(of.next()); err != nil || got != want {
				return fmt.Errorf("the answer is %v, %w; it should be %v", got, err, want)
			}
		}
		return nil
	}
}

// throughHandle asks past the SDK.
func throughHandle(ctx context.Context, name string, p *provider.Provider) *way {
	on, text := p.BooleanHandle(static.Key, false), p.StringHandle(endswith.Key, "")
	return direct(name,
		func(ec map[string]any) bool { return on.Value(ctx, ec) },
		func(ec map[string]any) string { return text.Value(ctx, ec) })
}

// evaluators ask the engine: with the flag in hand, and for its key.
func evaluators(document []byte) (inHand, byKey *way, err error) {
	set, err := evaluator.Compile(document)
	if err != nil {
		return nil, nil, err
	}
	boolean, ok := set.Flag(static.Key)
	text, ok2 := set.Flag(endswith.Key)
	if !ok || !ok2 {
		return nil, nil, fmt.Errorf("flags %q and %q are not where they were compiled into", static.Key, endswith.Key)
	}
	truth := func(r evaluator.Resolution) bool { v, _, _ := r.Bool(); return v }
	words := func(r evaluator.Resolution) string { v, _, _ := r.Text(); return v }
	return direct(flagInHand,
			func(ec map[string]any) bool { return truth(boolean.Evaluate(ec)) },
			func(ec map[string]any) string { return words(text.Evaluate(ec)) }),
		direct(flagByKey,
			func(ec map[string]any) bool { return truth(set.Evaluate(static.Key, ec)) },
			func(ec map[string]any) string { return words(set.Evaluate(endswith.Key, ec)) }), nil
}

// direct asks without the SDK, for the bare map of attributes.
func direct(name string, boolean func(map[string]any) bool, text func(map[string]any) string) *way {
	return &way{
		name: name,
		decide: func(_ context.Context, flag workload.Flag, s subject) (decision, error) {
			if flag.Type == workload.Bool {
				return decision{Value: boolean(s.attributes)}, nil
			}
			return decision{Value: text(s.attributes)}, nil
		},
		loop: func(_ context.Context, flag workload.Flag, of *audience) func(n int) error {
			if flag.Type == workload.Bool {
				return around(of, wantStatic, func(s *subject) (bool, error) { return boolean(s.attributes), nil })
			}
			return around(of, wantEndswith, func(s *subject) (string, error) { return text(s.attributes), nil })
		},
	}
}
