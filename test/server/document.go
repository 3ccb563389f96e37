package main

import (
	"bytes"
	"fmt"

	"github.com/flagline/flagline/test/compare/workload"
)

// canary is the flag that changes: its answer tells the revision.
const canary = "canary"

// The flags that are asked about alone.
var (
	static   = workload.NewFlag(workload.Static, 0)
	endswith = workload.NewFlag(workload.Suffix, 0)
)

// document is one of n flags in a revision: those that are asked about alone,
// the canary, and bodies that all differ.
func document(n, revision int) ([]byte, error) {
	const named = 3
	single, err := workload.Document([]workload.Flag{static, endswith})
	if err != nil {
		return nil, err
	}
	single = bytes.TrimSuffix(single, []byte("}}"))
	changing := fmt.Appendf(single, `,%q:{"state":"ENABLED","variants":{"now":"revision %d"},"defaultVariant":"now"},`, canary, revision)
	bodies := workload.Bodies(n - named)
	_, bodies, _ = bytes.Cut(bodies, []byte(`{"flags":{`))
	return append(changing, bodies...), nil
}
