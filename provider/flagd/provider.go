package flagd

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/internal/environ"
)

// name is what dashboards and hooks know the official provider by.
const name = "flagd"

// A Provider answers flag evaluations of the OpenFeature SDK.
type Provider struct{ *provider.Provider }

// NewProvider returns a provider that is ready to be set. The environment counts
// before the defaults, and opts, in their order, before the environment. An
// error names every option that makes no sense; a variable that makes none is
// logged and passed over.
func NewProvider(opts ...ProviderOption) (*Provider, error) {
	cfg, err := NewProviderConfiguration(opts)
	if err != nil {
		return nil, err
	}
	log := slog.New(handler(cfg.log))
	for _, mistake := range each(cfg.mistakes) {
		log.Error("pass over a variable of the environment", "err", mistake)
	}
	if cfg.EventStreamConnectionMaxAttempts != defaultMaxAttempts {
		log.Debug("retry for ever, and not only as often as is set")
	}
	options, err := cfg.options(log)
	if err != nil {
		return nil, err
	}
	p, err := provider.New(options...)
	if err != nil {
		return nil, err
	}
	return &Provider{p}, nil
}

// options returns cfg in the words of package provider.
func (cfg *ProviderConfiguration) options(log *slog.Logger) ([]provider.Option, error) {
	origin, err := cfg.origin()
	if err != nil {
		return nil, err
	}
	options := []provider.Option{
		provider.WithoutEnvironment(),
		provider.WithName(name),
		provider.WithLogger(log),
		provider.WithDeadline(milliseconds(cfg.DeadlineMs)),
		provider.WithGracePeriod(time.Duration(max(cfg.RetryGracePeriod, 0)) * time.Second),
	}
	if d := cfg.said.StaleAfter; d != nil {
		options = append(options, provider.WithStaleAfter(*d))
	}
	least, most := cfg.backoff()
	switch {
	case cfg.Resolver == inProcess && cfg.CustomSyncProvider != nil:
		src := &customSync{sync: cfg.CustomSyncProvider, uri: cfg.CustomSyncProviderUri, least: least, most: most, log: log}
		options = append(options, provider.WithSource(src))
	case origin.Mode == environ.File:
		options = append(options, provider.WithFile(origin.Path))
		if d := cfg.said.PollInterval; d != nil {
			options = append(options, provider.WithPollInterval(*d))
		}
	case origin.Mode == environ.SyncStream:
		options = append(options, provider.WithSyncStream(origin.Address), provider.WithProviderID(cfg.ProviderId))
		options = append(options, cfg.remote(log)...)
	default:
		entries, _ := environ.Settings{Cache: environ.Cache(cfg.Cache), MaxCacheSize: &cfg.MaxCacheSize}.CacheEntries()
		options = append(options, provider.WithSidecar(origin.Address), provider.WithCache(entries))
		options = append(options, cfg.remote(log)...)
	}
	return append(options, cfg.more...), nil
}

func (cfg *ProviderConfiguration) origin() (environ.Origin, error) {
	switch cfg.Resolver {
	case rpc, inProcess, file:
	default:
		return environ.Origin{}, fmt.Errorf("resolver %q: there are rpc, in-process and file", cfg.Resolver)
	}
	return environ.Settings{
		Resolver:    environ.Resolver(cfg.Resolver),
		Host:        strings.Trim(cfg.Host, "[]"),
		Port:        cfg.Port,
		SocketPath:  cfg.SocketPath,
		TargetURI:   cfg.TargetUri,
		OfflinePath: cfg.OfflineFlagSourcePath,
	}.Origin()
}

// remote returns the options of modes that speak to a server.
func (cfg *ProviderConfiguration) remote(log *slog.Logger) []provider.Option {
	least, most := cfg.backoff()
	options := []provider.Option{
		provider.WithRetryBackoff(least, most),
		provider.WithSelector(cfg.Selector),
		provider.WithFatalStatusCodes(cfg.statusCodes(log)...),
	}
	if d := cfg.said.StreamDeadline; d != nil {
		options = append(options, provider.WithStreamDeadline(*d))
	}
	if d := cfg.said.KeepAlive; d != nil {
		options = append(options, provider.WithKeepAlive(*d))
	}
	if cfg.Tls {
		options = append(options, provider.WithTLS(provider.TLS{
			CAFile:     cfg.CertPath,
			CertFile:   cfg.said.CertFile,
			KeyFile:    cfg.said.KeyFile,
			ServerName: cfg.said.ServerName,
		}))
	}
	var dial []grpc.DialOption
	if cfg.OtelIntercept {
		dial = append(dial, grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
	}
	return append(options, provider.WithDialOptions(append(dial, cfg.GrpcDialOptionsOverride...)...))
}

// backoff returns the first and the longest wait. Whoever sets one of them so
// that it crosses the other's default means the one that was set.
func (cfg *ProviderConfiguration) backoff() (least, most time.Duration) {
	var s environ.Settings
	if cfg.RetryBackoffMs > 0 {
		s.RetryBackoff = new(milliseconds(cfg.RetryBackoffMs))
	}
	if cfg.RetryBackoffMaxMs > 0 && cfg.RetryBackoffMaxMs != DefaultRetryBackoffMaxMs {
		s.RetryBackoffMax = new(milliseconds(cfg.RetryBackoffMaxMs))
	}
	least, most = s.Backoff(milliseconds(DefaultRetryBackoffMs), milliseconds(DefaultRetryBackoffMaxMs))
	return min(least, most), most
}

// statusCodes returns the fatal status codes that gRPC knows.
func (cfg *ProviderConfiguration) statusCodes(log *slog.Logger) []string {
	var known []string
	for _, code := range cfg.FatalStatusCodes {
		if code = strings.ToUpper(strings.TrimSpace(code)); environ.IsStatusCode(code) {
			known = append(known, code)
		} else if code != "" {
			log.Error("pass over a fatal status code", "err", fmt.Errorf("gRPC has no status code %q", code))
		}
	}
	return known
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// each returns the errors that are joined in err.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}
