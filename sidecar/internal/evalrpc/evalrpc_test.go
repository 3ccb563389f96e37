package evalrpc_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v1/evaluationv1connect"
	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	"connectrpc.com/connect"
	"google.golang.org/grpc"

	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/evalrpc"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/scope"
	"github.com/flagline/flagline/sidecar/internal/split"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// serve answers from s, in all its protocols on one port, until the test ends,
// and returns the address.
func serve(t *testing.T, s *evalrpc.Service) string {
	t.Helper()
	if s.KeepAlive == 0 {
		s.KeepAlive = time.Hour
	}
	if s.Counts == nil {
		s.Counts = tally.New()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := split.New(listener, time.Minute, time.Minute)
	procedures, server := s.Procedures(), grpc.NewServer(grpc.ForceServerCodecV2(rpc.Codec()))
	procedures.Register(server)
	mux := http.NewServeMux()
	procedures.Handle(mux, connect.WithReadMaxBytes(1000))
	web := &http.Server{Handler: mux, Protocols: new(http.Protocols)}
	web.Protocols.SetHTTP1(true)
	web.Protocols.SetUnencryptedHTTP2(true)
	var servers sync.WaitGroup
	servers.Go(func() { _ = port.Serve() })
	servers.Go(func() { _ = server.Serve(port.GRPC()) })
	servers.Go(func() { _ = web.Serve(port.HTTP()) })
	t.Cleanup(func() {
		_ = port.Close()
		_ = web.Close()
		server.Stop()
		servers.Wait()
	})
	return "http://" + listener.Addr().String()
}

// A protocol is one way to speak to the service.
type protocol struct {
	name    string
	http2   bool
	options []connect.ClientOption
}

func protocols() []protocol {
	return []protocol{
		{name: "connect"},
		{name: "connect json", options: []connect.ClientOption{connect.WithProtoJSON()}},
		{name: "grpc", http2: true, options: []connect.ClientOption{connect.WithGRPC()}},
		{name: "grpc through a proxy", http2: true, options: []connect.ClientOption{
			connect.WithGRPC(), connect.WithInterceptors(proxy{}),
		}},
		{name: "connect over HTTP/2", http2: true},
		{name: "grpc-web", options: []connect.ClientOption{connect.WithGRPCWeb()}},
	}
}

// A proxy adds what proxies add to requests, which are then not grpc-go's.
type proxy struct{}

func (proxy) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		req.Header().Set("X-Forwarded-For", "10.0.0.1")
		return next(ctx, req)
	}
}

func (proxy) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("X-Forwarded-For", "10.0.0.1")
		return conn
	}
}

