package ledger

import (
	"context"
	"slices"
	"sort"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// An entry is one change, and where its head stands in the log.
type entry struct {
	change  admin.Change
	headSeq uint64
	logSize int // the bytes of all records up to the head
}

// lastChange is the last change that touched k.
func (l *Ledger) lastChange(k wire.Key) (generation uint64, id, author string) {
	for _, e := range slices.Backward(*l.changes.Load()) {
		for _, t := range e.change.Flags {
			if t.Set == k.Set && t.Key == k.Flag {
				return e.change.Generation, e.change.ID, e.change.Author
			}
		}
	}
	return 0, "", ""
}

// defaultLimit is how many changes History returns unless told otherwise.
const defaultLimit = 50

// record adds the changes that records tell of to the history. The last record
// is the head of the state. The caller has the turn.
func (l *Ledger) record(records []replica.Record) {
	changes := *l.changes.Load()
	if l.anew {
		changes, l.anew = nil, false
	}
	var before entry // the change that records follow
	if len(changes) > 0 {
		before = changes[len(changes)-1]
	}
	size, last := before.logSize, before.change.Generation
	heads := chain(records, last)
	begun := make(map[wire.Key]bool) // whether a key existed before the change
	for i, r := range records {
		size += len(r.Key) + len(r.Body)
		if k, err := wire.ParseKey(r.Key); err == nil {
			if _, seen := begun[k]; !seen {
				begun[k] = l.flags[r.Key]
			}
			l.flags[r.Key] = r.Body != nil
			continue
		}
		h, ok := heads[i]
		if !ok {
			continue
		}
		// Whoever holds the shorter slice does not see what is appended.
		changes = append(changes, entry{headSeq: r.Seq, logSize: size, change: admin.Change{
			ID: h.Change, Environment: string(l.env), Generation: h.Generation, Digest: h.Digest,
			Author: r.Author, Reason: r.Reason, Time: h.Time, Flags: l.touchedBy(begun),
		}})
		clear(begun)
	}
	l.changes.Store(&changes)
}

// chain finds, from the last of records on backwards, the heads after generation
// last of which each has the next one's parent digest. Others that stand among
// them, copied or forged, were put back and made no generation.
func chain(records []replica.Record, last uint64) map[int]wire.Head {
	heads := make(map[int]wire.Head)
	var next wire.Head
	at := -1 // where next stands
	for i, r := range slices.Backward(records) {
		if r.Key != wire.HeadKey {
			continue
		}
		h, err := wire.ParseHead(r.Body)
		if err != nil || h.More {
			continue
		}
		switch {
		case h.Generation <= last:
			continue
		case at >= 0 && h.Generation == next.Generation && h.Change == next.Change && h.Digest == next.Digest:
			delete(heads, at) // that one was the copy
		case at >= 0 && (h.Generation != next.Generation-1 || h.Digest != next.Parent):
			continue
		}
		heads[i], next, at = h, h, i
	}
	return heads
}

// touchedBy tells what a change did to the keys of begun, which says whether
// each existed before it.
func (l *Ledger) touchedBy(begun map[wire.Key]bool) []admin.Touched {
	var all []admin.Touched
	for k, existed := range begun {
		exists := l.flags[k.String()]
		if !exists {
			delete(l.flags, k.String())
		}
		if existed || exists {
			all = append(all, touched(k, existed, exists))
		}
	}
	slices.SortFunc(all, func(a, b admin.Touched) int {
		x, y := wire.Key{Set: a.Set, Flag: a.Key}.String(), wire.Key{Set: b.Set, Flag: b.Key}.String()
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return all
}

// History implements [admin.Ledger].
func (l *Ledger) History(ctx context.Context, q admin.HistoryQuery) ([]admin.Change, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	var found []admin.Change
	for _, e := range slices.Backward(*l.changes.Load()) {
		if q.Before != 0 && e.change.Generation >= q.Before {
			continue
		}
		if q.Key != "" && !slices.ContainsFunc(e.change.Flags, func(t admin.Touched) bool {
			return t.Set == q.Set && t.Key == q.Key
		}) {
			continue
		}
		if found = append(found, e.change); len(found) == limit {
			break
		}
	}
	return found, ctx.Err()
}

// FlagAt implements [admin.Ledger].
func (l *Ledger) FlagAt(ctx context.Context, set, key string, generation uint64) (admin.Flag, bool, error) {
	changes := *l.changes.Load()
	// The change that made generation, or the last one before it.
	i := sort.Search(len(changes), func(i int) bool { return changes[i].change.Generation > generation })
	if i == 0 {
		return admin.Flag{}, false, nil
	}
	k := wire.Key{Set: set, Flag: key}
	var last replica.Record
	err := l.client.Read(ctx, l.env.Subject(k.String()), 1, changes[i-1].headSeq, func(r replica.Record) bool {
		last = r
		return true
	})
	if err != nil {
		return admin.Flag{}, false, &admin.UnavailableError{Err: err}
	}
	if last.Body == nil {
		return admin.Flag{}, false, nil
	}
	made := sort.Search(len(changes), func(i int) bool { return changes[i].headSeq >= last.Seq })
	return admin.Flag{
		Set: set, Key: key, Body: last.Body,
		Generation: changes[made].change.Generation, Change: last.Change, Author: last.Author,
	}, true, nil
}
