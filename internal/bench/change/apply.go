package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/flagline/flagline/internal/bench/cputime"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// applyCost is what one goroutine takes to apply a change of one flag among so
// many: records to state, digest, compiled flag, snapshot.
func applyCost(flags int) (figures, error) {
	log := replica.NewLog(environment, nil)
	sink := store.New().Add(environment)
	var first []source.Record
	var records []replica.Record
	for i := range flags {
		first = append(first, source.Record{Key: key(i), Body: body(-1)})
		records = append(records, replica.Record{Seq: uint64(i + 1), Key: "flag.=." + key(i), Body: body(-1)})
	}
	seq := uint64(flags)
	publish(log, records, &seq)
	sink.Apply(source.Update{Replace: true, Version: source.Version{Generation: 1}, Records: first})

	var took []time.Duration
	var cpu time.Duration
	for i := range 2000 {
		seq++
		change := []replica.Record{{Seq: seq, Key: "flag.=." + key(i%flags), Body: body(i)}}
		head := headOf(log, change, &seq)
		used, start := cputime.Used(), time.Now()
		log.Offer(change[0])
		log.Offer(head)
		step, err := log.Advance(nil)
		if err != nil {
			return figures{}, fmt.Errorf("apply: %w", err)
		}
		if step == nil {
			return figures{}, errors.New("apply: a change was not whole")
		}
		sink.Apply(source.Update{
			Version: source.Version{Generation: step.State.Generation()},
			Records: []source.Record{{Key: key(i % flags), Body: body(i)}},
		})
		took = append(took, time.Since(start))
		cpu += cputime.Used() - used
	}
	f := quantiles(took)
	f.CPU = microseconds(cpu / time.Duration(len(took)))
	return f, nil
}

func publish(log *replica.Log, records []replica.Record, seq *uint64) {
	head := headOf(log, records, seq)
	for _, r := range records {
		log.Offer(r)
	}
	log.Offer(head)
	_, _ = log.Advance(nil) // what is measured later shows whether it is there
}

// headOf is the head that closes records after the log's state.
func headOf(log *replica.Log, records []replica.Record, seq *uint64) replica.Record {
	*seq++
	h := wire.Head{
		Protocol: wire.Protocol, Incarnation: "bench", Epoch: 1, Generation: log.State().Generation() + 1,
		Change: "c", Part: 1, Digest: strings.Repeat("0", 64),
	}
	next := log.State().With(records, h, *seq)
	h.Flags, h.Digest = next.Flags(), next.Digest().String()
	body, _ := h.Marshal()
	return replica.Record{Seq: *seq, Key: wire.HeadKey, Body: body}
}
