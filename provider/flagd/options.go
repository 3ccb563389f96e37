package flagd

import (
	"github.com/go-logr/logr"
	"github.com/open-feature/flagd/core/pkg/sync"
	"google.golang.org/grpc"

	"github.com/flagline/flagline/provider"
)

// A ProviderOption changes how a provider behaves.
type ProviderOption func(*ProviderConfiguration)

// WithOptions adds options of package provider, which count after all others,
// wherever WithOptions stands. It is for what the official provider does not
// have, such as certificates of clients, and has no counterpart there. Options
// that say where flags come from are refused by [NewProvider], since there
// always is such an option already.
func WithOptions(opts ...provider.Option) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.more = append(cfg.more, opts...) }
}

// FromEnv puts what the environment says over the options before it. The port
// is that of the environment only if no option gives one, wherever FromEnv
// stands.
//
// Variables that are not set change nothing. In the official provider, numbers
// and status codes go back to their defaults.
func FromEnv() ProviderOption { return (*ProviderConfiguration).readEnvironment }

// WithRPCResolver asks a server for each answer. This is the default.
func WithRPCResolver() ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Resolver = rpc }
}

// WithInProcessResolver evaluates flags in the program, and follows a server's
// sync stream for them. With [WithOfflineFilePath], it follows the file.
func WithInProcessResolver() ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Resolver = inProcess }
}

// WithFileResolver evaluates flags in the program, and follows the file of
// [WithOfflineFilePath] for them, which may also be YAML. A file that is taken
// away and comes back is followed on; in the official provider, that is the end.
func WithFileResolver() ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Resolver = file }
}

// WithOfflineFilePath names the file of flags.
func WithOfflineFilePath(path string) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.OfflineFlagSourcePath = path }
}

// WithHost names the host of the server. The default is localhost.
func WithHost(host string) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Host = host }
}

// WithPort sets the port of the server. The default is 8013, and 8015 with the
// in-process resolver; 0 stands for the default.
func WithPort(port uint16) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Port = port }
}

// WithSocketPath reaches the server by a unix socket instead of host and port.
// In the official provider it has an effect over RPC only.
func WithSocketPath(socketPath string) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.SocketPath = socketPath }
}

// WithTargetUri names the server by a gRPC target instead of a socket, or host
// and port: dns:///host:port, unix:PATH, envoy://host:port/service. In the
// official provider it has an effect in-process only, where it also knows xds,
// which is not spoken here: [NewProvider] refuses it.
//
//nolint:staticcheck // the official name
func WithTargetUri(targetUri string) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.TargetUri = targetUri }
}

// WithTLS turns TLS on. certPath is a file with the certificates of the
// authorities that vouch for the server; if it is empty, they are the system's.
func WithTLS(certPath string) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Tls, cfg.CertPath = true, certPath }
}

// WithCertificatePath is [WithTLS]. A file that cannot be used is an error of
// [NewProvider], and never a reason to do without TLS.
func WithCertificatePath(path string) ProviderOption { return WithTLS(path) }

// WithGrpcDialOptionsOverride adds to how the server is dialled; of two options
// for the same thing, the one given here counts. In the official provider these
// are all options there are, so that TLS has to be among them, and they have
// an effect in-process only.
func WithGrpcDialOptionsOverride(grpcDialOptionsOverride []grpc.DialOption) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.GrpcDialOptionsOverride = grpcDialOptionsOverride }
}

// WithOtelInterceptor makes spans and metrics of the calls to the server, with
// OpenTelemetry's global providers, or stops doing so. In the official provider
// it has an effect over RPC only. There, it is an interceptor of Connect; here
// it is gRPC's stats handler, whose spans follow the conventions for gRPC.
func WithOtelInterceptor(intercept bool) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.OtelIntercept = intercept }
}

// WithDeadline bounds, in milliseconds, how long an initialisation waits for
// flags and how long an evaluation over RPC waits for its answer. The default
// is 500.
func WithDeadline(deadlineMs int) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.DeadlineMs = deadlineMs }
}