func (proxy) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (p protocol) client(t *testing.T) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!p.http2)
	transport.Protocols.SetUnencryptedHTTP2(p.http2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// A reply is what both versions and all types say, with nil for no value.
type reply struct {
	value   any
	variant string
	reason  string
	code    connect.Code
}

// A doubt is what both versions and all types are asked.
type doubt struct {
	kind, key string
	context   map[string]any
}

func TestAnswersAreThoseOfFlagd(t *testing.T) {
	const none = connect.Code(0)
	tests := []struct {
		name   string
		asked  doubt
		v1, v2 reply
	}{
		{"boolean", doubt{kind: "bool", key: "bool"}, reply{true, "on", "STATIC", none}, reply{true, "on", "STATIC", none}},
		{"string", doubt{kind: "text", key: "text"}, reply{"hello", "hi", "STATIC", none}, reply{"hello", "hi", "STATIC", none}},
		{"float", doubt{kind: "float", key: "float"}, reply{1.5, "half", "STATIC", none}, reply{1.5, "half", "STATIC", none}},
		{"int", doubt{kind: "int", key: "int"}, reply{int64(1), "one", "STATIC", none}, reply{int64(1), "one", "STATIC", none}},
		{"int truncates", doubt{kind: "int", key: "float"}, reply{int64(1), "half", "STATIC", none}, reply{int64(1), "half", "STATIC", none}},
		{"float of a whole number", doubt{kind: "float", key: "int"}, reply{1.0, "one", "STATIC", none}, reply{1.0, "one", "STATIC", none}},
		{
			"object",
			doubt{kind: "object", key: "object"},
			reply{map[string]any{"a": []any{1.0, "x", nil}}, "o", "STATIC", none},
			reply{map[string]any{"a": []any{1.0, "x", nil}}, "o", "STATIC", none},
		},
		{
			"targeting match",
			doubt{"bool", "by-email", map[string]any{"email": "a@example.com"}},
			reply{true, "yes", "TARGETING_MATCH", none},
			reply{true, "yes", "TARGETING_MATCH", none},
		},
		{"null targeting", doubt{kind: "bool", key: "null"}, reply{true, "on", "DEFAULT", none}, reply{true, "on", "DEFAULT", none}},
		{"disabled", doubt{kind: "bool", key: "off"}, reply{false, "", "DISABLED", none}, reply{nil, "", "DISABLED", none}},
		{
			"disabled object",
			doubt{kind: "object", key: "off"},
			reply{map[string]any{}, "", "DISABLED", none},
			reply{nil, "", "DISABLED", none},
		},
		{"no default", doubt{kind: "bool", key: "by-email"}, reply{code: connect.CodeNotFound}, reply{nil, "", "DEFAULT", none}},
		{"not there", doubt{kind: "bool", key: "gone"}, reply{code: connect.CodeNotFound}, reply{code: connect.CodeNotFound}},
		{"wrong type", doubt{kind: "bool", key: "text"}, reply{code: connect.CodeInvalidArgument}, reply{code: connect.CodeInvalidArgument}},
		{"array", doubt{kind: "object", key: "array"}, reply{code: connect.CodeInvalidArgument}, reply{code: connect.CodeInvalidArgument}},
		{"unknown variant", doubt{kind: "bool", key: "stranger"}, reply{code: connect.CodeUnknown}, reply{code: connect.CodeUnknown}},
	}
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, &evalrpc.Service{Store: st})
	for _, p := range protocols() {
		v1 := evaluationv1connect.NewServiceClient(p.client(t), address, p.options...)
		v2 := evaluationv2connect.NewServiceClient(p.client(t), address, p.options...)
		for _, test := range tests {
			t.Run(p.name+"/"+test.name, func(t *testing.T) {
				if got := askV1(t, v1, test.asked); !reflect.DeepEqual(got, test.v1) {
					t.Errorf("v1 answers %+v, want %+v", got, test.v1)
				}
				if got := askV2(t, v2, test.asked); !reflect.DeepEqual(got, test.v2) {
					t.Errorf("v2 answers %+v, want %+v", got, test.v2)
				}
			})
		}
	}
}

// post asks over Connect's JSON as curl would.
func post(t *testing.T, address, method, body string, header ...string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
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
	var answer map[string]any
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatalf("%s answers %q, which is not JSON", method, data)
	}
	return resp.StatusCode, answer
}

func TestErrorsOverJSONAreThoseOfFlagd(t *testing.T) {
	broken := strings.Replace(flagtest.Document, `"targeting": "gone"`, `"targeting": {"plus": [1, 2]}`, 1)
	st, _ := flagtest.Store(t, broken)
	address := serve(t, &evalrpc.Service{Store: st})
	const boolean = "/flagd.evaluation.v2.Service/ResolveBoolean"
	tests := []struct {
		name, body, selector string
		status               int
		code, message        string
	}{
		{"not there", `{"flagKey":"gone"}`, "", 404, "not_found", "Flag not found"},
		{"wrong type", `{"flagKey":"text"}`, "", 400, "invalid_argument", "Type mismatch error"},
		{"not compiled", `{"flagKey":"stranger"}`, "", 500, "data_loss", "Error parsing input or configuration"},
		{"not JSON", `{`, "", 400, "invalid_argument", ""},
		{"unknown selector", `{"flagKey":"bool"}`, "owner=me", 400, "invalid_argument", ""},
		{"other set", `{"flagKey":"bool"}`, "flagSetId=other", 404, "not_found", "Flag not found"},
		{"too large", `{"flagKey":"` + strings.Repeat("x", 1000) + `"}`, "", 429, "resource_exhausted", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, answer := post(t, address, boolean, test.body, scope.Header, test.selector)
			if status != test.status || answer["code"] != test.code {
				t.Errorf("answers %d %v, want %d %s", status, answer, test.status, test.code)
			}
			if test.message != "" && answer["message"] != test.message {
				t.Errorf("message is %q, want %q", answer["message"], test.message)
			}
		})
	}
}

