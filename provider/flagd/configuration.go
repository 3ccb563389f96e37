package flagd

import (
	"cmp"
	"errors"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/open-feature/flagd/core/pkg/sync"
	"google.golang.org/grpc"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/internal/environ"
)

// A ResolverType is where flags are evaluated: "rpc", "in-process" or "file".
type ResolverType string

// A CacheType is how answers are kept: "lru", "mem" or "disabled". In the
// official provider it has no name that a program could use.
type CacheType string

const (
	// DefaultRetryBackoffMs is the first wait before another attempt, in
	// milliseconds.
	DefaultRetryBackoffMs = 1000

	// DefaultRetryBackoffMaxMs is the longest such wait, in milliseconds, as
	// flagd's specification has it since August 2026. It is 12000 in the official
	// provider.
	DefaultRetryBackoffMaxMs = 5000

	defaultRetryGracePeriod = 10 // in seconds; officially 5
	defaultDeadlineMs       = 500
	defaultHost             = "localhost"
	defaultPort             = 8013
	defaultSyncPort         = 8015
	defaultMaxAttempts      = 5

	rpc       = ResolverType(environ.ResolverRPC)
	inProcess = ResolverType(environ.ResolverInProcess)
	file      = ResolverType(environ.ResolverFile)
)

// A ProviderConfiguration is what options and the environment come to. Its
// fields are those of the official one, and so is what they mean; each is
// explained at its option.
type ProviderConfiguration struct {
	Cache                            CacheType
	CertPath                         string
	EventStreamConnectionMaxAttempts int // no effect
	Host                             string
	MaxCacheSize                     int
	OfflineFlagSourcePath            string
	OtelIntercept                    bool
	Port                             uint16
	TargetUri                        string //nolint:staticcheck // the official name
	Resolver                         ResolverType
	ProviderId                       string //nolint:staticcheck // the official name
	Selector                         string
	SocketPath                       string
	Tls                              bool //nolint:staticcheck // the official name
	CustomSyncProvider               sync.ISync
	CustomSyncProviderUri            string //nolint:staticcheck // the official name
	GrpcDialOptionsOverride          []grpc.DialOption
	RetryGracePeriod                 int // in seconds
	RetryBackoffMs                   int
	RetryBackoffMaxMs                int
	FatalStatusCodes                 []string
	DeadlineMs                       int

	log      *logr.Logger // nil is the official default: errors only, to stderr
	said     environ.Settings
	mistakes error // in the environment
	more     []provider.Option
}

// NewProviderConfiguration returns what opts come to: the defaults, over them
// the environment, over that the options in their order. The error is that of
// a file resolver without a file.
func NewProviderConfiguration(opts []ProviderOption) (*ProviderConfiguration, error) {
	cfg := &ProviderConfiguration{
		Cache:                            CacheType(environ.CacheLRU),
		EventStreamConnectionMaxAttempts: defaultMaxAttempts,
		Host:                             defaultHost,
		MaxCacheSize:                     environ.DefaultCacheSize,
		Resolver:                         rpc,
		RetryGracePeriod:                 defaultRetryGracePeriod,
		RetryBackoffMs:                   DefaultRetryBackoffMs,
		RetryBackoffMaxMs:                DefaultRetryBackoffMaxMs,
		DeadlineMs:                       defaultDeadlineMs,
	}
	cfg.readEnvironment()
	for _, opt := range opts {
		opt(cfg)
	}
	if cfg.Resolver == inProcess && cfg.Port == 0 {
		cfg.Port = cfg.said.SyncPort
	}
	cfg.Port = cmp.Or(cfg.Port, cfg.said.Port)
	if cfg.Resolver == inProcess && cfg.OfflineFlagSourcePath != "" {
		cfg.Resolver = file
	}
	switch {
	case cfg.Port != 0:
	case cfg.Resolver == rpc:
		cfg.Port = defaultPort
	case cfg.Resolver == inProcess:
		cfg.Port = defaultSyncPort
	}
	if cfg.Resolver == file && cfg.OfflineFlagSourcePath == "" {
		return cfg, errors.New("the resolver is file, but no file is named: use WithOfflineFilePath or set FLAGD_OFFLINE_FLAG_SOURCE_PATH")
	}
	return cfg, nil
}

// readEnvironment puts what the environment says over cfg. Ports are left
// alone: as in the official provider, that of the environment counts only if no
// option gave one, wherever FromEnv stands.
func (cfg *ProviderConfiguration) readEnvironment() {
	s, err := environ.Read(os.LookupEnv)
	cfg.said, cfg.mistakes = s, err
	put(&cfg.Host, s.Host)
	put(&cfg.SocketPath, s.SocketPath)
	put(&cfg.TargetUri, s.TargetURI)
	put(&cfg.CertPath, s.CAFile)
	put(&cfg.Tls, s.Secure())
	put(&cfg.Cache, CacheType(s.Cache))
	put(&cfg.Resolver, ResolverType(s.Resolver))
	put(&cfg.OfflineFlagSourcePath, s.OfflinePath)
	put(&cfg.ProviderId, s.ProviderID)
	put(&cfg.Selector, s.Selector)
	putIfSaid(&cfg.MaxCacheSize, s.MaxCacheSize)
	putIfSaid(&cfg.EventStreamConnectionMaxAttempts, s.MaxEventStreamRetries)
	putDuration(&cfg.RetryGracePeriod, s.GracePeriod, time.Second)
	putDuration(&cfg.RetryBackoffMs, s.RetryBackoff, time.Millisecond)
	putDuration(&cfg.RetryBackoffMaxMs, s.RetryBackoffMax, time.Millisecond)
	putDuration(&cfg.DeadlineMs, s.Deadline, time.Millisecond)
	if s.FatalStatusCodes != nil {
		cfg.FatalStatusCodes = s.FatalStatusCodes
	}
}

func put[T comparable](field *T, said T) { *field = cmp.Or(said, *field) }

func putIfSaid(field *int, said *int) {
	if said != nil {
		*field = *said
	}
}

func putDuration(field *int, said *time.Duration, unit time.Duration) {
	if said != nil {
		*field = int(*said / unit)
	}
}