// WithRetryBackoffMs sets the first wait, in milliseconds, before a lost stream
// is opened again; 0 and less stand for the default. In the official provider
// it has an effect in-process only.
func WithRetryBackoffMs(retryBackoffMs int) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.RetryBackoffMs = retryBackoffMs }
}

// WithRetryBackoffMaxMs sets the longest such wait, in milliseconds; 0 and less
// stand for the default.
func WithRetryBackoffMaxMs(retryBackoffMaxMs int) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.RetryBackoffMaxMs = retryBackoffMaxMs }
}

// WithRetryGracePeriod sets how many seconds a provider is STALE before it is in
// ERROR. The default is 10, and 5 in the official provider, which is never
// STALE over RPC.
func WithRetryGracePeriod(gracePeriod int) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.RetryGracePeriod = gracePeriod }
}

// WithFatalStatusCodes names gRPC status codes, such as "UNAUTHENTICATED", with
// which the first attempt fails for good: the provider is then in
// PROVIDER_FATAL. In the official provider it has an effect in-process only,
// and all providers of a program share what the last one was told. A name that
// gRPC does not know is logged and passed over.
func WithFatalStatusCodes(fatalStatusCodes []string) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.FatalStatusCodes = fatalStatusCodes }
}

// WithEventStreamConnectionMaxAttempts has no effect: a provider never gives
// up. In the official provider, an outage over RPC that outlasts so many
// attempts lasts until the program is restarted.
func WithEventStreamConnectionMaxAttempts(i int) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.EventStreamConnectionMaxAttempts = i }
}

// WithLRUCache keeps up to size answers over RPC, and forgets first what was
// not asked for the longest. A size of 0 or less leaves it as it is, 1000. Kept
// are, beside static answers, those that depend on the context alone, if the
// server is Flagline's; the reason of an answer that was kept is CACHED.
func WithLRUCache(size int) ProviderOption {
	return func(cfg *ProviderConfiguration) {
		if size > 0 {
			cfg.MaxCacheSize = size
		}
		cfg.Cache = "lru"
	}
}

// WithBasicInMemoryCache keeps up to 100,000 answers over RPC. In the official
// provider there is no bound; there is one here because answers by context are
// kept as well, and contexts have no end.
func WithBasicInMemoryCache() ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Cache = "mem" }
}

// WithoutCache keeps no answers. In the official provider, no changes of the
// configuration are told then, either; here they are.
func WithoutCache() ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Cache = "disabled" }
}

// WithSelector names the part of the server's flags to use.
func WithSelector(selector string) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.Selector = selector }
}

// WithProviderID tells the server of a sync stream who asks.
func WithProviderID(providerID string) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.ProviderId = providerID }
}

// WithCustomSyncProvider makes the in-process resolver follow
// customSyncProvider instead of a server. It is [WithCustomSyncProviderAndUri]
// with the URI "syncprovider://custom".
func WithCustomSyncProvider(customSyncProvider sync.ISync) ProviderOption {
	return WithCustomSyncProviderAndUri(customSyncProvider, "syncprovider://custom")
}

// WithCustomSyncProviderAndUri makes the in-process resolver follow
// customSyncProvider instead of a server; the URI names it for people. If it
// has a method Shutdown() error, that is called when the provider shuts down.
//
// An Init or Sync that returns an error is called again after a while; in the
// official provider, that is the end. A sync context is not looked at.
//
//nolint:staticcheck // the official name
func WithCustomSyncProviderAndUri(customSyncProvider sync.ISync, customSyncProviderUri string) ProviderOption {
	return func(cfg *ProviderConfiguration) {
		cfg.CustomSyncProvider, cfg.CustomSyncProviderUri = customSyncProvider, customSyncProviderUri
	}
}

// WithLogger makes the provider log to l: errors, warnings at level 0, what
// changes its state at level 1, the rest at level 2. It never logs an
// evaluation. The default is errors only, to the standard error. In the
// official provider, the in-process resolver logs to the standard error whatever
// is set here.
func WithLogger(l logr.Logger) ProviderOption {
	return func(cfg *ProviderConfiguration) { cfg.log = &l }
}
