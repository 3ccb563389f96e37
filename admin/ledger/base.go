package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/flagline/flagline/internal/base"
	"github.com/flagline/flagline/internal/wire"
)

// When the base is written anew: when so much of the log follows it that a
// reader would notice.
const (
	baseRecords = 1000
	baseBytes   = 4 << 20

	// The first base of an environment is worth writing sooner.
	baseFirst = 100

	baseLook  = time.Second      // between two looks at what follows it
	baseEvery = 10 * time.Second // between two bases
	baseIn    = time.Minute      // for writing one
)

// keepBase begins to write the base whenever enough of the log follows the last
// one, until ctx is done. It returns what waits for the end of that.
//
// It looks now and then rather than being told, for nothing in the path of a
// change may know of it. If it cannot write, readers read more of the log.
func (l *Ledger) keepBase(ctx context.Context) (wait func()) {
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(baseLook)
		defer tick.Stop()
		l.findBase(ctx)
		var next time.Time // not before
		for {
			if l.baseIsDue() && !time.Now().Before(next) {
				if err := l.WriteBase(ctx); err != nil && ctx.Err() == nil {
					l.logger.Warn("leave the base as it is", "err", err)
				}
				next = time.Now().Add(baseEvery)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return done.Wait
}

// A written is the base that a ledger knows of.
type written struct {
	incarnation string
	sequence    uint64 // of its head
}

// findBase reads the base that there is. It is true if a reader can use it;
// one that nobody can use is as good as none.
func (l *Ledger) findBase(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, baseIn)
	defer cancel()
	index, chunks, err := l.client.Base(ctx)
	if err != nil {
		return false
	}
	if head, err := l.client.HeadAt(ctx, index.Sequence); err != nil || !index.Stands(head) {
		return false
	}
	if _, err := base.Unpack(index, chunks); err != nil {
		return false
	}
	l.base.Store(&written{index.Incarnation, index.Sequence})
	return true
}

// baseIsDue says whether enough follows the base that this ledger knows of.
func (l *Ledger) baseIsDue() bool {
	state, known := l.state.Load(), l.base.Load()
	if state.Generation() == 0 {
		return false
	}
	if known == nil || known.incarnation != state.Head.Incarnation {
		return state.Seq > baseFirst
	}
	if state.Seq > known.sequence+baseRecords {
		return true
	}
	changes := *l.changes.Load()
	at, _ := slices.BinarySearchFunc(changes, known.sequence, func(e entry, seq uint64) int {
		return cmp.Compare(e.headSeq, seq)
	})
	return at < len(changes) && changes[len(changes)-1].logSize-changes[at].logSize > baseBytes
}

// WriteBase writes the base of the newest state known, unless there is a newer
// one. It may be called at any time, at once with everything else.
func (l *Ledger) WriteBase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, baseIn)
	defer cancel()
	if err := l.writeBase(ctx); err != nil {
		return fmt.Errorf("write base of %q: %w", l.env, err)
	}
	return nil
}

func (l *Ledger) writeBase(ctx context.Context) error {
	state := l.state.Load()
	if state.Generation() == 0 {
		return nil
	}
	stream, err := l.baseStream(ctx)
	if err != nil {
		return err
	}
	old, oldSeq, err := l.lastBase(ctx, stream)
	if err != nil {
		return err
	}
	if old.Incarnation == state.Head.Incarnation && old.Sequence >= state.Seq && l.findBase(ctx) {
		return nil // another control plane was quicker
	}

	index, chunks, err := base.Pack(state)
	if err != nil {
		return err
	}
	// What a larger base left behind is sent to every reader.
	for len(chunks) < min(old.Chunks, wire.MaxBaseChunks) {
		chunks = append(chunks, nil)
	}
	body, err := index.Marshal()
	if err != nil {
		return err
	}
	first := nats.NewMsg(l.env.Base(wire.BaseIndexPart))
	first.Data = body
	first.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(oldSeq, 10))
	msgs := []*nats.Msg{first}
	for i, c := range chunks {
		msg := nats.NewMsg(l.env.Base(wire.BaseChunkPart(i)))
		msg.Data = c
		msgs = append(msgs, msg)
	}
	_, err = jetstreamext.PublishMsgBatch(ctx, l.js, msgs, jetstreamext.BatchFlowControl{AckFirst: true, AckTimeout: answerIn})
	if isConflict(err) {
		return nil // another control plane writes one in this moment
	}
	if err != nil {
		return err
	}
	l.base.Store(&written{index.Incarnation, index.Sequence})
	l.logger.Debug("write base", "generation", index.Generation)
	return nil
}

// baseStream finds the stream that holds the base. If there is none it is made,
// with as many replicas as the log has.
func (l *Ledger) baseStream(ctx context.Context) (jetstream.Stream, error) {
	s, err := l.js.Stream(ctx, l.env.BaseStream())
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return s, err
	}
	log, err := l.js.Stream(ctx, l.env.Stream())
	if err != nil {
		return nil, err
	}
	return l.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:               l.env.BaseStream(),
		Description:        "the newest state of " + l.env.Stream() + " but for what follows in it; can be made anew at any time",
		Subjects:           []string{l.env.Base("*")},
		Storage:            jetstream.FileStorage,
		Replicas:           log.CachedInfo().Config.Replicas,
		MaxMsgsPerSubject:  1,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	})
}

// lastBase finds the index that is stored, and its sequence in the stream of
// the base. One that cannot be right is as good as none.
func (l *Ledger) lastBase(ctx context.Context, stream jetstream.Stream) (wire.BaseIndex, uint64, error) {
	msg, err := stream.GetLastMsgForSubject(ctx, l.env.Base(wire.BaseIndexPart))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return wire.BaseIndex{}, 0, nil
	}
	if err != nil {
		return wire.BaseIndex{}, 0, err
	}
	index, err := wire.ParseBaseIndex(msg.Data)
	if err != nil {
		l.logger.Warn("replace a base that is none", "err", err)
		return wire.BaseIndex{}, msg.Sequence, nil
	}
	return index, msg.Sequence, nil
}
