package evalrpc_test

import (
	"slices"
	"testing"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"

	"github.com/flagline/flagline/internal/reuse"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/evalrpc"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
)

const timed = `{"flags": {
	"by-email": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{"==": [{"var": "email"}, "a@example.com"]}, "on", "off"]}},
	"by-time": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{">": [{"var": "$flagd.timestamp"}, 10]}, "on", "off"]}}
}}`

// marks asks for flag with the marks of question, and returns those of the answer.
func marks(t *testing.T, p protocol, address, flag string, question ...string) []string {
	t.Helper()
	client := evaluationv2connect.NewServiceClient(p.client(t), address, p.options...)
	req := connect.NewRequest(&eval.ResolveBooleanRequest{FlagKey: flag})
	for _, mark := range question {
		req.Header().Add(reuse.Header, mark)
	}
	res, err := client.ResolveBoolean(t.Context(), req)
	if err != nil {
		t.Fatalf("%s: %v", flag, err)
	}
	return res.Header().Values(reuse.Header)
}

func TestAnswerThatMayBeKeptSaysSoToWhoHearsOfChanges(t *testing.T) {
	for _, p := range protocols() {
		t.Run(p.name, func(t *testing.T) {
			st, _ := flagtest.Store(t, timed)
			address := serve(t, &evalrpc.Service{Store: st, Mark: "m1"})

			client := evaluationv2connect.NewServiceClient(p.client(t), address, p.options...)
			stream, err := client.EventStream(streamContext(t), connect.NewRequest(&eval.EventStreamRequest{}))
			if err != nil || !stream.Receive() {
				t.Fatalf("subscribe: %v, %v", err, stream.Err())
			}
			if got := stream.ResponseHeader().Values(reuse.Header); !slices.Equal(got, []string{"m1"}) {
				t.Errorf("the event stream has the marks %q, want m1", got)
			}

			if got := marks(t, p, address, "by-email", "m1"); !slices.Equal(got, []string{"m1;email"}) {
				t.Errorf("an answer that depends on the context has the marks %q, want m1, and what it depends on", got)
			}
			for name, got := range map[string][]string{
				"that depends on the time":                  marks(t, p, address, "by-time", "m1"),
				"to who hears of no changes":                marks(t, p, address, "by-email"),
				"to who hears of changes from someone else": marks(t, p, address, "by-email", "m2"),
			} {
				if len(got) > 0 {
					t.Errorf("an answer %s has the marks %q, want none", name, got)
				}
			}
		})
	}
}

func TestAnswerThatHeadersDecideIsNotKept(t *testing.T) {
	st, _ := flagtest.Store(t, timed)
	address := serve(t, &evalrpc.Service{Store: st, Mark: "m1", Rules: enrich.Rules{Headers: map[string]string{"X-Email": "email"}}})
	if got := marks(t, protocols()[0], address, "by-email", "m1"); len(got) > 0 {
		t.Errorf("the answer has the marks %q, want none", got)
	}
}
