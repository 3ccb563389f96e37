package ledger_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/test/checker"
)

// Two publishers plan every round with the same state and publish at the same
// moment. In every second round they write the same flag: one of them wins and
// the other is told what moved. In the others they write different flags, and
// both succeed. What was published is checked by somebody who knows only the
// protocol.
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
				made[changes[i].ID] = "flag.=." + keys[i] + " " + bodies[i]
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

	log, err := checker.Check(t.Context(), natstest.Reader(t, server), natstest.Environment, checker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range log.Changes[1:] { // the first made the environment
		want := made[c.ID]
		if len(c.Records) != 1 || c.Records[0].Key+" "+string(c.Records[0].Body) != want {
			t.Errorf("in generation %d the log has %s, want %q, of which its publisher was told", c.Generation, c.Records, want)
		}
		delete(made, c.ID)
	}
	for id, wrote := range made {
		t.Errorf("change %s, which wrote %q, is not in the log", id, wrote)
	}
}
