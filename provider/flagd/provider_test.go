package flagd_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/flagline/flagline/internal/link"
	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/flagd"
	"github.com/flagline/flagline/sidecar"
)

func TestServerIsFoundByHostAndPort(t *testing.T) {
	s := serve(t, sidecar.Door{}, sidecar.Door{})
	for _, r := range s.resolvers() {
		t.Run(r.name, func(t *testing.T) {
			answers(t, "red", r.option, flagd.WithHost("127.0.0.1"), flagd.WithPort(portOf(t, r.addr)))
		})
	}
}

func TestServerIsFoundBySocketAndTargetInBothResolvers(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, sidecar.Door{Address: "unix:" + filepath.Join(dir, "e")}, sidecar.Door{Address: "unix:" + filepath.Join(dir, "s")})
	for _, r := range s.resolvers() {
		t.Run(r.name, func(t *testing.T) {
			answers(t, "red", r.option, flagd.WithSocketPath(strings.TrimPrefix(r.addr, "unix:")), flagd.WithHost("nowhere.invalid"))
			answers(t, "red", r.option, flagd.WithTargetUri(r.addr), flagd.WithSocketPath("/there/is/none"))
		})
	}
}

func TestServerIsFoundByTheEnvironment(t *testing.T) {
	s := serve(t, sidecar.Door{}, sidecar.Door{})
	t.Setenv("FLAGD_HOST", "127.0.0.1")
	t.Setenv("FLAGD_PORT", "tcp://10.0.0.1:8013") // as Kubernetes has it
	t.Setenv("FLAGLINE_PORT", s.Evaluation[strings.LastIndex(s.Evaluation, ":")+1:])
	t.Setenv("FLAGD_SYNC_PORT", s.Sync[strings.LastIndex(s.Sync, ":")+1:])
	for _, resolver := range []string{"RPC", "in-process"} {
		t.Run(resolver, func(t *testing.T) {
			t.Setenv("FLAGD_RESOLVER", resolver)
			answers(t, "red")
		})
	}
}

func TestTLSIsSpokenInBothResolvers(t *testing.T) {
	cert, key := identity(t)
	door := sidecar.Door{Address: "localhost:0", CertFile: cert, KeyFile: key, ClientCAFile: cert}
	s := serve(t, door, door)
	t.Setenv("FLAGLINE_CLIENT_CERT_PATH", cert) // which the official provider does not have
	t.Setenv("FLAGLINE_CLIENT_KEY_PATH", key)
	for _, r := range s.resolvers() {
		t.Run(r.name, func(t *testing.T) {
			answers(t, "red", r.option, flagd.WithTLS(cert), flagd.WithPort(portOf(t, r.addr)))
			answers(t, "red", r.option, flagd.WithCertificatePath(cert), flagd.WithPort(portOf(t, r.addr)))
			t.Setenv("FLAGD_SERVER_CERT_PATH", cert)
			answers(t, "red", r.option, flagd.WithPort(portOf(t, r.addr)))
		})
	}
}

func TestCertificateThatCannotBeReadIsNoReasonToDoWithout(t *testing.T) {
	if _, err := flagd.NewProvider(flagd.WithTLS("/there/is/none.pem")); err == nil {
		t.Error("NewProvider returned no error")
	}
}

func TestFileIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	for name, options := range map[string][]flagd.ProviderOption{
		"file":                 {flagd.WithFileResolver(), flagd.WithOfflineFilePath(path)},
		"in-process with path": {flagd.WithInProcessResolver(), flagd.WithOfflineFilePath(path)},
		"path in-process":      {flagd.WithOfflineFilePath(path), flagd.WithInProcessResolver()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FLAGD_OFFLINE_POLL_MS", "10")
			write(t, path, flags("red"))
			client := answers(t, "red", options...)
			write(t, path, flags("blue"))
			awaitColor(t, client, "blue")
		})
	}
}

func TestChangeIsToldEvenWithoutACache(t *testing.T) {
	s := serve(t, sidecar.Door{}, sidecar.Door{})
	for name, cache := range map[string]flagd.ProviderOption{
		"without": flagd.WithoutCache(), "lru": flagd.WithLRUCache(1), "mem": flagd.WithBasicInMemoryCache(),
	} {
		t.Run(name, func(t *testing.T) {
			write(t, s.path, flags("red"))
			client := answers(t, "red", flagd.WithHost("127.0.0.1"), flagd.WithPort(portOf(t, s.Evaluation)), cache)
			changed := new(journal)
			note := func(d openfeature.EventDetails) { changed.add(strings.Join(d.FlagChanges, ",")) }
			client.AddHandler(openfeature.ProviderConfigChange, &note)
			write(t, s.path, flags("blue"))
			eventually(t, "the change of color is told", func() bool { return slices.Contains(changed.all(), "color") })
			awaitColor(t, client, "blue")
		})
	}
}

