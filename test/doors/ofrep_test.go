package doors_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/scripts"
)

const ofrepPath = "/ofrep/v1/evaluate/flags"

// The value of an array is told here, and nowhere else.
func TestOFREP(t *testing.T) {
	everyScript(t, []kind{anything}, func(t *testing.T, script *scripts.Script) door {
		address := "http://" + serve(t, script).OFREP + ofrepPath + "/"
		return func(t *testing.T, q scripts.Question, _ kind) reply {
			var body ofrepBody
			status := post(t, address+url.PathEscape(q.Key), q.Context, &body)
			if body.Key != q.Key {
				t.Errorf("%s: the answer is about %q", q.Line, body.Key)
			}
			got := body.reply()
			if want := statusOf(got.code); status != want {
				t.Errorf("%s: status %d with code %q, want %d", q.Line, status, got.code, want)
			}
			return got
		}
	}, inOFREP)
}

func TestOFREPOfAllFlags(t *testing.T) {
	everyScript(t, []kind{anything}, func(t *testing.T, script *scripts.Script) door {
		address := "http://" + serve(t, script).OFREP + ofrepPath
		return func(t *testing.T, q scripts.Question, _ kind) reply {
			var body struct{ Flags []ofrepBody }
			if status := post(t, address, q.Context, &body); status != http.StatusOK {
				t.Fatalf("%s: status %d", q.Line, status)
			}
			i := slices.IndexFunc(body.Flags, func(f ofrepBody) bool { return f.Key == q.Key })
			if i < 0 {
				// A flag that is not there is not among all flags; nothing
				// else is said of it.
				return failed(evaluator.CodeFlagNotFound)
			}
			return body.Flags[i].reply()
		}
	}, inOFREP)
}

// inOFREP is how this protocol tells an answer. Nobody says what kind of value
// they want, so flagd has no word for a wrong one: a variant without a value is
// GENERAL.
func inOFREP(r reply, _ kind) reply {
	if r.code == string(evaluator.CodeTypeMismatch) {
		r.code = string(evaluator.CodeGeneral)
	}
	return r
}

// An ofrepBody is what answers about a flag have, good or bad.
type ofrepBody struct {
	Key       string
	Value     any
	Variant   string
	Reason    string
	ErrorCode evaluator.ErrorCode
	Metadata  map[string]any
}

func (b ofrepBody) reply() reply {
	if b.ErrorCode != "" {
		return failed(b.ErrorCode)
	}
	return reply{value: b.Value, variant: b.Variant, reason: b.Reason, metadata: b.Metadata}
}

func statusOf(code string) int {
	switch code {
	case "":
		return http.StatusOK
	case string(evaluator.CodeFlagNotFound):
		return http.StatusNotFound
	default:
		return http.StatusBadRequest
	}
}

func post(t *testing.T, address string, ec evaluator.Context, answer any) (status int) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"context": ec})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(address, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		t.Fatalf("%s answers %s: %v", address, resp.Status, err)
	}
	return resp.StatusCode
}
