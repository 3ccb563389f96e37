package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
)

// restoring marks, in its metadata, a stream that [Restore] has not finished.
const restoring = "flagline-restoring"

// restoreMessages is how many messages are sent as one batch while nobody reads
// them: as many as a server takes.
const restoreMessages = 1000

// flushIn is how long a restore tries to get one batch stored.
const flushIn = 30 * time.Second

// clearedIn is how long a server may take to clear away a deleted stream.
const clearedIn = 5 * time.Second

// A RestoreConfig says how to restore an environment.
type RestoreConfig struct {
	Environment string

	// Replicas is how many servers of a cluster store the environment; 0
	// means 1.
	Replicas int

	// Epoch is the highest that is known of the environment. The one that is
	// restored gets a higher one.
	Epoch uint64

	// Replace permits to delete what the environment holds.
	Replace bool

	// StateOnly leaves the history out: what remains is one generation with
	// the newest state, made by Author.
	StateOnly bool

	// Author and Reason are of the change that tells of the restoration.
	// Author must not be empty.
	Author, Reason string

	// SigningKeys are files with the keys that everything is signed with.
	SigningKeys []string

	Logger *slog.Logger // nil is silent
}

// Restored is what an environment became.
type Restored struct {
	Environment string `json:"environment"`
	Incarnation string `json:"incarnation"`
	Epoch       uint64 `json:"epoch"`
	Generation  uint64 `json:"generation"`
	Changes     int    `json:"changes"` // in the history, the restoration among them
	Flags       int    `json:"flags"`
	Digest      string `json:"digest"`
}

// Restore makes an environment anew from its history, which yields each of its
// generations, oldest first, as they were in another incarnation. It becomes an
// incarnation of its own with a higher epoch, in which each generation has the
// number, change, author, reason and time that it had, and one more tells of
// the restoration.
//
// Nobody can read the environment before it is complete, so readers go on with
// what they have until then, and then from there to the newest generation at
// once. If Restore does not come to its end, running it again begins anew.
//
// An environment that holds anything is refused with an [*admin.ExistsError],
// unless cfg says to replace it.
func Restore(ctx context.Context, nc *nats.Conn, cfg RestoreConfig, history iter.Seq2[*replica.Step, error]) (Restored, error) {
	env, err := wire.ParseEnvironment(cfg.Environment)
	if err != nil {
		return Restored{}, err
	}
	if cfg.Author == "" {
		return Restored{}, &admin.UsageError{Message: "a restoration needs an author"}
	}
	signer, err := signing.ReadSigner(cfg.SigningKeys...)
	if err != nil {
		return Restored{}, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return Restored{}, fmt.Errorf("restore environment %q: %w", env, err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &restorer{
		cfg: cfg, env: env, js: js, signer: signer,
		incarnation: strings.ToLower(rand.Text()[:16]), epoch: cfg.Epoch,
	}
	if err := r.run(ctx, history); err != nil {
		return Restored{}, fmt.Errorf("restore environment %q: %w", env, err)
	}
	return Restored{
		Environment: string(env), Incarnation: r.incarnation, Epoch: r.epoch, Generation: r.state.Generation(),
		Changes: r.changes, Flags: r.state.Flags(), Digest: r.state.Digest().String(),
	}, nil
}

// Exists says whether nc's account has an environment. It waits for JetStream to
// answer, until ctx is done.
func Exists(ctx context.Context, nc *nats.Conn, environment string) (bool, error) {
	env, err := wire.ParseEnvironment(environment)
	if err != nil {
		return false, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return false, fmt.Errorf("look for environment %q: %w", env, err)
	}
	for {
		short, cancel := context.WithTimeout(ctx, answerIn)
		_, err := js.Stream(short, env.Stream())
		cancel()
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, jetstream.ErrStreamNotFound):
			return false, nil
		case !passing(err) || !sleep(ctx, 250*time.Millisecond):
			return false, fmt.Errorf("look for environment %q: %w", env, err)
		}
	}
}

// A restorer is one restoration on its way.
type restorer struct {
	cfg    RestoreConfig
	env    wire.Environment
	js     jetstream.JetStream
	signer *signing.Signer

	incarnation string
	epoch       uint64
	state       *replica.State // the last one, closed by our head in the end
	changes     int

	seq   uint64 // the last sequence that is stored
	msgs  []*nats.Msg
	bytes int // in msgs
}

