// Package checker reads an environment from NATS as docs/protocol.md tells it,
// and says what in it is not as that page says.
//
// It is a second implementation of the protocol, written from the page and not
// from the code: it imports nothing of this repository, keeps the whole log in
// memory and computes everything anew for every generation. So what it finds in
// order is in order for a reason of its own.
package checker

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/nats-io/nats.go"
)

// Options are what a check looks at beside the log.
type Options struct {
	// Trusted are the keys that heads have to be signed with. If there are
	// none, nobody needs to have signed.
	Trusted []ed25519.PublicKey

	// Reports are the bodies of reports to the fleet, in the order in which
	// they came.
	Reports [][]byte

	// Unfinished permits messages at the end of the log that no head closes.
	Unfinished bool
}

// A Result is what the log of an environment holds.
type Result struct {
	Incarnation string
	Epoch       uint64
	Changes     []Change          // one for each generation, oldest first
	Records     map[string][]byte // what the newest generation holds, by key
	Strays      int               // messages that belong to no change that counts
}

// A Change is one generation and what made it.
type Change struct {
	ID             string
	Generation     uint64
	Sequence       uint64 // of its complete head
	Author, Reason string
	Digest         string
	Parts          int
	Records        []Record // of the change itself
}

// A Record is one record of a change.
type Record struct {
	Key  string // as it stands in the bucket
	Body []byte // nil if the record was removed
}

// Check reads the log of an environment over nc, whose user may read it, and
// returns what it holds. An error names the first message, or the first report,
// that is not as it should be. Nothing may be published while it reads.
func Check(ctx context.Context, nc *nats.Conn, environment string, o Options) (Result, error) {
	log, err := readLog(ctx, nc, environment)
	if err != nil {
		return Result{}, err
	}
	if err := checkNewest(ctx, nc, environment, log); err != nil {
		return Result{}, err
	}
	w := walker{environment: environment, options: o, changes: make(map[string]bool)}
	if err := w.walk(log); err != nil {
		return Result{}, err
	}
	if err := checkReports(o.Reports, w.result); err != nil {
		return Result{}, err
	}
	return w.result, nil
}

// checkNewest holds what a reader is told to be the newest head against the log.
func checkNewest(ctx context.Context, nc *nats.Conn, environment string, log []message) error {
	answer, err := nc.RequestWithContext(ctx, "flagline."+environment+".get.head", nil)
	if err != nil {
		return fmt.Errorf("ask for head: %w", err)
	}
	var newest uint64
	for _, m := range log {
		if m.key == "head" {
			newest = m.seq
		}
	}
	if told := answer.Header.Get("Nats-Sequence"); told != fmt.Sprint(newest) {
		return fmt.Errorf("the newest head is said to be message %q, and it is %d", told, newest)
	}
	return nil
}
