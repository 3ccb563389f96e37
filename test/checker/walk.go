package checker

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// What a change may be, at the most.
const (
	maxBody    = 1_000_000
	maxRecords = 999 // with one head
)

// A walker goes through a log from its first message to its last.
type walker struct {
	environment string
	options     Options

	state   map[string][]byte // what the last generation holds
	last    head              // that closed it; the zero head before the first
	changes map[string]bool   // the ids so far
	result  Result
}

func (w *walker) walk(log []message) error {
	begin := 0
	for i, m := range log {
		if m.key != "head" {
			continue
		}
		h, err := parseHead(m.body)
		if err != nil || h.More {
			continue // none, or one that closes nothing yet
		}
		span := log[begin : i+1]
		next := apply(w.state, span)
		if w.acceptable(h, span, next) != nil {
			continue // every reader refuses it; a later one has to set it right
		}
		if err := w.close(h, span, next); err != nil {
			return fmt.Errorf("generation %d, closed by message %d: %w", h.Generation, m.seq, err)
		}
		w.state, w.last, begin = next, h, i+1
	}
	w.result.Incarnation, w.result.Epoch, w.result.Records = w.last.Incarnation, w.last.Epoch, w.state
	if begin == len(log) {
		return nil
	}
	w.result.Strays += len(log) - begin
	if w.options.Unfinished {
		return nil
	}
	return w.unfinished(log[begin:])
}

// unfinished says why the end of the log does not count.
func (w *walker) unfinished(rest []message) error {
	err := errors.New("there is none")
	for i, m := range rest {
		if h, bad := parseHead(m.body); m.key == "head" && bad == nil && !h.More {
			err = w.acceptable(h, rest[:i+1], apply(w.state, rest[:i+1]))
		}
	}
	return fmt.Errorf("no head closes what stands at message %d and after it: %w", rest[0].seq, err)
}

// apply returns the records of state after messages.
func apply(state map[string][]byte, messages []message) map[string][]byte {
	next := maps.Clone(state)
	if next == nil {
		next = make(map[string][]byte)
	}
	for _, m := range messages {
		if _, _, ok := parseKey(m.key); !ok {
			continue
		}
		if m.body == nil {
			delete(next, m.key)
		} else {
			next[m.key] = m.body
		}
	}
	return next
}

// acceptable says why a reader that has the last generation refuses h.
func (w *walker) acceptable(h head, span []message, next map[string][]byte) error {
	perSet, flags := flagsOf(next)
	switch {
	case h.Protocol > 1:
		return fmt.Errorf("protocol %d", h.Protocol)
	case w.last.Generation > 0 && h.Incarnation != w.last.Incarnation:
		return errors.New("another incarnation")
	case h.Generation <= w.last.Generation:
		return fmt.Errorf("generation %d after %d", h.Generation, w.last.Generation)
	case h.Flags != flags:
		return fmt.Errorf("%d flags, where the head says %d", flags, h.Flags)
	case h.Digest != digestOf(next):
		return fmt.Errorf("digest %s, where the head says %s", digestOf(next), h.Digest)
	case !signed(w.environment, h, w.options.Trusted):
		return errors.New("not signed by a trusted key")
	}
	for _, m := range span {
		if len(m.body) > maxBody {
			return fmt.Errorf("message %d has %d bytes", m.seq, len(m.body))
		}
	}
	before, _ := flagsOf(w.state)
	for set, n := range before {
		if (perSet[set] == 0 || n >= 10 && 2*perSet[set] < n) && h.Shrunk[set] <= w.last.Generation {
			return fmt.Errorf("set %q goes from %d flags to %d, and nobody said that it should", set, n, perSet[set])
		}
	}
	return nil
}

// close checks what a publisher has to keep, beyond what readers look at.
func (w *walker) close(h head, span []message, next map[string][]byte) error {
	own := slices.IndexFunc(span, func(m message) bool { return m.change == h.Change })
	switch {
	case h.Generation != w.last.Generation+1:
		return fmt.Errorf("it follows generation %d", w.last.Generation)
	case h.Parent != w.last.Digest:
		return fmt.Errorf("its parent is %q, and the generation before has the digest %q", h.Parent, w.last.Digest)
	case w.last.Generation > 0 && h.Epoch != w.last.Epoch:
		return fmt.Errorf("epoch %d after %d in one incarnation", h.Epoch, w.last.Epoch)
	case w.changes[h.Change]:
		return fmt.Errorf("change %s was there before", h.Change)
	case own < 0:
		return fmt.Errorf("no message is of its change %s", h.Change)
	}
	for set, g := range h.Shrunk {
		if g > h.Generation {
			return fmt.Errorf("set %q is said to shrink in generation %d", set, g)
		}
	}
	if err := w.putBack(h, span[:own], next); err != nil {
		return err
	}
	change, err := whole(h, span[own:])
	if err != nil {
		return err
	}
	w.changes[h.Change] = true
	w.result.Changes = append(w.result.Changes, change)
	w.result.Strays += own
	return nil
}

// putBack checks that nothing remains of messages which belong to no change.
func (w *walker) putBack(h head, strays []message, next map[string][]byte) error {
	for _, m := range strays {
		if _, _, ok := parseKey(m.key); ok && !maps.EqualFunc(w.state, next, bytes.Equal) {
			return fmt.Errorf("message %d is of no change, and change %s does more than to put it back", m.seq, h.Change)
		}
	}
	return nil
}

// whole checks that messages are one change, from its first record to the head h
// and with nothing in between, and returns it.
func whole(h head, messages []message) (Change, error) {
	first := messages[0]
	c := Change{
		ID: h.Change, Generation: h.Generation, Digest: h.Digest, Parts: 1,
		Author: first.author, Reason: first.reason, Sequence: messages[len(messages)-1].seq,
	}
	inPart := 0
	for i, m := range messages {
		if m.change != h.Change || m.author != first.author || m.reason != first.reason || m.generation != fmt.Sprint(h.Generation) {
			return Change{}, fmt.Errorf("message %d stands in change %s, and is of change %q, generation %q, by %q",
				m.seq, h.Change, m.change, m.generation, m.author)
		}
		if m.key != "head" {
			if _, _, ok := parseKey(m.key); !ok {
				return Change{}, fmt.Errorf("message %d has the key %q", m.seq, m.key)
			}
			c.Records = append(c.Records, Record{m.key, m.body})
			inPart++
			continue
		}
		if inPart > maxRecords {
			return Change{}, fmt.Errorf("%d records go with the head at message %d", inPart, m.seq)
		}
		inPart = 0
		part, err := parseHead(m.body)
		if err != nil {
			return Change{}, fmt.Errorf("message %d: %w", m.seq, err)
		}
		if part.Part != c.Parts || part.More != (i < len(messages)-1) || part.Incarnation != h.Incarnation ||
			part.Epoch != h.Epoch || part.Generation != h.Generation || part.Parent != h.Parent || part.Change != h.Change {
			return Change{}, fmt.Errorf("the head at message %d is not that of part %d", m.seq, c.Parts)
		}
		if part.More {
			c.Parts++
		}
	}
	if got := recordsDigest(c.Records); got != h.Records {
		return Change{}, fmt.Errorf("its records add up to %s, where the head says %q", got, h.Records)
	}
	return c, nil
}