func TestStaticAnswersAreCachedUnlessThatIsTurnedOff(t *testing.T) {
	s := serve(t, sidecar.Door{}, sidecar.Door{})
	at := []flagd.ProviderOption{flagd.WithHost("127.0.0.1"), flagd.WithPort(portOf(t, s.Evaluation))}
	client := answers(t, "red", at...)
	eventually(t, "the answer is a cached one", func() bool {
		d, err := client.StringValueDetails(t.Context(), "color", "none", openfeature.EvaluationContext{})
		return err == nil && d.Reason == openfeature.CachedReason
	})
	t.Setenv("FLAGD_CACHE", "disabled")
	client = answers(t, "red", at...)
	for range 3 {
		d, err := client.StringValueDetails(t.Context(), "color", "none", openfeature.EvaluationContext{})
		if err != nil || d.Reason != openfeature.StaticReason {
			t.Errorf("without a cache the answer is %v for the reason %s (%v)", d.Value, d.Reason, err)
		}
	}
}

func TestServerThatComesLaterIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	p := newProvider(t, flagd.WithSocketPath(path), flagd.WithDeadline(50), flagd.WithRetryBackoffMs(10))
	client, err := bind(t, p)
	if err == nil {
		t.Fatal("the provider is ready without a server")
	}
	serve(t, sidecar.Door{Address: "unix:" + path}, sidecar.Door{})
	eventually(t, "the provider is ready", func() bool { return client.State() == openfeature.ReadyState })
}

// A server that knows nothing answers UNIMPLEMENTED.
func TestFatalStatusCodesEndAnInitialisationInBothResolvers(t *testing.T) {
	at := serveGRPC(t)
	for _, r := range (server{}).resolvers() {
		t.Run(r.name, func(t *testing.T) {
			p := newProvider(t, r.option, flagd.WithHost("127.0.0.1"), flagd.WithPort(portOf(t, at)),
				flagd.WithFatalStatusCodes([]string{"NO_SUCH_CODE", "unimplemented"}), flagd.WithLogger(discard))
			_, err := bind(t, p)
			fatal, ok := errors.AsType[*openfeature.ProviderInitError](err)
			if !ok || fatal.ErrorCode != openfeature.ProviderFatalCode {
				t.Errorf("the initialisation ends with %v, want PROVIDER_FATAL", err)
			}
		})
	}
}

func TestLostServerMakesTheProviderStaleAndAfterTheGracePeriodAnError(t *testing.T) {
	s := serve(t, sidecar.Door{}, sidecar.Door{})
	for _, r := range s.resolvers() {
		for seconds, want := range map[int]openfeature.State{3600: openfeature.StaleState, 0: openfeature.ErrorState} {
			t.Run(r.name+" "+string(want), func(t *testing.T) {
				wire := link.New(t, r.addr)
				client := answers(t, "red", r.option, flagd.WithHost("127.0.0.1"), flagd.WithPort(portOf(t, wire.Address())),
					flagd.WithRetryGracePeriod(seconds), flagd.WithRetryBackoffMs(5), flagd.WithRetryBackoffMaxMs(10),
					flagd.WithEventStreamConnectionMaxAttempts(1))
				wire.Cut()
				eventually(t, "the provider is "+string(want), func() bool { return client.State() == want })
				wire.Restore()
				eventually(t, "the provider is ready", func() bool { return client.State() == openfeature.ReadyState })
			})
		}
	}
}

func TestSelectorNarrowsTheFlagsInBothResolvers(t *testing.T) {
	s := serve(t, sidecar.Door{}, sidecar.Door{})
	write(t, s.path, strings.Replace(flags("red"), `"state"`, `"metadata": {"flagSetId": "paint"}, "state"`, 1))
	for _, r := range s.resolvers() {
		t.Run(r.name, func(t *testing.T) {
			at := []flagd.ProviderOption{r.option, flagd.WithHost("127.0.0.1"), flagd.WithPort(portOf(t, r.addr))}
			answers(t, "red", append(at, flagd.WithSelector("flagSetId=paint"))...)
			answers(t, "none", append(at, flagd.WithSelector("flagSetId=wood"))...)
		})
	}
}

