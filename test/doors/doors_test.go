package doors_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/scripts"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// A reply is what a door says. Value is nil and variant is "" if there is none.
type reply struct {
	value    any
	variant  string
	reason   string
	code     string
	metadata map[string]any // only of flags for which a script tells it
}

// A door answers a question to someone who wants a value of a kind.
type door func(t *testing.T, q scripts.Question, k kind) reply

// everyScript puts the questions of all scripts to the door that open opens for
// each, once for every kind of value, and says where it does not answer as expect
// has it.
func everyScript(t *testing.T, kinds []kind, open func(*testing.T, *scripts.Script) door, expect func(reply, kind) reply) {
	t.Helper()
	for _, pattern := range []string{"*.txtar", "beyond/*.txtar", "differences/*.txtar"} {
		paths, err := filepath.Glob(filepath.Join("..", "..", "evaluator", "testdata", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("there are no scripts %s: %v", pattern, err)
		}
		for _, path := range paths {
			script, err := scripts.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(script.Name, func(t *testing.T) {
				b := newBook(t, script)
				ask := open(t, script)
				for _, q := range script.Questions {
					for _, k := range kinds {
						b.check(t, q, k, ask(t, q, k), expect(b.answer(q, k), k))
					}
				}
			})
		}
	}
}

// check compares what was heard with what was expected.
func (b *book) check(t *testing.T, q scripts.Question, k kind, got, want reply) {
	t.Helper()
	if _, told := b.script.Metadata[q.Key]; !told || want.code != "" {
		got.metadata, want.metadata = nil, nil // errors do not come with metadata everywhere
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n%s\nas %s\n got %+v\nwant %+v", q.Shows, q.Line, k, got, want)
	}
}

// asIs is for doors that tell everything.
func asIs(r reply, _ kind) reply { return r }

func TestEvaluator(t *testing.T) {
	everyScript(t, typedKinds(), func(t *testing.T, script *scripts.Script) door {
		set, err := evaluator.Compile([]byte(script.Document))
		if err != nil {
			t.Fatal(err)
		}
		return func(_ *testing.T, q scripts.Question, k kind) reply {
			return resolved(set.Evaluate(q.Key, q.Context), k)
		}
	}, asIs)
}

func resolved(r evaluator.Resolution, k kind) reply {
	switch k {
	case boolean:
		return typed(r, r.Bool)
	case text:
		return typed(r, r.Text)
	case float:
		return typed(r, r.Float)
	case integer:
		return typed(r, r.Int)
	default:
		return typed(r, r.Object)
	}
}

func typed[T any](r evaluator.Resolution, read func() (T, bool, *evaluator.Error)) reply {
	value, ok, err := read()
	switch {
	case err != nil:
		return failed(err.Code)
	case !ok:
		return reply{variant: r.Variant, reason: string(r.Reason), metadata: r.Metadata}
	}
	return reply{value: value, variant: r.Variant, reason: string(r.Reason), metadata: r.Metadata}
}

// save writes the flags of a script where a file source finds them.
func save(t *testing.T, script *scripts.Script) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(path, []byte(script.Document), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve runs a sidecar with the flags of a script until the test ends, and
// returns once it has them.
func serve(t *testing.T, script *scripts.Script) sidecar.Addresses {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	listening, ended := make(chan sidecar.Addresses, 1), make(chan error, 1)
	cfg := sidecar.Config{
		Sources: []source.Source{file.New(save(t, script))},
		Ready:   func(at sidecar.Addresses) { listening <- at },
	}
	go func() { ended <- sidecar.Run(ctx, cfg) }()
	var at sidecar.Addresses
	select {
	case at = <-listening:
	case err := <-ended:
		cancel()
		t.Fatalf("run the sidecar: %v", err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the sidecar ends with %v", err)
		}
	})
	awaitFlags(t, "http://"+at.Management+"/readyz")
	return at
}

func awaitFlags(t *testing.T, url string) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.After(patience); ; {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("the sidecar has no flags: %s", resp.Status)
		}
	}
}
