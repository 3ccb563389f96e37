package ofrep_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/ofrep"
	"github.com/flagline/flagline/sidecar/internal/scope"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// Answers are remembered, so whatever they depend on is asked for twice, with
// other questions in between.
func TestWhatIsRememberedIsTheAnswerToTheSameQuestion(t *testing.T) {
	const document = `{"flags":{
		"region": {"variants":{"eu":"eu","us":"us"},"defaultVariant":"us","targeting":{"var":"region"}},
		"plan":   {"variants":{"free":1,"pro":2},"defaultVariant":"free","targeting":{"var":"plan"}}}}`
	st, sink := flagtest.Store(t, document)
	other := st.Add("other.json")
	flagtest.Deliver(t, other, 1, `{"metadata":{"flagSetId":"other"},"flags":{"mine":{"variants":{"x":true},"defaultVariant":"x"}}}`)
	s := ofrep.New(st, tally.New())
	s.Rules = enrich.Rules{Headers: map[string]string{"X-Region": "region", "X-Plan": "plan"}}
	url := serve(t, s) + path
	questions := []struct {
		body   string
		header []string
		want   []string
	}{
		{`{}`, nil, []string{`"us"`, `"free"`, `"mine"`}},
		{`{"context":{"region":"eu"}}`, nil, []string{`"eu"`, `"free"`}},
		{`{}`, []string{"X-Region", "eu"}, []string{`"eu"`, `"free"`}},
		{`{}`, []string{"X-Plan", "pro"}, []string{`"us"`, `"pro"`}},
		{`{}`, []string{"X-Region", "eu", "X-Plan", "pro"}, []string{`"eu"`, `"pro"`}},
		{`{}`, []string{scope.Header, "flagSetId=other"}, []string{`"mine"`, `"flagSetId":"other"`}},
		{`{}`, []string{scope.Header, "flagSetId="}, []string{`"us"`}},
		{`{}`, []string{scope.Header, "source=" + flagtest.Source}, []string{`"us"`, `"source"`}},
	}
	bodies := map[string]string{}
	for round := range 3 {
		for _, q := range questions {
			got := ask(t, http.MethodPost, url, q.body, q.header...)
			for _, want := range q.want {
				if !strings.Contains(got.body, want) {
					t.Errorf("round %d: %s %v is answered %s, want %s in it", round, q.body, q.header, got.body, want)
				}
			}
			name := q.body + strings.Join(q.header, " ")
			if before, asked := bodies[name]; asked && before != got.body {
				t.Errorf("round %d: %s %v is answered %s, and before %s", round, q.body, q.header, got.body, before)
			}
			bodies[name] = got.body
		}
	}
	if len(bodies) != len(questions) {
		t.Fatal("two questions of this test are the same")
	}
	flagtest.Deliver(t, sink, 2, strings.Replace(document, `"free":1`, `"free":7`, 1))
	if got := ask(t, http.MethodPost, url, `{}`); !strings.Contains(got.body, `"value":7`) {
		t.Errorf("after a change the answer is %s", got.body)
	}
}

func TestAnswersThatDependOnTheTimeAreNotRemembered(t *testing.T) {
	st, _ := flagtest.Store(t, `{"flags":{"clock":{"variants":{"x":1},"defaultVariant":"x",
		"targeting":{"if":[{"<":[{"%":[{"var":"$flagd.timestamp"},2]},1]},"x",null]}}}}`)
	url := serve(t, ofrep.New(st, tally.New())) + path
	seen := map[bool]bool{}
	for len(seen) < 2 { // the test's own deadline ends it if they never differ
		seen[strings.Contains(ask(t, http.MethodPost, url, `{}`).body, "TARGETING_MATCH")] = true
	}
}
