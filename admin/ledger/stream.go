package ledger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/wire"
)

// Error codes of the JetStream API.
const (
	codeNoLeader         = 10008 // JetStream system temporarily unavailable
	codeNoMessage        = 10037
	codeNotCreated       = 10049 // the store of a stream could not be made
	codeNoStream         = 10059
	codeWrongSequence    = 10071
	codeWrongSequenceR   = 10164 // as replicated streams say it
	codeIncompleteBatch  = 10176
	codeTooManyBatches   = 10210
	streamMaxPerSubject  = math.MaxInt64 // every version is kept; KV asks for a limit above 0
	bucketMadeDescriptor = "flags of the environment, kept by flagline; history is the audit trail"
)

// Environments lists the environments that nc's account owns.
func Environments(ctx context.Context, nc *nats.Conn) ([]string, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	var names []string
	list := js.StreamNames(ctx)
	for stream := range list.Name() {
		if env, ok := wire.EnvironmentOf(stream); ok {
			names = append(names, string(env))
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// streamConfig is how the stream of an environment is made.
func streamConfig(env wire.Environment, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               env.Stream(),
		Description:        bucketMadeDescriptor,
		Subjects:           []string{env.Subjects()},
		Storage:            jetstream.FileStorage,
		Replicas:           replicas,
		MaxMsgsPerSubject:  streamMaxPerSubject,
		AllowDirect:        true,
		AllowAtomicPublish: true,
		DenyDelete:         true,
		DenyPurge:          true,
		RePublish:          &jetstream.RePublish{Source: env.Subjects(), Destination: env.Changes()},
	}
}

// ensureStream makes the stream behind the bucket if there is none. It is never
// made or changed through the KV API, whose update calls switch atomic batches
// off again.
func (l *Ledger) ensureStream(ctx context.Context, replicas int) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := l.js.Stream(ctx, l.env.Stream())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = l.js.CreateStream(ctx, streamConfig(l.env, replicas))
	}
	if err != nil {
		return err
	}
	cfg := s.CachedInfo().Config
	switch {
	case cfg.Metadata[restoring] != "":
		return fmt.Errorf("environment %q is being restored; if that was broken off, run flagline restore again", l.env)
	case !cfg.AllowAtomicPublish, !cfg.AllowDirect, cfg.RePublish == nil, cfg.RePublish.Destination != l.env.Changes():
		return fmt.Errorf("stream %s exists, but was not made by flagline: it needs atomic publishing, direct gets and republication to %s",
			cfg.Name, l.env.Changes())
	case !cfg.DenyDelete, !cfg.DenyPurge, cfg.MaxAge > 0, cfg.MaxMsgs > 0, cfg.MaxBytes > 0, cfg.MaxMsgsPerSubject > 0 && cfg.MaxMsgsPerSubject < 1<<20:
		return fmt.Errorf("stream %s does not keep everything for ever: it needs deletion and purging denied, and no limit of age, messages or bytes", cfg.Name)
	}
	if _, err := l.baseStream(ctx); err != nil {
		l.logger.Warn("go on without a base", "err", err)
	}
	return nil
}

// begin writes the first generation of an environment, which holds nothing.
func (l *Ledger) begin(ctx context.Context, e end) error {
	now := time.Now().UTC()
	head := wire.Head{
		Protocol: wire.Protocol, Incarnation: strings.ToLower(rand.Text()[:16]), Epoch: uint64(now.Unix()), Generation: 1,
		Change: newID(now), Part: 1, Digest: l.log.State().Digest().String(), Time: now,
	}
	undo, _, err := l.strays(ctx, e.lastSeq) // somebody may have written already
	if err != nil {
		return err
	}
	l.seal(&head, undo)
	for _, b := range split(undo, head, "flagline", "make environment "+string(l.env)) {
		b.lastSeq, b.headSeq = e.lastSeq, e.headSeq
		switch what, seq, err := l.settle(ctx, b); what {
		case committed:
			e.lastSeq, e.headSeq = seq, seq
		case lost:
			return nil // somebody else made it in the same moment
		default:
			return err
		}
	}
	return nil
}

// A stored is a message as the leader of a stream returns it.
type stored struct {
	Seq  uint64    `json:"seq"`
	Data []byte    `json:"data"`
	Time time.Time `json:"time"`
}

// lastOf asks the leader for the last message of subject.
func (l *Ledger) lastOf(ctx context.Context, subject string) (stored, error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return stored{}, err
	}
	msg, err := l.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+l.env.Stream(), request)
	if err != nil {
		return stored{}, err
	}
	var answer struct {
		Message stored              `json:"message"`
		Error   *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return stored{}, fmt.Errorf("last message of %s: %w", subject, err)
	}
	switch {
	case answer.Error == nil:
		return answer.Message, nil
	case answer.Error.ErrorCode == codeNoMessage:
		return stored{}, natslog.ErrEmpty
	}
	return stored{}, answer.Error
}

func apiCode(err error) jetstream.ErrorCode {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode
	}
	return 0
}

func isConflict(err error) bool {
	code := apiCode(err)
	return code == codeWrongSequence || code == codeWrongSequenceR
}
