package main

import (
	"context"
	"fmt"
	"io"
	"reflect"

	flagd "github.com/open-feature/flagd/core/pkg/evaluator"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/test/compare/system"
	"github.com/flagline/flagline/test/compare/workload"
)

// bulkSubjects is how many subjects all flags are evaluated for in turn.
const bulkSubjects = 16

// bulk measures what it takes to evaluate all of n flags for one subject.
func (f *figures) bulk(out io.Writer, s settings, name string, n int) error {
	if !s.wanted(out, name) {
		return nil
	}
	b, err := newBulk(n)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := b.agree(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.add(s, name, []*runner{
		{system: system.Flagd, attributes: workload.Few, run: b.each(func(ec map[string]any) (int, error) {
			values, _, err := b.core.ResolveAllValues(context.Background(), "", ec)
			return len(values), err
		})},
		{system: system.Ours, attributes: workload.Few, run: b.each(func(ec map[string]any) (int, error) {
			answered := 0
			for _, f := range b.set.All() {
				if r := f.Evaluate(ec); r.Err == nil {
					answered++
				}
			}
			return answered, nil
		})},
	})
}

// A bulk holds the same flags twice.
type bulk struct {
	core     *flagd.JSON
	set      *evaluator.FlagSet
	contexts []map[string]any
}

func newBulk(n int) (*bulk, error) {
	document := workload.Bodies(n)
	core, err := system.NewFlagdCore()
	if err != nil {
		return nil, err
	}
	if err := system.LoadFlagd(core, string(document)); err != nil {
		return nil, err
	}
	set, err := evaluator.Compile(document)
	if err != nil {
		return nil, err
	}
	b := &bulk{core: core, set: set}
	for i := range bulkSubjects {
		b.contexts = append(b.contexts, workload.NewSubject(i).Attributes(workload.Few))
	}
	return b, nil
}

// agree returns an error if there is a flag with different answers.
func (b *bulk) agree() error {
	for _, ec := range b.contexts[:2] {
		values, _, err := b.core.ResolveAllValues(context.Background(), "", ec)
		if err != nil {
			return err
		}
		if len(values) != b.set.Len() {
			return fmt.Errorf("%s answers %d flags, %s %d", system.Flagd, len(values), system.Ours, b.set.Len())
		}
		for _, want := range values {
			got := b.set.Evaluate(want.FlagKey, ec)
			if got.Variant != want.Variant || !reflect.DeepEqual(got.Value, want.Value) {
				return fmt.Errorf("flag %q for %v: %s answers %q, %s %q",
					want.FlagKey, ec, system.Ours, got.Variant, system.Flagd, want.Variant)
			}
		}
	}
	return nil
}

// each calls evaluate for one subject after another. It has to answer for all
// flags.
func (b *bulk) each(evaluate func(map[string]any) (int, error)) func(n int) error {
	next := 0
	return func(n int) error {
		for range n {
			next = (next + 1) % len(b.contexts)
			answered, err := evaluate(b.contexts[next])
			if err != nil {
				return err
			}
			if answered != b.set.Len() {
				return fmt.Errorf("%d of %d flags have an answer", answered, b.set.Len())
			}
		}
		return nil
	}
}
