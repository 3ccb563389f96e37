package journal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// A Summary says what a backup holds.
type Summary struct {
	Environment string `json:"environment"`
	Incarnation string `json:"incarnation"`
	Generation  uint64 `json:"generation"`
	Records     uint64 `json:"records"`
	Flags       int    `json:"flags"`
	Digest      string `json:"digest"`
}

// Backup writes generations, from the first one on, to w. What it wrote is a
// backup only if it returns no error.
func Backup(w io.Writer, env wire.Environment, generations iter.Seq2[*replica.Step, error]) (Summary, error) {
	out := bufio.NewWriterSize(w, 1<<16)
	sum := Summary{Environment: string(env)}
	for step, err := range generations {
		if err != nil {
			return Summary{}, err
		}
		var buf []byte
		if sum.Generation == 0 {
			sum.Incarnation = step.State.Head.Incarnation
			first := header{Environment: env, Incarnation: sum.Incarnation, First: 1, Backup: true}
			if buf, err = appendEntry([]byte(magic), first); err != nil {
				return Summary{}, err
			}
		}
		for _, r := range step.Records {
			if buf, err = appendEntry(buf, lineOf(r)); err != nil {
				return Summary{}, err
			}
			sum.Records++
		}
		if _, err := out.Write(buf); err != nil {
			return Summary{}, err
		}
		sum.Generation, sum.Flags, sum.Digest = step.State.Generation(), step.State.Flags(), step.State.Head.Digest
	}
	if sum.Generation == 0 {
		return Summary{}, fmt.Errorf("environment %q: %w", env, natslog.ErrEmpty)
	}
	buf, err := appendEntry(nil, line{End: &end{sum.Records, sum.Generation, sum.Digest}})
	if err != nil {
		return Summary{}, err
	}
	if _, err := out.Write(buf); err != nil {
		return Summary{}, err
	}
	return sum, out.Flush()
}

// Whole yields each generation of a log, from the first one to the newest.
func Whole(ctx context.Context, from *natslog.Client) iter.Seq2[*replica.Step, error] {
	return func(yield func(*replica.Step, error) bool) {
		short, cancel := context.WithTimeout(ctx, headIn)
		_, seq, err := from.Head(short)
		cancel()
		if err != nil {
			yield(nil, err)
			return
		}
		for step, err := range read(ctx, from, replica.NewLog(from.Environment, nil), seq) {
			if !yield(step, err) || err != nil {
				return
			}
		}
	}
}
