package syncstream_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/internal/link"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
	"github.com/flagline/flagline/source/syncstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	one = `{"flags":{"a":{"n":1}}}`
	two = `{"flags":{"a":{"n":2}}}`
)

func TestNameIsTheOneThatFlagdHas(t *testing.T) {
	for uri, want := range map[string]string{
		"grpc://h:8015":              "h:8015",
		"grpcs://h:8015":             "h:8015",
		"h:8015":                     "h:8015",
		"grpc:8015":                  "grpc:8015",
		"[::1]:8015":                 "[::1]:8015",
		"grpc://h":                   "h",
		"dns:h:8015":                 "dns:h:8015",
		"dns:///h:8015":              "dns:///h:8015",
		"unix:/run/flags.sock":       "unix:/run/flags.sock",
		"uds:///run/flags.sock":      "uds:///run/flags.sock",
		"envoy://proxy:9211/flags.x": "envoy://proxy:9211/flags.x",
	} {
		if got := open(t, syncstream.Config{URI: uri}).Name(); got != want {
			t.Errorf("the source of %s is named %q, want %q", uri, got, want)
		}
	}
	if got := open(t, syncstream.Config{URI: "h:1", Name: "second"}).Name(); got != "second" {
		t.Errorf("Name() = %q, want second", got)
	}
}

func TestWhatMakesNoSenseIsRefusedAndNoSecretRepeated(t *testing.T) {
	for want, cfg := range map[string]syncstream.Config{
		"HOST:PORT":                    {URI: ""},
		"which is HOST:PORT":           {URI: "grpc://h:1/hunter2"},
		"credentials":                  {URI: "grpc://me:hunter2@h:1"},
		"name the server itself":       {URI: "xds:///hunter2"},
		"ftp:// is no address":         {URI: "ftp://hunter2"},
		"envoy://HOST:PORT/SERVICE":    {URI: "envoy://h:1/a/hunter2"},
		"is envoy://HOST:PORT/SERVICE": {URI: "envoy://h/hunter2"},
		"h:1: the longest message":     {URI: "h:1", MaxMessage: -1},
		"TLS is not asked for":         {URI: "h:1", CAFile: "x.pem"},
		"no such file":                 {URI: "grpcs://h:1", CAFile: t.TempDir() + "/gone.pem"},
		"there is no certificate":      {URI: "h:1", TLS: true, CAFile: "syncstream_test.go"},
		`"x key" is not a name`:        {URI: "h:1", Headers: map[string]string{"X Key": "hunter2"}},
		`"grpc-x" is not a name`:       {URI: "h:1", Headers: map[string]string{"grpc-x": "hunter2"}},
		`the metadata "authorization"`: {URI: "h:1", AuthHeader: "Bearer hunter2\n"},
		`the metadata "x-key" are not`: {URI: "h:1", Headers: map[string]string{"X-Key": "hunter2é"}},
	} {
		_, err := syncstream.New(cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("New(%+v) = %v, want an error that says %q and no secret", cfg, err, want)
		}
	}
}

func TestQuestionSaysWhoAsksAndForWhat(t *testing.T) {
	s := serve(t)
	s.send(one)
	r := watch(t, syncstream.Config{
		URI: s.address, Selector: "flagSetId=shop", ProviderID: "cart",
		AuthHeader: "Bearer hunter2", Headers: map[string]string{"X-Team": "blue"},
	})
	awaitFlag(t, r, "1")
	q := s.questions()[0]
	if got := selectorIn(q); got != "flagSetId=shop" || q.GetProviderId() != "cart" {
		t.Errorf("the request is %v", q.SyncFlagsRequest)
	}
	for name, want := range map[string]string{
		"flagd-selector": "flagSetId=shop", "authorization": "Bearer hunter2", "x-team": "blue",
	} {
		if got := strings.Join(q.metadata[name], "|"); got != want {
			t.Errorf("the metadata %s are %q, want %q", name, got, want)
		}
	}
}

func TestSelectorThatMetadataCannotCarryIsInTheRequest(t *testing.T) {
	s := serve(t)
	s.send(one)
	r := watch(t, syncstream.Config{URI: s.address, Selector: "flagSetId=läden"})
	awaitFlag(t, r, "1")
	q := s.questions()[0]
	if got := selectorIn(q); got != "flagSetId=läden" || q.metadata["flagd-selector"] != nil {
		t.Errorf("the selectors are %q and %q", got, q.metadata["flagd-selector"])
	}
}

func TestEveryMessageIsAllThereIs(t *testing.T) {
	s := serve(t)
	s.send(`{"flags":{"a":{"n":1},"b":{"metadata":{"flagSetId":"shop"}}}}`)
	r := watch(t, syncstream.Config{URI: s.address})
	state := awaitFlag(t, r, "1")
	if got := state.Records[sourcetest.ID{Set: "shop", Key: "b"}]; got == "" {
		t.Errorf("the flag of another set is missing in %v", state.Records)
	}
	s.send(two)
	state = awaitFlag(t, r, "2")
	if len(state.Records) != 1 || !state.Updates[1].Replace || state.Updates[1].Version.Generation != 2 {
		t.Errorf("the second message led to %v by %+v", state.Records, state.Updates[1])
	}
}

