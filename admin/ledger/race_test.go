package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
)

// Two publishers plan every round with the same state and publish at the same
// moment. In every second round they write the same flag: one of them wins and
// the other is told what moved. In the others they write different flags, and
// both succeed. What was published is read from the stream itself.
func TestTwoPublishersLoseNothing(t *testing.T) {
	const rounds = 1000
	server := natstest.Start(t)
	names := [2]string{"ada", "ben"}
	var ledgers [2]*ledger.Ledger
	for i := range ledgers {
		ledgers[i] = open(t, natstest.Publisher(t, server))
	}

	made := make(map[string]string) // what each change that succeeded wrote, by id
	conflicts := 0
	for round := range rounds {
		same := round%2 == 0
		var barrier sync.WaitGroup
		barrier.Add(len(ledgers))
		var changes [2]admin.Change
		var errs [2]error
		var keys, bodies [2]string
		var both sync.WaitGroup
		for i, l := range ledgers {
			keys[i] = "contested"
			if !same {
				keys[i] = "flag-of-" + names[i]
			}
			bodies[i] = fmt.Sprintf(`{"round":%d,"by":%q}`, round, names[i])
			both.Go(func() {
				meet := sync.OnceFunc(func() { barrier.Done(); barrier.Wait() })
				changes[i], errs[i] = l.Commit(t.Context(), admin.Draft{
					Author: names[i],
					Plan: func(admin.State) ([]admin.Edit, error) {
						meet()
						return []admin.Edit{{Key: keys[i], Body: []byte(bodies[i])}}, nil
					},
				})
			})
		}
		both.Wait()

		lost := 0
		for i, err := range errs {
			if err == nil {
				made[changes[i].ID] = keys[i] + " " + bodies[i]
				continue
			}
			lost++
			other := names[1-i]
			conflict, ok := errors.AsType[*admin.ConflictError](err)
			if !ok || len(conflict.Moved) != 1 || conflict.Moved[0].Key != "contested" ||
				conflict.Moved[0].Author != other || conflict.Moved[0].Change != changes[1-i].ID {
				t.Fatalf("round %d: %s lost with %v, want a conflict over what %s did", round, names[i], err, other)
			}
		}
		if want := map[bool]int{true: 1, false: 0}[same]; lost != want {
			t.Fatalf("round %d: %d lost, want %d: %v", round, lost, want, errs)
		}
		conflicts += lost
	}
	if conflicts != rounds/2 {
		t.Errorf("%d conflicts, want %d", conflicts, rounds/2)
	}
	checkStream(t, natstest.Publisher(t, server), made)
}

// checkStream walks the stream from its first message, knowing nothing of our
// readers: every change stands there once, whole and uninterrupted, closed by a
// head, and the generations count up.
func checkStream(t *testing.T, nc *nats.Conn, made map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, "KV_flags-test")
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()

	last := stream.CachedInfo().State.LastSeq
	var generation uint64
	var open, wrote string // the change under way, and what it wrote
	seen := make(map[string]bool)
	for seq := uint64(1); seq <= last; seq++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		if msg.Subject() != "$KV.flags-test.head" {
			if open != "" {
				t.Fatalf("message %d: more than one record in change %s", seq, open)
			}
			open = msg.Headers().Get("Flagline-Change")
			wrote = msg.Subject()[len("$KV.flags-test.flag.=."):] + " " + string(msg.Data())
			continue
		}
		var head struct {
			Change     string
			Generation uint64
		}
		if err := json.Unmarshal(msg.Data(), &head); err != nil {
			t.Fatal(err)
		}
		if head.Generation != generation+1 {
			t.Fatalf("message %d: generation %d after %d", seq, head.Generation, generation)
		}
		generation = head.Generation
		if generation == 1 {
			continue // the making of the environment
		}
		if head.Change != open || seen[head.Change] || made[head.Change] != wrote {
			t.Fatalf("message %d: head of %s after the record of %s, which wrote %q, want %q; seen before: %v",
				seq, head.Change, open, wrote, made[head.Change], seen[head.Change])
		}
		seen[head.Change] = true
		open = ""
	}
	if len(seen) != len(made) {
		t.Errorf("the stream holds %d changes, %d succeeded", len(seen), len(made))
	}
}
