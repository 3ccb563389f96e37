package checker

import (
	"encoding/json"
	"fmt"
	"time"
)

// A report is what an instance says of itself.
type report struct {
	Instance    string    `json:"instance"`
	Incarnation string    `json:"incarnation"`
	Generation  uint64    `json:"generation"`
	Digest      string    `json:"digest"`
	State       string    `json:"state"`
	Reason      string    `json:"reason"`
	AgeSeconds  float64   `json:"ageSeconds"`
	Time        time.Time `json:"time"`
	Goodbye     bool      `json:"goodbye"`
}

// checkReports holds what instances said against the log: each had a generation
// as it stands there, and never went back to an older one. What is said of
// another incarnation than the log's cannot be held against anything.
func checkReports(bodies [][]byte, log Result) error {
	digests := map[uint64]string{0: ""}
	for _, c := range log.Changes {
		digests[c.Generation] = c.Digest
	}
	last := make(map[string]report)
	for i, body := range bodies {
		var r report
		if err := json.Unmarshal(body, &r); err != nil {
			return fmt.Errorf("report %d: %w", i, err)
		}
		before := last[r.Instance]
		digest, exists := digests[r.Generation]
		switch {
		case r.Instance == "" || r.Time.IsZero() || r.AgeSeconds < 0:
			return fmt.Errorf("report %d is incomplete: %s", i, body)
		case r.State != "applied" && (r.State != "rejected" || r.Reason == ""):
			return fmt.Errorf("report %d of %s: state %q because of %q", i, r.Instance, r.State, r.Reason)
		case r.Incarnation == log.Incarnation && !exists:
			return fmt.Errorf("report %d of %s: the log has no generation %d", i, r.Instance, r.Generation)
		case r.Incarnation == log.Incarnation && digest != r.Digest:
			return fmt.Errorf("report %d of %s: digest %q of generation %d, where the log has %q", i, r.Instance, r.Digest, r.Generation, digest)
		case r.Incarnation == before.Incarnation && r.Generation < before.Generation:
			return fmt.Errorf("report %d of %s: generation %d after %d", i, r.Instance, r.Generation, before.Generation)
		}
		if last[r.Instance] = r; r.Goodbye {
			delete(last, r.Instance) // another process may begin with an older snapshot
		}
	}
	return nil
}
