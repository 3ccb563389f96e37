package replica

import (
	"fmt"

	"github.com/flagline/flagline/internal/mutation"
	"github.com/flagline/flagline/internal/wire"
)

// Rebuild makes the state that head closed, and that was stored at seq, from
// records that each hold what stands in it: key, body, and the generation,
// change and author that brought it. Nothing of it is believed but what agrees
// with head: it is an error if the digest or the number of flags is another
// one, or if a record is no record of a state.
func Rebuild(records []Record, head wire.Head, seq uint64) (*State, error) {
	for _, r := range records {
		if len(r.Body) == 0 {
			return nil, fmt.Errorf("key %q: no body", r.Key)
		}
	}
	s := (&State{}).With(records, head, seq)
	if n := s.entries.Len(); n != len(records) {
		return nil, fmt.Errorf("%d records, of which %d have a key of their own that can be one", len(records), n)
	}
	if got := s.Digest().String(); !mutation.NoDigest && (got != head.Digest || s.Flags() != head.Flags) {
		return nil, fmt.Errorf("digest %s of %d flags, where its head says %s of %d",
			got, s.Flags(), head.Digest, head.Flags)
	}
	return s, nil
}
