package syncstream

import (
	"testing"

	syncv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/sync/v1"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
)

func FuzzMessage(f *testing.F) {
	f.Add(`{"flags":{"a":{"n":1},"b":{"metadata":{"flagSetId":"s"}}},"metadata":{"flagSetId":"t"}}`, uint(20))
	f.Add(`{"flags":[{"key":"a"},{"key":"b"}]} `, uint(3))
	f.Add("flags: {a: {}}", uint(1))
	f.Add("\ufeff{}", uint(0))
	f.Fuzz(func(t *testing.T, text string, cut uint) {
		whole := taken(t, text)
		if whole == nil {
			return
		}
		for _, r := range whole.Records {
			if len(r.Body) == 0 {
				t.Fatalf("%q removes flag %q, want no removals beside Replace", text, r.Key)
			}
		}
		// A document ends with a bracket, so that no part of one is one.
		end := len(text)
		for end > 0 && text[end-1] != '}' {
			end--
		}
		if part := taken(t, text[:int(cut%uint(end))]); part != nil {
			t.Fatalf("%d bytes of %q are taken for a document", cut%uint(end), text)
		}
	})
}

// taken returns what one message leads to: one whole update, or nothing and an
// error.
func taken(t *testing.T, text string) *source.Update {
	t.Helper()
	src, err := New(Config{URI: "h:1"})
	if err != nil {
		t.Fatal(err)
	}
	r := new(sourcetest.Recorder)
	w := watch{source: src, sink: r}
	err = w.take(&syncv1.SyncFlagsResponse{FlagConfiguration: text})
	updates := r.State().Updates
	switch {
	case err != nil && len(updates) == 0:
		return nil
	case err == nil && len(updates) == 1 && updates[0].Replace:
		return &updates[0]
	}
	t.Fatalf("%q makes %d updates and the error %v", text, len(updates), err)
	return nil
}
