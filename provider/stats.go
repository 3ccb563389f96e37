package provider

import "time"

// Stats count what became of the evaluations of the sidecar mode since the
// provider was made. They are zero in-process, where nobody is asked.
type Stats struct {
	Hits      uint64        // answered with what was kept
	Misses    uint64        // not answered with that
	Collapsed uint64        // misses that waited for the answer to somebody else's question
	Evicted   uint64        // answers that made room for others
	Entries   int           // answers that are kept now
	Calls     uint64        // questions that went out and have come back
	CallTime  time.Duration // how long these took, in all
}

// AverageCall returns how long a question took on average, 0 if none went out.
func (s Stats) AverageCall() time.Duration {
	if s.Calls == 0 {
		return 0
	}
	return s.CallTime / time.Duration(s.Calls) //nolint:gosec // a count
}

// Stats returns the counts. They may be asked for at any time, and cost no more
// than a lock for a moment.
func (p *Provider) Stats() Stats { return Stats(p.known.Stats()) }