func (r *restorer) run(ctx context.Context, history iter.Seq2[*replica.Step, error]) error {
	if err := r.clear(ctx); err != nil {
		return err
	}
	r.epoch = max(r.epoch+1, uint64(time.Now().Unix()))
	closed := streamConfig(r.env, max(r.cfg.Replicas, 1))
	closed.AllowDirect, closed.RePublish = false, nil // so that nobody can read it
	closed.Metadata = map[string]string{restoring: r.incarnation}
	if err := r.make(ctx, closed); err != nil {
		return fmt.Errorf("make stream %s: %w", closed.Name, err)
	}
	for step, err := range history {
		if err != nil {
			return err
		}
		r.state = step.State
		if r.cfg.StateOnly {
			continue
		}
		if err := r.replay(ctx, step); err != nil {
			return err
		}
	}
	if r.state == nil {
		return errors.New("its history holds nothing")
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	if _, err := r.js.UpdateStream(ctx, streamConfig(r.env, max(r.cfg.Replicas, 1))); err != nil {
		return fmt.Errorf("let readers in: %w", err)
	}
	if err := r.beacon(ctx); err != nil {
		r.cfg.Logger.Warn("tell readers to look", "err", err) // they look by themselves, too
	}
	return nil
}

// make makes the stream. A server that has said that a stream is deleted may
// still be clearing its files away, and then cannot make one of the same name.
func (r *restorer) make(ctx context.Context, closed jetstream.StreamConfig) error {
	ctx, cancel := context.WithTimeout(ctx, clearedIn)
	defer cancel()
	for {
		_, err := r.js.CreateStream(ctx, closed)
		if apiCode(err) != codeNotCreated || !sleep(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

// beacon tells readers which generation is the newest.
func (r *restorer) beacon(ctx context.Context) error {
	now := r.state.Head
	b := wire.Beacon{
		Protocol: wire.Protocol, Incarnation: now.Incarnation, Epoch: now.Epoch,
		Generation: now.Generation, Digest: now.Digest, Time: time.Now().UTC(),
	}
	b.Signatures = r.signer.Sign(b.Signed(r.env))
	body, err := b.Marshal()
	if err != nil {
		return err
	}
	if err := r.js.Conn().Publish(r.env.Beacon(), body); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	return r.js.Conn().FlushWithContext(ctx)
}

// clear removes what stands in the way, if that is permitted.
func (r *restorer) clear(ctx context.Context) error {
	s, err := r.js.Stream(ctx, r.env.Stream())
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return r.remove(ctx, r.env.BaseStream())
	case err != nil:
		return err
	}
	info := s.CachedInfo()
	unfinished := info.Config.Metadata[restoring] != ""
	head, err := r.newest(ctx, s)
	r.epoch = max(r.epoch, head.Epoch)
	begun := err == nil && info.State.LastSeq <= 1 && head.Flags == 0 // made, and never used
	if !unfinished && !begun && !r.cfg.Replace {
		return &admin.ExistsError{Kind: "environment", Name: string(r.env), Hint: fmt.Sprintf(
			"it is at generation %d, and restoring would delete that, which has to be asked for", head.Generation)}
	}
	r.cfg.Logger.Info("delete what the environment holds", "generation", head.Generation)
	if err := r.remove(ctx, r.env.BaseStream()); err != nil {
		return err
	}
	return r.remove(ctx, r.env.Stream())
}

// newest is the head of a stream, the zero head if there is none.
func (r *restorer) newest(ctx context.Context, s jetstream.Stream) (wire.Head, error) {
	msg, err := s.GetLastMsgForSubject(ctx, r.env.Subject(wire.HeadKey))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return wire.Head{}, nil
	}
	if err != nil {
		return wire.Head{}, err
	}
	return wire.ParseHead(msg.Data)
}

func (r *restorer) remove(ctx context.Context, stream string) error {
	if err := r.js.DeleteStream(ctx, stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("delete stream %s: %w", stream, err)
	}
	return nil
}

// replay publishes a generation as it was. Heads that did not count, because
// more followed or because they were wrong, stay behind.
func (r *restorer) replay(ctx context.Context, step *replica.Step) error {
	var records []replica.Record
	for _, rec := range step.Records {
		if _, err := wire.ParseKey(rec.Key); err == nil {
			records = append(records, rec)
		}
	}
	head, by := step.State.Head, step.Records[len(step.Records)-1]
	head.Incarnation, head.Epoch = r.incarnation, r.epoch
	return r.publish(ctx, records, head, by.Author, by.Reason)
}

// finish publishes the generation that tells of the restoration.
func (r *restorer) finish(ctx context.Context) error {
	now := time.Now().UTC()
	was := r.state.Head
	head := wire.Head{
		Protocol: wire.Protocol, Incarnation: r.incarnation, Epoch: r.epoch,
		Generation: was.Generation + 1, Parent: was.Digest, Shrunk: was.Shrunk,
		Change: newID(now), Part: 1, Flags: r.state.Flags(), Digest: r.state.Digest().String(), Time: now,
	}
	var records []replica.Record
	if r.cfg.StateOnly {
		head.Generation, head.Parent, head.Shrunk = 1, "", nil
		for _, k := range r.state.Keys() {
			e, _ := r.state.Get(k)
			records = append(records, replica.Record{
				Key: k.String(), Body: e.Body, Change: head.Change, Author: r.cfg.Author, Reason: r.cfg.Reason,
			})
		}
	}
	head.Records = wire.RecordsDigest(bodies(records))
	if err := r.publish(ctx, records, head, r.cfg.Author, r.cfg.Reason); err != nil {
		return err
	}
	r.state = r.state.With(nil, head, r.seq)
	return r.flush(ctx)
}

func bodies(records []replica.Record) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, rec := range records {
			if !yield(rec.Key, rec.Body) {
				return
			}
		}
	}
}

