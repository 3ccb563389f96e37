//go:build unix

package cluster_test

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/wire"
)

// A server that was stopped for a while answers with what it has before it
// knows what it missed. A reader that asks it then neither goes back nor calls
// it a regression. Whether a server still is behind when it is asked is up to
// it; TestOldHeadIsNoRegression does not depend on that.
func TestReplicaThatIsBehindTakesNothingBack(t *testing.T) {
	w := newWorld(t, 3)
	leader := w.Leader(t, w.js, natstest.Environment)
	var behind *natstest.Node
	for _, n := range w.Nodes {
		if n != leader {
			behind = n
		}
	}
	// Neither the control plane nor this test must be where nothing answers.
	w.ledger = w.open(t, leader.URL(), natstest.Environment)
	js, err := jetstream.New(w.Connect(t, leader.URL(), natstest.Operator))
	if err != nil {
		t.Fatal(err)
	}
	w.js = js
	commit(t, w.ledger, put(900, "before"))
	there := w.follow(t, behind.URL(), natstest.Search, "search")
	there.Await(t, "the flags", has(w.ledger))
	nc := w.Connect(t, behind.URL(), natstest.Billing)
	answers := make(chan uint64, 1000)
	inbox := nc.NewRespInbox()
	_, err = nc.Subscribe(inbox, func(msg *nats.Msg) {
		seq, _ := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
		answers <- seq
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}

	const rounds, questions = 3, 200
	old := 0
	for round := 0; round < rounds && old == 0; round++ {
		behind.Signal(t, syscall.SIGSTOP)
		// The questions wait in front of the server until it goes on.
		for range questions {
			if err := nc.PublishRequest(wire.Environment(natstest.Environment).GetHead(), inbox, nil); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 5 {
			commit(t, w.ledger, put(900, fmt.Sprint("round ", round, " change ", i)))
		}
		_, newest := w.newest(t)
		behind.Signal(t, syscall.SIGCONT)
		there.Await(t, "the changes, from a server that was behind", has(w.ledger))
		for len(answers) > 0 {
			if <-answers < newest {
				old++
			}
		}
	}
	t.Logf("%d answers were old", old)
	rises(t, "the reader of the server that was behind", there.State().Updates)
}
