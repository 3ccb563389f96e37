package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/admintest"
	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/admin/client"
	"github.com/flagline/flagline/admin/rest"
	"github.com/flagline/flagline/internal/wire"
)

const (
	token = "secret"
	onOff = `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"}`
)

// A desk is a server with one environment, "dev".
type desk struct {
	*client.Client
	url   string
	fleet *admin.Fleet
}

func open(t *testing.T, ledger admin.Ledger) desk {
	t.Helper()
	fleet := admin.NewFleet()
	srv := httptest.NewServer(rest.Handler(rest.Config{
		Environments: map[string]rest.Environment{"dev": {Ledger: ledger, Fleet: fleet}},
		Token:        []byte(token),
		Loopback:     true,
	}))
	t.Cleanup(srv.Close)
	return desk{client.New(srv.URL, token, srv.Client()), srv.URL, fleet}
}

func (d desk) change(t *testing.T, req api.ChangeRequest) api.Change {
	t.Helper()
	req.Author = "ann"
	made, err := d.Change(t.Context(), "dev", req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Verb, req.Key, err)
	}
	return made
}

func (d desk) create(t *testing.T, set, key string) {
	t.Helper()
	d.change(t, api.ChangeRequest{Verb: api.VerbCreate, Set: &set, Key: key, Definition: json.RawMessage(onOff)})
}

// do sends a request and returns the status and the error code of the answer.
func (d desk) do(t *testing.T, method, path, body string, edit func(*http.Request)) (status int, code api.Code) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if edit != nil {
		edit(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s answers %q, want JSON: %s", method, path, got, text)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.StatusCode, ""
	}
	var answer api.ErrorBody
	if err := json.Unmarshal(text, &answer); err != nil || answer.Error == nil || answer.Error.Message == "" || answer.Error.Details == nil {
		t.Fatalf("%s %s answers %s, want an error with message and details", method, path, text)
	}
	return resp.StatusCode, answer.Error.Code
}

func TestEveryRefusalHasItsStatusAndCode(t *testing.T) {
	d := open(t, admintest.New("dev"))
	d.create(t, "", "f")
	const dev = "/v1/environments/dev"
	change := func(body string) string { return `{"author":"ann","key":"f",` + body + `}` }
	tests := []struct {
		name, method, path, body string
		edit                     func(*http.Request)
		status                   int
		code                     api.Code
	}{
		{"fine", "GET", dev + "/flags", "", nil, 200, ""},
		{"no token", "GET", dev + "/flags", "", func(r *http.Request) { r.Header.Del("Authorization") }, 401, api.CodeDenied},
		{"wrong token", "GET", dev + "/flags", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401, api.CodeDenied},
		{"wrong scheme", "GET", dev + "/flags", "", func(r *http.Request) { r.Header.Set("Authorization", "Basic "+token) }, 401, api.CodeDenied},
		{"foreign host", "GET", "/healthz", "", func(r *http.Request) { r.Host = "evil.example:8080" }, 403, api.CodeDenied},
		{"foreign origin", "POST", dev + "/changes", "{}", func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403, api.CodeDenied},
		{"own origin", "GET", dev + "/flags", "", func(r *http.Request) { r.Header.Set("Origin", "http://"+r.Host) }, 200, ""},
		{"localhost", "GET", "/healthz", "", func(r *http.Request) { r.Host = "localhost" }, 200, ""},
		{"IPv6", "GET", "/healthz", "", func(r *http.Request) { r.Host = "[::1]:99" }, 200, ""},
		{"health without token", "GET", "/readyz", "", func(r *http.Request) { r.Header.Del("Authorization") }, 200, ""},
		{"contract without token", "GET", "/v1/openapi.json", "", func(r *http.Request) { r.Header.Del("Authorization") }, 200, ""},
		{"nowhere", "GET", "/v2", "", nil, 404, api.CodeNotFound},
		{"wrong method", "DELETE", dev + "/flags/f", "", nil, 405, api.CodeUsage},
		{"no such environment", "GET", "/v1/environments/prod/flags", "", nil, 404, api.CodeNotFound},
		{"no such flag", "GET", dev + "/flags/g", "", nil, 404, api.CodeNotFound},
		{"no such set", "GET", dev + "/export?set=team", "", nil, 404, api.CodeNotFound},
		{"no history", "GET", dev + "/history?key=g", "", nil, 404, api.CodeNotFound},
		{"no number", "GET", dev + "/flags?limit=x", "", nil, 400, api.CodeUsage},
		{"no cursor", "GET", dev + "/flags?after=x", "", nil, 400, api.CodeUsage},
		{"no JSON", "POST", dev + "/changes", "{", nil, 400, api.CodeUsage},
		{"misspelt", "POST", dev + "/changes", change(`"verb":"disable","dryrunn":true`), nil, 400, api.CodeUsage},
		{"two bodies", "POST", dev + "/changes", change(`"verb":"disable"`) + "{}", nil, 400, api.CodeUsage},
		{"no author", "POST", dev + "/changes", `{"verb":"disable","key":"f"}`, nil, 400, api.CodeUsage},
		{"no key", "POST", dev + "/changes", `{"verb":"disable","author":"ann"}`, nil, 400, api.CodeUsage},
		{"no verb", "POST", dev + "/changes", change(`"verb":"explode"`), nil, 400, api.CodeUsage},
		{"nothing to set", "POST", dev + "/changes", change(`"verb":"set"`), nil, 400, api.CodeUsage},
		{"both to set", "POST", dev + "/changes", change(`"verb":"set","parts":{},"definition":{}`), nil, 400, api.CodeUsage},
		{"no documents", "POST", dev + "/changes", `{"author":"ann","verb":"apply"}`, nil, 400, api.CodeUsage},
		{"exists", "POST", dev + "/changes", change(`"verb":"create","definition":` + onOff), nil, 409, api.CodeConflict},
		{"moved", "POST", dev + "/changes", change(`"verb":"disable","expectGeneration":7`), nil, 409, api.CodeConflict},
		{"invalid", "POST", dev + "/changes", change(`"verb":"set","definition":{"state":"ON"}`), nil, 422, api.CodeInvalid},
		{"no document", "POST", dev + "/diff", `{"documents":[{"document":{}}]}`, nil, 422, api.CodeInvalid},
		{"no type", "POST", dev + "/evaluate", `{"key":"f","type":"date"}`, nil, 400, api.CodeUsage},
		{"too large", "POST", dev + "/changes", change(`"reason":"` + strings.Repeat("x", rest.MaxBody) + `"`), nil, 413, api.CodeUsage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, code := d.do(t, test.method, test.path, test.body, test.edit)
			if status != test.status || code != test.code {
				t.Errorf("%s %s answers %d %s, want %d %s", test.method, test.path, status, code, test.status, test.code)
			}
		})
	}
}

