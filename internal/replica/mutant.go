package replica

// What package mutation breaks, where that takes more than a condition.

// skip finds the first pending record at or after seq.
func (l *Log) skip(seq uint64) (uint64, Record, bool) {
	first, found := seq, false
	for s := range l.pending {
		if s >= seq && (!found || s < first) {
			first, found = s, true
		}
	}
	return first, l.pending[first], found
}

// premature adds a head to records that none closes.
func (l *Log) premature(records []Record, heads []closing) []closing {
	if len(records) == 0 || len(heads) > 0 && heads[len(heads)-1].end == len(records) {
		return heads
	}
	last := records[len(records)-1].Seq
	head := l.state.Head
	head.Generation++
	next := l.state.With(records, head, last)
	head.Flags, head.Digest = next.Flags(), next.Digest().String()
	return append(heads, closing{head, last, len(records)})
}
