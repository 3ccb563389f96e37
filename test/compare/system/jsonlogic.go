package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/diegoholiveira/jsonlogic/v3"

	"github.com/flagline/flagline/test/compare/workload"
)

// rules are the rules of a workload as jsonlogic takes them, for two systems:
// its operators are flagd's, and so is what they find in the data.
func rules(w workload.Workload) (list []any, err error) {
	if _, err := NewFlagdCore(); err != nil { // registers flagd's operators
		return nil, err
	}
	if nothingToSay(w) {
		return nil, ErrCannot
	}
	for _, f := range w.Flags {
		rule := f.Targeting()
		if rule == nil {
			rule = f.Default
		}
		list = append(list, rule)
	}
	return list, nil
}

// properties are what flagd adds to the context of a flag.
func properties(f workload.Flag) map[string]any {
	return map[string]any{"flagKey": f.Key, "timestamp": float64(1_800_000_000)}
}

// logicValues evaluates rules and data that are decoded already.
type logicValues struct {
	rules      []any
	properties []any
	contexts   []map[string]any
}

func newLogicValues(w workload.Workload) (System, error) {
	list, err := rules(w)
	if err != nil {
		return nil, err
	}
	s := &logicValues{rules: list, contexts: w.Contexts()}
	for _, f := range w.Flags {
		s.properties = append(s.properties, properties(f))
	}
	return s, nil
}

func (s *logicValues) Answer(flag, subject int) string {
	ec := s.contexts[subject]
	ec["$flagd"] = s.properties[flag]
	v, err := jsonlogic.ApplyInterface(s.rules[flag], ec)
	if err != nil {
		return err.Error()
	}
	variant, ok := v.(string)
	if !ok {
		return fmt.Sprintf("%T instead of a variant", v)
	}
	return variant
}

// logicText evaluates text, as flagd does. The data are encoded for each
// answer; what is left out of flagd is everything around it.
type logicText struct {
	rules      [][]byte
	properties []any
	contexts   []map[string]any
}

func newLogicText(w workload.Workload) (System, error) {
	list, err := rules(w)
	if err != nil {
		return nil, err
	}
	s := &logicText{contexts: w.Contexts()}
	for i, f := range w.Flags {
		text, err := json.Marshal(list[i])
		if err != nil {
			return nil, err
		}
		s.rules = append(s.rules, text)
		s.properties = append(s.properties, properties(f))
	}
	return s, nil
}

func (s *logicText) Answer(flag, subject int) string {
	ec := s.contexts[subject]
	ec["$flagd"] = s.properties[flag]
	data, err := json.Marshal(ec)
	if err != nil {
		return err.Error()
	}
	var out bytes.Buffer
	if err := jsonlogic.Apply(bytes.NewReader(s.rules[flag]), bytes.NewReader(data), &out); err != nil {
		return err.Error()
	}
	return strings.Trim(out.String(), "\"\n")
}
