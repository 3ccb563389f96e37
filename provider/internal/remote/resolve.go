package remote

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/internal/reuse"
)

// An Answer is what a server says about a flag.
type Answer struct {
	Value    any // see [Kind]; nil if the caller's own default value applies
	Reason   string
	Variant  string
	Metadata map[string]any

	// Reusable says that the flag and the context alone made the answer, and
	// that the event stream will tell of it when that changes: see package
	// reuse. If Narrow, only these Members of the context did. Foreign says that
	// the server of the event stream does not say such things.
	Reusable, Foreign, Narrow bool
	Members                   []string
}

// Resolve asks for the value of flag, as one of the given kind, for the context
// ec, whose values are those of [structwire.Append]. It ends at the deadline, or
// with ctx. The errors are gRPC's.
func (c *Client) Resolve(ctx context.Context, deadline time.Time, kind Kind, flag string, ec map[string]any) (Answer, error) {
	q := question{flag: flag, context: ec}
	version := c.asked.Load()
	a, err := c.resolve(ctx, deadline, version, kind, &q)
	if status.Code(err) != codes.Unimplemented {
		return a, err
	}
	// Another server may have taken over, in either direction.
	other, theirs := c.resolve(ctx, deadline, version.other(), kind, &q)
	if status.Code(theirs) == codes.Unimplemented {
		return a, err
	}
	c.asked.CompareAndSwap(version, version.other())
	return other, theirs
}

func (c *Client) resolve(ctx context.Context, deadline time.Time, v *version, kind Kind, q *question) (Answer, error) {
	mark, a, method := c.mark.Load(), answer{kind: kind}, v.methods[kind]
	marked, err := "", errNoLane
	if _, more := metadata.FromOutgoingContext(ctx); c.lane != nil && v == second && !more {
		marked, err = c.lane.ask(ctx, deadline, method, q, mark, &a)
	}
	if errors.Is(err, errNoLane) {
		a = answer{kind: kind}
		marked, err = c.invoke(ctx, deadline, method, q, mark, &a)
	}
	if err != nil {
		return Answer{}, err
	}
	if v == first {
		a.complete()
	}
	said := Answer{Value: a.value, Reason: a.reason, Variant: a.variant, Metadata: a.metadata, Foreign: mark == nil}
	if mark != nil {
		said.Members, said.Narrow, said.Reusable = reuse.Parse(marked, *mark)
	}
	return said, nil
}

// invoke asks by gRPC, and returns what the answer is marked with. A question that was out when its connection ended is asked
// once more: it changes nothing, and the server may well be there.
func (c *Client) invoke(ctx context.Context, deadline time.Time, method string, q *question, mark *string, a *answer) (marked string, err error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var header metadata.MD
	var options []grpc.CallOption
	if mark != nil {
		options = append(options, grpc.Header(&header))
	}
	ctx = c.outgoing(ctx, mark)
	connected := c.conn.GetState() == connectivity.Ready
	err = c.conn.Invoke(ctx, method, q, a, options...)
	if connected && status.Code(err) == codes.Unavailable {
		err = c.conn.Invoke(ctx, method, q, a, options...)
	}
	if len(header[reuse.Header]) == 1 {
		marked = header[reuse.Header][0]
	}
	return marked, err
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

// A version is one of those of flagd's evaluation service.
type version struct {
	events  string
	methods [Object + 1]string // by kind
}

var (
	first  = newVersion("/flagd.evaluation.v1.Service/")
	second = newVersion("/flagd.evaluation.v2.Service/")
)

func newVersion(service string) *version {
	v := &version{events: service + "EventStream"}
	for kind := range v.methods {
		v.methods[kind] = service + Kind(kind).method() //nolint:gosec // there are few
	}
	return v
}

func (v *version) other() *version {
	if v == first {
		return second
	}
	return first
}
