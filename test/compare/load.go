package main

import (
	"fmt"
	"io"
	"runtime"

	flagd "github.com/open-feature/flagd/core/pkg/evaluator"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/lint"
	"github.com/flagline/flagline/test/compare/system"
	"github.com/flagline/flagline/test/compare/workload"
)

// compileAlone leaves out the validation that flagd's load and ours include.
const compileAlone = "ours, compile alone"

// load measures what it takes to load n flags, and what they occupy then.
func (f *figures) load(out io.Writer, s settings, name string, n int) error {
	if !s.wanted(out, name) {
		return nil
	}
	document := workload.Bodies(n)
	text := string(document)
	var core *flagd.JSON
	// Flagd compiles its schema when it is made, which is no part of a load.
	prepare := func() (err error) { core, err = system.NewFlagdCore(); return err }
	err := f.add(s, name, []*runner{
		{system: system.Flagd, once: true, prepare: prepare, run: func(int) error {
			return system.LoadFlagd(core, text)
		}},
		{system: system.Ours, once: true, run: func(int) error {
			return compileAndValidate(document)
		}},
		{system: compileAlone, once: true, run: func(int) error {
			_, err := evaluator.Compile(document)
			return err
		}},
	})
	if err != nil {
		return err
	}
	return f.heap(n, text, document)
}

// compileAndValidate is how a control plane takes a document.
func compileAndValidate(document []byte) error {
	if _, found := lint.Compile(document); len(found) > 0 {
		return fmt.Errorf("lint finds %v", found[0])
	}
	return nil
}

// heap measures what n flags leave on the heap, which is the same each time.
func (f *figures) heap(n int, text string, document []byte) error {
	core, err := system.NewFlagdCore()
	if err != nil {
		return err
	}
	before := heapInUse()
	if err := system.LoadFlagd(core, text); err != nil {
		return err
	}
	f.occupied(system.Flagd, n, before)
	runtime.KeepAlive(core)

	before = heapInUse()
	set, err := evaluator.Compile(document)
	if err != nil {
		return err
	}
	f.occupied(system.Ours, n, before)
	runtime.KeepAlive(set)
	runtime.KeepAlive(document)
	return nil
}

func (f *figures) occupied(name string, n int, before uint64) {
	used := float64(heapInUse()) - float64(before)
	f.Heap = append(f.Heap, heapRow{System: name, Flags: n, BytesPerFlag: significant(used / float64(n))})
}

// heapInUse is what the heap holds. Twice, because finalizers run in between.
func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
