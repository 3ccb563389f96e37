package gate

import (
	"bytes"
	"strings"
	"testing"
)

// A file of tokens lets in who names one of its lines, and nobody else; and
// what is wrong with a line is said without repeating it.
func FuzzTokens(f *testing.F) {
	f.Add([]byte("# who may ask\n\n  correct-horse-battery  \r\nstaple-staple-staple"), "correct-horse-battery")
	f.Add([]byte("hunter2\n"), "hunter2")
	f.Add([]byte("two words are none, however long\n"), "two")
	f.Add([]byte("\xff\x00"), "")
	f.Fuzz(func(t *testing.T, file []byte, named string) {
		listed := map[string]bool{}
		for line := range bytes.SplitSeq(file, []byte("\n")) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
				listed[string(line)] = true
			}
		}
		all, err := parseTokens([][]byte{file})
		if err != nil {
			for line := range listed {
				if len(line) > 7 && strings.Contains(err.Error(), line) && !strings.Contains("there is no token in it", line) {
					t.Errorf("%v repeats %q", err, line)
				}
			}
			return
		}
		g := &Gate{tokens: new(kept[tokens])}
		g.tokens.value.Store(all)
		for line := range listed {
			if !g.Allowed([]string{"Bearer " + line}) {
				t.Errorf("%q is listed and not allowed", line)
			}
		}
		if token := strings.TrimSpace(named); g.Allowed([]string{"Bearer " + named}) != listed[token] {
			t.Errorf("%q is listed: %t", token, listed[token])
		}
	})
}
