package evalrpc_test

import (
	"testing"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/evalrpc"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
)

func TestAllFlagsAreNotAnsweredBeforeTheyAreThere(t *testing.T) {
	st := store.New()
	first, second := st.Add("first.json"), st.Add("second.json")
	flagtest.Deliver(t, first, 1, flagtest.Document)
	address := serve(t, &evalrpc.Service{Store: st})
	const all = "/flagd.evaluation.v1.Service/ResolveAll"
	if status, answer := post(t, address, all, `{}`); status != 503 || answer["code"] != "unavailable" {
		t.Errorf("before the second source, the answer is %d %v, want 503 unavailable", status, answer)
	}
	flagtest.Deliver(t, second, 1, `{"flags":{}}`)
	if status, answer := post(t, address, all, `{}`); status != 200 {
		t.Errorf("after it, the answer is %d %v, want 200", status, answer)
	}
}
