package syncstream

import (
	"math/rand/v2"
	"time"
)

const (
	// together is within what time those who lost one server come back to it,
	// and apart how far two streams begin from each other at least.
	together = 500 * time.Millisecond
	apart    = time.Second
)

// A pace decides when to open the next stream.
type pace struct {
	least, most time.Duration // that the first and the last wait after failures may take
	failures    int           // in a row
}

// wait returns how long to wait after a stream that lasted so long, and that
// did well or failed. What it waits after failures is between a half of a
// duration and the whole of it.
func (p *pace) wait(well bool, lasted time.Duration) time.Duration {
	if well {
		p.failures = 0
		return max(apart-lasted, 0) + rand.N(together)
	}
	p.failures++
	grown := p.least
	for range p.failures - 1 {
		if grown >= p.most {
			break
		}
		grown *= 2
	}
	grown = min(grown, p.most)
	return grown/2 + rand.N(grown/2+1)
}
