package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func TestThePageShowsTheFiguresThatAreKept(t *testing.T) {
	f, err := readFigures(filepath.Join(root, "bench", "server.json"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "server-performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := f.page(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if want != string(page) {
		t.Error("docs/server-performance.md is not what bench/server.json says; run go run . -render in test/server")
	}
}

// measured is what would be measured if ours took 10 µs for a case and others
// what is named.
func measured(kase, flagdVersion string, others map[string]float64) *figures {
	f := newFigures(1)
	f.Flagd = flagdVersion
	f.Rows = []row{{Case: kase, System: ours, Micros: 10, Min: 10, Max: 10}}
	for name, v := range others {
		f.Rows = append(f.Rows, row{Case: kase, System: name, Micros: v, Min: v, Max: v})
	}
	return f
}

func TestAGoalIsJudgedByWhatItsFigureReaches(t *testing.T) {
	const kase = "OFREP, endswith" // at least 3 and 4 times less than flagd, at most 1.6 and 1.25 times the floor
	for _, c := range []struct {
		flagd, floor         float64
		againstFlagd, toward state
	}{
		{29, 6.2, missed, missed},
		{30, 6.25, within, within},
		{39, 7.9, within, within},
		{40, 8, met, met},
	} {
		for _, r := range measured(kase, "v1", map[string]float64{flagd: c.flagd, nethttp: c.floor}).results() {
			want := c.againstFlagd
			if strings.HasSuffix(r.Title, nethttp) {
				want = c.toward
			}
			if r.State != want {
				t.Errorf("%s of %v is %s, want %s", r.Title, r.Figure, r.State, want)
			}
		}
	}
}

func TestWhatStandsInForFlagdCanReachAGoalButNotMissIt(t *testing.T) {
	for v, want := range map[float64]state{29: open, 30: within, 40: met} {
		r := measured("OFREP, endswith", "", map[string]float64{core: v}).results()
		if len(r) != 1 || r[0].State != want {
			t.Errorf("with %v the goals are %+v, want one that is %s", v, r, want)
		}
	}
}

// answering is a server that always answers with body.
func answering(t *testing.T, name, body string) *server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return &server{peer: peer{name: name}, addresses: addresses{ofrep: s.Listener.Addr().String()}}
}

func TestAnswersAgreeIfTheyMeanTheSame(t *testing.T) {
	const want = `{"flags":[{"key":"a","value":1,"reason":"STATIC","variant":"on","metadata":{}},{"key":"b","errorCode":"GENERAL"}]}`
	for body, differ := range map[string]bool{
		`{"flags":[{"errorCode":"GENERAL","key":"b"},{"value":1.0,"key":"a","reason":"STATIC","variant":"on"}],"metadata":{"x":1}}`: false,
		strings.Replace(want, "1", "2", 1):                              true,
		strings.Replace(want, "STATIC", "DEFAULT", 1):                   true,
		strings.Replace(want, `"on"`, `"off"`, 1):                       true,
		strings.Replace(want, `"metadata":{}`, `"metadata":{"x":1}`, 1): true,
		strings.Replace(want, "GENERAL", "PARSE_ERROR", 1):              true,
		`{"flags":[{"key":"b","errorCode":"GENERAL"}]}`:                 true,
		strings.Replace(want, `"flags":[`, `"flags":[{"key":"c"},`, 1):  true,
		strings.Replace(want, `"flags":[`, `"flags":[{"key":"b"},`, 1):  true,
		"": true,
	} {
		k := kind{name: "all", ask: askAll, read: readAll}
		_, err := k.agree(t.Context(), []*server{answering(t, "one", want), answering(t, "other", body)})
		if (err != nil) != differ {
			t.Errorf("%s against %s: %v", body, want, err)
		}
	}
}

func TestFreshQuestionsHaveAPlaceForTheirNumber(t *testing.T) {
	for _, k := range (settings{}).kinds() {
		q, err := k.ask(k.hit())
		if err != nil {
			t.Fatal(err)
		}
		if k.fresh != strings.Contains(string(q.Body), "user-0000000") {
			t.Errorf("%s asks %q; fresh is %v", k.name, q.Body, k.fresh)
		}
	}
}

func TestADocumentDiffersFromTheOneBeforeInOneFlag(t *testing.T) {
	first, err := document(100, 0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := document(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Replace(string(first), "revision 0", "revision 1", 1) != string(second) {
		t.Error("more than the canary differs")
	}
	if n := strings.Count(string(first), `"state":"ENABLED"`); n != 100 {
		t.Errorf("the document has %d flags, want 100", n)
	}
}