// The server cannot do what it is asked for, and so sees all of what it is asked.
func TestServerOfASyncStreamIsToldWhoAsks(t *testing.T) {
	asked := make(chan string, 1)
	at := serveGRPC(t, grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		var request emptypb.Empty
		err := stream.RecvMsg(&request)
		select {
		case asked <- string(request.ProtoReflect().GetUnknown()):
		default: // the first is enough
		}
		return errors.Join(err, errors.New("there are no flags"))
	}))
	p := newProvider(t, flagd.WithInProcessResolver(), flagd.WithTargetUri("dns:///"+at), flagd.WithProviderID("shop-7"), flagd.WithDeadline(1))
	if _, err := bind(t, p); err == nil {
		t.Error("the provider is ready without flags")
	}
	if got := <-asked; !strings.Contains(got, "shop-7") {
		t.Errorf("the server is asked %q, want shop-7 in it", got)
	}
}

// serveGRPC runs a gRPC server without services and returns its address.
func serveGRPC(t *testing.T, options ...grpc.ServerOption) (addr string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g, done := grpc.NewServer(options...), make(chan error)
	go func() { done <- g.Serve(listener) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func TestDialOptionsAddToHowTheServerIsReached(t *testing.T) {
	s := serve(t, sidecar.Door{}, sidecar.Door{})
	for _, r := range s.resolvers() {
		t.Run(r.name, func(t *testing.T) {
			dial := grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", r.addr)
			})
			answers(t, "red", r.option, flagd.WithTargetUri("unix:/there/is/none"), flagd.WithGrpcDialOptionsOverride([]grpc.DialOption{dial}))
		})
	}
}

func TestCallsAreTracedIfAskedFor(t *testing.T) {
	s := serve(t, sidecar.Door{}, sidecar.Door{})
	spans := tracetest.NewInMemoryExporter()
	tracing := trace.NewTracerProvider(trace.WithSyncer(spans))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(tracing)
	t.Cleanup(func() {
		otel.SetTracerProvider(before)
		if err := tracing.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	at := []flagd.ProviderOption{flagd.WithoutCache(), flagd.WithHost("127.0.0.1"), flagd.WithPort(portOf(t, s.Evaluation))}
	answers(t, "red", append(at, flagd.WithOtelInterceptor(false))...)
	if got := spans.GetSpans(); len(got) > 0 {
		t.Errorf("%d spans were made unasked, such as %s", len(got), got[0].Name)
	}
	answers(t, "red", append(at, flagd.WithOtelInterceptor(true))...)
	if !slices.ContainsFunc(spans.GetSpans(), func(s tracetest.SpanStub) bool { return strings.Contains(s.Name, "ResolveString") }) {
		t.Errorf("no span of an evaluation is among the %d that were made", len(spans.GetSpans()))
	}
}

func TestOptionsOfPackageProviderCountLast(t *testing.T) {
	p := newProvider(t, flagd.WithOptions(provider.WithName("mine")), flagd.WithHost("nowhere.invalid"))
	if got := p.Metadata().Name; got != "mine" {
		t.Errorf("the provider is called %q, want mine", got)
	}
	if got := newProvider(t).Metadata().Name; got != "flagd" {
		t.Errorf("the provider is called %q, want flagd", got)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for want, options := range map[string][]flagd.ProviderOption{
		"use WithOfflineFilePath or set FLAGD_OFFLINE_FLAG_SOURCE_PATH": {flagd.WithFileResolver()},
		`resolver "wasm": there are rpc, in-process and file`:           {func(cfg *flagd.ProviderConfiguration) { cfg.Resolver = "wasm" }},
		"deadline 0s": {flagd.WithDeadline(0)},
		"stale after": {flagd.WithOptions(provider.WithStaleAfter(-time.Second))},
		"xds":         {flagd.WithInProcessResolver(), flagd.WithTargetUri("xds:///flagd")},
	} {
		p, err := flagd.NewProvider(options...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewProvider returned %v, want an error with %q", err, want)
		}
		if p != nil {
			t.Errorf("NewProvider returned a provider beside the error %v", err)
		}
	}
}