func TestVerbsOverHTTP(t *testing.T) {
	d := open(t, admintest.New("dev"))
	d.create(t, "", "f")
	parts := &api.Parts{Description: new("<b>")}
	steps := []struct {
		req     api.ChangeRequest
		summary string
	}{
		{api.ChangeRequest{Verb: api.VerbToggle}, "off → on"},
		{api.ChangeRequest{Verb: api.VerbDisable}, "enabled → disabled"},
		{api.ChangeRequest{Verb: api.VerbEnable}, "disabled → enabled"},
		{api.ChangeRequest{Verb: api.VerbSet, Parts: parts}, "description added"},
		{api.ChangeRequest{Verb: api.VerbKill, Variant: "off"}, "killed with off"},
		{api.ChangeRequest{Verb: api.VerbRollback}, "no longer killed"},
		{api.ChangeRequest{Verb: api.VerbSet, Definition: json.RawMessage(onOff)}, "on → off, description removed"},
		{api.ChangeRequest{Verb: api.VerbDelete}, ""},
	}
	for i, step := range steps {
		step.req.Key = "f"
		made := d.change(t, step.req)
		if made.Change == nil || made.Generation != uint64(i+2) || len(made.Flags) != 1 || made.Flags[0].Summary != step.summary {
			t.Errorf("%s answers %+v, want generation %d and %q", step.req.Verb, made, i+2, step.summary)
		}
	}
	history, err := d.History(t.Context(), "dev", client.HistoryQuery{Key: "f", Limit: 2})
	if err != nil || len(history.Changes) != 2 || history.Changes[0].Flags[0].Action != "delete" || history.Changes[0].Author != "ann" {
		t.Errorf("history is %+v (%v), want the two newest changes by ann", history, err)
	}
}

func TestNothingToDoIsNoChange(t *testing.T) {
	d := open(t, admintest.New("dev"))
	d.create(t, "", "f")
	made := d.change(t, api.ChangeRequest{Verb: api.VerbEnable, Key: "f", Wait: 1})
	if made.Change != nil || made.Generation != 1 || len(made.Flags) != 0 || made.Convergence != nil {
		t.Errorf("enabling what is enabled answers %+v, want no change", made)
	}
}

