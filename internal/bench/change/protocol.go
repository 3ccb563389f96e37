package main

import (
	"context"
	"time"
)

// A protocolRow is what was measured of one environment.
type protocolRow struct {
	Replicas    int     `json:"replicas"`
	Flags       int     `json:"flags"`
	Rounds      int     `json:"rounds"`
	BareBatch   figures `json:"bareBatch"`
	Commit      figures `json:"commit"`
	CommitRatio float64 `json:"commitOverBareBatch"`
	Subscriber  figures `json:"subscriber"` // from the beginning of Commit
	Reader      figures `json:"reader"`     // idem
	ReaderRatio float64 `json:"readerOverSubscriber"`
}

// measureProtocol measures a change of an environment with so many flags.
func measureProtocol(ctx context.Context, replicas, flags, rounds int) (protocolRow, error) {
	b, err := newBench(ctx, replicas, flags)
	if err != nil {
		return protocolRow{}, err
	}
	defer b.close()
	batch := &operation{name: "bare batch", do: func() error { return b.bare(ctx) }}
	subscriber, reader, commit, err := b.watched(ctx, rounds, batch)
	if err != nil {
		return protocolRow{}, err
	}
	if err := inBlocks(rounds, batch, commit); err != nil {
		return protocolRow{}, err
	}
	r := protocolRow{
		Replicas: replicas, Flags: flags, Rounds: rounds,
		BareBatch: batch.figures(), Commit: commit.figures(), Subscriber: subscriber, Reader: reader,
	}
	r.CommitRatio, r.ReaderRatio = r.Commit.P50/r.BareBatch.P50, r.Reader.P50/r.Subscriber.P50
	return r, nil
}

// watched measures commits, by turns with batch, and when a subscriber and a
// reader knew of each. The commit that it returns is not watched any more.
func (b *bench) watched(ctx context.Context, rounds int, batch *operation) (subscriber, reader figures, commit *operation, err error) {
	w, err := newWatch(ctx, b.url)
	if err != nil {
		return figures{}, figures{}, nil, err
	}
	defer w.close()
	var generation uint64
	var subscribers, readers []time.Duration
	commit = &operation{
		name: "commit",
		do: func() error {
			c, err := b.commit(ctx)
			generation = c.Generation
			return err
		},
		after: func(start time.Time) error {
			seen, applied, err := w.await(ctx, generation)
			subscribers, readers = append(subscribers, seen.Sub(start)), append(readers, applied.Sub(start))
			return err
		},
	}
	if err := inTurns(rounds, batch, commit); err != nil {
		return figures{}, figures{}, nil, err
	}
	commit.after = nil
	return quantiles(subscribers), quantiles(readers), commit, nil
}