func TestJSONHoldsZeroValuesAndIgnoresUnknownFields(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, &evalrpc.Service{Store: st})

	_, answer := post(t, address, "/flagd.evaluation.v1.Service/ResolveInt", `{"flagKey":"off","novel":1}`)
	want := map[string]any{
		"value": "0", "variant": "", "reason": "DISABLED", "metadata": map[string]any{"flagSetId": "shop"},
	}
	if !reflect.DeepEqual(answer, want) {
		t.Errorf("v1 answers %v, want %v", answer, want)
	}

	_, answer = post(t, address, "/flagd.evaluation.v2.Service/ResolveInt", `{"flagKey":"off"}`)
	delete(want, "value")
	delete(want, "variant")
	if !reflect.DeepEqual(answer, want) {
		t.Errorf("v2 answers %v, want %v", answer, want)
	}
}

func TestMetadataOfFlagAndSetTravels(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, &evalrpc.Service{Store: st})
	_, answer := post(t, address, "/flagd.evaluation.v2.Service/ResolveBoolean", `{"flagKey":"bool"}`)
	want := map[string]any{"flagSetId": "shop", "owner": "team-a"}
	if !reflect.DeepEqual(answer["metadata"], want) {
		t.Errorf("metadata is %v, want %v", answer["metadata"], want)
	}
}

func TestHeaderBeatsStaticBeatsRequestInRules(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	const method = "/flagd.evaluation.v2.Service/ResolveString"
	const body = `{"flagKey":"region","context":{"region":"us"}}`
	static := serve(t, &evalrpc.Service{Store: st, Rules: enrich.Rules{Static: map[string]any{"region": "eu"}}})
	if _, answer := post(t, static, method, body); answer["value"] != "eu" {
		t.Errorf("with a static region the answer is %v, want eu", answer)
	}
	mapped := serve(t, &evalrpc.Service{Store: st, Rules: enrich.Rules{
		Static: map[string]any{"region": "us"}, Headers: map[string]string{"X-Region": "region"},
	}})
	if _, answer := post(t, mapped, method, body, "x-region", "eu"); answer["value"] != "eu" {
		t.Errorf("with a region in a header the answer is %v, want eu", answer)
	}
}

func TestResolveAllSkipsWhatVersion1CannotCarry(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, &evalrpc.Service{Store: st})
	_, answer := post(t, address, "/flagd.evaluation.v1.Service/ResolveAll", `{}`)
	flags, _ := answer["flags"].(map[string]any)
	for _, key := range []string{"array", "by-email"} {
		if flag, ok := flags[key]; ok {
			t.Errorf("ResolveAll lists %s as %v, want it left out", key, flag)
		}
	}
	for key, want := range map[string]string{
		"bool": "STATIC", "object": "STATIC", "null": "DEFAULT", "off": "DISABLED", "stranger": "ERROR",
	} {
		flag, _ := flags[key].(map[string]any)
		if flag["reason"] != want {
			t.Errorf("ResolveAll lists %s as %v, want reason %s", key, flag, want)
		}
	}
	if len(flags) != 9 {
		t.Errorf("ResolveAll lists %d flags, want 9", len(flags))
	}
}

func TestResolveAllTellsTheSelectorBack(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, &evalrpc.Service{Store: st})
	_, answer := post(t, address, "/flagd.evaluation.v1.Service/ResolveAll", `{}`, scope.Header, "source="+flagtest.Source)
	if want := map[string]any{"source": flagtest.Source}; !reflect.DeepEqual(answer["metadata"], want) {
		t.Errorf("metadata is %v, want %v", answer["metadata"], want)
	}
}