func TestDryRunPublishesNothing(t *testing.T) {
	d := open(t, admintest.New("dev"))
	d.create(t, "", "f")
	made := d.change(t, api.ChangeRequest{Verb: api.VerbDisable, Key: "f", DryRun: true, Wait: 1})
	if made.Change != nil || !made.DryRun || len(made.Flags) != 1 {
		t.Errorf("a dry run answers %+v, want what it would touch", made)
	}
	if f, err := d.Flag(t.Context(), "dev", nil, "f"); err != nil || f.Generation != 1 {
		t.Errorf("after a dry run the flag is of generation %d (%v), want 1", f.Generation, err)
	}
}

func TestFlagsKeepTheirSpellingOnTheWay(t *testing.T) {
	d := open(t, admintest.New("dev"))
	const body = `{"state":"ENABLED","variants":{"a":1.50,"b":2},"defaultVariant":"a","description":"<\u0061&ü>"}`
	d.change(t, api.ChangeRequest{Verb: api.VerbCreate, Key: "a/b ..", Definition: json.RawMessage(body)})
	f, err := d.Flag(t.Context(), "dev", nil, "a/b ..")
	if err != nil || string(f.Flag) != body {
		t.Errorf("the flag came back as %s (%v), want %s", f.Flag, err, body)
	}
}

func TestOddKeysAreReachable(t *testing.T) {
	d := open(t, admintest.New("dev"))
	for _, key := range []string{".", "..", "a//b", "%2F", "ü ?#", "a.b"} {
		d.create(t, "", key)
		if f, err := d.Flag(t.Context(), "dev", new(""), key); err != nil || f.Key != key {
			t.Errorf("flag %q is answered as %q (%v)", key, f.Key, err)
		}
	}
}

