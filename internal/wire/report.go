package wire

import "time"

// A Report is what an instance says of itself after each generation, and from
// time to time.
type Report struct {
	Instance    string    `json:"instance"`
	Service     string    `json:"service,omitempty"`
	Version     string    `json:"version,omitempty"` // of the program
	Incarnation string    `json:"incarnation"`
	Generation  uint64    `json:"generation"`
	Digest      string    `json:"digest"`
	State       string    `json:"state"`            // one of the State constants
	Reason      string    `json:"reason,omitempty"` // why rejected or stale
	Quarantined []Flag    `json:"quarantined,omitempty"`
	AgeSeconds  float64   `json:"ageSeconds"` // since the instance last knew that it was current
	Time        time.Time `json:"time"`
	Goodbye     bool      `json:"goodbye,omitempty"` // the instance is ending
}

// What a [Report] can say of the newest generation that the instance saw.
const (
	StateApplied  = "applied"
	StateRejected = "rejected" // it keeps the last good one
)

// A Flag is a quarantined flag in a [Report].
type Flag struct {
	Set    string `json:"set"`
	Key    string `json:"key"`
	Reason string `json:"reason"`
}