func TestBadMessageKeepsTheLastGoodFlags(t *testing.T) {
	s := serve(t)
	s.send(one)
	r := watch(t, syncstream.Config{URI: "grpc://" + s.address, MaxMessage: 1000})
	awaitFlag(t, r, "1")
	for text, want := range map[string]string{
		`{"flags":{"a":{`: s.address + ": line 1, column 15: not JSON",
		`{}`:              s.address + `: the document has no member "flags"`,
	} {
		s.send(text)
		if state := awaitErr(t, r, want); !state.Status.Connected || len(state.Updates) != 1 {
			t.Errorf("%q: connected %v after %d updates", text, state.Status.Connected, len(state.Updates))
		}
	}
	s.send(one + strings.Repeat(" ", 1000))
	if state := awaitErr(t, r, "longer than the 1000 bytes"); state.Status.Connected || len(state.Updates) != 1 {
		t.Errorf("too long a message: connected %v after %d updates", state.Status.Connected, len(state.Updates))
	}
	s.send(two)
	awaitFlag(t, r, "2")
}

func TestLongMessagesAreTakenAndMayBeCompressed(t *testing.T) {
	compress := grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		if err := grpc.SetSendCompressor(stream.Context(), "gzip"); err != nil {
			return err
		}
		return handler(srv, stream)
	})
	s := serve(t, compress)
	s.send(`{"flags":{"a":{"n":1},"b":{"n":"` + strings.Repeat("x", 6<<20) + `"}}}`)
	awaitFlag(t, watch(t, syncstream.Config{URI: s.address}), "1")
}

func TestServersOverTLSAndSocketsAndBehindProxiesAreReached(t *testing.T) {
	web := httptest.NewTLSServer(nil) // has a certificate for example.com and 127.0.0.1
	t.Cleanup(web.Close)
	cert := web.TLS.Certificates[0]
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	secure := serve(t, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}})))
	socket := filepath.Join(t.TempDir(), "s")
	local := serveAt(t, "unix", socket)
	plain := serve(t)
	for _, test := range []struct {
		server    *server
		cfg       syncstream.Config
		authority string
	}{
		{secure, syncstream.Config{URI: "grpcs://" + secure.address, CAFile: ca}, secure.address},
		{secure, syncstream.Config{URI: secure.address, TLS: true, CAFile: ca}, secure.address},
		{secure, syncstream.Config{URI: "envoy://" + secure.address + "/example.com", TLS: true, CAFile: ca}, "example.com"},
		{local, syncstream.Config{URI: "unix:" + socket}, "localhost"},
		{local, syncstream.Config{URI: "uds:" + socket}, "localhost"},
		{local, syncstream.Config{URI: "uds://" + socket}, "localhost"},
		{plain, syncstream.Config{URI: "dns:" + plain.address}, plain.address},
		{plain, syncstream.Config{URI: "dns:///" + plain.address}, plain.address},
		{plain, syncstream.Config{URI: "envoy://" + plain.address + "/flags.shop"}, "flags.shop"},
	} {
		test.server.send(one)
		awaitFlag(t, watch(t, test.cfg), "1")
		asked := test.server.questions()
		if got := asked[len(asked)-1].metadata[":authority"]; len(got) != 1 || got[0] != test.authority {
			t.Errorf("%s asks for %q, want %s", test.cfg.URI, got, test.authority)
		}
	}
	awaitErr(t, watch(t, syncstream.Config{URI: "grpcs://" + secure.address}), "certificate")
}

func TestOrdinaryEndOfAStreamIsNoTrouble(t *testing.T) {
	for name, end := range map[string]error{
		"the server is done":          nil,
		"streams have a longest life": status.Error(codes.DeadlineExceeded, "the stream is old"),
		"the client asked for a sign of life too often": status.Error(codes.Unavailable,
			`received prior goaway: code: ENHANCE_YOUR_CALM, debug data: "too_many_pings"`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // streams are opened a second apart
			s := serve(t)
			s.send(one)
			s.endWith(end)
			r := untroubled{new(sourcetest.Recorder), t}
			watchInto(t, syncstream.Config{URI: s.address}, r)
			seen := r.Await(t, "a third stream", func(sourcetest.State) bool { return len(s.questions()) > 2 })
			if len(seen.Updates) != 1 {
				t.Errorf("there were %d updates, want 1", len(seen.Updates))
			}
		})
	}
}

// An untroubled sink wants to hear of no trouble.
type untroubled struct {
	*sourcetest.Recorder

	t *testing.T
}

func (u untroubled) Report(st source.Status) {
	u.Recorder.Report(st)
	if !st.Connected || st.Err != nil {
		u.t.Errorf("the source reports %+v", st)
	}
}

func TestTroubleIsReportedInTheServersWords(t *testing.T) {
	s := serve(t)
	s.send(one)
	r := watch(t, syncstream.Config{URI: s.address})
	awaitFlag(t, r, "1")
	s.endWith(status.Error(codes.PermissionDenied, "not for you"))
	if state := awaitErr(t, r, s.address+": PermissionDenied: not for you"); state.Status.Connected || len(state.Records) != 1 {
		t.Errorf("connected %v with %d records", state.Status.Connected, len(state.Records))
	}
	s.endWith(errors.New("odd"))
	awaitErr(t, r, "odd")

	other := serveNothing(t)
	awaitErr(t, watch(t, syncstream.Config{URI: other}), "its sync port")
}

func TestConnectionThatIsLostWithoutAWordIsNoticed(t *testing.T) {
	t.Parallel() // it waits for a sign of life
	s := serve(t)
	s.send(one)
	link := link.New(t, s.address)
	r := watch(t, syncstream.Config{URI: link.Address()})
	before := awaitFlag(t, r, "1")
	link.Freeze()
	state := r.Await(t, "a report that the server is lost", func(s sourcetest.State) bool { return !s.Status.Connected && s.Status.Err != nil })
	if silent := state.Status.Confirmed.Sub(before.Updates[0].Version.Time); silent > 5*time.Second {
		t.Errorf("flags count as confirmed %v after the last sign of life", silent)
	}
	link.Thaw()
	s.send(two)
	awaitFlag(t, r, "2")
}
