package lint

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// A skimmer reads a document once and passes over everything that is right.
// Only what it doubts is decoded, and criticised, on its own.
type skimmer struct {
	*scanner

	critic   critic
	settings map[string]any // what the schema knows of the document beside its flags
	hasFlags bool
	reader   reader
	doubtful []doubt
}

// A doubt is a flag that may not be right.
type doubt struct {
	key   string // in an object of flags
	index int    // in an array
	text  []byte
}

// skim reads a document. It is false if something is wrong with the document
// itself and not with a part of it; then it has to be studied.
func skim(data []byte) (*skimmer, bool) {
	s, ok := newScanner(data)
	if !ok {
		return nil, false
	}
	k := &skimmer{scanner: s, settings: make(map[string]any), reader: reader{tree: &s.tree}}
	k.critic.doc = k.settings
	if !s.object(0, k.member) || !s.end() || !k.hasFlags {
		return nil, false
	}
	if k.lend() {
		k.doubtful = slices.DeleteFunc(k.doubtful, k.clears)
	}
	return k, true
}

func (k *skimmer) member(name []byte) bool {
	switch name := string(name); name {
	case "flags":
		k.hasFlags = true
		k.lend()
		k.reader.inArray = k.peek() == '['
		if k.reader.inArray {
			return k.array(1, k.element)
		}
		return k.object(1, k.flag)
	case "$schema", "metadata", "$evaluators":
		k.peek()
		start := k.pos
		if !k.value(1) {
			return false
		}
		var v any
		err := json.Unmarshal(k.data[start:k.pos], &v)
		k.settings[name] = v
		return err == nil
	}
	return k.value(1)
}

// lend makes the evaluators known to the reader once they have been read. It
// is true if the reader has not known them so far, and there are any.
func (k *skimmer) lend() bool {
	if _, ok := k.settings["$evaluators"]; !ok || k.reader.loans != nil {
		return false
	}
	k.reader.loans = newLoans(&k.critic)
	return true
}

func (k *skimmer) flag(key []byte) bool {
	text, right, ok := k.look()
	if ok && (!right || len(key) == 0) {
		k.doubtful = append(k.doubtful, doubt{key: string(key), text: text})
	}
	return ok
}

func (k *skimmer) element(i int) bool {
	text, right, ok := k.look()
	if ok && !right {
		k.doubtful = append(k.doubtful, doubt{index: i, text: text})
	}
	return ok
}

// look reads a flag.
func (k *skimmer) look() (text []byte, right, ok bool) {
	k.peek()
	start := k.pos
	k.nodes, k.keep = k.nodes[:0], true
	ok = k.value(2)
	k.keep = false
	if !ok {
		return nil, false, false
	}
	return k.data[start:k.pos], k.reader.accepts(), true
}

// clears says whether a flag turns out to be right with the evaluators, which
// stand behind it in the document.
func (k *skimmer) clears(d doubt) bool {
	return (k.reader.inArray || d.key != "") && isRight(d.text, k.reader.inArray, k.reader.loans)
}

// criticised returns the critic of what was read. It goes through what is left
// in the order in which [study] does.
func (k *skimmer) criticised() *critic {
	k.critic.settings(k.settings)
	k.critic.evaluators()
	slices.SortStableFunc(k.doubtful, func(a, b doubt) int { return cmp.Compare(a.key, b.key) })
	for _, d := range k.doubtful {
		k.criticise(d)
	}
	return &k.critic
}

func (k *skimmer) criticise(d doubt) {
	at, index := syntax.Pointer("/flags", d.key), ""
	if k.reader.inArray {
		at, index = syntax.Index("/flags", d.index), strconv.Itoa(d.index)
	}
	var flag any
	if err := json.Unmarshal(d.text, &flag); err != nil {
		k.critic.found = append(k.critic.found, notJSON(at, d.text, err))
		return
	}
	if k.critic.index = index; index != "" {
		k.critic.schema(map[string]any{"flags": []any{flag}})
	} else {
		k.critic.schema(map[string]any{"flags": map[string]any{d.key: flag}})
	}
	k.critic.flag(at, flag)
}

// isRight says whether a flag that stands alone is certainly right.
func isRight(text []byte, inArray bool, l *loans) bool {
	s, ok := newScanner(text)
	if !ok {
		return false
	}
	s.keep = true
	if !s.value(2) || !s.end() {
		return false
	}
	r := reader{tree: &s.tree, loans: l, inArray: inArray}
	return r.accepts()
}
