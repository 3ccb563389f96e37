package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/flagline/flagline/internal/bench/cputime"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// appliedChanges is how many changes are applied to each environment.
const appliedChanges = 2000

// An applyRow is what applying takes in one environment.
type applyRow struct {
	Flags  int `json:"flags"`
	Rounds int `json:"rounds"`
	figures
}

// measureApply measures what one goroutine takes to apply a change of one flag
// among so many: records to state, digest, compiled flag, snapshot. The changes
// are there before it begins, so that the processor time is that of applying,
// and of collecting the garbage that it makes.
func measureApply(flags int) (applyRow, error) {
	first, changes, err := publications(flags, appliedChanges)
	if err != nil {
		return applyRow{}, err
	}
	log := replica.NewLog(environment, nil)
	sink := store.New().Add(environment)
	if _, err := take(log, first); err != nil {
		return applyRow{}, err
	}
	sink.Apply(updateOf(1, first, true))
	runtime.GC()

	var took []time.Duration
	used := cputime.Used()
	for _, change := range changes {
		start := time.Now()
		step, err := take(log, change)
		if err != nil {
			return applyRow{}, err
		}
		sink.Apply(updateOf(step.State.Generation(), change, false))
		took = append(took, time.Since(start))
	}
	used = cputime.Used() - used
	r := applyRow{Flags: flags, Rounds: len(changes), figures: quantiles(took)}
	r.CPU = microseconds(used) / float64(len(changes))
	return r, nil
}

// publications are the records of an environment with so many flags, and of
// changes to one of them each. The last of each is a head.
func publications(flags, n int) (first []replica.Record, changes [][]replica.Record, err error) {
	log := replica.NewLog(environment, nil)
	seq := uint64(0)
	publish := func(records []replica.Record) ([]replica.Record, error) {
		seq++
		head, err := headOf(log.State(), records, seq)
		if err != nil {
			return nil, err
		}
		records = append(records, head)
		_, err = take(log, records)
		return records, err
	}
	record := func(flag, change int) replica.Record {
		seq++
		return replica.Record{Seq: seq, Key: "flag.=." + key(flag), Body: body(change)}
	}
	for i := range flags {
		first = append(first, record(i, -1))
	}
	if first, err = publish(first); err != nil {
		return nil, nil, err
	}
	for i := range n {
		change, err := publish([]replica.Record{record(i%flags, i)})
		if err != nil {
			return nil, nil, err
		}
		changes = append(changes, change)
	}
	return first, changes, nil
}

// headOf is the head with the sequence seq that closes records after before.
func headOf(before *replica.State, records []replica.Record, seq uint64) (replica.Record, error) {
	h := wire.Head{
		Protocol: wire.Protocol, Incarnation: "bench", Epoch: 1, Generation: before.Generation() + 1,
		Change: "c", Part: 1, Digest: strings.Repeat("0", 64),
	}
	next := before.With(records, h, seq)
	h.Flags, h.Digest = next.Flags(), next.Digest().String()
	body, err := h.Marshal()
	return replica.Record{Seq: seq, Key: wire.HeadKey, Body: body}, err
}

// take gives log the records of one generation.
func take(log *replica.Log, records []replica.Record) (*replica.Step, error) {
	for _, r := range records {
		log.Offer(r)
	}
	step, err := log.Advance(nil)
	if err != nil {
		return nil, fmt.Errorf("apply: %w", err)
	}
	if step == nil {
		return nil, errors.New("apply: a generation is not whole")
	}
	return step, nil
}

// updateOf is what a source makes of the records of a generation.
func updateOf(generation uint64, records []replica.Record, replace bool) source.Update {
	u := source.Update{Replace: replace, Version: source.Version{Generation: generation}}
	for _, r := range records[:len(records)-1] {
		u.Records = append(u.Records, source.Record{Key: strings.TrimPrefix(r.Key, "flag.=."), Body: r.Body})
	}
	return u
}