func TestPagesHoldEveryFlagOnce(t *testing.T) {
	d := open(t, admintest.New("dev"))
	for _, name := range []string{"/a", "/b", "one/a", "one/b", "two/\""} {
		set, key, _ := strings.Cut(name, "/")
		d.create(t, set, key)
	}
	var names []string
	after := ""
	for {
		var page api.Flags
		get(t, d, "/v1/environments/dev/flags?limit=2&after="+after, &page)
		for _, f := range page.Flags {
			names = append(names, f.Set+"/"+f.Key)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != `/a /b one/a one/b two/"` {
		t.Errorf("pages hold %s", got)
	}
	page, err := d.Flags(t.Context(), "dev", new("one"), "")
	if err != nil || len(page.Flags) != 2 {
		t.Errorf("set one has %+v (%v), want two flags", page.Flags, err)
	}
}

func get(t *testing.T, d desk, path string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "bearer "+token) // the scheme has no case
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestApplyDiffAndExportAgree(t *testing.T) {
	d := open(t, admintest.New("dev"))
	doc := api.Document{File: "a.json", Document: json.RawMessage(`{"metadata":{"flagSetId":"team"},"flags":{"f":` + onOff + `}}`)}
	d.change(t, api.ChangeRequest{Verb: api.VerbApply, Documents: []api.Document{doc}})
	d.change(t, api.ChangeRequest{Verb: api.VerbApply, Documents: []api.Document{doc}, Set: new("other")})

	for _, set := range []string{"team", "other"} {
		exported, err := d.Export(t.Context(), "dev", &set)
		if err != nil {
			t.Fatal(err)
		}
		diff, err := d.Diff(t.Context(), "dev", api.DiffRequest{Documents: []api.Document{{Document: exported}}, Prune: true})
		if err != nil || !diff.Equal {
			t.Errorf("the export of %s differs: %+v (%v)", set, diff.Flags, err)
		}
	}
	if _, err := d.Export(t.Context(), "dev", nil); codeOf(err) != api.CodeUsage {
		t.Errorf("exporting one of two sets: error is %v, want usage", err)
	}
	changed := api.Document{Document: json.RawMessage(`{"metadata":{"flagSetId":"team"},"flags":{"f":` + strings.Replace(onOff, "ENABLED", "DISABLED", 1) + `}}`)}
	diff, err := d.Diff(t.Context(), "dev", api.DiffRequest{Documents: []api.Document{changed}})
	if err != nil || diff.Equal || len(diff.Flags) != 1 || string(diff.Flags[0].Before) != onOff || diff.Flags[0].Action != "update" {
		t.Errorf("the difference is %+v (%v), want one update", diff, err)
	}
}

func TestEvaluateAnswersTyped(t *testing.T) {
	d := open(t, admintest.New("dev"))
	d.change(t, api.ChangeRequest{Verb: api.VerbCreate, Key: "n", Definition: json.RawMessage(
		`{"state":"ENABLED","variants":{"one":1.5,"two":2},"defaultVariant":"one","targeting":{"if":[{"==":[{"var":"targetingKey"},"u"]},"two"]}}`)})
	tests := []struct {
		req                       api.EvaluateRequest
		value, variant, why, code string
	}{
		{api.EvaluateRequest{Key: "n"}, "1.5", "one", "DEFAULT", ""},
		{api.EvaluateRequest{Key: "n", Context: map[string]any{"targetingKey": "u"}}, "2", "two", "TARGETING_MATCH", ""},
		{api.EvaluateRequest{Key: "n", Type: "int"}, "1", "one", "DEFAULT", ""},
		{api.EvaluateRequest{Key: "n", Type: "float"}, "1.5", "one", "DEFAULT", ""},
		{api.EvaluateRequest{Key: "n", Type: "bool"}, "null", "", "ERROR", "TYPE_MISMATCH"},
		{api.EvaluateRequest{Key: "gone", Type: "object"}, "null", "", "ERROR", "FLAG_NOT_FOUND"},
	}
	for _, test := range tests {
		got, err := d.Evaluate(t.Context(), "dev", test.req)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Value) != test.value || text(got.Variant) != test.variant || got.Reason != test.why || text(got.ErrorCode) != test.code {
			t.Errorf("Evaluate(%+v) = %s %q %s %q, want %+v", test.req, got.Value, text(got.Variant), got.Reason, text(got.ErrorCode), test)
		}
	}
}

func TestChangeWaitsForTheFleet(t *testing.T) {
	d := open(t, admintest.New("dev"))
	d.create(t, "", "f")
	d.fleet.Note(wire.Report{Instance: "i-1", Generation: 2, State: wire.StateApplied}, time.Now())
	made := d.change(t, api.ChangeRequest{Verb: api.VerbDisable, Key: "f", Wait: 30})
	if c := made.Convergence; c == nil || !c.Complete() || c.Generation != 2 {
		t.Errorf("convergence is %+v, want it complete", c)
	}
	d.fleet.Note(wire.Report{Instance: "i-2", Generation: 2, State: wire.StateRejected, Reason: "broken"}, time.Now())
	made = d.change(t, api.ChangeRequest{Verb: api.VerbEnable, Key: "f", Wait: 0.01})
	if c := made.Convergence; c == nil || c.Complete() || c.Expected != 2 {
		t.Errorf("convergence is %+v, want it incomplete", c)
	}
	fleet, err := d.Fleet(t.Context(), "dev")
	if err != nil || len(fleet.Instances) != 2 || fleet.Instances[1].State != "rejected" || fleet.Generation != 3 {
		t.Errorf("fleet is %+v (%v), want two instances at generation 3", fleet, err)
	}
}

func TestNotReadyIsUnavailable(t *testing.T) {
	srv := httptest.NewServer(rest.Handler(rest.Config{Ready: func() error { return errors.New("NATS is away") }}))
	t.Cleanup(srv.Close)
	d := desk{url: srv.URL}
	if status, code := d.do(t, "GET", "/readyz", "", nil); status != 503 || code != api.CodeUnavailable {
		t.Errorf("/readyz answers %d %s, want 503 unavailable", status, code)
	}
	if status, _ := d.do(t, "GET", "/healthz", "", nil); status != 200 {
		t.Errorf("/healthz answers %d, want 200", status)
	}
	if status, _ := d.do(t, "GET", "/v1/environments", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }); status != 401 {
		t.Errorf("an empty token opens a server without one: %d", status)
	}
}

func TestClientSaysWhatIsWrongWithTheServer(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	other := client.New(srv.URL, "", srv.Client())
	if _, err := other.Environments(t.Context()); codeOf(err) != api.CodeUnavailable || !strings.Contains(err.Error(), "does not answer like") {
		t.Errorf("another server: error is %v, want unavailable", err)
	}
	srv.Close()
	if _, err := other.Environments(t.Context()); codeOf(err) != api.CodeUnavailable {
		t.Errorf("no server: error is %v, want unavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := other.Fleet(ctx, "dev"); codeOf(err) != api.CodeUnavailable {
		t.Errorf("no time: error is %v, want unavailable", err)
	}
}

func codeOf(err error) api.Code {
	e, _ := errors.AsType[*api.Error](err)
	if e == nil {
		return ""
	}
	return e.Code
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
