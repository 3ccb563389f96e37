package ofrep_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/ofrep"
	"github.com/flagline/flagline/sidecar/internal/scope"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

const path = "/ofrep/v1/evaluate/flags"

func serve(t *testing.T, s *ofrep.Service) string {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server.URL
}

// A reply is what a request was answered.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("the body %q is not a JSON object", r.body)
	}
	return v
}

func ask(t *testing.T, method, url, body string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(data)}
}

func TestSingleFlagIsAnsweredAsFlagdDoes(t *testing.T) {
	const set = `"metadata":{"flagSetId":"shop"}`
	tests := []struct {
		name, key, body, selector string
		status                    int
		want                      string
	}{
		{"boolean", "bool", "", "", 200, `{"value":true,"key":"bool","reason":"STATIC","variant":"on","metadata":{"flagSetId":"shop","owner":"team-a"}}`},
		{"string", "text", `{}`, "", 200, `{"value":"hello","key":"text","reason":"STATIC","variant":"hi",` + set + `}`},
		{"number", "float", `{}`, "", 200, `{"value":1.5,"key":"float","reason":"STATIC","variant":"half",` + set + `}`},
		{"object", "object", `{}`, "", 200, `{"value":{"a":[1,"x",null]},"key":"object","reason":"STATIC","variant":"o",` + set + `}`},
		{"array", "array", `{}`, "", 200, `{"value":[1,2],"key":"array","reason":"STATIC","variant":"a",` + set + `}`},
		{"targeting", "by-email", `{"context":{"email":"a@example.com"}}`, "", 200, `{"value":true,"key":"by-email","reason":"TARGETING_MATCH","variant":"yes",` + set + `}`},
		{"context is no object", "by-email", `{"context":["a@example.com"]}`, "", 200, `{"key":"by-email","reason":"DEFAULT",` + set + `}`},
		{"no default", "by-email", `{}`, "", 200, `{"key":"by-email","reason":"DEFAULT",` + set + `}`},
		{"disabled", "off", `{}`, "", 200, `{"key":"off","reason":"DISABLED",` + set + `}`},
		{"not there", "gone", `{}`, "", 404, "{\"key\":\"gone\",\"errorCode\":\"FLAG_NOT_FOUND\",\"errorDetails\":\"flag `gone` does not exist\",\"metadata\":{}}"},
		{"in another set", "bool", `{}`, "flagSetId=x", 404, "{\"key\":\"bool\",\"errorCode\":\"FLAG_NOT_FOUND\",\"errorDetails\":\"flag `bool` does not exist\",\"metadata\":{\"flagSetId\":\"x\"}}"},
		{"unknown variant", "stranger", `{}`, "", 400, `{"key":"stranger","errorCode":"GENERAL","errorDetails":"error processing the flag for evaluation",` + set + `}`},
		{"bad JSON", "bool", `{"context":`, "", 400, `{"key":"bool","errorCode":"INVALID_CONTEXT","errorDetails":"Provider context is not valid","metadata":null}`},
		{"too large", "bool", `{"context":{"x":"` + strings.Repeat("x", 1000) + `"}}`, "", 413, `{"errorDetails":"request body too large"}`},
	}
	st, _ := flagtest.Store(t, flagtest.Document)
	service := ofrep.New(st, tally.New())
	service.MaxBody = 1000
	address := serve(t, service)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, http.MethodPost, address+path+"/"+test.key, test.body, scope.Header, test.selector)
			if got.status != test.status {
				t.Errorf("status is %d, want %d", got.status, test.status)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.json(t), want) {
				t.Errorf("body is %s, want %s", got.body, test.want)
			}
			if kind := got.header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("content type is %q", kind)
			}
		})
	}
}

func TestFlagThatNeverCompiledIsAParseError(t *testing.T) {
	st, _ := flagtest.Store(t, strings.Replace(flagtest.Document, `"targeting": null`, `"targeting": {"plus": [1, 2]}`, 1))
	got := ask(t, http.MethodPost, serve(t, ofrep.New(st, tally.New()))+path+"/null", "")
	body := got.json(t)
	if got.status != 400 || body["errorCode"] != "PARSE_ERROR" || body["errorDetails"] != "error parsing the flag `null`" {
		t.Errorf("answers %d %s, want a parse error", got.status, got.body)
	}
}

func TestUnknownSelectorIsRefused(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, ofrep.New(st, tally.New()))
	for _, url := range []string{address + path + "/bool", address + path} {
		got := ask(t, http.MethodPost, url, "", scope.Header, "owner=me")
		body := got.json(t)
		details, _ := body["errorDetails"].(string)
		if got.status != 400 || body["errorCode"] != "GENERAL" || !strings.HasPrefix(details, "invalid selector: ") {
			t.Errorf("%s answers %d %s, want a general error about the selector", url, got.status, got.body)
		}
	}
}

func TestOtherMethodsAndPathsAreRefused(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, ofrep.New(st, tally.New()))
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		for _, suffix := range []string{"", "/", "/bool"} {
			if got := ask(t, method, address+path+suffix, ""); got.status != 405 || got.body != "" {
				t.Errorf("%s %s answers %d %q, want 405 and nothing", method, suffix, got.status, got.body)
			}
		}
	}
	if got := ask(t, http.MethodPost, address+path+"/a/b", ""); got.status != 404 {
		t.Errorf("a key with a slash answers %d, want 404", got.status)
	}
}

