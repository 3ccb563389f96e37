package system

import (
	"fmt"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/test/compare/workload"
)

// ours asks a flag set by key, as a service does.
type ours struct {
	set      *evaluator.FlagSet
	keys     []string
	contexts []evaluator.Context
}

func newOurs(w workload.Workload) (System, error) {
	document, err := workload.Document(w.Flags)
	if err != nil {
		return nil, err
	}
	set, err := evaluator.Compile(document)
	if err != nil {
		return nil, err
	}
	s := &ours{set: set, contexts: w.Contexts()}
	for _, f := range w.Flags {
		s.keys = append(s.keys, f.Key)
	}
	return s, nil
}

func (s *ours) Answer(flag, subject int) string {
	r := s.set.Evaluate(s.keys[flag], s.contexts[subject])
	if r.Err != nil {
		return r.Err.Error()
	}
	return r.Variant
}

// oursFlag holds the flags that it asks.
type oursFlag struct {
	flags    []*evaluator.Flag
	contexts []evaluator.Context
}

func newOursFlag(w workload.Workload) (System, error) {
	made, err := newOurs(w)
	if err != nil {
		return nil, err
	}
	set := made.(*ours)
	s := &oursFlag{contexts: set.contexts}
	for _, key := range set.keys {
		f, ok := set.set.Flag(key)
		if !ok {
			return nil, fmt.Errorf("flag %q is not in the set that it was compiled into", key)
		}
		s.flags = append(s.flags, f)
	}
	return s, nil
}

func (s *oursFlag) Answer(flag, subject int) string {
	r := s.flags[flag].Evaluate(s.contexts[subject])
	if r.Err != nil {
		return r.Err.Error()
	}
	return r.Variant
}
