package remote

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/flagline/flagline/internal/reuse"
)

// An Answer is what a server says about a flag.
type Answer struct {
	Value    any // see [Kind]; nil if the caller's own default value applies
	Reason   string
	Variant  string
	Metadata map[string]any

	// ByContext says that the flag and the context alone made the answer, and
	// that the event stream will tell of it when that changes.
	ByContext bool
}

// Resolve asks for the value of flag, as one of the given kind, for the context
// ec, whose values are those of [structwire.Append]. The errors are gRPC's.
func (c *Client) Resolve(ctx context.Context, kind Kind, flag string, ec map[string]any) (Answer, error) {
	a, err := c.resolve(ctx, kind, flag, ec)
	if err != nil && c.outdated(err) {
		return c.resolve(ctx, kind, flag, ec)
	}
	return a, err
}

func (c *Client) resolve(ctx context.Context, kind Kind, flag string, ec map[string]any) (Answer, error) {
	var header metadata.MD
	var options []grpc.CallOption
	old, mark := c.old.Load(), c.mark.Load()
	if mark != nil {
		options = append(options, grpc.Header(&header))
	}
	a := answer{kind: kind}
	err := c.conn.Invoke(c.outgoing(ctx, mark), c.service()+kind.method(), &question{flag: flag, context: ec}, &a, options...)
	if err != nil {
		return Answer{}, err
	}
	if old {
		a.complete()
	}
	marked := header[reuse.Header]
	return Answer{
		Value: a.value, Reason: a.reason, Variant: a.variant, Metadata: a.metadata,
		ByContext: mark != nil && len(marked) == 1 && marked[0] == *mark,
	}, nil
}

// complete reads what version 1 means: values that are zero are left out, and a
// flag that is disabled has one all the same.
func (a *answer) complete() {
	if a.reason == "DISABLED" {
		a.value, a.variant = nil, ""
	} else if a.value == nil {
		a.value = a.kind.zero()
	}
}