// publish adds a generation to what is sent, in parts if it is large.
func (r *restorer) publish(ctx context.Context, records []replica.Record, head wire.Head, author, reason string) error {
	r.changes++
	head.Signatures = r.signer.Sign(head.Signed(r.env))
	for _, part := range split(records, head, author, reason) {
		for _, rec := range part.records {
			if err := r.add(ctx, r.message(rec, head.Generation)); err != nil {
				return err
			}
		}
		body, err := part.head.Marshal()
		if err != nil {
			return err
		}
		closing := replica.Record{Key: wire.HeadKey, Body: body, Change: head.Change, Author: author, Reason: reason}
		if err := r.add(ctx, r.message(closing, head.Generation)); err != nil {
			return err
		}
	}
	return nil
}

func (r *restorer) message(rec replica.Record, generation uint64) *nats.Msg {
	msg := nats.NewMsg(r.env.Subject(rec.Key))
	msg.Data = rec.Body
	if rec.Body == nil {
		msg.Header.Set("KV-Operation", "DEL")
	}
	if rec.Change == "" {
		return msg // it was written past the protocol, and put back in the same generation
	}
	msg.Header.Set(wire.HeaderChange, rec.Change)
	msg.Header.Set(wire.HeaderAuthor, wire.EncodeText(rec.Author))
	msg.Header.Set(wire.HeaderReason, wire.EncodeText(rec.Reason))
	msg.Header.Set(wire.HeaderGeneration, strconv.FormatUint(generation, 10))
	return msg
}

func (r *restorer) add(ctx context.Context, msg *nats.Msg) error {
	if len(r.msgs) == restoreMessages || len(r.msgs) > 0 && r.bytes+msg.Size() > partBytes {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.msgs = append(r.msgs, msg)
	r.bytes += msg.Size()
	return nil
}

// flush stores what was added. It sends a batch again for as long as the stream
// says that it has not got it.
func (r *restorer) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushIn)
	defer cancel()
	want := r.seq + uint64(len(r.msgs))
	for wait := 50 * time.Millisecond; want > r.seq; wait = min(2*wait, time.Second) {
		r.msgs[0].Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(r.seq, 10))
		_, err := jetstreamext.PublishMsgBatch(ctx, r.js, r.msgs, jetstreamext.BatchFlowControl{AckFirst: true, AckTimeout: answerIn})
		if err != nil {
			r.cfg.Logger.Warn("ask whether a batch was stored", "err", err)
		}
		s, asked := r.js.Stream(ctx, r.env.Stream())
		switch {
		case err == nil && asked != nil: // it is stored; the next batch finds out the rest
			r.seq = want
		case asked != nil && !passing(asked):
			return asked
		case asked != nil:
		case s.CachedInfo().State.LastSeq == want:
			r.seq = want
		case s.CachedInfo().State.LastSeq != r.seq:
			return fmt.Errorf("somebody else writes to stream %s: stop that, and begin again", r.env.Stream())
		case err != nil && !passing(err) && apiCode(err) != codeTooManyBatches && apiCode(err) != codeIncompleteBatch:
			return err
		}
		if r.seq < want && !sleep(ctx, wait) {
			return fmt.Errorf("%w: %w", natslog.ErrNoAnswer, errors.Join(err, asked))
		}
	}
	r.msgs, r.bytes = nil, 0
	return nil
}
