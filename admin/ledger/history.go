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
}

// defaultLimit is how many changes History returns unless told otherwise.
const defaultLimit = 50

// record adds the changes that records tell of to the history. The caller holds
// the lock.
func (l *Ledger) record(records []replica.Record) {
	changes := *l.changes.Load()
	var e entry
	begun := make(map[wire.Key]bool) // whether a key existed before the change
	for _, r := range records {
		if r.Key != wire.HeadKey {
			if k, err := wire.ParseKey(r.Key); err == nil {
				if _, seen := begun[k]; !seen {
					begun[k] = l.flags[r.Key]
				}
				l.flags[r.Key] = r.Body != nil
				e.change.Author, e.change.Reason = r.Author, r.Reason
			}
			continue
		}
		h, err := wire.ParseHead(r.Body)
		if err != nil || h.More {
			continue
		}
		e.headSeq = r.Seq
		e.change = admin.Change{
			ID: h.Change, Environment: string(l.env), Generation: h.Generation, Digest: h.Digest,
			Author: r.Author, Reason: r.Reason, Time: h.Time, Flags: l.touchedBy(begun),
		}
		changes = append(changes, e) // whoever holds the shorter slice does not see it
		e = entry{}
		clear(begun)
	}
	l.changes.Store(&changes)
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
