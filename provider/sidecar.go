package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/provider/internal/cache"
	"github.com/flagline/flagline/provider/internal/remote"
)

// Answers are those that were heard, and may be given again.
type answers = cache.Cache[*heard]

// A sidecar mode asks a flagd-compatible server for each answer that it does not
// know.
type sidecar struct {
	cfg            remote.Config
	fatal          map[codes.Code]bool
	deadline       time.Duration
	streamDeadline time.Duration
	backoff        backoff

	client *remote.Client // nil if there is none to be had, for the reason err
	err    error
	known  *answers
	pulse  pulse
}

func newSidecar(s settings, known *answers) *sidecar {
	m := &sidecar{
		cfg:            s.remote(),
		fatal:          make(map[codes.Code]bool),
		deadline:       s.deadline,
		streamDeadline: s.streamDeadline,
		backoff:        backoff{least: s.minBackoff, most: s.maxBackoff},
		known:          known,
		pulse:          pulse{hurry: s.deadline * 9 / 10},
	}
	for _, name := range s.fatal {
		if code, err := parseCode(name); err == nil {
			m.fatal[code] = true
		}
	}
	m.client, m.err = remote.Dial(m.cfg)
	return m
}

// forget drops the answers that are known: nobody can say any more that they are
// still right.
func (m *sidecar) forget() { m.known.DropAll() }

// resolve answers with what is known, or asks.
func (m *sidecar) resolve(ctx context.Context, k kind, flag string, ec evaluator.Context) evaluator.Resolution {
	// What a caller adds to the request may decide the answer, which then is
	// nobody else's.
	if _, more := metadata.FromOutgoingContext(ctx); more {
		return m.resolveAlone(ctx, k, flag, ec)
	}
	// Before anything else, since most questions end here: the cache looks at no
	// more of a context than the flag's answers depend on, and knows none with odd
	// values there.
	if known, ok := m.known.Find(flag, uint8(k), ec); ok {
		return known.again()
	}
	plain, same, wrong := normalise(ec)
	if !same {
		if known, ok := m.known.Find(flag, uint8(k), plain); ok && known.against(wrong) == nil {
			return known.again()
		}
	}
	// The deadline is the caller's, who may wait for others.
	within := bound(ctx, m.deadline)
	defer within.release()
	//nolint:contextcheck // within is ctx, and a deadline
	a, err := m.known.Ask(within, flag, uint8(k), plain, func(context.Context) (*heard, cache.Keep, error) {
		return m.ask(within, k, flag, plain)
	})
	if err != nil {
		return m.refusal(flag, err)
	}
	if err := a.against(wrong); err != nil {
		return failed(evaluator.CodeInvalidContext, flag, err)
	}
	return a.Resolution
}

// resolveAlone asks for this caller and nobody else.
func (m *sidecar) resolveAlone(ctx context.Context, k kind, flag string, ec evaluator.Context) evaluator.Resolution {
	plain, _, wrong := normalise(ec)
	a, _, err := m.ask(bound(ctx, m.deadline), k, flag, plain)
	if err != nil {
		return m.refusal(flag, err)
	}
	if err := a.against(wrong); err != nil {
		return failed(evaluator.CodeInvalidContext, flag, err)
	}
	return a.Resolution
}

// A heard answer is what the server said. It is shared, and never changes.
type heard struct {
	evaluator.Resolution

	// members of the context are all that it depends on, if narrow.
	members []string
	narrow  bool
}

// dependsOn returns which members of the context the answers of the flag depend
// on; ok is false if it may be any.
func (a *heard) dependsOn() (members []string, ok bool) { return a.members, a.narrow }

// against returns what of the mistakes in a context the flag minds: those that its
// answer may depend on.
func (a *heard) against(wrong []*mistake) error {
	if len(wrong) == 0 || indifferent(a.Reason) {
		return nil
	}
	for _, w := range wrong {
		if !a.narrow || slices.Contains(a.members, w.attribute) {
			return w
		}
	}
	return nil
}

// again returns what is known, as such. That there is no value is no value that
// was kept: why there is none matters more.
func (a *heard) again() evaluator.Resolution {
	r := a.Resolution
	if r.Value != nil {
		r.Reason = reasonCached
	}
	return r
}

// indifferent says that answers of this reason are the same for any context.
func indifferent(reason evaluator.Reason) bool {
	return reason == evaluator.ReasonStatic || reason == evaluator.ReasonDisabled
}

// ask asks the server.
func (m *sidecar) ask(within *bounded, k kind, flag string, ec evaluator.Context) (*heard, cache.Keep, error) {
	if m.err != nil {
		return nil, cache.Never, m.err
	}
	done, err := m.pulse.begin()
	if err != nil {
		return nil, cache.Never, err
	}
	a, err := m.client.Resolve(within.Context, within.deadline, k, flag, ec)
	done(err)
	if err != nil {
		return nil, cache.Never, err
	}
	r := &heard{members: a.Members, narrow: a.Narrow}
	r.Value, r.Variant, r.Reason, r.Metadata = a.Value, a.Variant, evaluator.Reason(a.Reason), a.Metadata
	switch {
	case r.Reason == evaluator.ReasonStatic && (a.Reusable || a.Foreign):
		return r, cache.Static, nil
	case a.Reusable:
		return r, cache.ByContext, nil
	}
	return r, cache.Never, nil
}

// refusal says why flag was not resolved. The server spells the evaluator's
// error codes as those of gRPC; anything else is about reaching it.
func (m *sidecar) refusal(flag string, err error) evaluator.Resolution {
	s := status.Convert(err)
	switch s.Code() {
	case codes.NotFound:
		return failed(evaluator.CodeFlagNotFound, flag, errNoSuchFlag)
	case codes.InvalidArgument:
		if strings.Contains(s.Message(), "selector") {
			return failed(evaluator.CodeGeneral, flag, errors.New(s.Message()))
		}
		return failed(evaluator.CodeTypeMismatch, flag, errors.New(s.Message()))
	case codes.DataLoss:
		return failed(evaluator.CodeParseError, flag, errors.New(s.Message()))
	default:
		return failed(evaluator.CodeGeneral, flag, fmt.Errorf("sidecar %s: %w", m.cfg.Address, err))
	}
}