func TestBulkAnswersEveryFlagOnce(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	flagtest.Deliver(t, st.Add("above.json"), 1, `{"flags":{"bool":{"variants":{"on":false},"defaultVariant":"on"}}}`)
	address := serve(t, ofrep.New(st, tally.New()))
	for _, url := range []string{address + path, address + path + "/"} {
		body := ask(t, http.MethodPost, url, `{}`).json(t)
		flags, _ := body["flags"].([]any)
		byKey := map[any]map[string]any{}
		for _, flag := range flags {
			flag, _ := flag.(map[string]any)
			byKey[flag["key"]] = flag
		}
		if len(flags) != 11 || len(byKey) != 11 {
			t.Fatalf("bulk answers %d flags with %d keys, want 11", len(flags), len(byKey))
		}
		if byKey["bool"]["value"] != false {
			t.Errorf("bool is %v, want that of the source above", byKey["bool"])
		}
		if byKey["stranger"]["errorCode"] != "GENERAL" {
			t.Errorf("stranger is %v, want its error among the others", byKey["stranger"])
		}
		if !reflect.DeepEqual(body["metadata"], map[string]any{}) {
			t.Errorf("metadata is %v, want none without a selector", body["metadata"])
		}
	}
}

func TestBulkTellsTheSelectorBack(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, ofrep.New(st, tally.New()))
	got := ask(t, http.MethodPost, address+path, "", scope.Header, "flagSetId=other")
	if got.body != `{"flags":[],"metadata":{"flagSetId":"other"}}` {
		t.Errorf("bulk of another set answers %s, want nothing of it", got.body)
	}
}

func TestRefusedBulkNamesNoFlag(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	got := ask(t, http.MethodPost, serve(t, ofrep.New(st, tally.New()))+path, `[]`)
	want := `{"errorCode":"INVALID_CONTEXT","errorDetails":"Provider context is not valid","metadata":null}`
	if got.status != 400 || got.body != want {
		t.Errorf("answers %d %s, want 400 %s", got.status, got.body, want)
	}
}

func TestBulkIsNotSentAgainWhileItIsTheSame(t *testing.T) {
	st, sink := flagtest.Store(t, flagtest.Document)
	url := serve(t, ofrep.New(st, tally.New())) + path
	etag := ask(t, http.MethodPost, url, "").header.Get("ETag")
	if !strings.HasPrefix(etag, `"`) {
		t.Fatalf("ETag is %q, want a strong one", etag)
	}
	for _, had := range []string{etag, `"x", W/` + etag, "*"} {
		got := ask(t, http.MethodPost, url, "", "If-None-Match", had)
		if got.status != 304 || got.body != "" || got.header.Get("ETag") != etag {
			t.Errorf("with %s it answers %d %q, want 304 and nothing", had, got.status, got.body)
		}
	}
	if got := ask(t, http.MethodPost, url, `{"context":{"region":"eu"}}`, "If-None-Match", etag); got.status != 200 {
		t.Errorf("for another subject it answers %d, want 200", got.status)
	}
	flagtest.Deliver(t, sink, 2, `{"flags":{}}`)
	if got := ask(t, http.MethodPost, url, "", "If-None-Match", etag); got.status != 200 {
		t.Errorf("after a change it answers %d, want 200", got.status)
	}
}

func TestHeaderBeatsStaticBeatsRequest(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	service := ofrep.New(st, tally.New())
	service.Rules = enrich.Rules{
		Static: map[string]any{"region": "us"}, Headers: map[string]string{"X-Region": "region"},
	}
	url := serve(t, service) + path + "/region"
	const body = `{"context":{"region":"eu"}}`
	if got := ask(t, http.MethodPost, url, body).json(t); got["value"] != "us" {
		t.Errorf("without the header the answer is %v, want us", got["value"])
	}
	if got := ask(t, http.MethodPost, url, body, "X-Region", "eu").json(t); got["value"] != "eu" {
		t.Errorf("with the header the answer is %v, want eu", got["value"])
	}
}

func TestFlagsThatExistAreCountedByWhatTheyAnswered(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	counts := tally.New()
	url := serve(t, ofrep.New(st, counts)) + path
	for _, suffix := range []string{"/made-up", "/bool", "/bool", "/stranger", ""} {
		ask(t, http.MethodPost, url+suffix, "")
	}
	got := maps.Collect(counts.All())
	for answer, want := range map[tally.Answer]tally.Figures{
		{Flag: "bool", Variant: "on", Reason: "STATIC"}:            {Single: 2, Bulk: 1},
		{Flag: "stranger", Reason: "ERROR", Code: "GENERAL"}:       {Single: 1, Bulk: 1},
		{Flag: "off", Reason: "DISABLED"}:                          {Bulk: 1},
		{Flag: "", Reason: "ERROR", Code: "FLAG_NOT_FOUND"}:        {Single: 1},
		{Flag: "made-up", Reason: "ERROR", Code: "FLAG_NOT_FOUND"}: {},
	} {
		if got[answer] != want {
			t.Errorf("%+v was counted as %+v, want %+v", answer, got[answer], want)
		}
	}
}

func TestNothingIsSaidToBeAllBeforeEverySourceHasDelivered(t *testing.T) {
	st := store.New()
	first, second := st.Add("first.json"), st.Add("second.json")
	flagtest.Deliver(t, first, 1, flagtest.Document)
	url := serve(t, ofrep.New(st, tally.New())) + path
	for suffix, want := range map[string]int{"": 503, "/": 503, "/gone": 503, "/bool": 200} {
		if got := ask(t, http.MethodPost, url+suffix, ""); got.status != want || want == 503 && got.header.Get("Retry-After") == "" {
			t.Errorf("before the second source, %q answers %d %v, want %d", suffix, got.status, got.header, want)
		}
	}
	flagtest.Deliver(t, second, 1, `{"flags":{}}`)
	for suffix, want := range map[string]int{"": 200, "/gone": 404} {
		if got := ask(t, http.MethodPost, url+suffix, ""); got.status != want {
			t.Errorf("after it, %q answers %d, want %d", suffix, got.status, want)
		}
	}
}
